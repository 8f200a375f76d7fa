"""Write what is made from the declarations: pages of this folder, and stubs for type checkers.

python docs/make.py            writes them
python docs/make.py --check    lists those that are out of date, and exits with 1 if there are any
"""

import math
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from segeval import catalogue
from segeval.cli.screens.measure_pages import BETTER, absent_text, by_group, escaped, overview_tables, range_text
from segeval.measure import Measure
from segeval.verbs.absent_values import AbsentValues, absent_values

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))  # so that this folder is found when the file runs as a script

from docs.losses_page import losses_page  # noqa: E402
from docs.quirks_page import quirks_page  # noqa: E402
from docs.stubs import losses_stub, metrics_stub, package_stub  # noqa: E402

_INTRODUCTION = """# Measures

Everything that `segeval score` can compute: first a table per group, then a section per measure. `segeval measures
NAME` says the same on screen. This page is made from the declarations, by `python docs/make.py`.

## Choosing

`-m dice,iou` picks, and parameters go into parentheses: `-m "tversky_index(alpha=0.3,beta=0.7)"`. A tolerance may
differ between classes: `-m "nsd(tolerance_mm=liver:1;spleen:2)"`. Groups are picked by their names too: `-m
boundary,lesion`, or `-m +boundary` beside the default of `overlap,losses`.

`-m "dice(matching=voronoi)"` is a mean over the true lesions, so that small ones count as much as large ones: each is
held against what is predicted in its Voronoi cell, the voxels that no other lesion is nearer to. Every boundary
metric and every overlap metric without true negatives can be taken like this, with `connectivity` and `min_size_mm3`
beside its own parameters.

Ignored voxels (`--ignore-label`) are unknown, not background. No count, overlap or surface has a part in them, but a
predicted lesion that reaches into them stays one lesion. One that finds no true lesion and lies mostly in ignored
voxels (more than half) is neither hit nor false alarm. Where only some slices of the truth are annotated and the
others ignored whole, what lies on both sides of an ignored slice is one true lesion. There every part of
a surface by its area, as `nsd` takes it, touches an ignored voxel and counts nowhere. Where masks differ and one has no
surface left, the value is undefined; `nsd(surface=voxel)` measures within the slices. Topology takes ignored voxels as
background on both sides.

`hd95[medpy]` is the number that medpy gives, and `--like medpy` stands for all its measures, or for those named with
`-m`; `segeval measures hd95 --definitions` shows which tool means what. A structure that only one side has is
infinitely far away; `--empty-distance nan`, `diagonal` or a length in mm says otherwise.

## Reading the tables

TP, FP, FN and TN are the voxel counts of a class and N is their sum; p and g are the voxels of the class in the
prediction and in the truth, v is the volume of a voxel. Over all classes, nᵢⱼ counts the voxels of predicted class i
and true class j; aᵢ is the size of predicted class i, bⱼ that of true class j. *Per class* is a value for each case
and class, in `scores.csv`; *per case* is one over all classes of a case, in `cases.csv`.

A class may be absent from both sides, from the prediction only (a miss), or from the truth only (a false alarm). Then
0/0 is undefined and x/0 infinite, and each section says what comes out; *varies* is an ordinary value.
"""
_PARAMETER = re.compile(r"^    (?P<name>\w+): (?P<text>.*(?:\n        .*)*)", re.MULTILINE)


def measures_page() -> str:
    """A section per measure, with all that its declaration says."""
    measures = _measures()
    absent = absent_values(measures)
    parts = [_INTRODUCTION, overview_tables(measures)]
    for group, of_group in by_group(measures):
        parts += [
            f"## {group}, measure by measure\n",
            *(_section(measure, absent[measure.name]) for measure in of_group),
        ]
    return "\n".join(parts)


PAGES: Mapping[str, Callable[[], str]] = {
    "docs/metrics.md": measures_page,
    "docs/losses.md": losses_page,
    "docs/quirks.md": quirks_page,
    "segeval/__init__.pyi": package_stub,
    "segeval/losses/__init__.pyi": losses_stub,
    "segeval/metrics/__init__.pyi": metrics_stub,
}


def out_of_date() -> list[str]:
    """The files that differ from what would be written."""
    return [name for name, made in PAGES.items() if not _is_as_made(ROOT / name, made())]


def _is_as_made(path: Path, made: str) -> bool:
    return path.exists() and path.read_text(encoding="utf-8") == made


def _measures() -> Sequence[Measure]:
    return list(catalogue.measures().values())


def _section(measure: Measure, absent: AbsentValues) -> str:
    facts = {
        "formula": measure.formula,
        "range": f"{range_text(measure)}, {BETTER[measure.better]}",
        "absent from": absent_text(absent),
        "per": " and ".join(measure.per),
        "aliases": ", ".join(f"`{alias}`" for alias in measure.aliases),
        "reference": measure.reference,
    }
    rows = [f"| {key} | {escaped(value)} |" for key, value in facts.items() if value]
    notes = measure.notes.partition("Args:\n")[0].strip()
    parts = [f"### `{measure.name}` ({measure.symbol})", measure.summary, "\n".join(("| | |", "| --- | --- |", *rows))]
    return "\n\n".join(part for part in (*parts, notes, _parameters(measure)) if part) + "\n"


def _parameters(measure: Measure) -> str:
    """A line per knob with its default, its range, and what the docstring says of it."""
    said = {found["name"]: " ".join(found["text"].split()) for found in _PARAMETER.finditer(measure.notes)}
    return "\n".join(
        f"- `{name}={str(default).lower()}`{_range(measure, name)}" + (f": {said[name]}" if name in said else "")
        for name, default in measure.knobs.items()
    )


def _range(measure: Measure, knob: str) -> str:
    if knob not in measure.limits:
        return ""
    low, high = measure.limits[knob]
    return f" ({low:g} or more)" if math.isinf(high) else f" ({low:g} to {high:g})"


if __name__ == "__main__":
    stale = out_of_date()
    if "--check" in sys.argv:
        print("\n".join(stale) or "all pages are up to date")
        sys.exit(1 if stale else 0)
    for name in stale:
        (ROOT / name).write_text(PAGES[name](), encoding="utf-8")
