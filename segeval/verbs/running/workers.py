"""Who scores the cases of a run: threads of this process, or a cluster."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from threading import Event
from typing import TYPE_CHECKING

from segeval.choice import choose
from segeval.errors import ConfigError
from segeval.images.input_rules import InputRules
from segeval.images.named.series import series_finder
from segeval.images.pairing.pairs import Pair
from segeval.measure import MeasureCall
from segeval.options import InputOptions, ScoreOptions
from segeval.scoring.plan import Plan
from segeval.verbs.running.job import Job
from segeval.verbs.running.scored import ScoredPair, deadly, score_pair

if TYPE_CHECKING:
    from segeval.verbs.running.cluster import Cluster

MAX_WORKERS = 4  # more readers than that only wait for one another


def worker_count(options: InputOptions) -> int:
    """How many cases are worked on at a time."""
    return options.workers or min(MAX_WORKERS, os.cpu_count() or 1)


@dataclass(frozen=True, kw_only=True)
class Here:
    """The workers of this process; a `Cluster` has the same."""

    do: Callable[[Pair], ScoredPair]
    n_handed_out: int
    given_up: Event
    n_threads: int = 0  # of a cluster

    def give_up(self) -> None:
        """End what is under way: a case in slabs between two of them, as any other one is done soon."""
        self.given_up.set()


@contextmanager
def workers_of(job: Job, *, keep: bool) -> "Iterator[Here | Cluster[Pair, ScoredPair]]":
    """Who scores the cases: threads of this process, or a cluster.

    Args:
        keep: note the files that were opened for each case.
    """
    options, profile = job.options, job.times is not None
    if options.dask is None:
        given_up = Event()
        do = partial(score_pair, plan=job.plan, rules=job.rules, options=options, keep=keep, profile=profile)
        yield Here(do=partial(do, given_up=given_up), n_handed_out=worker_count(options), given_up=given_up)
        return
    if options.workers:
        raise ConfigError(
            f"--workers {options.workers}: not beside --dask, whose workers are those of the cluster. "
            "Leave --workers out."
        )
    from segeval.verbs.running.cluster import Cluster

    rules = replace(job.rules, at_hand={}, opened={}, finder=series_finder(options.series))  # no image, no cache
    plan = replace(job.plan, measures=())  # each worker has its own formulas
    with Cluster(options.dask, _score_there, plan, rules, options, keep, profile, deadly=deadly) as cluster:
        yield cluster


def _score_there(
    pair: Pair, plan: Plan, rules: InputRules, options: ScoreOptions, keep: bool, profile: bool
) -> ScoredPair:
    own = replace(plan, measures=_formulas(options.measures, options.like))
    return score_pair(pair, own, rules, options, keep=keep, profile=profile)


@lru_cache(maxsize=4)  # of the runs that share a worker
def _formulas(measures: tuple[str, ...], like: tuple[str, ...]) -> tuple[MeasureCall, ...]:
    return choose(measures, like=like).calls
