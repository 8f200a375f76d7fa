"""`segeval score` with instance maps, and with scores per lesion."""

from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pytest

from tests.cli.given import Done, Run, cell, columns_of, ids, number, rows_of, strict_json, write_cases, write_image
from tests.conftest import golden

GOLDEN = golden("lesions")
HALVES = ids("111100")  # one connected lesion
IN_TWO = ids("112200")  # the same voxels as two


@pytest.fixture
def folders(tmp_path: Path) -> dict[str, Path]:
    """Fixture I of the worked values: a prediction in two halves of one true lesion."""
    return {
        "pred": write_cases(tmp_path / "pred", {"a": HALVES}),
        "truth": write_cases(tmp_path / "truth", {"a": HALVES}),
        "halves": write_cases(tmp_path / "halves", {"a": IN_TWO}),
        "whole": write_cases(tmp_path / "whole", {"a": HALVES}),
    }


def scored(run: Run, folders: dict[str, Path], *more: Any) -> Path:
    done = run("score", folders["pred"], folders["truth"], "-q", *more)
    assert (done.code, done.err) == (0, "")
    return Path("segeval-results")


def refused(run: Run, folders: dict[str, Path], *more: Any, code: int) -> str:
    done = run("score", folders["pred"], folders["truth"], "-q", *more)
    assert done.code == code
    assert not Path("segeval-results", "run.json").exists()
    return done.err


def test_instance_maps_take_the_place_of_connected_components(run: Run, folders: dict[str, Path]) -> None:
    given = ("--pred-instances", folders["halves"], "--truth-instances", folders["whole"])
    out = scored(run, folders, "-m", "lesion", *given)
    want = {"lesion_precision": "precision", "lesion_recall": "recall", "lesion_f1": "f1", "pq": "pq"}
    for column, name in want.items():
        assert number(out / "scores.csv", column, case="a") == pytest.approx(GOLDEN["values"][f"I.{name}"])
    rows = rows_of(out / "lesions.csv")
    assert [(row["side"], row["lesion_id"], row["outcome"], row["matched_ids"]) for row in rows] == [
        ("pred", "1", "tp", "1"),
        ("pred", "2", "fp", ""),
        ("truth", "1", "tp", "1"),
    ]
    assert rows[1]["reason"] == "IoU 0.5 with truth 1, which was matched to pred 1"


def test_without_maps_the_components_are_the_lesions(run: Run, folders: dict[str, Path]) -> None:
    out = scored(run, folders, "-m", "lesion_f1")
    assert [row["side"] for row in rows_of(out / "lesions.csv")] == ["pred", "truth"]
    assert "instances" not in strict_json((out / "run.json").read_text())["definitions"]["lesion_f1"]


def test_one_side_may_be_given_alone(run: Run, folders: dict[str, Path]) -> None:
    out = scored(run, folders, "-m", "n_lesions_pred,n_lesions_truth", "--truth-instances", folders["halves"])
    assert cell(out / "scores.csv", "n_lesions_pred", case="a") == "1.0"
    assert cell(out / "scores.csv", "n_lesions_truth", case="a") == "2.0"


def test_the_record_says_whose_lesions_were_given(run: Run, folders: dict[str, Path]) -> None:
    out = scored(run, folders, "-m", "dice,lesion_f1,iou(matching=voronoi)", "--pred-instances", folders["halves"])
    record = strict_json((out / "run.json").read_text())
    assert record["plan"]["pred_instances"] == str(folders["halves"])
    assert record["definitions"]["lesion_f1"]["instances"] == ["pred"]
    assert record["definitions"]["iou(matching=voronoi)"]["instances"] == ["pred"]
    assert "instances" not in record["definitions"]["dice"]


def test_a_path_with_the_case_in_it_names_each_map(run: Run, folders: dict[str, Path], tmp_path: Path) -> None:
    write_cases(tmp_path / "maps", {"a_inst": IN_TWO})
    out = scored(run, folders, "-m", "n_lesions_pred", "--pred-instances", tmp_path / "maps/{case}_inst.npy")
    assert cell(out / "scores.csv", "n_lesions_pred", case="a") == "2.0"


def test_maps_follow_the_pattern_of_their_masks(run: Run, tmp_path: Path) -> None:
    both = {"pred": write_cases(tmp_path / "p", {"a_seg": HALVES}), "truth": write_cases(tmp_path / "t", {"a": HALVES})}
    maps = write_cases(tmp_path / "maps", {"a_seg": IN_TWO})
    out = scored(run, both, "-m", "n_lesions_pred", "--pred-pattern", "{case}_seg.npy", "--pred-instances", maps)
    assert cell(out / "scores.csv", "n_lesions_pred", case="a") == "2.0"


def test_two_files_take_a_file_of_instances(run: Run, folders: dict[str, Path]) -> None:
    files = {side: folders[side] / "a.npy" for side in ("pred", "truth")}
    out = scored(run, files, "-m", "n_lesions_pred", "--pred-instances", folders["halves"] / "a.npy")
    assert cell(out / "scores.csv", "n_lesions_pred", case="a") == "2.0"


def test_the_environment_and_a_config_name_them_too(
    run: Run, folders: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("own.yaml").write_text(f"schema_version: 1\nscore:\n  pred_instances: {folders['halves']}\n")
    monkeypatch.setenv("SEGEVAL_TRUTH_INSTANCES", str(folders["halves"]))
    out = scored(run, folders, "-m", "n_lesions_pred,n_lesions_truth", "-c", "own.yaml")
    assert cell(out / "scores.csv", "n_lesions_pred", case="a") == "2.0"
    assert cell(out / "scores.csv", "n_lesions_truth", case="a") == "2.0"


def test_there_may_be_more_instances_than_classes_can_be(run: Run, tmp_path: Path) -> None:
    many = np.arange(1, 5042, dtype=np.int32).reshape(71, 71)
    both = {side: write_cases(tmp_path / side, {"a": np.ones((71, 71), np.uint8)}) for side in ("pred", "truth")}
    out = scored(run, both, "-m", "n_lesions_truth", "--truth-instances", write_cases(tmp_path / "many", {"a": many}))
    assert cell(out / "scores.csv", "n_lesions_truth", case="a") == "5041.0"


def test_maps_are_turned_as_their_masks_are(run: Run, tmp_path: Path) -> None:
    mask, two = np.zeros((2, 6, 4, 3), dtype=np.uint8)
    mask[:4], two[:2], two[2:4] = 1, 1, 2
    flipped = np.diag([-1.0, 1.0, 1.0, 1.0])
    flipped[0, 3] = 5
    both = {side: write_image(tmp_path / side / "a.nii.gz", mask).parent for side in ("pred", "truth")}
    maps = write_image(tmp_path / "maps" / "a.nii.gz", two[::-1], affine=flipped).parent
    out = scored(run, both, "-m", "lesion", "--truth-instances", maps)
    truths = [row for row in rows_of(out / "lesions.csv") if row["side"] == "truth"]
    assert [(row["lesion_id"], row["bbox"]) for row in truths] == [("1", "0:2 0:4 0:3"), ("2", "2:4 0:4 0:3")]
    assert nibabel.load(maps / "a.nii.gz").affine[0, 0] == -1


def test_ignored_voxels_belong_to_no_instance(run: Run, tmp_path: Path) -> None:
    both = {
        "pred": write_cases(tmp_path / "pred", {"a": ids("111100")}),
        "truth": write_cases(tmp_path / "truth", {"a": ids("119900")}),
    }
    maps = write_cases(tmp_path / "maps", {"a": ids("112200")})
    out = scored(run, both, "-m", "n_lesions_pred", "--ignore-label", 9, "--pred-instances", maps)
    assert cell(out / "scores.csv", "n_lesions_pred", case="a") == "1.0"


def test_what_the_maps_leave_out_is_said(run: Run, folders: dict[str, Path], tmp_path: Path) -> None:
    maps = write_cases(tmp_path / "maps", {"a": ids("110010")})
    out = scored(run, folders, "-m", "lesion_f1", "--pred-instances", maps)
    assert strict_json((out / "run.json").read_text())["notes"]["a"] == [
        "2 voxels of pred masks are in no instance, and in no lesion",
        "1 voxels of pred instances are background in the mask, and in no lesion",
    ]


def test_an_instance_that_spans_classes_is_refused(run: Run, tmp_path: Path) -> None:
    both = {side: write_cases(tmp_path / side, {"a": ids("112200")}) for side in ("pred", "truth")}
    maps = write_cases(tmp_path / "maps", {"a": ids("111200")})
    options = ("-m", "lesion", "--labels", "1=core,2=edema", "--truth-instances", maps)
    said = refused(run, both, *options, code=3)
    assert "maps/a.npy: instance 1 spans the classes core and edema, and an instance is of one class." in said
    assert "join the classes with --regions" in said


def test_an_instance_may_span_the_classes_of_a_region(run: Run, tmp_path: Path) -> None:
    both = {side: write_cases(tmp_path / side, {"a": ids("112200")}) for side in ("pred", "truth")}
    maps = write_cases(tmp_path / "maps", {"a": ids("111200")})
    options = ("-m", "n_lesions_truth", "--regions", "whole=1+2", "--truth-instances", maps)
    out = scored(run, both, *options)
    assert cell(out / "scores.csv", "n_lesions_truth", class_="whole") == "2.0"


def test_a_missing_map_is_named(run: Run, folders: dict[str, Path]) -> None:
    for side in ("pred", "truth"):
        write_cases(folders[side], {"b": HALVES})
    said = refused(run, folders, "-m", "lesion", "--pred-instances", folders["halves"], code=3)
    assert "halves/b.npy: there is no such instance map, and the case has a mask." in said
    done = run(
        "score",
        folders["pred"],
        folders["truth"],
        "-m",
        "lesion",
        "--keep-going",
        "--pred-instances",
        folders["halves"],
    )
    assert done.code == 3
    assert cell(Path("segeval-results", "cases.csv"), "status", case="b") == "failed"
    assert cell(Path("segeval-results", "scores.csv"), "n_lesions_pred", case="a") == "2.0"


def test_a_missing_prediction_needs_no_map(run: Run, folders: dict[str, Path]) -> None:
    write_cases(folders["truth"], {"b": HALVES})
    options = ("-m", "lesion_recall", "--missing", "background", "--pred-instances", folders["halves"])
    out = scored(run, folders, *options)
    assert number(out / "scores.csv", "lesion_recall", case="b") == 0


def test_a_map_on_another_grid_is_refused(run: Run, folders: dict[str, Path], tmp_path: Path) -> None:
    maps = write_cases(tmp_path / "maps", {"a": ids("11220")})
    said = refused(run, folders, "-m", "lesion", "--pred-instances", maps, code=3)
    assert "maps/a.npy: shape (1, 5) differs from truth (1, 6)" in said
    assert "Instance maps lie on the same grid as the masks." in said


@pytest.mark.parametrize("values", [np.array([[0.5, 1, 1, 1, 0, 0]]), np.array([[-1, 1, 1, 1, 0, 0]])])
def test_a_map_holds_whole_numbers_from_0(
    run: Run, folders: dict[str, Path], tmp_path: Path, values: np.ndarray
) -> None:
    maps = write_cases(tmp_path / "maps", {"a": values})
    assert "maps/a.npy: " in refused(run, folders, "-m", "lesion", "--pred-instances", maps, code=3)


def test_a_folder_that_is_not_there_is_a_fault_of_the_command(run: Run, folders: dict[str, Path]) -> None:
    said = refused(run, folders, "-m", "lesion", "--truth-instances", folders["whole"].with_name("whol"), code=2)
    assert "--truth-instances" in said
    assert "Did you mean" in said


def test_one_file_is_not_enough_for_two_cases(run: Run, folders: dict[str, Path]) -> None:
    for side in ("pred", "truth"):
        write_cases(folders[side], {"b": HALVES})
    said = refused(run, folders, "-m", "lesion", "--pred-instances", folders["halves"] / "a.npy", code=2)
    assert "this is one file, and there are 2 cases. Name a folder, or a path with {case} in it." in said


def test_maps_that_no_measure_reads_are_refused(run: Run, folders: dict[str, Path]) -> None:
    said = refused(run, folders, "-m", "dice", "--pred-instances", folders["halves"], code=2)
    assert "--pred-instances: no lesion measure is chosen that would read the maps. Add -m +lesion." in said


@pytest.fixture
def worked(tmp_path: Path) -> dict[str, Path]:
    """Fixture L: five lesions on either side."""
    arrays = {side: np.array(GOLDEN["arrays"][f"L.{side}"], dtype=np.uint8) for side in ("pred", "truth")}
    return {side: write_cases(tmp_path / side, {"a": array}) for side, array in arrays.items()}


def test_a_metric_is_taken_lesion_by_lesion(run: Run, worked: dict[str, Path]) -> None:
    out = scored(run, worked, "-m", "dice,dice(matching=voronoi)")
    assert columns_of(out / "scores.csv")[-2:] == ["dice", "dice(matching=voronoi)"]
    mean = number(out / "scores.csv", "dice(matching=voronoi)", case="a")
    assert mean == pytest.approx(GOLDEN["values"]["L.voronoi.dice.mean"])
    assert cell(out / "summary.csv", "pooled", class_="1", measure="dice(matching=voronoi)") == ""
    assert len(rows_of(out / "lesions.csv")) == 10
    definition = strict_json((out / "run.json").read_text())["definitions"]["dice(matching=voronoi)"]
    assert definition["formula"] == "mean over true lesions of 2TP / (2TP + FP + FN)"
    assert definition["parameters"] == {"matching": "voronoi", "connectivity": "full", "min_size_mm3": 0.0}


@pytest.mark.parametrize(("policy", "value"), [("100", "50.5"), ("inf", "inf"), ("nan", "1.0")])
def test_a_boundary_metric_is_taken_lesion_by_lesion_too(run: Run, tmp_path: Path, policy: str, value: str) -> None:
    both = {
        "pred": write_cases(tmp_path / "pred", {"a": ids("11100000")}),
        "truth": write_cases(tmp_path / "truth", {"a": ids("11000011")}),
    }
    out = scored(run, both, "-m", "hd(matching=voronoi)", "--empty-distance", policy)
    assert cell(out / "scores.csv", "hd(matching=voronoi)", case="a") == value


def test_a_gate_finds_the_column(run: Run, worked: dict[str, Path]) -> None:
    out = scored(run, worked, "-m", "dice(matching=voronoi)")
    assert run("gate", out, "--fail-under", "dice(matching=voronoi):mean=0.6").code == 0
    assert run("gate", out, "--fail-under", "dice(matching=voronoi):mean=0.7").code == 1


def test_cells_and_instance_maps_go_together(run: Run, tmp_path: Path) -> None:
    both = {
        "pred": write_cases(tmp_path / "pred", {"a": ids("111000")}),
        "truth": write_cases(tmp_path / "truth", {"a": ids("111100")}),
    }
    maps = write_cases(tmp_path / "maps", {"a": ids("112200")})
    out = scored(run, both, "-m", "dice(matching=voronoi)", "--truth-instances", maps)
    assert number(out / "scores.csv", "dice(matching=voronoi)", case="a") == pytest.approx((1 + 2 / 3) / 2)


@pytest.mark.parametrize(
    ("measure", "said"),
    [
        ("specificity(matching=voronoi)", "specificity needs true negatives, and a single lesion has none."),
        ("bce_loss(matching=voronoi)", "bce_loss is not made of voxel counts or surfaces"),
        ("dice(matching=greedy)", "dice has no knob 'matching'"),
        ("lesion_f1(matching=voronoi)", "matching takes hungarian, greedy, merge or any_overlap"),
        ("dice(matching=voronoi,size=3)", "dice has no knob 'size'"),
    ],
)
def test_what_has_no_value_per_lesion_is_refused(run: Run, worked: dict[str, Path], measure: str, said: str) -> None:
    assert said in refused(run, worked, "-m", measure, code=2)


def two_lesions(run: Run, rows: str) -> Done:
    """A case with a found lesion and a false alarm, both in a mask, and their confidences."""
    write_cases(Path("gt"), {"a": ids("1100", "0000", "0000"), "b": ids("0000", "0000", "0000")})
    write_cases(Path("pred"), {"a": ids("1100", "0000", "0011"), "b": ids("0000", "0000", "1000")})
    Path("sure.csv").write_text(f"case,class,instance,confidence\n{rows}")
    measure = ("--labels", "1=lesion", "-m", "lesion_average_precision")
    return run("score", "pred", "gt", *measure, "--confidences", "sure.csv", "--out", "out")


def test_confidences_from_a_file_make_candidates_of_masks(run: Run) -> None:
    done = two_lesions(run, "a,lesion,1,0.9\na,lesion,2,0.95\nb,lesion,1,0.2\n")
    assert done.code == 0, done.err
    row = next(row for row in rows_of(Path("out/summary.csv")) if row["class"] == "lesion")
    assert (row["measure"], row["mean"], row["pooled"]) == ("lesion_average_precision", "", "0.5")
    found = {
        (row["case"], row["lesion_id"]): row["confidence"]
        for row in rows_of(Path("out/lesions.csv"))
        if row["side"] == "pred"
    }
    assert found == {("a", "1"): "0.9", ("a", "2"): "0.95", ("b", "1"): "0.2"}


@pytest.mark.parametrize(
    ("rows", "code", "says"),
    [
        ("a,lesion,1,0.9\nb,lesion,1,0.2\n", 3, "case a: the prediction has instance 2 of class lesion"),
        ("a,lesion,1,1\na,lesion,2,1\nb,lesion,1,1\nb,lesion,7,1\n", 3, "names instance 7 of class lesion"),
        ("c,lesion,1,0.9\n", 3, "there is no case 'c'"),
        ("a,lesin,1,0.9\n", 3, "no class 'lesin'. Did you mean 'lesion'?"),
        ("a,lesion,1,nan\n", 2, "line 2: confidence 'nan' is no finite number"),
        ("a,lesion,x,1\n", 2, "instance 'x' is no whole number"),
        ("a,lesion,1,1\na,lesion,1,1\n", 2, "line 3: instance 1 stands here a second time"),
    ],
)
def test_confidences_that_fit_nothing_are_refused(run: Run, rows: str, code: int, says: str) -> None:
    done = two_lesions(run, rows)
    assert (done.code, says in " ".join(done.err.split())) == (code, True), done.err


@pytest.mark.parametrize(("row", "case"), [("a,2,1,1", "a"), ("b,2,1,1", "b")])
def test_confidences_of_a_class_that_its_case_lacks_are_refused_where_nobody_named_the_classes(
    run: Run, row: str, case: str
) -> None:
    two_lesions(run, "")
    Path("sure.csv").write_text(f"case,class,instance,confidence\na,1,1,1\na,1,2,1\nb,1,1,1\n{row}\n")
    done = run("score", "pred", "gt", "-m", "lesion_average_precision", "--confidences", "sure.csv", "--out", "no")
    said = f"sure.csv: case {case}: neither of its masks holds class '2'. Its classes: 1. Remove these rows."
    assert (done.code, said in " ".join(done.err.split())) == (3, True), done.err


def test_following_the_note_on_masks_without_confidences_gives_the_scores(run: Run) -> None:
    two_lesions(run, "a,lesion,1,0.9\na,lesion,2,0.95\nb,lesion,1,0.2\n")
    asked = ("score", "pred", "gt", "--labels", "1=lesion", "-m", "detection")
    done = run(*asked, "--out", "plain")
    assert "give a confidence for each predicted lesion with --confidences" in " ".join(done.err.split())
    assert ("froc_score" in done.out, "lesion_f1" in done.out) == (False, True)
    rows = [row for row in rows_of(Path("plain/lesions.csv")) if row["side"] == "pred"]
    lines = [f"{row['case']},{row['class']},{row['lesion_id']},0.{i + 1}" for i, row in enumerate(rows)]
    Path("sure.csv").write_text("\n".join(["case,class,instance,confidence", *lines]))
    done = run(*asked, "--confidences", "sure.csv")
    assert done.code == 0, done.err
    for shown in ("froc_score", "sensitivity_at_fp", "lesion_average_precision", "case_auroc", "average_recall"):
        assert shown in done.out


def test_confidences_that_no_measure_reads_are_refused(run: Run) -> None:
    two_lesions(run, "a,lesion,1,1\n")
    done = run("score", "pred", "gt", "-m", "dice", "--confidences", "sure.csv")
    assert (done.code, "Add -m +detection" in done.err) == (2, True)
