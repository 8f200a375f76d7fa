"""`--operating-points`: every mask that a threshold can make of the pooled maps, with the loss of every setting."""

from collections.abc import Sequence

import numpy as np

from segeval.metrics.overlap import dice, f2, precision, sensitivity, specificity
from segeval.verbs.sweep.evidence.curve import tversky_score
from segeval.verbs.sweep.evidence.maps import ClassMaps
from segeval.verbs.sweep.output.table import MEAN, Row, SweepTable

METRICS = {"precision": precision, "recall": sensitivity, "specificity": specificity, "dsc": dice, "f2": f2}


def operating_points(classes: Sequence[ClassMaps], table: SweepTable) -> SweepTable:
    """The curve behind a table of operating points: counts, metrics, and `tl_<alpha>_<beta>` of every row."""
    prices = dict.fromkeys((row["alpha_fp"], row["beta_fn"]) for row in table.rows if row["class"] != MEAN)
    return SweepTable(
        loss=table.loss,
        mode=table.mode,
        title="Every mask that a threshold can make, voxels of all cases pooled",
        settings=("threshold",),
        columns=("tp", "fp", "fn", "tn", *METRICS, *(_name(*one) for one in prices), "approx"),
        rows=tuple(row for maps in classes for row in _rows(maps, list(prices))),
        averaging="pooled",
        threshold_rule="every probability that occurs",
        split=table.split,
        n_cases=table.n_cases,
    )


def _rows(maps: ClassMaps, prices: Sequence[tuple[float, float]]) -> list[Row]:
    counts = maps.curve.counts
    columns: dict[str, np.ndarray] = {"threshold": maps.curve.thresholds}
    columns |= {side: getattr(counts, side) for side in ("tp", "fp", "fn", "tn")}
    columns |= {name: formula(counts) for name, formula in METRICS.items()}
    columns |= {_name(*one): 1 - tversky_score(*one)(counts) for one in prices}
    lists = {name: values.tolist() for name, values in columns.items()}
    shared = {"class": maps.name, "approx": maps.curve.approx}
    return [shared | dict(zip(lists, values, strict=True)) for values in zip(*lists.values(), strict=True)]


def _name(alpha: float, beta: float) -> str:
    return f"tl_{alpha:g}_{beta:g}"
