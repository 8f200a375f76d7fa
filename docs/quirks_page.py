"""The page on what surprises in other tools: each with a tiny input, the tool's number and ours, computed here."""

from dataclasses import dataclass
from typing import Any

import numpy as np

import segeval
from segeval.choice import call_of
from segeval.evidence.case import Case
from segeval.evidence.labels import LabelClass, LabelMap
from segeval.results.number_text import digits
from segeval.scoring.evaluate import evaluate
from segeval.scoring.plan import Plan

_INTRODUCTION = """# Quirks of other tools

What surprises in the numbers of other tools and of challenges, each on an input of a few pixels: 0 is background, other
digits are classes, a space parts rows, and a stroke images of one data set. *strict*: the profile gives the tool's
number. *corrected*: the tool fails or returns nonsense there, and the profile says what the tool means, or leaves the
value undefined. This page is made by `python docs/make.py`, which computes every number but those of tools that are
corrected; `segeval explain` finds these differences in whole tables.

| `-m` | what happens | prediction | truth | the tool | profile | ours | |
| --- | --- | --- | --- | --- | --- | --- | --- |
"""


@dataclass(frozen=True)
class Quirk:
    """A measure as a tool has it, what is odd about it, and rows of pixels that show it; strokes part images.

    `theirs` is what the tool itself says where the profile does not follow it, as it was seen. `beside` is a measure of
    ours to hold it against where we define the same as the tool.
    """

    measure: str
    said: str
    pred: str
    truth: str
    spacing: tuple[float, float] = (1.0, 1.0)
    theirs: str = ""
    beside: str = ""

    @property
    def ours(self) -> str:
        """The measure that it is held against: the same as we define it, or another one."""
        return self.beside or self.measure.partition("[")[0]

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
    Quirk("hd[meshmetrics]", "from the middle of an edge of one outline to the other outline, in place of pixels",
          "00000 01000 00000", "00000 00010 00000"),
    Quirk("centroid_distance[metrics-reloaded]", "a missed class is at distance -1", "0000", "0110"),
    Quirk("lesionwise_hd95[brats2023_gli]", "a missed lesion is 374 mm away, however small the image is", "0000",
          "0110", spacing=(8.0, 8.0), beside="hd95"),
    Quirk("lesionwise_hd95[brats2024_gli]", "one year later it is 337 mm away", "0000", "0110", spacing=(8.0, 8.0)),
    Quirk("lesionwise_dice[brats2023_gli]", "lesions less than 7 voxels apart are one, and half of it is found",
          "1100000", "1100011", spacing=(8.0, 8.0), beside="lesionwise_dice(dilation=0)"),
    Quirk("lesionwise_dice[brats2023_gli]", "lesions of 50 mm³ or less count nowhere: to miss one costs nothing",
          "1000", "1010", beside="dice"),
    Quirk("lesionwise_dice[brats2024_men_rt]", "false alarms cost nothing", "1100011", "1100000", spacing=(8.0, 8.0)),
    Quirk("lesionwise_dice[brats2025]", "the mean over pairs: what is missed costs nothing", "1100000", "1100011",
          spacing=(8.0, 8.0)),
    Quirk("dice[autopet3]", "a false alarm where there is no lesion costs nothing", "0110", "0000"),
    Quirk("dice[msseg]", "a case without a true lesion has no score", "0110", "0000"),
    Quirk("dice[isles2022]", "two empty masks are perfect", "0000", "0000"),
    Quirk("instance_accuracy[cellpose]", "called average precision, and is TP / (TP + FP + FN)", "1010", "1000",
          beside="rq"),
    Quirk("instance_accuracy[stardist]", "two images without an object agree in nothing", "0000", "0000"),
    Quirk("bpq[conic]", "an image without an object counts as 0", "0000", "0000"),
    Quirk("bpq[conic]", "an IoU of exactly a half makes no pair", "1111", "0110"),
    Quirk("bpq[pannuke]", "an image without a true nucleus is left out, whatever is predicted", "0110", "0000"),
    Quirk("pq[panopticapi]", "an IoU of exactly a half makes no pair", "1111", "0110"),
    Quirk("mean_instance_accuracy[dsb2018]", "an IoU of exactly a threshold makes no pair", "1111", "0110"),
    Quirk("iou[mmseg]", "of all pixels of the data set: no mean over images, and ours is one", "0110 / 1000",
          "0110 / 1111"),
    Quirk("iou[cityscapes]", "of all pixels of the data set: no mean over images, and ours is one", "0110 / 1000",
          "0110 / 1111"),
    Quirk("region_similarity[davis2017]", "the first and the last frame of a sequence are left out",
          "0000 / 0110 / 0000", "0110 / 0110 / 0110"),
    Quirk("sensitivity_at_fp(fp=1)[picai_eval]",
          "where no lesion is missed the last point of its curve is overwritten (digits are tenths of a confidence)",
          "0500 / 0900", "0100 / 0000", theirs="0"),
    Quirk("hd[torchmetrics]", "a distance is wrong in an image that is no square", "00000000 01000000 00000000",
          "00000000 00000010 00000000", theirs="5.385"),
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
    profile, ours = (digits(value_of_quirk(name, quirk)) for name in (quirk.measure, quirk.ours))
    kind = "corrected" if quirk.is_corrected else "strict"
    sides = (f"`{side}`" for side in (quirk.pred, quirk.truth))
    named = f"{ours} (`{quirk.beside}`)" if quirk.beside else ours
    cells = (f"`{quirk.measure}`", quirk.said, *sides, quirk.theirs or profile, profile, named, kind)
    return f"| {' | '.join(cells)} |\n"


def value_of_quirk(name: str, quirk: Quirk) -> float:
    """The value of the first class, or of the case where a measure has no other; of several images that of them all."""
    if "/" in quirk.pred:
        return _value_of_all(name, quirk)
    pred, truth = map(_pixels, (quirk.pred, quirk.truth))
    ids = sorted({1, *np.unique(np.stack([pred, truth])).tolist()} - {0})
    labels = LabelMap(classes=tuple(LabelClass(name=str(i), ids=(i,)) for i in ids))
    call = call_of(name)
    case = Case(case_id="quirk", pred=pred, truth=truth, spacing_mm=quirk.spacing)
    scored = evaluate(case, Plan(measures=(call,), labels=labels))
    return {**scored.row.values, **scored.classes[0].values}[call.column]


def _pixels(rows: str) -> np.ndarray:
    return np.array([[*map(int, row)] for row in rows.split()], dtype=np.uint8)


def _value_of_all(name: str, quirk: Quirk) -> float:
    """What a tool says of the data set, and what we say: the mean over images where there is one."""
    of_maps = "[picai_eval]" in quirk.measure
    sides = [
        {f"sequence/{i}": _pixels(image) for i, image in enumerate(side.split("/"))}
        for side in (quirk.pred, quirk.truth)
    ]
    rules: dict[str, Any] = {"labels": {1: "1"}, "pred_kind": "probs"} if of_maps else {}
    pred = {frame: labels / 10 if of_maps else labels for frame, labels in sides[0].items()}
    found = segeval.score(pred, sides[1], measures=[name], bootstrap=0, **rules)[call_of(name).column, "1"]
    return float(found.pooled if "[" in name or np.isnan(found.mean) else found.mean)
