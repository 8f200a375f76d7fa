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

What surprises in the numbers of other tools, each on an input of a few pixels: 0 is background, other digits are
classes. *strict*: the profile gives the tool's number. *corrected*: the tool fails or returns nonsense there, and the
profile says what the tool means, or leaves the value undefined. This page is made by `python docs/make.py`, which
computes every number but those of tools that are corrected; `segeval explain` finds these differences in whole tables.

| `-m` | what happens | prediction | truth | the tool | profile | ours | |
| --- | --- | --- | --- | --- | --- | --- | --- |
"""


@dataclass(frozen=True)
class Quirk:
    """A measure as a tool has it, what is odd about it, and rows of pixels that show it.

    `theirs` is what the tool itself says where the profile does not follow it, as it was seen.
    """

    measure: str
    said: str
    pred: str
    truth: str
    spacing: tuple[float, float] = (1.0, 1.0)
    theirs: str = ""

    @property
    def is_corrected(self) -> bool:
        return bool(self.theirs)


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
    Quirk("dice[plastimatch]", "two empty masks agree in nothing", "0000", "0000"),
    Quirk("hd[scikit-image]", "all voxels in place of surfaces, and the spacing ignored", "1000", "0001",
          spacing=(1.0, 2.5)),
    Quirk("dice[cc-metrics]", "the mean over true lesions: a missed small one weighs as much as the rest",
          "1111110000", "1111110001"),
    Quirk("hd95[cc-metrics]", "the spacing is ignored, by the cells too", "11000", "00010", spacing=(1.0, 2.5)),
    Quirk("nsd(tolerance_mm=2)[exacta]", "surface voxels count one each, not by their area", "0111100", "0000010"),
    Quirk("relative_volume_difference[exacta]", "undefined where a class was only predicted", "0110", "0000"),
    Quirk("generalized_dice_score[torchmetrics]",
          "a class that the truth lacks weighs nothing; in a batch it weighs what it does in other cases (here 0.75)",
          "0120", "0110"),
    Quirk("iou[torchmetrics]", "a class that neither side has is -1 in the list of classes", "0000", "0000"),
    Quirk("dice[medpy]", "two empty masks are meant to be perfect; with NumPy 2 it misses them", "0000", "0000",
          theirs="nan"),
    Quirk("sensitivity[medpy]", "a class that the truth lacks is meant to be 0; with NumPy 2 it misses it", "0110",
          "0000", theirs="nan"),
    Quirk("sensitivity[ants]", "a ratio of 0/0 is 1.8e308", "0110", "0000", theirs="1.8e308"),
    Quirk("hd[plastimatch]", "a missed class is as far away as a float can say", "0000", "0110", theirs="3.4e38"),
    Quirk("hd95[plastimatch]", "the percentile of a single voxel is read from beside its list", "1000", "0001",
          theirs="0"),
    Quirk("hd95[medpy]", "a missed class stops the program", "0000", "0110", theirs="RuntimeError"),
    Quirk("hd[torchmetrics]", "two empty masks stop the program", "0000", "0000", theirs="RuntimeError"),
)  # fmt: skip


def quirks_page() -> str:
    """A row per quirk."""
    return _INTRODUCTION + "".join(map(_row, QUIRKS))


def _row(quirk: Quirk) -> str:
    profile, ours = (digits(value_of_quirk(name, quirk)) for name in (quirk.measure, _plain(quirk.measure)))
    kind = "corrected" if quirk.is_corrected else "strict"
    sides = (f"`{side}`" for side in (quirk.pred, quirk.truth))
    cells = (f"`{quirk.measure}`", quirk.said, *sides, quirk.theirs or profile, profile, ours, kind)
    return f"| {' | '.join(cells)} |\n"


def _plain(measure: str) -> str:
    """The same measure as we define it."""
    return measure.partition("[")[0]


def value_of_quirk(name: str, quirk: Quirk) -> float:
    """The value of the first class, or of the case where a measure has no other."""
    pred, truth = map(_pixels, (quirk.pred, quirk.truth))
    ids = sorted({1, *np.unique(np.stack([pred, truth])).tolist()} - {0})
    labels = LabelMap(classes=tuple(LabelClass(name=str(i), ids=(i,)) for i in ids))
    call = call_of(name)
    case = Case(case_id="quirk", pred=pred, truth=truth, spacing_mm=quirk.spacing)
    scored = evaluate(case, Plan(measures=(call,), labels=labels))
    return {**scored.row.values, **scored.classes[0].values}[call.column]


def _pixels(rows: str) -> np.ndarray:
    return np.array([[*map(int, row)] for row in rows.split()], dtype=np.uint8)
