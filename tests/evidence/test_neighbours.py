"""Means, cores and middle lines of images against brute force, voxel by voxel, in both libraries."""

import itertools
import math
from collections.abc import Callable, Iterable

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from segeval.evidence.space.neighbours import (
    Kernel,
    Padding,
    inner_part,
    local_mean,
    mean_of_cross,
    neighbours,
    soft_skeleton,
)

VALUES = st.sampled_from([0.0, 0.0, 0.25, 0.5, 1.0])
images = st.sampled_from([(2, 4, 3), (1, 3, 2, 3), (2, 1, 5)]).flatmap(
    lambda shape: hnp.arrays(np.float64, shape, elements=VALUES)
)
CUBE: Callable[[int], list[tuple[int, ...]]] = lambda n: [*itertools.product((-1, 0, 1), repeat=n)]  # noqa: E731


def around(image: np.ndarray, steps: Iterable[tuple[int, ...]], padding: str) -> list[np.ndarray]:
    """The image moved by each step; beyond its edge 0, or what is at the edge, or nothing to compare with (nan)."""
    how = {"zero": {"constant_values": 0.0}, "nothing": {"constant_values": math.nan}, "replicate": {}}[padding]
    wide = np.pad(image, 1, mode="edge" if padding == "replicate" else "constant", **how)
    return [wide[tuple(slice(1 + by, 1 + by + n) for by, n in zip(step, image.shape, strict=True))] for step in steps]


def check(found: Callable[[object], object], image: np.ndarray, expected: Callable[[np.ndarray], np.ndarray]) -> None:
    """Of each of the images of a batch, in numpy and in torch."""
    wanted = np.stack([expected(one) for one in image])
    assert found(image) == pytest.approx(wanted, abs=1e-12)
    assert np.asarray(found(torch.from_numpy(image))) == pytest.approx(wanted, abs=1e-12)


@pytest.mark.parametrize("kernel", ["mean", "gaussian"])
@pytest.mark.parametrize("padding", ["zero", "replicate"])
@given(image=images)
def test_a_local_mean_is_that_of_the_cube(kernel: Kernel, padding: Padding, image: np.ndarray) -> None:
    n = image.ndim - 1
    weights = np.array([1.0 if kernel == "mean" else math.exp(-sum(map(abs, step)) / 2) for step in CUBE(n)])

    def expected(one: np.ndarray) -> np.ndarray:
        return np.tensordot(weights / weights.sum(), np.stack(around(one, CUBE(n), padding)), 1)

    check(lambda given: local_mean(given, n_axes=n, kernel=kernel, padding=padding), image, expected)


@given(images)
def test_means_of_crosses_and_cores_are_those_of_the_faces(image: np.ndarray) -> None:
    n = image.ndim - 1
    cross = [step for step in CUBE(n) if sum(map(abs, step)) <= 1]
    check(lambda given: mean_of_cross(given, n_axes=n), image, lambda one: np.mean(around(one, cross, "zero"), axis=0))
    mask = (image > 0).astype(np.float64)
    check(lambda given: inner_part(given, n_axes=n), mask, lambda one: np.min(around(one, cross, "zero"), axis=0))


@given(images)
def test_the_values_before_and_after_a_voxel_are_those_along_the_axis(image: np.ndarray) -> None:
    n = image.ndim - 1
    for axis, padding in itertools.product(range(-n, 0), ("zero", "replicate")):
        for which, by in enumerate((-1, 1)):
            step = tuple(by if place == axis % n else 0 for place in range(n))
            check(
                lambda given: neighbours(given, axis, padding=padding)[which],  # noqa: B023
                image,
                lambda one: around(one, [step], padding)[0],  # noqa: B023
            )


@given(images, st.integers(0, 3))
def test_middle_lines_are_what_openings_lose(image: np.ndarray, iterations: int) -> None:
    n = image.ndim - 1
    cross = [step for step in CUBE(n) if sum(map(abs, step)) <= 1]

    def expected(one: np.ndarray) -> np.ndarray:
        found = np.zeros_like(one)
        for _ in range(iterations + 1):
            eroded = np.nanmin(around(one, cross, "nothing"), axis=0)
            lost = np.clip(one - np.nanmax(around(eroded, CUBE(n), "nothing"), axis=0), 0, None)
            found = found + np.clip(lost - found * lost, 0, None)
            one = eroded
        return found

    check(lambda given: soft_skeleton(given, n_axes=n, iterations=iterations), image, expected)
