"""Which function answers which sweep."""

from collections.abc import Callable, Mapping
from pathlib import Path

from segeval.errors import ConfigError
from segeval.options import SweepMode, SweepOptions
from segeval.tasks.sweep.check import findings, rows_of
from segeval.tasks.sweep.curves import exp_log_curve, focal_curve
from segeval.tasks.sweep.focal import sweep_focal_maps
from segeval.tasks.sweep.focal_cdf import sweep_focal_cdf
from segeval.tasks.sweep.maps import ClassMaps, gather, only_class
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
    name = _loss_name(loss)
    table = _table(name, data, truth, options)
    wrong = findings(rows_of(table))
    if wrong:
        raise RuntimeError(f"a table of ours contradicts itself: {' '.join(wrong)}")
    return table


def _table(loss: str, data: Path | None, truth: Path | None, options: SweepOptions) -> SweepTable:
    mode = options.mode or "maps"
    if mode == "runs":
        from segeval.tasks.sweep.runs import sweep_runs

        return sweep_runs(loss, data, truth, options)
    if mode == "train":
        from segeval.tasks.sweep.train import sweep_train

        return sweep_train(loss, data, truth, options)
    if mode == "curve":
        return _curve(loss, data, options)
    if (loss, mode) not in _OF_CLASSES:
        raise ConfigError(f"{loss} has no --{mode}. It is for {_with_mode(mode)}.")
    classes = only_class(gather(read_maps(data, truth, options), binned=options.histogram), options.class_name)
    return _OF_CLASSES[loss, mode](classes, options)


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
