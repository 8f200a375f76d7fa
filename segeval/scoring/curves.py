"""The tables behind scores of all cases together: FROC, ROC, precision over recall, calibration, and sequences."""

from collections.abc import Hashable, Iterator, Mapping
from typing import Any

import numpy as np

from segeval.evidence.additive import ByClass
from segeval.evidence.labels import LabelClass
from segeval.knobs import knob_text
from segeval.measure import MeasureCall, ratio
from segeval.results import Table
from segeval.scoring.evidence import state_key
from segeval.scoring.pooled import PooledCases

COLUMNS = ("class", "curve", "x", "y", "threshold", "n")
FROC_COLUMNS = (
    *("class", "threshold", "tp", "fp", "fp_per_case", "sensitivity"),
    *("n_lesions", "n_cases", "n_negative_cases", "rule"),
)
MOST_POINTS = 200  # of a curve, besides those that a score was read at: more than a picture shows
HALF = 0.5  # the threshold of masks


def froc_of(together: PooledCases) -> Table | None:
    """The FROC of every class, a row per distinct confidence, for each rule that a measure finds candidates by.

    `tp` are lesions found and `fp` false alarms with at least that confidence. None where no measure has candidates.
    """
    rows: list[dict[str, Any]] = []
    keys: set[Hashable] = set()
    for call, key in _detections(together):
        if key in keys:
            continue
        keys.add(key)
        for of in together.classes:
            if of not in together.totals[key].rows:
                continue
            one = together.totals[key].stacked([of]).over(together.volumes_ml).cases[0]
            points = one.points()
            of_all = {
                "class": of.name,
                "n_lesions": int(points.n_lesions),
                "n_cases": len(one.n_lesions),
                "n_negative_cases": int((one.n_lesions == 0).sum()),
                "rule": _rule_text(call),
            }
            columns = {
                "threshold": points.threshold,
                "tp": points.tp.astype(np.int64),
                "fp": points.fp.astype(np.int64),
            }
            columns |= {"fp_per_case": points.fp_rate, "sensitivity": points.sensitivity}
            values = zip(*(column.tolist() for column in columns.values()), strict=True)
            rows += [of_all | dict(zip(columns, point, strict=True)) for point in values] if one.is_known else []
    return Table(columns=FROC_COLUMNS, rows=tuple(rows)) if keys else None


def _detections(together: PooledCases) -> Iterator[tuple[MeasureCall, Hashable]]:
    """The measures of candidates that are cut at a threshold, with the place of these among the sums."""
    for call in together.plan.at("class"):
        if call.measure.needs[0].__name__ == "Detections":
            key = state_key(call.measure.needs[0], call, "class")
            if isinstance(together.totals.get(key), ByClass):
                yield call, key


def _rule_text(call: MeasureCall) -> str:
    """How candidates were found and matched: `candidates=threshold,t=0.5,hit=iou`, without what changes nothing."""
    known = call.measure.settings(call.measure.needs[0], call.knobs)
    return ",".join(f"{name}={knob_text(value)}" for name, value in known.items() if name not in call.idle)


def curves_of(together: PooledCases) -> Table | None:
    """The curves of every class, as far as a measure has asked for what they are made of; None where none has.

    `froc`: false alarms per case, sensitivity, by the rule of the first measure. `roc`: false positive rate,
    sensitivity. `pr`: recall, precision; of voxels. `calibration`: mean probability and share of positives of each bin.
    `threshold` is the least probability, or confidence, that counts; `n` are the candidates, or voxels, of at least
    that, or those of the bin. Long curves are thinned, but hold the points beside each rate of false alarms that a
    score was read at, or those beside one half.
    """
    rows: list[dict[str, Any]] = []
    drawn: set[str] = set()
    for call in together.plan.at("class"):
        for need in call.measure.needs:
            makers = {name: make for name, make in _MAKERS.get(need.__name__, {}).items() if name not in drawn}
            total = together.totals.get(state_key(need, call, "class"))
            if makers and isinstance(total, ByClass):
                drawn |= {*makers}
                for of in together.classes:
                    rows += _rows(together, of, total, makers)
    return Table(columns=COLUMNS, rows=tuple(rows)) if drawn else None


def sequences_of(together: PooledCases) -> Table | None:
    """What scores of videos say of each object in its sequence, of which the summary has the mean.

    A row per sequence and class with a column per measure of videos; None where no such measure is chosen.
    """
    calls = [call for call in together.plan.at("class") if call.measure.needs[0].__name__ == "Frames"]
    rows: dict[tuple[str, str], dict[str, Any]] = {}
    for call in calls:
        total = together.totals.get(state_key(call.measure.needs[0], call, "class"))
        if not isinstance(total, ByClass):
            continue
        for of in (of for of in together.classes if of in total.rows):
            state: Any = total.stacked([of])
            state = state.over(together.volumes_ml)
            for one in state.cases[0]:
                alone = np.empty(1, dtype=object)
                alone[0] = (one,)
                row = rows.setdefault(
                    (one.sequence, of.name), {"sequence": one.sequence, "class": of.name, "n_frames": len(one.iou)}
                )
                row[call.column] = float(call(type(state)(cases=alone))[0])
    columns = ("sequence", "class", "n_frames", *(call.column for call in calls))
    return Table(columns=columns, rows=tuple(rows[key] for key in sorted(rows))) if calls else None


def _rows(together: PooledCases, of: LabelClass, total: ByClass, makers: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    if of not in total.rows:
        return
    state = total.stacked([of])
    for name, make in makers.items():
        columns = make(state, together)
        kept = _kept(columns, _rates(together) if name == "froc" else ())
        for x, y, threshold, n in zip(*(np.asarray(column)[kept].tolist() for column in columns), strict=True):
            yield {"class": of.name, "curve": name, "x": x, "y": y, "threshold": threshold, "n": n}


def _rates(together: PooledCases) -> tuple[float, ...]:
    """The false alarms per case at which a score was read."""
    calls = [call.all_knobs for call, _ in _detections(together) if call.all_knobs.get("per") == "case"]
    return tuple(rate for knobs in calls for rate in knobs.get("fps", (knobs.get("fp"),)))


def _kept(columns: tuple[np.ndarray, ...], rates: tuple[float, ...]) -> np.ndarray:
    """Points that a picture needs, evenly spread, and those on both sides of where a score was read."""
    x, _, threshold, _ = columns
    last = len(x) - 1
    spread = np.linspace(0, last, min(MOST_POINTS, last + 1)).round().astype(np.int64)
    after = (
        np.searchsorted(x, np.array(rates) + 1e-12, side="right")
        if rates
        else np.searchsorted(-threshold, -HALF, "right")
    )
    beside = np.concatenate([np.atleast_1d(after) - 1, np.atleast_1d(after)])
    return np.unique(np.concatenate([spread, beside.clip(0, last)])) if last >= 0 else spread


def _froc(state: Any, together: PooledCases) -> tuple[np.ndarray, ...]:
    one = state.over(together.volumes_ml).cases[0]
    points = one.points()
    return points.fp_rate, points.sensitivity, points.threshold, one.n_candidates


def _roc(state: Any, _: PooledCases) -> tuple[np.ndarray, ...]:
    found = state.histograms[0]
    hits, alarms = np.cumsum(found.positives), np.cumsum(found.negatives)
    rates = ratio(alarms, found.negatives.sum()), ratio(hits, found.positives.sum())
    return *rates, found.thresholds, hits + alarms


def _precision_recall(state: Any, _: PooledCases) -> tuple[np.ndarray, ...]:
    found = state.histograms[0]
    hits, called = np.cumsum(found.positives), np.cumsum(found.positives + found.negatives)
    return ratio(hits, found.positives.sum()), ratio(hits, called), found.thresholds, called


def _calibration(state: Any, _: PooledCases) -> tuple[np.ndarray, ...]:
    n, probs, positives = state.n[0], state.probs[0], state.positives[0]
    there, edges = n > 0, np.arange(len(n)) / len(n)
    return ratio(probs[there], n[there]), ratio(positives[there], n[there]), edges[there], n[there]


_MAKERS: Mapping[str, Mapping[str, Any]] = {
    "Detections": {"froc": _froc},
    "Areas": {"roc": _roc, "pr": _precision_recall},
    "ProbBins": {"calibration": _calibration},
}
