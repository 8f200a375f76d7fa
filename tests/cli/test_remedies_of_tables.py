"""Remedies about lists of files, tables of cases and classes, values of options and stored runs."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.cli.given import Run, write_image
from tests.cli.remedies import (
    PRED,
    SCORE,
    TRUTH,
    TWO,
    TWO_PRED,
    Way,
    follow,
    numbers_of,
    pair,
    printed,
    soft,
    text,
    two,
)

DICE = (*SCORE, "-m", "dice")
LIVER = (*DICE, "--labels", "1=liver,2=spleen")
BOTH = (2 / 3, 1.0)
LISTED = ("score", "--pairs", "p.csv", "-m", "dice", "--bootstrap", 0)
WHOLE = "case,pred,truth\na,pred/a.nii.gz,truth/a.nii.gz\n"


def option(
    says: str, first: tuple[Any, ...], then: tuple[Any, ...], *, given: Callable[[], object] = pair, **more: Any
) -> Way:
    """An option that cannot be, and one that the message names."""
    return Way(**{"given": given, "first": (*SCORE, *first), "says": says, "then": ((*SCORE, *then),), **more})


def listed(says: str, wrong: str) -> Way:
    """A list of pairs that is not whole, and one that is."""
    return Way(given=lambda: (pair(), text("p.csv", wrong)), first=LISTED, says=says, mend=lambda: text("p.csv", WHOLE))


def classes(
    says: str, wrong: str, right: str = "1: liver\n2: spleen\n", name: str = "l.yaml", then: str = "l.yaml"
) -> Way:
    return Way(
        given=lambda: (two(), text(name, wrong)),
        first=(*DICE, "--labels", name),
        says=says,
        mend=lambda: text(then, right),
        then=((*DICE, "--labels", then),),
        right=BOTH,
    )


def by_site(says: str, wrong: str, column: str = "site") -> Way:
    """Groups of a table that is not whole, and of one that is."""
    asked = (*DICE, "--case-table", "t.csv", "--by")
    return Way(
        given=lambda: (pair(), text("t.csv", wrong)),
        first=(*asked, column),
        says=says,
        mend=lambda: text("t.csv", "case,site\na,x\n"),
        then=((*asked, "site"),),
    )


def organs(side: str, ids: np.ndarray) -> None:
    """Files that are called like organs, and hold two ids each."""
    for name in ("liver", "spleen"):
        write_image(Path(side, "s1", f"{name}.nii.gz"), ids)


LABELS = {
    "an id that is ignored, too": option(
        "Drop it from one of the two",
        ("-m", "dice", "--labels", "1=liver,2=spleen", "--ignore-label", 2),
        ("-m", "dice", "--labels", "1=liver,2=spleen"),
        given=two,
        right=BOTH,
    ),
    "a region of no class": option(
        "Known ids: 1, 2",
        ("-m", "dice", "--labels", "1=liver,2=spleen", "--regions", "all=1+5"),
        ("-m", "dice", "--labels", "1=liver,2=spleen", "--regions", "all=1+2"),
        given=two,
        right=(*BOTH, 2 * 288 / (144 + 144 + 2 * 192)),
    ),
    "a name of nothing": classes("has an empty name. Give it one", "1: liver\n2: ''\n"),
    "a list for a name": classes("Names are text", "1: [liver]\n2: spleen\n"),
    "JSON of another kind": classes(
        "write labels of your own as YAML", '{"1": "liver", "2": "spleen"}', name="l.json", then="l.yaml"
    ),
    "ids in words": option(
        "write what each id of predictions is in the truth, such as 2=1,3=2",
        ("-m", "dice", "--pred-ids", "two"),
        ("-m", "dice", "--pred-ids", "2=1"),
        given=lambda: pair(PRED * 2),
    ),
    "a table of colours that is not there": option(
        "Known are", ("-m", "dice", "--colors", "none"), ("-m", "dice"), given=pair
    ),
    "files of several ids in folders": Way(
        given=lambda: [organs(*side) for side in (("pred", TWO_PRED), ("truth", TWO))],
        first=DICE,
        says="If each file is a case, pass --pred-pattern '{case}.nii.gz' --truth-pattern '{case}.nii.gz'",
        then=((*DICE, "--pred-pattern", "{case}.nii.gz", "--truth-pattern", "{case}.nii.gz"),),
        right=BOTH * 2,
    ),
}
PAIRS = {
    "no headings": listed("It must name the columns", "a,pred/a.nii.gz,truth/a.nii.gz\n"),
    "a comma in a name": listed("Quote names with commas", WHOLE.replace("\na,", "\na,b,")),
    "a case without a name": listed("Give the case a name of its own", WHOLE.replace("\na,", "\n,")),
    "a case without a file": listed("Fill in pred or truth", WHOLE + "b,,\n"),
    "a folder for a list": Way(
        given=lambda: (pair(), Path("p.csv").mkdir()),
        first=LISTED,
        says="this is a folder. Name a CSV file",
        mend=lambda: (Path("p.csv").rmdir(), text("p.csv", WHOLE)),
    ),
    "a pattern that ends in nothing": option(
        "it must end like an image file",
        ("-m", "dice", "--pred-pattern", "{case}"),
        ("-m", "dice", "--pred-pattern", "{case}.nii.gz"),
    ),
    "a table without cases": by_site("Write a row per case", "case,site\n"),
    "a table with a case twice": by_site("has two rows. Keep one", "case,site\na,x\na,y\n"),
    "a table without the column": by_site("Its columns: site", "case,site\na,x\n", column="hospital"),
    "a table without the case": by_site("Add a row", "case,site\nb,x\n"),
}
EMPTY = np.zeros_like(TRUTH)
VALUES = {
    "a distance in words": option(
        "Use inf, nan, diagonal or a number of mm",
        ("-m", "hd", "--empty-distance", "far"),
        ("-m", "hd", "--empty-distance", "7.5"),
        given=lambda: pair(EMPTY),
        read=numbers_of("scores.csv", "hd"),
        right=(7.5,),
    ),
    "memory without a unit": option(
        "Write it as 2GiB or 500MB", ("-m", "dice", "--max-memory", "lots"), ("-m", "dice", "--max-memory", "2GiB")
    ),
    "a part in words": Way(
        given=pair,
        first=(*DICE, "--shard", "first", "-o", "s"),
        says="Write it as 0/10",
        then=((*DICE, "--shard", "0/1", "-o", "s"), ("merge", "s", "-o", "whole")),
        read=numbers_of("whole/scores.csv", "dice"),
    ),
    "a device that is none": option(
        "Use auto, cpu, cuda or cuda:1", ("-m", "dice", "--device", "tpu"), ("-m", "dice", "--device", "cpu")
    ),
    "a measure that does not close": option("Write a name, or name(knob=value,...)", ("-m", "dice("), ("-m", "dice")),
    "a knob without a value": option(
        "Write knobs as name=value",
        ("-m", "fbeta(2)"),
        ("-m", "fbeta(beta=1)"),
        read=numbers_of("scores.csv", "fbeta(beta=1)"),
    ),
    "a knob that there is not": option(
        "Its knobs: beta",
        ("-m", "fbeta(gamma=1)"),
        ("-m", "fbeta(beta=1)"),
        read=numbers_of("scores.csv", "fbeta(beta=1)"),
    ),
    "a file for a folder": option(
        "Name another with --out",
        ("-m", "dice", "-o", "f"),
        ("-m", "dice", "-o", "g"),
        given=lambda: (pair(), text("f", "")),
        read=numbers_of("g/scores.csv", "dice"),
    ),
}


def run_with(change: Callable[[Any], object]) -> None:
    """The run of `old`, with something else in its file."""
    path = Path("old/run.json")
    document = json.loads(path.read_text())
    change(document)
    path.write_text(json.dumps(document))


JUDGED = ("gate", "old", "--fail-under", "dice:mean=0.5")
FOUND = printed(r"pass \S+ (?:\[\S+\] )?\w+ .*? ([-\d.]+) [≥≤]")


def stored(says: str, damage: Callable[[], object], out: str = "old") -> Way:
    """A run that was damaged, and the same scored again."""
    return Way(
        given=damage,
        first=JUDGED,
        says=says,
        then=((*DICE, "-o", out), ("gate", out, *JUDGED[2:])),
        read=FOUND,
        right=(0.667,),
    )


STORED = {
    "another version": stored("or score again", lambda: run_with(lambda one: one.update(schema_version=99))),
    "no such form": stored("Score again", lambda: run_with(lambda one: one.pop("cases"))),
    "cut JSON": stored("Score again into another folder", lambda: Path("old/run.json").write_text('{"schema'), "again"),
    "a published number in words": Way(
        given=lambda: None,
        first=("explain", "pred", "truth", "--value", "much"),
        says="Write it as it was published, such as 0.83",
        then=(("explain", "pred", "truth", "--value", "0.667", "-m", "dice"),),
        read=printed(r"value \((\d) number\): (\d) of 1 are dice"),
        right=(1.0, 1.0),
    ),
}

MAPS = ("sweep", "tversky", "maps", "truth", "--grid")
ROWS = printed(r"([\d.]+) ([\d.]+) [\d.]+ 0\.900 0\.333 ([\d.]+) ")


def grid(says: str, first: tuple[str, ...], then: tuple[str, ...] = ("alpha=0.5", "--sum-to-one")) -> Way:
    def given() -> None:
        pair()
        write_image(Path("maps", "a.nii.gz"), soft())

    return Way(
        given=given, first=(*MAPS, *first), says=says, then=((*MAPS, *then),), read=ROWS, right=(0.5, 0.5, 0.667)
    )


GRIDS = {
    "no values": grid("write name=values", ("alpha",)),
    "a parameter that there is not": grid("It has: alpha, beta", ("gamma=0.5",)),
    "a range that falls": grid("must rise from start to stop", ("alpha=0.9:0.5:0.1", "--sum-to-one")),
    "no price on any error": grid("Raise one", ("alpha=0", "--grid", "beta=0"), ("alpha=0.5", "--grid", "beta=0.5")),
    "values of two lengths": grid(
        "needs as many values of each parameter",
        ("alpha=0.5,0.6", "--grid", "beta=0.5", "--zip"),
        ("alpha=0.5", "--grid", "beta=0.5", "--zip"),
    ),
    "a price out of range": grid("must be", ("alpha=-1", "--grid", "beta=0.5"), ("alpha=0.5", "--grid", "beta=0.5")),
}
WAYS = {
    f"{kind}: {what}": way
    for kind, ways in {"labels": LABELS, "pairs": PAIRS, "values": VALUES, "grid": GRIDS}.items()
    for what, way in ways.items()
}


@pytest.mark.parametrize("what", WAYS)
def test_what_is_said_of_a_table_or_a_value_leads_to_the_right_number(run: Run, what: str) -> None:
    follow(run, WAYS[what])


@pytest.mark.parametrize("what", STORED)
def test_what_is_said_of_a_stored_run_leads_to_the_right_number(run: Run, what: str) -> None:
    pair()
    assert run(*DICE, "-o", "old").code == 0
    follow(run, STORED[what])
