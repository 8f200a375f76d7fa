"""Three runs or more: who is first, by three ways to rank, and how stable that is."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from segeval.measure import Better
from segeval.results.stored_runs import read_stored_run
from segeval.statistics import ranking
from segeval.statistics.ranking import Ranking, aggregate_then_rank, rank_then_aggregate, ranking_stability
from segeval.verbs.compare.two import shared_keys
from segeval.verbs.gate.comparable import refuse_if_incomparable, refuse_if_unfinished, run_table, with_names_of
from segeval.verbs.gate.table import Column, Resampling, as_matrix, shared_cases

RESAMPLES = 1000  # each ranks all runs anew

Ranker = Callable[[np.ndarray], Ranking]


@dataclass(frozen=True, kw_only=True)
class RankedMeasure:
    """The runs ranked by one measure of one class, in one way.

    Attributes:
        by: what each run was ranked by: a mean, a mean rank, or a number of significant wins.
        ranks: 1 is best; ties share their mean rank.
        first: share of the resamples in which each run is first.
        tau: mean Kendall's tau-b between this ranking and those of the resamples.
        beats: of `test_then_rank`: for each run, whether it is significantly better than each other one.
    """

    class_name: str
    measure: str
    method: str
    n: int
    by: tuple[float, ...]
    ranks: tuple[float, ...]
    first: tuple[float, ...]
    tau: float
    beats: tuple[tuple[bool, ...], ...] = ()


@dataclass(frozen=True, kw_only=True)
class RankedRuns:
    """All rankings of the same runs."""

    runs: tuple[str, ...]
    rankings: tuple[RankedMeasure, ...]


def rank(runs: Sequence[Path], *, measures: Sequence[str] = (), seed: int = 0) -> RankedRuns:
    """Rank runs over the cases that all of them have.

    Args:
        measures: column names to rank by; by default the headline ones that every run has.

    Raises:
        ConfigError: a run cannot be read, they may not be compared, or they share nothing.
        UnfinishedError: a run was interrupted.
    """
    last = read_stored_run(runs[-1])
    stored = [with_names_of(read_stored_run(path), last) for path in runs]
    for run in stored:
        refuse_if_unfinished(run)
    tables = [run_table(one) for one in stored]
    keys = shared_keys(tables, measures)
    for one in stored[:-1]:
        refuse_if_incomparable(last, one, measures=[measure for _, measure in keys], min_paired=1)
    how = Resampling(seed=seed, resamples=RESAMPLES)
    rankings = [ranked for key in keys for ranked in _rankings([table.columns[key] for table in tables], how)]
    return RankedRuns(runs=_names(runs), rankings=tuple(rankings))


def _rankings(columns: Sequence[Column], how: Resampling) -> list[RankedMeasure]:
    case_ids = shared_cases(*([column] for column in columns))
    scores = as_matrix(columns, case_ids)
    better = columns[0].better
    rankers: dict[str, Ranker] = {
        "aggregate_then_rank": partial(aggregate_then_rank, better=better),
        "rank_then_aggregate": partial(rank_then_aggregate, better=better),
        "test_then_rank": partial(ranking.test_then_rank, better=better),
    }
    return [_ranked(columns[0], scores, case_ids, name, ranker, how) for name, ranker in rankers.items()]


def _ranked(
    column: Column, scores: np.ndarray, case_ids: Sequence[str], method: str, ranker: Ranker, how: Resampling
) -> RankedMeasure:
    found = ranker(scores)
    stability = ranking_stability(scores, rank=ranker, draws=how.draws(case_ids))
    return RankedMeasure(
        class_name=column.class_name,
        measure=column.measure,
        method=method,
        n=len(case_ids),
        by=tuple(map(float, found.by)),
        ranks=tuple(map(float, found.ranks)),
        first=tuple(map(float, stability.first)),
        tau=stability.mean_tau,
        beats=_beats(scores, column.better) if method == "test_then_rank" else (),
    )


def _beats(scores: np.ndarray, better: Better) -> tuple[tuple[bool, ...], ...]:
    return tuple(tuple(map(bool, row)) for row in ranking.significant_wins(scores, better=better))


def _names(runs: Sequence[Path]) -> tuple[str, ...]:
    """Short names of the folders, whole paths where they would be alike."""
    short = [path.name or str(path) for path in runs]
    return tuple(short if len(set(short)) == len(short) else map(str, runs))
