"""Two tools' numbers of the same cases, and why they differ."""

import csv
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from segeval.errors import ConfigError, DataError
from segeval.options import ScoreOptions
from segeval.verbs.explain import Against, explain_against
from segeval.verbs.explain.pages import document, sentences, verdict
from tests.conftest import golden
from tests.verbs.explain import masks

COLUMNS = golden("explain")


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("images")
    masks.write(folder)
    return folder


def write(path: Path, measure: str, numbers: Mapping[str, Any]) -> Path:
    with path.open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["case", "class", measure])
        rows.writerows([case, name, text] for case, of_case in numbers.items() for name, text in of_case.items())
    return path


def against(images: Path, first: Mapping[str, Any], second: Mapping[str, Any], names: tuple[str, str]) -> Against:
    files = [write(images / f"{side}.csv", name, numbers) for side, name, numbers in
             zip("ab", names, (first, second), strict=True)]  # fmt: skip
    (found,) = explain_against(*files, images / "pred", images / "truth", ScoreOptions())
    return found


@pytest.mark.slow
def test_the_setting_by_which_two_tools_differ_is_named(images: Path) -> None:
    one, other = COLUMNS["medpy hd95 in mm"]["numbers"], COLUMNS["monai hd95 in mm"]["numbers"]
    found = against(images, one, other, ("hd95", "HD 95"))
    (part,) = found.parted
    assert (found.n_shared, found.n_differing) == (18, len(part.at)) == (18, 15)
    assert [side and side.name for side in part.explanations] == ["hd95[medpy]", "hd95[monai]"]
    assert part.ways == (("both directions in one list", "the larger of the two directions"),)
    assert "by at most 0.684 (case_01 (2): 11.177251339004089 and 11.861281394958496)" in verdict(found)
    said = "\n".join(sentences(found))
    assert "15 of them differ since a.csv is hd95[medpy] and b.csv is hd95[monai]" in said
    (comparison,) = document([found])["comparisons"]
    assert comparison["n_differing"] == sum(len(reason["numbers"]) for reason in comparison["reasons"])


@pytest.mark.slow
def test_rules_for_empty_masks_and_numbers_that_match_nothing_are_told_apart(images: Path) -> None:
    ours, theirs = COLUMNS["medpy dc"]["numbers"], COLUMNS["monai dice"]["numbers"]
    ours = {**ours, "case_00": {**ours["case_00"], "1": "0.7312345"}}
    found = against(images, ours, theirs, ("dice", "dice"))
    said = "\n".join(sentences(found))
    assert "1 of them differs and nothing explains the number of a.csv: case_00 (1)" in said
    assert "0.0 where a class is only predicted" in said
    assert "nan where a class is only predicted" in said


def test_equal_columns_are_said_to_be_equal(images: Path) -> None:
    numbers = COLUMNS["monai dice"]["numbers"]
    rounded = {case: {c: f"{float(text):.4f}" for c, text in row.items()} for case, row in numbers.items()}
    assert "all 18 numbers that both files have are equal" in verdict(
        against(images, numbers, rounded, ("dice", "dice"))
    )


def test_files_that_share_no_number_or_no_measure_are_refused(images: Path) -> None:
    one = COLUMNS["monai dice"]["numbers"]
    first = {case: one[case] for case in ("case_00", "case_01")}
    second = {case: one[case] for case in ("case_02", "case_03")}
    with pytest.raises(DataError, match=r"a\.csv and b\.csv: no case and class has a number of dice in both"):
        against(images, first, second, ("dice", "dice"))
    path = images / "two.csv"
    path.write_text("case,class,iou,hd95\ncase_00,1,0.7,2.5\n")
    with pytest.raises(ConfigError, match="share no measure: they have dice and iou, hd95"):
        explain_against(images / "a.csv", path, images / "pred", images / "truth", ScoreOptions())
