"""Remedies about files: their names, formats, tables, masks by name and size, each followed to a known number."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.cli.given import Run, write_image
from tests.cli.remedies import (
    COCO,
    FLAT,
    FLAT_PRED,
    PRED,
    SCORE,
    TRUTH,
    TWO,
    TWO_PRED,
    Way,
    coco,
    follow,
    pair,
    result,
    scores,
    soft,
    text,
    tiff,
)

DICE = (*SCORE, "-m", "dice")
LIVER = (*DICE, "--labels", "1=liver,2=spleen")


def flat(name: str = "a.png") -> None:
    pair(FLAT_PRED, FLAT, name=name)


def moved(old: str, new: str) -> None:
    Path(old).rename(new)


def rewritten(wrong: str, pred: np.ndarray = PRED) -> None:
    """The prediction as NIfTI in place of a file that does not do."""
    Path("pred", wrong).unlink()
    write_image(Path("pred", "a.nii.gz"), pred)


def pages_of_two_sizes() -> None:
    import tifffile

    Path("pred").mkdir(exist_ok=True)
    with tifffile.TiffWriter("pred/a.tif") as file:
        file.write(FLAT_PRED)
        file.write(FLAT_PRED[:6])


def npz(**arrays: np.ndarray) -> None:
    Path("pred").mkdir(exist_ok=True)
    np.savez("pred/a.npz", **arrays)


def greys() -> None:
    """Two masks of which the true one went through JPEG before it was saved as PNG."""
    mask = np.kron(FLAT, np.ones((7, 7), np.uint8))  # edges within the blocks of JPEG
    pair(mask, mask, name="a.png")
    Image.fromarray(mask * np.uint8(255)).save("a.jpg", quality=60)
    Image.open("a.jpg").save("truth/a.png")


def thresholded() -> None:
    grey = np.asarray(Image.open("truth/a.png"))
    Image.fromarray((grey > 127).astype(np.uint8)).save("truth/a.png")


def _levels() -> np.ndarray:
    """Ids 1 where the mask is, and a hundred others where it is not."""
    ids = np.arange(144).reshape(12, 12) + 50
    return np.where(FLAT_PRED == 1, 1, ids).astype(np.uint8)


NAMES = {
    "a picture that is called NIfTI": Way(
        given=lambda: (flat(), moved("pred/a.png", "pred/a.nii.gz")),
        first=DICE,
        says="or not what its name says: copy or write it again",
        mend=lambda: moved("pred/a.nii.gz", "pred/a.png"),
    ),
    "a NIfTI that is called a picture": Way(
        given=lambda: (pair(), moved("pred/a.nii.gz", "pred/a.png")),
        first=(*DICE, "--ignore-geometry"),
        says="Name it after what it is",
        mend=lambda: moved("pred/a.png", "pred/a.nii.gz"),
    ),
    "a NIfTI that is called NRRD": Way(
        given=lambda: (pair(), moved("pred/a.nii.gz", "pred/a.nrrd")),
        first=DICE,
        says="Name it after what it is",
        mend=lambda: moved("pred/a.nrrd", "pred/a.nii.gz"),
    ),
    "a picture that is called MetaImage": Way(
        given=lambda: (flat(), moved("pred/a.png", "pred/a.mha")),
        first=DICE,
        says="Name it after what it is",
        mend=lambda: moved("pred/a.mha", "pred/a.png"),
    ),
    "a BMP that is a PNG": Way(
        given=lambda: (flat(), moved("pred/a.png", "pred/a.bmp")),
        first=DICE,
        says="Name it after what it is",
        mend=lambda: moved("pred/a.bmp", "pred/a.png"),
    ),
    "an empty file": Way(
        given=lambda: (pair(), Path("pred/a.nii.gz").write_bytes(b"")),
        first=DICE,
        says="is empty (0 bytes). Write it again",
        mend=pair,
    ),
    "a mask in JPEG": Way(
        given=lambda: (flat(), Path("pred/a.png").unlink(), Image.fromarray(FLAT_PRED * 255).save("pred/a.jpg")),
        first=("score", "pred/a.jpg", "truth/a.png", "-m", "dice", "--bootstrap", 0),
        says="Save the masks as PNG or NIfTI from where they were made",
        mend=flat,
        then=(DICE,),
    ),
    "several arrays": Way(
        given=lambda: (write_image(Path("truth/a.npy"), TRUTH), npz(pred=PRED, image=PRED)),
        first=DICE,
        says="Keep one array",
        mend=lambda: npz(pred=PRED),
    ),
    "several arrays, one of a known name": Way(
        given=lambda: (write_image(Path("truth/a.npy"), TRUTH), npz(pred=PRED, image=PRED)),
        first=DICE,
        says="or name one of them arr_0, seg",
        mend=lambda: npz(seg=PRED, image=PRED),
    ),
    "several images in a TIFF": Way(
        given=lambda: (flat(), Path("pred/a.png").unlink(), pages_of_two_sizes()),
        first=DICE,
        says="Save one image per file",
        mend=lambda: tiff("pred/a.tif", FLAT_PRED),
    ),
    "objects in NPY": Way(
        given=lambda: (
            write_image(Path("truth/a.npy"), TRUTH),
            Path("pred").mkdir(),
            np.save("pred/a.npy", np.array([{}]), allow_pickle=True),
        ),
        first=DICE,
        says="Save an array of integers, floats or booleans",
        mend=lambda: np.save("pred/a.npy", PRED),
    ),
    "colours in 16 bits": Way(
        given=lambda: (
            flat(),
            Path("pred/a.png").unlink(),
            tiff("pred/a.tif", np.stack([FLAT_PRED * 9] * 3, -1).astype(np.uint16), photometric="rgb"),
        ),
        first=DICE,
        says="--colors reads single pictures of 8 bits: save the ids as grey values",
        mend=lambda: tiff("pred/a.tif", FLAT_PRED.astype(np.uint16)),
    ),
    "voxels that are not finite": Way(
        given=lambda: pair(np.where(np.arange(8) == 7, np.nan, PRED.astype(np.float32))),
        first=(*DICE, "--pred-kind", "labels"),
        says="Write an id there, 0 for background",
        mend=pair,
    ),
    "probabilities that are not finite": Way(
        given=lambda: pair(np.where(np.arange(8) == 7, np.nan, soft())),
        first=(*DICE, "--pred-kind", "probs"),
        says="Write numbers there",
        mend=lambda: pair(soft()),
    ),
    "five axes": Way(
        given=lambda: pair(np.repeat(np.repeat(PRED[..., None, None], 2, 3), 2, 4)),
        first=DICE,
        says="Split the file",
        mend=pair,
    ),
    "a truth that was saved as JPEG": Way(
        given=greys,
        first=DICE,
        says="Threshold it at half its range, and save it as PNG",
        mend=thresholded,
        right=(1.0,),
    ),
    "greys that are ids": Way(
        given=lambda: (flat(), Image.fromarray(_levels()).save("pred/a.png")),
        first=DICE,
        says="or name all its ids with --labels",
        then=((*DICE, "--labels", ",".join(map(str, np.unique(_levels()))), "-q"),),
        read=lambda done: scores()(done)[:1],
    ),
    "a map with an overshoot beside other values": Way(
        given=lambda: pair((soft() * 4).astype(np.float32)),
        first=DICE,
        says="Write probabilities from 0 to 1",
        mend=lambda: pair(soft()),
    ),
    "a map in 8 bits without a scale": Way(
        given=lambda: pair(np.round(soft() * 255).astype(np.int16)),
        first=(*DICE, "--pred-kind", "probs"),
        says="Give the file a scale (scl_slope 1/255)",
        mend=lambda: pair(np.round(soft() * 255).astype(np.float32) / np.float32(255)),
    ),
}


def table(*lines: str) -> Path:
    return text("l.yaml", "\n".join(lines) + "\n")


TABLES = {
    "no class": Way(
        given=lambda: (pair(TWO_PRED, TWO), table("{}")),
        first=(*DICE, "--labels", "l.yaml"),
        says="Write {1: liver, 2: spleen}",
        mend=lambda: table("{1: liver, 2: spleen}"),
        right=(2 / 3, 1.0),
    ),
    "an id twice in a table": Way(
        given=lambda: (pair(TWO_PRED, TWO), text("l.txt", '1 255 0 0 1 1 1 "liver"\n1 0 255 0 1 1 1 "spleen"\n')),
        first=(*DICE, "--labels", "l.txt"),
        says="Keep one of them",
        mend=lambda: text("l.txt", '1 255 0 0 1 1 1 "liver"\n2 0 255 0 1 1 1 "spleen"\n'),
        right=(2 / 3, 1.0),
    ),
    "a key twice": Way(
        given=lambda: (pair(TWO_PRED, TWO), table("1: liver", "1: spleen")),
        first=(*DICE, "--labels", "l.yaml"),
        says="Keep one of them",
        mend=lambda: table("1: liver", "2: spleen"),
        right=(2 / 3, 1.0),
    ),
    "one name for two": Way(
        given=lambda: pair(TWO_PRED, TWO),
        first=(*DICE, "--labels", "1=liver,2=liver"),
        says="Give one of them another name",
        then=(LIVER,),
        right=(2 / 3, 1.0),
    ),
    "a name like an id": Way(
        given=lambda: pair(TWO_PRED, TWO),
        first=(*DICE, "--regions", "2=1+2"),
        says="Give it a name in words",
        then=((*LIVER, "--regions", "all=1+2"),),
        right=(2 / 3, 1.0, 2 * 288 / (144 + 144 + 2 * 192)),
    ),
    "an id twice in a union": Way(
        given=lambda: pair(TWO_PRED, TWO),
        first=(*LIVER, "--regions", "all=1+2+1"),
        says="names an id twice: 1+2+1. Keep one of them",
        then=((*LIVER, "--regions", "all=1+2"),),
        right=(2 / 3, 1.0, 2 * 288 / (144 + 144 + 2 * 192)),
    ),
    "labels that are no file": Way(
        given=lambda: pair(TWO_PRED, TWO),
        first=(*DICE, "--labels", "liver.yaml"),
        says="Write 1,2,3 or 1=liver,2=spleen",
        then=(LIVER,),
        right=(2 / 3, 1.0),
    ),
    "a table of colours that is none": Way(
        given=lambda: (flat(), Image.fromarray(_rgb(FLAT_PRED)).save("pred/a.png"), table("1: red")),
        first=(*DICE, "--colors", "l.yaml"),
        says="Write one colour per id: {1: [255, 0, 0]",
        mend=lambda: table("{0: [0, 0, 0], 1: [255, 0, 0]}"),
    ),
}


def _rgb(ids: np.ndarray) -> np.ndarray:
    return np.stack([ids * 255, 0 * ids, 0 * ids], axis=-1).astype(np.uint8)


def organs(pred: dict[str, np.ndarray]) -> None:
    """Masks by name in one file of 3D Slicer, beside a truth of ids."""
    from tests.images.slicer_files import save_slicer

    write_image(Path("truth/a.nii.gz"), TWO, affine=np.eye(4))
    Path("pred").mkdir(exist_ok=True)
    save_slicer(Path("pred/a.seg.nrrd"), {name: mask.astype(bool) for name, mask in pred.items()})


BY_NAME = {"liver": TWO_PRED == 1, "spleen": TWO_PRED == 2}


def organ_files(pred: str, truth: str) -> None:
    for case in ("s1", "s2"):
        for label, name in enumerate(("liver", "spleen"), start=1):
            for side, pattern, ids in (("pred", pred, TWO_PRED), ("truth", truth, TWO)):
                path = Path(side, pattern.replace("{case}", case).replace("{class}", name))
                write_image(path, (ids == label).astype(np.uint8))


NESTED, DEEPER, IN_FRONT = "{case}/{class}.nii.gz", "{case}/segmentations/{class}.nii.gz", "{case}_{class}.nii.gz"
ALIGNED = ("--ignore-geometry",)
NAMED = {
    "files of classes in other folders": Way(
        given=lambda: organ_files(NESTED, DEEPER),
        first=DICE,
        says=f"--channel-files '{NESTED}' --truth-files '{DEEPER}'",
        then=((*DICE, "--channel-files", NESTED, "--truth-files", DEEPER),),
        right=(2 / 3, 1.0) * 2,
    ),
    "cases that are called like organs": Way(
        given=lambda: [
            write_image(Path(side, f"{name}.nii.gz"), ids[..., :n])
            for side, ids in (("pred", PRED), ("truth", TRUTH))
            for name, n in (("liver", 8), ("spleen", 7))
        ],
        first=DICE,
        says="If each file is a case, pass --pred-pattern '{case}.nii.gz' --truth-pattern '{case}.nii.gz'",
        then=((*DICE, "--pred-pattern", "{case}.nii.gz", "--truth-pattern", "{case}.nii.gz"),),
        right=(2 / 3,) * 2,
    ),
    "files of classes that begin with the case": Way(
        given=lambda: organ_files(IN_FRONT, NESTED),
        first=DICE,
        says=f"--channel-files '{IN_FRONT}' --truth-files '{NESTED}'",
        then=((*LIVER, "--channel-files", IN_FRONT, "--truth-files", NESTED),),
        right=(2 / 3, 1.0) * 2,
    ),
    "files of classes that were swapped": Way(
        given=lambda: [
            write_image(Path(side, f"s1/{name}.nii.gz"), (ids == label).astype(np.uint8))
            for side, ids, first in (("pred", TWO_PRED, 2), ("truth", TWO, 1))
            for name, label in (("liver", first), ("spleen", 3 - first))
        ],
        first=DICE,
        says="have 1 (liver), 2 (spleen) where the truth has 2 (spleen), 1 (liver): pass --pred-ids 1=2,2=1",
        then=((*DICE, "--pred-ids", "1=2,2=1"),),
        right=(2 / 3, 1.0),
        refused=False,
    ),
    "masks by name beside ids": Way(
        given=lambda: organs(BY_NAME),
        first=(*DICE, *ALIGNED),
        says="Say which name has which id there: --labels",
        then=((*LIVER, *ALIGNED),),
        right=(2 / 3, 1.0),
    ),
    "a name that is no class": Way(
        given=lambda: organs({"Leber": TWO_PRED == 1, "spleen": TWO_PRED == 2}),
        first=(*DICE, *ALIGNED, "--labels", "1=liver"),
        says="Give the classes the names of the file, such as 1=Leber",
        then=((*DICE, *ALIGNED, "--labels", "1=Leber,2=spleen"),),
        right=(2 / 3, 1.0),
    ),
    "a name with a slip": Way(
        given=lambda: organs({"livr": TWO_PRED == 1, "spleen": TWO_PRED == 2}),
        first=(*LIVER, *ALIGNED),
        says="If they are one, name the class so in --labels",
        then=((*DICE, *ALIGNED, "--labels", "1=livr,2=spleen"),),
        right=(2 / 3, 1.0),
    ),
}


RESULTS = {
    "results without their data set": Way(
        given=lambda: (coco([result()]), Path("two.json").write_text(json.dumps([result()]))),
        first=("score", "res.json", "two.json", "-m", "dice", "--bootstrap", 0),
        says="Give the COCO file of the data set on the other side",
        then=(COCO,),
    ),
    "results of another image": Way(
        given=lambda: coco([result(image_id=5)]),
        first=COCO,
        says="Score results against the data set that they were made of",
        mend=lambda: coco([result()]),
    ),
    "results of boxes": Way(
        given=lambda: coco([{"image_id": 1, "category_id": 7, "bbox": [2, 2, 6, 6], "score": 0.9}]),
        first=COCO,
        says="Write the results of the masks",
        mend=lambda: coco([result()]),
    ),
    "scores of some": Way(
        given=lambda: coco([result(), {k: v for k, v in result().items() if k != "score"}]),
        first=COCO,
        says="Give all of them one",
        mend=lambda: coco([result()]),
    ),
    "run lengths of another size": Way(
        given=lambda: coco([result(segmentation={"size": [6, 6], "counts": [36]})]),
        first=COCO,
        says="Write them at the size of the image",
        mend=lambda: coco([result()]),
    ),
    "JSON that is no COCO": Way(
        given=lambda: (coco([result()]), Path("res.json").write_text('{"a": 1}')),
        first=COCO,
        says="is JSON, but no COCO: that is a list of results",
        mend=lambda: coco([result()]),
    ),
    "a category that has no name": Way(
        given=lambda: coco([result(category_id=3)]),
        first=COCO,
        says="Add the category there",
        mend=lambda: coco([result()]),
    ),
}

WAYS = NAMES | TABLES | NAMED | RESULTS


@pytest.mark.parametrize("what", WAYS)
def test_what_is_said_of_a_file_leads_to_the_right_number(run: Run, what: str) -> None:
    follow(run, WAYS[what])
