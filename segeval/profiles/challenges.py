"""The profiles of challenges and benches: what each of them reports, with its rules. Absent values as in `tables`.

docs/challenges.md says what of it was compared with official code, and what follows a written rule alone.
"""

from typing import Any

from segeval.knobs import PerClass
from segeval.profiles import formulas
from segeval.profiles.definition import ERROR, Definition, Profile, by

NAN = float("nan")


def _brats(dilation: int, ignore_mm3: float, *, penalty: float | str = 374.0, **rule: Any) -> dict[str, Definition]:
    knobs: dict[str, Any] = {"dilation": dilation, "ignore_mm3": float(ignore_mm3), **rule}
    return {"lesionwise_dice": by(**knobs), "lesionwise_hd95": by(penalty_mm=penalty, **knobs)}


def _brats2024(dilation: int, ignore_mm3: float, *, penalty: float | str = 374.0, **rule: Any) -> dict[str, Definition]:
    rule = {"group_pred": True, **rule}
    knobs: dict[str, Any] = {"dilation": dilation, "ignore_mm3": float(ignore_mm3), **rule}
    nsd = by(at=({"tolerance_mm": 0.5}, {"tolerance_mm": 1.0}), **knobs)
    return {**_brats(dilation, ignore_mm3, penalty=penalty, **rule), "lesionwise_nsd": nsd}


# Scores of a whole data set, which have no value of a case and so none of an absent class. A candidate is a part of a
# detection map, as each of these takes it.
_PICAI_RULES: dict[str, Any] = {"candidates": "map", "assign": "overlap", "duplicates": "ignore"}
_OVERLAP: dict[str, Any] = {"matching": "any_overlap"}
_EDGES: dict[str, Any] = {**_OVERLAP, "connectivity": "edge"}

# mean size in pixels of the instances of a class, constants of cityscapesScripts
_CITYSCAPES_SIZES = {
    "bicycle": 4672.3249222261,
    "motorcycle": 6298.7200839748,
    "rider": 3930.4788056518,
    "bus": 35732.1511111111,
    "train": 67583.7075812274,
    "car": 12794.0202738185,
    "person": 3462.4756337644,
    "truck": 27855.1264367816,
}

_APART = "Groups of several tissues that touch are joined there, and each region is by itself here."

CHALLENGES = (
    Profile(
        name="picai_eval",
        aliases=("picai",),
        is_challenge=True,
        note="Given detection maps. It overwrites the last point of its curve where no lesion is missed, and then "
        "misses it at high rates of false alarms; the values here are right.",
        definitions={
            "picai_score": by(**_PICAI_RULES),
            "lesion_average_precision": by(**_PICAI_RULES),
            "case_auroc": by(candidates="map"),
            "sensitivity_at_fp": by(interpolation="step", **_PICAI_RULES),
        },
    ),
    Profile(
        name="luna16",
        note="From its written rule: a candidate whose centroid is nearer to that of a lesion than its radius.",
        definitions={"froc_score": by(candidates="map", assign="any", duplicates="ignore", hit="distance")},
    ),
    Profile(
        name="coco",
        note="pycocotools without size bins. Equal confidences enter in the order of the cases.",
        definitions={
            "instance_average_precision": by(
                candidates="map",
                iou_threshold="coco",
                area="coco",
                max_detections=100,
                ties_together=False,
                at=({}, {"iou_threshold": 0.5}, {"iou_threshold": 0.75}),
            ),
            "average_recall": by(candidates="map", at=({}, {"max_detections": 10}, {"max_detections": 1})),
        },
    ),
    Profile(name="voc2010", definitions={"instance_average_precision": by(candidates="map")}),
    Profile(name="voc2007", definitions={"instance_average_precision": by(candidates="map", area="eleven")}),
    Profile(
        name="cellpose",
        is_challenge=True,
        note="What it calls average precision, at its three thresholds; papers take the mean over images.",
        definitions={
            "instance_accuracy": by(NAN, 0, 0, at=({}, {"iou_threshold": 0.75}, {"iou_threshold": 0.9})),
            "aji": by(NAN, 0, 0, formula=formulas.aji_of_foreground),
        },
    ),
    Profile(
        name="stardist",
        note="What it calls accuracy. Its own default pools the objects of all images: the column pooled.",
        definitions={"instance_accuracy": by(0, 0, 0, pooled=True)},
    ),
    Profile(
        name="dsb2018",
        note="The mean over images of Data Science Bowl 2018, from its description: the IoU must exceed a threshold.",
        definitions={"mean_instance_accuracy": by(strict=True)},
    ),
    Profile(name="snemi3d", definitions={"adapted_rand_error": by(variant="singletons")}),
    Profile(
        name="panopticapi",
        note="PQ of all images together; (mean) is over classes. Its area of a segment is that of a JSON file.",
        definitions={"pq": by(strict=True, pooled=True)},
    ),
    Profile(
        name="conic",
        is_challenge=True,
        note="bPQ is the mean over images, mPQ+ pools the objects of all of them; R² averages the classes. An image "
        "without a nucleus on either side has a bPQ of 0.",
        definitions={
            "mpq_plus": by(formula=formulas.mpq_of_all_classes, pooled=True),
            "bpq": by(0, 0, 0, strict=True),
            "count_r2": by(),
        },
    ),
    Profile(
        name="pannuke",
        is_challenge=True,
        note="Means over images. Papers average the images of each tissue first: --case-table with --by tissue.",
        definitions={"mpq": by(NAN, 0, NAN, strict=True), "bpq": by(NAN, 0, NAN, strict=True)},
    ),
    Profile(
        name="ctc",
        aliases=("ctc-seg",),
        is_challenge=True,
        note="Pools the objects of all frames of a sequence: score each sequence by itself.",
        definitions={"seg": by(pooled=True), "det": by(pooled=True)},
    ),
    Profile(
        name="brats2023_gli",
        aliases=("brats2023", "brats2023_ssa", "brats2023_ped"),
        is_challenge=True,
        note='It scores regions; a label file has them as {"labels": {"WT": [1, 2, 3], "TC": [1, 3], "ET": 3}}.',
        definitions=_brats(3, 50),
    ),
    Profile(name="brats2023_men", is_challenge=True, definitions=_brats(1, 50)),
    Profile(name="brats2023_met", is_challenge=True, definitions=_brats(1, 2)),
    Profile(
        name="brats2024_gli",
        is_challenge=True,
        note=f"Of WT, TC and SNFH; ET is brats2024_gli_et, NETC and RC are brats2024_gli_netc. {_APART}",
        definitions=_brats2024(3, 20, penalty=337.0),
    ),
    Profile(name="brats2024_gli_et", is_challenge=True, note=_APART, definitions=_brats2024(3, 10, penalty=337.0)),
    Profile(
        name="brats2024_gli_netc",
        aliases=("brats2024_gli_rc",),
        is_challenge=True,
        note=_APART,
        definitions=_brats2024(5, 20, penalty=337.0),
    ),
    Profile(name="brats2024_ped", is_challenge=True, definitions=_brats2024(5, 10)),
    Profile(
        name="brats2024_met",
        is_challenge=True,
        note=f"The penalty is the diagonal of the image in voxels. {_APART}",
        definitions=_brats2024(1, 2, penalty="diagonal"),
    ),
    Profile(name="brats2024_ssa", is_challenge=True, note=_APART, definitions=_brats2024(3, 50)),
    Profile(name="brats2024_men", is_challenge=True, definitions=_brats2024(1, 50, group_pred=False)),
    Profile(
        name="brats2024_men_rt",
        is_challenge=True,
        note="False alarms cost nothing. The penalty is the diagonal of the image in voxels.",
        definitions=_brats2024(1, 50, penalty="diagonal", group_pred=False, alarms=False),
    ),
    Profile(
        name="brats2025",
        is_challenge=True,
        note="Dice and HD95 are means over the lesions that are paired; what is missed or invented shows in lesion_f1 "
        "alone. The metastases have other rules for small lesions.",
        definitions={
            "lesionwise_dice": by(formula=formulas.dice_of_pairs),
            "lesionwise_hd95": by(formula=formulas.hd95_of_pairs),
            "lesion_f1": by(formula=formulas.f1_of_pairs),
        },
    ),
    Profile(
        name="autopet",
        is_challenge=True,
        definitions={"dice": by(NAN, 0, 0), "fp_volume_ml": by(**_EDGES), "fn_volume_ml": by(**_EDGES)},
    ),
    Profile(
        name="autopet3",
        is_challenge=True,
        note="A case without a lesion has no Dice and no false negative volume.",
        definitions={
            "dice": by(NAN, 0, NAN),
            "fp_volume_ml": by(**_EDGES),
            "fn_volume_ml": by(NAN, None, NAN, **_EDGES),
        },
    ),
    Profile(
        name="isles2022",
        aliases=("isles",),
        is_challenge=True,
        definitions={
            "dice": by(1, 0, 0),
            "lesion_f1": by(1, 0, 0, formula="rq", **_OVERLAP),
            "absolute_volume_difference_ml": by(),
            "lesion_count_difference": by(formula=formulas.unsigned_count_difference),
        },
    ),
    Profile(
        name="msseg",
        is_challenge=True,
        note="A case without a true lesion has no score, but the number of its false alarms.",
        definitions={
            "dice": by(NAN, 0, NAN),
            "lesion_f1": by(formula=formulas.msseg_f1),
            "lesion_recall": by(formula=formulas.msseg_recall),
            "lesion_precision": by(formula=formulas.msseg_precision),
            "n_lesions_pred": by(formula=formulas.msseg_n_pred),
        },
    ),
    Profile(
        name="wmh2017",
        aliases=("wmh",),
        is_challenge=True,
        note="Pass --ignore-label 2, the other pathology. Outlines are taken slice by slice, across the last axis.",
        definitions={
            "dice": by(NAN, 0, 0),
            "hd95": by(NAN, NAN, ERROR, formula=formulas.in_plane_hd95),
            "absolute_volume_difference_percent": by(ERROR, 100, ERROR),
            "lesion_recall": by(1, 0, 1, **_OVERLAP),
            "lesion_f1": by(1, 0, 0, **_OVERLAP),
        },
    ),
    Profile(
        name="cityscapes",
        is_challenge=True,
        note="IoU of all pixels of the data set together, with --labels cityscapes or cityscapes-train; (mean) is over "
        "classes. iIoU needs --truth-instances: *_gtFine_instanceIds.png.",
        definitions={
            "iou": by(NAN, 0, 0, pooled=True),
            "category_mean_iou": by(pooled=True),
            "instance_weighted_iou": by(mean_size=PerClass(_CITYSCAPES_SIZES), least_id=1000, pooled=True),
        },
    ),
    Profile(
        name="mmseg",
        aliases=("mmsegmentation",),
        is_challenge=True,
        note="All pixels of the data set together: (mean) is mIoU, mAcc (sensitivity) and mDice, pixel_accuracy aAcc.",
        definitions={
            "iou": by(NAN, 0, 0, pooled=True),
            "sensitivity": by(NAN, 0, NAN, pooled=True),
            "dice": by(NAN, 0, 0, pooled=True),
            "pixel_accuracy": by(pooled=True),
        },
    ),
    Profile(
        name="davis2017",
        aliases=("davis",),
        is_challenge=True,
        note="One folder of frames per sequence; (all) is over objects. The first and the last frame are left out, as "
        "where the first one is given. Its decay is wrong beyond 256 frames, and right here.",
        definitions={
            "j_and_f": by(without_ends=True),
            **{f"region_similarity{which}": by(without_ends=True) for which in ("", "_recall", "_decay")},
            **{f"contour_accuracy{which}": by(without_ends=True) for which in ("", "_recall", "_decay")},
        },
    ),
)
