"""Which function answers which sweep."""

import time
from collections.abc import Callable, Collection, Mapping
from importlib import import_module
from pathlib import Path

from segeval.errors import ConfigError
from segeval.options import SweepMode, SweepOptions
from segeval.tasks.sweep.check import findings, rows_of
from segeval.tasks.sweep.curves import exp_log_curve, focal_curve
from segeval.tasks.sweep.draw import draw_pictures
from segeval.tasks.sweep.exp_log import sweep_exp_log_maps
from segeval.tasks.sweep.focal import sweep_focal_maps
from segeval.tasks.sweep.focal_cdf import sweep_focal_cdf
from segeval.tasks.sweep.folder import Outcome, write_folder
from segeval.tasks.sweep.generic import sweep_any_maps
from segeval.tasks.sweep.grid import read_grid
from segeval.tasks.sweep.losses import SEVERAL, find_loss
from segeval.tasks.sweep.maps import ClassMaps, gather, only_class
from segeval.tasks.sweep.papers import papers_of
from segeval.tasks.sweep.reading import read_maps
from segeval.tasks.sweep.settings import EXP_LOG, FOCAL, PRICES
from segeval.tasks.sweep.table import SweepTable
from segeval.tasks.sweep.tversky import sweep_tversky_maps

OfClasses = Callable[[tuple[ClassMaps, ...], SweepOptions], SweepTable]

_CURVES: Mapping[str, Callable[[SweepOptions], SweepTable]] = {
    "focal_loss": focal_curve,
    "exp_log_loss": exp_log_curve,
}
# sweeps of their own, as long as no other parameter is named
_OWN: Mapping[tuple[str, SweepMode], tuple[Collection[str], OfClasses]] = {
    ("tversky_loss", "maps"): (PRICES, sweep_tversky_maps),
    ("focal_loss", "maps"): (FOCAL, sweep_focal_maps),
    ("focal_loss", "cdf"): (("gamma",), sweep_focal_cdf),
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
    mode = options.mode or "maps"
    name = loss if loss == SEVERAL and mode in ("runs", "train") else find_loss(loss).name
    table = _table(name, mode, data, truth, options)
    wrong = findings(rows_of(table))
    if wrong:
        raise RuntimeError(f"a table of ours contradicts itself: {' '.join(wrong)}")
    return table


def _table(loss: str, mode: SweepMode, data: Path | None, truth: Path | None, options: SweepOptions) -> SweepTable:
    if mode in ("runs", "train"):
        return _trained(mode)(loss, data, truth, options)
    if mode == "curve":
        return _curve(loss, data, options)
    if mode == "cdf" and loss != "focal_loss":
        raise ConfigError(f"{loss} has no --cdf. It is for focal_loss.")
    cases, named = read_maps(data, truth, options), read_grid(options.grid).keys()
    if (loss, mode) == ("exp_log_loss", "maps") and named <= {*EXP_LOG}:
        return sweep_exp_log_maps(cases, options)
    classes = only_class(gather(cases, binned=options.histogram), options.class_name)
    if (loss, mode) in _OWN and named <= {*_OWN[loss, mode][0]}:
        return _OWN[loss, mode][1](classes, options)
    return sweep_any_maps(find_loss(loss), classes, options)


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
