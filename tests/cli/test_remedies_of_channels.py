"""What is said of files of classes, and of channels, leads to a known number."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.cli.given import Run, write_image
from tests.cli.remedies import (
    BOTH,
    FLAT_PRED,
    NAMED,
    PRED,
    SCORE,
    TRUTH,
    TWO,
    TWO_PRED,
    Way,
    follow,
    labelled,
    pair,
    soft,
    text,
)

pytestmark = pytest.mark.slow  # of several runs each

DICE = (*SCORE, "-m", "dice")


def by_class(side: str, masks: dict[str, np.ndarray], suffix: str = ".nii.gz") -> None:
    for name, mask in masks.items():
        write_image(Path(side, "s1", f"{name}{suffix}"), mask)


ORGANS = {"liver": (TWO == 1).astype(np.uint8), "spleen": (TWO == 2).astype(np.uint8)}
FOUND = {"liver": (TWO_PRED == 1).astype(np.uint8), "spleen": (TWO_PRED == 2).astype(np.uint8)}
TUMOUR = ((TRUTH == 1) & (np.arange(8) == 3)).astype(np.uint8)
SHARED = {"liver": TRUTH, "tumour": TUMOUR}  # the tumour lies within the liver
SURE = {"liver": soft(), "tumour": soft(TUMOUR)}


def files(says: str, given: Callable[[], object], mend: Callable[[], object] = lambda: None, **more: Any) -> Way:
    """Files of classes of one case."""
    return Way(**{"given": given, "first": DICE, "says": says, "mend": mend, "right": BOTH, **more})


def twice() -> None:
    by_class("truth", ORGANS)
    by_class("pred", FOUND)
    by_class("pred", {"liver": ORGANS["liver"]}, ".npy")


def stacked() -> None:
    by_class("truth", SHARED)
    write_image(Path("pred/s1.nii.gz"), np.stack([*SURE.values()], axis=-1))


def unstacked() -> None:
    Path("pred/s1.nii.gz").unlink()
    by_class("pred", SURE)


JOINT = "{case}_{class}.nii.gz"
APART = "Name one of them with --labels, and score the others apart"
SPLIT = "Write the map of each as a file of its own (case/class.nii.gz), name one of them with --labels"
INSIDE = ("--labels", "1=liver,2=tumour")
FILES = {
    "two of a class": files("Keep one of them", twice, lambda: Path("pred/s1/liver.npy").unlink()),
    "two of a class, one with its case": files(
        "are both of class 'liver'. Keep one of them",
        lambda: (
            by_class("truth", ORGANS),
            by_class("pred", FOUND | {"s1_liver": ORGANS["liver"], "s1_spleen": ORGANS["spleen"]}),
        ),
        lambda: [path.unlink() for path in Path("pred/s1").glob("s1_*")],
    ),
    "a place without the case": files(
        "write {case}, and {class} once, as in '{case}_{class}.nii.gz'",
        lambda: [
            write_image(Path(side, f"s1_{name}.nii.gz"), mask)
            for side, masks in (("pred", FOUND), ("truth", ORGANS))
            for name, mask in masks.items()
        ],
        first=(*DICE, *NAMED, "--channel-files", "{class}.nii.gz", "--truth-files", JOINT),
        then=(
            (
                *DICE,
                *NAMED,
                *(each for side in ("channel", "truth") for each in (f"--{side}-files", JOINT)),
            ),
        ),
    ),
    "a place that ends in nothing": files(
        "it must end like an image file",
        lambda: (by_class("truth", ORGANS), by_class("pred", FOUND)),
        first=(*DICE, "--channel-files", "{case}/{class}"),
        then=((*DICE, "--channel-files", "{case}/{class}.nii.gz"),),
    ),
    "a place where nothing is": files(
        "Check the pattern",
        lambda: (by_class("truth", ORGANS), by_class("pred", FOUND)),
        first=(*DICE, "--channel-files", "{case}/seg/{class}.nii.gz"),
        then=((*DICE, "--channel-files", "{case}/{class}.nii.gz"),),
    ),
    "channels in a file of a class": files(
        "Write one map per file",
        lambda: (
            by_class("truth", ORGANS),
            by_class("pred", {n: np.stack([1 - soft(m), soft(m)], -1) for n, m in FOUND.items()}),
        ),
        lambda: by_class("pred", {name: soft(mask) for name, mask in FOUND.items()}),
    ),
    "maps of classes that share voxels": files(
        APART,
        lambda: (by_class("truth", SHARED), by_class("pred", SURE)),
        then=((*DICE, "--labels", "1=liver"),),
        right=(2 / 3,),
    ),
    "the map of the other": files(
        APART,
        lambda: (by_class("truth", SHARED), by_class("pred", SURE)),
        then=((*DICE, "--labels", "2=tumour"),),
        right=(1.0,),
    ),
    "maps of classes that share voxels, in one file": files(
        SPLIT, stacked, unstacked, first=(*DICE, *INSIDE), then=((*DICE, "--labels", "1=liver"),), right=(2 / 3,)
    ),
    "masks in floats of classes that share voxels": files(
        "or pass --pred-kind labels if they are masks of 0 and 1",
        lambda: (
            by_class("truth", SHARED),
            by_class("pred", {name: mask.astype(np.float32) for name, mask in (SHARED | {"liver": PRED}).items()}),
        ),
        then=((*DICE, "--pred-kind", "labels"),),
    ),
    "a list of files of one side each": Way(
        given=lambda: (pair(), text("p.csv", "case,pred,truth\na,pred/a.nii.gz,\nb,,truth/a.nii.gz\n")),
        first=("score", "--pairs", "p.csv", *DICE[3:]),
        says="so there is nothing to score. Fill in both",
        mend=lambda: text("p.csv", "case,pred,truth\na,pred/a.nii.gz,truth/a.nii.gz\n"),
    ),
}


def one_hot_twice() -> None:
    """Channels first, and by chance each line of voxels along the last axis crosses one box, too."""
    ids = np.add.outer(np.arange(4), np.arange(4)) % 4
    for side in ("pred", "truth"):
        Path(side).mkdir(exist_ok=True)
        np.save(f"{side}/a.npy", (np.arange(4)[:, None, None] == ids).astype(np.uint8))


def argmax() -> None:
    for side in ("pred", "truth"):
        np.save(f"{side}/a.npy", np.load(f"{side}/a.npy").argmax(0))


SOFTMAX = np.stack([1 - soft(), soft()], axis=-1)
ORDER = ("--channels", "background,liver")
CHANNELS = {
    "names that nobody knows, as ids": labelled(
        "Without --labels a class is called by its id, as in background,1,2: write ids",
        ORDER,
        ("--channels", "background,1"),
        given=lambda: pair(SOFTMAX),
        right=BOTH[:1],
    ),
    "names that nobody knows, named": labelled(
        "or name them there",
        ORDER,
        (*ORDER, "--labels", "1=liver"),
        given=lambda: pair(SOFTMAX),
        right=BOTH[:1],
    ),
    "a name that is none": labelled(
        "Classes are liver, background",
        ("--labels", "1=liver", "--channels", "background,spleen"),
        ("--labels", "1=liver", *ORDER),
        given=lambda: pair(SOFTMAX),
        right=BOTH[:1],
    ),
    "sigmoids that are named by one": labelled(
        "name only their classes with --labels",
        ("--labels", "1=liver"),
        NAMED,
        given=lambda: pair(np.stack([soft(), soft(TWO_PRED == 2)], axis=-1), TWO),
    ),
    "masks in channels": labelled(
        "Pass --pred-kind probs if these are probabilities",
        NAMED,
        (*NAMED, "--pred-kind", "probs"),
        given=lambda: pair(np.stack([TWO_PRED == 1, TWO_PRED == 2], axis=-1).astype(np.uint8), TWO),
    ),
    "one-hot along two axes": Way(
        given=one_hot_twice,
        first=DICE,
        says="Write ids: array.argmax(0) or array.argmax(-1)",
        mend=argmax,
        right=(1.0,) * 3,
    ),
    "probabilities of nnU-Net in another order": Way(
        given=lambda: (
            pair(),
            Path("pred/a.nii.gz").unlink(),
            np.savez("pred/a.npz", probabilities=np.moveaxis(SOFTMAX, -1, 0)),
        ),
        first=DICE,
        says="Export the probabilities on the grid of the image",
        mend=lambda: np.savez("pred/a.npz", probabilities=SOFTMAX.transpose(3, 2, 1, 0)),
    ),
    "a plane beside a volume": Way(
        given=lambda: (
            write_image(Path("pred/a.nii.gz"), FLAT_PRED),
            write_image(Path("truth/a.nii.gz"), TRUTH[..., 3:5]),
        ),
        first=DICE,
        says="Store both as 2-D or both as 3-D images",
        mend=lambda: write_image(Path("pred/a.nii.gz"), PRED[..., 3:5]),
    ),
    "a plane beside a volume, wherever they lie": Way(
        given=lambda: (
            write_image(Path("pred/a.nii.gz"), FLAT_PRED),
            write_image(Path("truth/a.nii.gz"), TRUTH[..., 3:5]),
        ),
        first=(*DICE, "--ignore-geometry"),
        says="Write the prediction on the truth's grid",
        mend=lambda: write_image(Path("pred/a.nii.gz"), PRED[..., 3:5]),
    ),
}


WAYS = {
    f"{kind}: {what}": way
    for kind, ways in {"files": FILES, "channels": CHANNELS}.items()
    for what, way in ways.items()
}


@pytest.mark.parametrize("what", WAYS)
def test_what_is_said_of_files_and_channels_of_classes_leads_to_the_right_number(run: Run, what: str) -> None:
    follow(run, WAYS[what])
