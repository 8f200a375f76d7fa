"""What the slabs of probability maps added up to, as the whole image would have given it."""

from collections.abc import Callable, Hashable, Iterator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from segeval.errors import DataError
from segeval.evidence.additive import ByClass
from segeval.evidence.case import TiledCase
from segeval.evidence.labels import LabelClass
from segeval.evidence.probabilities.bins import N_FINE
from segeval.evidence.probabilities.class_maps import Areas, EqualParts, PartsOfMap, ProbSums, sums_of_voxels
from segeval.evidence.probabilities.histogram import ProbHistogram, are_few
from segeval.evidence.probabilities.parts import HistogramOfPart, SumsOfPart
from segeval.evidence.probabilities.prob_maps import Condensed, MapSums, ProbMaps
from segeval.evidence.probabilities.scored_map import FEW
from segeval.files.memory import PROGRAM
from segeval.measure import MeasureCall
from segeval.scoring.plan import Plan

_TOLD_APART = 128  # bytes for a voxel that is told apart: six columns of a histogram, and as much to sort them
_MIB = 1 << 20


def holds_all(maps: MapSums) -> bool:
    """Whether all probabilities are told apart without being asked to; see `ProbMaps.is_exact`."""
    return all(are_few(int(n.sum())) for key, n in maps.kept.rows.items() if _kind(key) == "ranks")


def with_maps_settled(
    totals: Mapping[Hashable, Any], maps: Callable[[], Iterator[ProbMaps]], case: TiledCase, plan: Plan
) -> dict[Hashable, Any]:
    """The totals with the sums and histograms of the whole in place of those of its slabs.

    Args:
        totals: with the sums of maps under `soft`.
        maps: passes over the slabs once more.
        case: whose they are.
        plan: for messages.

    Raises:
        DataError: more voxels have to be told apart than there is room for.
    """
    soft: MapSums = totals["soft"]
    if any(isinstance(row, EqualParts) for row in _rows(totals)) and holds_all(soft):
        raise DataError(
            f"{case.case_id}: equal parts of so few voxels are cut in their order, which slabs do not know. "
            "Raise --max-memory, or leave out adaptive_ece."
        )
    rows = soft.kept.rows
    wanted = {key: which for key in rows if (which := _mixed(key, rows)) is not None}
    _refuse_too_many(rows, wanted, case, plan)
    told = _told_apart(wanted, maps)
    settled = {key: _settled(key, rows, told.get(key)) for key in rows if _kind(key) != "ranks"}
    soft = replace(soft, kept=ByClass(settled))
    return {key: soft if key == "soft" else _of_classes(total, soft) for key, total in totals.items()}


def _kind(key: Any) -> str:
    """What a sum of maps is of: the first part of its key, before the channel."""
    return str(key[0])


def _rows(totals: Mapping[Hashable, Any]) -> list[Any]:
    return [row for total in totals.values() if isinstance(total, ByClass) for row in total.rows.values()]


def _mixed(key: Any, rows: Mapping[Any, Any]) -> np.ndarray | None:
    """The fine bins whose voxels have to be told apart, if there are any."""
    row = rows[key]
    if isinstance(row, SumsOfPart):
        is_small = isinstance(row.table, np.ndarray) and row.table[0].sum() <= FEW
        return np.ones((2, 2, N_FINE), dtype=bool) if is_small else None
    which = row.mixed(rows["ranks", key[1]]) if isinstance(row, HistogramOfPart) else None
    return which if which is not None and which.any() else None


def _refuse_too_many(rows: Mapping[Any, Any], wanted: Mapping[Any, np.ndarray], case: TiledCase, plan: Plan) -> None:
    n_of = {key: int(rows["ranks", key[1]][which].sum()) for key, which in wanted.items() if _kind(key) == "histogram"}
    n, details = sum(n_of.values()), {rows[key].detail for key in n_of}
    if n * _TOLD_APART > case.most_bytes // 2:  # the rest is for the slabs
        asking = ", ".join(call.column for call in plan.measures if _detail_of(call) in details)
        raise DataError(
            f"{case.case_id}: is larger than --max-memory, and {n} of its voxels have to be told apart by their "
            f"probability{' for ' if asking else ''}{asking}. Leave these measures out, or pass --workers 1 and "
            f"--max-memory {PROGRAM + 2 * n * _TOLD_APART + _MIB >> 20}MiB or more."
        )


def _detail_of(call: MeasureCall) -> Any:
    """How finely a measure looks at probabilities, where that is finer than the bins."""
    (need, *_), knobs = call.measure.needs, call.all_knobs
    if knobs.get("exact"):
        return "exact"
    if issubclass(need, EqualParts):
        return knobs["bins"]
    if issubclass(need, Areas):
        return need.detail
    return "hinge" if "hinge" in call.measure.name or call.measure.reads("RankedCosts") else None


def _told_apart(
    wanted: Mapping[Any, np.ndarray], maps: Callable[[], Iterator[ProbMaps]]
) -> dict[Hashable, ProbHistogram]:
    found: dict[Hashable, list[ProbHistogram]] = {key: [] for key in wanted}
    for of_slab in maps() if wanted else ():
        for key, which in wanted.items():
            found[key].append(of_slab.scored(of_slab.channels.index(key[1])).within(which))
        del of_slab
    return {key: ProbHistogram.empty().beside(*parts) for key, parts in found.items()}


def _settled(key: Any, rows: Mapping[Any, Any], told: ProbHistogram | None) -> Any:
    row = rows[key]
    if isinstance(row, HistogramOfPart):
        return replace(row.settled(rows["ranks", key[1]], told), detail=row.detail)
    if isinstance(row, SumsOfPart):
        return Condensed(row.settled() if told is None else told.voxels())
    return row


def _of_classes(total: Any, soft: MapSums) -> Any:
    """States of classes, with what they hold of maps taken from the settled ones."""
    return (
        ByClass({of: _state(of, row, soft) for of, row in total.rows.items()}) if isinstance(total, ByClass) else total
    )


def _state(of: Any, row: Any, soft: MapSums) -> Any:
    match row:
        case Areas(histograms=HistogramOfPart() as part):
            return replace(row, histograms=_histogram(part, soft))
        case EqualParts(parts=PartsOfMap(histogram=HistogramOfPart() as part)):
            return replace(row, parts=PartsOfMap(_histogram(part, soft)))
        case ProbSums() if (channel := _channel(of, soft)) is not None:
            return sums_of_voxels(soft.condensed(channel))
    return row


def _histogram(part: HistogramOfPart, soft: MapSums) -> ProbHistogram:
    return soft.histogram(soft.channels.index(part.channel), part.detail)


def _channel(of: LabelClass, soft: MapSums) -> int | None:
    """The channel of a class; the one without a name is background."""
    ids = [set(channel.ids) if channel else {0} for channel in soft.channels]
    return ids.index({*of.ids}) if {*of.ids} in ids else None
