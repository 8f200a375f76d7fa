"""The catalogue in Markdown: the tables of the README, and the page `docs/metrics.md`."""

import math
import re
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
_INTRODUCTION = """# Measures

Everything that `segeval score` can compute, group by group. `segeval measures NAME` says the same on screen. This page
is made from the declarations, by `python docs/make_metrics.py`.

TP, FP, FN and TN are the voxel counts of a class and N is their sum; p and g are the voxels of the class in the
prediction and in the truth, v is the volume of a voxel. Over all classes, nᵢⱼ counts the voxels of predicted class i
and true class j; aᵢ is the size of predicted class i, bⱼ that of true class j. *Per class* is a value for each case
and class, in `scores.csv`; *per case* is one over all classes of a case, in `cases.csv`.

A class may be absent from both sides, from the prediction only (a miss), or from the truth only (a false alarm). Then
0/0 is undefined and x/0 infinite, and each section says what comes out; *varies* is an ordinary value.
"""
_PARAMETER = re.compile(r"^    (?P<name>\w+): (?P<text>.*(?:\n        .*)*)", re.MULTILINE)


def readme_tables(measures: Sequence["Measure"]) -> str:
    """A table per group: names, formula, range and direction, level."""
    return "\n".join(f"### {group}\n\n{_table(of_group)}" for group, of_group in _by_group(measures))


def measures_page(measures: Sequence["Measure"]) -> str:
    """A section per measure, with all that its declaration says."""
    from segeval.verbs.absent_values import absent_values

    absent = absent_values(measures)
    parts = [_INTRODUCTION]
    for group, of_group in _by_group(measures):
        parts += [f"## {group}\n", *(_section(one, absent[one.name]) for one in of_group)]
    return "\n".join(parts)


def range_text(one: "Measure") -> str:
    """`0..1`, or with a unit `0..inf mm`."""
    low, high = one.bounds
    return f"{low:g}..{high:g}" + (f" {one.unit}" if one.unit else "")


def absent_text(absent: "AbsentValues") -> str:
    """`both: undefined; pred: 0; truth: 0`."""
    return "; ".join(f"{side}: {said}" for side, said in absent_texts(absent).items())


def absent_texts(absent: "AbsentValues") -> dict[str, str]:
    """For each side that may lack the class: a number, `undefined`, `infinite` or `varies`."""
    return {side: _value_text(getattr(absent, side)) for side in ("both", "pred", "truth")}


def _by_group(measures: Sequence["Measure"]) -> list[tuple[str, list["Measure"]]]:
    from segeval import catalogue

    groups = [(group, [one for one in measures if catalogue.group_of(one.name) == group]) for group in catalogue.GROUPS]
    return [(group, of_group) for group, of_group in groups if of_group]


def _table(measures: Sequence["Measure"]) -> str:
    lines = ["| measure | formula | range, better | per |", "| --- | --- | --- | --- |"]
    for one in measures:
        names = f"`{one.name}`" + (f" ({', '.join(one.aliases)})" if one.aliases else "")
        cells = (f"{names}<br>{one.summary}", one.formula, f"{range_text(one)}, {one.better}", ", ".join(one.levels))
        lines.append(f"| {' | '.join(map(_escaped, cells))} |")
    return "\n".join(lines) + "\n"


def _section(one: "Measure", absent: "AbsentValues") -> str:
    facts = {
        "formula": one.formula,
        "range": f"{range_text(one)}, {BETTER[one.better]}",
        "absent from": absent_text(absent),
        "per": " and ".join(one.levels),
        "aliases": ", ".join(f"`{alias}`" for alias in one.aliases),
        "reference": one.reference,
    }
    rows = [f"| {key} | {_escaped(value)} |" for key, value in facts.items() if value]
    notes = one.notes.partition("Args:\n")[0].strip()
    parts = [f"### `{one.name}` ({one.symbol})", one.summary, "\n".join(("| | |", "| --- | --- |", *rows))]
    return "\n\n".join(part for part in (*parts, notes, _parameters(one)) if part) + "\n"


def _parameters(one: "Measure") -> str:
    """A line per knob with its default, and with what the docstring says of it."""
    said = {found["name"]: " ".join(found["text"].split()) for found in _PARAMETER.finditer(one.notes)}
    return "\n".join(
        f"- `{name}={str(default).lower()}`" + (f": {said[name]}" if name in said else "")
        for name, default in one.knobs.items()
    )


def _escaped(text: str) -> str:
    return text.replace("|", "\\|")


def _value_text(value: float | None) -> str:
    if value is None:
        return "varies"
    if math.isnan(value):
        return "undefined"
    return "infinite" if math.isinf(value) else f"{value:g}"
