"""`segeval.score` for programs: paths, arrays or tensors in, results out."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields
from difflib import get_close_matches
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

from segeval.core.case import Case
from segeval.engine.evaluate import evaluate
from segeval.errors import ConfigError, DataError
from segeval.io.cases import case_of
from segeval.io.run_folder import RunFolder
from segeval.io.volumes import Volume, read_volume
from segeval.options import ScoreOptions
from segeval.results import Results
from segeval.settings import checked
from segeval.tasks.job import Job
from segeval.tasks.score import finished, make_plan, reading_of, score_folders

Masks = Any  # a path, an array or tensor, a sequence of them, or a mapping from case id to them


def score(pred: Masks = None, truth: Masks = None, **options: Any) -> Results:
    """Score predictions against their truth.

    Args:
        pred: a folder or file; or an integer array or tensor (2-D or 3-D); or several files, arrays or
            tensors, as a sequence or as a mapping from case id.
        truth: the same for the true masks.
        options: as in `segeval.options.ScoreOptions`: `measures=["dice"]`, `labels={1: "liver"}`,
            `spacing=(0.8, 0.8, 3.0)` in mm and array axis order, `out="results"` to write the tables, and so on.

    Raises:
        ConfigError: an option, a name or a path is wrong.
        DataError: a case cannot be scored.
    """
    chosen = checked(_options(options))
    sources = dict.fromkeys(options, "library call")
    if all(one is None or isinstance(one, str | PathLike) for one in (pred, truth)):
        return score_folders(pred and Path(pred), truth and Path(truth), chosen, sources=sources)
    job = Job(options=chosen, plan=make_plan(chosen), sources=sources)
    results = finished([evaluate(case, job.plan) for case in _cases(pred, truth, job)], job)
    if chosen.out is not None:
        RunFolder.open(chosen.out).write(results, formats=chosen.format)
    return results


def _options(given: Mapping[str, Any]) -> ScoreOptions:
    from segeval.config import fitted

    types = {field.name: field.type for field in fields(ScoreOptions)}
    for name in given:
        if name not in types:
            near = get_close_matches(name, types, n=1)
            help = f"Did you mean {near[0]!r}?" if near else f"The options are: {', '.join(types)}."
            raise ConfigError(f"There is no option {name!r}. {help}")
    return ScoreOptions(**{name: fitted(_plain(value), types[name], where=name) for name, value in given.items()})


def _plain(value: Any) -> Any:
    """Numbers of numpy as those of Python, whatever holds them."""
    match value:
        case np.ndarray() | np.generic():
            return value.tolist()
        case Mapping():
            return {_plain(key): _plain(one) for key, one in value.items()}
        case list() | tuple():
            return [_plain(one) for one in value]
    return value


def _cases(pred: Masks, truth: Masks, job: Job) -> Iterator[Case]:
    preds, truths = _by_id(pred), _by_id(truth)
    if preds.keys() != truths.keys():
        alone = ", ".join(sorted(map(str, preds.keys() ^ truths.keys())))
        raise DataError(f"Each prediction needs its truth: {alone} stands alone.")
    reading = reading_of(job.options, job.plan.labels)
    for case_id in truths:
        sides = {"pred": preds[case_id], "truth": truths[case_id]}
        volumes = {side: _volume(mask, f"{case_id} ({side})") for side, mask in sides.items()}
        yield case_of(case_id, pred=volumes["pred"], truth=volumes["truth"], reading=reading)


def _by_id(masks: Masks) -> dict[str, Any]:
    if isinstance(masks, Mapping):
        return {str(name): one for name, one in masks.items()}
    if isinstance(masks, Sequence) and not isinstance(masks, str):
        width = len(str(max(len(masks) - 1, 0)))
        return {f"case_{i:0{width}}": one for i, one in enumerate(masks)}
    return {"case": masks}


def _volume(mask: Any, name: str) -> Volume:
    """A mask as if it had been read from a file of that name."""
    if isinstance(mask, str | PathLike):
        return read_volume(Path(mask))
    array = mask.detach().cpu().numpy() if hasattr(mask, "detach") else np.asarray(mask)
    if array.dtype.kind not in "biuf" or array.ndim not in (2, 3) or not array.size:
        raise DataError(
            f"{name}: {array.dtype} of shape {array.shape}. "
            "Give class ids in two or three dimensions, one array per case."
        )
    return Volume(path=Path(name), array=array)
