"""`segeval.score` for programs: paths, arrays or tensors in, results out."""

import time
from collections.abc import Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

from segeval.core.case import Case
from segeval.engine.evaluate import evaluate
from segeval.errors import ConfigError, DataError
from segeval.options import ScoreOptions
from segeval.results import Results
from segeval.settings import checked
from segeval.tasks.score import finished, make_plan, score_folders

Masks = Any  # a path, an array or tensor, a sequence of them, or a mapping from case id to them


def score(pred: Masks, truth: Masks, *, out: Path | str | None = None, **options: Any) -> Results:
    """Score predictions against their truth.

    Args:
        pred: a folder or file; or an integer array or tensor (2-D or 3-D); or several, as a sequence
            or as a mapping from case id.
        truth: the same for the true masks.
        out: a folder for the tables, as `segeval score` writes them; only for paths.
        options: as in `segeval.options.ScoreOptions`: `measures=["dice"]`, `labels={1: "liver"}`,
            `spacing=(0.8, 0.8, 3.0)` in mm and array axis order, and so on.

    Raises:
        ConfigError: an option, a name or a path is wrong.
        DataError: a case cannot be scored.
    """
    chosen = checked(_options(options))
    if isinstance(pred, str | PathLike) and isinstance(truth, str | PathLike):
        return score_folders(Path(pred), Path(truth), chosen, out=Path(out) if out is not None else None)
    if out is not None:
        raise ConfigError("`out` goes with paths. Arrays are returned as results, which hold the same tables.")
    started = time.perf_counter()
    plan = make_plan(chosen)
    scores = [evaluate(case, plan) for case in _cases(pred, truth, chosen)]
    return finished(scores, plan, chosen, (), started, complete=True)


def _options(options: dict[str, Any]) -> ScoreOptions:
    """Lists may stand for tuples, and a single measure or id for a tuple of one."""
    several = {"measures", "ignore_label", "format"}
    values: dict[str, Any] = {
        name: (value,) if name in several and isinstance(value, str | int) else value for name, value in options.items()
    }
    values = {name: tuple(value) if isinstance(value, list) else value for name, value in values.items()}
    try:
        return ScoreOptions(**values)
    except TypeError as error:
        known = ", ".join(ScoreOptions.__dataclass_fields__)
        raise ConfigError(f"{error}. The options are: {known}.") from error


def _cases(pred: Masks, truth: Masks, options: ScoreOptions) -> list[Case]:
    preds, truths = _by_id(pred), _by_id(truth)
    if preds.keys() != truths.keys():
        alone = ", ".join(sorted(map(str, preds.keys() ^ truths.keys())))
        raise DataError(f"Each prediction needs its truth: {alone} stands alone.")
    return [_case(name, preds[name], truths[name], options) for name in truths]


def _by_id(masks: Masks) -> dict[str, Any]:
    if isinstance(masks, Mapping):
        return {str(name): one for name, one in masks.items()}
    if isinstance(masks, Sequence) and not isinstance(masks, str):
        width = len(str(max(len(masks) - 1, 0)))
        return {f"case_{i:0{width}}": one for i, one in enumerate(masks)}
    return {"case": masks}


def _case(case_id: str, pred: Any, truth: Any, options: ScoreOptions) -> Case:
    pred, truth = _labels(case_id, "pred", pred), _labels(case_id, "truth", truth)
    if tuple(pred.shape) != tuple(truth.shape):
        raise DataError(
            f"{case_id}: shape {tuple(pred.shape)} of the prediction differs from truth {tuple(truth.shape)}."
        )
    if options.spacing is not None and len(options.spacing) != truth.ndim:
        raise ConfigError(f"{case_id}: spacing {options.spacing} has not one length for each of {truth.ndim} axes.")
    return Case(case_id=case_id, pred=pred, truth=truth, spacing_mm=options.spacing)


def _labels(case_id: str, side: str, labels: Any) -> Any:
    """An integer array; a tensor stays a tensor on its device for the torch engine."""
    array = labels if hasattr(labels, "detach") else np.asarray(labels)
    if array.dtype in (bool, np.bool_) or str(array.dtype) == "torch.bool":
        array = array.astype(np.uint8) if isinstance(array, np.ndarray) else array.byte()
    kind = array.dtype.kind if isinstance(array, np.ndarray) else ("f" if array.dtype.is_floating_point else "i")
    if kind not in "iu" or array.ndim not in (2, 3):
        raise DataError(
            f"{case_id}: the {side} is {array.dtype} of shape {tuple(array.shape)}. "
            "Give integer ids in two or three dimensions, one array per case."
        )
    return array
