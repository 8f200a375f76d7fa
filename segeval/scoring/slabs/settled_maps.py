"""What the slabs of probability maps added up to, as the whole image would have given it.

Voxels that the whole image would tell apart by their probability are collected in another pass. If there is no room for
all of them, those of curves are counted in bins that are halved as often as there is room for, and those of ranked
costs in cells, as sums of cases are; then values are within the same 1e-5 of the exact ones, but no more those of the
whole to the last digits.
"""

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from segeval.errors import DataError
from segeval.evidence.additive import ByClass
from segeval.evidence.case import TiledCase
from segeval.evidence.labels import LabelClass
from segeval.evidence.probabilities.bins import MOST_HALVED, N_FINE, Detail
from segeval.evidence.probabilities.class_maps import Areas, EqualParts, PartsOfMap, ProbSums, sums_of_voxels
from segeval.evidence.probabilities.histogram import ProbHistogram, are_few, most_cells
from segeval.evidence.probabilities.parts import HistogramOfPart, SumsOfPart
from segeval.evidence.probabilities.prob_maps import Condensed, MapSums, ProbMaps
from segeval.evidence.probabilities.scored_map import FEW
from segeval.files.memory import PROGRAM
from segeval.measure import MeasureCall
from segeval.scoring.plan import Plan

_TOLD_APART = 256  # bytes for a probability that is told apart, in a histogram and in the entries of losses
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
            "Raise --max-memory until the case is scored as a whole, or leave out adaptive_ece."
        )
    rows = soft.kept.rows
    wanted = {key: which for key in rows if (which := _mixed(key, rows)) is not None}
    room = _room_in_bins(rows, wanted, case, plan)
    told = _told_apart(wanted, maps, room, partial(_refusal, rows=rows, wanted=wanted, case=case, plan=plan))
    settled = {key: _settled(key, rows, told.get(key)) for key in rows if _kind(key) != "ranks"}
    vague = [key for key in room if told[key].halved and settled[key].is_vague]
    if vague:
        raise _refusal(vague, rows, wanted, case, plan)
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


def refuse_surely_too_many(soft: MapSums, case: TiledCase, plan: Plan) -> None:
    """Stop as soon as more voxels have to be told apart than there is room for, however the other slabs look.

    Raises:
        DataError: so it is; the message names the measures.
    """
    rows, details = soft.kept.rows, {"hinge", "exact"} - _may_be_in_bins(plan)
    growing: dict[Any, HistogramOfPart] = {
        key: row for key, row in rows.items() if isinstance(row, HistogramOfPart) and row.detail in details
    }
    if _n_of(rows, {key: row.mixed(rows["ranks", key[1]]) for key, row in growing.items()}, of=growing) > _room(case):
        said = "Leave these measures out, or raise --max-memory until the case is scored as a whole."
        raise DataError(f"{_too_many(growing, rows, case, plan)} {said}")


def _may_be_in_bins(plan: Plan) -> set[Any]:
    """The details that bins may serve, if they are narrow; not a limit that the costs of many voxels may be at."""
    has_limit = any(call.measure.reads("RankedCosts") and "thresh" in call.all_knobs for call in plan.measures)
    return {"area", "best", "curve"} if has_limit else {"area", "best", "curve", "hinge"}


def _room(case: TiledCase) -> int:
    """Entries of histograms, of all together; the rest of the memory is for the slabs."""
    return case.most_bytes // 2 // _TOLD_APART


def _room_in_bins(
    rows: Mapping[Any, Any], wanted: Mapping[Any, np.ndarray], case: TiledCase, plan: Plan
) -> dict[Any, int]:
    """How many entries a histogram may have where not all voxels can be told apart; none where they can."""
    counted = [key for key in wanted if _kind(key) == "histogram"]
    narrower = [key for key in counted if rows[key].detail in _may_be_in_bins(plan)]
    others = [key for key in counted if key not in narrower]
    left = _room(case) - _n_of(rows, wanted, of=others)
    if left < 0:
        raise _refusal(others, rows, wanted, case, plan)
    fits = _n_of(rows, wanted, of=counted) <= _room(case)
    return {} if fits else dict.fromkeys(narrower, left // len(narrower))


def _n_of(rows: Mapping[Any, Any], wanted: Mapping[Any, np.ndarray], *, of: Iterable[Any]) -> int:
    """How many voxels some histograms tell apart."""
    return sum(int(rows["ranks", key[1]][wanted[key]].sum()) for key in of)


def _refusal(
    keys: Iterable[Any], rows: Mapping[Any, Any], wanted: Mapping[Any, np.ndarray], case: TiledCase, plan: Plan
) -> DataError:
    """Where all voxels are counted, and so it is known what is enough: room for each of them, or for all cells."""
    counted = [key for key in wanted if _kind(key) == "histogram"]
    narrower = [key for key in counted if rows[key].detail in _may_be_in_bins(plan)]
    in_cells = [key for key in narrower if rows[key].detail == "hinge"]
    n = _n_of(rows, wanted, of=counted)
    if {*keys} <= {*in_cells}:
        others = _n_of(rows, wanted, of=[key for key in counted if key not in narrower])
        most = max(most_cells(np.where(wanted[key], rows["ranks", key[1]], 0).sum(axis=0)) for key in in_cells)
        n = min(n, others + len(narrower) * most)
    return DataError(
        f"{_too_many(keys, rows, case, plan)} Leave these measures out, or pass --workers 1 and "
        f"--max-memory {PROGRAM + 2 * n * _TOLD_APART + _MIB >> 20}MiB or more."
    )


def _too_many(keys: Iterable[Any], rows: Mapping[Any, Any], case: TiledCase, plan: Plan) -> str:
    details = {rows[key].detail for key in keys}
    asking = ", ".join(call.column for call in plan.measures if _detail_of(call) in details)
    return (
        f"{case.case_id}: is larger than --max-memory, and too many of its voxels have to be told apart by their "
        f"probability{' for ' if asking else ''}{asking}."
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
    wanted: Mapping[Any, np.ndarray],
    maps: Callable[[], Iterator[ProbMaps]],
    room: Mapping[Any, int],
    refusal: Callable[[Sequence[Any]], DataError],
) -> dict[Hashable, ProbHistogram]:
    found: dict[Hashable, list[ProbHistogram]] = {key: [] for key in wanted}
    for of_slab in maps() if wanted else ():
        for key, which in wanted.items():
            told = of_slab.scored(of_slab.channels.index(key[1])).within(which)
            found[key].append(told)
            if key in room:
                found[key] = [_fitting(found[key], key[2], room[key])]
                if len(found[key][0].p) > room[key]:  # and other slabs only bring more
                    raise refusal([key])
        del of_slab
    return {key: ProbHistogram.empty().beside(*parts) if len(parts) > 1 else parts[0] for key, parts in found.items()}


def _fitting(parts: Sequence[ProbHistogram], detail: Detail, room: int) -> ProbHistogram:
    """All parts together, in bins as narrow as there is room for."""
    halved, both = parts[0].halved, replace(ProbHistogram.empty().beside(*parts), detail=detail)
    if halved:
        both = both.merged(halved=halved)
    if len(both.p) > room and detail == "hinge":
        both = both.in_cells()
    while len(both.p) > room and detail != "hinge" and both.halved != 1:
        both = both.merged(halved=both.halved - 1 if both.halved else MOST_HALVED)
    return both


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
