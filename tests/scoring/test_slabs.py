"""A case in slabs: every measure has the value of the whole image, or is refused by name."""

import math
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from segeval import catalogue
from segeval.errors import ConfigError, DataError
from segeval.evidence.case import Case, Tile, TiledCase
from segeval.evidence.labels import LabelMap
from segeval.images.readers.volumes import even_cuts
from segeval.images.tiles import surrounded
from segeval.measure import MeasureCall
from segeval.results import CaseScore
from segeval.scoring.evaluate import evaluate
from segeval.scoring.plan import Plan
from segeval.scoring.slabs.tiles import evaluate_tiles, refuse_measures_of_wholes
from tests.test_laws import CLASSES, FORM, MEASURES, SOFT, judged_cases, judged_maps, turns_of


def in_slabs(case: Case, *, axis: int, rows: int = 1) -> TiledCase:
    """A case that is read in slabs of so many rows, or of as many as its measures have to see."""

    def tiles(halo: int, thinner: int) -> Iterator[Tile]:
        cuts = even_cuts(case.shape[axis], -(-rows // thinner), max(2, halo))
        return surrounded((part(case, axis, slice(*ends)) for ends in pairwise(cuts)), axis, halo)

    return TiledCase(
        case_id=case.case_id, shape=case.shape, axis=axis, tiles=tiles, most_bytes=1 << 30, spacing_mm=case.spacing_mm
    )


def part(case: Case, axis: int, rows: slice) -> Case:
    at = (slice(None),) * axis + (rows,)
    maps = () if case.probs is None else tuple(replace(one, stored=one.stored[at]) for one in case.probs.maps)
    probs = None if case.probs is None else replace(case.probs, maps=maps)
    return replace(case, pred=case.pred[at], truth=case.truth[at], probs=probs)


def numbers(score: CaseScore) -> dict[tuple[str, str], float]:
    """Every value of a case by class and column."""
    of = {row.of.name: row.values for row in score.classes} | {"": score.row.values}
    return {(name, column): value for name, values in of.items() for column, value in values.items()}


def differing(whole: CaseScore, tiled: CaseScore, *, tolerance: float = 1e-12) -> list[tuple[str, str]]:
    wanted, found = numbers(whole), numbers(tiled)
    assert [*wanted] == [*found]
    return [
        which
        for which, value in wanted.items()
        if not (np.array_equal(value, found[which], equal_nan=True))
        and not math.isclose(value, found[which], rel_tol=tolerance, abs_tol=tolerance)
    ]


def calls_of(name: str, knobs: Mapping[str, list[object]]) -> list[MeasureCall]:
    """A measure, and with each value of each knob."""
    measure = catalogue.find(name)
    return [measure.at(), *(measure.at(**{knob: value}) for knob, values in knobs.items() for value in values)]


BANDS = calls_of(
    "boundary_iou",
    {
        "width_mm": [0, 1.4, 2.1, 40],
        "rule": ["lt"],
        "band": ["background"],
        "metric": ["chessboard"],
        "edge": ["none"],
        "neighbours": ["full"],
        "unit": ["voxel"],
    },
)
BANDS.append(catalogue.find("boundary_iou").at(width_mm=2.1, rule="lt", band="background", edge="none"))
BANDS += calls_of("boundary_f1", {"tolerance_diagonal": [0.1, 0.3], "tolerance_mm": [2.1], "edge": ["none"]})


@settings(max_examples=60, deadline=None)
@given(
    sides=hnp.array_shapes(min_dims=2, max_dims=3, min_side=1, max_side=12).flatmap(
        lambda shape: hnp.arrays(np.uint8, (2, *shape), elements=st.sampled_from([0, 1, 1, 1, 2, 9]))
    ),
    spacing=st.permutations([0.7, 1.0, 3.0]),
    axis=st.integers(0, 1),
    call=st.sampled_from(BANDS),
    ignored=st.sampled_from([(), (9,)]),
)
def test_boundary_bands_in_slabs_are_those_of_the_whole_to_the_last_bit(
    sides: np.ndarray, spacing: list[float], axis: int, call: MeasureCall, ignored: tuple[int, ...]
) -> None:
    assume(sides.shape[1 + axis] > 1)
    pred, truth = sides
    case = Case(case_id="x", pred=pred, truth=truth, spacing_mm=tuple(spacing[: truth.ndim]))
    plan = Plan(measures=(call,), labels=LabelMap(ignore=ignored))
    assert differing(evaluate(case, plan), evaluate_tiles(in_slabs(case, axis=axis), plan), tolerance=0) == []


@settings(max_examples=60, deadline=None)
@given(
    sides=hnp.array_shapes(min_dims=2, max_dims=3, min_side=2, max_side=8).flatmap(
        lambda shape: hnp.arrays(np.uint8, (2, *shape), elements=st.sampled_from([0, 1, 9, 9]))
    ),
    are_alike=st.booleans(),
    call=st.sampled_from(calls_of("nsd", {"surface": ["voxel"]}) + calls_of("boundary_f1", {"edge": ["none"]})),
)
def test_a_surface_that_ignored_voxels_hide_is_undefined_in_slabs_too(
    sides: np.ndarray, are_alike: bool, call: MeasureCall
) -> None:
    pred, truth = sides
    case = Case(case_id="x", pred=truth if are_alike else pred, truth=truth)
    plan = Plan(measures=(call,), labels=LabelMap(ignore=(9,)))
    assert differing(evaluate(case, plan), evaluate_tiles(in_slabs(case, axis=0), plan)) == []


def test_a_band_reaches_over_many_thin_slabs() -> None:
    truth = np.zeros((60, 7), dtype=np.uint8)
    truth[2:58] = 1
    pred = np.roll(truth, 1, axis=0)
    case = Case(case_id="x", pred=pred, truth=truth)
    n_slabs = []
    tiled = in_slabs(case, axis=0)

    def counted(*how: int) -> Iterator[Tile]:
        for tile in tiled.tiles(*how):
            n_slabs.append(tile.core)
            yield tile

    plan = Plan(measures=(catalogue.find("boundary_iou").at(width_mm=2, edge="none"),))
    found = evaluate_tiles(replace(tiled, tiles=counted), plan).classes[0].values
    assert len(n_slabs) == 15  # of four rows: the width and two more
    # rows of the bands: 2 3 4 and 55 56 57 of the truth, 3 4 5 and 56 57 58 of the prediction
    assert found["boundary_iou(width_mm=2,edge=none)"] == 4 / 8


def turned(measures: list) -> list[MeasureCall]:
    """Every measure, and with every turn of a knob that is not refused."""
    calls = []
    for measure in measures:
        for knobs in [{}, *({knob: value} for knob, value in turns_of(measure))]:
            with suppress(ConfigError):
                calls.append(measure.at(**knobs))
    return calls


def refusal(call: MeasureCall, case: TiledCase, plan: Plan) -> str:
    """What is said against a measure before anything is read; nothing where it can be had."""
    try:
        refuse_measures_of_wholes(case, replace(plan, measures=(call,)))
    except DataError as error:
        return str(error)
    return ""


def accepted(calls: list[MeasureCall], case: TiledCase, plan: Plan) -> tuple[MeasureCall, ...]:
    """Those that are not refused; the others have to be, by name."""
    said = {call.column: refusal(call, case, plan) for call in calls}
    named = [f"these measures need the whole image at once: {column}." in text for column, text in said.items() if text]
    assert all(named)
    return tuple(call for call in calls if not said[call.column])


@pytest.mark.slow
@pytest.mark.parametrize("index", [4, 8, 13])
def test_every_measure_of_masks_is_that_of_the_whole_or_refused_by_name(index: int) -> None:
    case = judged_cases()[index]
    axis = int(np.argmax(case.shape))
    tiled = in_slabs(case, axis=axis)
    calls = accepted(turned(MEASURES), tiled, Plan(measures=()))
    assert {"dice", "category_mean_iou", "boundary_iou", "nsd(tolerance_mm=1)"} <= {call.column for call in calls}
    plan = Plan(measures=calls)
    assert differing(evaluate(case, plan), evaluate_tiles(tiled, plan)) == []


@pytest.mark.slow
@pytest.mark.parametrize("index", [0, 5])
def test_every_measure_of_maps_is_that_of_the_whole_or_refused_by_name(index: int) -> None:
    case = judged_maps()[index]
    tiled, plan = in_slabs(case, axis=0), Plan(measures=(), labels=LabelMap(classes=CLASSES), form=FORM)
    calls = accepted(turned(SOFT), tiled, plan)
    parts = [call for call in calls if call.measure.reads("EqualParts")]
    for call in parts:  # which is known when the voxels were counted
        with pytest.raises(DataError, match=r"equal parts of so few voxels .* leave out adaptive_ece"):
            evaluate_tiles(tiled, replace(plan, measures=(call,)))
    plan = replace(plan, measures=tuple(call for call in calls if call not in parts))
    assert len(plan.measures) > 100
    assert differing(evaluate(case, plan), evaluate_tiles(tiled, plan)) == []
