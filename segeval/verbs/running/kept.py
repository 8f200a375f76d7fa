"""What a run keeps of each case: enough to go on from there after a kill, or to join the cases of several runs."""

import hashlib
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path

import numpy as np

import segeval
from segeval.evidence.labels import LabelMap
from segeval.evidence.probabilities.channels import Form
from segeval.files.journal import Journal
from segeval.files.lossless import text_of_record
from segeval.images.named.series import SeriesFinder
from segeval.images.pairing.pairs import Pair
from segeval.images.readers.streams import Opened
from segeval.options import ScoreOptions
from segeval.options.scoring import HOW_TO_RUN
from segeval.results import CaseScore
from segeval.verbs.running.job import Job

# what is done with the scores of cases, and so changes none of them
_AFTERWARDS = ("ci_level", "bootstrap", "seed", "undefined", "format", "mixed_units", "keep_going")


@dataclass(frozen=True, kw_only=True)
class RunRecord:
    """What a run was asked to do. Two are equal where a case has the same score in both.

    Attributes:
        how: digest of all that a score depends on beside the files of its case.
        case_ids: of the whole run, in order; a shard scores some of them.
        labels, form, engine, device: as in `segeval.scoring.plan.Plan`.
    """

    version: str
    how: str
    options: ScoreOptions = field(compare=False)
    sources: Mapping[str, str] = field(compare=False)
    pred: Path | None = field(compare=False)
    truth: Path | None = field(compare=False)
    notes: tuple[str, ...] = field(compare=False)
    case_ids: tuple[str, ...] = field(compare=False)
    labels: LabelMap = field(compare=False)
    form: Form | None = field(compare=False)
    engine: str = field(compare=False)
    device: str = field(compare=False)

    @classmethod
    def of_job(cls, job: Job, case_ids: Sequence[str]) -> "RunRecord":
        """The record of a run before its first case."""
        plan, defaults = job.plan, ScoreOptions()
        same = {name: getattr(defaults, name) for name in (*HOW_TO_RUN, *_AFTERWARDS, "device")}
        measures = [(call.column, call.measure.formula, repr(call.all_knobs)) for call in plan.measures]
        finder = SeriesFinder(folder=job.rules.finder.folder)  # without what it has seen
        rules = replace(
            job.rules, first_prediction=None, at_hand={}, opened={}, finder=finder, slab_bytes=None, forms={}
        )
        where = plan.device.partition(":")[0]
        how = (replace(job.options, **same), measures, rules, plan.labels, plan.form, plan.overlaps, plan.engine, where)
        return cls(
            version=this_version(),
            how=hashlib.sha256(text_of_record(how).encode()).hexdigest(),
            options=job.options,
            sources=dict(job.sources),
            pred=job.pred,
            truth=job.truth,
            notes=job.notes,
            case_ids=tuple(case_ids),
            labels=plan.labels,
            form=plan.form,
            engine=plan.engine,
            device=plan.device,
        )


@dataclass(frozen=True, kw_only=True)
class FileState:
    """What a file held when its case was scored."""

    path: Path
    size: int
    digest: str

    @property
    def is_same(self) -> bool:
        """Whether it holds the same bytes now; its time of change says nothing of them."""
        try:
            return self.path.stat().st_size == self.size and _digest(self.path) == self.digest
        except OSError:
            return False


@dataclass(frozen=True, kw_only=True)
class KeptCase:
    """The score of a case, its pair, and every file that was opened for it."""

    pair: Pair
    files: tuple[FileState, ...]
    score: CaseScore

    @classmethod
    def of_score(cls, pair: Pair, opened: Opened, score: CaseScore) -> "KeptCase | None":
        """None where a file was changed in the meantime, so that nobody knows what was scored."""
        states = []
        for path, status in opened.items():
            state = FileState(path=path, size=status.st_size, digest=_digest(path))
            now = path.stat()
            if (now.st_size, now.st_mtime_ns) != (status.st_size, status.st_mtime_ns):
                return None
            states.append(state)
        row = replace(score.row, digest=_joined(state.digest for state in states))
        return cls(pair=pair, files=tuple(states), score=replace(score, row=row))


@dataclass(kw_only=True)
class Earlier:
    """The cases that a killed run finished, as far as they are the same now.

    Attributes:
        n_taken: cases whose score was there.
        n_again: cases that were there too, but are not the same now, or had failed.
    """

    journal: Journal
    is_same_run: bool
    n_taken: int = 0
    n_again: int = 0

    def score_of(self, pair: Pair) -> CaseScore | None:
        """The score of a case; None where it has to be scored."""
        kept = self.journal.get(pair.case_id) if self.is_same_run else None
        if not isinstance(kept, KeptCase) or kept.pair != pair or kept.score.row.status == "failed":
            return None
        return kept.score if all(file.is_same for file in kept.files) else None

    def count(self, case_id: str, *, taken: bool) -> None:
        """Count a case that was or was not taken."""
        self.n_taken += taken
        self.n_again += not taken and case_id in self.journal.places


def this_version() -> str:
    """What computes the numbers: this package, and the one that it counts and sums with."""
    return versions_text({"segeval": segeval.__version__, "numpy": np.__version__})


def versions_text(versions: Mapping[str, str]) -> str:
    """The two as a message names them."""
    return f"segeval {versions.get('segeval')} with numpy {versions.get('numpy')}"


def digest_of_all(opened: Opened) -> str:
    """One digest of the bytes that some files hold now, wherever they lie and in whatever order they were opened."""
    return _joined(map(_digest, opened))


def _joined(digests: Iterable[str]) -> str:
    return hashlib.sha256("".join(sorted(digests)).encode()).hexdigest()


def _digest(path: Path) -> str:
    if path.is_dir():  # a part of an image that is a folder, from which nothing may come or go
        return hashlib.sha256(os.fsencode("\0".join(sorted(child.name for child in path.iterdir())))).hexdigest()
    now = path.stat()
    return _digest_of_file(path, now.st_size, now.st_mtime_ns, now.st_ctime_ns)


@lru_cache(maxsize=16)
def _digest_of_file(path: Path, *_: int) -> str:
    """Once for all images of one file; its time of change, which nobody can set back, tells whether it is the same."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
