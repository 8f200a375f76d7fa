"""What is said of images that are larger than `--max-memory` allows leads to a known number."""

from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
from PIL import Image

from tests.cli.given import Run, write_image
from tests.cli.remedies import (
    LARGE,
    LARGE_PRED,
    ROOM,
    SCORE,
    Way,
    follow,
    greys,
    large,
    pair,
    pictured,
    plane,
    scores,
    soft,
    text,
    tiff,
)

pytestmark = pytest.mark.slow  # of several runs each

DICE = (*SCORE, "-m", "dice")


def planes(axis: int | None, order: Literal["C", "F"] = "C") -> None:
    """The boxes many times in a plane, as ids, or as masks in channels along an axis, of which four hold nothing."""
    for side, ids in (("pred", LARGE_PRED), ("truth", LARGE)):
        plane = np.tile(ids[..., 20], (6, 6))
        stored = plane if axis is None else np.stack([plane == i for i in range(6)], axis=axis).astype(np.uint8)
        write_image(Path(side, "a.npy"), np.asarray(stored, order=order))


SLABS = {
    "one-hot channels in slabs": Way(
        given=lambda: planes(-1),
        first=(*DICE, *ROOM),
        says="or raise --max-memory",
        then=((*DICE, "--max-memory", "400MiB", "--workers", 1),),
    ),
    "one-hot channels first, in slabs": Way(
        given=lambda: planes(0),
        first=(*DICE, "--max-memory", "154MiB", "--workers", 1),
        says="is one-hot along its first axis, which is read as ids in whole images only",
        then=((*DICE, "--max-memory", "400MiB", "--workers", 1),),
    ),
    "one-hot channels first, column after column": Way(
        given=lambda: planes(0, "F"),
        first=(*DICE, *ROOM),
        says="Write ids: array.argmax(0)",
        mend=lambda: planes(None),
        then=(DICE, (*DICE, *ROOM)),
    ),
    "one-hot channels last, column after column": Way(
        given=lambda: planes(-1, "F"),
        first=(*DICE, "--max-memory", "154MiB", "--workers", 1),
        says="Write ids: array.argmax(-1)",
        mend=lambda: planes(None),
        then=(DICE, (*DICE, *ROOM)),
    ),
    "a measure that needs the whole": Way(
        given=large,
        first=(*SCORE, "-m", "dice,hd95", *ROOM),
        says="Choose others, such as -m overlap,losses,probability",
        then=((*SCORE, "-m", "overlap,losses,probability", *ROOM),),
    ),
    "a measure that needs the whole, with more room": Way(
        given=large,
        first=(*SCORE, "-m", "hd", *ROOM),
        says="raise --max-memory",
        then=((*SCORE, "-m", "hd", "--max-memory", "400MiB", "--workers", 1),),
        read=scores("hd"),
        right=(12.0,),
    ),
    "no limit": Way(
        given=large,
        first=(*SCORE, "-m", "hd", *ROOM),
        says="or leave it out",
        then=((*SCORE, "-m", "hd"),),
        read=scores("hd"),
        right=(12.0,),
    ),
    "an option that needs the whole": Way(
        given=lambda: pair(LARGE_PRED.astype(np.float32), LARGE),
        first=(*DICE, "--clip-probs", "--max-memory", "151MiB", "--workers", 1),
        says="Leave --clip-probs out, or raise --max-memory",
        then=((*DICE, "--max-memory", "151MiB", "--workers", 1),),
    ),
    "a kind of file that is read whole": Way(
        given=lambda: (large(), rewritten_as_mha()),
        first=(*DICE, "--ignore-geometry", *ROOM),
        says="Convert it, or raise --max-memory",
        mend=lambda: (Path("pred/a.mha").unlink(), large()),
    ),
    "too little for a slab": Way(
        given=large,
        first=(*DICE, "--max-memory", "150.001MiB", "--workers", 1),
        says="Pass --workers 1 and --max-memory 151MiB or more",
        then=((*DICE, "--max-memory", "151MiB", "--workers", 1),),
    ),
}


def rewritten_as_mha() -> None:
    import SimpleITK

    Path("pred/a.nii.gz").unlink()
    SimpleITK.WriteImage(SimpleITK.GetImageFromArray(LARGE_PRED.T), "pred/a.mha")


MORE = ("--max-memory", "400MiB", "--workers", 1)
TABLE = ("--colors", "c.yaml")
REVERSED = np.eye(4)[[2, 1, 0, 3]]  # the axes in the order z, y, x
COARSE = np.array([[2.0, 0, 0, 0.5], [0, 2, 0, 0.5], [0, 0, 2, 0.5], [0, 0, 0, 1]])


def reordered() -> None:
    large()
    write_image(Path("pred/a.nii.gz"), LARGE_PRED.transpose(2, 1, 0), affine=REVERSED)


def coarse(step: int = 2) -> None:
    large()
    write_image(Path("pred/a.nii.gz"), LARGE_PRED[::step, ::step, ::step], affine=COARSE if step > 1 else np.eye(4))


def palettes() -> None:
    """Both sides paint the class in one colour, which stands at another place of each palette."""
    painted = []
    for ids, colours in ((LARGE_PRED * np.uint8(2), [0, 0, 0, 7, 7, 7, 9, 9, 9]), (LARGE, [0, 0, 0, 9, 9, 9])):
        painted.append(Image.fromarray(plane(ids), "P"))
        painted[-1].putpalette(colours + [0] * (768 - len(colours)))
    pictured(*painted)
    text("c.yaml", "{0: [0, 0, 0], 1: [9, 9, 9], 2: [7, 7, 7]}")


def coloured_tiff() -> None:
    greys()
    Path("pred/a.png").unlink()
    tiff("pred/a.tif", np.stack([plane(LARGE_PRED) * 9, *[0 * plane(LARGE)] * 2], axis=-1), photometric="rgb")
    text("c.yaml", "{0: [0, 0, 0], 1: [9, 0, 0]}")


def as_png() -> None:
    Path("pred/a.tif").unlink()
    rgb = np.stack([plane(LARGE_PRED) * 9, *[0 * plane(LARGE)] * 2], axis=-1)
    Image.fromarray(rgb).save("pred/a.png")


def as_greys() -> None:
    Path("pred/a.tif").unlink()
    greys()


def damaged() -> None:
    greys()
    data = bytearray(Path("pred/a.png").read_bytes())
    data[-20] ^= 1  # of the checksum of the pixels
    Path("pred/a.png").write_bytes(data)


def shared() -> None:
    """Two sigmoids that are both sure of the box."""
    pair(np.stack([soft(LARGE_PRED)] * 2, axis=-1), LARGE)


def late() -> None:
    """A truth whose last slice, and no other, holds halves."""
    pair(LARGE_PRED, np.where(np.arange(48) == 47, 0.5, LARGE).astype(np.float32))


NEAR = (*SCORE, "-m", "dice,nsd(tolerance_mm=1)", "--labels", "1=liver,2=spleen")


def refused(says: str, given: Any, *then: Any, first: tuple[Any, ...] = (*DICE, *ROOM), **more: Any) -> Way:
    """An image that is too large as it is, and the command that its message names."""
    return Way(**{"given": given, "first": first, "says": says, "then": then, **more})


MENDED = {
    "axes in another order": refused("Write both in one order", reordered, mend=large),
    "axes in another order, with more room": refused("or raise --max-memory", reordered, (*DICE, *MORE)),
    "another grid": refused(
        "resample it before",
        coarse,
        first=(*DICE, "--resample", *ROOM),
        mend=lambda: coarse(1),
    ),
    "another grid, with more room": refused(
        "or raise --max-memory", coarse, (*DICE, "--resample", *MORE), first=(*DICE, "--resample", *ROOM)
    ),
    "palettes that disagree": refused("Save the ids as grey values", palettes, mend=greys),
    "palettes that disagree, in a table": refused("list all colours with --colors", palettes, (*DICE, *TABLE, *ROOM)),
    "palettes that disagree, with more room": refused("or raise --max-memory", palettes, (*DICE, *MORE)),
    "colours in TIFF, as PNG": refused("Save it as PNG", coloured_tiff, first=(*DICE, *TABLE, *ROOM), mend=as_png),
    "colours in TIFF, as greys": refused(
        "or the ids as grey values", coloured_tiff, first=(*DICE, *TABLE, *ROOM), mend=as_greys
    ),
    "colours in TIFF, with more room": refused(
        "Or raise --max-memory", coloured_tiff, (*DICE, *TABLE, *MORE), first=(*DICE, *TABLE, *ROOM)
    ),
    "a PNG that is damaged behind its pixels": refused("copy or write it again", damaged, mend=greys),
    "surfaces of classes that share voxels": refused(
        "Leave out nsd",
        shared,
        (*DICE, *NEAR[-2:], "--max-memory", "160MiB", "--workers", 1),
        first=(*NEAR, "--max-memory", "160MiB", "--workers", 1),
        right=(2 / 3, 0.0),  # nobody has a true spleen
    ),
    "surfaces of classes that share voxels, with more room": refused(
        "or raise --max-memory",
        shared,
        (*NEAR, *MORE),
        first=(*NEAR, "--max-memory", "160MiB", "--workers", 1),
        right=(2 / 3, 0.0),
    ),
    "halves in the last slab": refused(
        "Pass --round-labels",
        late,
        (*DICE, "--round-labels", *ROOM),
        right=(2 * 20736 / (31104 + 31104 + 72 * 72),),  # all of the last slice counts as the class
    ),
}


@pytest.mark.parametrize("what", SLABS | MENDED)
def test_what_is_said_of_an_image_that_is_too_large_leads_to_the_right_number(run: Run, what: str) -> None:
    follow(run, (SLABS | MENDED)[what])
