"""Masks of single classes are scored as the label image that they make up."""

from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest

import segeval
from segeval.errors import ConfigError, DataError

RNG = np.random.default_rng(5)
TRUTH = RNG.integers(0, 4, (9, 8, 7)).astype(np.uint8)
PRED = np.where(RNG.random(TRUTH.shape) < 0.8, TRUTH, RNG.integers(0, 4, TRUTH.shape)).astype(np.uint8)
NAMES = {1: "liver", 2: "left_kidney", 3: "spleen"}
LABELS = "1=liver,2=left_kidney,3=spleen"


def write(folder: Path, masks: dict[str, np.ndarray], affine: Any = None) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, mask in masks.items():
        nib.save(nib.Nifti1Image(mask, np.eye(4) if affine is None else affine), folder / f"{name}.nii.gz")


def by_class(labels: np.ndarray, *, value: int = 1, dtype: Any = np.uint8) -> dict[str, np.ndarray]:
    return {name: ((labels == label) * value).astype(dtype) for label, name in NAMES.items()}


def dice(pred: Path, truth: Path, **options: Any) -> dict[str, float]:
    found = segeval.score(pred, truth, measures=["dice"], bootstrap=0, **options)
    assert {row.case_id for row in found.class_rows} == {"s1"}
    return {row.of.name: row.values["dice"] for row in found.class_rows}


def expected(*labels: int) -> dict[str, float]:
    """2 |P ∩ T| / (|P| + |T|) of each class, straight from the two label images."""
    return {
        NAMES[label]: 2 * ((label == PRED) & (label == TRUTH)).sum() / ((label == PRED).sum() + (label == TRUTH).sum())
        for label in labels or NAMES
    }


@pytest.mark.parametrize("value", [1, 255, 7])
@pytest.mark.parametrize("sides", ["pred", "truth", "both"])
def test_files_of_classes_score_like_one_label_image(tmp_path: Path, sides: str, value: int) -> None:
    for side, labels in (("pred", PRED), ("truth", TRUTH)):
        if sides in (side, "both"):
            write(tmp_path / side / "s1", by_class(labels, value=value))
        else:
            write(tmp_path / side, {"s1": labels})
    assert dice(tmp_path / "pred", tmp_path / "truth", labels=LABELS) == pytest.approx(expected())
    assert dice(tmp_path / "pred", tmp_path / "truth", labels="3=spleen") == pytest.approx(expected(3))


@pytest.mark.parametrize("dtype", [np.int16, np.float32, np.float64])
def test_masks_of_any_type_are_masks(tmp_path: Path, dtype: Any) -> None:
    write(tmp_path / "pred" / "s1", by_class(PRED, dtype=dtype))
    write(tmp_path / "truth" / "s1", by_class(TRUTH, dtype=dtype))
    assert dice(tmp_path / "pred", tmp_path / "truth") == pytest.approx(expected())


def test_classes_may_share_voxels_on_both_sides(tmp_path: Path) -> None:
    pred = {"whole": PRED > 0, "core": PRED > 1, "rim": PRED == 1}
    truth = {"whole": TRUTH > 0, "core": TRUTH > 1, "rim": TRUTH == 1}
    for side, masks in (("pred", pred), ("truth", truth)):
        write(tmp_path / side / "s1", {name: mask.astype(np.uint8) for name, mask in masks.items()})
    found = dice(tmp_path / "pred", tmp_path / "truth", labels="1=rim,2=core,3=whole")
    wanted = {name: 2 * (pred[name] & truth[name]).sum() / (pred[name].sum() + truth[name].sum()) for name in pred}
    assert found == pytest.approx(wanted)


def test_a_label_image_is_held_against_truths_that_share_voxels(tmp_path: Path) -> None:
    truth = {"a": TRUTH > 0, "b": TRUTH > 1}
    write(tmp_path / "truth" / "s1", {name: mask.astype(np.uint8) for name, mask in truth.items()})
    strange = np.where(PRED == 3, 32768, PRED).astype(np.uint16)  # an id like those of shared voxels means nothing
    write(tmp_path / "pred", {"s1": strange})
    found = dice(tmp_path / "pred", tmp_path / "truth", labels="1=a,2=b")
    assert found == pytest.approx(
        {
            "a": 2 * ((PRED == 1) & truth["a"]).sum() / ((PRED == 1).sum() + truth["a"].sum()),
            "b": 2 * ((PRED == 2) & truth["b"]).sum() / ((PRED == 2).sum() + truth["b"].sum()),
        }
    )


def test_maps_beside_truths_that_share_voxels_are_refused_and_the_way_is_right(tmp_path: Path) -> None:
    write(tmp_path / "truth" / "s1", {"a": (TRUTH > 0).astype(np.uint8), "b": (TRUTH > 1).astype(np.uint8)})
    maps = {"a": (PRED > 0) * np.float32(0.8) + 0.1, "b": (PRED > 1) * np.float32(0.8) + 0.1}
    write(tmp_path / "pred" / "s1", {name: array.astype(np.float32) for name, array in maps.items()})
    with pytest.raises(DataError, match=r"a and b share voxels.*Name one of them with --labels"):
        dice(tmp_path / "pred", tmp_path / "truth", labels="1=a,2=b")
    (value,) = dice(tmp_path / "pred", tmp_path / "truth", labels="1=a").values()
    assert value == pytest.approx(2 * ((PRED > 0) & (TRUTH > 0)).sum() / ((PRED > 0).sum() + (TRUTH > 0).sum()))


@pytest.mark.parametrize("side", ["pred", "truth"])
def test_a_missing_class_is_told_as_such_and_the_way_is_right(tmp_path: Path, side: str) -> None:
    for name, labels in (("pred", PRED), ("truth", TRUTH)):
        write(tmp_path / name / "s1", by_class(labels))
    (tmp_path / side / "s1" / "spleen.nii.gz").unlink()
    for labels in (None, LABELS):
        with pytest.raises(DataError, match=rf"{side}/s1: has no file of class spleen\. Write a mask without voxels"):
            dice(tmp_path / "pred", tmp_path / "truth", labels=labels)
    assert dice(tmp_path / "pred", tmp_path / "truth", labels="1=liver,2=left_kidney") == pytest.approx(expected(1, 2))
    write(tmp_path / side / "s1", {"spleen": np.zeros_like(TRUTH)})
    assert dice(tmp_path / "pred", tmp_path / "truth", labels=LABELS)["spleen"] == 0


def test_names_without_ids_beside_a_label_image_ask_for_labels(tmp_path: Path) -> None:
    write(tmp_path / "pred", {"s1": PRED})
    write(tmp_path / "truth" / "s1", by_class(TRUTH))
    with pytest.raises(ConfigError, match=r"Say which class has which id with --labels, such as 1=liver,2=spleen"):
        dice(tmp_path / "pred", tmp_path / "truth")
    assert dice(tmp_path / "pred", tmp_path / "truth", labels=LABELS) == pytest.approx(expected())


def test_files_called_by_ids_need_no_labels(tmp_path: Path) -> None:
    write(tmp_path / "pred", {"s1": PRED})
    write(tmp_path / "truth" / "s1", {str(label): (label == TRUTH).astype(np.uint8) for label in NAMES})
    found = dice(tmp_path / "pred", tmp_path / "truth")
    assert found == pytest.approx({str(label): expected()[name] for label, name in NAMES.items()})


def test_a_file_of_several_ids_is_no_mask_and_the_way_scores_it_as_a_case(tmp_path: Path) -> None:
    for case in ("s1", "s2"):
        write(tmp_path / "pred" / case, {"baseline": PRED, "followup": PRED})
        write(tmp_path / "truth" / case, {"baseline": TRUTH, "followup": TRUTH})
    with pytest.raises(DataError, match=r"holds ids 1, 2, 3, but .* pass --pred-pattern '{case}\.nii\.gz' --truth"):
        dice(tmp_path / "pred", tmp_path / "truth")
    pattern = "{case}.nii.gz"
    found = segeval.score(
        tmp_path / "pred", tmp_path / "truth", measures=["dice"], pred_pattern=pattern, truth_pattern=pattern
    )
    assert [row.case_id for row in found.case_rows] == ["s1/baseline", "s1/followup", "s2/baseline", "s2/followup"]
    assert [row.values["dice"] for row in found.class_rows[:3]] == pytest.approx([*expected().values()])


def test_masks_of_one_case_share_one_grid(tmp_path: Path) -> None:
    write(tmp_path / "pred", {"s1": PRED})
    write(tmp_path / "truth" / "s1", by_class(TRUTH))
    write(tmp_path / "truth" / "s1", {"spleen": TRUTH}, affine=np.diag([2.0, 1, 1, 1]))
    with pytest.raises(DataError, match=r"spleen\.nii\.gz: (lies on another grid than|holds ids)"):
        dice(tmp_path / "pred", tmp_path / "truth", labels=LABELS)
    write(tmp_path / "truth" / "s1", {"spleen": (TRUTH == 3).astype(np.uint8)[::-1]}, affine=np.diag([-1.0, 1, 1, 1]))
    flipped = np.diag([-1.0, 1, 1, 1])
    flipped[0, 3] = TRUTH.shape[0] - 1
    write(tmp_path / "truth" / "s1", {"spleen": (TRUTH == 3).astype(np.uint8)[::-1]}, affine=flipped)
    assert dice(tmp_path / "pred", tmp_path / "truth", labels=LABELS) == pytest.approx(expected())


def test_three_hundred_classes_are_put_together(tmp_path: Path) -> None:
    truth = (np.arange(9 * 8 * 7).reshape(9, 8, 7) % 301).astype(np.int32)
    write(tmp_path / "truth", {"s1": truth})
    write(tmp_path / "pred" / "s1", {f"organ_{i}": (truth == i).astype(np.uint8) for i in range(1, 301)})
    found = dice(tmp_path / "pred", tmp_path / "truth", labels={i: f"organ_{i}" for i in range(1, 301)})
    assert len(found) == 300
    assert set(found.values()) == {1.0}


def test_the_audit_knows_classes_of_both_sides(tmp_path: Path) -> None:
    from segeval.options import ScoreOptions
    from segeval.verbs.doctor import audit

    write(tmp_path / "pred" / "s1", by_class(PRED))
    write(tmp_path / "truth" / "s1", by_class(TRUTH))
    found = audit(tmp_path / "pred", tmp_path / "truth", ScoreOptions())
    assert not found.problems
    (finding,) = found.findings
    names = sorted(NAMES.values())  # numbered by the alphabet
    wanted = {names.index(name) + 1: int((label == TRUTH).sum()) for label, name in NAMES.items()}
    assert finding.truth.foreground == dict(sorted(wanted.items()))


def test_predictions_called_by_ids_need_no_labels_either(tmp_path: Path) -> None:
    write(tmp_path / "truth", {"s1": TRUTH})
    write(tmp_path / "pred" / "s1", {str(label): (label == PRED).astype(np.uint8) for label in NAMES})
    found = dice(tmp_path / "pred", tmp_path / "truth")
    assert found == pytest.approx({str(label): expected()[name] for label, name in NAMES.items()})
