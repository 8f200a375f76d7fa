"""What is said of values that may be several things, of grids and of names leads to a known number."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pytest

from tests.cli.given import Run, write_image
from tests.cli.remedies import PRED, SCORE, TRUTH, TWO, TWO_PRED, Way, follow, numbers_of, pair, soft, two

pytestmark = pytest.mark.slow  # of several runs each

DICE = (*SCORE, "-m", "dice")


def wrong(says: str, given: Callable[[], object], mend: Callable[[], object] = lambda: None, **more: Any) -> Way:
    return Way(**{"given": given, "first": DICE, "says": says, "mend": mend, **more})


def cells() -> None:
    """A prediction of 225 objects of 4 x 4 pixels, which look like grey levels beside a truth of one."""
    ids = np.kron(np.arange(1, 226).reshape(15, 15), np.ones((4, 4), np.int64)).astype(np.uint8)
    pair(ids, (ids == 1).astype(np.uint8), name="a.png")


SHIFTED = np.eye(4)
SHIFTED[0, 3] = 500.0
COARSE = np.array([[2.0, 0, 0, 0.5], [0, 2, 0, 0.5], [0, 0, 2, 0.5], [0, 0, 0, 1]])
SURE = np.where(PRED == 1, 3.6, 0.4).astype(np.float32)
OVERSHOOT = np.where(PRED == 1, 1.1 - np.linspace(0, 0.8, 8), -0.1).astype(np.float32)
DISTANCES = TRUTH * np.linspace(10.5, 37.4, 8)
VALUES = {
    "objects that look like greys": wrong(
        "If they are objects, pass --instances",
        cells,
        then=((*SCORE, "-m", "n_lesions_pred", "--instances"),),
        read=numbers_of("scores.csv", "n_lesions_pred"),
        right=(225.0,),
    ),
    "a map above one, of log odds": wrong(
        "or pass --pred-kind logits if 0 means one half",
        lambda: pair(SURE),
        then=((*DICE, "--pred-kind", "logits"),),
        right=(2 * 144 / (12 * 12 * 8 + 144),),  # all log odds are positive, and so is all of the prediction
    ),
    "a map that overshoots, of log odds": wrong(
        "or pass --pred-kind logits if 0 means one half",
        lambda: pair(OVERSHOOT),
        then=((*DICE, "--pred-kind", "logits"),),
        right=(2 / 3,),
    ),
    "a truth of distances, whose mask is named": wrong(
        "name the label image itself",
        lambda: (pair(truth=DISTANCES), write_image(Path("other/a.nii.gz"), TRUTH)),
        then=(("score", "pred", "other", *DICE[3:]),),
    ),
    "a truth that was resampled": wrong(
        "or resample it again by nearest neighbour",
        lambda: pair(truth=DISTANCES),
        pair,
    ),
    "a map in channels of one file of a class": wrong(
        "or all in one file of the case",
        lambda: [
            write_image(Path(side, "s1", f"{name}.nii.gz"), array)
            for label, name in ((1, "liver"), (2, "spleen"))
            for side, array in (
                ("truth", (label == TWO).astype(np.uint8)),
                ("pred", np.stack([1 - soft(label == TWO_PRED), soft(label == TWO_PRED)], axis=-1)),
            )
        ],
        lambda: (
            [path.unlink() for path in Path("pred/s1").iterdir()],
            Path("pred/s1").rmdir(),
            write_image(Path("pred/s1.nii.gz"), np.stack([soft(label == TWO_PRED) for label in (1, 2)], axis=-1)),
        ),
        first=(*DICE, "--labels", "1=liver,2=spleen"),
        right=(2 / 3, 1.0),
    ),
}


def two_forms() -> None:
    """A truth whose two places differ, and a prediction that lies at the one that is not taken."""
    Path("truth").mkdir()
    image = nibabel.Nifti1Image(TRUTH, np.eye(4))
    image.set_sform(SHIFTED, code=1)
    image.set_qform(np.eye(4), code=1)
    nibabel.save(image, "truth/a.nii.gz")
    write_image(Path("pred/a.nii.gz"), PRED)


GRIDS = {
    "an array beside a place": wrong(
        "Convert one of them",
        lambda: (write_image(Path("pred/a.npy"), PRED), write_image(Path("truth/a.nii.gz"), TRUTH)),
        lambda: (Path("pred/a.npy").unlink(), write_image(Path("pred/a.nii.gz"), PRED)),
    ),
    "two places in one header": wrong(
        "or mend the header", two_forms, lambda: write_image(Path("truth/a.nii.gz"), TRUTH)
    ),
    "a place far away": wrong(
        "Check its origin and direction",
        lambda: (pair(), write_image(Path("pred/a.nii.gz"), PRED, affine=SHIFTED)),
        pair,
        first=(*DICE, "--resample"),
    ),
    "another grid": wrong(
        "Resample the prediction onto the truth's grid",
        lambda: (pair(), write_image(Path("pred/a.nii.gz"), PRED[::2, ::2, ::2], affine=COARSE)),
        pair,
    ),
    "a half voxel beside": wrong(
        "Pass --resample to put the prediction on the truth's grid",
        lambda: (pair(), write_image(Path("pred/a.nii.gz"), PRED, affine=nudged())),
        then=((*DICE, "--resample"),),
    ),
}


def nudged() -> np.ndarray:
    """A quarter of a voxel off, so that the nearest one is the same."""
    affine = np.eye(4)
    affine[0, 3] = 0.25
    return affine


def cases(pred: str, truth: str, says: str, *then: str) -> Way:
    """Two cases whose sides have names by these patterns."""

    def given() -> None:
        for case in ("001", "002"):
            write_image(Path("pred", f"{pred.format(case=case)}.nii.gz"), PRED)
            write_image(Path("truth", f"{truth.format(case=case)}.nii.gz"), TRUTH)

    return wrong(says, given, then=((*DICE, *then),), right=(2 / 3,) * 2)


def options(pred: str, truth: str) -> tuple[tuple[str, ...], str]:
    """The patterns as options, and as they stand in a message."""
    pairs = (("--pred-pattern", f"{pred}.nii.gz"), ("--truth-pattern", f"{truth}.nii.gz"))
    return tuple(word for one in pairs for word in one), " ".join(f"{flag} '{pattern}'" for flag, pattern in pairs)


def stand_in(pred: str, truth: str) -> Way:
    given, said = options(pred, truth)
    return cases(pred, truth, f"say where the case id stands in each name: {said}", *given)


NAMES = {
    f"{pred} beside {truth}": stand_in(pred, truth)
    for pred, truth in (
        ("{case}_pred", "{case}_gt"),
        ("pred_{case}", "gt_{case}"),
        ("model-{case}.seg", "{case}_mask"),
        ("{case}/pred", "{case}/gt"),
    )
} | {
    "names on one side": cases(
        "{case}_pred", "{case}", "--pred-pattern '{case}_pred.nii.gz'", "--pred-pattern", "{case}_pred.nii.gz"
    ),
    "names that tell nothing": wrong(
        "Name them alike",
        lambda: [
            write_image(Path(side, f"{name}.nii.gz"), ids)
            for side, ids, names in (("pred", PRED, "xy"), ("truth", TRUTH, "uv"))
            for name in names
        ],
        lambda: [Path("truth", f"{old}.nii.gz").rename(f"truth/{new}.nii.gz") for old, new in ("ux", "vy")],
        right=(2 / 3,) * 2,
    ),
    "a prediction that is missing": wrong(
        "Add the predictions",
        lambda: (pair(), write_image(Path("truth/b.nii.gz"), TRUTH)),
        lambda: write_image(Path("pred/b.nii.gz"), PRED),
        right=(2 / 3,) * 2,
    ),
    "two classes of one id": wrong(
        "Name an id once",
        two,
        first=(*DICE, "--labels", "1=liver,1=spleen"),
        then=((*DICE, "--labels", "1=liver,2=spleen"),),
        right=(2 / 3, 1.0),
    ),
}
WAYS = {
    f"{kind}: {what}": way
    for kind, ways in {"values": VALUES, "grids": GRIDS, "names": NAMES}.items()
    for what, way in ways.items()
}


@pytest.mark.parametrize("what", WAYS)
def test_what_is_said_of_values_grids_and_names_leads_to_the_right_number(run: Run, what: str) -> None:
    follow(run, WAYS[what])
