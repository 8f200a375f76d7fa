"""A case that is too large to be held as a whole: the states of its slabs, added up.

A slab is scored like a case, for the sake of the states that its measures read. Their sums are those of the whole, and
its values follow from them as pooled values do from those of several cases.
"""

import gc
from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from math import prod
from typing import Any

import numpy as np

from segeval.errors import DataError
from segeval.evidence.additive import ByClass
from segeval.evidence.arrays import is_one_of
from segeval.evidence.case import Tile, TiledCase
from segeval.evidence.grid import Grid, Lattice, diagonal_of
from segeval.evidence.labels import LabelClass
from segeval.evidence.overlap.counts import Counts, Histogram
from segeval.evidence.probabilities.soft import SoftEvidence
from segeval.evidence.shapes import TYPE_CHECKING
from segeval.files.memory import give_back
from segeval.files.paths import listed
from segeval.measure import Level, MeasureCall
from segeval.results import CaseScore
from segeval.scoring.evaluate import case_values, row_of_case, rows_of_classes, with_declared
from segeval.scoring.evidence import Evidence, count, refuse_too_many_ids, state_key
from segeval.scoring.plan import Plan
from segeval.scoring.pooled import Pool, PooledCases
from segeval.scoring.slabs.settled_maps import holds_all, refuse_surely_too_many, with_maps_settled
from segeval.scoring.summarise import merge_histograms

if TYPE_CHECKING:
    from segeval.evidence.probabilities.prob_maps import ProbMaps
    from segeval.evidence.surfaces.surface import Surfaces

_OF_COUNTS = {"Counts", "CategoryCounts", "Joint", "Grid"}
_OF_SURFACES = "Shares", "Bands"
_THINNER = 5  # to sort a voxel by its probability takes about 200 bytes, five times as much as to count it
_LEVELS: tuple[Level, ...] = ("class", "case")


def evaluate_tiles(case: TiledCase, plan: Plan) -> CaseScore:
    """Score a case slab by slab; what `evaluate` gives of the whole.

    Raises:
        DataError: a measure needs the whole image at once.
    """
    plan = replace(plan, engine="numpy", device="cpu")
    refuse_measures_of_wholes(case, plan)
    found = _added_up(case, plan)
    columns = {call.column: with_declared(found.values(call, "class"), call, found.counts) for call in plan.at("class")}
    return CaseScore(
        row=row_of_case(case, found, case_values(found), source=next(iter(found.sources)), notes=found.notes),
        classes=rows_of_classes(case.case_id, found.classes, found.counts, columns),
        histogram=found.histogram,
        additive=found.for_pooling,
    )


def refuse_measures_of_wholes(case: TiledCase, plan: Plan) -> None:
    """Stop where a measure does not follow from sums over slabs.

    Raises:
        DataError: there are such measures; the message names them.
    """
    refused = [call.column for call in plan.measures if not _adds_up(call, case)]
    if refused:
        kept = "overlap,losses,probability" + ("" if case.axes_mm else ",nsd,boundary_f1,boundary_iou")
        raise DataError(
            f"{case.case_id}: is larger than --max-memory, and these measures need the whole image at once: "
            f"{listed(refused, most=6)}. "
            f"Choose others, such as -m {kept}, raise --max-memory, or leave it out."
        )


def _adds_up(call: MeasureCall, case: TiledCase) -> bool:
    if call.measure.reads("EqualParts") and call.all_knobs["exact"]:
        return False  # ties are shared out in the order of the voxels
    needs: tuple[Any, ...] = call.measure.needs
    if issubclass(needs[0], SoftEvidence):
        return not any(need.on_map or need.of_logits for need in needs)
    if call.measure.reads(*_OF_SURFACES):
        return case.axes_mm is None  # on a sheared grid the nearest surface may lie many slices away
    return {piece.__name__ for piece in call.measure.evidence} <= {*_OF_COUNTS, "ProbMaps"}


class TileEvidence(Evidence):
    """The evidence of a slab, whose states add up to those of the whole."""

    def __init__(self, tile: Tile, plan: Plan, whole: TiledCase) -> None:
        super().__init__(tile.case, plan)
        self._tile, self._whole = tile, whole

    @cached_property
    def classes(self) -> tuple[LabelClass, ...]:
        """Those of what lies around it, too: corners between two slabs belong to the one behind."""
        if self._tile.around is self.case:
            return super().classes
        around = count(self._tile.around, self.plan)
        return self.plan.labels.classes_among({*self.histogram.ids, *around.ids})

    @cached_property
    def maps(self) -> "ProbMaps | None":
        found = super().maps
        return None if found is None else replace(found, of_part=True)

    @cached_property
    def surfaces(self) -> "Surfaces":
        from segeval.evidence.surfaces.surface import Core, Surfaces

        around, axis = self._tile.around, self._whole.axis
        ignore = self.plan.labels.ignore
        return Surfaces.of(
            around.pred,
            around.truth,
            classes=self.members,
            spacing_mm=around.spacing_mm,
            ignored=is_one_of(around.truth, ignore) if ignore else None,
            core=Core(axis=axis, along=self._tile.core, n=self._whole.shape[axis]),
        )

    @property
    def states(self) -> dict[Hashable, Any]:
        """All that adds up, with the sums of maps whatever read them."""
        found = self.for_pooling()
        return found if self.maps is None else found | {"soft": self.maps.sums}


@dataclass(frozen=True, kw_only=True)
class _Together(PooledCases):
    """The slabs of one case, added up."""

    case: TiledCase
    notes: tuple[str, ...]
    is_exact: bool

    def values(self, call: MeasureCall, level: Level) -> Any:
        """The measure on the whole case; see `Evidence.values`."""
        if not {need.__name__ for need in call.measure.needs} <= _OF_COUNTS:
            return super().values(call, level)
        return call(*(self.case.grid if need is Grid else self._of_counts(need, level) for need in call.measure.needs))

    def is_approximate(self, call: MeasureCall) -> bool:
        """Whether values were read from bins; see `Evidence.is_approximate`."""
        if call.all_knobs.get("exact") is not False or self.sources == {"hard"}:
            return False
        if issubclass(call.measure.needs[0], SoftEvidence):
            return not self.is_exact
        totals = [self.totals.get(state_key(need, call, "class")) for need in call.measure.needs]
        return any(getattr(row, "approx", False) for total in totals if total for row in total.rows.values())

    @property
    def for_pooling(self) -> dict[Hashable, Any]:
        """What a case adds to pooled values; sums of maps where a loss reads them."""
        of_losses = any(issubclass(call.measure.needs[0], SoftEvidence) for call in self.plan.measures)
        return {key: total for key, total in self.totals.items() if key != "soft" or of_losses}


class _Sums:
    """What the slabs of a case had so far, added up."""

    def __init__(self, case: TiledCase, plan: Plan) -> None:
        self.case, self.plan = case, plan
        self.pool, self.histogram = Pool(), Histogram(ids=(), n=np.zeros((0, 0), dtype=np.int64))
        self.of_classes: Counts | None = None
        self.notes: dict[str, None] = {}
        self.sources: set[str] = set()
        levels = [level for level in _LEVELS if level == "class" or not plan.overlaps]
        self._calls = [(call, level) for level in levels for call in plan.at(level)]

    def take(self, tile: Tile) -> None:
        """Add a slab, and keep nothing else of it."""
        evidence = TileEvidence(tile, self.plan, self.case)
        for call, level in self._calls:
            is_of_counts = {piece.__name__ for piece in call.measure.evidence} <= _OF_COUNTS
            if not is_of_counts and (evidence.maps is not None or call.measure.reads("Surfaces")):
                evidence.values(call, level)  # for the sake of the states that it reads
        self.pool.add(evidence.states)
        if "soft" in self.pool.totals:
            refuse_surely_too_many(self.pool.totals["soft"], self.case, self.plan)
        found = evidence.histogram.without_unions(tile.case.claims)
        refuse_too_many_ids(self.case.case_id, len({*self.histogram.ids, *found.ids}))
        self.histogram = merge_histograms([self.histogram, found])
        if self.plan.labels.classes is not None:
            self.of_classes = evidence.counts if self.of_classes is None else self.of_classes + evidence.counts
        self.notes |= dict.fromkeys(tile.case.notes)
        self.sources.add("hard" if tile.case.probs is None else "probs")


def _added_up(case: TiledCase, plan: Plan) -> _Together:
    """Pass over the case, and once more where voxels have to be told apart."""
    sums = _Sums(case, plan)
    for tile in case.tiles(_halo(plan, case), 1):
        sums.take(tile)
        del tile  # there is room for one
        if "probs" in sums.sources:
            gc.collect(0)  # maps and the views of them refer to one another, and all are young
    give_back()
    classes = plan.labels.classes_among(sums.histogram.ids)
    counts = sums.of_classes or sums.histogram.counts(classes)
    totals = dict(sums.pool.totals)
    is_exact = "soft" not in totals or holds_all(totals["soft"])
    if "soft" in totals:
        totals = with_maps_settled(totals, partial(_maps, case, plan), case, plan)
    return _Together(
        plan=plan,
        classes=classes,
        histogram=sums.histogram,
        counts=counts,
        sources=frozenset(sums.sources),
        totals=_with_surfaces_settled(totals, classes, counts, prod(case.shape)),
        case=case,
        notes=tuple(sums.notes),
        is_exact=is_exact,
    )


def _maps(case: TiledCase, plan: Plan) -> Iterator["ProbMaps"]:
    """The maps of slabs so thin that there is room for the voxels that are told apart, and to sort those of a slab."""
    for tile in case.tiles(0, _THINNER):
        maps = TileEvidence(tile, plan, case).maps
        if maps is not None:
            yield maps
        del tile, maps
        gc.collect(0)
    give_back()


def _halo(plan: Plan, case: TiledCase) -> int:
    """How many voxels around a slab decide what is near its own surface."""
    widths = [0]
    for call in plan.measures:
        if not call.measure.reads(*_OF_SURFACES):
            continue
        lattice = Lattice.unit(len(case.shape)) if call.all_knobs["unit"] == "voxel" else case.grid.lattice
        long = lattice.of_axes([axis for axis, n in enumerate(case.shape) if n > 1])
        needs: tuple[Any, ...] = call.measure.needs
        settings = (call.measure.settings(need, call.knobs) for need in needs)
        diagonal = diagonal_of(case.shape, lattice)
        reach = max(
            need.reach(lattice=long, diagonal=diagonal, **how) for need, how in zip(needs, settings, strict=True)
        )
        # the outermost voxels end there, and are no surface; the pieces of a mesh reach half a voxel around a corner
        more = 3 if call.all_knobs.get("surface") == "mesh" else 2
        widths.append(int(max(reach, 0.0) / lattice.spacing[case.axis]) + more)
    return max(widths)


def _with_surfaces_settled(
    totals: Mapping[Hashable, Any], classes: Sequence[LabelClass], counts: Counts, n_voxels: int
) -> dict[Hashable, Any]:
    """The totals with what is known of whole surfaces only."""
    from segeval.evidence.surfaces.surface_shares import SurfaceSums

    differ = (counts.tp < counts.pred) | (counts.tp < counts.truth)
    may_hide = differ & (counts.total < n_voxels)
    flags = zip((counts.pred > 0).tolist(), (counts.truth > 0).tolist(), may_hide.tolist(), strict=True)
    on = dict(zip(classes, flags, strict=True))

    def settled(total: Any) -> Any:
        if not isinstance(total, ByClass) or not all(isinstance(row, SurfaceSums) for row in total.rows.values()):
            return total
        rows = {of: row for of, row in total.rows.items() if of in on}
        return ByClass(
            {of: row.of_whole(in_pred=on[of][0], in_truth=on[of][1], may_hide=on[of][2]) for of, row in rows.items()}
        )

    return {key: settled(total) for key, total in totals.items()}
