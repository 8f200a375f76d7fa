"""Shards in, the whole run out: the same bytes as if one process had scored all cases."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from segeval.choice import choose
from segeval.errors import ConfigError
from segeval.files.journal import Journal
from segeval.files.ours import RUN_FILE
from segeval.files.paths import printable, require_existing
from segeval.images.input_rules import InputRules
from segeval.options.scoring import HOW_TO_RUN
from segeval.results import CaseScore, Results
from segeval.results.run_folder import SHARD_CASES, RunFolder
from segeval.scoring.plan import Plan
from segeval.verbs.running.job import Job
from segeval.verbs.running.kept import KeptCase, RunRecord, this_version, versions_text
from segeval.verbs.score import finished, in_one_unit

_AGAIN = "Score it again with the same segeval."


@dataclass(frozen=True, kw_only=True)
class Shard:
    """The folder that `segeval score --shard` wrote: which part it is of which run."""

    path: Path
    index: int
    n: int
    record: RunRecord
    journal: Journal
    versions: Mapping[str, str]

    @property
    def case_ids(self) -> tuple[str, ...]:
        """The cases that it has to have."""
        return self.record.case_ids[self.index :: self.n]


def merge(runs: Sequence[Path], *, out: Path) -> Results:
    """Join the shards of a run, and write its tables to `out`.

    Raises:
        ConfigError: a folder is no shard, shards are of different runs, overlap or are missing, or `out` cannot be
            written.
        DataError: as for the whole run.
    """
    shards = [read_shard(path) for path in runs]
    _refuse_others(shards)
    job = _job_of(shards[0].record, out)
    with RunFolder.open(out, formats=job.options.format) as folder:
        scores = (job.pool.take(score) for score in in_one_unit(_scores_of(shards), job))
        results = finished(list(scores), job)
        results = replace(results, facts={**results.facts, "versions": shards[0].versions})  # which took part
        folder.write(results)
    return results


def read_shard(path: Path) -> Shard:
    """Read what a folder is a shard of.

    Raises:
        ConfigError: it is none, it is of another version, or a case is missing in it.
    """
    require_existing(path, what="shard")
    try:
        document: Any = json.loads((path / RUN_FILE).read_text(encoding="utf-8"))
        index, n = map(int, document["shard"].split("/"))
        is_shard = document["tool"] == "segeval" and document["kind"] == "shard"
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        is_shard = False
    if not is_shard:
        raise ConfigError(
            f"{printable(path)}: is no finished shard. Name folders that `segeval score --shard I/N` wrote; "
            "one that was killed goes on with --resume."
        )
    journal = Journal.read(path / SHARD_CASES)
    if not isinstance(journal.header, RunRecord) or journal.header.version != this_version():
        found = document.get("versions")
        version = versions_text(found) if isinstance(found, dict) else "another version"
        raise ConfigError(f"{printable(path)}: was scored by {version}, and this is {this_version()}. {_AGAIN}")
    shard = Shard(path=path, index=index, n=n, record=journal.header, journal=journal, versions=document["versions"])
    lost = [case_id for case_id in shard.case_ids if case_id not in journal.places]
    if lost:
        raise ConfigError(f"{printable(path)}: has no case {printable(lost[0])}, which is of its shard. {_AGAIN}")
    return shard


def _refuse_others(shards: Sequence[Shard]) -> None:
    """Refuse shards that are not, each once, all those of one run."""
    first = shards[0]
    for shard in shards[1:]:
        unlike = _unlike(first, shard)
        if unlike:
            raise ConfigError(
                f"{printable(shard.path)}: its {unlike} is not that of {printable(first.path)}, and shards of "
                "different plans have no sum. Score all shards in the same way."
            )
    places: dict[int, Path] = {}
    for shard in shards:
        before = places.setdefault(shard.index, shard.path)
        if before is not shard.path:
            raise ConfigError(
                f"{printable(before)} and {printable(shard.path)}: both are shard {shard.index}/{shard.n}, whose cases "
                "would count twice. Name one of them."
            )
    missing = [f"{index}/{first.n}" for index in range(first.n) if index not in places]
    if missing:
        raise ConfigError(
            f"Shard {', '.join(missing[:5])}{' and more' if len(missing) > 5 else ''} is missing: "
            f"{len(shards)} of {first.n} are named. Name all of them."
        )


def _unlike(first: Shard, other: Shard) -> str:
    """What tells two shards from parts of one run; empty where nothing does."""
    if first.n != other.n:
        return f"number of shards ({other.n}, not {first.n})"
    mine, theirs = first.record, other.record
    for name in vars(mine.options):
        if name not in HOW_TO_RUN and getattr(mine.options, name) != getattr(theirs.options, name):
            return f"option {name}"
    if (mine.pred, mine.truth, mine.case_ids) != (theirs.pred, theirs.truth, theirs.case_ids):
        return "list of cases"
    return "" if mine == theirs else "plan"


def _scores_of(shards: Sequence[Shard]) -> Iterator[CaseScore]:
    """The scores in the order of the whole run, each read at its turn."""
    by_index = {shard.index: shard for shard in shards}
    for place, case_id in enumerate(shards[0].record.case_ids):
        shard = by_index[place % len(shards)]
        kept = shard.journal.get(case_id)
        if not isinstance(kept, KeptCase):
            raise ConfigError(f"{printable(shard.path)}: case {printable(case_id)} is damaged in it. {_AGAIN}")
        yield kept.score


def _job_of(record: RunRecord, out: Path) -> Job:
    """The job of the whole run, as it was found by the shards, without a look at the images."""
    choice = choose(record.options.measures, like=record.options.like)
    plan = Plan(
        measures=choice.calls,
        shown=choice.shown,
        notes=choice.notes,
        empty_distance=record.options.empty_distance,
        labels=record.labels,
        form=record.form,
        engine="torch" if record.engine == "torch" else "numpy",
        device=record.device,
    )
    return Job(
        options=replace(record.options, out=out, shard=None, resume=False),
        plan=plan,
        rules=InputRules(labels=record.labels),
        pred=record.pred,
        truth=record.truth,
        sources=record.sources,
        notes=record.notes,
    )
