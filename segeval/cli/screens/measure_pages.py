"""The catalogue in words: the tables of `segeval measures --markdown`, and the facts of one measure as text."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from segeval.measure import Measure
    from segeval.verbs.absent_values import AbsentValues

BETTER = {
    "higher": "higher is better",
    "lower": "lower is better",
    "zero": "signed, best at 0",
    "none": "describes, does not judge",
}


def overview_tables(measures: Sequence["Measure"]) -> str:
    """A table per group: names, formula, range and direction, level."""
    return "\n".join(f"### {group}\n\n{_table(of_group)}" for group, of_group in by_group(measures))


def range_text(measure: "Measure") -> str:
    """`0..1`, or with a unit `0..inf mm`."""
    low, high = measure.bounds
    return f"{low:g}..{high:g}" + (f" {measure.unit}" if measure.unit else "")


def absent_text(absent: "AbsentValues") -> str:
    """`both: undefined; pred: 0; truth: 0`."""
    return "; ".join(f"{side}: {said}" for side, said in absent_texts(absent).items())


def absent_texts(absent: "AbsentValues") -> dict[str, str]:
    """For each side that may lack the class: a number, `undefined`, `infinite` or `varies`."""
    return {side: _value_text(getattr(absent, side)) for side in ("both", "pred", "truth")}


def by_group(measures: Sequence["Measure"]) -> list[tuple[str, list["Measure"]]]:
    """The measures of each group that has any, in the order of the catalogue."""
    from segeval import catalogue

    groups = [
        (group, [measure for measure in measures if catalogue.group_of(measure.name) == group])
        for group in catalogue.GROUPS
    ]
    return [(group, of_group) for group, of_group in groups if of_group]


def _table(measures: Sequence["Measure"]) -> str:
    lines = ["| measure | formula | range, better | per |", "| --- | --- | --- | --- |"]
    for measure in measures:
        names = f"`{measure.name}`" + (f" ({', '.join(measure.aliases)})" if measure.aliases else "")
        cells = (
            f"{names}<br>{measure.summary}",
            measure.formula,
            f"{range_text(measure)}, {measure.better}",
            ", ".join(measure.per),
        )
        lines.append(f"| {' | '.join(map(escaped, cells))} |")
    return "\n".join(lines) + "\n"


def escaped(text: str) -> str:
    """Text for a cell of a Markdown table."""
    return text.replace("|", "\\|")


def _value_text(value: float | None) -> str:
    if value is None:
        return "varies"
    if math.isnan(value):
        return "undefined"
    return "infinite" if math.isinf(value) else f"{value:g}"
