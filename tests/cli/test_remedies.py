"""What a message offers is done, word for word, and the number that comes of it is the right one."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import nibabel
import numpy as np
import pytest
from PIL import Image

from tests.cli.given import Run, rows_of, write_image
from tests.cli.remedies import PRED, TRUTH, TWO, TWO_PRED

RIGHT = 2 * 4 / (6 + 6)  # of the six slices of the box four meet
COARSE = np.array([[2.0, 0, 0, 0.5], [0, 2, 0, 0.5], [0, 0, 2, 0.5], [0, 0, 0, 1]])
HERE = ("score", "pred", "truth", "-m", "dice", "--bootstrap", 0)


@dataclass(frozen=True, kw_only=True)
class Offer:
    """A situation, what its message offers, and what comes of it.

    Attributes:
        given: writes the files.
        says: what the message offers, in its own words.
        do: the options that it names.
        mend: what it asks to be done to the files.
        gives: Dice of the rows of `scores.csv`.
        asked: options of the command from the start.
        refused: whether it is an error; else a note beside numbers that are others.
        code: of the command in the end.
    """

    given: Callable[[], object]
    says: str
    do: tuple[str, ...] = ()
    mend: Callable[[], object] = lambda: None
    gives: tuple[float, ...] = (RIGHT,)
    asked: tuple[str, ...] = ()
    refused: bool = True
    code: int = 0


def pair(pred: np.ndarray, truth: np.ndarray = TRUTH, *, name: str = "a", affine: np.ndarray | None = None) -> None:
    write_image(Path("pred", f"{name}.nii.gz"), pred, affine=affine)
    write_image(Path("truth", "a.nii.gz"), truth)


def pictures(pred: Image.Image, truth: np.ndarray | Image.Image = TRUTH[..., 3], *, suffix: str = "png") -> None:
    """One pair of pictures, the truth of ids."""
    for side, picture in (("pred", pred), ("truth", truth)):
        Path(side).mkdir(exist_ok=True)
        picture = Image.fromarray(picture) if isinstance(picture, np.ndarray) else picture
        picture.save(Path(side, f"a.{suffix}"))


def one_damaged() -> None:
    pair(PRED)
    write_image(Path("truth", "b.nii.gz"), TRUTH)
    Path("pred", "b.nii.gz").write_bytes(Path("pred", "a.nii.gz").read_bytes()[:60])


def one_missing() -> None:
    pair(PRED)
    write_image(Path("truth", "b.nii.gz"), TRUTH)


def softmax(ids: np.ndarray, n: int) -> np.ndarray:
    """Channels last, 0.9 for the class of a voxel."""
    return np.where(ids[..., None] == np.arange(n), 0.9, 0.1 / (n - 1)).astype(np.float32)


def logits_of(p: np.ndarray) -> np.ndarray:
    return np.log(p / (1 - p)).astype(np.float32)


def organs(side: str, ids: np.ndarray, names: dict[str, int]) -> None:
    for name, label in names.items():
        write_image(Path(side, "a", f"{name}.nii.gz"), (ids == label).astype(np.uint8))


def coloured(ids: np.ndarray, red: int = 220) -> Image.Image:
    picture = np.zeros((*ids.shape, 3), np.uint8)
    picture[ids == 1] = (red, 20, 60)
    return Image.fromarray(picture)


def table_of_colours(**colours: str) -> None:
    Path("colours.yaml").write_text("0: [0, 0, 0]\n" + "".join(f"{id[1:]}: [{rgb}]\n" for id, rgb in colours.items()))


def palette(ids: np.ndarray, colours: list[int]) -> Image.Image:
    picture = Image.fromarray(ids, mode="P")
    picture.putpalette(colours + [0] * (768 - len(colours)))
    return picture


def moved_affine(mm: float) -> np.ndarray:
    affine = np.eye(4)
    affine[0, 3] = mm
    return affine


def both_forms() -> None:
    """One hard map of 0 and 1 beside one of ids up to 2."""
    write_image(Path("pred", "a.nii.gz"), np.where(PRED == 1, 0.9, 0.1).astype(np.float32))
    write_image(Path("pred", "b.nii.gz"), TRUTH)
    for name in ("a", "b"):
        write_image(Path("truth", f"{name}.nii.gz"), TRUTH)


def form_of_all_is(kind: str) -> None:
    """What scoring apart means: the other case leaves the folder."""
    for side in ("pred", "truth"):
        Path(side, "b.nii.gz" if kind == "probs" else "a.nii.gz").unlink()


def with_sform(pred: np.ndarray) -> None:
    """A truth whose two places differ, and a prediction that was written at the other one."""
    truth = nibabel.Nifti1Image(TRUTH, np.eye(4))
    truth.set_sform(moved_affine(40.0), code=1)
    truth.set_qform(np.eye(4), code=1)
    Path("truth").mkdir()
    nibabel.save(truth, "truth/a.nii.gz")
    write_image(Path("pred", "a.nii.gz"), pred)


KINDS: dict[str, Offer] = {
    "overshoot": Offer(
        given=lambda: pair((PRED * 1.08 - 0.04).astype(np.float32)), says="--clip-probs", do=("--clip-probs",)
    ),
    "overshoot of just so much in float32": Offer(
        given=lambda: pair((PRED * 1.1 - 0.05).astype(np.float32)), says="Pass --clip-probs", do=("--clip-probs",)
    ),
    "more overshoot": Offer(
        given=lambda: pair((PRED * 1.2 - 0.1).astype(np.float32) + softly()),
        says="Cut them off at 0 and 1",
        mend=lambda: pair(np.clip((PRED * 1.2 - 0.1).astype(np.float32) + softly(), 0, 1)),
    ),
    "a scale": Offer(given=lambda: pair(PRED, TRUTH * 1.01), says="Pass --round-labels", do=("--round-labels",)),
    "a scale of the prediction": Offer(
        given=lambda: pair(TWO_PRED * 1.1, TWO), says="Pass --round-labels", do=("--round-labels",), gives=(RIGHT, 1.0)
    ),
    "a truth of shares": Offer(
        given=lambda: pair(PRED, np.where(TRUTH == 1, 0.8, 0.2).astype(np.float32)),
        says="Pass --round-labels to take values of 0.5 and more for id 1",
        do=("--round-labels",),
    ),
    "logits": Offer(
        given=lambda: pair(logits_of(np.where(PRED == 1, 0.9, 0.2)) * 3),
        says="pass --pred-kind logits",
        do=("--pred-kind", "logits"),
    ),
    "logits in channels": Offer(
        given=lambda: pair(np.log(softmax(PRED, 2))), says="pass --pred-kind logits", do=("--pred-kind", "logits")
    ),
    "maps said to be labels": Offer(
        given=lambda: pair(np.where(PRED == 1, 0.9, 0.2).astype(np.float32)),
        says="pass --pred-kind probs",
        do=("--pred-kind", "probs"),
        asked=("--pred-kind", "labels"),
    ),
    "channels said to be labels": Offer(
        given=lambda: pair(softmax(PRED, 2)),
        says="pass --pred-kind probs",
        do=("--pred-kind", "probs"),
        asked=("--pred-kind", "labels"),
    ),
    "scores said to be labels": Offer(
        given=lambda: pair(logits_of(np.where(PRED == 1, 0.9, 0.2)) * 3),
        says="pass --pred-kind logits",
        do=("--pred-kind", "logits"),
        asked=("--pred-kind", "labels"),
    ),
    "one of another kind": Offer(
        given=both_forms, says="or score the others apart", mend=lambda: form_of_all_is("probs")
    ),
    "a map of 255 said to be probabilities": Offer(
        given=lambda: pair(PRED * np.uint8(255)),
        says="pass --pred-kind labels if they are class ids",
        do=("--pred-kind", "labels", "--pred-ids", "255=1"),
        asked=("--pred-kind", "probs"),
    ),
    "sums that are not 1": Offer(
        given=lambda: pair(np.stack([1 - PRED * 0.9, PRED * 0.8], axis=-1).astype(np.float32)),
        says="if each channel is a sigmoid of its own, name only their classes with --labels",
        mend=lambda: pair((PRED * 0.8)[..., None].astype(np.float32)),
        asked=("--labels", "1=lesion"),
    ),
    "negative ids": Offer(
        given=lambda: pair(PRED, np.where(np.arange(8) == 7, -1, TRUTH.astype(np.int16))),
        says="pass --ignore-label",
        do=("--ignore-label", "-1"),
    ),
}


def softly() -> np.ndarray:
    """Values that are no ids, far from one half, so that no voxel changes sides."""
    return np.where(PRED == 1, -1.0, 1.0).astype(np.float32) * np.linspace(0, 0.4, 8, dtype=np.float32)


CLASSES: dict[str, Offer] = {
    "ids out of order": Offer(
        given=lambda: pair(softmax(TWO_PRED, 3), np.choose(TWO, [0, 7, 5]).astype(np.uint8)),
        says="such as --channels background,right,left",
        do=("--channels", "background,left,right"),
        asked=("--labels", "7=left,5=right"),
        gives=(RIGHT, 1.0),
    ),
    "channels that nobody named": Offer(
        given=lambda: pair(softmax(np.where(TWO_PRED == 2, 3, TWO_PRED), 4)[..., :3], np.where(TWO == 2, 0, TWO)),
        says="Name the classes of the channels with --labels",
        do=("--labels", "1=left,2=right"),
        mend=lambda: pair(softmax(np.where(TWO_PRED == 2, 0, TWO_PRED), 3), np.where(TWO == 2, 0, TWO)),
        asked=("--labels", "1=left,2=right,3=up,4=down"),
        gives=(RIGHT, float("nan")),
    ),
    "too many names of channels": Offer(
        given=lambda: pair(softmax(PRED, 2)),
        says="Name as many as there are",
        do=("--channels", "background,left"),
        asked=("--labels", "1=left,2=right", "--channels", "background,left,right"),
        gives=(RIGHT, float("nan")),
    ),
    "ids of a truth that no channel has": Offer(
        given=lambda: pair(softmax(PRED, 2), np.where(np.arange(8) == 7, 255, TRUTH).astype(np.uint8)),
        says="or pass --ignore-label 255",
        do=("--ignore-label", "255"),
    ),
    "ids moved by one": Offer(
        given=lambda: pair(np.where(TWO_PRED > 0, TWO_PRED + 1, 0).astype(np.uint8), TWO),
        says="pass --pred-ids 2=1,3=2 if they mean the same",
        do=("--pred-ids", "2=1,3=2"),
        gives=(RIGHT, 1.0),
        refused=False,
    ),
    "channels in another order": Offer(
        given=lambda: pair(softmax(TWO_PRED, 3)[..., [0, 2, 1]], TWO),
        says="pass --channels background,2,1 if that is the order of the channels",
        do=("--channels", "background,2,1"),
        gives=(RIGHT, 1.0),
        refused=False,
    ),
    "ids moved of maps": Offer(
        given=lambda: pair(softmax(PRED, 2)),
        says="Say what they are of with --channels",
        do=("--channels", "background,1"),
        asked=("--pred-ids", "2=1"),
    ),
    "a negative id as a class": Offer(
        given=lambda: pair(PRED, np.where(np.arange(8) == 7, -1, TRUTH.astype(np.int16))),
        says="Pass --ignore-label -1",
        do=("--labels", "1=left", "--ignore-label", "-1"),
        asked=("--labels", "1=left,-1=void"),
    ),
    "an id named twice": Offer(
        given=lambda: pair(TWO_PRED, TWO),
        says="join ids with --regions",
        do=("--labels", "1=left,2=right", "--regions", "whole=1+2"),
        asked=("--labels", "1=left,2=right,1=whole"),
        gives=(RIGHT, 1.0, 2 * (96 + 192) / (144 + 144 + 2 * 192)),
    ),
    "a class without a file": Offer(
        given=lambda: (organs("pred", PRED, {"liver": 1}), organs("truth", TWO, {"liver": 1, "spleen": 2})),
        says="name the others alone with --labels",
        do=("--labels", "1=liver"),
        asked=("--labels", "1=liver,2=spleen"),
    ),
    "an empty mask of an absent class": Offer(
        given=lambda: (organs("pred", PRED, {"liver": 1}), organs("truth", TWO, {"liver": 1, "spleen": 2})),
        says="Write a mask without voxels where a class is absent",
        mend=lambda: organs("pred", PRED, {"liver": 1, "spleen": 2}),
        asked=("--labels", "1=liver,2=spleen"),
        gives=(RIGHT, 0.0),
    ),
    "classes by name beside ids": Offer(
        given=lambda: (
            write_image(Path("pred", "a.nii.gz"), TWO_PRED),
            organs("truth", TWO, {"liver": 1, "spleen": 2}),
        ),
        says="Say which class has which id with --labels, such as 1=liver,2=spleen",
        do=("--labels", "1=liver,2=spleen"),
        gives=(RIGHT, 1.0),
    ),
    "predictions by name beside ids": Offer(
        given=lambda: (
            organs("pred", TWO_PRED, {"liver": 1, "spleen": 2}),
            write_image(Path("truth", "a.nii.gz"), TWO),
        ),
        says="Say which class has which id with --labels, such as 1=liver,2=spleen",
        do=("--labels", "1=liver,2=spleen"),
        gives=(RIGHT, 1.0),
    ),
    "a case that is called like a class": Offer(
        given=lambda: (
            write_image(Path("pred", "liver.nii.gz"), TWO_PRED),
            write_image(Path("truth", "liver.nii.gz"), TWO),
        ),
        says="pass --pred-pattern '{case}.nii.gz' --truth-pattern '{case}.nii.gz'",
        do=("--pred-pattern", "{case}.nii.gz", "--truth-pattern", "{case}.nii.gz"),
        asked=("--labels", "1=liver,2=spleen"),
        gives=(RIGHT, 1.0),
    ),
    "where the case ends": Offer(
        given=lambda: (
            write_image(Path("pred", "a_liver.nii.gz"), PRED),
            write_image(Path("truth", "a_liver.nii.gz"), TRUTH),
        ),
        says="Name the classes with --labels",
        do=("--labels", "1=liver"),
        asked=("--truth-files", "{case}_{class}.nii.gz", "--channel-files", "{case}_{class}.nii.gz"),
    ),
}

PLACES: dict[str, Offer] = {
    "channels in the first axis": Offer(
        given=lambda: pair(np.moveaxis(softmax(PRED, 2), -1, 0)),
        says="with channels in its first axis. Pass --channel-axis first",
        do=("--channel-axis", "first"),
    ),
    "channels in the first axis, resampled": Offer(
        given=lambda: pair(np.moveaxis(softmax(PRED, 2), -1, 0)),
        says="Pass --channel-axis first",
        do=("--channel-axis", "first"),
        asked=("--resample", "--quiet"),
    ),
    "channels of a flat image": Offer(
        given=lambda: (
            Path("pred").mkdir(),
            np.save("pred/a.npy", softmax(PRED[..., 3], 2)),
            write_image(Path("truth", "a.png"), TRUTH[..., 3]),
        ),
        says="Pass --channel-axis last",
        do=("--channel-axis", "last"),
    ),
    "masks in channels that share voxels": Offer(
        given=lambda: pair(TWO_PRED, np.stack([TWO > 0, TWO == 2], axis=-1).astype(np.uint8)),
        says="write each as a file of its own (case/class.nii.gz",
        do=("--labels", "1=liver,2=spleen"),
        mend=lambda: (
            Path("truth", "a.nii.gz").unlink(),
            organs("truth", TWO, {"liver": 1, "spleen": 2}),
        ),
        gives=(RIGHT, 1.0),
    ),
    "points in time": Offer(
        given=lambda: pair(PRED, np.stack([TWO, TWO], axis=-1)),
        says="write each as a file, and a case, of its own",
        mend=lambda: pair(PRED),
    ),
    "a truth of probabilities in channels": Offer(
        given=lambda: pair(PRED, softmax(TRUTH, 2)),
        says="write the id of each voxel, as array.argmax(-1)",
        mend=lambda: pair(PRED, softmax(TRUTH, 2).argmax(-1).astype(np.uint8)),
    ),
    "names": Offer(
        given=lambda: pair(PRED, name="a_0000"),
        says="--pred-pattern '{case}_0000.nii.gz'",
        do=("--pred-pattern", "{case}_0000.nii.gz"),
    ),
    "two files of a case": Offer(
        given=lambda: (pair(PRED), write_image(Path("pred", "a.nii"), TRUTH)),
        says="tell them apart with --pred-pattern",
        do=("--pred-pattern", "{case}.nii.gz"),
    ),
    "another grid": Offer(
        given=lambda: pair(PRED[::2, ::2, ::2], affine=COARSE), says="pass --resample", do=("--resample",)
    ),
    "a lost spacing": Offer(
        given=lambda: pair(PRED, affine=np.diag([1.0, 1, 3, 1])),
        says="--ignore-geometry to compare the arrays as they are",
        do=("--ignore-geometry",),
    ),
    "an origin that was rounded": Offer(
        given=lambda: pair(PRED, affine=moved_affine(0.2)),
        says="a larger --geometry-tol if the two are meant to be one grid",
        do=("--geometry-tol", "0.5"),
    ),
    "far away": Offer(
        given=lambda: pair(PRED, affine=moved_affine(500.0)),
        says="pass --ignore-geometry if the arrays belong together",
        do=("--ignore-geometry",),
        asked=("--resample",),
    ),
    "no place in the world": Offer(
        given=lambda: (Path("pred").mkdir(), np.save("pred/a.npy", PRED), write_image(Path("truth/a.nii.gz"), TRUTH)),
        says="pass --ignore-geometry to compare the arrays as they are",
        do=("--ignore-geometry",),
        asked=("--resample",),
    ),
    "two places in one header": Offer(
        given=lambda: with_sform(PRED),
        says="pass --orientation qform",
        do=("--orientation", "qform"),
    ),
    "a damaged file": Offer(given=one_damaged, says="--keep-going", do=("--keep-going",), code=3),  # it fails alone
    "no prediction": Offer(given=one_missing, says="--missing worst", do=("--missing", "worst"), gives=(RIGHT, 0.0)),
    "no prediction, skipped": Offer(given=one_missing, says="|skip", do=("--missing", "skip")),
    "too many lengths": Offer(
        given=lambda: pictures(Image.fromarray(PRED[..., 3])),
        says="Give one length for each axis",
        do=("--spacing", "1,1"),
        asked=("--spacing", "1,1,1"),
    ),
}

PICTURES: dict[str, Offer] = {
    "white for one": Offer(
        given=lambda: pictures(Image.fromarray(PRED[..., 3] * 255)),
        says="pass --pred-ids 255=1",
        do=("--pred-ids", "255=1"),
        refused=False,
    ),
    "colours": Offer(
        given=lambda: (table_of_colours(_1="220, 20, 60"), pictures(coloured(PRED[..., 3]))),
        says="Pass --colors with their table",
        do=("--colors", "colours.yaml"),
    ),
    "colours in TIFF": Offer(
        given=lambda: (
            table_of_colours(_1="220, 20, 60"),
            pictures(coloured(PRED[..., 3]), coloured(TRUTH[..., 3]), suffix="tif"),
        ),
        says="Pass --colors with their table",
        do=("--colors", "colours.yaml"),
    ),
    "a colour that is not listed": Offer(
        given=lambda: (table_of_colours(_1="1, 2, 3"), pictures(coloured(PRED[..., 3]))),
        says="Add them to the table",
        mend=lambda: table_of_colours(_1="220, 20, 60"),
        asked=("--colors", "colours.yaml"),
    ),
    "palettes that disagree": Offer(
        given=lambda: (
            table_of_colours(_1="220, 20, 60", _2="5, 6, 9"),
            pictures(
                palette(with_a_corner(PRED[..., 3] * np.uint8(2)), [0, 0, 0, 5, 6, 9, 220, 20, 60]),
                palette(TRUTH[..., 3], [0, 0, 0, 220, 20, 60]),
            ),
        ),
        says="list all colours with --colors",
        do=("--colors", "colours.yaml"),
        gives=(RIGHT, 0.0),
    ),
    "grey levels of a map": Offer(
        given=lambda: pictures(grey_map()),
        says="Pass --pred-kind probs to cut it at one half",
        do=("--pred-kind", "probs"),
    ),
}


def with_a_corner(ids: np.ndarray) -> np.ndarray:
    ids[0, 0] = 1
    return ids


def grey_map() -> Image.Image:
    """A map in 8 bits, of many levels on both sides of one half."""
    random = np.random.default_rng(0)
    inside, outside = random.integers(150, 256, (12, 12)), random.integers(0, 100, (12, 12))
    return Image.fromarray(np.where(PRED[..., 3] == 1, inside, outside).astype(np.uint8))


OFFERS = KINDS | CLASSES | PLACES | PICTURES


@pytest.mark.parametrize("what", OFFERS)
def test_the_remedy_that_a_message_offers_leads_to_the_right_number(run: Run, what: str) -> None:
    offer = OFFERS[what]
    offer.given()
    first = run(*HERE, *offer.asked)
    said = " ".join(first.err.split())
    assert offer.says.lower() in said.lower()
    assert (first.code != 0) == offer.refused
    offer.mend()
    done = run(*HERE, *(*offer.do, *_kept(offer)))
    assert done.code == offer.code, done.err
    found = [float(row["dice"] or "nan") for row in rows_of(Path("segeval-results", "scores.csv"))]
    assert found == pytest.approx(offer.gives, nan_ok=True)


def test_two_lone_files_of_other_names_are_scored_once_they_are_named(run: Run) -> None:
    files = [
        write_image(Path(side, f"{name}.nii.gz"), mask)
        for side, name, mask in (("pred", "seg", PRED), ("truth", "mask", TRUTH))
    ]
    refused = run(*HERE)
    named = f"If they are one case, name the files themselves: {files[0]} {files[1]}."
    assert (refused.code, named in " ".join(refused.err.split())) == (3, True)
    assert run("score", *files, *HERE[3:]).code == 0
    (row,) = rows_of(Path("segeval-results", "scores.csv"))
    assert float(row["dice"]) == pytest.approx(RIGHT)


def _kept(offer: Offer) -> tuple[str, ...]:
    """The options of the first try that the remedy does not replace."""
    pairs = list(zip(offer.asked[::2], offer.asked[1::2], strict=False)) if len(offer.asked) > 1 else [offer.asked]
    replaced = {"--pred-ids": "--channels", "--resample": "--ignore-geometry"}
    return tuple(
        one
        for option in pairs
        if option and option[0] not in offer.do and replaced.get(option[0]) not in offer.do
        for one in option
    )
