"""Can this gate fail? Degrade the predictions of the run in known ways, and see which rules trip."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from segeval.evidence.case import Case
from segeval.images.cases import read_case
from segeval.results.csv_tables import jsonable
from segeval.results.run_json import run_document
from segeval.results.stored_runs import StoredRun, read_stored_run, stored_run_of
from segeval.scoring.evaluate import evaluate
from segeval.verbs.again import job_again
from segeval.verbs.gate.gating import GateOptions, gate_run
from segeval.verbs.gate.verdict import GateReport
from segeval.verbs.running.job import Job
from segeval.verbs.score import finished

PASSED, CANNOT_FAIL, INCONCLUSIVE = 0, 1, 4


@dataclass(frozen=True, kw_only=True)
class Degraded:
    """One way to spoil every prediction, and what each rule said of it."""

    name: str
    what: str
    outcomes: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class SelfTest:
    """What each rule says of the run as it is, and of every degraded one."""

    original: Mapping[str, str]
    degradations: tuple[Degraded, ...]

    @property
    def rules(self) -> list[str]:
        """Every rule that gave a verdict on the run as it is."""
        return list(self.original)

    @property
    def never_tripped(self) -> list[str]:
        """Rules that no degradation made fail or warn."""
        return [rule for rule in self.rules if not any(one.outcomes.get(rule) in _TRIPPED for one in self.degradations)]

    @property
    def exit_code(self) -> int:
        """0 where something trips, 1 where nothing does, 4 where the run itself does not pass."""
        if any(outcome in ("fail", "inconclusive") for outcome in self.original.values()):
            return INCONCLUSIVE
        return CANNOT_FAIL if len(self.never_tripped) == len(self.rules) else PASSED

    @property
    def conclusion(self) -> str:
        """One sentence."""
        return {
            PASSED: "The gate passes this run and can fail.",
            CANNOT_FAIL: "This gate did not fail for any of these predictions: its limits are too loose to be of use.",
            INCONCLUSIVE: "The run as it is does not pass, so the gate cannot be tested with it.",
        }[self.exit_code]


_TRIPPED = ("fail", "warn")


def selftest(run: Path, options: GateOptions) -> SelfTest:
    """Score the predictions of the run again, degraded, and hold each against the rules.

    Raises:
        ConfigError: the run does not say what it scored, or its files have gone.
        DataError: a file of the run can no longer be scored.
    """
    stored = read_stored_run(run)
    cases, job = _cases_of(stored)
    return SelfTest(
        original=_outcomes(gate_run(stored, options)),
        degradations=tuple(
            Degraded(
                name=name,
                what=(spoil.__doc__ or "").partition("\n")[0],
                outcomes=_outcomes(gate_run(_scored(cases, spoil, job, stored.path), options)),
            )
            for name, spoil in DEGRADATIONS.items()
        ),
    )


def _outcomes(report: GateReport) -> dict[str, str]:
    return {verdict.name: verdict.outcome for verdict in report.verdicts}


def _cases_of(stored: StoredRun) -> tuple[list[Case], Job]:
    """The cases of the run, read again as its plan says."""
    pairs, job = job_again(stored.plan, stored.inputs, path=stored.path)
    return [read_case(pair, job.rules) for pair in pairs], job


def _scored(cases: Sequence[Case], spoil: Callable[[np.ndarray], np.ndarray], job: Job, path: Path) -> StoredRun:
    scores = [evaluate(replace(case, pred=spoil(np.asarray(case.pred)), probs=None), job.plan) for case in cases]
    return stored_run_of(jsonable(run_document(finished(scores, job))), path=path)


def erode(pred: np.ndarray) -> np.ndarray:
    """Every structure loses its outermost layer of voxels."""
    kept = np.ones(pred.shape, dtype=bool)
    padded = np.pad(pred, 1)
    for axis in range(pred.ndim):
        for step in (0, 2):
            window = tuple(slice(step, step + n) if a == axis else slice(1, 1 + n) for a, n in enumerate(pred.shape))
            kept &= padded[window] == pred
    return np.where(kept, pred, 0).astype(pred.dtype)


def shift(pred: np.ndarray) -> np.ndarray:
    """Every prediction lies three voxels off along its first axis."""
    moved = np.roll(pred, 3, axis=0)
    moved[:3] = 0
    return moved


def drop(pred: np.ndarray) -> np.ndarray:
    """The smallest class of every prediction is missing."""
    ids, counts = np.unique(pred[pred != 0], return_counts=True)
    return pred if not ids.size else np.where(pred == ids[np.argmin(counts)], 0, pred).astype(pred.dtype)


def relabel(pred: np.ndarray) -> np.ndarray:
    """The two largest classes of every prediction have changed their names; a single one is gone."""
    ids, counts = np.unique(pred[pred != 0], return_counts=True)
    if not ids.size:
        return pred
    first, second = [*ids[np.argsort(-counts, kind="stable")], 0][:2]
    swapped = np.where(pred == first, second, pred)
    return np.where((pred == second) & (second != 0), first, swapped).astype(pred.dtype)


DEGRADATIONS = {"erode": erode, "shift": shift, "drop": drop, "relabel": relabel}
