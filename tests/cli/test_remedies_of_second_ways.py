"""What stands beside numbers or behind another remedy, as a note or a second way, leads to a known number."""

import json
import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from segeval.cli import app
from tests.cli.given import Run, write_image
from tests.cli.remedies import (
    COCO,
    FLAT,
    FLAT_PRED,
    FOUND,
    LARGE,
    LARGE_PRED,
    ON_DICE,
    PRED,
    ROOM,
    SCORE,
    TRUTH,
    TWO,
    TWO_PRED,
    Way,
    coco,
    follow,
    greys,
    numbers_of,
    pair,
    plane,
    printed,
    result,
    rules,
    runs,
    soft,
    text,
    tiff,
)

pytestmark = pytest.mark.slow  # of several runs each

DICE = (*SCORE, "-m", "dice")


def wrong(says: str, given: Callable[[], object], mend: Callable[[], object] = lambda: None, **more: Any) -> Way:
    return Way(**{"given": given, "first": DICE, "says": says, "mend": mend, **more})


def noted(says: str, given: Callable[[], object], *then: Any, **more: Any) -> Way:
    """What is said beside numbers that are right already, or beside others."""
    return wrong(says, given, **{"then": then, "refused": False, **more})


def voc() -> None:
    """Person (15) on background, of which the moved box is a third."""
    pair(FLAT_PRED * np.uint8(15), FLAT * np.uint8(15), name="a.png")


VOC = (*SCORE, "-m", "iou", "--labels", "voc")
AROUND = 96 / 120  # IoU of what lies around both boxes
JUDGED = ("gate", "old", "-c", "g.yaml")
SPREAD = "measure: relative_volume_difference, class: '1'"
NOTES = {
    "a data set whose papers count the background": noted(
        "Papers on it count the background too: pass --include-background",
        voc,
        (*VOC, "--include-background"),
        first=VOC,
        read=printed(r"mIoU of the data set \(voc\): ([\d.]+), over (\d) classes"),
        right=(round((0.5 + AROUND) / 2, 3), 2),
    ),
    "a part of a run": noted(
        "join all shards with: segeval merge RUN... --out DIR",
        pair,
        ("merge", "s", "--out", "whole"),
        first=(*DICE, "--shard", "0/1", "-o", "s"),
        read=numbers_of("whole/scores.csv", "dice"),
    ),
    "a measure as tools define it": noted(
        "Score as another tool does: -m 'hd95[monai]'",
        pair,
        (*SCORE, "-m", "hd95[monai]"),
        first=("measures", "hd95", "--definitions"),
        read=numbers_of("scores.csv", "hd95[monai]"),
        right=(2.0,),
    ),
    "rules that lie here": noted(
        "name another file with -c",
        lambda: (
            runs(),
            rules(f"{ON_DICE}, min: 0.9"),
            Path("g.yaml").rename("segeval.yaml"),
            rules(f"{ON_DICE}, min: 0.5"),
        ),
        JUDGED,
        first=("gate", "old", "--fail-under", "dice:mean=0.5"),
        refused=True,  # by the rule that lies here
        read=printed(FOUND),
        right=(0.667,),
    ),
    "rules on means alone": noted(
        "Add a rule on p5 (p95 for distances)",
        lambda: (runs(), rules(f"{ON_DICE}, stat: mean, min: 0.5")),
        first=JUDGED,
        mend=lambda: rules(f"{ON_DICE}, stat: p5, min: 0.5"),
        read=printed(FOUND),
        right=(0.667,),
    ),
    "rules on means alone, with a share of cases": noted(
        "or with max_fraction",
        lambda: (runs(), rules(f"{ON_DICE}, stat: mean, min: 0.5")),
        first=(*JUDGED, "--baseline", "old"),
        mend=lambda: rules(f"{ON_DICE}, max_fraction: {{worse_by: 0.05, of_cases: 0.9}}"),
        read=printed(FOUND),
        right=(0.0,),
    ),
}


def scored_volumes() -> None:
    """A run of volumes that differ by nothing."""
    pair()
    command = (*SCORE, "-m", "relative_volume_difference", "-o", "old")
    assert app.run([str(one) for one in command]) == 0


def grey_map() -> np.ndarray:
    """A probability in thousandths, saved as integers of 16 bits."""
    random = np.random.default_rng(0)
    inside, outside = random.integers(600, 1000, PRED.shape), random.integers(0, 400, PRED.shape)
    return np.where(PRED == 1, inside, outside).astype(np.uint16)


def on_two_grids() -> None:
    for side, ids in (("pred", TWO_PRED), ("truth", TWO)):
        for label, name in ((1, "liver"), (2, "spleen")):
            write_image(Path(side, "s1", f"{name}.nii.gz"), (ids == label).astype(np.uint8))
    write_image(Path("pred/s1/spleen.nii.gz"), (TWO_PRED == 2).astype(np.uint8), affine=np.diag([1.0, 1, 2, 1]))


def interlaced() -> None:
    """A PNG that says so; in slabs, no pixel of it is read."""
    greys()
    data = bytearray(Path("pred/a.png").read_bytes())
    data[28] = 1
    data[29:33] = struct.pack(">I", zlib.crc32(data[12:29]))
    Path("pred/a.png").write_bytes(data)


def in_channels() -> None:
    """One-hot channels of OME-TIFF."""
    for side, ids in (("pred", LARGE_PRED), ("truth", LARGE)):
        masks = np.stack([1 - plane(ids), plane(ids)])
        tiff(f"{side}/a.ome.tif", masks, metadata={"axes": "CYX"}, photometric="minisblack")


def focal() -> float:
    """The mean of 0.5 (1 - p)^2 (-ln p), where the map gives 0.9 or 0.1 to the class of a voxel, in float32."""
    p = np.where(TRUTH == 1, soft(), 1 - soft()).astype(np.float64)
    return float((0.5 * (1 - p) ** 2 * -np.log(p)).mean())


def as_data_set() -> None:
    """The results with the images and categories that they are of."""
    document = json.loads(Path("gt.json").read_text())
    Path("res.json").write_text(json.dumps({**document, "annotations": [result(id=1)]}))


WAYS = {
    "a limit on what is best at zero": wrong(
        "Give both min and max",
        lambda: (scored_volumes(), rules(f"{SPREAD}, max: 0.1")),
        lambda: rules(f"{SPREAD}, min: -0.1, max: 0.1"),
        first=JUDGED,
        read=printed(r"pass r0 \[1\] relative_volume_difference mean ([-\d.]+)"),
        right=(0.0,),
    ),
    "a map in 16 bits": wrong(
        "Divide it by what stands for 1 and save it as floats",
        lambda: pair(grey_map()),
        lambda: pair(grey_map().astype(np.float32) / 1000),
    ),
    "masks in channels of a truth": wrong(
        "or name them with --truth-files",
        lambda: pair(TWO_PRED, np.stack([TWO > 0, TWO == 2], axis=-1).astype(np.uint8)),
        lambda: [
            write_image(Path("masks", f"a-{name}.nii.gz"), (label == TWO).astype(np.uint8))
            for label, name in ((1, "liver"), (2, "spleen"))
        ],
        then=(
            (
                "score",
                "pred",
                "masks",
                *DICE[3:],
                "--labels",
                "1=liver,2=spleen",
                "--truth-files",
                "{case}-{class}.nii.gz",
            ),
        ),
        right=(2 / 3, 1.0),
    ),
    "results without a data set": wrong(
        'or write {"images": [..], "categories": [..], "annotations": [..]}',
        lambda: coco([result()]),
        as_data_set,
        first=("score", "res.json", "res.json", *COCO[3:]),
        then=(COCO,),
    ),
    "JSON of another kind": wrong(
        "Name a folder of masks, or such a file",
        lambda: (coco([result()]), text("other.json", '{"a": 1}'), pair(FLAT_PRED, FLAT, name="a.png")),
        first=("score", "other.json", "gt.json", *COCO[3:]),
        then=(DICE,),
    ),
    "masks of one case on two grids": wrong(
        "Write all masks of the case on the grid of its image",
        on_two_grids,
        lambda: write_image(Path("pred/s1/spleen.nii.gz"), (TWO_PRED == 2).astype(np.uint8)),
        right=(2 / 3, 1.0),
    ),
    "channels that do not add up": wrong(
        "Write the softmax itself",
        lambda: pair(np.stack([1 - 0.9 * soft(), 0.8 * soft()], axis=-1)),
        lambda: pair(np.stack([1 - soft(), soft()], axis=-1)),
    ),
    "NRRD that is called NIfTI": wrong(
        "or convert it to NIfTI",
        lambda: (pair(), Path("pred/a.nii.gz").unlink(), Path("pred/a.nii").write_bytes(b"NRRD0004\n" * 90)),
        lambda: write_image(Path("pred/a.nii"), PRED),
    ),
    "an interlaced PNG in slabs": wrong("Save it row by row", interlaced, greys, first=(*DICE, *ROOM)),
    "channels of TIFF in slabs": wrong(
        "Save one image of (row, column) or (page, row, column), without channels",
        in_channels,
        lambda: [
            tiff(f"{side}/a.ome.tif", plane(ids), metadata={"axes": "YX"})
            for side, ids in (("pred", LARGE_PRED), ("truth", LARGE))
        ],
        first=(*DICE, *ROOM),
    ),
    "a word in a list": wrong(
        "write numbers such as 1;2;0.5",
        lambda: pair(np.stack([1 - soft(), soft()], axis=-1)),
        first=(*SCORE, "-m", "focal_loss(class_alpha=1;x)"),
        then=((*SCORE, "-m", "focal_loss(class_alpha=0.5;0.5)"),),
        read=numbers_of("scores.csv", "focal_loss(class_alpha=0.5;0.5)"),
        right=(focal(),),
    ),
}


@pytest.mark.parametrize("what", NOTES | WAYS)
def test_what_a_note_or_a_second_way_says_leads_to_the_right_number(run: Run, what: str) -> None:
    follow(run, (NOTES | WAYS)[what])


def test_a_variable_of_another_program_gets_another_name(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def mend() -> None:
        monkeypatch.delenv("SEGEVAL_ZZZZZZ")
        monkeypatch.setenv("ZZZZZZ", "1")

    monkeypatch.setenv("SEGEVAL_ZZZZZZ", "1")
    follow(run, wrong("Unset it, or give it another name", pair, mend))


def test_a_folder_that_cannot_be_read_is_moved_out_of_the_way(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    reads = Path.iterdir

    def refuse(folder: Path) -> Any:
        if folder.name == "secret":
            raise PermissionError(13, "Permission denied")
        return reads(folder)

    monkeypatch.setattr(Path, "iterdir", refuse)
    given = lambda: (pair(), Path("pred/secret").mkdir())  # noqa: E731
    mend = lambda: Path("pred/secret").rename("secret")  # noqa: E731
    follow(run, wrong("or move it out of the way", given, mend))
