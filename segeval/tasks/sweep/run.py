"""Which function answers which sweep."""

import time
from collections.abc import Callable, Mapping
from importlib import import_module
from pathlib import Path

from segeval.errors import ConfigError
from segeval.options import SweepMode, SweepOptions
from segeval.tasks.sweep.check import findings, rows_of
from segeval.tasks.sweep.curves import exp_log_curve, focal_curve
from segeval.tasks.sweep.draw import draw_pictures
from segeval.tasks.sweep.focal import sweep_focal_maps
from segeval.tasks.sweep.focal_cdf import sweep_focal_cdf
from segeval.tasks.sweep.folder import Outcome, write_folder
from segeval.tasks.sweep.maps import ClassMaps, gather, only_class
from segeval.tasks.sweep.papers import papers_of
from segeval.tasks.sweep.reading import read_maps
from segeval.tasks.sweep.table import SweepTable
from segeval.tasks.sweep.tversky import sweep_tversky_maps

OfClasses = Callable[[tuple[ClassMaps, ...], SweepOptions], SweepTable]

_CURVES: Mapping[str, Callable[[SweepOptions], SweepTable]] = {
    "focal_loss": focal_curve,
    "exp_log_loss": exp_log_curve,
}
_OF_CLASSES: Mapping[tuple[str, SweepMode], OfClasses] = {
    ("tversky_loss", "maps"): sweep_tversky_maps,
    ("focal_loss", "maps"): sweep_focal_maps,
    ("focal_loss", "cdf"): sweep_focal_cdf,
}


def run_sweep(
    loss: str | None,
    data: Path | None,
    truth: Path | None,
    options: SweepOptions,
    *,
    sources: Mapping[str, str] | None = None,
) -> Outcome:
    """Sweep, and write what the options ask to be written.

    Raises:
        ConfigError: an option, a name or a path is wrong, or the loss has no such mode.
        DataError: a file cannot be used.
    """
    started = time.perf_counter()
    _check(loss, options)
    table = sweep(loss or "", data, truth, options)
    outcome = Outcome(
        table=table,
        options=options,
        papers=papers_of(table.loss, table.mode) if options.with_paper else (),
        sources=sources or {},
        inputs={"data": data, "truth": truth},
        seconds=time.perf_counter() - started,
    )
    if options.out is not None:
        write_folder(options.out, outcome)
    if options.plot is not None:
        draw_pictures(table.pictures, options.plot)
    return outcome


def sweep(loss: str, data: Path | None, truth: Path | None, options: SweepOptions) -> SweepTable:
    """Tabulate a loss over settings of its parameters.

    Args:
        loss: name or alias, or `losses` to compare several.
        data: probability maps, a folder of runs or a manifest, or images to train on, as the mode wants; with
            neither data nor truth the bundled sample.

    Raises:
        ConfigError: an option, a name or a path is wrong, or the loss has no such mode.
        DataError: a file cannot be used.
    """
    table = _table(_loss_name(loss), data, truth, options)
    wrong = findings(rows_of(table))
    if wrong:
        raise RuntimeError(f"a table of ours contradicts itself: {' '.join(wrong)}")
    return table


def _table(loss: str, data: Path | None, truth: Path | None, options: SweepOptions) -> SweepTable:
    mode = options.mode or "maps"
    if mode in ("runs", "train"):
        return _trained(mode)(loss, data, truth, options)
    if mode == "curve":
        return _curve(loss, data, options)
    if (loss, mode) not in _OF_CLASSES:
        raise ConfigError(f"{loss} has no --{mode}. It is for {_with_mode(mode)}.")
    classes = only_class(gather(read_maps(data, truth, options), binned=options.histogram), options.class_name)
    return _OF_CLASSES[loss, mode](classes, options)


def _trained(mode: SweepMode) -> Callable[..., SweepTable]:
    try:
        module = import_module(f"segeval.tasks.sweep.{mode}")
    except ModuleNotFoundError as error:
        raise ConfigError(f"--{mode} is not there yet. Use --maps.") from error
    return getattr(module, f"sweep_{mode}")


def _curve(loss: str, data: Path | None, options: SweepOptions) -> SweepTable:
    if loss not in _CURVES:
        raise ConfigError(f"{loss} has no --curve: it is no function of one number. It is for {', '.join(_CURVES)}.")
    if data is not None:
        raise ConfigError(f"--curve needs no data, and {data} was named. Leave it out.")
    return _CURVES[loss](options)


def _with_mode(mode: SweepMode) -> str:
    return ", ".join(loss for loss, its_mode in _OF_CLASSES if its_mode == mode)


def _loss_name(loss: str) -> str:
    known = {"tversky_loss", "focal_loss", "exp_log_loss"}
    for name in (loss, f"{loss}_loss"):
        if name in known:
            return name
    raise ConfigError(f"Unknown loss {loss!r}.")


def _check(loss: str | None, options: SweepOptions) -> None:
    """Refuse before any work what could not be shown after it."""
    if loss is None:
        raise ConfigError("Name the loss to sweep: tversky, focal, exp_log, or any that `segeval measures` lists.")
    if options.out is None and options.operating_points:
        raise ConfigError("--operating-points writes a file. Name a folder with --out.")
    if options.out is None and len(options.format) > 1:
        raise ConfigError(
            f"--format {', '.join(options.format)}: one can be printed, several need a folder. Name --out."
        )
