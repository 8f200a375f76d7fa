"""`segeval explain` on files: what it prints, and what it says of bad input."""

import json
from pathlib import Path

import numpy as np
import pytest

from tests.cli.given import Run, rows_of, write_image
from tests.verbs.explain import masks


@pytest.fixture(autouse=True)
def _images(run: Run) -> None:
    for case, sides in [*masks.cases().items()][:3]:
        for side, labels in zip(("pred", "truth"), sides, strict=True):
            write_image(Path(side) / f"{case}.nii.gz", labels)
    assert run("score", "pred", "truth", "-m", "dice,iou", "-o", "scores", "-q").code == 0


def test_our_own_numbers_are_our_own(run: Run) -> None:
    done = run("explain", "scores", "pred", "truth", "-m", "iou")
    assert done.code == 0, done.err
    assert "iou (9 numbers): 9 of 9 are iou." in done.out
    assert '-m "iou"' in done.out


def test_the_answer_is_json_and_markdown_too(run: Run) -> None:
    found = json.loads(run("explain", "scores/scores.csv", "pred", "truth", "-m", "dice", "--json").out)
    (column,) = found["columns"]
    assert column["share_explained"] == 1
    assert column["explanations"][0]["measure"] == "dice"
    page = run("explain", "scores/scores.csv", "pred", "truth", "-m", "dice", "--markdown").out
    assert page.startswith("**dice (9 numbers): 9 of 9 are dice.**")
    assert "| definition | numbers | by chance |" in page


@pytest.mark.slow
def test_one_mean_lists_matches_and_proves_nothing(run: Run) -> None:
    summary = rows_of(Path("scores/summary.csv"))
    value = next(float(row["mean"]) for row in summary if row["class"] == "(mean)" and row["measure"] == "dice")
    done = run("explain", "--value", f"{value:.2f}", "-m", "dice", "pred", "truth")
    assert done.code == 0, done.err
    assert "proves no definition" in " ".join(done.out.split())


def test_cases_that_nobody_has_are_named_with_the_nearest(run: Run) -> None:
    Path("numbers.csv").write_text("case,dice\ncese_o1,0.8\n")
    done = run("explain", "numbers.csv", "pred", "truth")
    assert done.code == 3
    assert "'cese_o1' is none, nearest is 'case_01'" in done.err


def test_a_column_without_any_number_is_refused(run: Run) -> None:
    Path("numbers.csv").write_text("case,dice\ncase_00,nan\ncase_01,\n")
    done = run("explain", "numbers.csv", "pred", "truth")
    assert done.code == 3
    assert "holds no number" in done.err


def test_a_class_that_is_not_known_is_named(run: Run) -> None:
    Path("numbers.csv").write_text("case,class,dice\ncase_00,liver,0.8\ncase_00,spleen,0.8\n")
    done = run("explain", "numbers.csv", "pred", "truth")
    assert done.code == 3
    assert "--labels 1=liver,2=spleen" in done.err


def test_numbers_out_of_range_are_told(run: Run) -> None:
    Path("numbers.csv").write_text("case,class,dice\ncase_00,1,-3.5\ncase_01,1,123.4\n")
    done = run("explain", "numbers.csv", "pred", "truth")
    assert done.code == 0
    assert "lies outside 0 to 1" in " ".join(done.out.split())


def test_numbers_and_a_value_are_too_much(run: Run) -> None:
    assert run("explain", "--value", "0.8", "scores", "pred", "truth").code == 2


def test_tables_of_two_tools_are_compared_by_what_they_define(run: Run) -> None:
    Path("b.csv").write_text(Path("scores/scores.csv").read_text())
    done = run("compare", "scores/scores.csv", "b.csv", "--images", "pred", "truth", "-m", "dice")
    assert done.code == 0, done.err
    assert "dice: all 9 numbers that both files have are equal" in " ".join(done.out.split())
    same = run("explain", "scores/scores.csv", "pred", "truth", "--against", "b.csv", "-m", "dice")
    assert same.out == done.out
    refused = run("compare", "scores/scores.csv", "b.csv")
    assert refused.code == 2
    assert "segeval compare A.csv B.csv --images PRED TRUTH" in " ".join(refused.err.split())


@pytest.mark.slow
def test_the_spacing_of_the_prediction_is_tried_where_its_header_says_something_else(run: Run) -> None:
    labels = next(iter(masks.cases().values()))
    for side, image, spacing in zip(("p", "t"), labels, ((1.0, 1.0, 3.0), (1.0, 1.0, 1.0)), strict=True):
        write_image(Path(side) / "case_00.nii.gz", image, affine=np.diag([*spacing, 1.0]))
        write_image(Path(f"{side}3") / "case_00.nii.gz", image, affine=np.diag([1.0, 1.0, 3.0, 1.0]))
    assert run("score", "p3", "t3", "-m", "hd95", "-o", "theirs", "-q").code == 0
    refused = run("explain", "theirs", "p", "t")
    assert refused.code == 3
    assert "--ignore-geometry" in refused.err
    done = run("explain", "theirs", "p", "t", "--ignore-geometry", "-m", "hd95")
    assert done.code == 0, done.err
    assert "3 of 3 are hd95, the spacing of the prediction's header in place of the truth's" in " ".join(
        done.out.split()
    )
