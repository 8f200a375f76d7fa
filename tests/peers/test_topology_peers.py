"""Topology metrics beside scikit-image, on the same masks."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from segeval.evidence.topology import euler_characteristic

shapes = hnp.array_shapes(min_dims=2, max_dims=3, max_side=6)


@settings(max_examples=60)
@given(shapes.flatmap(lambda shape: hnp.arrays(np.bool_, shape)), st.sampled_from(["full", "face"]))
def test_scikit_image_finds_the_same_euler_characteristic(mask: np.ndarray, connectivity: str) -> None:
    measure = pytest.importorskip("skimage.measure", reason="scikit-image is not installed")
    padded = np.pad(mask, 1)
    neighbours = mask.ndim if connectivity == "full" else 1
    found = euler_characteristic(padded, connectivity=connectivity)  # type: ignore[arg-type]
    assert found == measure.euler_number(padded, connectivity=neighbours)
