"""Charts as Vega-Lite specifications: the page draws them in the browser, `--figures` draws the same ones for papers.

Colours are those of Okabe and Ito, which stay apart for colour-blind readers and in grey; shapes tell statuses apart
too.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from segeval.verbs.report.content import RunContent, as_number

Spec = dict[str, Any]

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#888888", "#999933")
STATUSES = ("ok", "absent_pred", "absent_truth", "missing_pred", "absent_both")
_SHAPES = ("circle", "cross", "diamond", "triangle-up", "square")
_SCHEMA = "https://vega.github.io/schema/vega-lite/v5.json"  # a name, which nothing fetches


_FEW_CLASSES = 4  # whose limits of agreement can be told apart in one chart


@dataclass(frozen=True, kw_only=True)
class Chart:
    """A chart of a page.

    Attributes:
        choices: channels whose measure a reader may choose, with the one that comes first.
    """

    title: str
    spec: Spec
    choices: Mapping[str, str] = field(default_factory=dict)


def chart_rows(content: RunContent) -> list[dict[str, Any]]:
    """The points of all charts: one per case and class, undefined and infinite values as nothing."""
    rows = []
    for row in content.scores:
        point = {"case": row["case"], "class": row["class"], "status": row["status"], "n_truth": row["n_truth"]}
        point |= {"n_pred": row["n_pred"]} | {name: finite(row[name]) for name in content.measures}
        rows.append(point)
    return rows


def strip_chart(content: RunContent, measure: str) -> Spec:
    """Every case as a tick, with the quartiles of each class around it."""
    axis = _axis(content, measure)
    tooltip = [{"field": name, "type": "nominal"} for name in ("case", "class", "status")]
    return spec_of(
        f"{measure} per class",
        {"height": {"step": 46}},
        layer=[
            {
                "mark": {"type": "boxplot", "extent": 1.5, "size": 14, "outliers": False, "opacity": 0.45},
                "encoding": {"y": _class_axis(content), "x": axis, "color": class_colour(content.classes)},
            },
            {
                "transform": [  # multiples of the golden section spread evenly, and alike in every drawing
                    {"window": [{"op": "row_number", "as": "row"}]},
                    {"calculate": "(datum.row * 0.618034) % 1 - 0.5", "as": "jitter"},
                ],
                "mark": {"type": "point", "filled": True, "size": 34, "opacity": 0.85, "cursor": "pointer"},
                "encoding": {
                    "y": _class_axis(content),
                    "yOffset": {"field": "jitter", "type": "quantitative", "scale": {"domain": [-1.4, 1.4]}},
                    "x": axis,
                    "color": class_colour(content.classes),
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
    return spec_of(
        f"{y} against {x}",
        {"height": 300, **({"transform": [{"filter": f"datum.{x} > 0"}]} if log_x else {})},
        mark={"type": "point", "filled": True, "size": 45, "opacity": 0.8, "cursor": "pointer"},
        encoding={
            "x": x_axis,
            "y": _axis(content, y),
            "color": class_colour(content.classes),
            "shape": _status_shape(content),
            "tooltip": [*names, *values],
        },
    )


def agreement_chart(content: RunContent) -> Spec:
    """Difference of the two sizes relative to their mean, with its average over the cases (Bland and Altman 1986).

    Of few classes the limits of agreement are there too: 1.96 standard deviations on either side of the average.
    """
    names = [{"field": name, "type": "nominal"} for name in ("case", "class")]
    size = {"field": "mean_size", "type": "quantitative", "title": "mean of both sizes (voxels)"}
    difference = {"field": "difference", "type": "quantitative", "title": "prediction − truth (% of the mean)"}
    colour = class_colour(content.classes)
    points = {
        "mark": {"type": "point", "filled": True, "size": 45, "opacity": 0.8, "cursor": "pointer"},
        "encoding": {
            "x": {**size, "scale": {"type": "log"}},
            "y": difference,
            "color": colour,
            "tooltip": [*names, {"field": "difference", "type": "quantitative", "format": ".1f"}],
        },
    }
    over_cases = [{"op": op, "field": "difference", "as": op} for op in ("mean", "stdev")]
    lines = {
        "transform": [
            {"aggregate": over_cases, "groupby": ["class"]},
            {"calculate": "datum.mean - 1.96 * datum.stdev", "as": "low"},
            {"calculate": "datum.mean + 1.96 * datum.stdev", "as": "high"},
        ],
        "layer": [
            {
                "mark": {"type": "rule", "strokeDash": dash},
                "encoding": {"y": {**difference, "field": name}, "color": colour},
            }
            for name, dash in (("mean", [6, 4]), ("low", [2, 4]), ("high", [2, 4]))
            if name == "mean" or len(content.classes) <= _FEW_CLASSES
        ],
    }
    transform = [
        {"filter": "datum.n_pred + datum.n_truth > 0"},
        {"calculate": "(datum.n_pred + datum.n_truth) / 2", "as": "mean_size"},
        {"calculate": "100 * (datum.n_pred - datum.n_truth) / datum.mean_size", "as": "difference"},
    ]
    return spec_of("volume agreement", {"height": 300}, transform=transform, layer=[points, lines])


def charts_of(content: RunContent) -> dict[str, Chart]:
    """The charts of a run by name; most of them are drawn from `chart_rows`."""
    if not content.measures or not content.scores:
        return _curve_charts(content)
    first, *others = content.measures
    found = {
        "distribution": Chart(
            title="Each case, class by class", spec=strip_chart(content, first), choices={"measure": first}
        ),
        "size": Chart(
            title="Size in the truth against quality",
            spec=scatter_chart(content, "n_truth", first, log_x=True),
            choices={"y": first},
        ),
    }
    if others:
        found["pair"] = Chart(
            title="Two measures against one another",
            spec=scatter_chart(content, first, others[0]),
            choices={"x": first, "y": others[0]},
        )
    for i, column in enumerate(content.group_columns):
        title = f"{first} by {column}, with intervals"
        found[f"groups-{i + 1}"] = Chart(title=title, spec=group_chart(content, column, first))
    limits = ", with the limits of agreement" if len(content.classes) <= _FEW_CLASSES else ""
    title = f"Agreement of sizes (Bland and Altman 1986){limits}"
    return {**found, **_curve_charts(content), "agreement": Chart(title=title, spec=agreement_chart(content))}


def _curve_charts(content: RunContent) -> dict[str, Chart]:
    return {
        f"curve-{curve}": Chart(title=title + _rule_of(content, curve), spec=curve_chart(content, curve))
        for curve, (title, _, _) in _CURVES.items()
        if any(row["curve"] == curve for row in content.curves)
    }


def _rule_of(content: RunContent, curve: str) -> str:
    """What a FROC depends on: how candidates were found and matched, and how many cases hold none."""
    first = next(iter(content.document.get("froc", ())), None) if curve == "froc" else None
    if first is None:
        return ""
    rule, n, n_negative = (first[name] for name in ("rule", "n_cases", "n_negative_cases"))
    of_class = "" if len(content.classes) == 1 else f" of {first['class']}"
    return f" ({n} cases, {n_negative} without a lesion{of_class}; {rule.replace(',', ', ')})"


_CURVES = {  # what their axes say
    "froc": ("FROC", "false alarms per case", "lesions found"),
    "pr": ("Precision over recall, voxels of all cases", "recall", "precision"),
    "roc": ("ROC, voxels of all cases", "false positive rate", "sensitivity"),
    "calibration": ("Calibration, voxels of all cases", "mean probability", "share that is the class"),
}


def curve_chart(content: RunContent, curve: str) -> Spec:
    """A curve of all cases together, class by class; it brings its own few points."""
    title, x, y = _CURVES[curve]
    rows = [dict(row) for row in content.curves if row["curve"] == curve]
    if curve in ("froc", "roc"):  # which begin where nothing counts yet
        names = list(dict.fromkeys(row["class"] for row in rows))
        rows = [*({"class": name, "x": 0.0, "y": 0.0, "threshold": None, "n": 0} for name in names), *rows]
    rows = [{**row, "place": i} for i, row in enumerate(rows)]
    unit = {"scale": {"domain": [0, 1]}}
    encoding = {
        "x": {"field": "x", "type": "quantitative", "title": x, **({} if curve == "froc" else unit)},
        "y": {"field": "y", "type": "quantitative", "title": y, **unit},
        "color": class_colour(content.classes),
        "order": {"field": "place"},
        "tooltip": [{"field": name} for name in ("class", "x", "y", "threshold", "n")],
    }
    steps = {"interpolate": "step-after"} if curve == "froc" and _in_steps(content) else {}
    mark = {"type": "line", "point": {"size": 18}, "strokeWidth": 1.5, **steps}
    layers: list[Spec] = [{"mark": mark, "encoding": encoding}]
    if curve == "calibration":  # what is stated comes true
        diagonal = {"values": [{"x": 0, "y": 0}, {"x": 1, "y": 1}]}
        dashed = {"type": "line", "strokeDash": [4, 4], "color": "#888888"}
        layers.append({"data": diagonal, "mark": dashed, "encoding": {axis: encoding[axis] for axis in "xy"}})
    return with_data(spec_of(title, {"height": 300}, layer=layers), rows)


def _in_steps(content: RunContent) -> bool:
    """Whether the first score of the FROC reads it in steps, and not along lines between its points."""
    said = (definition["parameters"].get("interpolation") for definition in content.definitions.values())
    return next((how for how in said if how), "linear") == "step"


def group_chart(content: RunContent, column: str, measure: str) -> Spec:
    """The mean of every group with its interval, class by class; it brings its own few rows."""
    rows = [
        {"group": row["group"] or "–", "class": row["class"], "n": row["n"]}
        | {key: finite(row[key]) for key in ("mean", "ci_low", "ci_high")}
        for row in content.groups
        if row["by"] == column
    ]
    group = {"field": "group", "type": "nominal", "title": column}
    beside = {"yOffset": {"field": "class", "type": "nominal", "sort": list(content.classes)}}
    axis = {key: value for key, value in _axis(content, measure).items() if key != "field"}
    tooltip = [{"field": name} for name in ("group", "class", "n", "mean", "ci_low", "ci_high")]
    shared = {"y": group, **beside, "color": class_colour(content.classes), "tooltip": tooltip}
    layers = interval_layers(shared, axis)
    return with_data(spec_of(f"{measure} by {column}", {"height": {"step": 16}}, layer=layers), rows)


def interval_layers(shared: Mapping[str, Any], axis: Mapping[str, Any]) -> list[Spec]:
    """A point at the mean on a line from end to end of its interval, for rows with `mean`, `ci_low` and `ci_high`.

    Args:
        shared: what both have: place, colour and tooltip.
        axis: of the values, without its field.
    """
    ends = {"x": {"field": "ci_low", **axis}, "x2": {"field": "ci_high"}}
    return [
        {"mark": {"type": "rule", "strokeWidth": 2}, "encoding": {**shared, **ends}},
        {
            "mark": {"type": "point", "filled": True, "size": 60, "opacity": 1},
            "encoding": {**shared, "x": {"field": "mean", **axis}},
        },
    ]


def with_data(spec: Spec, rows: Sequence[Mapping[str, Any]]) -> Spec:
    """A specification that stands alone."""
    return {**spec, "data": {"name": "rows", "values": list(rows)}}


def spec_of(title: str, size: Mapping[str, Any], **parts: Any) -> Spec:
    """A specification without its data, as wide as its place."""
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
            "legend": {"labelFontSize": 12, "layout": {"bottom": {"direction": "vertical", "anchor": "start"}}},
        },
    }


def finite(value: Any) -> float | None:
    """A cell as a chart takes it: nothing where it is undefined or infinite."""
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


def class_colour(classes: Sequence[str]) -> dict[str, Any]:
    """A colour for each class, and its legend where there are a few of them."""
    colours = [COLOURS[i % len(COLOURS)] for i in range(len(classes))]
    return {
        "field": "class",
        "type": "nominal",
        "scale": {"domain": list(classes), "range": colours},
        "legend": {"orient": "bottom", "title": None, "columns": 4} if 1 < len(classes) <= 12 else None,
    }


def _status_shape(content: RunContent) -> dict[str, Any]:
    present = {row["status"] for row in content.scores if any(row[name] is not None for name in content.measures)}
    shapes = {status: shape for status, shape in zip(STATUSES, _SHAPES, strict=True) if status in present}
    return {
        "field": "status",
        "type": "nominal",
        "scale": {"domain": list(shapes), "range": list(shapes.values())},
        "legend": {"orient": "bottom", "title": None, "columns": 3} if len(shapes) > 1 else None,
    }
