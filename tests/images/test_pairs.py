"""Who belongs to whom, on real folders."""

import os
import unicodedata
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from segeval.errors import ConfigError, DataError
from segeval.files.suffixes import image_suffix, stem
from segeval.images.pairing.pairs import Pair, Pairs, find_pairs, missing_message


def fill(folder: Path, *names: str) -> Path:
    """A folder with empty files of these names: pairing never opens an image."""
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
    return folder


@pytest.fixture
def pred(tmp_path: Path) -> Path:
    (tmp_path / "pred").mkdir()
    return tmp_path / "pred"


@pytest.fixture
def truth(tmp_path: Path) -> Path:
    (tmp_path / "truth").mkdir()
    return tmp_path / "truth"


def ids(pairs: Pairs) -> list[str]:
    return [one.case_id for one in pairs.pairs]


@pytest.mark.parametrize(
    ("name", "suffix", "expected"),
    [
        ("liver.v2.nii.gz", ".nii.gz", "liver.v2"),
        ("a.NII.GZ", ".nii.gz", "a"),
        ("a.PNG", ".png", "a"),
        ("a.npz", ".npz", "a"),
        ("notes.txt", None, "notes"),
        ("a.gz", None, "a"),
    ],
)
def test_a_suffix_is_told_by_the_name(name: str, suffix: str | None, expected: str) -> None:
    assert image_suffix(Path(name)) == suffix
    assert stem(Path("folder") / name) == expected


# two folders


def test_files_of_one_name_are_a_pair_whatever_their_format(pred: Path, truth: Path) -> None:
    fill(pred, "b.nii.gz", "a.png")
    fill(truth, "a.npy", "b.nii")
    assert find_pairs(pred, truth).pairs == (
        Pair(case_id="a", pred=pred / "a.png", truth=truth / "a.npy"),
        Pair(case_id="b", pred=pred / "b.nii.gz", truth=truth / "b.nii"),
    )


def test_nested_folders_are_part_of_the_case_id(pred: Path, truth: Path) -> None:
    for side in (pred, truth):
        fill(side, "site2/a.nii.gz", "site1/day 1/a.nii.gz", "a.nii.gz")
    assert ids(find_pairs(pred, truth)) == ["a", "site1/day 1/a", "site2/a"]


def test_dots_in_a_name_stay(pred: Path, truth: Path) -> None:
    for side in (pred, truth):
        fill(side, "p.1.nii.gz", "p.2.nii.gz")
    assert ids(find_pairs(pred, truth)) == ["p.1", "p.2"]


def test_missing_sides_are_none_and_listed(pred: Path, truth: Path) -> None:
    fill(pred, "a.png", "only_pred.png")
    fill(truth, "a.png", "only_truth.png")
    pairs = find_pairs(pred, truth)
    assert ids(pairs) == ["a", "only_pred", "only_truth"]
    assert pairs.pairs[1].truth is None
    assert pairs.pairs[2].pred is None
    assert pairs.missing_preds == ("only_truth",)
    assert pairs.missing_truths == ("only_pred",)


def test_the_missing_message_names_every_case(pred: Path, truth: Path) -> None:
    names = [f"case_{i:03d}.png" for i in range(40)]
    fill(truth, *names)
    fill(pred, names[0], "extra.png")
    message = missing_message(find_pairs(pred, truth))
    assert message.startswith("39 of 40 truths have no prediction: case_001, case_002, ")
    assert all(f"case_{i:03d}" in message for i in range(1, 40))
    assert "extra" not in message
    assert "--missing worst|background|skip" in message


def test_files_that_tools_leave_are_no_cases_and_are_noted(pred: Path, truth: Path) -> None:
    fill(pred, "a.nii.gz", "a.npz", "a.pkl", "dataset.json", "plans.json", "summary.json", "read me.txt", ".DS_Store")
    fill(pred, "._a.nii.gz", ".cache/b.nii.gz")
    fill(truth, "a.nii.gz")
    pairs = find_pairs(pred, truth)
    assert pairs.pairs == (Pair(case_id="a", pred=pred / "a.nii.gz", truth=truth / "a.nii.gz"),)
    notes = "\n".join(pairs.notes)
    assert "passed over 1 (probabilities beside a mask): a.npz" in notes
    assert "passed over 5 (no image): a.pkl, dataset.json, plans.json, read me.txt, summary.json" in notes
    assert "passed over 3 (hidden): .DS_Store, ._a.nii.gz, .cache" in notes
    assert str(pred) in notes
    assert str(truth) not in notes


def test_a_long_list_of_passed_over_files_is_cut(pred: Path, truth: Path) -> None:
    fill(pred, "a.png", *(f"{i}.txt" for i in range(9)))
    fill(truth, "a.png")
    assert find_pairs(pred, truth).notes == (
        f"{pred}: passed over 9 (no image): 0.txt, 1.txt, 2.txt, 3.txt, 4.txt and 4 more",
    )


def test_an_npz_without_a_mask_beside_it_is_a_case(pred: Path, truth: Path) -> None:
    fill(pred, "a.npz")
    fill(truth, "a.nii.gz")
    assert find_pairs(pred, truth).pairs[0].pred == pred / "a.npz"


def test_two_files_for_one_case_name_both(pred: Path, truth: Path) -> None:
    fill(pred, "a.nii.gz", "a.png")
    fill(truth, "a.nii.gz")
    with pytest.raises(DataError, match=r"a\.nii\.gz and .*a\.png both belong to case 'a'"):
        find_pairs(pred, truth)


def test_names_in_either_unicode_form_pair(pred: Path, truth: Path) -> None:
    fill(pred, unicodedata.normalize("NFD", "größe/ä é.nii.gz"))
    fill(truth, unicodedata.normalize("NFC", "größe/ä é.nii.gz"))
    pairs = find_pairs(pred, truth)
    assert ids(pairs) == [unicodedata.normalize("NFC", "größe/ä é")]
    assert pairs.pairs[0].pred is not None
    assert pairs.pairs[0].pred.exists()


@pytest.mark.parametrize(
    "name", ["two words", "line\nbreak", "=1+1", "-rf", "@x", "表.v1", "[a-b]*?", "tab\there", "{x}"]
)
def test_odd_names_pair(pred: Path, truth: Path, name: str) -> None:
    for side in (pred, truth):
        fill(side, f"{name}.png")
    assert ids(find_pairs(pred, truth)) == [name]


def test_a_name_that_is_no_utf_8_gets_an_id_that_can_be_written(pred: Path, truth: Path) -> None:
    for side in (pred, truth):
        try:
            fill(side, os.fsdecode(b"caf\xe9.png"))
        except OSError:
            pytest.skip("this file system takes only UTF-8 names")
    assert ids(find_pairs(pred, truth)) == ["caf\\udce9"]


def test_a_message_stays_on_its_line_when_a_name_has_a_line_break(pred: Path, truth: Path) -> None:
    fill(truth, "a.png", "line\nbreak.png")
    fill(pred, "a.png")
    assert "no prediction: line\\nbreak." in missing_message(find_pairs(pred, truth))


def test_the_order_is_that_of_the_ids_and_not_of_the_disk(
    pred: Path, truth: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = [f"{folder}/{i}.png" for folder in ("b", "a", "a-b", "a/c") for i in (10, 9, 1)]
    fill(truth, *reversed(names))
    fill(pred, *names, "a/x.txt", "b/x.txt")
    first = find_pairs(pred, truth)
    assert ids(first) == sorted(ids(first))
    iterdir = Path.iterdir
    monkeypatch.setattr(Path, "iterdir", lambda folder: iter(sorted(iterdir(folder), key=lambda path: path.name[::-1])))
    assert find_pairs(pred, truth) == first
    monkeypatch.setattr(Path, "iterdir", lambda folder: iter(sorted(iterdir(folder), reverse=True)))
    assert find_pairs(pred, truth) == first


def test_an_empty_folder_is_a_data_error(pred: Path, truth: Path) -> None:
    fill(truth, "a.png")
    with pytest.raises(DataError, match="pred: this folder is empty"):
        find_pairs(pred, truth)


def test_a_folder_without_masks_says_what_it_holds(pred: Path, truth: Path) -> None:
    fill(pred, "a.txt")
    fill(truth, "a.png")
    with pytest.raises(DataError, match=r"no mask in here, only other files \(1\), such as a\.txt"):
        find_pairs(pred, truth)


def test_no_pair_at_all_shows_a_name_of_each_side(pred: Path, truth: Path) -> None:
    fill(pred, "a_pred.png")
    fill(truth, "a.png", "b.png")
    with pytest.raises(DataError, match=r"1 predictions such as 'a_pred' in .* 2 truths such as 'a' .*--pred-pattern"):
        find_pairs(pred, truth)


def test_a_folder_against_itself_pairs(truth: Path) -> None:
    fill(truth, "a.png", "b.png")
    pairs = find_pairs(truth, truth)
    assert ids(pairs) == ["a", "b"]
    assert pairs.missing_preds == pairs.missing_truths == ()


def test_predictions_inside_the_truth_folder_are_no_truths(truth: Path) -> None:
    fill(truth, "a.png", "b.png", "model/a.png", "model/b.png")
    pairs = find_pairs(truth / "model", truth)
    assert ids(pairs) == ["a", "b"]
    assert pairs.missing_preds == ()


# links and unreadable folders


def test_links_to_files_and_folders_are_followed(tmp_path: Path, pred: Path, truth: Path) -> None:
    fill(tmp_path / "store", "a.png", "sub/b.png")
    (pred / "sub").symlink_to(tmp_path / "store" / "sub", target_is_directory=True)
    (pred / "a.png").symlink_to(tmp_path / "store" / "a.png")
    fill(truth, "a.png", "sub/b.png")
    assert ids(find_pairs(pred, truth)) == ["a", "sub/b"]


def test_one_folder_linked_twice_gives_two_sets_of_cases(tmp_path: Path, pred: Path, truth: Path) -> None:
    fill(tmp_path / "store", "a.png")
    for fold in ("fold_0", "fold_1"):
        (pred / fold).symlink_to(tmp_path / "store", target_is_directory=True)
        fill(truth, f"{fold}/a.png")
    assert ids(find_pairs(pred, truth)) == ["fold_0/a", "fold_1/a"]


def test_a_circle_of_links_ends_and_is_noted(pred: Path, truth: Path) -> None:
    fill(pred, "a.png", "sub/b.png")
    (pred / "sub" / "up").symlink_to(pred, target_is_directory=True)
    (pred / "here").symlink_to(".", target_is_directory=True)
    fill(truth, "a.png", "sub/b.png")
    pairs = find_pairs(pred, truth)
    assert ids(pairs) == ["a", "sub/b"]
    assert pairs.notes == (f"{pred}: passed over 2 (a link to a folder above it): here, sub/up",)


def test_folders_that_link_to_each_other_end(pred: Path, truth: Path) -> None:
    for side in (pred, truth):
        fill(side, "x/a.png", "y/b.png")
    (pred / "x" / "other").symlink_to(pred / "y", target_is_directory=True)
    (pred / "y" / "other").symlink_to(pred / "x", target_is_directory=True)
    assert ids(find_pairs(pred, truth)) == ["x/a", "x/other/b", "y/b", "y/other/a"]


def test_a_broken_mask_link_is_left_to_its_reader(pred: Path, truth: Path) -> None:
    fill(truth, "a.png", "b.png", "c.png")
    fill(pred, "a.png")
    (pred / "b.png").symlink_to(pred / "nowhere.png")
    (pred / "c.png").symlink_to("c.png")
    assert ids(find_pairs(pred, truth)) == ["a", "b", "c"]
    assert find_pairs(pred, truth).missing_preds == ()


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_a_named_pipe_is_no_case(pred: Path, truth: Path) -> None:
    fill(truth, "a.png")
    fill(pred, "a.png")
    os.mkfifo(pred / "b.png")
    pairs = find_pairs(pred, truth)
    assert ids(pairs) == ["a"]
    assert "neither file nor folder" in pairs.notes[0]


def test_an_unreadable_folder_is_an_error_and_not_a_missing_case(
    pred: Path, truth: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for side in (pred, truth):
        fill(side, "a.png", "locked/b.png")
    monkeypatch.setattr(Path, "iterdir", refusing(Path.iterdir, pred / "locked"))
    with pytest.raises(DataError, match=r"locked: this folder cannot be read \(Permission denied\)"):
        find_pairs(pred, truth)


def refusing(iterdir: Callable[[Path], Iterator[Path]], locked: Path) -> Callable[[Path], Iterator[Path]]:
    def refuse(folder: Path) -> Iterator[Path]:
        if folder == locked:
            raise PermissionError(13, "Permission denied", str(folder))
        return iterdir(folder)

    return refuse


# patterns


def test_patterns_say_where_the_case_id_stands(pred: Path, truth: Path) -> None:
    fill(pred, "a_pred.nii.gz", "b_pred.nii.gz", "a_prob.nii.gz")
    fill(truth, "a/seg.nii.gz", "b/seg.nii.gz", "b/image.nii.gz")
    pairs = find_pairs(pred, truth, pred_pattern="{case}_pred.nii.gz", truth_pattern="{case}/seg.nii.gz")
    assert pairs.pairs == (
        Pair(case_id="a", pred=pred / "a_pred.nii.gz", truth=truth / "a" / "seg.nii.gz"),
        Pair(case_id="b", pred=pred / "b_pred.nii.gz", truth=truth / "b" / "seg.nii.gz"),
    )
    assert f"{pred}: passed over 1 (not named like {{case}}_pred.nii.gz): a_prob.nii.gz" in pairs.notes
    assert f"{truth}: passed over 1 (not named like {{case}}/seg.nii.gz): b/image.nii.gz" in pairs.notes


def test_a_pattern_reaches_into_nested_folders(pred: Path, truth: Path) -> None:
    fill(pred, "ulm/ulm_0_leftImg8bit.png")
    fill(truth, "ulm/ulm_0_gtFine_labelIds.png", "ulm/ulm_0_gtFine_color.png")
    pairs = find_pairs(pred, truth, pred_pattern="{case}_leftImg8bit.png", truth_pattern="{case}_gtFine_labelIds.png")
    assert ids(pairs) == ["ulm/ulm_0"]


def test_a_star_stands_for_any_folder_name(pred: Path, truth: Path) -> None:
    fill(pred, "ulm_0_x.png", "bonn_1_x.png")
    fill(truth, "ulm/ulm_0_ids.png", "bonn/bonn_1_ids.png")
    assert ids(find_pairs(pred, truth, pred_pattern="{case}_x.png", truth_pattern="*/{case}_ids.png")) == [
        "bonn_1",
        "ulm_0",
    ]


def test_a_case_id_may_stand_in_a_pattern_twice(pred: Path, truth: Path) -> None:
    fill(pred, "a/a_seg.png", "b/a_seg.png")
    fill(truth, "a.png")
    assert ids(find_pairs(pred, truth, pred_pattern="{case}/{case}_seg.png")) == ["a"]


def test_patterns_are_no_regular_expressions(pred: Path, truth: Path) -> None:
    fill(pred, "a+(1).png", "aa1xpng.png")
    fill(truth, "a.png")
    assert ids(find_pairs(pred, truth, pred_pattern="{case}+(1).png")) == ["a"]


def test_both_sides_may_lie_in_one_folder(truth: Path) -> None:
    fill(truth, "a.png", "a_pred.png", "b.png", "b_pred.png")
    for truth_pattern in (None, "{case}.png"):
        pairs = find_pairs(truth, truth, pred_pattern="{case}_pred.png", truth_pattern=truth_pattern)
        assert pairs.pairs == (
            Pair(case_id="a", pred=truth / "a_pred.png", truth=truth / "a.png"),
            Pair(case_id="b", pred=truth / "b_pred.png", truth=truth / "b.png"),
        )


def test_a_pattern_can_choose_the_npz_beside_a_mask(pred: Path, truth: Path) -> None:
    fill(pred, "a.nii.gz", "a.npz")
    fill(truth, "a.nii.gz")
    assert find_pairs(pred, truth, pred_pattern="{case}.npz").pairs[0].pred == pred / "a.npz"


def test_two_files_that_a_pattern_gives_one_id_are_an_error(pred: Path, truth: Path) -> None:
    fill(pred, "x/a.png", "y/a.png")
    fill(truth, "a.png")
    with pytest.raises(DataError, match="both belong to case 'a'"):
        find_pairs(pred, truth, pred_pattern="*/{case}.png")


@pytest.mark.parametrize("pattern", ["seg.nii.gz", "", "{case_seg.png", "{id}.png", "{case}_{class}.nii.gz"])
def test_a_pattern_needs_the_case_field_and_no_other(pred: Path, truth: Path, pattern: str) -> None:
    for side in (pred, truth):
        fill(side, "a.png")
    with pytest.raises(ConfigError, match=r"--truth-pattern .* Write {case} alone"):
        find_pairs(pred, truth, truth_pattern=pattern)


def test_a_pattern_must_end_like_an_image(pred: Path, truth: Path) -> None:
    for side in (pred, truth):
        fill(side, "a_pred.png")
    with pytest.raises(ConfigError, match=r"--pred-pattern '{case}_pred': it must end like an image file: \.nii\.gz"):
        find_pairs(pred, truth, pred_pattern="{case}_pred")


def test_a_pattern_that_nothing_fits_shows_a_name_that_is_there(pred: Path, truth: Path) -> None:
    for side in (pred, truth):
        fill(side, "a_seg.png", ".hidden")
    with pytest.raises(DataError, match=r"such as a_seg\.png \(not named like {case}_pred\.png\)"):
        find_pairs(pred, truth, pred_pattern="{case}_pred.png")


# two files, and wrong arguments


def test_two_files_are_one_case_with_the_name_of_the_prediction(tmp_path: Path) -> None:
    fill(tmp_path, "p/a.nii.gz", "t/a.png", "t/gt.png")
    assert ids(find_pairs(tmp_path / "p/a.nii.gz", tmp_path / "t/a.png")) == ["a"]
    pairs = find_pairs(tmp_path / "p/a.nii.gz", tmp_path / "t/gt.png")
    assert pairs.pairs == (Pair(case_id="a", pred=tmp_path / "p/a.nii.gz", truth=tmp_path / "t/gt.png"),)


def test_patterns_do_not_go_with_two_files(tmp_path: Path) -> None:
    fill(tmp_path, "a.png", "b.png")
    with pytest.raises(ConfigError, match="--pred-pattern: patterns are for folders"):
        find_pairs(tmp_path / "a.png", tmp_path / "b.png", pred_pattern="{case}.png")


def test_a_file_and_a_folder_do_not_go_together(tmp_path: Path, truth: Path) -> None:
    fill(tmp_path, "a.png")
    with pytest.raises(ConfigError, match=r"PRED .*a\.png is a file and TRUTH .*truth is a folder"):
        find_pairs(tmp_path / "a.png", truth)


@pytest.mark.parametrize("given", [(None, None), ("pred", None), (None, "pred")])
def test_both_sides_are_needed(pred: Path, given: tuple[str | None, str | None]) -> None:
    sides = [pred if name else None for name in given]
    with pytest.raises(ConfigError, match="Name both PRED and TRUTH"):
        find_pairs(*sides)


def test_a_path_that_is_not_there_suggests_the_nearest_name(pred: Path, truth: Path) -> None:
    with pytest.raises(ConfigError, match=r"PRED .*prde: no such file or folder\. Did you mean '.*pred'\?"):
        find_pairs(pred.with_name("prde"), truth)
    with pytest.raises(ConfigError, match=r"TRUTH .*\. Did you mean '.*truth'\?"):
        find_pairs(pred, truth.with_name("truht") / "deeper" / "still")
    with pytest.raises(ConfigError, match=r"no such file or folder\.$"):
        find_pairs(pred, truth.with_name("nothing like it"))


def test_a_path_that_cannot_be_looked_at_is_a_config_error(pred: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be looked at"):
        find_pairs(pred, pred / ("x" * 5000))


def test_a_link_that_leads_nowhere_is_called_so(pred: Path, truth: Path) -> None:
    (pred / "gone").symlink_to(pred / "nowhere")
    (pred / "circle").symlink_to("circle")
    for name in ("gone", "circle"):
        with pytest.raises(ConfigError, match="this link leads nowhere"):
            find_pairs(pred / name, truth)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_a_named_pipe_cannot_be_scored(pred: Path, truth: Path) -> None:
    os.mkfifo(pred / "pipe.png")
    with pytest.raises(ConfigError, match="neither a file nor a folder"):
        find_pairs(pred / "pipe.png", truth)


# --pairs


def manifest(folder: Path, text: str, *, encoding: str = "utf-8") -> Path:
    path = folder / "pairs.csv"
    path.write_bytes(text.encode(encoding))
    return path


def test_a_csv_pairs_by_its_rows_and_counts_paths_from_its_folder(tmp_path: Path) -> None:
    fill(tmp_path, "p/x.nii.gz", "t/y.nii.gz", "p/only.png")
    path = manifest(
        tmp_path, f"case,pred,truth\nb,p/x.nii.gz,{tmp_path / 't/y.nii.gz'}\na,,t/y.nii.gz\nc,p/only.png,\n"
    )
    assert find_pairs(None, None, pairs_csv=path).pairs == (
        Pair(case_id="a", pred=None, truth=tmp_path / "t/y.nii.gz"),
        Pair(case_id="b", pred=tmp_path / "p/x.nii.gz", truth=tmp_path / "t/y.nii.gz"),
        Pair(case_id="c", pred=tmp_path / "p/only.png", truth=None),
    )


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_a_csv_saved_by_a_spreadsheet_is_read(tmp_path: Path, newline: str) -> None:
    fill(tmp_path, "p, 1.png", "ü.png")
    lines = ["site, truth ,pred,case", 'x,ü.png,"p, 1.png",größe', ",,,", "", ""]
    pairs = find_pairs(None, None, pairs_csv=manifest(tmp_path, newline.join(lines), encoding="utf-8-sig"))
    assert pairs.pairs == (Pair(case_id="größe", pred=tmp_path / "p, 1.png", truth=tmp_path / "ü.png"),)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "the first line reads ''"),
        ("case;pred;truth\n", "the first line reads 'case;pred;truth'.*case,pred,truth"),
        ("case,pred\na,a.png\n", "must name the columns case,pred,truth"),
        ("case,pred,truth,pred\n", "each once"),
        ("case,pred,truth\na,a.png,a.png\na,a.png,a.png\n", "line 3: case 'a' stands here a second time"),
        ("case,pred,truth\n,a.png,a.png\n", "line 2: the case cell is empty"),
        ("case,pred,truth\na,,\n", "line 2: case 'a' has no file"),
        ("case,pred,truth\na,a.png\n", "line 2: 2 cells under 3 headings"),
        ("case,pred,truth\na,a.png,a.png,x\n", "line 2: 4 cells under 3 headings"),
        ("case,pred,truth\na,aa.png,a.png\n", r"line 2, pred: .*aa\.png: no such file .*Did you mean '.*a\.png'"),
        ('case,pred,truth\na,"a.png,a.png\n', "cannot be read as CSV"),
    ],
)
def test_a_wrong_csv_says_which_line_and_why(tmp_path: Path, text: str, message: str) -> None:
    fill(tmp_path, "a.png", "folder/b.png")
    with pytest.raises(ConfigError, match=f"pairs.csv.*{message}"):
        find_pairs(None, None, pairs_csv=manifest(tmp_path, text))


def test_a_csv_in_another_encoding_is_refused(tmp_path: Path) -> None:
    path = manifest(tmp_path, "case,pred,truth\nä,a.png,a.png\n", encoding="latin-1")
    with pytest.raises(ConfigError, match="cannot be read as CSV in UTF-8"):
        find_pairs(None, None, pairs_csv=path)


def test_a_csv_that_is_not_there_or_a_folder_is_a_config_error(tmp_path: Path, pred: Path) -> None:
    with pytest.raises(ConfigError, match=r"--pairs .*pairs\.csv: no such file"):
        find_pairs(None, None, pairs_csv=tmp_path / "pairs.csv")
    with pytest.raises(ConfigError, match=r"--pairs .*pred: this is a folder"):
        find_pairs(None, None, pairs_csv=pred)


@pytest.mark.parametrize("rows", ["", "a,,a.png\n", "a,a.png,\nb,,a.png\n"])
def test_a_csv_without_a_whole_pair_is_a_data_error(tmp_path: Path, rows: str) -> None:
    fill(tmp_path, "a.png")
    with pytest.raises(DataError, match="no row has both a prediction and a truth"):
        find_pairs(None, None, pairs_csv=manifest(tmp_path, f"case,pred,truth\n{rows}"))


def test_a_csv_stands_alone(tmp_path: Path, pred: Path) -> None:
    path = manifest(tmp_path, "case,pred,truth\n")
    with pytest.raises(ConfigError, match="PRED, --truth-pattern: not beside --pairs"):
        find_pairs(pred, None, pairs_csv=path, truth_pattern="{case}.png")


def test_a_case_in_two_unicode_forms_is_one_case(tmp_path: Path) -> None:
    fill(tmp_path, "a.png")
    rows = "".join(f"{unicodedata.normalize(form, 'é')},a.png,a.png\n" for form in ("NFC", "NFD"))
    with pytest.raises(ConfigError, match="a second time"):
        find_pairs(None, None, pairs_csv=manifest(tmp_path, f"case,pred,truth\n{rows}"))


@pytest.mark.parametrize(
    ("preds", "truths", "way"),
    [
        (("a_0000.nii.gz", "b_0000.nii.gz"), ("a.nii.gz", "b.nii.gz"), "--pred-pattern '{case}_0000.nii.gz'"),
        (("a.png", "b.png"), ("a_gt.png", "b_gt.png"), "--truth-pattern '{case}_gt.png'"),
        (("x/pred-a.nii", "x/pred-b.nii"), ("a.nii", "b.nii"), "--pred-pattern 'x/pred-{case}.nii'"),
        (("1_0000.nii", "10_0000.nii", "11_0000.nii"), ("1.nii", "10.nii", "11.nii"), "'{case}_0000.nii'"),
        (("x.nii",), ("y.nii",), "--pred-pattern '{case}_pred.nii.gz'"),
    ],
)
def test_the_pattern_that_would_pair_is_proposed(
    tmp_path: Path, preds: tuple[str, ...], truths: tuple[str, ...], way: str
) -> None:
    sides = fill(tmp_path / "pred", *preds), fill(tmp_path / "truth", *truths)
    with pytest.raises(DataError) as caught:
        find_pairs(*sides)
    assert f"{way}." in str(caught.value)
    option, _, pattern = str(caught.value).removesuffix(".").rpartition("in each name: ")[2].partition(" ")
    if len(preds) > 1:
        found = find_pairs(*sides, **{option.strip("-").replace("-", "_"): pattern.strip("'")})
        assert all(pair.pred and pair.truth for pair in found.pairs)


def test_two_files_of_one_case_fail_alone_where_the_others_go_on(tmp_path: Path) -> None:
    sides = fill(tmp_path / "pred", "a.nii", "a.png", "b.nii"), fill(tmp_path / "truth", "a.nii", "b.nii")
    with pytest.raises(DataError, match="both belong to case 'a'"):
        find_pairs(*sides)
    problems = {pair.case_id: pair.problem for pair in find_pairs(*sides, keep_going=True).pairs}
    assert "both belong to case 'a'" in problems["a"]
    assert problems["b"] == ""


def test_voxels_beside_their_header_are_no_files_of_their_own(tmp_path: Path) -> None:
    names = "a.hdr", "a.img", "b.mhd", "b.raw", "c.mhd", "c.zraw", "d.hdr", "d.img.gz"
    for side in ("pred", "truth"):
        (tmp_path / side).mkdir()
        for name in (*names, "e.img"):
            (tmp_path / side / name).touch()
    found = find_pairs(tmp_path / "pred", tmp_path / "truth")
    assert [one.case_id for one in found.pairs] == ["a", "b", "c", "d"]
    assert [note.split(": ", 1)[1] for note in found.notes] == ["passed over 1 (no image): e.img"] * 2
