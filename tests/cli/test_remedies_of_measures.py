"""What measures and losses say of settings, masks and maps that do not fit leads to a known number."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.cli.given import Run, write_image
from tests.cli.remedies import (
    FLAT,
    FLAT_PRED,
    PRED,
    SCORE,
    TRUTH,
    TWO,
    TWO_PRED,
    Way,
    boxes,
    follow,
    numbers_of,
    pair,
    scores,
    text,
)

pytestmark = pytest.mark.slow  # of several runs each

THREE, THREE_PRED = TWO.copy(), TWO_PRED.copy()
THREE[11] = THREE_PRED[11] = 3
APART = "lesion_average_precision"


def measured(
    says: str,
    wrong: str,
    right: str,
    value: float | tuple[float, ...],
    given: Callable[[], object] = pair,
    more: tuple[Any, ...] = (),
    **other: Any,
) -> Way:
    """A measure that is refused as it is asked for, and as its message says."""
    return Way(
        **{
            "given": given,
            "first": (*SCORE, "-m", wrong),
            "says": says,
            "then": ((*SCORE, "-m", right, *more),),
            "read": scores(right),
            "right": value if isinstance(value, tuple) else (value,),
            **other,
        }
    )


def flat() -> None:
    pair(FLAT_PRED, FLAT, name="a.png")


def quarters(n: int = 1) -> None:
    """A map whose numbers are exact: an eighth of its voxels have the class, and as many are likely to.

    Args:
        n: how many times as long each side of a voxel becomes, in voxels.
    """
    block = np.ones((n, n, n), np.uint8)
    pair(np.kron(np.where(PRED == 1, 0.75, 0.25).astype(np.float32), block), np.kron(TRUTH, block))


def of_several() -> None:
    """Two cases, of which the second holds a class that the first has not."""
    pair(TWO_PRED, TWO)
    pair(THREE_PRED, THREE, name="b.nii.gz")


def objects(n: int = 3000, *, cases: str = "ab") -> None:
    """Maps of objects, three voxels each, of which no two cases share an id."""
    for i, name in enumerate(cases):
        ids = np.zeros((100, 100, 3), np.int32)
        ids.ravel()[: 3 * n] = np.repeat(np.arange(1, n + 1), 3) + 5000 * i
        pair(ids, ids, name=f"{name}.nii.gz")


def table(n: int) -> str:
    """Distances of 1 between any two channels."""
    return ";".join("0" if i % (n + 1) == 0 else "1" for i in range(n * n))


WASSERSTEIN = "generalized_wasserstein_dice_loss(dist={})"
FOCAL = "focal_loss(class_alpha=1;1;1;1)"
WHOLE_CASE = "cases.csv"
KNOBS = {
    "an axis that there is not": measured(
        "axis=2: an image of 2 axes has none of that number. They count from 0",
        "added_path_length_mm(axis=2)",
        "added_path_length_mm(axis=1)",
        12.0,  # of the 20 pixels of the outline 8 lie on the other
        flat,
    ),
    "a tolerance below zero": measured(
        "tolerance_mm is 0 or more",
        "added_path_length_mm(tolerance_mm=-1)",
        "added_path_length_mm(tolerance_mm=0)",
        12.0,
        flat,
    ),
    "true negatives of a lesion": measured(
        "Choose a metric of TP, FP and FN with matching=voronoi, such as dice",
        "specificity(matching=voronoi)",
        "dice(matching=voronoi)",
        2 / 3,
        flat,
    ),
    "probabilities of a lesion": measured(
        "Choose an overlap or boundary metric with matching=voronoi, such as dice",
        "ece(matching=voronoi)",
        "dice(matching=voronoi)",
        2 / 3,
        flat,
    ),
    "no bins": measured("Give 1 or more", "ece(bins=0)", "ece(bins=1)", 0.75 * 0.125 + 0.25 * 0.875 - 0.125, quarters),
    "distances that are no table": measured(
        "for two classes and background 0;1;1;1;0;0.5;1;0.5;0",
        WASSERSTEIN.format("0;1;2"),
        WASSERSTEIN.format("0;1;1;1;0;0.5;1;0.5;0"),
        1 - 2 * 288 / (2 * 288 + 96),  # 288 voxels of the classes are right, 96 voxels in all are wrong
        lambda: pair(TWO_PRED, TWO),
        read=numbers_of(WHOLE_CASE, WASSERSTEIN.format("0;1;1;1;0;0.5;1;0.5;0")),
    ),
    "distances of other channels": measured(
        "dist holds 16 numbers, and 3 channels with the background need 9. Where cases hold different classes, name "
        "all of them with --labels",
        WASSERSTEIN.format(table(4)),
        WASSERSTEIN.format(table(4)),
        (1 / 7, 1 / 7),
        of_several,
        ("--labels", "1,2,3"),
        read=numbers_of(WHOLE_CASE, WASSERSTEIN.format(table(4))),
    ),
    "weights of other channels": measured(
        "class_alpha holds 4 numbers, and there are 3 channels with the background. Where cases hold different "
        "classes, name all of them with --labels",
        FOCAL,
        FOCAL,
        (100 * 96 / 1152,) * 2,  # a logarithm is no less than -100
        of_several,
        ("--labels", "1,2,3"),
        read=numbers_of(WHOLE_CASE, FOCAL),
    ),
}
PARTS, ROOM = "adaptive_ece(bins=1)", ("--max-memory", "151MiB", "--workers", 1)
SLABS = {
    "equal parts in slabs": measured(
        "Raise --max-memory until the case is scored as a whole",
        PARTS,
        PARTS,
        0.3125 - 0.125,
        lambda: quarters(6),
        ("--max-memory", "400MiB", "--workers", 1),
        first=(*SCORE, "-m", PARTS, *ROOM),
    ),
    "equal parts in slabs, left out": measured(
        "or leave out adaptive_ece",
        PARTS,
        "ece(bins=1)",
        0.3125 - 0.125,
        lambda: quarters(6),
        ROOM,
        first=(*SCORE, "-m", f"{PARTS},ece(bins=1)", *ROOM),
    ),
}
OBJECTS = {
    "objects of all cases": measured(
        "Maps of objects are scored with --instances",
        "dice",
        "n_lesions_pred",
        (3000.0, 3000.0),
        objects,
        ("--instances",),
    ),
    "objects of a case": measured(
        "maps of objects are scored with --instances",
        "dice",
        "n_lesions_pred",
        4200.0,
        lambda: objects(4200, cases="a"),
        ("--instances",),
    ),
}


def sure(says: str, rows: str, mended: str, **more: Any) -> Way:
    """Rows of confidences that do not fit, where the first of two candidates hits one of two boxes."""
    heading = "case,class,instance,confidence\n"
    return Way(
        **{
            "given": lambda: (boxes(), text("c.csv", heading + rows)),
            "first": (*SCORE, "-m", APART, "--confidences", "c.csv"),
            "says": says,
            "mend": lambda: text("c.csv", heading + mended),
            "read": numbers_of("summary.csv", "pooled", class_="1", measure=APART),
            "right": (0.5,),
            **more,
        }
    )


ROWS = "a,1,1,0.9\na,1,2,0.5\n"
CONFIDENCES = {
    "a class of neither mask": sure("Its classes: 1. Remove these rows", ROWS + "a,9,1,0.9\n", ROWS),
    "a candidate that there is not": sure("Remove its row", ROWS + "a,1,7,0.9\n", ROWS),
    "a candidate without a row": sure("has no row for it. Write one", ROWS.splitlines()[0] + "\n", ROWS),
    "an overlap above one": sure(
        "min_overlap is between 0 and 1",
        ROWS,
        ROWS,
        first=(*SCORE, "-m", f"{APART}(min_overlap=2)", "--confidences", "c.csv"),
        then=((*SCORE, "-m", f"{APART}(min_overlap=1)", "--confidences", "c.csv"),),
        read=numbers_of("summary.csv", "pooled", class_="1", measure=f"{APART}(min_overlap=1)"),
    ),
    "candidates that are cut anew": sure(
        "Use candidates=threshold",
        ROWS,
        ROWS,
        first=(*SCORE, "-m", "sensitivity_at_fp(candidates=per_threshold)", "--confidences", "c.csv"),
        then=((*SCORE, "-m", "sensitivity_at_fp(candidates=threshold,fp=1)", "--confidences", "c.csv"),),
        read=numbers_of("summary.csv", "pooled", class_="1", measure="sensitivity_at_fp(fp=1,candidates=threshold)"),
    ),
}


def test_a_row_is_found_in_the_table_of_lesions(run: Run) -> None:
    """The ids of candidates are those that a run with `-m detection` wrote: the first is the one that hits."""
    boxes()
    assert run(*SCORE, "-m", "detection").code == 0
    found = numbers_of("lesions.csv", "lesion_id", side="pred")(run("measures"))
    hits = numbers_of("lesions.csv", "lesion_id", side="pred", outcome="tp")(run("measures"))
    assert found == [1, 2]
    rows = "".join(f"a,1,{n:.0f},{0.9 if n in hits else 0.5}\n" for n in found)
    follow(run, sure("the lesion_id of side pred in the `lesions.csv`", "a,1,7,0.9\n", rows))


WAYS = {
    f"{kind}: {what}": way
    for kind, ways in {"knobs": KNOBS, "slabs": SLABS, "objects": OBJECTS, "confidences": CONFIDENCES}.items()
    for what, way in ways.items()
}


@pytest.mark.parametrize("what", WAYS)
def test_what_is_said_of_a_measure_leads_to_the_right_number(run: Run, what: str) -> None:
    follow(run, WAYS[what])


CLASSES = ("liver", "spleen", "lung")
EVERY = ("--labels", "1=liver,2=spleen,3=lung")
SOME = ("--labels", "1=liver,2=spleen")
OF_FILES = ("score", "files", "truth", "--bootstrap", 0, "-m", "dice", "--channel-files", "{case}_{class}.nii.gz")


def overlapping(n: int = 3) -> None:
    """Sigmoids of classes that share voxels: the truth of the second are two slices, of which it meets one in 24."""
    maps = [np.where(mask == 1, 0.9, 0.1) for mask in (PRED, np.roll(PRED, 1, axis=0), np.roll(PRED, 1, axis=1))]
    truth = TRUTH.copy()
    truth[10:], truth[0] = 2, 3
    pair(np.stack(maps[:n], axis=-1).astype(np.float32), truth)
    for name, one in zip(CLASSES, maps, strict=True):
        write_image(Path("files", f"a_{name}.nii.gz"), one.astype(np.float32))


OVERLAPS = {
    "channels": measured(
        "Write some of the channels into a file of their own",
        "dice",
        "dice",
        (2 / 3, 2 * 24 / (144 + 192)),
        overlapping,
        SOME,
        first=(*SCORE, "-m", "dice", *EVERY),
        mend=lambda: overlapping(2),
    ),
    "files": measured(
        "or name some of the files of classes with --labels, and score them apart",
        "dice",
        "dice",
        (2 / 3, 2 * 24 / (144 + 192)),
        overlapping,
        first=(*OF_FILES, *EVERY),
        then=((*OF_FILES, *SOME),),
    ),
}


@pytest.mark.parametrize("what", OVERLAPS)
def test_classes_that_overlap_in_too_many_ways_are_scored_apart(
    run: Run, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    """There is room for 65536 sets of classes that share a voxel, and here for five."""
    monkeypatch.setattr("segeval.evidence.probabilities.hard_masks._MOST_UNIONS", 5)
    follow(run, OVERLAPS[what])
