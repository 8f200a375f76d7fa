"""Remedies about COCO files: data sets, results and panoptic segments with their PNG files."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tests.cli.given import Run
from tests.cli.remedies import COCO, FLAT, FLAT_PRED, Way, coco, follow, result, text
from tests.images.coco_files import write_panoptic

PANOPTIC = ("score", "p.json", "t.json", "-m", "dice", "--bootstrap", 0)
SEGMENTS = [{"id": 300, "category_id": 7}, {"id": 9, "category_id": 9}]


def ids(mask: np.ndarray) -> np.ndarray:
    """The box as a segment whose id takes two colours, the rest as another."""
    return np.where(mask == 1, 300, 9)


def panoptic() -> None:
    for side, mask in (("p", FLAT_PRED), ("t", FLAT)):
        if Path(side).is_dir():
            [path.unlink() for path in Path(side).iterdir()]
            Path(side).rmdir()
        write_panoptic(Path(f"{side}.json"), {"a.jpg": ids(mask)}, [SEGMENTS])


def rewritten(change: Callable[[Any], object], name: str = "p.json") -> None:
    """A JSON file with something else in it."""
    document = json.loads(Path(name).read_text())
    change(document)
    Path(name).write_text(json.dumps(document))


def wrong(says: str, change: Callable[[Any], object], **more: Any) -> Way:
    """Segments that do not fit, and both files as they should be."""
    around = 2 * 96 / (108 + 108)  # of the other segment: 12 x 12 pixels without a box of 36, or the 48 of both
    name = more.pop("name", "p.json")
    given = lambda: (panoptic(), rewritten(change, name))  # noqa: E731
    return Way(**{"given": given, "first": PANOPTIC, "says": says, "mend": panoptic, "right": (2 / 3, around), **more})


def painted(says: str, paint: Callable[[], object], **more: Any) -> Way:
    return wrong(says, lambda _: paint(), **more)


def picture(array: np.ndarray) -> None:
    Image.fromarray(array.astype(np.uint8)).save("p/a.png")


def first(document: Any) -> Any:
    return document["annotations"][0]


def without_a_segment(document: Any) -> None:
    first(document)["segments_info"].pop()


def with_a_picture_beside() -> None:
    Path("p/a.png").rename("elsewhere.png")


SEGMENTED = {
    "no annotation of an image": wrong(
        "Write one with the segments of the image",
        lambda one: one["images"].append({"id": 2, "file_name": "b.jpg"}),
        mend=lambda: rewritten(lambda one: one["images"].pop()),
    ),
    "an image twice": wrong(
        "is the second of image 1. Keep one of them", lambda one: one["annotations"].append(first(one))
    ),
    "segments of an image that is not there": wrong(
        "no such image among its `images`. Write the file again with all of them",
        lambda one: first(one).update(image_id=5),
    ),
    "a PNG that is missing": painted(
        "Put the PNG files of the segments there",
        with_a_picture_beside,
        mend=lambda: Path("elsewhere.png").rename("p/a.png"),
    ),
    "a PNG that is missing, beside the file": painted(
        "nor beside the file",
        with_a_picture_beside,
        mend=lambda: Path("elsewhere.png").rename("a.png"),
    ),
    "a PNG of greys": painted("Save it in RGB of 8 bits, as panopticapi does", lambda: picture(ids(FLAT_PRED) % 256)),
    "a PNG of another size": painted(
        "Write the segments at the size of the image", lambda: picture(np.full((6, 6, 3), (9, 0, 0)))
    ),
    "two segments of one id": wrong("Give each its own", lambda one: first(one)["segments_info"][1].update(id=300)),
    "an id of no segment": wrong("Write both files again, from one result", without_a_segment),
    "a segment without a pixel": wrong(
        "Remove the segment, or write the PNG again",
        lambda one: first(one)["segments_info"].append({"id": 77, "category_id": 9}),
        mend=lambda: rewritten(lambda one: first(one)["segments_info"].pop()),
    ),
    "a segment without a pixel, painted": painted(
        "or write the PNG again", lambda: picture(np.stack([np.full((12, 12), 9), 0 * FLAT, 0 * FLAT], axis=-1))
    ),
    "a segment of no id": wrong("Write it again", lambda one: first(one)["segments_info"][0].pop("id")),
    "a size that is none": wrong("Write its size again", lambda one: one["images"][0].update(width=-3)),
    "two categories of one name": wrong(
        "Give each a name of its own", lambda one: one["categories"][1].update(name="car")
    ),
}


def flat_results(says: str, change: Callable[[Any], object], name: str = "res.json", **more: Any) -> Way:
    """Results or a data set that are not whole, and both as they should be."""

    def given() -> None:
        coco([result()])
        rewritten(change, name)

    return Way(**{"given": given, "first": COCO, "says": says, "mend": lambda: coco([result()]), **more})


def outline(value: Any) -> Callable[[Any], object]:
    return lambda results: results[0].update(segmentation=value)


OBJECTS = {
    "JSON that is cut": Way(
        given=lambda: (coco([result()]), Path("res.json").write_text(Path("res.json").read_text()[:-20])),
        first=COCO,
        says="is no whole JSON",
        mend=lambda: coco([result()]),
    ),
    "objects of an image that is not there": flat_results(
        "Write the file again with all of them", lambda one: one["annotations"][0].update(image_id=5), "gt.json"
    ),
    "neither run lengths nor polygons": flat_results("Write it again, as pycocotools does", outline({"counts": 5})),
    "run lengths that add up to less": flat_results(
        "Write it again, as pycocotools does", outline({"size": [12, 12], "counts": [20, 4]})
    ),
    "run lengths that are cut": flat_results(
        "Write it again, as pycocotools does", outline({"size": [12, 12], "counts": "PPYo"})
    ),
    "run lengths of halves": flat_results(
        "Write it again, as pycocotools does", outline({"size": [12, 12], "counts": [20.5, 123.5]})
    ),
    "a polygon of two points": flat_results("Write it again, as pycocotools does", outline([[1, 1, 2, 2]])),
    "a polygon beyond the image": flat_results(
        "Write its points in pixels of the image", outline([[1, 1, 2, 2, 900, 3]])
    ),
    "no size": flat_results(
        "Give `images` a height and a width",
        lambda one: [one["images"][0].pop(side) for side in ("height", "width")] and one["annotations"].clear(),
        "gt.json",
        first=(*COCO[:2], "gt.json", *COCO[3:]),
    ),
    "no category of an object": flat_results("Write it again", lambda one: one[0].pop("category_id")),
    "images that are no list": flat_results(
        "its `images` are no list of records. Write it again", lambda one: one.update(images={"id": 1}), "gt.json"
    ),
    "an image without a name": flat_results(
        "Write it again", lambda one: one["images"][0].update(file_name=7), "gt.json"
    ),
    "files of many images in a list": flat_results(
        "Name it as PRED or TRUTH, and leave --pairs out",
        lambda _: text("p.csv", "case,pred,truth\na,res.json,gt.json\n"),
        first=("score", "--pairs", "p.csv", *COCO[3:]),
        mend=lambda: None,
        then=(COCO,),
    ),
    "run lengths of half a size": flat_results(
        "Write it again, as pycocotools does", outline({"size": [12], "counts": [144]})
    ),
    "run lengths of a number beyond all": flat_results(
        "Write it again, as pycocotools does", outline({"size": [12, 12], "counts": "o" * 20 + "0"})
    ),
    "a pattern beside names": flat_results(
        "names its images itself. Leave it out",
        lambda one: one,
        first=(*COCO, "--pred-pattern", "{case}_pred.png"),
        mend=lambda: None,
        then=(COCO,),
    ),
    "files of classes beside all of them": flat_results(
        "holds all classes of its images. Leave it out",
        lambda one: one,
        first=(*COCO, "--channel-files", "{case}/{class}.png"),
        mend=lambda: None,
        then=(COCO,),
    ),
    "a score that is none": flat_results(
        "which is no finite number. Write one, or leave it out of all", lambda one: one[0].update(score="high")
    ),
}
WAYS = {f"panoptic: {what}": way for what, way in SEGMENTED.items()} | OBJECTS


def test_objects_larger_than_the_memory_are_scored_on_a_larger_machine(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as then:
        then.setattr("segeval.images.named.run_lengths.memory_left", lambda: 1.0)
        given = lambda: coco([result()])  # noqa: E731
        follow(run, Way(given=given, first=COCO, says="or use a larger machine", mend=then.undo))


@pytest.mark.parametrize("what", WAYS)
def test_what_is_said_of_coco_leads_to_the_right_number(run: Run, what: str) -> None:
    follow(run, WAYS[what])
