"""What is said of maps of lesions, of confidences and of knobs of their measures leads to a known number."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.cli.given import Run, write_image
from tests.cli.remedies import (
    PRED,
    SCORE,
    TWO_PRED,
    Way,
    boxes,
    follow,
    numbers_of,
    pair,
    scores,
    text,
    two,
)

pytestmark = pytest.mark.slow  # of several runs each

COUNT = (*SCORE, "-m", "n_lesions_pred", "--pred-instances", "maps")
COARSE = np.array([[2.0, 0, 0, 0.5], [0, 2, 0, 0.5], [0, 0, 2, 0.5], [0, 0, 0, 1]])


def lesions(says: str, given: Callable[[], object], mend: Callable[[], object] = lambda: None, **more: Any) -> Way:
    """A map of lesions that does not fit, of a mask that is one box."""
    return Way(
        **{
            "given": lambda: (pair(), given()),
            "first": COUNT,
            "says": says,
            "mend": mend,
            "read": scores("n_lesions_pred"),
            "right": (1.0,),
            **more,
        }
    )


def lesion_map(ids: np.ndarray, name: str = "a.nii.gz", affine: np.ndarray | None = None) -> None:
    write_image(Path("maps", name), ids, affine=affine)


def two_maps() -> None:
    lesion_map(PRED)
    lesion_map(0 * PRED, name="a.nii")


JOINED = (*COUNT, "--labels", "1=x,2=y", "--regions", "all=1+2")
MAPS = {
    "two of a case, one is kept": lesions(
        "Keep one of them in the folder", two_maps, mend=lambda: Path("maps/a.nii").unlink()
    ),
    "two of a case, told apart": lesions(
        "or tell them apart with --pred-pattern", two_maps, then=((*COUNT, "--pred-pattern", "{case}.nii.gz"),)
    ),
    "another grid, resampled": lesions(
        "or pass --resample to have it done",
        lambda: lesion_map(PRED[::2, ::2, ::2], affine=COARSE),
        then=((*COUNT, "--resample"),),
    ),
    "another grid, on that of the masks": lesions(
        "Instance maps lie on the same grid as the masks",
        lambda: lesion_map(PRED[::2, ::2, ::2], affine=COARSE),
        mend=lambda: lesion_map(PRED),
    ),
    "a lost spacing": lesions(
        "--ignore-geometry to compare the arrays as they are",
        lambda: lesion_map(PRED, affine=np.diag([1.0, 1, 3, 1])),
        then=((*COUNT, "--ignore-geometry"),),
    ),
    "one that is missing": lesions(
        "or leave out the option: then connected components are the lesions",
        lambda: lesion_map(PRED, name="b.nii.gz"),
        then=(COUNT[:-2],),
    ),
    "numbers that floats do not tell apart": lesions(
        "Number the instances anew, and save integers",
        lambda: lesion_map(np.where(PRED == 1, 2.0**25, 0).astype(np.float32)),
        mend=lambda: lesion_map(PRED),
    ),
    "a lesion of two classes": Way(
        given=lambda: (two(), lesion_map((TWO_PRED > 0).astype(np.uint8))),
        first=(*COUNT, "--labels", "1=x,2=y"),
        says="or join the classes with --regions",
        then=(JOINED,),
        read=numbers_of("scores.csv", "n_lesions_pred", class_="all"),
        right=(1.0,),
    ),
}

AVERAGE = (*SCORE, "-m", "lesion_average_precision", "--labels", "1=x")
SURE = (*AVERAGE, "--confidences", "c.csv")
HEADINGS, ROWS = "case,class,instance,confidence\n", "a,x,1,0.9\na,x,2,0.5\n"


def sure(says: str, rows: str, mend: Callable[[], object] = lambda: whole(), **more: Any) -> Way:
    """Rows that do not fit, where the first of two candidates hits one of two boxes at precision 1."""
    return Way(
        **{
            "given": lambda: (boxes(), text("c.csv", HEADINGS + rows)),
            "first": SURE,
            "says": says,
            "mend": mend,
            "read": numbers_of("summary.csv", "pooled", class_="x", measure="lesion_average_precision"),
            "right": (0.5,),
            **more,
        }
    )


def whole() -> None:
    text("c.csv", HEADINGS + ROWS)


def another_case() -> None:
    """The same boxes under the name that the rows have."""
    for side in ("pred", "truth"):
        Path(side, "case_b.png").write_bytes(Path(side, "a.png").read_bytes())


CONFIDENCES = {
    "two rows of a lesion": sure("Keep one row of each", ROWS + "a,x,2,0.4\n"),
    "rows of a case that nobody scores": sure("Remove its rows", ROWS + "case_b,x,1,0.4\n"),
    "rows of a case that is scored, too": sure(
        "or score that case too",
        ROWS + ROWS.replace("a,", "case_b,"),
        another_case,
        right=(0.5,),  # of two cases alike: each right candidate is as sure as the other
    ),
    "a case with a slip": sure("Did you mean 'a'?", ROWS.replace("a,", "A,")),
    "a class that there is not": sure("The classes are: x", ROWS.replace("x", "lesion")),
    "a class with a slip": sure(
        "Did you mean 'lesion'?",
        ROWS.replace("x", "leson"),
        lambda: text("c.csv", HEADINGS + ROWS.replace("x", "lesion")),
        first=(*SURE[:-3], "1=lesion", *SURE[-2:]),
        read=numbers_of("summary.csv", "pooled", class_="lesion", measure="lesion_average_precision"),
    ),
    "a lesion in words": sure("is no whole number. Write that of the lesion", ROWS.replace("x,2", "x,two")),
    "how sure in words": sure("is no finite number. Write one", ROWS.replace("0.5", "half")),
    "no headings": sure(
        "It must name the columns case,class,instance,confidence", "", given=lambda: (boxes(), text("c.csv", ROWS))
    ),
    "another text than UTF-8": sure(
        "cannot be read as CSV in UTF-8",
        "",
        given=lambda: (boxes(), Path("c.csv").write_bytes((HEADINGS + ROWS).encode("utf-16"))),
    ),
    "a peak of what has none": sure(
        "Take hit=centroid",
        ROWS,
        first=(*SURE[:6], "lesion_average_precision(hit=peak)", *SURE[7:]),
        then=((*SURE[:6], "lesion_average_precision(hit=centroid)", *SURE[7:]),),
        read=numbers_of("summary.csv", "pooled", class_="x", measure="lesion_average_precision(hit=centroid)"),
    ),
    "a peak, of the maps": sure(
        "or score the maps",
        ROWS,
        lambda: sure_maps(),
        first=(*SURE[:6], "lesion_average_precision(hit=peak)", *SURE[7:]),
        then=((*AVERAGE[:6], "lesion_average_precision(hit=peak)", *AVERAGE[7:]),),
        read=numbers_of("summary.csv", "pooled", class_="x", measure="lesion_average_precision(hit=peak)"),
    ),
}


def sure_maps() -> None:
    """The same candidates as maps: the box that hits is surer."""
    from PIL import Image

    found = np.asarray(Image.open("pred/a.png"))
    Path("pred/a.png").unlink()
    np.save("pred/a.npy", np.where(found == 1, np.where(np.arange(20) < 10, 0.9, 0.6), 0.1).astype(np.float32))


F1 = "lesion_f1(matching=hungarian,iou_threshold={})"


def knob(
    says: str, wrong: str, right: str, *, value: float, given: Callable[[], object] = boxes, column: str = ""
) -> Way:
    """A setting that a measure refuses, and one that its message names."""
    return Way(
        given=given,
        first=(*SCORE, "-m", wrong),
        says=says,
        then=((*SCORE, "-m", right),),
        read=scores(column or right),
        right=(value,),
    )


KNOBS = {
    "an overlap above one": knob("Give a number from 0 to 1", F1.format(2), F1.format(0.5), value=0.5),
    "a tolerance below zero": knob(
        "Use 0 or more", "nsd(tolerance_mm=-1)", "nsd(tolerance_mm=2)", value=1.0, given=pair
    ),
    "a share above a hundred": knob("percent is 0 to 100", "hdp(percent=120)", "hdp(percent=100)", value=2, given=pair),
    "a price below zero": knob(
        "alpha is 0 or more", "tversky_index(alpha=-1)", "tversky_index(alpha=0.5,beta=0.5)", value=2 / 3, given=pair
    ),
    "a word for a number": knob("beta takes a number", "fbeta(beta=x)", "fbeta(beta=1)", value=2 / 3, given=pair),
    "a word for a class": knob(
        "Write a number for each class: tolerance_mm=liver:1;spleen:2",
        "nsd(tolerance_mm=1:x)",
        "nsd(tolerance_mm=1:2)",
        value=1.0,
        given=pair,
        column="nsd(tolerance_mm=per_class)",
    ),
    "a knob twice": knob("Keep one of them", "fbeta(beta=1,beta=2)", "fbeta(beta=1)", value=2 / 3, given=pair),
    "a smallest size below zero": knob(
        "Give 0 or a positive number", "lesion_f1(min_size_mm3=-1)", "lesion_f1(min_size_mm3=0)", value=0.5
    ),
    "a width below zero": knob(
        "Use 0 or more", "boundary_iou(width_mm=-1)", "boundary_iou(width_mm=9)", value=0.5, given=pair
    ),
}
WAYS = {
    f"{kind}: {what}": way
    for kind, ways in {"maps": MAPS, "confidences": CONFIDENCES, "knobs": KNOBS}.items()
    for what, way in ways.items()
}


@pytest.mark.parametrize("what", WAYS)
def test_what_is_said_of_lesions_leads_to_the_right_number(run: Run, what: str) -> None:
    follow(run, WAYS[what])
