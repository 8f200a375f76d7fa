"""Summaries of groups of cases: by site, by scanner, by whatever a case table says of them."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from segeval.evidence.labels import MEAN_OF_CLASSES
from segeval.scoring.plan import Aggregation
from segeval.scoring.summarise import Scored, summary_rows

Parts = Mapping[str, Mapping[str, frozenset[str]]]  # column of the case table -> its values -> their cases

COLUMNS = ("by", "group", "class", "measure", "n", "n_undefined", "mean", "ci_low", "ci_high", "is_worst")


def group_rows(scored: Scored, how: Aggregation, parts: Parts, better_of: Mapping[str, str]) -> list[dict[str, Any]]:
    """A row per group, class and measure, in `COLUMNS`; the means are those of the summary, over fewer cases.

    Args:
        better_of: which way is better, by measure column.
    """
    rows = [
        {"by": name, "group": value, "class": row.name, "measure": row.column, "n": row.n}
        | {"n_undefined": row.n_undefined, **{key: row.statistics[key] for key in ("mean", "ci_low", "ci_high")}}
        for name, groups in parts.items()
        for value, cases in groups.items()
        for row in summary_rows(_only(scored, cases), how)
        if row.name != MEAN_OF_CLASSES
    ]
    return with_worst(rows, better_of)


def _only(scored: Scored, case_ids: frozenset[str]) -> Scored:
    """Some of the cases, which have no pooled values: their voxels were added up with all others."""
    return replace(
        scored,
        cases=[case for case in scored.cases if case.case_id in case_ids],
        class_rows=[row for row in scored.class_rows if row.case_id in case_ids],
        pooled=None,
    )


def with_worst(rows: Iterable[Mapping[str, Any]], better_of: Mapping[str, str]) -> list[dict[str, Any]]:
    """The same rows, with the worst group of each class and measure marked where there are several."""
    found = [dict(row) for row in rows]
    peers: dict[tuple[str, ...], list[dict[str, Any]]] = {}
    for row in found:
        row["is_worst"] = False
        if row["mean"] is not None and not math.isnan(row["mean"]):
            peers.setdefault((row["by"], row["class"], row["measure"]), []).append(row)
    for (*_, measure), groups in peers.items():
        better = better_of.get(measure, "none")
        if better != "none" and len(groups) > 1:
            _worst(groups, better)["is_worst"] = True
    return found


def _worst(rows: Sequence[dict[str, Any]], better: str) -> dict[str, Any]:
    if better == "zero":
        return max(rows, key=lambda row: abs(row["mean"]))
    return (min if better == "higher" else max)(rows, key=lambda row: row["mean"])
