"""Which ids are classes: labels, regions, ignored ids, background, sets known by name, and what is said of the rest."""

import json
from pathlib import Path

import numpy as np
import pytest

from tests.cli.given import Run, cell, columns_of, ids, number, rows_of, strict_json, write_cases, write_image

OUT = Path("segeval-results")
SCORES, SUMMARY = OUT / "scores.csv", OUT / "summary.csv"


@pytest.fixture
def one_case(tmp_path: Path) -> tuple[Path, Path]:
    """One case with ids 1, 2, 3, and 7 in the prediction alone."""
    pred, truth = ids("1122", "0037"), ids("1112", "0033")
    return write_cases(tmp_path / "pred", {"x": pred}), write_cases(tmp_path / "truth", {"x": truth})


def classes() -> list[tuple[str, str]]:
    return [(row["label"], row["class"]) for row in rows_of(SCORES)]


def test_without_labels_every_id_is_a_class_named_by_itself(run: Run, one_case: tuple[Path, Path]) -> None:
    done = run("score", *one_case, "-m", "dice")
    assert classes() == [("1", "1"), ("2", "2"), ("3", "3"), ("7", "7")]
    said = "no truth holds id 7 (x): false alarms, unless --labels leaves them out"
    assert said in done.err
    assert said in strict_json((OUT / "run.json").read_text())["warnings"]


def test_labels_name_the_classes_and_leave_out_the_others(run: Run, one_case: tuple[Path, Path]) -> None:
    done = run("score", *one_case, "-m", "dice", "--labels", "3=tip,1=base")
    assert classes() == [("3", "tip"), ("1", "base")]
    assert "id 2, 7 is no class of --labels and counts as background" in done.err


def test_a_class_that_occurs_nowhere_is_pointed_out(run: Run, one_case: tuple[Path, Path]) -> None:
    done = run("score", *one_case, "-m", "dice", "--labels", "1=base,9=tip")
    assert "no mask holds tip: check the ids in --labels" in done.err
    assert cell(SCORES, "status", label="9") == "absent_both"


def test_regions_are_unions(run: Run, one_case: tuple[Path, Path]) -> None:
    run("score", *one_case, "-m", "dice", "--labels", "1,2,3", "--regions", "all=1+2+3")
    assert classes()[-1] == ("1+2+3", "all")
    assert number(SCORES, "dice", label="1+2+3") == pytest.approx(2 * 5 / (5 + 6))


def test_a_dataset_json_gives_names_regions_and_the_ignored_id(run: Run, one_case: tuple[Path, Path]) -> None:
    labels = {"background": 0, "whole": [1, 2], "core": 2, "ignore": 3}
    Path("dataset.json").write_text(json.dumps({"labels": labels}))
    assert run("score", *one_case, "-m", "dice", "--labels", "dataset.json").code == 0
    assert classes() == [("1+2", "whole"), ("2", "core")]
    assert strict_json((OUT / "run.json").read_text())["ignored_ids"] == [3]


def test_a_yaml_file_gives_names(run: Run, one_case: tuple[Path, Path]) -> None:
    Path("labels.yaml").write_text("1: no\n2: yes\n")
    run("score", *one_case, "-m", "dice", "--labels", "labels.yaml")
    assert classes() == [("1", "no"), ("2", "yes")]


def test_ignored_voxels_of_the_truth_count_nowhere(run: Run, one_case: tuple[Path, Path]) -> None:
    run("score", *one_case, "-m", "dice", "--ignore-label", "3", "--ignore-label", "2")
    row = next(row for row in rows_of(SCORES) if row["label"] == "1")
    assert sum(int(row[name]) for name in ("tp", "fp", "fn", "tn")) == 5
    assert classes() == [("1", "1")]


def test_background_is_a_class_when_asked_for(run: Run, one_case: tuple[Path, Path]) -> None:
    run("score", *one_case, "-m", "dice", "--include-background")
    assert classes()[0] == ("0", "background")
    assert number(SCORES, "dice", label="0") == 1.0


def test_cityscapes_ids_are_scored_by_name(run: Run, tmp_path: Path) -> None:
    truth = np.array([[7, 7, 8, 26, 3, 0]], dtype=np.uint8)  # road, sidewalk, car; 3 and 0 are ignored
    pred = np.array([[7, 8, 8, 26, 26, 7]], dtype=np.uint8)
    write_image(tmp_path / "pred" / "x_labelIds.png", pred)
    write_image(tmp_path / "truth" / "x_labelIds.png", truth)
    assert run("score", "pred", "truth", "-m", "iou,mean_iou", "--labels", "cityscapes").code == 0
    assert len(classes()) == 19
    found = {name: cell(SCORES, "iou", class_=name) for name in ("road", "sidewalk", "car", "sky")}
    assert found == {"road": "0.5", "sidewalk": "0.5", "car": "1.0", "sky": ""}
    assert number(OUT / "cases.csv", "mean_iou", case="x_labelIds") == pytest.approx(2 / 3)


def test_cityscapes_train_ids_have_a_class_0_and_ignore_255(run: Run, tmp_path: Path) -> None:
    write_image(tmp_path / "pred" / "x.png", np.array([[0, 0, 13, 1]], dtype=np.uint8))
    write_image(tmp_path / "truth" / "x.png", np.array([[0, 13, 13, 255]], dtype=np.uint8))
    run("score", "pred", "truth", "-m", "iou", "--labels", "cityscapes-train")
    assert [cell(SCORES, "iou", class_=name) for name in ("road", "car")] == ["0.5", "0.5"]
    assert columns_of(OUT / "confusion.csv") == ["truth", "pred road", "pred car"]


def test_the_confusion_matrix_counts_every_voxel_once(run: Run, one_case: tuple[Path, Path]) -> None:
    run("score", *one_case, "-m", "dice", "--labels", "1=base,2=mid")
    rows = {row.pop("truth"): {name: int(n) for name, n in row.items()} for row in rows_of(OUT / "confusion.csv")}
    assert rows["base"] == {"pred background": 0, "pred base": 2, "pred mid": 1, "pred 3": 0, "pred 7": 0}
    assert sum(sum(row.values()) for row in rows.values()) == 8


def test_a_very_large_id_is_an_id(run: Run, tmp_path: Path) -> None:
    image = np.array([[0, 2147483647, 5]], dtype=np.int32)
    write_cases(tmp_path / "pred", {"x": image})
    write_cases(tmp_path / "truth", {"x": image})
    assert run("score", "pred", "truth", "-m", "dice").code == 0
    assert classes() == [("5", "5"), ("2147483647", "2147483647")]


@pytest.mark.parametrize(
    ("per_case", "message"),
    [
        ([5000], "holds more than 4096 different values"),
        ([2500, 2500], "The cases hold 5001 different ids between them; 4096 is the most that can be classes."),
    ],
)
def test_more_ids_than_can_be_classes_are_refused(run: Run, tmp_path: Path, per_case: list[int], message: str) -> None:
    start, cases = 1, {}
    for i, n in enumerate(per_case):
        cases[f"case_{i}"] = np.concatenate([[0], np.arange(start, start + n)]).astype(np.uint16)[None]
        start += n
    write_cases(tmp_path / "pred", cases)
    write_cases(tmp_path / "truth", cases)
    done = run("score", "pred", "truth", "-m", "dice")
    assert done.code == 3
    assert message in done.err
    assert not OUT.exists()


def test_many_classes_leave_a_page_on_screen_and_all_in_the_files(run: Run, tmp_path: Path) -> None:
    image = np.arange(60, dtype=np.uint8)[None]
    write_cases(tmp_path / "pred", {"x": image})
    write_cases(tmp_path / "truth", {"x": image})
    done = run("score", "pred", "truth", "-m", "dice")
    assert "19 more classes are in summary.csv." in done.out
    assert len(rows_of(SUMMARY)) == 60
