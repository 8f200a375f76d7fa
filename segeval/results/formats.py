"""The extra files of `--format`: Markdown, LaTeX, and the summary of nnU-Net."""

import json
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from segeval.evidence.labels import LabelClass
from segeval.files.paths import printable
from segeval.measure import ratio
from segeval.results import ClassRow, Results, SummaryRow

_MD = str.maketrans({"|": "\\|"})
_LATEX = {c: f"\\{c}" for c in "&%$#_{}"} | {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
}


def markdown(results: Results) -> str:
    """The summary as a Markdown table: a row per class, mean ± std per measure."""
    header, rows = _mean_table(results)
    return "".join(map(markdown_line, [header, ["---"] * len(header), *rows]))


def markdown_line(cells: Sequence[str]) -> str:
    """A row of a Markdown table."""
    return "| " + " | ".join(printable(cell).translate(_MD) for cell in cells) + " |\n"


def latex(results: Results) -> str:
    """The summary as a LaTeX tabular for booktabs."""
    header, rows = _mean_table(results)
    return latex_tabular([map(latex_text, line) for line in (header, *rows)], n_columns=len(header))


def latex_tabular(lines: Sequence[Iterable[str]], *, n_columns: int) -> str:
    """A tabular for booktabs; the first line is its header, and cells are LaTeX already."""
    header, *rows = (" & ".join(cells) + r" \\" for cells in lines)
    begin, end = rf"\begin{{tabular}}{{l{'r' * (n_columns - 1)}}}", r"\end{tabular}"
    return "\n".join([begin, r"\toprule", header, r"\midrule", *rows, r"\bottomrule", end, ""])


def latex_text(text: str) -> str:
    """Text with the special characters of LaTeX escaped."""
    escaped = "".join(_LATEX.get(c, c) for c in printable(text))
    return f"{{}}{escaped}" if escaped.startswith("::") else escaped  # else a CI server takes it for a command


def _mean_table(results: Results) -> tuple[list[str], list[list[str]]]:
    names = list(dict.fromkeys(row.name for row in results.summary if row.name != "(all)"))
    of = {(row.name, row.column): row for row in results.summary}
    header = ["class", *results.class_columns]
    return header, [[name, *(_mean_cell(of[name, column]) for column in results.class_columns)] for name in names]


def _mean_cell(row: SummaryRow) -> str:
    mean, std = row.statistics["mean"], row.statistics.get("std", math.nan)
    if math.isnan(mean):
        return "–"
    return f"{mean:.4g}" + ("" if math.isnan(std) else f" ± {std:.2g}") + f" (n={row.n})"


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
    "md": ("summary.md", markdown),
    "latex": ("summary.tex", latex),
    "nnunet": ("summary.json", nnunet_summary),
}
