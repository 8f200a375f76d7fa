"""Remedies about two runs and about what a run is looked at with: baselines, reviews, pages, and tables of others."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.cli.given import Run, write_image
from tests.cli.remedies import NEARER, OLD, PRED, TRUTH, Way, changed, follow, printed, score, text, words

pytestmark = pytest.mark.slow  # of several runs each

CHANGED = printed(r"dice change of mean \+?([-\d.]+)")
SIDES = printed(r"1 dice ([\d.]+) ([\d.]+) [-+]?([\d.]+)")


def rules(text_of_rules: str) -> None:
    text("g.yaml", f"schema_version: 1\n{text_of_rules}\n")


KEPT = "rules: [{id: r, measure: dice, class: '1', stat: mean, max_regression: 0.1}]"
CHANGE = ("gate", "new", "-c", "g.yaml", "--baseline", "old")


def against(says: str, *given: tuple[Any, ...], then: tuple[tuple[Any, ...], ...] = (OLD,), **more: Any) -> Any:
    """A baseline that is none for the run, and one that is."""
    way = Way(
        **{
            "given": lambda: rules(KEPT),
            "first": CHANGE,
            "says": says,
            "then": (*then, CHANGE),
            "read": CHANGED,
            "right": (0.167,),
            **more,
        }
    )
    return given, way


REVIEWED = "rules: [{id: r, max_fraction: {reviewed: fail, of_cases: 0.6}, bound: point}]"
SHARE = printed(r"pass r reviewed .*? ([\d.]+) ≤")


def reviewed(says: str, given: Callable[[], object], *, first: tuple[Any, ...] = ("--case-table", "review.csv")) -> Any:
    asked = ("gate", "old", "-c", "g.yaml")
    return (), Way(
        given=lambda: (rules(REVIEWED), given()),
        first=(*asked, *first),
        says=says,
        mend=lambda: text("review.csv", "case,reviewed,comment\na,fail,\nb,pass,\n"),
        then=((*asked, "--case-table", "review.csv"),),
        read=printed(r"([\d.]+) ≤"),
        right=(0.5,),
    )


JUDGED_AGAINST = {
    "distances of another policy": against(
        "Score both in the same way", score("old", "--empty-distance", "7"), first=CHANGE
    ),
    "distances of another policy, another baseline": against(
        "or name another baseline",
        score("other", "--empty-distance", "7"),
        first=(*CHANGE[:-1], "other"),
        then=(),
    ),
    "cases of one side only": against(
        "baseline.min_paired allows that",
        first=CHANGE,
        given=lambda: (rules(KEPT), only_a()),
        mend=lambda: rules(f"{KEPT}\nbaseline: {{path: old, min_paired: 1}}"),
        then=(),
        code=4,  # one case tells nothing
    ),
    "a run that was cut off": (
        (),
        Way(
            given=lambda: changed("old/run.json", lambda one: one.update(complete=False)),
            first=("compare", "old", "new", "-m", "dice"),
            says="Score again to the end",
            then=(OLD, ("compare", "old", "new", "-m", "dice")),
            read=SIDES,
            right=(0.667, 0.833, 0.167),
            refused=False,  # nothing can be concluded
        ),
    ),
    "a baseline that is not there": against(
        "pass --update-baseline base",
        first=(*CHANGE[:-1], "base"),
        then=(
            ("gate", "old", "-c", "g.yaml", "--baseline", "base", "--update-baseline", "base"),
            (*CHANGE[:-1], "base"),
        ),
    ),
    "a table for a baseline": against(
        "Name the folder of its run instead",
        first=(*CHANGE[:-1], "old/scores.csv"),
        then=(),
        refused=False,
    ),
    "a rule of a review": reviewed(
        "Download review.csv from the page of this run, and pass it with --case-table", lambda: None, first=()
    ),
    "a review of other cases": reviewed(
        "no case of this run in the case table", lambda: text("review.csv", "case,reviewed\nz,fail\n")
    ),
    "a mark that is none": reviewed(
        "Write one of pass, fail, unsure, or nothing", lambda: text("review.csv", "case,reviewed\na,bad\nb,pass\n")
    ),
}


def only_a() -> None:
    """The old run has one case alone."""

    def without(document: Any) -> None:
        for table in ("scores", "cases"):
            document[table] = [row for row in document[table] if row["case"] == "a"]

    changed("old/run.json", without)


@pytest.mark.parametrize("what", JUDGED_AGAINST)
@pytest.mark.usefixtures("scored_runs")
def test_what_is_said_of_a_baseline_or_a_review_leads_to_the_right_number(run: Run, what: str) -> None:
    given, way = JUDGED_AGAINST[what]
    for command in given:
        assert run(*command).code == 0
    follow(run, way)


def env(name: str, value: str, command: tuple[Any, ...], run: Run) -> Any:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(name, value)
        return run(*command)


FLOOR = "rules: [{id: r, measure: precision, class: '1', stat: mean, min: 0.1}]"


@pytest.mark.parametrize(("first", "then"), [("", "score: {undefined: worst}\n"), ("", "")])
def test_what_the_environment_may_not_set_is_written_down(run: Run, first: str, then: str) -> None:
    """The second prediction is empty: its precision is undefined, and 0 at worst."""
    for name, pred in (("a", PRED), ("b", 0 * PRED)):
        write_image(Path("pred", f"{name}.nii.gz"), pred)
        write_image(Path("truth", f"{name}.nii.gz"), TRUTH)
    asked = ("score", "pred", "truth", "-m", "precision", "--bootstrap", 0, "--gate", "g.yaml")
    rules(first + FLOOR)
    refused = env("SEGEVAL_UNDEFINED", "worst", asked, run)
    assert "Write it under score: there, or pass --undefined" in " ".join(refused.err.split())
    rules(then + FLOOR)
    done = env("SEGEVAL_UNDEFINED", "worst", (*asked, *(() if then else ("--undefined", "worst"))), run)
    assert "precision" in done.out
    assert printed(r"pass r \[1\] precision mean ([\d.]+)")(done) == [0.333]


SHOW = ("show", "old", "a", "-o", "p.png")
PICTURE = printed(r"(\d+) false and (\d+) missed of (\d+) true voxels")  # two of six slices of 24 on either side


def shown(says: str, first: tuple[Any, ...], then: tuple[tuple[Any, ...], ...] = (SHOW,), **more: Any) -> Way:
    return Way(
        **{
            "given": lambda: None,
            "first": first,
            "says": says,
            "then": then,
            "read": PICTURE,
            "right": (48, 48, 144),
            **more,
        }
    )


PAGE = ("report", "old", "-o", "p.html")


def paged(says: str, first: tuple[Any, ...], then: tuple[Any, ...], on_it: str = "0.667", **more: Any) -> Way:
    return Way(
        **{
            "given": lambda: None,
            "first": (*PAGE, *first),
            "says": says,
            "then": ((*PAGE, *then),),
            "read": lambda _: [float(on_it in Path("p.html").read_text())],
            "right": (1.0,),
            **more,
        }
    )


def greys(shape: tuple[int, ...]) -> None:
    write_image(Path("greys", "a.nii.gz"), np.ones(shape, np.float32))


REVIEW = ("--review", "review.csv")


def review(of: str) -> Callable[[], object]:
    return lambda: text("review.csv", f"case,reviewed,comment\n{of}\n")


PAGES = {
    "a case with a slip": shown("Did you mean 'a'", ("show", "old", "A", "-o", "p.png")),
    "a class that there is not": shown(
        "The run has no class '11'. Did you mean '1'?", (*SHOW, "--class", "11"), ((*SHOW, "--class", "1"),)
    ),
    "a class of another name": shown(
        "The run has no class 'liver'. It has 1.", (*SHOW, "--class", "liver"), ((*SHOW, "--class", "1"),)
    ),
    "masks that changed": shown(
        "Score again first",
        SHOW,
        (OLD, SHOW),
        given=lambda: write_image(Path("pred/a.nii.gz"), NEARER),
        right=(24, 24, 144),
    ),
    "images of another grid": shown(
        "Name images on the grid of the truths",
        (*SHOW, "--images", "greys"),
        ((*SHOW, "--images", "greys"),),
        given=lambda: greys((5, 5, 5)),
        mend=lambda: greys(TRUTH.shape),
    ),
    "a window of one grey": shown("such as -160,240", (*SHOW, "--window", "5"), ((*SHOW, "--window", "-160,240"),)),
    "a table of a run": shown(
        "Name a run of `segeval score`",
        ("gate", "old/scores.csv", "--fail-under", "dice:mean=0.5", "--selftest"),
        (("gate", "old", "--fail-under", "dice:mean=0.5", "--selftest"),),
        read=words("The gate passes this run and can fail"),
        right=(1.0,),
    ),
    "fewer pictures than none": paged(
        "It must be 0 (no pictures) or a number of cases",
        ("--worst", -1),
        ("--worst", 1),
        "a, 1: slice 3 of 8; 48 false and 48 missed of 144 true voxels",
    ),
    "a review of another run": paged(
        "Name the review of this run",
        REVIEW,
        REVIEW,
        "off by two",
        given=review("z,fail,"),
        mend=review("a,fail,off by two"),
    ),
    "a mark that is none": paged(
        "Write one of pass, fail, unsure, or nothing",
        REVIEW,
        REVIEW,
        "off by two",
        given=review("a,bad,"),
        mend=review("a,fail,off by two"),
    ),
    "a file for figures": paged(
        "Name another folder", ("--figures", "f"), ("--figures", "g"), given=lambda: text("f", "")
    ),
    "rules that are there": Way(
        given=lambda: text("s.yaml", ""),
        first=("gate", "old", "--init", "s.yaml"),
        says="Delete it, or give --init another name",
        then=(("gate", "old", "--init", "t.yaml"), ("gate", "old", "-c", "t.yaml")),
        read=printed(r"1-dice-mean .*?([\d.]+) ≥"),
        right=(0.667,),
    ),
    "rules that are there, deleted": Way(
        given=lambda: text("s.yaml", ""),
        first=("gate", "old", "--init", "s.yaml"),
        says="Delete it",
        mend=lambda: Path("s.yaml").unlink(),
        then=(("gate", "old", "--init", "s.yaml"), ("gate", "old", "-c", "s.yaml")),
        read=printed(r"1-dice-mean .*?([\d.]+) ≥"),
        right=(0.667,),
    ),
    "a table for a baseline to be": Way(
        given=lambda: rules(KEPT),
        first=("gate", "old/scores.csv", "-c", "g.yaml", "--baseline", "old", "--update-baseline", "base"),
        says="only the folder of a run can become a baseline",
        then=(
            ("gate", "old", "-c", "g.yaml", "--baseline", "old", "--update-baseline", "base"),
            (*CHANGE[:-1], "base"),
        ),
        read=CHANGED,
        right=(0.167,),
    ),
    "a short rule of a statistic that is none": Way(
        given=lambda: None,
        first=("gate", "old", "--fail-under", "dice:average=0.5"),
        says="Statistics are mean, median",
        then=(("gate", "old", "--fail-under", "dice:mean=0.5"),),
        read=printed(r"([\d.]+) ≥"),
        right=(0.667,),
    ),
}


@pytest.mark.parametrize("what", PAGES)
@pytest.mark.usefixtures("scored_runs")
def test_what_is_said_of_a_page_or_a_picture_leads_to_the_right_number(run: Run, what: str) -> None:
    follow(run, PAGES[what])
