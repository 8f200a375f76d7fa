"""What the page of one run shows, in the order and the words of its template."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from segeval.evidence.labels import MEAN_OF_CLASSES, WHOLE_CASE
from segeval.files.paths import counted
from segeval.verbs.report.charts import Chart, charts_of
from segeval.verbs.report.content import IN_TABLES, RunContent, command_of, number_text, settings_of
from segeval.verbs.report.page import rendered
from segeval.verbs.report.review import Review

_POLICIES = {
    "skip": "left out of the means, and counted",
    "worst": "counted with the worst value",
    "best": "counted with the best value",
    "fail": "an error",
}
_BETTER = {"higher": "higher is better", "lower": "lower is better", "zero": "best at 0", "none": ""}
_SECTIONS = {  # id -> title, and which of its facts it needs
    "gate": ("Gate", "verdict"),
    "summary": ("Summary", ""),
    "charts": ("Distributions", "charts"),
    "worst": ("Worst cases", ""),
    "reviewed": ("Review", "marks"),
    "cases": ("Cases", ""),
    "confusion": ("Confusion", "confusion"),
    "lesions": ("Lesions", "lesions"),
    "problems": ("Problems", "problems warnings"),
    "definitions": ("Definitions", ""),
    "repeat": ("Repeat the run", ""),
}
N_WORST = 8


def report_page(
    content: RunContent,
    *,
    title: str = "Segmentation report",
    verdict: Mapping[str, Any] | None = None,
    pictures: Mapping[str, Sequence[Mapping[str, Any]]] | None = None,
    review: Review | None = None,
) -> str:
    """The page of a run.

    Args:
        title: of the page.
        verdict: what a gate said: outcome, headline, rules and notes.
        pictures: of the worst cases, by class.
        review: marks of an earlier look at the cases.
    """
    review, charts = review or Review(), charts_of(content)
    facts = _facts(content, charts, verdict=verdict, pictures=pictures or {}, review=review)
    return rendered("page.html", title=title, data=_data(content, charts, review), **facts)


def _data(content: RunContent, charts: Mapping[str, Chart], review: Review) -> dict[str, Any]:
    """Rows and charts for the scripts; six digits are more than a picture shows."""
    fields = ["case", "class", "status", "n_pred", "n_truth", *content.measures]
    worst = [row["case"] for name in content.classes for row in content.worst(name, N_WORST)]
    return {
        "fields": fields,
        "rows": [[_rounded(row[field]) for field in fields] for row in content.scores],
        "measures": list(content.measures),
        "units": {name: content.unit_of(name) for name in content.measures},
        "bounds": {name: list(content.definitions[name]["bounds"]) == [0.0, 1.0] for name in content.measures},
        "worst": list(dict.fromkeys(worst)),
        "marks": {mark.case_id: [mark.mark, mark.comment] for mark in review.marks},
        "charts": {name: chart.spec for name, chart in charts.items()},
    }


def _rounded(value: Any) -> Any:
    return round(value, 6) if isinstance(value, float) else value


def _facts(
    content: RunContent,
    charts: Mapping[str, Chart],
    *,
    verdict: Mapping[str, Any] | None,
    pictures: Mapping[str, Sequence[Mapping[str, Any]]],
    review: Review,
) -> dict[str, Any]:
    """All that the template shows, by name; its sections are those that have something to show."""
    document, plan = content.document, content.document["plan"]
    made: dict[str, Any] = {
        "facts": _in_short(content),
        "complete": document["complete"],
        "verdict": verdict,
        "level": f"{100 * float(plan.get('ci_level', 0.95)):g} %",
        "measures": content.measures[:IN_TABLES],
        "all_measures": content.measures,
        "units": {name: content.unit_of(name) for name in (*content.measures, *content.case_measures)},
        "summary": _summary(content),
        "whole_cases": [
            {"name": name, "n": row.get("n") or 0} | _cell(row)
            for name in content.case_measures
            for row in [content.summary_of(WHOLE_CASE, name)]
        ],
        "of_data_set": _of_data_set(content),
        "groups": _groups(content),
        "charts": charts,
        "worst": _worst(content, pictures),
        "has_pictures": any(pictures.values()),
        "marks": review.marks,
        "classes": content.classes,
        "statuses": sorted({row["status"] for row in content.scores}),
        "n_shown": len(content.scores),
        "n_left_out": content.n_left_out,
        "confusion": _confusion(content.confusion),
        "lesions": _lesions(content.lesions),
        "problems": document.get("problems", []),
        "warnings": [*_warnings(document), *review.notes],
        "definitions": _definitions(content),
        "undefined": _POLICIES.get(plan.get("undefined", "skip"), ""),
        "policy_name": plan.get("undefined", "skip"),
        "command": command_of(document),
        "settings": list(settings_of(document)),
        "versions": document["versions"],
    }
    made["sections"] = [(name, title) for name, (title, needs) in _SECTIONS.items() if not needs or _any(made, needs)]
    return made


def _any(made: Mapping[str, Any], names: str) -> bool:
    return any(made[name] for name in names.split())


def _in_short(content: RunContent) -> list[str]:
    """The line below the title: how many of what, and what is wrong with cases."""
    statuses = Counter(row["status"] for row in content.cases)
    problems = [f"{n} {status.replace('_', ' ')}" for status, n in statuses.items() if status != "ok"]
    n_cases, n_classes = len(content.cases), len(content.classes)
    return [
        counted(n_cases, "case"),
        counted(n_classes, "class", "classes"),
        f"segeval {content.document['versions']['segeval']}",
        *problems,
    ]


def _warnings(document: Mapping[str, Any]) -> list[str]:
    """What is to be known of the run, then of its cases."""
    of_cases = [f"{case}: {text}" for case, texts in document.get("notes", {}).items() for text in texts]
    return [*map(str, document.get("warnings", [])), *of_cases]


def _summary(content: RunContent) -> list[dict[str, Any]]:
    """A row per class, then that of their mean."""
    classes = content.classes if content.scores and content.measures else ()
    return [_summary_row(content, name) for name in (*classes, *([MEAN_OF_CLASSES] if len(classes) > 1 else []))]


def _summary_row(content: RunContent, name: str) -> dict[str, Any]:
    is_mean = name == MEAN_OF_CLASSES
    rows = [content.summary_of(name, measure) for measure in content.measures[:IN_TABLES]]
    n = max((row.get("n") or 0 for row in rows), default=0)
    return {
        "name": "mean of the classes" if is_mean else name,
        "is_mean": is_mean,
        "n": f"{n} classes" if is_mean else counted(n, "case"),
        "missed": 0 if is_mean else content.counted(name, "absent_pred"),
        "invented": 0 if is_mean else content.counted(name, "absent_truth"),
        "cells": [_cell(row) for row in rows],
    }


def _of_data_set(content: RunContent) -> list[dict[str, Any]]:
    """A row per class and measure of those that only all cases together have."""
    return [
        {"name": row["measure"], "class_name": row["class"], "n": row["n"]} | _cell(row)
        for name, definition in content.definitions.items()
        if definition.get("levels") == ["data set"]
        for row in content.summary
        if row["measure"] == name and row["pooled"] is not None
        if row["class"] in content.classes or len(content.classes) > 1
    ]


def _groups(content: RunContent) -> list[dict[str, Any]]:
    """The groups of the cases by each column of the case table, with the worst one of every class in words."""
    return [
        {
            "column": column,
            "worst": [
                f"{row['class']}: {row['group'] or '–'} ({number_text(row['mean'])}, {row['n']} cases)"
                for row in content.groups
                if row["by"] == column and row["is_worst"]
            ],
            "rows": [
                {"group": row["group"] or "–", "class_name": row["class"], "n": row["n"], "is_worst": row["is_worst"]}
                | _cell(row)
                for row in content.groups
                if row["by"] == column
            ],
        }
        for column in content.group_columns
    ]


def _cell(row: Mapping[str, Any]) -> dict[str, Any]:
    low, high, pooled = (row.get(name) for name in ("ci_low", "ci_high", "pooled"))
    return {
        "mean": number_text(row.get("mean")),
        "interval": "" if low is None else f"{number_text(low)} to {number_text(high)}",
        "pooled": "" if pooled is None else number_text(pooled),
        "n_undefined": row.get("n_undefined") or 0,
    }


def _worst(content: RunContent, pictures: Mapping[str, Sequence[Mapping[str, Any]]]) -> list[dict[str, Any]]:
    """The worst cases of every class, with pictures where there are some; then by the measures of whole cases."""
    classes = content.classes if content.scores else ()
    found = [(name, content.measures[:IN_TABLES], content.worst(name, N_WORST)) for name in classes]
    if content.case_measures:
        found.append(("Whole cases", content.case_measures[:IN_TABLES], content.worst_cases(N_WORST)))
    return [
        {
            "name": name,
            "measures": measures,
            "rows": [
                {
                    "case": row["case"],
                    "status": row["status"],
                    "cells": [number_text(row[measure]) for measure in measures],
                }
                for row in rows
            ],
            "pictures": pictures.get(name, ()),
        }
        for name, measures, rows in found
    ]


def _confusion(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any] | None:
    """The confusion matrix as shares of its rows, with counts; None where there is none."""
    if not rows:
        return None
    names = [str(row["truth"]) for row in rows]
    found = []
    for i, row in enumerate(rows):
        counts = [int(value) for key, value in row.items() if key != "truth"]
        total = sum(counts)
        cells = [
            {
                "share": f"{100 * n / total:.1f} %" if total else "–",
                "count": f"{n:,}",
                "shade": 0 if not total else min(4, int(4 * n / total + 0.999)),
                "diagonal": i == j,
            }
            for j, n in enumerate(counts)
        ]
        found.append({"name": names[i], "cells": cells})
    return {"names": names, "rows": found}


def _lesions(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Lesions by class and outcome."""
    counts: Counter[tuple[str, str, str]] = Counter((row["class"], row["side"], row["outcome"]) for row in rows)
    names = list(dict.fromkeys(row["class"] for row in rows))
    found = []
    for name in names:
        truth = sum(n for (of, side, _), n in counts.items() if of == name and side == "truth")
        missed = counts[name, "truth", "fn"]
        found.append(
            {
                "name": name,
                "truth": truth,
                "found": truth - missed,
                "missed": missed,
                "alarms": counts[name, "pred", "fp"],
            }
        )
    return found


def _definitions(content: RunContent) -> list[dict[str, str]]:
    from segeval import catalogue

    measures = catalogue.measures()
    found = []
    for name in (*content.measures, *content.case_measures):
        entry = content.definitions[name]
        declared = measures.get(entry["measure"])
        parameters = ", ".join(
            f"{key} {value}" for key, value in entry.get("parameters", {}).items() if value is not None
        )
        found.append(
            {
                "name": name,
                "unit": content.unit_of(name),
                "summary": declared.summary if declared else "",
                "formula": entry["formula"],
                "better": _BETTER.get(entry["better"], ""),
                "parameters": parameters,
                "reference": declared.reference if declared else "",
            }
        )
    return found
