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


# classes on the side of the truth, and on both


def truth_channels(pairs: Pairs) -> dict[str, list[str]]:
    return {one.case_id: sorted(one.truth_channels) for one in pairs.pairs}


ORGANS = ("s1/liver.nii.gz", "s1/spleen.nii.gz", "s2/liver.nii.gz", "s2/spleen.nii.gz")


def test_truths_in_folders_called_like_a_prediction_are_put_together(tmp_path: Path) -> None:
    pred = fill(tmp_path / "pred", "s1.nii.gz", "s2.nii.gz")
    found = find_pairs(pred, fill(tmp_path / "gt", *ORGANS))
    assert truth_channels(found) == {"s1": ["liver", "spleen"], "s2": ["liver", "spleen"]}
    nested = fill(tmp_path / "nested", "s1/segmentations/liver.nii.gz", "s1/segmentations/spleen.nii.gz")
    assert truth_channels(find_pairs(pred, nested))["s1"] == ["liver", "spleen"]


def test_words_that_come_back_in_every_folder_of_both_sides_are_classes(tmp_path: Path) -> None:
    found = find_pairs(fill(tmp_path / "pred", *ORGANS), fill(tmp_path / "gt", *ORGANS))
    assert truth_channels(found) == {"s1": ["liver", "spleen"], "s2": ["liver", "spleen"]}
    assert {one.case_id: sorted(one.channels) for one in found.pairs} == truth_channels(found)
    assert (
        "each folder is one case with a file per class (liver, spleen). If each file is a case, pass" in found.notes[0]
    )
    pattern = "{case}.nii.gz"
    apart = find_pairs(tmp_path / "pred", tmp_path / "gt", pred_pattern=pattern, truth_pattern=pattern)
    assert [one.case_id for one in apart.pairs] == ["s1/liver", "s1/spleen", "s2/liver", "s2/spleen"]


@pytest.mark.parametrize(
    "names",
    [
        ("a/001.nii.gz", "a/002.nii.gz", "b/001.nii.gz", "b/002.nii.gz"),
        ("a/case_1.nii.gz", "a/case_2.nii.gz", "b/case_1.nii.gz", "b/case_2.nii.gz"),
        ("a/anna.nii.gz", "a/bob.nii.gz", "b/carl.nii.gz"),
        ("a/anna.nii.gz", "a/bob.nii.gz"),
        ("anna.nii.gz", "bob.nii.gz"),
        ("a/seg.nii.gz", "b/seg.nii.gz"),
    ],
)
def test_sites_with_cases_of_their_own_are_left_alone(tmp_path: Path, names: tuple[str, ...]) -> None:
    found = find_pairs(fill(tmp_path / "pred", *names), fill(tmp_path / "gt", *names))
    assert [one.case_id for one in found.pairs] == [name.removesuffix(".nii.gz") for name in names]
    assert found.notes == ()


@pytest.mark.parametrize("folder", ["s1/", ""])
def test_organs_of_a_single_case_are_known_by_their_names(tmp_path: Path, folder: str) -> None:
    names = (f"{folder}left_kidney.nii.gz", f"{folder}vertebrae_L1.nii.gz")
    found = find_pairs(fill(tmp_path / "pred", *names), fill(tmp_path / "gt", *names))
    assert truth_channels(found) == {"s1" if folder else "gt": ["left_kidney", "vertebrae_L1"]}
    other = (f"{folder}core.nii.gz", f"{folder}rim.nii.gz")
    found = find_pairs(fill(tmp_path / "p", *other), fill(tmp_path / "t", *other), class_names=["core", "rim"])
    assert truth_channels(found) == {"s1" if folder else "t": ["core", "rim"]}


def test_a_pattern_names_the_classes_of_truths(tmp_path: Path) -> None:
    gt = fill(tmp_path / "gt", "x/s1/masks/liver.nii.gz", "x/s1/masks/left_kidney.nii.gz", "x/s1/ct.nii.gz")
    pred = fill(tmp_path / "pred", "s1.nii.gz")
    found = find_pairs(pred, gt, truth_files="x/{case}/masks/{class}.nii.gz")
    assert truth_channels(found) == {"s1": ["left_kidney", "liver"]}
    assert any("not named like" in note and "ct.nii.gz" in note for note in found.notes)


def test_patterns_of_both_sides_need_a_border_between_case_and_class(tmp_path: Path) -> None:
    names = ("a_b_left_kidney.nii.gz", "a_b_liver.nii.gz")
    sides = fill(tmp_path / "pred", *names), fill(tmp_path / "gt", *names)
    pattern = "{case}_{class}.nii.gz"
    with pytest.raises(ConfigError, match=r"nothing tells where the case ends .* Name the classes with --labels"):
        find_pairs(*sides, channel_files=pattern, truth_files=pattern)
    found = find_pairs(
        *sides, channel_files=pattern, truth_files=pattern, class_names=["kidney", "left_kidney", "liver"]
    )
    assert truth_channels(found) == {"a_b": ["left_kidney", "liver"]}
    in_folders = fill(tmp_path / "in", *ORGANS)
    pattern = "{case}/{class}.nii.gz"
    assert truth_channels(find_pairs(in_folders, in_folders, channel_files=pattern, truth_files=pattern)) == {
        "s1": ["liver", "spleen"],
        "s2": ["liver", "spleen"],
    }


def test_a_preview_beside_masks_is_passed_over_and_said(tmp_path: Path, truth: Path) -> None:
    names = ("case_1/a.nii.gz", "case_1/b.nii.gz", "case_1/preview_total.png", "case_1/statistics.json")
    found = find_pairs(fill(tmp_path / "pred", *names), truth)
    assert channels(found) == {"case_1": {"a": "a.nii.gz", "b": "b.nii.gz"}}
    assert any("passed over 1 (a preview): case_1/preview_total.png" in note for note in found.notes)
    pictures = fill(tmp_path / "png", "preview_1.png", "preview_2.png")
    assert [one.case_id for one in find_pairs(pictures, pictures).pairs] == ["preview_1", "preview_2"]


@pytest.mark.parametrize(
    ("names", "said"),
    [
        ("s_1_liver s_1_kidney_left s_2_liver s_2_kidney_left", "files that begin alike are one case with a file per"),
        ("liver/s_1 liver/s_2 kidney_left/s_1 kidney_left/s_2", "each folder is a class (kidney_left, liver)"),
    ],
)
def test_two_organs_of_one_case_are_never_two_cases(tmp_path: Path, names: str, said: str) -> None:
    files = [f"{name}.nii.gz" for name in names.split()]
    found = find_pairs(fill(tmp_path / "pred", *files), fill(tmp_path / "truth", *files))
    assert [one.case_id for one in found.pairs] == ["s_1", "s_2"]
    assert all({*one.channels} == {*one.truth_channels} == {"liver", "kidney_left"} for one in found.pairs)
    note = found.notes[0]
    assert said in note
    pattern = "{case}.nii.gz"
    assert f"If each file is a case, pass --pred-pattern '{pattern}' --truth-pattern '{pattern}'" in note
    apart = find_pairs(tmp_path / "pred", tmp_path / "truth", pred_pattern=pattern, truth_pattern=pattern)
    assert [one.case_id for one in apart.pairs] == sorted(names.split())


@pytest.mark.parametrize(
    "names", ["spine_x mesh evalseg", "liver_1 liver_2 liver_3", "a_liver b_liver c_liver", "brain/a lung/b", "x/a y/a"]
)
def test_cases_that_are_called_after_an_organ_or_a_site_stay_cases(tmp_path: Path, names: str) -> None:
    files = [f"{name}.nii.gz" for name in names.split()]
    found = find_pairs(fill(tmp_path / "pred", *files), fill(tmp_path / "truth", *files))
    if "liver" not in names:
        assert [one.case_id for one in found.pairs] == sorted(names.split())
    assert len({(*one.channels,) for one in found.pairs}) == 1
