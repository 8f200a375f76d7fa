"""One HTML file from one run: it holds all that it needs, asks for nothing, and reads well without scripts.

Whatever comes from a run (names of cases and classes, messages) is text: the template escapes it, the data of the
scripts are JSON in which `<` is escaped, and the page allows only the scripts and styles whose hashes it names.
"""

import base64
import hashlib
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from segeval.verbs.report.charts import charts_of
from segeval.verbs.report.content import IN_TABLES, RunContent, command_of, number_text, settings_of
from segeval.verbs.report.review import Review

HERE = Path(__file__).parent
VENDOR = HERE / "vendor"
_SCRIPTS = ("vega.min.js", "vega-lite.min.js", "vega-interpreter.min.js", "tabulator.min.js")
_POLICIES = {
    "skip": "left out of the means, and counted",
    "worst": "counted with the worst value",
    "best": "counted with the best value",
    "fail": "an error",
}
_BETTER = {"higher": "higher is better", "lower": "lower is better", "zero": "best at 0", "none": ""}
_SECTIONS = {
    "gate": "Gate",
    "summary": "Summary",
    "charts": "Distributions",
    "worst": "Worst cases",
    "reviewed": "Review",
    "cases": "Cases",
    "confusion": "Confusion",
    "lesions": "Lesions",
    "problems": "Problems",
    "definitions": "Definitions",
    "repeat": "Repeat the run",
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
    facts = _facts(content, verdict=verdict, pictures=pictures or {}, review=review or Review())
    return rendered("page.html", title=title, data=_data(content, review or Review()), **facts)


def rendered(template: str, *, title: str, data: Mapping[str, Any], **facts: Any) -> str:
    """A page of a template in this folder, with the styles and scripts that all pages have.

    Args:
        data: for the scripts: rows and charts.
        facts: what the template shows.
    """
    import jinja2

    styles = [_file(VENDOR / "tabulator.min.css"), _file(HERE / "page.css")]
    scripts = [*(_file(VENDOR / name) for name in _SCRIPTS), _file(HERE / "page.js")]
    environment = jinja2.Environment(autoescape=True, trim_blocks=True, undefined=jinja2.StrictUndefined)
    return environment.from_string((HERE / template).read_text(encoding="utf-8")).render(
        title=title,
        policy=_policy(styles, scripts),
        styles=[_safe(style) for style in styles],
        scripts=[_safe(script) for script in scripts],
        data=_safe(_json(data)),
        **facts,
    )


def _file(path: Path) -> str:
    """A script or style without the name of its source map, which a browser's tools would ask for."""
    lines = path.read_text(encoding="utf-8").splitlines()
    return "\n".join(line for line in lines if "sourceMappingURL=" not in line[:40]).replace("</script", "<\\/script")


def _safe(text: str) -> Any:
    import markupsafe

    return markupsafe.Markup(text)  # our own file, or JSON in which no tag can begin


def _json(value: Any) -> str:
    """JSON that no browser takes for markup, wherever it stands."""
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    escapes: dict[str, str | int | None] = {
        "<": "\\u003c",
        ">": "\\u003e",
        "&": "\\u0026",
        "\u2028": "\\u2028",
        "\u2029": "\\u2029",
    }
    return text.translate(str.maketrans(escapes))


def _policy(styles: Sequence[str], scripts: Sequence[str]) -> str:
    """Nothing from anywhere; of what stands in the page, the scripts and styles with these hashes."""
    by_hash = [" ".join(f"'{_hash(text)}'" for text in texts) for texts in (scripts, styles)]
    rest = "base-uri 'none'; form-action 'none'"
    return f"default-src 'none'; img-src data:; script-src {by_hash[0]}; style-src {by_hash[1]}; {rest}"


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _data(content: RunContent, review: Review) -> dict[str, Any]:
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
        "charts": charts_of(content) if content.scores else {},
    }


def _rounded(value: Any) -> Any:
    return round(value, 6) if isinstance(value, float) else value


def _facts(
    content: RunContent,
    *,
    verdict: Mapping[str, Any] | None,
    pictures: Mapping[str, Sequence[Mapping[str, Any]]],
    review: Review,
) -> dict[str, Any]:
    document = content.document
    statuses = Counter(row["status"] for row in content.cases)
    facts = [
        f"{len(content.cases)} cases",
        f"{len(content.classes)} classes",
        f"segeval {document['versions']['segeval']}",
    ]
    facts += [f"{n} {status.replace('_', ' ')}" for status, n in statuses.items() if status != "ok"]
    alarms = (
        [] if document["complete"] else ["This run did not come to its end: the numbers are of the cases it finished."]
    )
    warnings = [str(text) for text in document.get("warnings", [])]
    warnings += [f"{case}: {text}" for case, texts in document.get("notes", {}).items() for text in texts]
    warnings += review.notes
    made: dict[str, Any] = {
        "facts": facts,
        "sections": [],
        "alarms": alarms,
        "verdict": verdict,
        "marks": review.marks,
        "groups": _groups(content),
        "level": f"{100 * float(document['plan'].get('ci_level', 0.95)):g} %",
        "measures": content.measures[:IN_TABLES],
        "units": {name: content.unit_of(name) for name in content.measures},
        "classes": content.classes,
        "statuses": sorted({row["status"] for row in content.scores}),
        "summary": _summary(content),
        "charts": _charts(content),
        "worst": _worst(content, pictures),
        "has_pictures": any(pictures.values()),
        "n_rows": len(content.scores) + content.n_left_out,
        "n_shown": len(content.scores),
        "n_left_out": content.n_left_out,
        "confusion": _confusion(content.confusion),
        "lesions": _lesions(content.lesions),
        "problems": document.get("problems", []),
        "warnings": warnings,
        "definitions": _definitions(content),
        "undefined": _POLICIES.get(document["plan"].get("undefined", "skip"), ""),
        "policy_name": document["plan"].get("undefined", "skip"),
        "command": command_of(document),
        "settings": list(settings_of(document)),
        "versions": document["versions"],
    }
    shown = {
        "gate": verdict,
        "summary": True,
        "charts": made["charts"],
        "worst": True,
        "reviewed": review.marks,
        "cases": True,
        "confusion": made["confusion"],
        "lesions": made["lesions"],
        "problems": made["problems"] or warnings,
        "definitions": True,
        "repeat": True,
    }
    made["sections"] = [(name, _SECTIONS[name]) for name, there in shown.items() if there]
    return made


def _summary(content: RunContent) -> list[dict[str, Any]]:
    names = [*content.classes, *(["(mean)"] if len(content.classes) > 1 else [])]
    found = []
    for name in names if content.scores else []:
        is_mean = name == "(mean)"
        rows = [content.summary_of(name, measure) for measure in content.measures[:IN_TABLES]]
        n = max((row.get("n") or 0 for row in rows), default=0)
        found.append(
            {
                "name": name,
                "is_mean": is_mean,
                "n": f"{n} classes" if is_mean else n,
                "missed": "" if is_mean else content.counted(name, "absent_pred"),
                "invented": "" if is_mean else content.counted(name, "absent_truth"),
                "cells": [_cell(row) for row in rows],
            }
        )
    return found


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


def _charts(content: RunContent) -> dict[str, dict[str, Any]]:
    if not content.scores or not content.measures:
        return {}
    first, measures = content.measures[0], list(content.measures)
    found: dict[str, dict[str, Any]] = {
        "distribution": {
            "title": "Each case, class by class",
            "choices": {"measure": first},
            "options": {"measure": measures},
        },
        "size": {"title": "Size in the truth against quality", "choices": {"y": first}, "options": {"y": measures}},
    }
    if len(measures) > 1:
        found["pair"] = {
            "title": "Two measures against one another",
            "choices": {"x": first, "y": measures[1]},
            "options": {"x": measures, "y": measures},
        }
    for i, column in enumerate(content.group_columns):
        found[f"groups-{i + 1}"] = {"title": f"{first} by {column}, with intervals", "choices": {}, "options": {}}
    found["agreement"] = {"title": "Agreement of sizes (Bland and Altman 1986)", "choices": {}, "options": {}}
    return found


def _worst(content: RunContent, pictures: Mapping[str, Sequence[Mapping[str, Any]]]) -> list[dict[str, Any]]:
    return [
        {
            "name": name,
            "rows": [
                {
                    "case": row["case"],
                    "status": row["status"],
                    "cells": [number_text(row[measure]) for measure in content.measures[:IN_TABLES]],
                }
                for row in content.worst(name, N_WORST)
            ],
            "pictures": pictures.get(name, ()),
        }
        for name in (content.classes if content.scores else ())
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
    for name in content.measures:
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
