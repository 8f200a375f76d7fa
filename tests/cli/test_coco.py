"""`segeval score` with COCO files: results against a data set, panoptic segments, and masks on the other side."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.cli.given import Run, cell, number, rows_of, strict_json
from tests.conftest import golden
from tests.images.coco_files import an_object, write_data_set, write_panoptic

OUT = Path("segeval-results")


def box(rows: slice, columns: slice) -> np.ndarray:
    mask = np.zeros((4, 8), dtype=bool)
    mask[rows, columns] = True
    return mask


TOP = slice(0, 2)
LEFT, RIGHT, SHIFTED = box(TOP, slice(0, 4)), box(TOP, slice(4, 8)), box(TOP, slice(3, 6))
GROUP, IN_GROUP = box(slice(None), slice(0, 4)), box(TOP, slice(0, 2))


@pytest.fixture
def coco(tmp_path: Path) -> tuple[Path, Path]:
    """Two cars that touch, found by results that share two pixels; and a crowd, in which a car and a light are found.

    The first car is found whole, the second with 3 of 4 columns of which one is beside it: 2 · 2 = 4 of
    6 + 8 - 4 = 10 pixels.
    """
    truths = [an_object(1, 7, LEFT, id=1), an_object(1, 7, RIGHT, id=2), an_object(2, 7, GROUP, id=3, iscrowd=1)]
    results = [
        an_object(1, 7, SHIFTED, score=0.8),
        an_object(1, 7, LEFT, score=0.9),
        an_object(2, 7, IN_GROUP, score=0.95),
        an_object(2, 9, IN_GROUP, score=0.7),
    ]
    truth = write_data_set(tmp_path / "truth.json", {"street/1.jpg": (4, 8), "street/2.jpg": (4, 8)}, truths)
    pred = tmp_path / "pred.json"
    pred.write_text(json.dumps(results))
    return pred, truth


def test_objects_that_touch_or_overlap_are_what_the_files_say(run: Run, coco: tuple[Path, Path]) -> None:
    done = run("score", *coco, "-m", "dice,lesion_f1(iou_threshold=0.4),pq(iou_threshold=0.4),voi_split")
    assert done.code == 0, done.err
    assert "objects of the prediction share pixels, which count for each of them (street/1, street/2)" in done.err
    of = {"case": "street/1", "class": "car"}
    assert number(OUT / "scores.csv", "dice", **of) == pytest.approx(2 * 12 / (12 + 16))
    assert number(OUT / "scores.csv", "lesion_f1(iou_threshold=0.4)", **of) == 1
    assert number(OUT / "scores.csv", "pq(iou_threshold=0.4)", **of) == pytest.approx((1 + 0.4) / 2)
    assert cell(OUT / "scores.csv", "voi_split", **of) == ""  # which one object has the shared pixels?
    facts = strict_json((OUT / "run.json").read_text())["definitions"]
    assert facts["lesion_f1(iou_threshold=0.4)"]["instances"] == ["pred", "truth"]
    assert {row["class"] for row in rows_of(OUT / "summary.csv")} == {"car", "traffic light", "(mean)"}


def test_a_crowd_excuses_what_lies_in_it_but_only_of_its_class(run: Run, coco: tuple[Path, Path]) -> None:
    done = run("score", *coco, "-m", "n_lesions_pred,lesion_recall,lesion_f1", "-q")
    assert done.code == 0, done.err
    outcomes = {row["class"]: row["outcome"] for row in rows_of(OUT / "lesions.csv") if row["case"] == "street/2"}
    assert outcomes == {"car": "ignored", "traffic light": "fp"}
    of = {"case": "street/2", "class": "car"}
    assert number(OUT / "scores.csv", "n_lesions_pred", **of) == 0
    assert (cell(OUT / "scores.csv", "lesion_recall", **of), cell(OUT / "scores.csv", "lesion_f1", **of)) == ("", "")


def test_scores_of_results_are_confidences(run: Run, coco: tuple[Path, Path]) -> None:
    done = run("score", *coco, "-m", "lesion_average_precision,instance_average_precision(iou_threshold=0.4)")
    assert done.code == 0, done.err
    assert "confidence" not in done.err
    rows = [row for row in rows_of(OUT / "lesions.csv") if row["side"] == "pred"]
    assert [(row["case"], row["lesion_id"], row["confidence"], row["outcome"]) for row in rows] == [
        ("street/1", "1", "0.8", "tp"),
        ("street/1", "2", "0.9", "tp"),
        ("street/2", "1", "0.95", "ignored"),
        ("street/2", "2", "0.7", "fp"),
    ]
    assert run("score", *coco, "-m", "instance_average_precision,lesion_f1").err.count("no confidences") == 0
    assert run("score", coco[1], coco[1], "-m", "instance_average_precision").err.count("no confidences") == 1
    assert run("score", *coco, "-m", "instance_average_precision(iou_threshold=0.4)").code == 0
    column = "instance_average_precision(iou_threshold=0.4)"
    assert number(OUT / "summary.csv", "pooled", measure=column, **{"class": "car"}) == 1


def test_a_side_of_masks_and_maps_of_ids_scores_as_the_data_set_does(
    run: Run, tmp_path: Path, coco: tuple[Path, Path]
) -> None:
    pred, _ = coco
    for name, first in (("mask", LEFT + RIGHT), ("ids", LEFT + 2 * RIGHT)):
        (tmp_path / name / "street").mkdir(parents=True)
        for number_of, array in (("1", first), ("2", np.zeros((4, 8)))):
            Image.fromarray(array.astype(np.uint8)).save(tmp_path / name / "street" / f"{number_of}.png")
    document = json.loads(coco[1].read_text())
    document["annotations"] = json.loads(pred.read_text())
    pred.write_text(json.dumps(document))
    given = (pred, tmp_path / "mask", "--labels", "1=car", "--truth-instances", tmp_path / "ids", "-q")
    done = run("score", *given, "-m", "pq(iou_threshold=0.4)")
    assert done.code == 0, done.err
    assert number(OUT / "scores.csv", "pq(iou_threshold=0.4)", case="street/1") == pytest.approx(0.7)
    done = run("score", pred, tmp_path / "ids", "--instances", "-m", "pq(iou_threshold=0.4),dice", "-q")
    assert done.code == 0, done.err
    assert number(OUT / "scores.csv", "pq(iou_threshold=0.4)", case="street/1") == pytest.approx(0.7)
    assert number(OUT / "scores.csv", "dice", case="street/1") == pytest.approx(24 / 28)


def test_results_without_their_data_set_say_what_they_lack_and_how_to_add_it(
    run: Run, tmp_path: Path, coco: tuple[Path, Path]
) -> None:
    (tmp_path / "masks").mkdir()
    Image.fromarray(np.zeros((4, 8), np.uint8)).save(tmp_path / "masks" / "1.png")
    done = run("score", coco[0], tmp_path / "masks", "--labels", "1=car")
    assert done.code == 3
    assert "names neither images nor categories" in done.err
    done = run("score", *coco, "--pred-pattern", "{case}.png")
    assert done.code == 2
    assert "names its images itself" in done.err
    done = run("score", coco[0], tmp_path / "masks" / "1.png")
    assert done.code == 2
    assert "pred.json is a file of many images and TRUTH" in done.err


def test_doctor_resume_and_a_second_run_read_them_too(run: Run, coco: tuple[Path, Path]) -> None:
    done = run("doctor", *coco)
    assert (done.code, "1   car " in done.out, "is empty" in done.out) == (0, True, False), done.out
    assert run("score", *coco, "-m", "pq", "-q").code == 0
    first = (OUT / "scores.csv").read_bytes()
    done = run("score", *coco, "-m", "pq", "--resume")
    assert done.code == 0, done.err
    assert (OUT / "scores.csv").read_bytes() == first
    assert run("report", OUT, "--out", "page.html").code == 0


def test_panoptic_segments_score_by_the_void_rule(run: Run, tmp_path: Path) -> None:
    worked = golden("tasks")
    truth, pred = (np.array(worked["arrays"][f"V.{side}"]) for side in ("truth", "pred"))
    of = {side: {1: 7, 2: 9} for side in ("truth", "pred")}
    found = {
        side: [
            {"id": int(label), "category_id": of[side][row]} for label, row in worked["arrays"]["V.class"][side].items()
        ]
        for side in of
    }
    paths = [
        write_panoptic(tmp_path / f"{side}.json", {"v.jpg": array}, [found[side]])
        for side, array in (("pred", pred), ("truth", truth))
    ]
    done = run("score", *paths, "-m", "pq(strict=true),mpq,dice")
    assert done.code == 0, done.err
    assert "24 pixels are void, and count nowhere" in done.err
    values = worked["values"]
    for name, expected in (("car", "V.pq.class1.void_rule"), ("traffic light", "V.pq.class2.void_rule")):
        found_value = number(OUT / "scores.csv", "pq(strict=true)", case="v", **{"class": name})
        assert found_value == pytest.approx(values[expected], abs=1e-9)


OTHER_NAMES = [{"id": 7, "name": "Wagen"}, {"id": 9, "name": "Ampel"}]


@pytest.mark.parametrize("kind", ["panoptic", "objects that share pixels"])
def test_categories_of_other_names_are_those_of_the_truth_as_the_note_says(run: Run, tmp_path: Path, kind: str) -> None:
    truth, pred = tmp_path / "t.json", tmp_path / "p.json"
    light = box(slice(2, 4), slice(0, 8))
    if kind == "panoptic":
        found = [{"id": 1, "category_id": 7}, {"id": 2, "category_id": 7}, {"id": 3, "category_id": 9}]
        write_panoptic(truth, {"1.jpg": LEFT + 2 * RIGHT + 3 * light}, [found])
        write_panoptic(pred, {"1.jpg": np.roll(LEFT + 2 * RIGHT, 1, axis=1) + 3 * light}, [found])
    else:
        objects = [an_object(1, 7, LEFT, id=1), an_object(1, 7, RIGHT, id=2), an_object(1, 9, light, id=3)]
        write_data_set(truth, {"1.jpg": (4, 8)}, objects)
        shared = [an_object(1, 7, SHIFTED, id=1), an_object(1, 7, LEFT, id=2), an_object(1, 9, LEFT | light, id=3)]
        write_data_set(pred, {"1.jpg": (4, 8)}, shared)
    command = ("score", pred, truth, "-m", "dice,pq(iou_threshold=0.4)", "--bootstrap", 0)
    assert run(*command).code == 0
    wanted = {row["class"]: (row["dice"], row["pq(iou_threshold=0.4)"]) for row in rows_of(OUT / "scores.csv")}
    assert all(float(value) > 0 for row in wanted.values() for value in row)
    pred.write_text(json.dumps(json.loads(pred.read_text()) | {"categories": OTHER_NAMES}))
    done = run(*command)
    ids_of = {row["class"]: row["label"] for row in rows_of(OUT / "scores.csv")}
    moved = {ids_of["Wagen"]: ids_of["car"], ids_of["Ampel"]: ids_of["traffic light"]}
    ids = ",".join(f"{old}={new}" for old, new in sorted(moved.items()))
    assert f"pass --pred-ids {ids} if they mean the same" in " ".join(done.err.split()) or kind != "panoptic"
    assert run(*command, "--pred-ids", ids).code == 0
    found_now = {row["class"]: (row["dice"], row["pq(iou_threshold=0.4)"]) for row in rows_of(OUT / "scores.csv")}
    assert {name: found_now[name] for name in wanted} == wanted


def test_panoptic_files_without_images_go_by_their_numbers_where_pictures_have_other_names(
    run: Run, tmp_path: Path
) -> None:
    segments = [{"id": 1, "category_id": 7}, {"id": 2, "category_id": 9}]
    images = {"a_photo.jpg": LEFT + 2 * RIGHT, "b_photo.jpg": 2 * LEFT + RIGHT}
    write_panoptic(tmp_path / "t.json", images, [segments] * 2)
    pred = write_panoptic(
        tmp_path / "p.json", {"a.png": images["a_photo.jpg"], "b.png": images["b_photo.jpg"]}, [segments] * 2
    )
    document = json.loads(pred.read_text())
    del document["images"]
    pred.write_text(json.dumps(document))
    done = run("score", pred, tmp_path / "t.json", "-m", "dice", "--bootstrap", 0)
    assert done.code == 0, done.err
    assert {(row["case"], row["dice"]) for row in rows_of(OUT / "scores.csv")} == {
        ("a_photo", "1.0"),
        ("b_photo", "1.0"),
    }
    for number_here, row in enumerate(document["annotations"], start=8):
        row["image_id"] = number_here
    pred.write_text(json.dumps(document))
    done = run("score", pred, tmp_path / "t.json", "-m", "dice", "--bootstrap", 0)
    assert done.code == 3
    assert "Name the images alike on both sides" in done.err
    assert "--pred-pattern" not in done.err
