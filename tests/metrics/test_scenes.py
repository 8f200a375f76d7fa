"""Scores of street scenes against worked values."""

from typing import Any

import numpy as np
import pytest

import segeval
from segeval.errors import ConfigError
from segeval.images.labels.labelsets import LABEL_SETS
from segeval.results import Results
from tests.conftest import golden

GOLDEN = golden("tasks")
VALUES, ARRAYS = GOLDEN["values"], GOLDEN["arrays"]
NAMES = {0: "zero", 1: "one", 2: "two", 3: "three"}


def two_images(*measures: str, **options: Any) -> Results:
    """Fixture C: two label images of four classes, 255 ignored."""
    pred, truth = ([np.array(image, dtype=np.uint8) for image in ARRAYS[f"C.{side}"]] for side in ("pred", "truth"))
    asked = {"labels": NAMES, "ignore_label": [255], "bootstrap": 0, **options}
    return segeval.score(pred, truth, measures=measures, **asked)


def test_classes_and_the_mean_of_them_come_out() -> None:
    results = two_images("iou", "sensitivity", "dice", "pixel_accuracy", "mean_iou", "frequency_weighted_iou")
    of_class = [results["iou", name].pooled for name in NAMES.values()]
    assert of_class == pytest.approx([VALUES[f"C.iou.class{label}"] for label in NAMES], abs=1e-9)
    pooled = {
        "C.mIoU": results["iou", "(mean)"],
        "C.mAcc": results["sensitivity", "(mean)"],
        "C.mDice": results["dice", "(mean)"],
        "C.aAcc": results["pixel_accuracy", "(all)"],
        "C.fwIoU": results["frequency_weighted_iou", "(all)"],
    }
    assert {name: row.pooled for name, row in pooled.items()} == pytest.approx(
        {name: VALUES[name] for name in pooled}, abs=1e-9
    )
    assert results["mean_iou", "(all)"].mean == pytest.approx(VALUES["C.mIoU.image_mean"], abs=1e-9)


def test_categories_are_the_regions_in_which_confusion_is_none() -> None:
    results = two_images("iou", "category_mean_iou", regions={"A": [0, 1], "B": [2, 3]})
    for name in "AB":
        assert results["iou", name].pooled == pytest.approx(VALUES[f"C.category_iou.{name}"], abs=1e-9)
    assert results["category_mean_iou", "(all)"].pooled == pytest.approx(VALUES["C.category_mIoU"], abs=1e-9)


def test_a_category_on_neither_side_is_left_out_and_without_any_the_value_is_undefined() -> None:
    regions = {"A": [0, 1], "B": [2, 3]}
    image = np.array([[0, 1], [1, 0]], dtype=np.uint8)
    both = segeval.score(image, image, measures=["category_mean_iou"], labels=NAMES, regions=regions)
    assert both.case_rows[0].values["category_mean_iou"] == 1.0
    none = segeval.score(image, image, measures=["category_mean_iou"], labels=NAMES)
    assert np.isnan(none.case_rows[0].values["category_mean_iou"])
    assert any("name groups of classes with --regions" in note for note in none.facts["warnings"])


def test_an_instance_weighs_as_much_as_any_other() -> None:
    maps = [np.where(np.array(image) == 2, 7, 0) for image in ARRAYS["C.truth"]]
    call = f"instance_weighted_iou(mean_size={ARRAYS['C.iiou']['average_instance_size']:g})"
    results = two_images(call, truth_instances=maps)
    assert results[call, "two"].pooled == pytest.approx(VALUES["C.iiou.class2"], abs=1e-9)


def test_the_mean_size_is_that_of_all_true_instances() -> None:
    """Instances of 1 and 3 voxels, the small one found, of the large one a third, one alarm: sizes 2 on average."""
    truth = np.array([[1, 0, 1, 1, 1, 0]], dtype=np.uint8)
    pred = np.array([[1, 0, 1, 0, 0, 1]], dtype=np.uint8)
    results = segeval.score(pred, truth, measures=["iiou"], bootstrap=0)
    found, missed = 2 * (1 / 1 + 1 / 3), 2 * (2 / 3)
    assert results["instance_weighted_iou", "1"].mean == pytest.approx(found / (found + missed + 1))
    nothing = [segeval.score(*sides, measures=["iiou"], labels=[1]) for sides in ((0 * pred, truth), (pred, 0 * truth))]
    assert [one.class_rows[0].values["instance_weighted_iou"] for one in nothing] == [0, 0]


def test_groups_of_the_map_are_no_instances_and_classes_without_a_size_are_left_out() -> None:
    truth = np.array([[26, 26, 26, 26, 7, 7]], dtype=np.uint8)
    pred = np.array([[26, 26, 26, 7, 7, 7]], dtype=np.uint8)
    maps = np.array([[26001, 26001, 26, 26, 7, 7]], dtype=np.int32)
    options: dict[str, Any] = {"labels": "cityscapes", "truth_instances": maps, "bootstrap": 0}
    results = segeval.score(pred, truth, like=["cityscapes"], **options)
    column = "instance_weighted_iou[cityscapes]"
    assert results[column, "car"].pooled == 1.0
    assert np.isnan(results[column, "road"].pooled)
    assert results[column, "(mean)"].pooled == 1.0
    flat, vehicle = 2 / 3, 3 / 4
    assert results["category_mean_iou[cityscapes]", "(all)"].pooled == pytest.approx((flat + vehicle) / 2)


@pytest.mark.parametrize("n_objects", [3, 1100])
@pytest.mark.parametrize("column", ["instance_weighted_iou[cityscapes]", "instance_weighted_iou(least_id=2)"])
def test_numbers_of_components_are_no_ids_of_instances(n_objects: int, column: str) -> None:
    """However many components there are, and whatever is invented: their numbers say nothing of groups."""
    truth = np.full((3, 2 * n_objects), 7, dtype=np.uint8)
    truth[0, ::2] = 26
    pred = truth.copy()
    pred[0, :4], pred[2, :5] = 7, 26
    results = segeval.score(pred, truth, measures=[column], labels="cityscapes", bootstrap=0)
    assert np.isnan(results[column, "car"].pooled)
    assert np.isnan(results.class_rows[0].values[column])


def test_where_ids_tell_instances_there_is_no_connectivity() -> None:
    for call in ("instance_weighted_iou(connectivity=face)[cityscapes]", "iiou(least_id=2,connectivity=face)"):
        with pytest.raises(ConfigError, match=r"connectivity=face changes nothing with least_id=\d+\. Leave it out"):
            two_images(call)


@pytest.mark.parametrize("name", ["cityscapes", "cityscapes-train"])
def test_the_groups_of_a_known_set_hold_each_class_once(name: str) -> None:
    labels = LABEL_SETS[name]
    assert sorted(one for group in labels.groups for one in group.ids) == sorted(
        one for row in labels.classes or () for one in row.ids
    )
