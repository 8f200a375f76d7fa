"""The page on what surprises in other tools: each with a tiny input, the tool's number and ours, computed here."""

from dataclasses import dataclass

import numpy as np

from segeval.choice import call_of
from segeval.evidence.case import Case
from segeval.evidence.labels import LabelClass, LabelMap
from segeval.results.number_text import digits
from segeval.scoring.evaluate import evaluate
from segeval.scoring.plan import Plan

_INTRODUCTION = """# Quirks of other tools

What surprises in the numbers of other tools, each on an input of a few pixels. *strict*: the profile gives the tool's
number. *corrected*: the tool fails or returns nonsense there, and the profile leaves the value undefined. This page is
made by `python docs/make.py`, which computes every number; `segeval explain` finds these differences in whole tables.

| `-m` | what happens | prediction | truth | profile | ours | |
| --- | --- | --- | --- | --- | --- | --- |
"""


@dataclass(frozen=True)
class Quirk:
    """A measure as a tool has it, what is odd about it, and rows of pixels that show it."""

    measure: str
    said: str
    pred: str
    truth: str
    spacing: tuple[float, float] = (1.0, 1.0)
    is_corrected: bool = False


QUIRKS = (
    Quirk("dice[monai]", "a class that was only predicted costs nothing: its Dice is undefined", "0110", "0000"),
    Quirk("dice[seg-metrics]", "two empty masks are perfect", "0000", "0000"),
    Quirk("hd95[seg-metrics]", "a missed class is at distance 0, the best there is", "0000", "0110"),
    Quirk("hd95[monai]", "a missed class has no distance, and drops out of the mean", "0000", "0110"),
    Quirk("hd95[surface-distance]", "two empty masks are infinitely far apart", "0000", "0000"),
    Quirk("hd95[medpy]", "both directions are one list, in which a far voxel is a smaller share",
          "11111111110000000000", "11111111110000000001"),
    Quirk("hd95[panoptica]", "the spacing is ignored: voxels for mm", "1000", "0001", spacing=(1.0, 2.5)),
    Quirk("hd[simpleitk]", "all voxels in place of surfaces: a missed cavity is nearer than its wall",
          "1111111 1111111 1111111 1111111 1111111 1111111 1111111",
          "1111111 1111111 1111111 1110111 1111111 1111111 1111111"),
    Quirk("volume_similarity[simpleitk]", "signed and up to 2, where others have 0 to 1", "0000", "0110"),
    Quirk("sensitivity[ants]", "a ratio of 0/0 is 1.8e308", "0110", "0000", is_corrected=True),
    Quirk("hd95[medpy]", "a missed class stops the program", "0000", "0110", is_corrected=True),
)  # fmt: skip


def quirks_page() -> str:
    """A row per quirk."""
    return _INTRODUCTION + "".join(map(_row, QUIRKS))


def _row(quirk: Quirk) -> str:
    theirs, ours = (value_of_quirk(name, quirk) for name in (quirk.measure, quirk.measure.partition("[")[0]))
    kind = "corrected" if quirk.is_corrected else "strict"
    sides = (f"`{side}`" for side in (quirk.pred, quirk.truth))
    cells = (f"`{quirk.measure}`", quirk.said, *sides, digits(theirs), digits(ours), kind)
    return f"| {' | '.join(cells)} |\n"


def value_of_quirk(name: str, quirk: Quirk) -> float:
    pred, truth = map(_pixels, (quirk.pred, quirk.truth))
    plan = Plan(measures=(call_of(name),), labels=LabelMap(classes=(LabelClass(name="1", ids=(1,)),)))
    (row,) = evaluate(Case(case_id="quirk", pred=pred, truth=truth, spacing_mm=quirk.spacing), plan).classes
    return next(iter(row.values.values()))


def _pixels(rows: str) -> np.ndarray:
    return np.array([[*map(int, row)] for row in rows.split()], dtype=np.uint8)
