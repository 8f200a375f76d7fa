"""Remedies about numbers of others that are to be explained, and about scores of a whole data set."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.cli.given import Run, write_image
from tests.cli.remedies import FLAT, FLAT_PRED, Way, follow, images, printed, text, words

pytestmark = pytest.mark.slow  # of several runs each

DICES = "case,dice\na,0.6667\nb,0.6667\n"
ASKED = ("explain", "n.csv", "pred", "truth")
FOUND = printed(r"(\d) of (\d) are dice")


def file(name: str, content: str | bytes) -> Callable[[], object]:
    return lambda: Path(name).write_bytes(content if isinstance(content, bytes) else content.encode())


def numbers(says: str, wrong: str | bytes, mended: str = DICES, **more: Any) -> Way:
    """A file of numbers that is none, and one that is."""
    return Way(
        **{
            "given": lambda: (images(), file("n.csv", wrong)()),
            "first": ASKED,
            "says": says,
            "mend": file("n.csv", mended),
            "read": FOUND,
            "right": (2.0, 2.0),
            **more,
        }
    )


AGAINST = (*ASKED, "--against", "m.csv")
EQUAL = words("all 2 numbers that both files have are equal")


def against(says: str, other: str, mended: str = DICES, **more: Any) -> Way:
    """Two files of numbers that do not meet, and two that do."""
    return Way(
        **{
            "given": lambda: (images(), text("n.csv", DICES), text("m.csv", other)),
            "first": AGAINST,
            "says": says,
            "mend": file("m.csv", mended),
            "read": EQUAL,
            "right": (1.0,),
            **more,
        }
    )


TWO_MEASURES = "case,dice,hd\na,0.6667,2\nb,0.6667,2\n"
EXPLAINED = {
    "no columns": numbers("Write one row per case, with the case in the first column", "dice of two cases\n"),
    "no columns, as JSON": numbers("or a JSON object of case to value", "case\na\nb\n", '{"a": 0.6667, "b": 0.6667}'),
    "a comma in a name": numbers("Quote names that hold the separator", DICES.replace("a,", "a,b,")),
    "another text than UTF-8": numbers("Save it as UTF-8", "case,dice,gr\xf6\xdfe\na,0.6667,1\n".encode("latin-1")),
    "a quote that stays open": numbers("Mend it there", DICES + '"' + 140_000 * "x"),
    "cut JSON": numbers("Mend it there", '{"a": 0.6667', '{"a": 0.6667, "b": 0.6667}'),
    "too few digits": numbers(
        "Give more digits", "case,score\na,0.7\n", "case,score\na,0.66667\n", refused=False, right=(1.0, 1.0)
    ),
    "too few cases": numbers("or more cases", "case,score\na,0.7\n", "case,score\na,0.7\nb,0.7\n", refused=False),
    "a column that there is not": numbers(
        "Its columns: dice, hd", TWO_MEASURES, TWO_MEASURES, first=(*ASKED, "-m", "iou"), then=((*ASKED, "-m", "dice"),)
    ),
    "no file": numbers(
        "segeval explain NUMBERS PRED TRUTH",
        DICES,
        given=lambda: (images(), text("p.csv", "case,pred,truth\na,pred/a.nii.gz,truth/a.nii.gz\n")),
        first=("explain", "--pairs", "p.csv"),
        then=(ASKED,),
    ),
    "two files of other measures": against(
        "dice, hd and iou, specificity. Give the two columns that are to be compared one heading, such as dice",
        "",
        given=lambda: (
            images(),
            text("n.csv", TWO_MEASURES),
            text("m.csv", "case,iou,specificity\na,0.6667,1\nb,0.6667,1\n"),
        ),
    ),
    "a file that says no measure": against(
        "If both have dice in them, pass --measure dice.",
        "case,quality\na,0.6667\nb,0.6667\n",
        "case,quality\na,0.6667\nb,0.6667\n",
        given=lambda: (images(), text("n.csv", TWO_MEASURES), text("m.csv", "case,quality\na,0.6667\nb,0.6667\n")),
        then=((*AGAINST, "--measure", "dice"),),
    ),
    "means and cases": against("Compare values per case with values per case", "class,dice\n1,0.6667\n"),
    "cases of others": against(
        "Compare values per case with values per case, of the same classes",
        "case,dice\na,0.6667\n",
        given=lambda: (images(), text("n.csv", "case,dice\nb,0.6667\n"), text("m.csv", "case,dice\na,0.6667\n")),
        mend=lambda: (text("n.csv", DICES), text("m.csv", DICES)),
    ),
    "one file of two": against(
        "segeval explain A.csv PRED TRUTH --against B.csv",
        DICES,
        first=("explain", "pred", "truth", "--value", "0.667", "--against", "m.csv"),
        then=(AGAINST,),
    ),
}


@pytest.mark.parametrize("what", EXPLAINED)
def test_what_is_said_of_numbers_of_others_leads_to_the_right_number(run: Run, what: str) -> None:
    follow(run, EXPLAINED[what])


def test_a_number_of_the_only_class_is_that_of_all_classes(run: Run) -> None:
    images()
    text("n.csv", DICES)
    text("m.csv", "case,class,dice\na,1,0.6667\nb,1,0.6667\n")
    assert EQUAL(run(*AGAINST)) == [1.0]


VIDEO = "region_similarity"  # the mean IoU over frames: 24 of 48 pixels, and all of them


def video(pred: np.ndarray, out: str, measures: str) -> tuple[Any, ...]:
    for frame in ("0", "1"):
        write_image(Path(out, "cat", f"{frame}.png"), pred)
        write_image(Path("video", "cat", f"{frame}.png"), FLAT)
    return ("score", out, "video", "-m", measures, "-o", f"run-{out}", "--bootstrap", 0)


OF_ALL = {
    "a score of one run": (
        "contour_accuracy: not in both runs. Scores of all cases that they share: region_similarity",
        ("run-half", "run-whole", "-m", "contour_accuracy"),
    ),
    "a score to rank by": (
        "no case has a value of it, by which to rank. Compare two by two",
        ("run-half", "run-whole", "run-half", "-m", VIDEO),
    ),
}


@pytest.mark.parametrize("what", OF_ALL)
def test_what_is_said_of_scores_of_all_cases_leads_to_the_right_number(run: Run, what: str) -> None:
    says, first = OF_ALL[what]
    for command in (video(FLAT_PRED, "half", f"{VIDEO},contour_accuracy"), video(FLAT, "whole", VIDEO)):
        assert run(*command).code == 0
    way = Way(
        given=lambda: None,
        first=("compare", *first),
        says=says,
        then=(("compare", "run-half", "run-whole", "-m", VIDEO),),
        read=printed(rf"{VIDEO} ([\d.]+) ([\d.]+) \+([\d.]+)"),
        right=(0.5, 1.0, 0.5),
    )
    follow(run, way)
