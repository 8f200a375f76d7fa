"""Grids with axes that are not at right angles, as of a tilted CT: everything in the world, against brute force."""

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from segeval import catalogue
from segeval.evidence.case import Case
from segeval.evidence.grid import Lattice, skewed_axes
from segeval.evidence.labels import LabelClass
from segeval.evidence.lesions.lesion_rows import lesion_rows
from segeval.evidence.lesions.lesions import Lesions
from segeval.evidence.lesions.voronoi import cells_of
from segeval.evidence.surfaces import surfaces_numpy, surfaces_torch
from segeval.evidence.surfaces.shells import shells
from segeval.evidence.surfaces.surface import Surfaces
from segeval.evidence.surfaces.surface_area import area_of_codes, area_vectors
from segeval.scoring.evaluate import evaluate
from segeval.scoring.plan import Plan
from tests.brute_force import Setting, elements

ONE, TWO = (LabelClass(name=str(one), ids=(one,)) for one in (1, 2))
IN_SPACE = ("boundary", "lesion", "overlap")


@dataclass(frozen=True, kw_only=True)
class World:
    """A grid by the steps of its axes in the world, one column each."""

    columns: np.ndarray

    @property
    def facts(self) -> dict[str, Any]:
        lengths = tuple(np.linalg.norm(self.columns, axis=0).tolist())
        return {"spacing_mm": lengths, "axes_mm": skewed_axes(self.columns)}

    @property
    def lattice(self) -> Lattice:
        return Lattice(*self.facts.values())


@st.composite
def worlds(draw: st.DrawFn, n_axes: int) -> World:
    """A grid that is turned, stretched and sheared, often so far that a diagonal is shorter than a step."""
    random = np.random.default_rng(draw(st.integers(0, 999)))
    turn = np.linalg.qr(random.normal(size=(3, 3)))[0]
    shear = np.eye(3) + np.triu(draw(st.sampled_from([0.1, 0.6, 1.4])) * random.uniform(-1, 1, size=(3, 3)), 1)
    return World(columns=(turn @ shear @ np.diag(random.uniform(0.5, 3, size=3)))[:, :n_axes])


@st.composite
def scenes(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray, World]:
    n_axes = draw(st.sampled_from([2, 3]))
    shape = draw(hnp.array_shapes(min_dims=n_axes, max_dims=n_axes, min_side=2, max_side=5))
    ids = st.sampled_from([0, 0, 1, 2])
    pred, truth = (draw(hnp.arrays(np.uint8, shape, elements=ids)) for _ in range(2))
    return pred, truth, draw(worlds(n_axes))


def places(mask: np.ndarray, world: World) -> np.ndarray:
    return np.argwhere(mask) @ world.columns.T


def surface(mask: np.ndarray, world: World) -> np.ndarray:
    """World positions of the voxels with a face at the background."""
    kept = np.zeros(mask.shape, dtype=bool)
    for at, _ in elements(mask, (1.0,) * mask.ndim, Setting(), np.zeros(mask.shape, dtype=bool)):
        kept[at] = True
    return places(kept, world)


def nearest(these: np.ndarray, those: np.ndarray) -> np.ndarray:
    return np.linalg.norm(these[:, None] - those, axis=2).min(axis=1)


def values(pred: np.ndarray, truth: np.ndarray, world: World, names: Sequence[str]) -> dict[str, float]:
    plan = Plan(measures=tuple(catalogue.find(name).at() for name in names))
    row = evaluate(Case(case_id="x", pred=pred, truth=truth, **world.facts), plan).classes[0]
    return dict(row.values)


DISTANCES = ("hd", "hd95", "assd", "masd", "average_hausdorff", "centroid_distance", "sd_surface_distance")


@settings(max_examples=60)
@given(scenes())
def test_distances_are_those_of_world_positions(scene: tuple[np.ndarray, np.ndarray, World]) -> None:
    pred, truth, world = scene
    if not ((pred == 1).any() and (truth == 1).any()):
        return
    p, t = (surface(side == 1, world) for side in (pred, truth))
    there, back, both = nearest(p, t), nearest(t, p), np.concatenate([nearest(p, t), nearest(t, p)])
    in_p, in_t = (places(side == 1, world) for side in (pred, truth))
    wanted = {
        "hd": both.max(),
        "hd95": max(np.percentile(there, 95), np.percentile(back, 95)),
        "assd": both.mean(),
        "masd": (there.mean() + back.mean()) / 2,
        "average_hausdorff": (nearest(in_p, in_t).mean() + nearest(in_t, in_p).mean()) / 2,
        "centroid_distance": np.linalg.norm(in_p.mean(axis=0) - in_t.mean(axis=0)),
        "sd_surface_distance": both.std(),
    }
    assert values(np.where(pred == 2, 0, pred), np.where(truth == 2, 0, truth), world, DISTANCES) == pytest.approx(
        wanted, rel=1e-9, abs=1e-9
    )


@settings(max_examples=40)
@given(scenes(), st.floats(0, 5))
def test_bands_are_those_of_world_positions(scene: tuple[np.ndarray, np.ndarray, World], width: float) -> None:
    pred, truth, world = scene
    measure = catalogue.find("boundary_iou").at(width_mm=width)
    found = measure(Surfaces.of(pred, truth, classes=(ONE, TWO), **world.facts))
    for index, one in enumerate((1, 2)):
        if (pred == one).any() and (truth == one).any():
            bands = []
            for mask in (pred == one, truth == one):
                band = np.zeros(mask.shape, dtype=bool)
                reach = width + 1e-6 * max(width, min(world.facts["spacing_mm"]))
                band[mask] = nearest(places(mask, world), surface(mask, world)) <= reach
                bands.append(band)
            assert found[index] == pytest.approx((bands[0] & bands[1]).sum() / (bands[0] | bands[1]).sum())


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(scene=scenes())
@pytest.mark.parametrize("few", [1, 500])
def test_both_builders_agree(few: int, device: str, scene: tuple[np.ndarray, np.ndarray, World]) -> None:
    pred, truth, world = scene
    with pytest.MonkeyPatch.context() as patch:
        for builder in (surfaces_numpy, surfaces_torch):
            patch.setattr(builder, "_N_OFFSETS", few)
        one, other = (Surfaces.of(pred, truth, classes=(ONE, TWO), device=to, **world.facts) for to in (None, device))
        for measure in catalogue.measures_of("boundary"):
            assert measure(one) == pytest.approx(measure(other), rel=1e-9, nan_ok=True), measure.name


@given(st.sampled_from([2, 3]).flatmap(worlds))
def test_shells_hold_every_offset_up_to_their_radius(world: World) -> None:
    found = shells(world.lattice, n_offsets=60)
    n_axes = world.columns.shape[1]
    around = np.array(list(itertools.product(range(-16, 17), repeat=n_axes)))
    lengths = np.linalg.norm(around @ world.columns.T, axis=1)
    assert sum(len(shell.offsets) for shell in found) == (lengths <= found[-1].distance * (1 + 1e-12)).sum()
    for shell in found:
        assert np.linalg.norm(shell.offsets @ world.columns.T, axis=1) == pytest.approx(shell.distance, abs=1e-9)


def test_the_area_vectors_of_a_corner_are_those_that_its_rim_spans() -> None:
    # a surface with the rim p0, p1, ... has the area vector ½ Σ p × p', whatever it does in between
    slots = np.array(list(itertools.product((0, 1), repeat=3)))
    for code, ways in enumerate(area_vectors(3)):
        inside = {tuple(slot): bool(code >> bit & 1) for bit, slot in enumerate(slots.tolist())}
        rims = [_rim(inside, joined=joined) * 8 for joined in (False, True)]
        for vectors in ways:
            total = np.sum(vectors, axis=0) if vectors else np.zeros(3)
            assert any(total.tolist() == rim.tolist() for rim in rims), (bin(code), total, rims)


def _rim(inside: dict[tuple[int, ...], bool], *, joined: bool) -> np.ndarray:
    """Area vector of the surface around a corner, from its lines on the six faces.

    On a face with foreground in two opposite slots the lines cut off either these (not joined) or the other two.
    """
    total = np.zeros(3)
    for axis, end in itertools.product(range(3), (0, 1)):
        across = np.eye(3)[axis] * (2 * end - 1)
        one, other = (k for k in range(3) if k != axis)
        ring = []
        for u, v in ((0, 0), (0, 1), (1, 1), (1, 0)):
            slot = [0, 0, 0]
            slot[axis], slot[one], slot[other] = end, u, v
            ring.append(tuple(slot))
        filled = [inside[slot] for slot in ring]
        cut = [k for k in range(4) if filled[k] != filled[k - 1]]  # the edge from slot k - 1 to slot k
        points = [(np.array(ring[k]) + ring[k - 1]) / 2 for k in cut]
        pairs = [(0, 1)] if len(cut) == 2 else [(0, 1), (2, 3)] if filled[0] != joined else [(1, 2), (3, 0)]
        for i, j in pairs if cut else []:
            start, stop = points[i], points[j]
            ahead = np.array(ring[cut[i]]) if filled[cut[i]] else np.array(ring[cut[i] - 1])
            if np.dot(np.cross(stop - start, across), ahead - start) < 0:
                start, stop = stop, start
            total += np.cross(start, stop) / 2
    return total


def test_the_area_of_a_sheared_cube_is_that_of_its_parallelograms() -> None:
    columns = np.array([[1.0, 0.3, 0.2], [0, 1.2, -0.5], [0, 0, 2]])
    table = area_of_codes(World(columns=columns).lattice)
    for axis, code in enumerate((0b00001111, 0b00110011, 0b01010101)):
        one, other = (columns[:, k] for k in range(3) if k != axis)
        assert table[code] == pytest.approx(np.linalg.norm(np.cross(one, other)))


@given(st.sampled_from([2, 3]).flatmap(worlds), st.data())
def test_flips_and_axis_swaps_of_a_skewed_grid_change_nothing(world: World, data: st.DataObject) -> None:
    n_axes = world.columns.shape[1]
    pred, truth = data.draw(hnp.arrays(np.uint8, (2, *(3, 4, 5)[:n_axes]), elements=st.sampled_from([0, 1])))
    axes = data.draw(st.permutations(range(n_axes)))
    flipped = data.draw(st.sets(st.sampled_from(range(n_axes))))
    turned = [np.flip(side, axis=tuple(flipped)).transpose(axes) for side in (pred, truth)]
    signs = np.array([-1.0 if axis in flipped else 1.0 for axis in range(n_axes)])
    other = World(columns=(world.columns * signs)[:, axes])
    names = [one.name for group in IN_SPACE for one in catalogue.measures_of(group) if "class" in one.levels]
    if (pred + truth).any():
        assert values(*turned, other, names) == pytest.approx(
            values(pred, truth, world, names), rel=1e-9, abs=1e-9, nan_ok=True
        )


def test_a_turned_grid_gives_the_numbers_of_one_that_is_not() -> None:
    random = np.random.default_rng(5)
    pred, truth = (random.integers(0, 2, size=(5, 6, 7)).astype(np.uint8) for _ in range(2))
    stretch, turn = np.diag([0.7, 1.5, 2.0]), np.linalg.qr(random.normal(size=(3, 3)))[0]
    names = [one.name for group in IN_SPACE for one in catalogue.measures_of(group) if "class" in one.levels]
    straight, turned = (values(pred, truth, World(columns=columns), names) for columns in (stretch, turn @ stretch))
    assert straight == pytest.approx(turned, rel=1e-9, nan_ok=True)


@settings(max_examples=30)
@given(st.sampled_from([2, 3]).flatmap(worlds), st.integers(0, 99))
def test_cells_and_lesions_lie_where_they_are_in_the_world(world: World, seed: int) -> None:
    n_axes = world.columns.shape[1]
    truth = (np.random.default_rng(seed).random((6, 7, 5)[:n_axes]) < 0.15).astype(np.uint8)
    if not truth.any():
        return
    lesions = Lesions.of(truth, truth, classes=(ONE,), **world.facts)
    found = lesions.found(0).truth
    own = [places(_as_mask(found.index[found.owner == one], truth.shape), world) for one in range(len(found))]
    apart = np.stack([nearest(places(np.ones_like(truth), world), one) for one in own])
    cell = cells_of(found, np.arange(truth.size), world.lattice)
    assert apart[cell, np.arange(truth.size)] == pytest.approx(apart.min(axis=0), rel=1e-9, abs=1e-9)
    size = abs(np.linalg.det(world.columns)) if n_axes == 3 else np.linalg.norm(np.cross(*world.columns.T))
    for row in lesion_rows(lesions):
        assert row.volume_mm3 == pytest.approx(row.voxels * size)


def _as_mask(index: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    mask = np.zeros(math.prod(shape), dtype=bool)
    mask[index] = True
    return mask.reshape(shape)
