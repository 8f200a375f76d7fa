"""The page of the losses is what the declarations say, and leaves no erratum out."""

from pathlib import Path

import pytest
import yaml

from segeval.losses.modules import DECLARED
from segeval.losses.page import NOTES, page

PAGE = Path(__file__).parent.parent.parent / "docs" / "losses.md"
ERRATA = {"S1": 6, "S2": 8, "S3": 31, "P": 9, "L": 15}


def test_the_page_is_up_to_date() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "run: python -m segeval.losses.page > docs/losses.md"


def test_every_loss_has_notes_and_nothing_else_has() -> None:
    notes = yaml.safe_load(NOTES.read_text(encoding="utf-8"))
    assert set(notes) - {"general"} == {one.name for one in DECLARED}


@pytest.mark.parametrize("source", list(ERRATA))
def test_every_erratum_is_named(source: str) -> None:
    text = page()
    digits = 2 if source.startswith("S") else 1
    numbers = [f"{source}-{number:0{digits}d}" for number in range(1, ERRATA[source] + 1)]
    assert [one for one in numbers if one not in text] == []


def test_every_parameter_is_described() -> None:
    text = page()
    for one in DECLARED:
        section = text.partition(f"### {one.name}\n")[2].partition("\n### ")[0]
        assert all(f"| `{knob}` |" in section for knob in one.knobs), one.name
