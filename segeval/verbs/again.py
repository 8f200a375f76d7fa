"""The files of a stored run, to be read again as its plan says."""

from collections.abc import Mapping
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

from segeval.errors import ConfigError
from segeval.files.paths import printable
from segeval.images.pairing.pairs import Pair
from segeval.options import ScoreOptions
from segeval.verbs.running.job import Job
from segeval.verbs.score import make_job


def job_again(plan: Mapping[str, Any], inputs: Mapping[str, str | None], *, path: Path) -> tuple[list[Pair], Job]:
    """The pairs that a run scored, and its job without anything to be written.

    Args:
        plan: of its `run.json`.
        inputs: likewise.
        path: of the run, for messages.

    Raises:
        ConfigError: the run does not say what it scored, or its files have gone.
        DataError: its files are no longer those of one run.
    """
    if not plan or not any((*inputs.values(), plan.get("pairs"))):
        raise ConfigError(f"{printable(path)}: does not say which files it scored. Name a run of `segeval score`.")
    options = replace(_options_of(plan), bootstrap=0, out=None, case_table=None, by=())
    pred, truth = (Path(side) if (side := inputs.get(name)) else None for name in ("pred", "truth"))
    job, pairs = make_job(pred, truth, options)
    return [pair for pair in pairs.pairs if pair.pred is not None and pair.truth is not None], job


def _options_of(plan: Mapping[str, Any]) -> ScoreOptions:
    """The options that a `run.json` holds, with its lists as tuples and its paths as paths."""
    known = {option.name for option in fields(ScoreOptions)}
    values: dict[str, Any] = {name: value for name, value in plan.items() if name in known}
    values |= {name: tuple(value) for name, value in values.items() if isinstance(value, list)}
    if values.get("pairs"):
        values["pairs"] = Path(values["pairs"])
    return ScoreOptions(**values)
