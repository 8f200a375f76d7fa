"""Grey levels are no class ids, whatever type holds them; and ids are no grey levels."""

import io
from typing import Any

import numpy as np
import pytest
from PIL import Image

import segeval
from segeval.errors import DataError

MASK = np.zeros((40, 50), np.uint8)
MASK[8:24, 10:30] = MASK[26:36, 30:45] = 1
RNG = np.random.default_rng(0)
LEVELS = np.where(MASK == 1, RNG.integers(150, 256, MASK.shape), RNG.integers(0, 100, MASK.shape))
TYPES: list[Any] = ["uint8", "uint16", "int16", "int32", "int64", "float32", "float64"]


def jpeg(mask: np.ndarray) -> np.ndarray:
    stream = io.BytesIO()
    Image.fromarray(mask * np.uint8(255)).save(stream, format="JPEG", quality=75)
    return np.asarray(Image.open(stream))


def dice(pred: np.ndarray, truth: np.ndarray, **options: Any) -> list[float]:
    found = segeval.score(pred, truth, measures="dice", bootstrap=0, **options)
    return [row.values["dice"] for row in found.class_rows]


@pytest.mark.parametrize("dtype", TYPES)
def test_levels_of_a_map_are_refused_in_any_type_and_right_once_divided(dtype: str) -> None:
    with pytest.raises(DataError, match=r"they look like the grey levels of one map. Divide it by what stands for 1"):
        dice(LEVELS.astype(dtype), MASK)
    assert dice(LEVELS / 255, MASK) == [1.0]


@pytest.mark.parametrize("dtype", TYPES)
def test_what_jpeg_leaves_is_refused_in_any_type_and_on_both_sides(dtype: str) -> None:
    greys = jpeg(MASK).astype(dtype)
    for pred, truth in ((greys, MASK), (MASK, greys), (greys, greys)):
        with pytest.raises(DataError, match="a mask of two values that went through JPEG"):
            dice(pred, truth)
    assert dice((greys > 127).astype(np.uint8), MASK)[0] > 0.99


@pytest.mark.parametrize("dtype", TYPES)
def test_ids_beside_a_truth_of_one_class_count_as_background_once_it_is_named(dtype: str) -> None:
    organs = np.random.default_rng(1).integers(0, 118, (24, 24)).astype(dtype)
    truth = np.where(organs == 5, 5, 0).astype(np.uint8)
    assert dice(organs, truth, labels={5: "liver"}) == [1.0]


def test_levels_of_16_bits_are_refused_and_ids_of_objects_are_told_of() -> None:
    with pytest.raises(DataError, match="If they are objects, pass --instances"):
        dice((LEVELS * 257).astype(np.uint16), MASK)
