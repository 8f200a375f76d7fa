"""The curves behind scores of all cases together: FROC, ROC, precision over recall, and calibration."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from segeval.evidence.additive import ByClass
from segeval.evidence.labels import LabelClass
from segeval.measure import ratio
from segeval.results import Table
from segeval.scoring.evidence import state_key
from segeval.scoring.pooled import PooledCases

COLUMNS = ("class", "curve", "x", "y", "threshold", "n")
MOST_POINTS = 200  # of a curve: more than a picture shows


def curves_of(together: PooledCases) -> Table | None:
    """The curves of every class, as far as a measure has asked for what they are made of; None where none has.

    `froc`: false alarms per case, sensitivity. `roc`: false positive rate, sensitivity. `pr`: recall, precision; of
    voxels. `calibration`: mean probability and share of positives of each bin. `threshold` is the least probability, or
    confidence, that counts; `n` are the candidates, or voxels, of at least that, or those of the bin.
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


def _rows(together: PooledCases, of: LabelClass, total: ByClass, makers: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    if of not in total.rows:
        return
    state = total.stacked([of])
    for name, make in makers.items():
        columns = make(state, together)
        last = len(columns[0]) - 1
        kept = np.unique(np.linspace(0, last, min(MOST_POINTS, last + 1)).round().astype(np.int64))
        for x, y, threshold, n in zip(*(np.asarray(column)[kept].tolist() for column in columns), strict=True):
            yield {"class": of.name, "curve": name, "x": x, "y": y, "threshold": threshold, "n": n}


def _froc(state: Any, together: PooledCases) -> tuple[np.ndarray, ...]:
    one = state.over(together.volumes_ml).cases[0]
    points = one.points()
    return points.fp_rate, points.sensitivity, points.threshold, one.last_of_ties + 1


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
