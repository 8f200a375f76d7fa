"""What challenges report beside their official code, and beside plain re-tellings of their rules in other libraries.

Lasting differences, each with its setting: picai_eval loses the last point of its curve where no lesion is missed, so
its sensitivity is compared where one is; cellpose and StarDist are asked about images with objects on both sides, since
of empty ones they say different things, which the profiles hold. CTC's tools say 0 of a truth without a cell.
"""

from pathlib import Path

import numpy as np
import pytest
from scipy import ndimage

import segeval
from segeval.choice import choose
from segeval.evidence.case import Case
from segeval.evidence.labels import LabelMap
from segeval.evidence.lesions.instance_maps import InstanceMap
from segeval.results import Results
from segeval.scoring.collect import collect
from segeval.scoring.evaluate import evaluate
from segeval.scoring.plan import Aggregation, Plan
from tests.masks import ONE

SEEDS = range(4)
SPACING = (0.9, 1.2, 3.0)


def results_of(like: str, cases: list[Case]) -> Results:
    plan = Plan(measures=choose((), like=[like]).calls, labels=LabelMap(classes=ONE))
    return collect([evaluate(case, plan) for case in cases], plan, Aggregation(bootstrap=0), {})


def scored(like: str, case: Case) -> dict[str, float]:
    results = results_of(like, [case])
    return {**results.class_rows[0].values, **results.case_rows[0].values}


def values_of(like: str, pred: np.ndarray, truth: np.ndarray) -> dict[str, float]:
    case = Case(case_id="x", pred=pred, truth=truth, spacing_mm=SPACING)
    return {column.partition("[")[0]: value for column, value in scored(like, case).items()}


# detection maps


def detection_maps(seed: int) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Cases with lesions, found well, badly or not at all, and with false alarms; a third of them without a lesion."""
    rng = np.random.default_rng(seed)
    maps, truths = [], []
    for case in range(9):
        found, truth = np.zeros((2, 6, 30, 30))
        for y, x in [(2, 2), (2, 16), (16, 2), (16, 16)]:
            dy, dx, size = rng.integers(0, 4), rng.integers(0, 4), rng.integers(4, 9)
            if case % 3 and rng.random() < 0.6:
                truth[1:5, y : y + size, x : x + size] = 1
            if rng.random() < 0.6:
                found[1:5, y + dy : y + dy + size, x + dx : x + dx + size] = rng.integers(1, 10) / 10
        maps.append(found)
        truths.append(truth)
    return maps, truths


@pytest.mark.parametrize("seed", range(6))
def test_picai_eval_gives_the_same_scores(seed: int) -> None:
    picai_eval = pytest.importorskip("picai_eval", reason="picai_eval is not installed")
    maps, truths = detection_maps(seed)
    # its numbers are float32
    theirs = picai_eval.evaluate(maps, [truth.astype(np.int32) for truth in truths], num_parallel_calls=1)
    ours = segeval.score(
        {str(i): one for i, one in enumerate(maps)},
        {str(i): one.astype(np.uint8) for i, one in enumerate(truths)},
        like=["picai"],
        labels={1: "lesion"},
        pred_kind="probs",
        bootstrap=0,
    )
    assert ours["lesion_average_precision[picai_eval]", "lesion"].pooled == pytest.approx(theirs.AP, abs=1e-7)
    assert ours["case_auroc[picai_eval]", "lesion"].pooled == pytest.approx(theirs.auroc, abs=1e-7)
    assert ours["picai_score[picai_eval]", "lesion"].pooled == pytest.approx(theirs.score, abs=1e-7)
    assert max(theirs.lesion_TPR) < 1, "else its curve lacks a point"
    assert ours["sensitivity_at_fp(fp=1)[picai_eval]", "lesion"].pooled == pytest.approx(
        float(theirs.lesion_TPR_at_FPR(1.0)), abs=1e-7
    )


@pytest.mark.parametrize("how", ["dynamic", "dynamic-fast", "dynamic-v2"])
@pytest.mark.parametrize("seed", SEEDS)
def test_report_guided_annotation_finds_the_same_candidates(how: str, seed: int) -> None:
    theirs = pytest.importorskip("report_guided_annotation", reason="report_guided_annotation is not installed")
    from segeval.evidence.detection.candidates import CandidateRule, CaseCandidates
    from segeval.evidence.lesions.lesions import Lesions
    from segeval.evidence.probabilities.channels import ProbMap

    noise = ndimage.gaussian_filter(np.random.default_rng(seed).random((12, 32, 32)), 2.0)
    probs = np.clip((noise - noise.mean()) * 6, 0, 1)
    blobs, _, _ = theirs.extract_lesion_candidates(probs, threshold=how)
    nothing = np.zeros(probs.shape, dtype=np.uint8)
    ours = CaseCandidates(
        case_id="x", lesions=Lesions.of(nothing, nothing, classes=ONE), maps=(ProbMap(stored=probs),)
    ).found(0, CandidateRule(candidates=how))  # type: ignore[arg-type]
    assert ours is not None
    assert len(ours.parts) > 0
    drawn = np.zeros(probs.shape)
    drawn.flat[ours.parts.index] = ours.confidence[ours.parts.owner]
    np.testing.assert_allclose(drawn, blobs, atol=1e-9)


# cells


def cells(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Cells that touch, the predicted ones moved, cut in two or thrown together."""
    rng = np.random.default_rng(seed)
    y, x = np.indices((40, 44))
    truth = (1 + y // 8 * 6 + x // 8) * ((y % 8 < 7) & (x % 8 < 6 + y // 8 % 2))
    pred = np.roll(truth, rng.integers(0, 2), axis=1)
    pred[rng.random(truth.shape) < 0.03] = 0
    for one in rng.choice(np.unique(truth)[1:], 6, replace=False):
        pred[pred == one] = rng.choice([0, one + 1])
    split = pred == rng.choice(np.unique(pred)[1:])
    pred[split & (y % 2 == 0)] = 99
    return pred, truth


def case_of(name: str, pred: np.ndarray, truth: np.ndarray) -> Case:
    masks = {"pred": (pred > 0).astype(np.uint8), "truth": (truth > 0).astype(np.uint8)}
    return Case(case_id=name, **masks, instances=(InstanceMap(ids=pred), InstanceMap(ids=truth)))


@pytest.mark.parametrize("seed", SEEDS)
def test_cellpose_gives_the_same_precision_and_aggregated_index(seed: int) -> None:
    theirs = pytest.importorskip("cellpose.metrics", reason="cellpose is not installed")
    pred, truth = (np.unique(side, return_inverse=True)[1].reshape(side.shape) for side in cells(seed))
    precision = theirs.average_precision([truth], [pred], threshold=[0.5, 0.75, 0.9])[0][0]
    ours = {column.partition("[")[0]: value for column, value in scored("cellpose", case_of("x", pred, truth)).items()}
    columns = ["instance_accuracy", *(f"instance_accuracy(iou_threshold={at})" for at in (0.75, 0.9))]
    assert [ours[column] for column in columns] == pytest.approx(precision.tolist(), rel=1e-6)  # theirs are float32
    assert ours["aji"] == pytest.approx(float(theirs.aggregated_jaccard_index([truth], [pred])[0]), rel=1e-9)


@pytest.mark.parametrize("seed", SEEDS)
def test_stardist_gives_the_same_scores(seed: int) -> None:
    theirs = pytest.importorskip("stardist.matching", reason="StarDist is not installed")
    pairs = [cells(seed), cells(seed + 100)]
    names = ("lesion_f1", "sq", "pq", "mean_true_score", "lesion_precision", "lesion_recall")
    plan = Plan(measures=choose(names).calls, labels=LabelMap(classes=ONE))
    cases = [case_of(str(i), *sides) for i, sides in enumerate(pairs)]
    for case, (pred, truth) in zip(cases, pairs, strict=True):
        ours = evaluate(case, plan).classes[0].values
        found = theirs.matching(truth, pred, thresh=0.5)
        wanted = (found.f1, found.mean_matched_score, found.panoptic_quality, found.mean_true_score)
        assert [ours[name] for name in names] == pytest.approx([*wanted, found.precision, found.recall], rel=1e-6)
    pooled = theirs.matching_dataset([truth for _, truth in pairs], [pred for pred, _ in pairs], show_progress=False)
    assert results_of("stardist", cases).summary[0].pooled == pytest.approx(pooled.accuracy, rel=1e-9)


@pytest.mark.parametrize("seed", SEEDS)
def test_ctc_metrics_gives_the_same_scores(seed: int, tmp_path: Path) -> None:
    representations = pytest.importorskip("ctc_metrics.utils.representations", reason="py-ctcmetrics is not installed")
    from ctc_metrics.metrics.technical.det import det
    from ctc_metrics.metrics.technical.seg import seg
    from tifffile import imwrite

    frames, found = [cells(seed), cells(seed + 50)], []
    for pred, truth in frames:
        for name, side in (("pred", pred), ("truth", truth)):
            imwrite(tmp_path / f"{name}.tif", side.astype(np.uint16))
        found.append(representations.match(str(tmp_path / "truth.tif"), str(tmp_path / "pred.tif")))
    labels_ref, labels_comp, mapped_ref, mapped_comp, ious = map(list, zip(*found, strict=True))
    tracks = [
        np.array([[one, one not in side[0], one in side[1], 0] for one in sorted({*side[0], *side[1]})], dtype=int)
        for side in (labels_ref, labels_comp)
    ]
    counts = representations.count_acyclic_graph_correction_operations(
        *tracks, labels_ref, labels_comp, mapped_ref, mapped_comp
    )
    results = results_of("ctc-seg", [case_of(str(i), *sides) for i, sides in enumerate(frames)])
    pooled = {row.column: row.pooled for row in results.summary if row.name == "one"}
    assert pooled["seg[ctc]"] == pytest.approx(seg(labels_ref, ious), rel=1e-9)
    assert pooled["det[ctc]"] == pytest.approx(det(**counts), rel=1e-9)


@pytest.mark.parametrize("seed", SEEDS)
def test_scikit_learn_gives_the_same_r2_of_counts(seed: int) -> None:
    metrics = pytest.importorskip("sklearn.metrics", reason="scikit-learn is not installed")
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, 20, 15)
    pred = np.clip(truth + rng.integers(-3, 4, 15), 0, None)
    cases = [
        Case(case_id=f"{i:02}", pred=dots(p), truth=dots(t)) for i, (p, t) in enumerate(zip(pred, truth, strict=True))
    ]
    rows = [row for row in results_of("conic", cases).summary if row.column == "count_r2[conic]"]
    assert rows[0].pooled == pytest.approx(metrics.r2_score(truth, pred), rel=1e-9)


def dots(n: int) -> np.ndarray:
    image = np.zeros((3, 60), dtype=np.uint8)
    image[1, 1 : 2 * n : 2] = 1
    return image


# lesions


def blobs(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Lesions of many sizes, the predicted ones alike, moved, missing or new."""
    rng = np.random.default_rng(seed)
    fields = [ndimage.gaussian_filter(rng.normal(size=(36, 34, 18)), 1.6) for _ in range(2)]
    truth = fields[0] > 0.11
    pred = np.roll(fields[0] + 0.55 * fields[1] > 0.12, 1, axis=0)
    return pred.astype(np.uint8), truth.astype(np.uint8)


def parts(mask: np.ndarray, n_axes: int) -> list[np.ndarray]:
    """Each connected part, whose voxels touch where they differ along so many axes at most."""
    labels, n = ndimage.label(mask, structure=ndimage.generate_binary_structure(3, n_axes))
    return [labels == one for one in range(1, n + 1)]


@pytest.mark.parametrize("seed", SEEDS)
def test_lesions_of_one_shared_voxel_are_counted_as_the_rules_say(seed: int) -> None:
    pred, truth = blobs(seed)
    found = [bool(pred[one].any()) for one in parts(truth, 3)]
    right = [bool(truth[one].any()) for one in parts(pred, 3)]
    tp, fn, fp = sum(found), len(found) - sum(found), len(right) - sum(right)
    assert fn
    assert fp
    isles = values_of("isles", pred, truth)
    assert isles["lesion_f1"] == pytest.approx(tp / (tp + (fp + fn) / 2))
    assert isles["lesion_count_difference"] == abs(len(found) - len(right))
    recall, precision = np.mean(found), np.mean(right)
    wmh = values_of("wmh", pred, truth)
    assert wmh["lesion_recall"] == pytest.approx(recall)
    assert wmh["lesion_f1"] == pytest.approx(2 * recall * precision / (recall + precision))
    assert wmh["absolute_volume_difference_percent"] == pytest.approx(
        100 * abs(int(pred.sum()) - int(truth.sum())) / truth.sum()
    )
    autopet = values_of("autopet", pred, truth)
    ml = np.prod(SPACING) / 1000
    assert autopet["fp_volume_ml"] == pytest.approx(
        sum(one.sum() for one in parts(pred, 2) if not truth[one].any()) * ml
    )
    assert autopet["fn_volume_ml"] == pytest.approx(
        sum(one.sum() for one in parts(truth, 2) if not pred[one].any()) * ml
    )


@pytest.mark.parametrize("seed", SEEDS)
def test_the_distance_of_wmh_is_that_of_its_steps_in_simpleitk(seed: int) -> None:
    itk = pytest.importorskip("SimpleITK", reason="SimpleITK is not installed")
    from scipy.spatial import cKDTree

    pred, truth = blobs(seed)
    pred[:4], truth[:3] = 1, 1  # cut off by the border of the image
    outlines = []
    for side in (pred, truth):
        image = itk.GetImageFromArray(side.T)
        image.SetSpacing(SPACING)
        rim = itk.GetArrayFromImage(itk.Subtract(image, itk.BinaryErode(image, (1, 1, 0)))).T
        outlines.append(np.argwhere(rim) * SPACING)
    ends = [np.percentile(cKDTree(goal).query(start)[0], 95) for start, goal in (outlines, outlines[::-1])]
    assert values_of("wmh", pred, truth)["hd95"] == pytest.approx(max(ends), rel=1e-9)


BRATS = {"brats2023": (3, 50), "brats2023_men": (1, 50), "brats2023_met": (1, 2), "brats2024_ped": (5, 10)}


@pytest.mark.filterwarnings("ignore:Please import:DeprecationWarning")
@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("like", BRATS)
def test_scores_of_brats_come_out_as_its_rule_says(like: str, seed: int) -> None:
    surface_distance = pytest.importorskip("surface_distance", reason="surface-distance is not installed")
    steps, least = BRATS[like]
    pred, truth = blobs(seed)
    pred[:, 20:] = pred[:, 20:] & (np.random.default_rng(seed).random(pred[:, 20:].shape) < 0.04)  # specks, misses
    truth[:, 15:20] = 0

    def grown(mask: np.ndarray) -> np.ndarray:
        beside = ndimage.generate_binary_structure(3, 2)
        found: np.ndarray = ndimage.binary_dilation(mask, structure=beside, iterations=steps)
        return found

    groups = parts(grown(truth), 3)
    predicted, met = parts(pred, 3), set()
    if like.startswith("brats2024"):
        predicted = [one for group in parts(grown(pred), 3) if (one := group & (pred > 0)).sum() > least]
    dice, distances = [], []
    for group in groups:
        lesion = group & (truth > 0)
        near = [i for i, one in enumerate(predicted) if (one & grown(lesion)).any()]
        met |= {*near}
        if lesion.sum() * np.prod(SPACING) <= least:
            continue
        together = np.any([predicted[i] for i in near], axis=0) if near else np.zeros_like(lesion)
        dice.append(2 * (together & lesion).sum() / (together.sum() + lesion.sum()))
        if near:
            found = surface_distance.compute_surface_distances(lesion, together, SPACING)
            distances.append(surface_distance.compute_robust_hausdorff(found, 95))
        else:
            distances.append(374.0)
    n_alarms = len(predicted) - len(met)
    assert n_alarms or like.startswith("brats2024")
    ours = values_of(like, pred, truth)
    assert ours["lesionwise_dice"] == pytest.approx(sum(dice) / (len(dice) + n_alarms), rel=1e-9)
    assert ours["lesionwise_hd95"] == pytest.approx(
        (sum(distances) + 374 * n_alarms) / (len(distances) + n_alarms), rel=1e-9
    )


@pytest.mark.parametrize("seed", SEEDS)
def test_scikit_learn_gives_the_same_scores_of_pixels(seed: int) -> None:
    metrics = pytest.importorskip("sklearn.metrics", reason="scikit-learn is not installed")
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, 4, (3, 20, 24)).astype(np.uint8)
    pred = np.where(rng.random(truth.shape) < 0.3, rng.integers(0, 4, truth.shape), truth).astype(np.uint8)
    ours = segeval.score(
        dict(zip("abc", pred, strict=True)),
        dict(zip("abc", truth, strict=True)),
        like=["mmseg"],
        labels={0: "road", 1: "car", 2: "sky", 3: "tree"},
        bootstrap=0,
    )
    flat = truth.ravel(), pred.ravel()
    wanted = {
        "iou": metrics.jaccard_score(*flat, average="macro"),
        "sensitivity": metrics.recall_score(*flat, average="macro"),
        "dice": metrics.f1_score(*flat, average="macro"),
    }
    for name, value in wanted.items():
        assert ours[f"{name}[mmseg]", "(mean)"].pooled == pytest.approx(value, rel=1e-9)
    assert ours["pixel_accuracy[mmseg]", "(all)"].pooled == pytest.approx(metrics.accuracy_score(*flat), rel=1e-9)


@pytest.mark.parametrize("seed", SEEDS)
def test_panoptica_gives_the_same_scores_of_pairs(seed: int) -> None:
    """As BraTS 2025 calls it: connected parts, paired for the largest sum of Dice."""
    panoptica = pytest.importorskip("panoptica", reason="panoptica needs an environment of its own")
    pred, truth = blobs(seed)
    evaluator = panoptica.Panoptica_Evaluator(
        expected_input=panoptica.InputType.SEMANTIC,
        instance_approximator=panoptica.ConnectedComponentsInstanceApproximator(),
        instance_matcher=panoptica.MaxBipartiteMatching(matching_metric=panoptica.Metric.DSC, matching_threshold=1e-6),
        instance_metrics=[panoptica.Metric.DSC, panoptica.Metric.HD95],
    )
    theirs = next(iter(evaluator.evaluate(pred, truth, voxelspacing=SPACING, verbose=False).values()))
    ours = values_of("brats2025", pred, truth)
    assert ours["lesionwise_dice"] == pytest.approx(theirs.sq_dsc, rel=1e-9)
    assert ours["lesion_f1"] == pytest.approx(theirs.rq, rel=1e-9)
    assert ours["lesionwise_hd95"] == pytest.approx(theirs.sq_hd95, rel=1e-9)
