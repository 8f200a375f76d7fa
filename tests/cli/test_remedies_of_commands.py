"""What commands say of options that do not go together, and of rules of a gate, leads to a known number."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from segeval import sample
from tests.cli.given import Done, Run, write_image
from tests.cli.remedies import (
    EVEN,
    FLAT,
    FLAT_PRED,
    FOUND,
    OLD,
    ON_DICE,
    ROW,
    SCORE,
    Way,
    boxes,
    follow,
    images,
    numbers_of,
    pair,
    printed,
    rules,
    runs,
    soft,
    text,
)

pytestmark = pytest.mark.slow  # of several runs each

COMPARED = printed(r"1 dice ([\d.]+) ([\d.]+) ([-+\d.]+)")


def on_page(number: str, page: str = "old/report.html") -> Callable[[Done], list[float]]:
    """A number that stands on the page of a report, as a reader sees it."""

    def read(_: Done) -> list[float]:
        text = Path(page).read_text(encoding="utf-8")
        return [float(one) for one in re.findall(rf">\s*({re.escape(number)})", text)[:1]]

    return read


SITES = ("--by", "site", "--case-table", "t.csv")
TABLES = ("a.csv", "b.csv")


def tables() -> None:
    """Two tools' tables of the same images, of which the second calls IoU Dice."""
    images()
    text("a.csv", "case,dice\na,0.66667\nb,0.66667\n")
    text("b.csv", "case,dice\na,0.50000\nb,0.50000\n")


ALL_ARE = r"{}.csv: dice \(2 numbers\): (\d) of (\d) are {}"
DIFFER = printed(f"{ALL_ARE.format('a', 'dice')}.*{ALL_ARE.format('b', 'iou')}")
TWO_BY_TWO = {
    "groups of three runs": Way(
        given=lambda: (runs(), text("t.csv", "case,site\na,x\nb,x\n")),
        first=("compare", "old", "new", "old", *SITES),
        says="Compare them two by two",
        then=(("compare", "old", "new", *SITES),),
        read=COMPARED,
        right=(0.667, 0.833, 0.167),
    ),
    "tables without images": Way(
        given=tables,
        first=("compare", *TABLES),
        says="segeval compare A.csv B.csv --images PRED TRUTH",
        then=(("compare", *TABLES, "--images", "pred", "truth"),),
        read=DIFFER,
        right=(2, 2, 2, 2),
    ),
    "a value against a table": Way(
        given=tables,
        first=("explain", "pred", "truth", "--value", "0.667", "--against", "b.csv"),
        says="segeval explain A.csv PRED TRUTH --against B.csv",
        then=(("explain", "a.csv", "pred", "truth", "--against", "b.csv"),),
        read=DIFFER,
        right=(2, 2, 2, 2),
    ),
    "no run for a gate": Way(
        given=runs,
        first=("gate",),
        says="Name the folder that `segeval score` wrote",
        then=(("gate", "old", "--fail-under", "dice:mean=0.5"),),
        read=printed(FOUND),
        right=(0.667,),
    ),
    "rules that are there already, deleted": Way(
        given=lambda: (runs(), text("g.yaml", "mine")),
        first=("gate", "old", "--init", "g.yaml"),
        says="is there already. Delete it",
        mend=lambda: Path("g.yaml").unlink(),
        then=(("gate", "old", "--init", "g.yaml"), ("gate", "old", "-c", "g.yaml")),
        read=printed(FOUND),
        right=(0.667,),
    ),
    "rules that are there already, under another name": Way(
        given=lambda: (runs(), text("g.yaml", "mine")),
        first=("gate", "old", "--init", "g.yaml"),
        says="or give --init another name",
        then=(("gate", "old", "--init", "h.yaml"), ("gate", "old", "-c", "h.yaml")),
        read=printed(FOUND),
        right=(0.667,),
    ),
    "definitions of all measures": Way(
        given=lambda: None,
        first=("measures", "--definitions"),
        says="segeval measures NAME --definitions",
        then=(("measures", "dice", "--definitions"),),
        read=printed(r"metrics-reloaded – (\d) (\d) (\d)"),
        right=(1, 0, 0),
    ),
    "pictures on the page of two runs": Way(
        given=runs,
        first=("report", "old", "new", "--worst", "2"),
        says="--worst: has no place on the page of 2 runs. Leave it out here",
        then=(("report", "old", "new"),),
        read=on_page("0.833", "report.html"),
        right=(0.833,),
    ),
    "fewer pictures than none": Way(
        given=runs,
        first=("report", "old", "--worst", "-1"),
        says="It must be 0 (no pictures) or a number of cases",
        then=(("report", "old", "--worst", "0"),),
        read=on_page("0.667"),
        right=(0.667,),
    ),
    "greys the wrong way round": Way(
        given=runs,
        first=("report", "old", "--worst", "1", "--window", "240,-160"),
        says="write the lowest and the highest grey, such as -160,240",
        then=(("report", "old", "--worst", "1", "--window", "-160,240"),),
        read=on_page("0.667"),
        right=(0.667,),
    ),
    "a page of a part": Way(
        given=images,
        first=(*OLD, "--shard", "0/1", "--html"),
        says="Report what `segeval merge` joins",
        then=((*OLD, "--shard", "0/1"), ("merge", "old", "--out", "whole"), ("report", "whole")),
        read=on_page("0.667", "whole/report.html"),
        right=(0.667,),
    ),
}


def maps() -> None:
    images()
    for name in "ab":
        write_image(Path("maps", f"{name}.nii.gz"), soft())


CHECKED = ("sweep", "--check-table", "t.csv")
SWEEPS = {
    "two modes": Way(
        given=maps,
        first=("sweep", "tversky", "maps", "truth", *EVEN, "--maps", "--curve"),
        says="Keep one of them",
        then=(("sweep", "tversky", "maps", "truth", *EVEN, "--maps"),),
        read=printed(ROW),
        right=(0.5, 0.5, 0.667),
    ),
    "values beside a table that is checked": Way(
        given=lambda: text("t.csv", "name,dice,iou\nx,0.80,0.90\n"),
        first=(*CHECKED, "--grid", "alpha=1"),
        says="--grid changes nothing beside --check-table. Leave it out",
        then=(CHECKED,),
        read=printed(r"IoU (0\.\d) is above Dice (0\.\d)"),
        right=(0.9, 0.8),
        code=1,
    ),
}
BASED = ("--baseline", "old")
REVIEWED = ("--case-table", "t.csv")


def judged(says: str, wrong: str, right: str, *more: Any, found: float = 0.667) -> Way:
    """A rule on the runs that is wrong, and the one that the message names."""

    def given() -> None:
        runs()
        rules(wrong)
        text("t.csv", "case,reviewed,site\na,pass,x\nb,pass,x\n")

    command = ("gate", "old", "-c", "g.yaml", *more)
    read = printed(r"pass r0 .*? ([-\d.]+) [≥≤]")
    return Way(given=given, first=command, says=says, mend=lambda: rules(right), read=read, right=(found,))


SHARE = f"{ON_DICE}, max_fraction: {{worse_by: 0.05, of_cases: 0.9}}"
RULES = {
    "a share of two things": judged(
        "Give one of them",
        f"{ON_DICE}, max_fraction: {{worse_by: 0.05, reviewed: fail, of_cases: 0.9}}",
        SHARE,
        *BASED,
        found=0.0,
    ),
    "marks of a measure": judged(
        "Leave out measure and class",
        f"{ON_DICE}, max_fraction: {{reviewed: fail, of_cases: 0.9}}",
        "max_fraction: {reviewed: fail, of_cases: 0.9}",
        *REVIEWED,
        found=0.0,
    ),
    "limits that leave nothing": judged(
        "min 0.9 lies above max 0.5, so nothing can pass. Swap them",
        "measure: relative_volume_difference, class: '1', min: 0.9, max: 0.5",
        "measure: dice, class: '1', min: 0.5, max: 0.9",
    ),
    "groups of pooled values": judged(
        "Leave out by", f"{ON_DICE}, stat: pooled, min: 0.5, by: site", f"{ON_DICE}, stat: pooled, min: 0.5", *REVIEWED
    ),
    "groups of pooled values, of means": judged(
        "or gate another stat",
        f"{ON_DICE}, stat: pooled, min: 0.5, by: site",
        f"{ON_DICE}, stat: mean, min: 0.5, by: site",
        *REVIEWED,
    ),
    "one bound of two limits": judged(
        "Write one rule for min and one for max",
        f"{ON_DICE}, min: 0.5, max: 0.9, bound: ci_lower",
        f"{ON_DICE}, min: 0.5",
    ),
    "a class in a switch": judged("does not fit", "measure: dice, class: true, min: 0.5", f"{ON_DICE}, min: 0.5"),
}

CASES = ("--labels", "1=x", "--confidences", "c.csv")
MEASURES = {
    "a knob of training": Way(
        given=pair,
        first=(*SCORE, "-m", "dice,focal_loss(detach_modulator=true)"),
        says="Leave it out; a training takes it from segeval.losses",
        then=((*SCORE, "-m", "dice,focal_loss"),),
    ),
    "two measures of one name": Way(
        given=pair,
        first=(*SCORE, "-m", "nsd(tolerance_mm=1:1),nsd(tolerance_mm=1:2)"),
        says="Drop one of them",
        then=((*SCORE, "-m", "nsd(tolerance_mm=1:2)"),),
        read=numbers_of("scores.csv", "nsd(tolerance_mm=per_class)"),
        right=(1.0,),
    ),
    "a knob that this measure does not read": Way(
        given=lambda: (boxes(), text("c.csv", "case,class,instance,confidence\na,x,1,0.9\na,x,2,0.5\n")),
        first=(*SCORE, "-m", "instance_accuracy(matching=hungarian)", "--labels", "1=x"),
        says="matching changes nothing. Leave it out",
        then=((*SCORE, "-m", "instance_accuracy", "--labels", "1=x"),),
        read=numbers_of("scores.csv", "instance_accuracy"),
        right=(1 / 3,),  # of two true boxes one is found, beside a false alarm
    ),
}


def option(says: str, wrong: tuple[Any, ...], right: tuple[Any, ...], **more: Any) -> Way:
    """An option of `score` that cannot be, and what its message names."""
    first, then = ((*SCORE, "-m", "dice", *each) for each in (wrong, right))
    return Way(**{"given": pair, "first": first, "says": says, "then": (then,), **more})


def named(truth: str) -> tuple[Any, ...]:
    return ("score", "pred", truth, "-m", "dice", "--bootstrap", 0)


def flat() -> None:
    pair(FLAT_PRED, FLAT, name="a.png")


OPTIONS = {
    "a policy with a slip": option("Did you mean 'worst'?", ("--missing", "wurst"), ("--missing", "worst")),
    "a policy that there is not": option("not one of skip, worst", ("--undefined", "none"), ("--undefined", "skip")),
    "lengths in words": option("Write it as 0.5,0.5,3", ("--spacing", "a,b"), ("--spacing", "0.5,0.5"), given=flat),
    "lengths of nothing": option("hold lengths in mm", ("--spacing", "0,0"), ("--spacing", "1,1"), given=flat),
    "less than no corner": option("be 0 or more voxels", ("--geometry-tol", "-1"), ("--geometry-tol", "0")),
    "a level above all": option("such as 0.95", ("--ci-level", "2"), ("--ci-level", "0.95")),
    "less memory than the program": option(
        "be more than 150MiB", ("--max-memory", "1MiB"), ("--max-memory", "151MiB", "--workers", "1")
    ),
    "a part that there is not": option(
        "be I/N with I from 0 to N - 1", ("--shard", "1/1"), ("--shard", "0/1"), read=lambda _: [2 / 3]
    ),
    "a device that is not there": option("Use --device cpu", ("--device", "cuda:7"), ("--device", "cpu")),
    "numpy on a GPU": option(
        "or --device cpu", ("--engine", "numpy", "--device", "cuda"), ("--engine", "numpy", "--device", "cpu")
    ),
    "a path that is not there": option(
        "Did you mean 'truth'?",
        (),
        (),
        first=named("trut"),
        then=((*SCORE, "-m", "dice"),),
    ),
    "a link that leads nowhere": option(
        "Mend it",
        (),
        (),
        given=lambda: (pair(), Path("link").symlink_to("gone")),
        mend=lambda: (Path("link").unlink(), Path("link").symlink_to("truth")),
        first=named("link"),
        then=(),
    ),
    "a link that leads nowhere, by its file": option(
        "or name the file itself",
        (),
        (),
        given=lambda: (pair(), Path("link").symlink_to("gone")),
        first=named("link"),
        then=((*SCORE, "-m", "dice"),),
    ),
    "a path too long to be one": option(
        "Name another",
        (),
        (),
        first=named("x" * 5000),
        then=((*SCORE, "-m", "dice"),),
    ),
}
WAYS = {
    f"{kind}: {what}": way
    for kind, ways in {
        "command": TWO_BY_TWO,
        "sweep": SWEEPS,
        "rule": RULES,
        "measure": MEASURES,
        "option": OPTIONS,
    }.items()
    for what, way in ways.items()
}


SLOW = ("command: tables without images", "command: a value against a table")


@pytest.mark.parametrize("what", [pytest.param(one, marks=pytest.mark.slow) if one in SLOW else one for one in WAYS])
def test_what_a_command_says_of_its_options_leads_to_the_right_number(run: Run, what: str) -> None:
    follow(run, WAYS[what])


def test_without_the_sample_a_sweep_of_own_folders_goes_on(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sample, "_PLACES", ())
    way = Way(
        given=maps,
        first=("sweep", "tversky", *EVEN),
        says="Name two folders of your own instead",
        then=(("sweep", "tversky", "maps", "truth", *EVEN),),
        read=printed(ROW),
        right=(0.5, 0.5, 0.667),
    )
    follow(run, way)
