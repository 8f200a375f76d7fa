"""Columns that other tools made are traced to their definition; corrupted ones match nothing."""

import csv
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from segeval.options import ScoreOptions
from segeval.verbs.explain import Explained, explain
from segeval.verbs.explain.answer import name_of
from segeval.verbs.explain.given.numbers import GivenNumber, with_rounding
from segeval.verbs.explain.pages import verdict
from tests.conftest import golden
from tests.verbs.explain import masks

COLUMNS = golden("explain")
# of each kind of difference one; the others take longer, and the script that makes them tries all
QUICK = (
    "monai dice",
    "monai asd by default",
    "monai loss with 1",
    "monai hd95 without spacing",
    "medpy hd95 in mm",
    "medpy ravd",
    "medpy dc in percent",
    "medpy dc, classes swapped",
    "medpy dc called iou",
    "surface-distance nsd at 1 mm",
    "sklearn f1 weighted",
    "itk volume similarity",
    "itk dice",
)


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("images")
    masks.write(folder)
    return folder


def rows_of(measure: str, numbers: Mapping[str, Any]) -> list[dict[str, str]]:
    """Long where there are classes, else a row per case."""
    return [
        row
        for case, value in numbers.items()
        for row in (
            [{"case": case, "class": name, measure: text} for name, text in value.items()]
            if isinstance(value, dict)
            else [{"case": case, measure: value}]
        )
    ]


def explained(images: Path, measure: str, numbers: Mapping[str, Any]) -> Explained:
    rows = rows_of(measure, numbers)
    with (images / "numbers.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, fieldnames=list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    (found,) = explain(images / "numbers.csv", images / "pred", images / "truth", ScoreOptions())
    return found


@pytest.mark.slow
@pytest.mark.parametrize("name", QUICK)
def test_a_column_of_another_tool_is_traced_to_its_definition(images: Path, name: str) -> None:
    stored = COLUMNS[name]
    found = explained(images, stored["measure"], stored["numbers"])
    assert found.share == 1, verdict(found)
    assert len(found.explanations) == 1
    first = found.explanations[0]
    said = " ".join([name_of(first.setting), *first.setting.words, *first.alike])
    assert any(words in said for words in stored["words"].split("|")), said


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("medpy dc", "noise"),
        ("medpy dc", "cases"),
        ("medpy ravd", "noise"),
        ("medpy hd95 in mm", "noise"),
        ("medpy ravd", "cases"),
    ],
)
def test_a_corrupted_column_matches_nothing(images: Path, name: str, change: str) -> None:
    stored = COLUMNS[name]
    cases, rng = list(stored["numbers"]), np.random.default_rng(1)
    moved = (
        dict(zip(cases, [*cases[1:], cases[0]], strict=True))
        if change == "cases"
        else dict(zip(cases, cases, strict=True))
    )
    numbers = {
        case: {
            c: repr(float(text) * (1 + 0.05 * rng.normal())) if change == "noise" else text
            for c, text in stored["numbers"][moved[case]].items()
        }
        for case in cases
    }
    found = explained(images, stored["measure"], numbers)
    assert not found.explanations, verdict(found)
    assert "nothing matches" in verdict(found)
    assert len(found.nearest) == 3


def test_the_digits_as_written_decide_what_is_equal() -> None:
    written = ["0.83", "0.5", "1.0"]
    halves = [given.half for given in with_rounding(GivenNumber(text=text, value=float(text)) for text in written)]
    assert halves == pytest.approx([0.005, 0.005, 0.005])
    significant = ["12.34", "0.001234", "0.1234"]
    halves = [given.half for given in with_rounding(GivenNumber(text=text, value=float(text)) for text in significant)]
    assert halves == pytest.approx([0.005, 0.0000005, 0.00005])


@pytest.mark.slow
def test_a_few_numbers_of_two_digits_are_too_few_to_decide(images: Path) -> None:
    numbers = {"case_00": f"{float(COLUMNS['sklearn f1 weighted']['numbers']['case_00']):.1f}"}
    found = explained(images, "dice", numbers)
    assert found.is_too_coarse
    assert "too few digits" in verdict(found)


@pytest.mark.slow
def test_what_differs_from_a_tool_differs_from_the_tools_like_it(images: Path) -> None:
    """A spacing of 0.8 mm is one of 0.800000012 where a header keeps it in float32."""
    stored = COLUMNS["medpy hd95 in mm"]["numbers"]
    numbers = {case: {c: repr(float(text) * (1 + 1e-7)) for c, text in of.items()} for case, of in stored.items()}
    (first,) = explained(images, "hd95", numbers).explanations
    assert first.name == "hd95[medpy]"
    assert any("float32" in words for words in first.setting.words)
    assert first.name not in first.alike
    assert "hd95[panoptica-instance], to the precision of float32, which sums or a spacing may have" in first.alike


@pytest.mark.slow
def test_cases_of_another_origin_are_told_apart(images: Path) -> None:
    mm, voxels = COLUMNS["medpy hd95 in mm"]["numbers"], COLUMNS["medpy hd95 without spacing"]["numbers"]
    numbers = {case: (mm if i < 4 else voxels)[case] for i, case in enumerate(mm)}
    numbers["case_00"] = {**numbers["case_00"], "1": "7.123456789"}
    found = explained(images, "hd95", numbers)
    assert [one.name for one in found.explanations] == ["hd95[medpy]", "hd95[panoptica]"]
    assert [found.number(i).place for i, _ in found.residual] == ["case_00 (1)"]
