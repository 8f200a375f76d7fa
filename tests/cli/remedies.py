"""A way out that a message offers, and what comes of it when it is followed."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.cli.given import Done, Run, rows_of

Read = Callable[[Done], Sequence[float]]


def numbers_of(file: str, column: str, **where: str) -> Read:
    """The cells of a column of a table of the run, of the rows that fit; `class_` stands for `class`."""

    def read(_: Done) -> list[float]:
        wanted = {name.rstrip("_"): value for name, value in where.items()}
        rows = rows_of(Path("segeval-results", file) if "/" not in file else Path(file))
        return [float(row[column] or "nan") for row in rows if all(row[key] == one for key, one in wanted.items())]

    return read


def scores(column: str = "dice") -> Read:
    return numbers_of("scores.csv", column)


DICE = scores()


def printed(pattern: str) -> Read:
    """The numbers that the groups of a pattern find in what was printed."""

    def read(done: Done) -> list[float]:
        found = re.search(pattern, " ".join((done.out + done.err).split()))
        assert found, (pattern, done.out, done.err)
        return [float(one) for one in found.groups()]

    return read


@dataclass(frozen=True, kw_only=True)
class Way:
    """A command whose message offers something, and the commands that follow it.

    Attributes:
        given: writes the files.
        first: the command.
        says: what its message offers.
        mend: what is to be done to the files.
        then: the commands of the remedy; the last one gives the numbers.
        read: the numbers, by what is printed or written.
        right: what they are, by hand.
        code: of the last command.
        refused: whether the first command fails.
    """

    given: Callable[[], object]
    first: tuple[Any, ...]
    says: str
    then: tuple[tuple[Any, ...], ...] = ()
    mend: Callable[[], object] = lambda: None
    read: Read = DICE
    right: tuple[float, ...] = (2 / 3,)
    code: int = 0
    refused: bool = True


def follow(run: Run, way: Way) -> None:
    """Do what the message says, and hold its numbers against the right ones."""
    way.given()
    first = run(*way.first)
    assert way.says in " ".join((first.err + first.out).split())
    assert (first.code not in (0, 4)) == way.refused
    way.mend()
    for command in way.then or (way.first,):
        done = run(*command)
    assert done.code == way.code, done.err
    assert list(way.read(done)) == pytest.approx(way.right, nan_ok=True, abs=1e-9)
