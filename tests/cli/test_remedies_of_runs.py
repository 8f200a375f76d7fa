"""Remedies of YAML files, and of two runs that are compared, each followed to a known number."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.cli.given import Run, write_image
from tests.cli.remedies import PRED, SCORE, TRUTH, Way, follow, printed, text, two

DICE = (*SCORE, "-m", "dice")
LABELS = "1: liver\n2: spleen\n"
DEEP = "a: " + "[" * 60 + "]" * 60
LAUGHS = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]\n" for i in range(1, 8)
)


def labels(says: str, wrong: str | bytes) -> Way:
    """A table of classes that is no such YAML, and one that is."""

    def given() -> None:
        two()
        Path("l.yaml").write_bytes(wrong if isinstance(wrong, bytes) else wrong.encode())

    return Way(
        given=given,
        first=(*DICE, "--labels", "l.yaml"),
        says=says,
        mend=lambda: text("l.yaml", LABELS),
        right=(2 / 3, 1.0),
    )


def config(says: str, wrong: str, right: str = "score: {measures: [dice], bootstrap: 0}\n", **more: Any) -> Way:
    encoding = "latin-1" if more.pop("latin", False) else "utf-8"
    return Way(
        **{
            "given": lambda: (two(), Path("c.yaml").write_text(wrong, encoding=encoding)),
            "first": ("score", "pred", "truth", "-c", "c.yaml"),
            "says": says,
            "mend": lambda: text("c.yaml", right),
            "right": (2 / 3, 1.0),
            **more,
        }
    )


JUDGED = (
    "rules: [{id: a, measure: dice, class: '*', stat: mean, min: 0.6}, {id: b, measure: dice, class: '2', min: 0.9}]"
)
YAML = {
    "a bracket that does not close": labels("Mend it there", "{1: liver, 2: spleen"),
    "a tab": labels("Mend it there", "1: liver\n\t2: spleen\n"),
    "a character that is none": labels("which YAML does not allow. Remove it", "1: liver\x07\n2: spleen\n"),
    "an alias within itself": labels("Write it out", "1: &a [*a]\n2: spleen\n"),
    "aliases of aliases": labels("Write out what is meant", LAUGHS),
    "another text than UTF-8": labels("Save it as UTF-8", "1: Nebenhöhle\n2: spleen\n".encode("latin-1")),
    "too many levels": labels("Write it flatter", DEEP),
    "levels without end": labels("Write it flatter", "a: " + "[" * 5000 + "]" * 5000),
    "a config with a tab": config("Mend it there", "score:\n\tmeasures: [dice]\n"),
    "a value that its tag cannot be": config("Write a plain value", "score: {measures: [!!int dice], bootstrap: 0}\n"),
    "a config of another text": config("Save it as UTF-8", "score: {measures: [dice], bootstrap: 0}  # ä", latin=True),
    "a config with a slip": config("Did you mean 'measures'?", "score: {measure: [dice], bootstrap: 0}\n"),
    "a config of another part": config("Known keys: ", "quality: {measures: [dice]}\n"),
    "a config with a word for a number": config("does not fit", "score: {measures: [dice], bootstrap: none}\n"),
    "a config with a key twice": config(
        "Keep one of them", "score: {measures: [iou], measures: [dice], bootstrap: 0}\n"
    ),
    "a config that is not there": config(
        "Check the path",
        "",
        first=("score", "pred", "truth", "-c", "d.yaml"),
        then=(("score", "pred", "truth", "-c", "c.yaml"),),
    ),
    "a rule without a name": Way(
        given=lambda: (two(), text("c.yaml", JUDGED.replace("id: b, ", ""))),
        first=(*DICE, "--gate", "c.yaml"),
        says="the key 'id' is missing. Add it",
        mend=lambda: text("c.yaml", JUDGED),
        right=(2 / 3, 1.0),
    ),
    "two rules of one name": Way(
        given=lambda: (two(), text("c.yaml", JUDGED.replace("id: b", "id: a"))),
        first=(*DICE, "--gate", "c.yaml"),
        says="is the rule of line 1 already. Give each its own",
        mend=lambda: text("c.yaml", JUDGED),
        right=(2 / 3, 1.0),
    ),
}


def runs(old: np.ndarray, new: np.ndarray, truth: np.ndarray) -> Callable[[], None]:
    """Two predictions of two cases, of which the second differs."""

    def given() -> None:
        for name, array in (("old", old), ("new", new)):
            write_image(Path(name, "a.nii.gz"), PRED)
            write_image(Path(name, "b.nii.gz"), array)
        write_image(Path("truth", "a.nii.gz"), TRUTH)
        write_image(Path("truth", "b.nii.gz"), truth)

    return given


EMPTY = np.zeros_like(TRUTH)


def scored(measure: str, policy: str) -> tuple[tuple[Any, ...], ...]:
    return tuple(
        (
            "score",
            name,
            "truth",
            "-m",
            measure,
            "-o",
            f"{name}-{policy}",
            "--undefined",
            policy,
            "--bootstrap",
            0,
            "--labels",
            1,
        )
        for name in ("old", "new")
    )


def compared(says: str, measure: str, policy: str, right: tuple[float, ...], *given: np.ndarray) -> Way:
    """Two runs in one of which a value is undefined, and both scored so that it counts."""
    after = scored(measure, policy)
    names = (f"old-{policy}", f"new-{policy}")

    return Way(
        given=runs(*given),
        first=("compare", "old-skip", "new-skip", "-m", measure),
        says=says,
        then=(*after, ("compare", *names, "-m", measure)),
        read=printed(rf"1 {measure} ([\d.]+) ([\d.]+) ([-+\d.]+)"),
        right=right,
        refused=False,
    )


COMPARED = {
    # the second case has no prediction any more: its precision, 2/3 before, is then 0
    "values that are undefined now": compared(
        "score both with --undefined worst to count them",
        "precision",
        "worst",
        (0.667, 0.333, -0.333),
        PRED,
        EMPTY,
        TRUTH,
    ),
    # neither mask of the second case had a voxel, which is right, and now there are false alarms
    "values that were undefined": compared(
        "score both with --undefined best to count them", "dice", "best", (0.833, 0.333, -0.5), EMPTY, PRED, EMPTY
    ),
}


def judged(says: str, measure: str, policy: str, change: float, *given: np.ndarray) -> Way:
    """A gate that does not see a value that is undefined, and one that does; of two cases no interval is narrow."""
    rule = f"rules: [{{id: a, measure: {measure}, class: '1', stat: mean, max_regression: 0.1}}]\n"
    asked = ("gate", "new-{}", "-c", "g.yaml", "--baseline", "old-{}")
    return Way(
        given=lambda: (runs(*given)(), text("g.yaml", rule)),
        first=tuple(one.format("skip") for one in asked),
        says=says,
        then=(*scored(measure, policy), tuple(one.format(policy) for one in asked)),
        read=printed(r"change of mean ([-+\d.]+)"),
        right=(change,),
        code=4,
        refused=False,
    )


JUDGED_RUNS = {
    "values that are undefined now": (
        "precision",
        judged("which `--undefined worst` in both runs counts", "precision", "worst", -0.333, PRED, EMPTY, TRUTH),
    ),
    "values that were undefined": (
        "dice",
        judged("which `--undefined best` in both counts", "dice", "best", -0.5, EMPTY, PRED, EMPTY),
    ),
}


@pytest.mark.parametrize("what", JUDGED_RUNS)
def test_what_a_gate_says_of_undefined_values_leads_to_the_right_number(run: Run, what: str) -> None:
    measure, way = JUDGED_RUNS[what]
    way.given()
    for command in scored(measure, "skip"):
        run(*command)
    follow(run, way)


@pytest.mark.parametrize("what", YAML)
def test_what_is_said_of_yaml_leads_to_the_right_number(run: Run, what: str) -> None:
    follow(run, YAML[what])


@pytest.mark.parametrize("what", COMPARED)
def test_what_is_said_of_two_runs_leads_to_the_right_number(run: Run, what: str) -> None:
    way = COMPARED[what]
    way.given()
    for command in scored(way.first[-1], "skip"):
        run(*command)
    follow(run, way)
