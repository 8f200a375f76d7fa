"""The marks of a review, read back from the `review.csv` that a page gave."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from segeval.errors import ConfigError
from segeval.files.paths import listed, printable
from segeval.verbs.gate.fractions import MARKS
from segeval.verbs.running.case_table import read_case_table


@dataclass(frozen=True, kw_only=True)
class Mark:
    """What a reviewer said of a case."""

    case_id: str
    mark: str
    comment: str = ""


@dataclass(frozen=True, kw_only=True)
class Review:
    """All marks, the failed cases first.

    Attributes:
        notes: what a reader should know of them.
    """

    marks: tuple[Mark, ...] = ()
    notes: tuple[str, ...] = ()


def read_review(path: Path, case_ids: Iterable[str]) -> Review:
    """The marks of the cases of a run.

    Raises:
        ConfigError: the file cannot be read, has another mark, or speaks of no case of the run.
    """
    table, known = read_case_table(path, what="--review", columns=["reviewed"]), {*case_ids}
    for case, mark in table["reviewed"].items():
        if mark not in ("", *MARKS):
            raise ConfigError(
                f"--review {printable(path)}: {printable(case)} is marked {printable(mark)!r}. "
                f"Write one of {', '.join(MARKS)}, or nothing."
            )
    strangers = sorted(table["reviewed"].keys() - known)
    if len(strangers) == len(table["reviewed"]):
        raise ConfigError(f"--review {printable(path)}: marks no case of this run. Name the review of this run.")
    comments = table.get("comment", {})
    marks = [
        Mark(case_id=case, mark=mark, comment=comments.get(case, ""))
        for case, mark in table["reviewed"].items()
        if case in known and (mark or comments.get(case))
    ]
    order = ("fail", "unsure", "pass", "")
    notes = (f"{printable(path)} marks cases that this run has not: {listed(strangers)}.",) if strangers else ()
    return Review(marks=tuple(sorted(marks, key=lambda mark: (order.index(mark.mark), mark.case_id))), notes=notes)
