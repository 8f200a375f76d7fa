"""Remedies about runs that are read back: damaged ones, those of other tools, and shards."""

import csv
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.cli.given import Run, rows_of
from tests.cli.remedies import NN, OLD, Way, changed, follow, numbers_of, printed, score, text

pytestmark = pytest.mark.slow  # of several runs each

JUDGED = printed(r"(?:pass|fail|inconclusive) \S+ (?:\[\S+\] )?dice .*? ([-\d.]+) [≥≤]")


def gate(run: str, *more: Any) -> tuple[Any, ...]:
    return ("gate", run, "--fail-under", "dice:mean=0.5", *more)


def cells(row: int = 0, **to: str) -> None:
    """The table of scores with other cells in a row."""
    rows = rows_of(Path("old/scores.csv"))
    rows[row] |= {name.rstrip("_"): cell for name, cell in to.items()}
    with Path("old/scores.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, [*rows[0]])
        writer.writeheader()
        writer.writerows(rows)


def lines(change: Callable[[list[str]], list[str]]) -> None:
    """The table of scores with other lines."""
    path = Path("old/scores.csv")
    path.write_text("\n".join(change(path.read_text().splitlines())) + "\n")


def damaged(says: str, damage: Callable[[], object], *, first: tuple[Any, ...] = gate("old"), **more: Any) -> Way:
    """A run that is not as it was written, and the same scored again."""
    return Way(
        **{
            "given": damage,
            "first": first,
            "says": says,
            "then": (OLD, first),
            "read": JUDGED,
            "right": (0.667,),
            **more,
        }
    )


def table(says: str, mend: Callable[[], object] | None = None, **to: str) -> Way:
    """A cell of a table of scores that is none, and the cell or the table as it should be."""
    first = gate("old/scores.csv")
    ways = {"mend": mend, "then": (first,)} if mend is not None else {}
    return damaged(says, lambda: cells(**to), first=first, **ways)


def of_old(change: Callable[[Any], object]) -> Callable[[], None]:
    return lambda: changed("old/run.json", change)


def version_1(document: dict[str, Any]) -> None:
    document["schema_version"] = 1
    document["tables"] = {"scores": [1]}


def summary(says: str, change: Callable[[dict[str, Any]], object], then: tuple[Any, ...] = (), **more: Any) -> Way:
    """A summary of nnU-Net that is none, and the one that an evaluation writes again."""
    first = gate("nn/summary.json")
    return damaged(
        says,
        lambda: changed("nn/summary.json", lambda document: change(document["metric_per_case"])),
        first=first,
        **{"then": then or (NN, first), **more},
    )


STORED = {
    "resamples in words": damaged(
        "its resamples are no numbers. Score again", of_old(lambda one: one.update(resamples={"dice": {"1": "many"}}))
    ),
    "tables of version 1": damaged("its tables are damaged. Score again", of_old(version_1)),
    "a value that cannot be": damaged(
        "this is not what `segeval score` writes: dice of a is 7", of_old(lambda one: one["scores"][0].update(dice=7))
    ),
    "a pooled value that cannot be": damaged(
        "The file was edited or damaged: score again",
        of_old(lambda one: [row.update(pooled=7) for row in one["summary"]]),
    ),
    "a row twice": damaged("has two rows of a and 1", of_old(lambda one: one["scores"].append(one["scores"][0]))),
    "levels without end": damaged(
        "Score again into another folder",
        lambda: text("old/run.json", '{"a":' * 100_000),
        then=(score("again"), gate("again")),
    ),
    "levels without end, another run": damaged(
        "or name another run", lambda: text("old/run.json", '{"a":' * 100_000), then=(gate("new"),), right=(0.833,)
    ),
    "another document": damaged(
        "Name a folder that `segeval score` wrote",
        lambda: text("d.json", "{}"),
        first=gate("d.json"),
        then=(gate("old"),),
    ),
    "no JSON for a page": Way(
        given=lambda: text("d.json", "{"),
        first=("report", "d.json"),
        says="Name a folder that `segeval score` wrote",
        then=(("report", "old", "-o", "page.html"),),
        read=lambda _: [float("0.667" in Path("page.html").read_text())],
        right=(1.0,),
    ),
    "another document for a page": Way(
        given=lambda: text("d.json", "{}"),
        first=("report", "d.json"),
        says="is no run of `segeval score`. Name a folder that it wrote",
        then=(("report", "old", "-o", "page.html"),),
        read=lambda _: [float("0.667" in Path("page.html").read_text())],
        right=(1.0,),
    ),
    "a table without rows": damaged(
        "holds no row of scores. Score again",
        lambda: lines(lambda rows: rows[:1]),
        first=gate("old/scores.csv"),
    ),
    "a row of a table twice": damaged(
        "Keep one of them",
        lambda: lines(lambda rows: [*rows, rows[-1]]),
        first=gate("old/scores.csv"),
        mend=lambda: lines(lambda rows: rows[:-1]),
        then=(gate("old/scores.csv"),),
    ),
    "an id that is none": table("label 'one' is no id. Score again", label="one"),
    "a cell that is none": table("'good' is no number. Score again", dice="good"),
    "a cell that is mended": table("or mend the cell", lambda: cells(dice="0.6666667"), dice="good"),
    "a decimal comma": table("Write decimals with a point", lambda: cells(dice="0.6666667"), dice="0,6666667"),
    "a summary without files": summary(
        "Evaluate again", lambda one: one[0].update(prediction_file="", reference_file="")
    ),
    "a summary without files, another": summary(
        "or name another summary",
        lambda one: one[0].update(prediction_file="", reference_file=""),
        then=(score("other", "--format", "nnunet"), gate("other/summary.json")),
    ),
    "a summary without metrics": summary(
        "holds no metrics by class. Evaluate again", lambda one: one[0].pop("metrics")
    ),
    "a summary in words": summary(
        "is no number. Evaluate again", lambda one: one[0]["metrics"]["1"].update(Dice="good")
    ),
    "a summary in percent": summary(
        "outside 0..1. Evaluate again", lambda one: one[0]["metrics"]["1"].update(Dice=66.7)
    ),
    "a summary with a case twice": summary(
        "stands twice. Keep one entry",
        lambda one: one.append(one[0]),
        mend=lambda: changed("nn/summary.json", lambda document: document["metric_per_case"].pop()),
        then=(gate("nn/summary.json"),),
    ),
}


@pytest.mark.parametrize("what", STORED)
@pytest.mark.usefixtures("scored_runs")
def test_what_is_said_of_a_stored_run_leads_to_the_right_number(run: Run, what: str) -> None:
    follow(run, STORED[what])


def shards(n: int = 2, *more: Any, pred: str = "pred", out: str = "s") -> tuple[tuple[Any, ...], ...]:
    return tuple(score(f"{out}{i}", "--shard", f"{i}/{n}", *more, pred=pred) for i in range(n))


MERGE = ("merge", "s0", "s1", "-o", "whole")
JOINED = numbers_of("whole/scores.csv", "dice")


def merged(
    says: str, *given: tuple[Any, ...], then: tuple[tuple[Any, ...], ...], mend: Callable[[], object] = lambda: None
) -> tuple[tuple[tuple[Any, ...], ...], Way]:
    """Commands that leave shards which are not those of one run, and the shards scored as the message says."""
    way = Way(given=mend, first=MERGE, says=says, then=(*then, MERGE), read=JOINED, right=(2 / 3, 2 / 3))
    return given, way


def lost() -> None:
    """The second shard lacks its case."""
    path = Path("s1/cases.jsonl")
    path.write_bytes(path.read_bytes().replace(b'"ok"', b'"no"', 1))


SAME = "Score all shards in the same way"
AGAIN = "Score it again with the same segeval"
MERGED = {
    "shards of another number": merged(
        SAME, shards()[0], score("s1", "--shard", "1/3"), then=(score("s1", "--shard", "1/2"),)
    ),
    "shards of other measures": merged(
        f"its option measures is not that of s0, and shards of different plans have no sum. {SAME}",
        shards()[0],
        score("s1", "--shard", "1/2", measures="iou"),
        then=(shards()[1],),
    ),
    "shards of other predictions": merged(
        f"its list of cases is not that of s0, and shards of different plans have no sum. {SAME}",
        shards()[0],
        shards(pred="nearer")[1],
        then=(shards()[1],),
    ),
    "a shard that lacks a case": merged(AGAIN, *shards(), then=(shards()[1],), mend=lost),
}


@pytest.mark.parametrize("what", MERGED)
@pytest.mark.usefixtures("scored_runs")
def test_what_is_said_of_shards_leads_to_the_right_number(run: Run, what: str) -> None:
    given, way = MERGED[what]
    for command in given:
        assert run(*command).code == 0
    follow(run, way)


@pytest.mark.usefixtures("scored_runs")
def test_shards_of_another_version_are_scored_again(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as earlier:
        earlier.setattr("segeval.__version__", "0.0.1")
        for command in shards():
            run(*command)
    _, way = merged(f"was scored by segeval 0.0.1 with numpy {np.__version__}", then=shards())
    follow(run, way)


@pytest.mark.usefixtures("scored_runs")
def test_a_shard_with_a_damaged_case_is_scored_again(run: Run) -> None:
    """A case that its journal names and cannot be read, as where a disk fails between two looks."""
    for command in shards():
        run(*command)
    _, way = merged(AGAIN, then=(shards()[1],))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("segeval.files.journal.Journal.get", lambda *_: None)
        assert "is damaged in it" in run(*way.first).err
        follow(run, replace(way, mend=patch.undo))
