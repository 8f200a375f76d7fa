"""Pages of several runs: two compared case by case, more of them ranked, and the tables and figures of a sweep."""

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from segeval.files.csv_rows import read_csv_rows
from segeval.results import Table
from segeval.verbs.compare import Comparison, Difference, RankedRuns, compare, rank
from segeval.verbs.compare.files import change_table, data_set_table, difference_table, group_table, ranking_table
from segeval.verbs.report.charts import COLOURS, Chart, Spec, class_colour, finite, interval_layers, spec_of, with_data
from segeval.verbs.report.content import number_text, signed_text
from segeval.verbs.report.page import rendered

MOST_ROWS = 500  # of a table of a sweep; all of them are in its file
_PICTURES = {".png": "image/png", ".svg": "image/svg+xml"}
_IN_DIFFERENCES = (
    "class",
    "measure",
    "n",
    "base",
    "new",
    "difference",
    "ci_low",
    "ci_high",
    "p_holm",
    "wins",
    "losses",
)


@dataclass(frozen=True, kw_only=True)
class Part:
    """A section of the page: charts by name, then a table, then pictures."""

    name: str
    table: Table | None = None
    caption: str = ""
    notes: tuple[str, ...] = ()
    charts: Mapping[str, Chart] = field(default_factory=dict)
    pictures: Sequence[Mapping[str, str]] = ()


def runs_page(runs: Sequence[Path], *, title: str, case_table: Path | None = None, by: Sequence[str] = ()) -> str:
    """The page of two runs, the old one first, or of more of them in the order of time.

    Args:
        case_table, by: of two runs: facts about the cases, and the columns to group by.

    Raises:
        ConfigError: a run cannot be read, they may not be compared, or the case table lacks a column or a case.
        UnfinishedError: a run was interrupted.
    """
    if len(runs) == 2:
        found = compare(runs[0], runs[1], case_table=case_table, by=by)
        return _page(title, [f"{runs[1]} against {runs[0]}"], _compared(found))
    return _page(title, [f"{len(runs)} runs", *map(str, runs)], _ranked(rank(runs)))


def sweep_page(document: Mapping[str, Any], folder: Path, *, title: str) -> str:
    """The tables and figures of a sweep, as its folder lists them."""
    names = [name for name in document.get("written", {}) if Path(name).name == name and (folder / name).is_file()]
    parts = [_of_file(folder / name) for name in names if name.endswith(".csv")]
    pictures = [_picture(folder / name) for name in names if Path(name).suffix in _PICTURES]
    figures = [Part(name="Figures", pictures=pictures)] if pictures else []
    return _page(title, [f"sweep in {folder}"], [*figures, *parts])


def _compared(found: Comparison) -> list[Part]:
    return [*_of_data_set(found), *(_case_by_case(found) if found.differences else [])]


def _of_data_set(found: Comparison) -> list[Part]:
    """Scores of all cases together, where the runs have some."""
    if not found.of_data_set:
        return []
    said = "Scores that only all cases together have; above zero is better, intervals from resampled cases"
    notes = () if found.differences else found.notes
    return [Part(name="All cases together", table=data_set_table(found), caption=said, notes=notes)]


def _case_by_case(found: Comparison) -> list[Part]:
    measures = list(dict.fromkeys(row.measure for row in found.differences))
    charts = {
        f"difference-{i}": Chart(title=f"{name}: better by", spec=difference_chart(found, name))
        for i, name in enumerate(measures)
    }
    title = "Which changes are more than chance: p ≤ 0.05 after Holm"
    charts["significance"] = Chart(title=title, spec=significance_map(found))
    said = "Means of the paired cases; differences are above zero where the new run is better, p after Holm"
    table, changes = difference_table(found), change_table(found)
    shown = Table(columns=_IN_DIFFERENCES, rows=table.rows)
    return [
        Part(name="Differences", table=shown, caption=said, notes=found.notes, charts=charts),
        *_groups(found, measures[0]),
        Part(name="Cases that changed most", table=changes, caption="Below zero is worse"),
    ]


def _groups(found: Comparison, measure: str) -> list[Part]:
    """The differences in a measure by each column of the case table, the worst group of every class in words."""
    parts, rows = [], group_table(found).records()
    for i, by in enumerate(dict.fromkeys(entry.by for entry in found.groups)):
        of_column = [row for row in rows if (row["by"], row["measure"]) == (by, measure)]
        worst = [f"{row['class']}: {row['group'] or '–'}" for row in of_column if row["is_worst"]]
        table = Table(columns=("group", *_IN_DIFFERENCES), rows=tuple(of_column))
        chart = Chart(title=f"{measure} by {by}: better by", spec=group_difference_chart(found, by, measure))
        part = Part(
            name=f"By {by}",
            table=table,
            caption=f"{measure} in the cases of each group; p after Holm among all groups, classes and measures",
            notes=(f"Least gained or most lost: {'; '.join(worst)}",) if worst else (),
            charts={f"groups-{i}": chart},
        )
        parts.append(part)
    return parts


def difference_chart(found: Comparison, measure: str) -> Spec:
    """How much better each class became, with the interval of the mean difference; zero is no change."""
    rows = [_point(entry) for entry in found.differences if entry.measure == measure]
    place = {"y": {"field": "class", "type": "nominal", "title": None, "sort": None}, "color": {"value": COLOURS[0]}}
    return _better_by(measure, rows, place, step=26)


def group_difference_chart(found: Comparison, by: str, measure: str) -> Spec:
    """The same class by class in each group of the cases."""
    of_column = [entry for entry in found.groups if (entry.by, entry.difference.measure) == (by, measure)]
    rows = [_point(entry.difference) | {"group": entry.group or "–"} for entry in of_column]
    classes = list(dict.fromkeys(row["class"] for row in rows))
    place = {
        "y": {"field": "group", "type": "nominal", "title": by},
        "yOffset": {"field": "class", "type": "nominal", "sort": classes},
        "color": class_colour(classes),
    }
    return _better_by(measure, rows, place, step=16)


def _point(entry: Difference) -> dict[str, Any]:
    return {
        "class": entry.class_name,
        "n": entry.n,
        "mean": finite(entry.difference),
        "ci_low": finite(entry.interval.low),
        "ci_high": finite(entry.interval.high),
    }


def _better_by(measure: str, rows: Sequence[Mapping[str, Any]], place: Mapping[str, Any], *, step: int) -> Spec:
    axis = {"type": "quantitative", "title": f"{measure}: better by (above 0 is better)"}
    zero = {"mark": {"type": "rule", "strokeDash": [4, 4]}, "encoding": {"x": {"datum": 0, **axis}}}
    tooltip = [{"field": name} for name in (rows[0] if rows else ())]
    layers = interval_layers({**place, "tooltip": tooltip}, axis)
    return with_data(spec_of(f"differences in {measure}", {"height": {"step": step}}, layer=[zero, *layers]), rows)


_COLOURS = {"better": COLOURS[0], "worse": COLOURS[1], "not told apart": "#999999"}
_SIGNS = {"better": " ▲", "worse": " ▼"}


def significance_map(found: Comparison) -> Spec:
    """Class by measure: better, worse, or not told apart from chance, with the difference in figures."""
    rows = [
        {"class": entry.class_name, "measure": entry.measure, "n": entry.n, "p after Holm": finite(entry.p_holm)}
        | {"better by": signed_text(entry.difference) + _SIGNS.get(entry.verdict, ""), "verdict": entry.verdict}
        for entry in found.differences
    ]
    place = {
        "x": {"field": "measure", "type": "nominal", "sort": None, "title": None, "axis": {"labelAngle": 0}},
        "y": {"field": "class", "type": "nominal", "sort": None, "title": None},
    }
    return _map("significance", rows, place, text="better by")


def wins_map(found: RankedRuns, measure: str) -> Spec:
    """Which run is significantly better than which, class by class."""
    rows = [
        {"class": row.class_name, "run": run, "other": other, "row": f"{row.class_name}: {run}"}
        | {"verdict": "better" if beats else "not told apart", "mark": "better" if beats else ""}
        for row in found.rankings
        if row.measure == measure
        for run, beaten in zip(found.runs, row.beats, strict=False)
        for other, beats in zip(found.runs, beaten, strict=True)
        if run != other
    ]
    place = {
        "x": {
            "field": "other",
            "type": "nominal",
            "sort": list(found.runs),
            "title": "than",
            "axis": {"labelAngle": 0},
        },
        "y": {"field": "row", "type": "nominal", "sort": None, "title": None},
    }
    return _map(f"wins in {measure}", rows, place, text="mark")


def _map(title: str, rows: Sequence[Mapping[str, Any]], place: Mapping[str, Any], *, text: str) -> Spec:
    """Squares with the colour of a verdict, which the figures or marks in them say too."""
    colours = {verdict: _COLOURS[verdict] for verdict in _COLOURS if any(row["verdict"] == verdict for row in rows)}
    apart = {axis: {**channel, "scale": {"paddingInner": 0.06}} for axis, channel in place.items()}
    colour = {
        "field": "verdict",
        "type": "nominal",
        "scale": {"domain": list(colours), "range": list(colours.values())},
        "legend": {"orient": "bottom", "title": None, "columns": 3},
    }
    tooltip = [{"field": name} for name in (rows[0] if rows else ())]
    layers = [
        {"mark": {"type": "rect", "opacity": 0.35}, "encoding": {"color": colour, "tooltip": tooltip}},
        {"mark": {"type": "text", "fontSize": 12}, "encoding": {"text": {"field": text}, "tooltip": tooltip}},
    ]
    return with_data(spec_of(title, {"height": {"step": 26}, "encoding": apart}, layer=layers), rows)


def trend_chart(found: RankedRuns, measure: str) -> Spec:
    """The mean of every run, in the order in which they were named."""
    means = [row for row in found.rankings if row.measure == measure and row.method == "aggregate_then_rank"]
    rows = [
        {"run": run, "class": row.class_name, "mean": finite(value)}
        for row in means
        for run, value in zip(found.runs, row.by, strict=True)
    ]
    encoding = {
        "x": {"field": "run", "type": "nominal", "sort": list(found.runs), "title": None},
        "y": {"field": "mean", "type": "quantitative", "title": f"mean {measure}", "scale": {"zero": False}},
        "color": class_colour(list(dict.fromkeys(row.class_name for row in means))),
        "tooltip": [{"field": name} for name in ("run", "class", "mean")],
    }
    mark = {"type": "line", "point": {"filled": True, "size": 60}}
    return with_data(spec_of(f"trend of {measure}", {"height": 260}, mark=mark, encoding=encoding), rows)


def _ranked(found: RankedRuns) -> list[Part]:
    measures = list(dict.fromkeys(row.measure for row in found.rankings))
    charts = {
        f"trend-{i}": Chart(title=f"{name} of each run", spec=trend_chart(found, name))
        for i, name in enumerate(measures)
    }
    charts |= {
        f"wins-{i}": Chart(title=f"{name}: which run is significantly better than which", spec=wins_map(found, name))
        for i, name in enumerate(measures)
    }
    said = "Rank of each run by three ways to rank, and in which share of the resamples of the cases it is first"
    return [Part(name="Ranking", table=ranking_table(found), caption=said, charts=charts)]


def _of_file(path: Path) -> Part:
    rows = [row for _, row in read_csv_rows(path, what="sweep", columns=())]
    caption = (
        f"The first {MOST_ROWS} of {len(rows)} rows; all are in {path.name}" if len(rows) > MOST_ROWS else path.name
    )
    columns = tuple(rows[0]) if rows else ()
    return Part(name=path.stem, table=Table(columns=columns, rows=tuple(rows[:MOST_ROWS])), caption=caption)


def _picture(path: Path) -> dict[str, str]:
    source = f"data:{_PICTURES[path.suffix]};base64,{base64.b64encode(path.read_bytes()).decode()}"
    return {"caption": path.stem.replace("_", " "), "source": source}


def _page(title: str, facts: Sequence[str], parts: Sequence[Part]) -> str:
    charts = {name: chart.spec for part in parts for name, chart in part.charts.items()}
    sections = [(f"part-{i + 1}", part.name) for i, part in enumerate(parts)]
    shown = [_shown(part) for part in parts]
    return rendered("runs.html", title=title, data={"charts": charts}, facts=facts, sections=sections, parts=shown)


def _shown(part: Part) -> dict[str, Any]:
    """A section as the template wants it: cells as text, numbers to the right."""
    table = part.table or Table(columns=(), rows=())
    cells = [[row.get(column) for column in table.columns] for row in table.rows]
    numeric = [bool(cells) and all(_is_number(row[i]) for row in cells) for i in range(len(table.columns))]
    return {
        "name": part.name,
        "caption": part.caption,
        "notes": part.notes,
        "charts": part.charts,
        "columns": [
            {"name": name, "is_number": is_number} for name, is_number in zip(table.columns, numeric, strict=True)
        ],
        "rows": [[_text(cell) for cell in row] for row in cells],
        "pictures": part.pictures,
    }


def _is_number(cell: Any) -> bool:
    try:
        float(cell or "nan")
    except (TypeError, ValueError):
        return False
    return True


def _text(cell: Any) -> str:
    return number_text(cell) if isinstance(cell, float) else "–" if cell in (None, "") else str(cell)
