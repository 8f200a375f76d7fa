"""Predictions with one file per class are put together, in folders and by patterns."""

from pathlib import Path

import pytest

from segeval.errors import ConfigError, DataError
from segeval.images.pairing.pairs import Pairs, find_pairs


@pytest.fixture
def truth(tmp_path: Path) -> Path:
    return fill(tmp_path / "truth", "case_1.nii.gz", "case_2.nii.gz")


def fill(folder: Path, *names: str) -> Path:
    """A folder with empty files of these names: pairing never opens an image."""
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
    return folder


def channels(pairs: Pairs) -> dict[str, dict[str, str]]:
    """The files of each case by class, as they lie in their folder."""
    return {
        one.case_id: {name: path.relative_to(one.pred).as_posix() for name, path in one.channels.items()}
        for one in pairs.pairs
        if one.pred is not None
    }


def test_a_folder_called_like_a_truth_holds_the_files_of_its_classes(tmp_path: Path, truth: Path) -> None:
    pred = fill(tmp_path / "pred", "case_1/a.nii.gz", "case_1/b.nii.gz", "case_2/case_2_a.nii.gz", "case_2/b.png")
    found = find_pairs(pred, truth)
    assert channels(found) == {
        "case_1": {"a": "a.nii.gz", "b": "b.nii.gz"},
        "case_2": {"b": "b.png", "a": "case_2_a.nii.gz"},
    }
    assert [one.pred for one in found.pairs] == [pred / "case_1", pred / "case_2"]
    assert found.missing_preds == ()


def test_a_missing_folder_is_a_missing_prediction(tmp_path: Path, truth: Path) -> None:
    pred = fill(tmp_path / "pred", "case_1/a.nii.gz", "case_1/b.nii.gz")
    assert find_pairs(pred, truth).missing_preds == ("case_2",)


def test_a_folder_with_one_image_is_no_set_of_classes(tmp_path: Path, truth: Path) -> None:
    pred = fill(tmp_path / "pred", "case_1/seg.nii.gz", "case_2/seg.nii.gz")
    with pytest.raises(DataError, match="No prediction has the name of a truth"):
        find_pairs(pred, truth)
    assert channels(find_pairs(pred, truth, pred_pattern="{case}/seg.nii.gz")) == {"case_1": {}, "case_2": {}}


def test_folders_below_folders_are_found(tmp_path: Path) -> None:
    truth = fill(tmp_path / "truth", "site/case_1.nii.gz")
    pred = fill(tmp_path / "pred", "site/case_1/a.nii", "site/case_1/case_1_b.nii")
    assert channels(find_pairs(pred, truth)) == {"site/case_1": {"a": "a.nii", "b": "case_1_b.nii"}}


def test_predictions_may_lie_within_the_truths(tmp_path: Path, truth: Path) -> None:
    pred = fill(truth / "pred", "case_1/a.nii.gz", "case_1/b.nii.gz", "case_2/a.nii.gz", "case_2/b.nii.gz")
    assert [one.case_id for one in find_pairs(pred, truth).pairs] == ["case_1", "case_2"]


@pytest.mark.parametrize(
    ("pattern", "names"),
    [
        ("{case}_{class}.nii.gz", ("case_1_left_kidney.nii.gz", "case_1_1.nii.gz", "case_2_1.nii.gz")),
        ("{class}/{case}.nii.gz", ("left_kidney/case_1.nii.gz", "1/case_1.nii.gz", "1/case_2.nii.gz")),
        ("{case}/{case}_{class}.png", ("case_1/case_1_left_kidney.png", "case_1/case_1_1.png", "case_2/case_2_1.png")),
        ("{case}/*/{class}.nii", ("case_1/x/left_kidney.nii", "case_1/y/1.nii", "case_2/z/1.nii")),
    ],
)
def test_a_pattern_tells_case_and_class_apart(
    tmp_path: Path, truth: Path, pattern: str, names: tuple[str, ...]
) -> None:
    pred = fill(tmp_path / "pred", *names, "notes.txt", "other.nii.gz")
    found = find_pairs(pred, truth, channel_files=pattern)
    assert {one.case_id: sorted(one.channels) for one in found.pairs} == {
        "case_1": ["1", "left_kidney"],
        "case_2": ["1"],
    }
    assert {path for one in found.pairs for path in one.channels.values()} == {pred / name for name in names}
    assert any(f"not named like {pattern}" in note and "other.nii.gz" in note for note in found.notes)


def test_a_case_id_that_begins_like_another_is_told_apart(tmp_path: Path) -> None:
    truth = fill(tmp_path / "truth", "a.nii", "a_b.nii")
    pred = fill(tmp_path / "pred", "a_c.nii", "a_b_c.nii")
    assert channels(find_pairs(pred, truth, channel_files="{case}_{class}.nii")) == {
        "a": {"c": "a_c.nii"},
        "a_b": {"c": "a_b_c.nii"},
    }


@pytest.mark.parametrize(
    ("pattern", "message"),
    [
        ("{case}.nii.gz", "write {case}, and {class} once"),
        ("{case}_{class}_{class}.nii.gz", "write {case}, and {class} once"),
        ("{class}.nii.gz", "write {case}, and {class} once"),
        ("{case}_{class}.txt", "must end like an image file"),
    ],
)
def test_a_pattern_that_cannot_be_used_is_refused(tmp_path: Path, truth: Path, pattern: str, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        find_pairs(fill(tmp_path / "pred", "a.nii"), truth, channel_files=pattern)
    assert f"--channel-files {pattern!r}: " in str(caught.value)
    assert message in str(caught.value)


def test_channel_files_do_not_go_with_another_pattern_or_single_files(tmp_path: Path, truth: Path) -> None:
    pred = fill(tmp_path / "pred", "a.nii")
    pattern = "{case}_{class}.nii"
    with pytest.raises(ConfigError, match="--pred-pattern: not beside --channel-files"):
        find_pairs(pred, truth, channel_files=pattern, pred_pattern="{case}.nii")
    with pytest.raises(ConfigError, match="--channel-files: patterns are for folders"):
        find_pairs(pred / "a.nii", truth / "case_1.nii.gz", channel_files=pattern)


def test_two_files_of_one_class_and_no_file_at_all_are_refused(tmp_path: Path, truth: Path) -> None:
    pred = fill(tmp_path / "pred", "case_1/a.nii", "case_1/case_1_a.png")
    with pytest.raises(DataError, match=r"a\.nii and .*_a\.png are both of class 'a'"):
        find_pairs(pred, truth)
    with pytest.raises(
        DataError, match=r"no file is named like {case}_{class}.nii with the id of a truth, but case_1/a"
    ):
        find_pairs(pred, truth, channel_files="{case}_{class}.nii")


def test_a_row_of_a_csv_may_name_the_folder_of_a_case(tmp_path: Path, truth: Path) -> None:
    fill(tmp_path / "somewhere", "x_a.nii", "b.nii")
    (tmp_path / "pairs.csv").write_text("case,pred,truth\nx,somewhere,truth/case_1.nii.gz\n")
    assert channels(find_pairs(None, None, pairs_csv=tmp_path / "pairs.csv")) == {"x": {"b": "b.nii", "a": "x_a.nii"}}


@pytest.mark.parametrize(("wants_probs", "suffix"), [(False, ".nii.gz"), (True, ".npz")])
def test_of_a_mask_and_its_npz_the_wanted_one_is_taken(
    tmp_path: Path, truth: Path, wants_probs: bool, suffix: str
) -> None:
    pred = fill(tmp_path / "pred", "case_1.nii.gz", "case_1.npz", "case_1.pkl", "case_2.npz")
    found = find_pairs(pred, truth, wants_probs=wants_probs)
    assert [one.pred for one in found.pairs] == [pred / f"case_1{suffix}", pred / "case_2.npz"]
