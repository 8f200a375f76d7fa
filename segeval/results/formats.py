"""The extra files of `--format`: Markdown, LaTeX, and the summary of nnU-Net."""

import json
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from segeval.evidence.labels import WHOLE_CASE, LabelClass
from segeval.measure import ratio
from segeval.results.number_text import UNDEFINED, digits
from segeval.results.records import ClassRow, SummaryRow
from segeval.results.table import Table, latex, markdown
from segeval.results.tables import Results


def markdown_summary(results: Results) -> str:
    """The summary as a Markdown table: a row per class, mean ± std per measure."""
    return markdown(_mean_table(results))


def latex_summary(results: Results) -> str:
    """The summary as a LaTeX tabular for booktabs."""
    return latex(_mean_table(results))


def _mean_table(results: Results) -> Table:
    found: dict[str, dict[str, str]] = {}
    for row in results.summary:
        if row.name != WHOLE_CASE:
            found.setdefault(row.name, {"class": row.name})[row.column] = _mean_cell(row)
    return Table(columns=("class", *results.class_columns), rows=tuple(found.values()))


def _mean_cell(row: SummaryRow) -> str:
    mean, std = row.statistics["mean"], row.statistics.get("std", math.nan)
    if math.isnan(mean):
        return UNDEFINED
    return digits(mean) + ("" if math.isnan(std) else f" ± {digits(std, 2)}") + f" (n={row.n})"


def nnunet_summary(results: Results) -> str:
    """The document that nnU-Net's evaluator calls `summary.json`: same keys, same values, nan as `NaN`.

    Its mean over cases skips undefined values; its `foreground_mean` does not, so one class without
    any value makes it undefined, there and here.
    """
    rows_of: dict[str, list[ClassRow]] = {}
    for row in results.class_rows:
        rows_of.setdefault(row.case_id, []).append(row)
    per_case: list[dict[str, Any]] = [
        {
            "metrics": {_nnunet_key(row.of): _nnunet_metrics(row) for row in rows_of[case.case_id]},
            "prediction_file": case.pred_file,
            "reference_file": case.truth_file,
        }
        for case in sorted(results.case_rows, key=lambda case: case.pred_file)  # nnU-Net sorts file names, not cases
        if case.case_id in rows_of
    ]
    means = {
        key: {name: _nanmean([case["metrics"][key][name] for case in per_case]) for name in _NNUNET}
        for key in map(_nnunet_key, results.classes)
    }
    foreground = [one for key, one in means.items() if key != "0"]
    overall = {name: float(np.mean([one[name] for one in foreground])) for name in _NNUNET} if foreground else {}
    document = {"foreground_mean": overall, "mean": means, "metric_per_case": per_case}
    return json.dumps(document, indent=4, sort_keys=True) + "\n"


_NNUNET = ("Dice", "FN", "FP", "IoU", "TN", "TP", "n_pred", "n_ref")


def _nnunet_key(of: LabelClass) -> str:
    return str(of.ids[0]) if len(of.ids) == 1 else str(of.ids)


def _nnunet_metrics(row: ClassRow) -> dict[str, Any]:
    wrong = row.fp + row.fn
    return {
        "Dice": float(ratio(2 * row.tp, 2 * row.tp + wrong)),
        "FN": row.fn,
        "FP": row.fp,
        "IoU": float(ratio(row.tp, row.tp + wrong)),
        "TN": row.tn,
        "TP": row.tp,
        "n_pred": row.n_pred,
        "n_ref": row.n_truth,
    }


def _nanmean(values: Sequence[float]) -> float:
    # numpy's own adds the undefined ones as zeros, which rounds the last digit in another way than leaving them out
    return math.nan if all(map(math.isnan, values)) else float(np.nanmean(values))


EXTRA_FORMATS: Mapping[str, tuple[str, Callable[[Results], str]]] = {
    "md": ("summary.md", markdown_summary),
    "latex": ("summary.tex", latex_summary),
    "nnunet": ("summary.json", nnunet_summary),
}
