"""Charts as Vega-Lite specifications: the page draws them in the browser, `--figures` draws the same ones for papers.

Colours are those of Okabe and Ito, which stay apart for colour-blind readers and in grey; shapes tell statuses apart
too.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from segeval.verbs.compare import Comparison, RankedRuns
from segeval.verbs.report.content import RunContent, as_number

Spec = dict[str, Any]

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#882255", "#999933")
STATUSES = ("ok", "absent_pred", "absent_truth", "missing_pred", "absent_both")
_SHAPES = ("circle", "cross", "diamond", "triangle-up", "square")
_SCHEMA = "https://vega.github.io/schema/vega-lite/v5.json"  # a name, which nothing fetches


def chart_rows(content: RunContent) -> list[dict[str, Any]]:
    """The points of all charts: one per case and class, undefined and infinite values as nothing."""
    rows = []
    for row in content.scores:
        point = {"case": row["case"], "class": row["class"], "status": row["status"], "n_truth": row["n_truth"]}
        point |= {"n_pred": row["n_pred"]} | {name: _finite(row[name]) for name in content.measures}
        rows.append(point)
    return rows


def strip_chart(content: RunContent, measure: str) -> Spec:
    """Every case as a tick, with the quartiles of each class around it."""
    axis = _axis(content, measure)
    tooltip = [{"field": name, "type": "nominal"} for name in ("case", "class", "status")]
    return _spec(
        f"{measure} per class",
        {"height": {"step": 46}},
        layer=[
            {
                "mark": {"type": "boxplot", "extent": 1.5, "size": 14, "outliers": False, "opacity": 0.45},
                "encoding": {"y": _class_axis(content), "x": axis, "color": _class_colour(content)},
            },
            {
                "transform": [{"calculate": "random() - 0.5", "as": "jitter"}],
                "mark": {"type": "point", "filled": True, "size": 34, "opacity": 0.85, "cursor": "pointer"},
                "encoding": {
                    "y": _class_axis(content),
                    "yOffset": {"field": "jitter", "type": "quantitative", "scale": {"domain": [-1.4, 1.4]}},
                    "x": axis,
                    "color": _class_colour(content),
                    "shape": _status_shape(content),
                    "tooltip": [*tooltip, {"field": _field(measure), "title": measure, "format": ".4f"}],
                },
            },
        ],
    )


def scatter_chart(content: RunContent, x: str, y: str, *, log_x: bool = False) -> Spec:
    """One quantity against another, case by case; `n_truth` is the size of the class in the truth, in voxels."""
    x_axis = _axis(content, x) | ({"scale": {"type": "log"}} if log_x else {})
    names = [{"field": name, "type": "nominal"} for name in ("case", "class", "status")]
    values = [{"field": _field(name), "title": name, "type": "quantitative"} for name in (x, y)]
    return _spec(
        f"{y} against {x}",
        {"height": 300, **({"transform": [{"filter": f"datum.{x} > 0"}]} if log_x else {})},
        mark={"type": "point", "filled": True, "size": 45, "opacity": 0.8, "cursor": "pointer"},
        encoding={
            "x": x_axis,
            "y": _axis(content, y),
            "color": _class_colour(content),
            "shape": _status_shape(content),
            "tooltip": [*names, *values],
        },
    )


def agreement_chart(content: RunContent) -> Spec:
    """Difference of the two sizes relative to their mean, with its average over the cases (Bland and Altman 1986)."""
    names = [{"field": name, "type": "nominal"} for name in ("case", "class")]
    return _spec(
        "volume agreement",
        {"height": 300},
        transform=[
            {"filter": "datum.n_pred + datum.n_truth > 0"},
            {"calculate": "(datum.n_pred + datum.n_truth) / 2", "as": "mean_size"},
            {"calculate": "100 * (datum.n_pred - datum.n_truth) / datum.mean_size", "as": "difference"},
        ],
        layer=[
            {
                "mark": {"type": "point", "filled": True, "size": 45, "opacity": 0.8, "cursor": "pointer"},
                "encoding": {
                    "x": {
                        "field": "mean_size",
                        "type": "quantitative",
                        "title": "mean of both sizes (voxels)",
                        "scale": {"type": "log"},
                    },
                    "y": {
                        "field": "difference",
                        "type": "quantitative",
                        "title": "prediction − truth (% of the mean)",
                    },
                    "color": _class_colour(content),
                    "tooltip": [*names, {"field": "difference", "type": "quantitative", "format": ".1f"}],
                },
            },
            {
                "mark": {"type": "rule", "strokeDash": [6, 4]},
                "encoding": {
                    "y": {"aggregate": "mean", "field": "difference", "type": "quantitative"},
                    "color": _class_colour(content),
                },
            },
        ],
    )


def charts_of(content: RunContent) -> dict[str, Spec]:
    """The charts of a run by name, without their data."""
    if not content.measures:
        return {}
    first = content.measures[0]
    found = {"distribution": strip_chart(content, first), "size": scatter_chart(content, "n_truth", first, log_x=True)}
    if len(content.measures) > 1:
        found["pair"] = scatter_chart(content, first, content.measures[1])
    for i, column in enumerate(content.group_columns):
        found[f"groups-{i + 1}"] = group_chart(content, column, first)
    return {**found, "agreement": agreement_chart(content)}


def group_chart(content: RunContent, column: str, measure: str) -> Spec:
    """The mean of every group with its interval, class by class; it brings its own few rows."""
    rows = [
        {"group": row["group"] or "–", "class": row["class"], "n": row["n"]}
        | {key: _finite(row[key]) for key in ("mean", "ci_low", "ci_high")}
        for row in content.groups
        if row["by"] == column
    ]
    group = {"field": "group", "type": "nominal", "title": column}
    beside = {"yOffset": {"field": "class", "type": "nominal", "sort": list(content.classes)}}
    axis = {key: value for key, value in _axis(content, measure).items() if key != "field"}
    tooltip = [{"field": name} for name in ("group", "class", "n", "mean", "ci_low", "ci_high")]
    shared = {"y": group, **beside, "color": _class_colour(content), "tooltip": tooltip}
    spec = _spec(
        f"{measure} by {column}",
        {"height": {"step": 16}},
        layer=[
            {
                "mark": {"type": "rule", "strokeWidth": 2},
                "encoding": {**shared, "x": {"field": "ci_low", **axis}, "x2": {"field": "ci_high"}},
            },
            {
                "mark": {"type": "point", "filled": True, "size": 60, "opacity": 1},
                "encoding": {**shared, "x": {"field": "mean", **axis}},
            },
        ],
    )
    return with_data(spec, rows)


def difference_chart(found: Comparison, measure: str) -> Spec:
    """How much better each class became, with the interval of the mean difference; zero is no change."""
    rows = [
        {"class": row.class_name, "mean": _finite(row.difference), "n": row.n}
        | {"ci_low": _finite(row.interval.low), "ci_high": _finite(row.interval.high)}
        for row in found.differences
        if row.measure == measure
    ]
    place = {"field": "class", "type": "nominal", "title": None, "sort": None}
    axis = {"type": "quantitative", "title": f"{measure}: better by (above 0 is better)"}
    tooltip = [{"field": name} for name in ("class", "n", "mean", "ci_low", "ci_high")]
    rule = {"mark": {"type": "rule", "strokeDash": [4, 4]}, "encoding": {"x": {"datum": 0, **axis}}}
    ends = {"y": place, "x": {"field": "ci_low", **axis}, "x2": {"field": "ci_high"}, "tooltip": tooltip}
    middle = {"y": place, "x": {"field": "mean", **axis}, "tooltip": tooltip}
    marks = [
        rule,
        {"mark": {"type": "rule", "strokeWidth": 2, "color": COLOURS[0]}, "encoding": ends},
        {"mark": {"type": "point", "filled": True, "size": 60, "opacity": 1, "color": COLOURS[0]}, "encoding": middle},
    ]
    return with_data(_spec(f"differences in {measure}", {"height": {"step": 26}}, layer=marks), rows)


def trend_chart(found: RankedRuns, measure: str) -> Spec:
    """The mean of every run, in the order in which they were named."""
    means = [row for row in found.rankings if row.measure == measure and row.method == "aggregate_then_rank"]
    rows = [
        {"run": run, "class": row.class_name, "mean": _finite(value)}
        for row in means
        for run, value in zip(found.runs, row.by, strict=True)
    ]
    names = list(dict.fromkeys(row.class_name for row in means))
    encoding = {
        "x": {"field": "run", "type": "nominal", "sort": list(found.runs), "title": None},
        "y": {"field": "mean", "type": "quantitative", "title": f"mean {measure}", "scale": {"zero": False}},
        "color": {
            "field": "class",
            "type": "nominal",
            "scale": {"domain": names, "range": [COLOURS[i % len(COLOURS)] for i in range(len(names))]},
            "legend": {"orient": "bottom", "title": None, "columns": 4},
        },
        "tooltip": [{"field": name} for name in ("run", "class", "mean")],
    }
    mark = {"type": "line", "point": {"filled": True, "size": 60}}
    return with_data(_spec(f"trend of {measure}", {"height": 260}, mark=mark, encoding=encoding), rows)


def with_data(spec: Spec, rows: Sequence[Mapping[str, Any]]) -> Spec:
    """A specification that stands alone."""
    return {**spec, "data": {"name": "rows", "values": list(rows)}}


def _spec(title: str, size: Mapping[str, Any], **parts: Any) -> Spec:
    return {
        "$schema": _SCHEMA,
        "description": title,
        "data": {"name": "rows"},
        "width": "container",
        "autosize": {"type": "fit-x", "contains": "padding"},
        "padding": 8,
        **size,
        **parts,
        "config": {
            "view": {"stroke": None},
            "axis": {"labelFontSize": 12, "titleFontSize": 12, "labelOverlap": "greedy", "labelSeparation": 6},
            # one below the other, or a phone cuts the second one off
            "legend": {"layout": {"bottom": {"direction": "vertical", "anchor": "start"}}},
        },
    }


def _finite(value: Any) -> float | None:
    number = as_number(value)
    return number if abs(number) < float("inf") else None


def _field(name: str) -> str:
    """A field name in which dots and brackets are characters, not paths."""
    return name.replace("\\", "\\\\").replace(".", "\\.").replace("[", "\\[").replace("]", "\\]")


def _axis(content: RunContent, name: str) -> dict[str, Any]:
    if name not in content.definitions:
        return {"field": name, "type": "quantitative", "title": "size in the truth (voxels)"}
    unit, (low, high) = content.unit_of(name), content.definitions[name]["bounds"]
    axis: dict[str, Any] = {
        "field": _field(name),
        "type": "quantitative",
        "title": f"{name} ({unit})" if unit else name,
    }
    if (low, high) == (0.0, 1.0):
        axis["scale"] = {"domain": [0, 1]}
    return axis


def _class_axis(content: RunContent) -> dict[str, Any]:
    return {"field": "class", "type": "nominal", "title": None, "sort": list(content.classes)}


def _class_colour(content: RunContent) -> dict[str, Any]:
    colours = [COLOURS[i % len(COLOURS)] for i in range(len(content.classes))]
    return {
        "field": "class",
        "type": "nominal",
        "scale": {"domain": list(content.classes), "range": colours},
        "legend": {"orient": "bottom", "title": None, "columns": 4} if 1 < len(content.classes) <= 12 else None,
    }


def _status_shape(content: RunContent) -> dict[str, Any]:
    present = {row["status"] for row in content.scores}
    shapes = {status: shape for status, shape in zip(STATUSES, _SHAPES, strict=True) if status in present}
    return {
        "field": "status",
        "type": "nominal",
        "scale": {"domain": list(shapes), "range": list(shapes.values())},
        "legend": {"orient": "bottom", "title": None, "columns": 3} if len(shapes) > 1 else None,
    }
