"""Ids and channels that were mixed up are noticed, and what the note offers leads to the right numbers."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import segeval
from segeval.errors import ConfigError
from segeval.evidence.overlap.counts_numpy import joint_histogram
from segeval.evidence.overlap.mixed_ids import mixed_ids
from segeval.options import ScoreOptions
from segeval.verbs.doctor import audit

TRUTH = np.zeros((12, 12), np.uint8)
TRUTH[1:6, 1:6], TRUTH[1:6, 7:11], TRUTH[7:11, 1:11] = 1, 2, 3
PRED = np.roll(TRUTH, 1, axis=1)


def moved(table: dict[int, int], labels: np.ndarray = PRED) -> np.ndarray:
    return np.vectorize(lambda label: table.get(int(label), int(label)))(labels).astype(np.uint8)


def dice(pred: Any, truth: Any, **options: Any) -> tuple[list[float], list[str]]:
    found = segeval.score(pred, truth, measures=["dice"], bootstrap=0, **options)
    assert found.facts is not None
    return [row.values["dice"] for row in found.class_rows], list(found.facts["warnings"])


RIGHT, _ = dice(PRED, TRUTH)

MIXED = {
    "swapped": {1: 2, 2: 1},
    "turned": {1: 2, 2: 3, 3: 1},
    "shifted up": {1: 2, 2: 3, 3: 4},
    "shifted down": {0: 9, 1: 0, 2: 1, 3: 2},
    "one": {3: 255},
}


@pytest.mark.parametrize("table", MIXED.values(), ids=MIXED.keys())
def test_mixed_ids_are_noted_with_a_mapping_that_is_right(table: dict[int, int]) -> None:
    pred = moved(table)
    wrong, notes = dice(pred, TRUTH)
    note = next(note for note in notes if "--pred-ids" in note)
    mapping = re.search(r"--pred-ids ([0-9=,]+)", note)
    assert mapping is not None
    values, left = dice(pred, TRUTH, pred_ids=mapping[1])
    assert values == pytest.approx(RIGHT)
    assert not any("--pred-ids" in note for note in left)
    assert wrong != values


def test_a_single_class_under_another_id_is_noted_however_bad(tmp_path: Path) -> None:
    pred, truth = (TRUTH == 1).astype(np.uint8) * 255, np.roll(TRUTH == 1, 3, axis=0).astype(np.uint8)
    _, notes = dice(pred, truth)
    assert any("pass --pred-ids 255=1 if they mean the same" in note for note in notes)
    values, _ = dice(pred, truth, pred_ids={255: 1})
    assert values == pytest.approx([0.4])  # 5 x 5 voxels, 2 x 5 of them shared: 20 / 50


def test_right_ids_are_left_alone() -> None:
    for pred in (PRED, np.zeros_like(PRED), np.roll(TRUTH, 3, axis=0), moved({3: 0})):
        assert mixed_ids(joint_histogram(truth=TRUTH, pred=pred)) == {}


def test_the_audit_notices_too(tmp_path: Path) -> None:
    for side, labels in (("pred", moved({1: 2, 2: 1})), ("truth", TRUTH)):
        (tmp_path / side).mkdir()
        np.save(tmp_path / side / "a.npy", labels)
    notes = audit(tmp_path / "pred", tmp_path / "truth", ScoreOptions()).notes
    assert any("pass --pred-ids 1=2,2=1" in note for note in notes)


def softmax(*order: int) -> np.ndarray:
    """Probabilities whose channels are of these ids."""
    return np.stack([(label == PRED) * 0.7 + 0.075 for label in order]).astype(np.float32)


def test_permuted_channels_are_noted_with_the_order_that_is_right() -> None:
    pred = softmax(0, 2, 3, 1)
    _, notes = dice(pred, TRUTH)
    order = next(match[1] for note in notes if (match := re.search(r"pass --channels ([^ ]+) if", note)))
    assert order == "background,2,3,1"
    values, left = dice(pred, TRUTH, channels=order)
    assert values == pytest.approx(RIGHT)
    assert not any("--channels" in note for note in left)


def test_the_order_of_the_labels_does_not_permute_channels() -> None:
    for labels in ({2: "b", 1: "a", 3: "c"}, "2=b,3=c,1=a", {"b": 2, "a": 1, "c": 3}):
        found = segeval.score(softmax(0, 1, 2, 3), TRUTH, measures=["dice"], bootstrap=0, labels=labels)
        by_name = {row.of.name: row.values["dice"] for row in found.class_rows}
        assert by_name == pytest.approx(dict(zip("abc", RIGHT, strict=True)))


def test_ids_of_maps_cannot_be_moved() -> None:
    with pytest.raises(ConfigError, match="--pred-ids: predictions are maps"):
        dice(softmax(0, 1, 2, 3), TRUTH, pred_ids={1: 2})
    for wrong in ("1", "1=2,1=3", "1=2,3"):
        with pytest.raises(ConfigError, match="--pred-ids"):
            dice(PRED, TRUTH, pred_ids=wrong)


def test_one_file_on_both_sides_is_noted(tmp_path: Path) -> None:
    (tmp_path / "masks").mkdir()
    np.save(tmp_path / "masks" / "a.npy", TRUTH)
    (tmp_path / "link").symlink_to(tmp_path / "masks")
    for pred in ("masks", "link"):
        values, notes = dice(tmp_path / pred, tmp_path / "masks")
        assert values == [1, 1, 1]
        assert any("prediction and truth are the same file, so everything is perfect: a" in note for note in notes)
