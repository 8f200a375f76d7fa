"""The page of the losses is what the declarations say, and leaves no erratum out."""

from pathlib import Path

import numpy as np
import pytest
import yaml

from docs.gradients import softmax_classifier
from docs.losses_page import NOTES, losses_page
from segeval.losses.training.modules import DECLARED

PAGE = Path(__file__).parent.parent.parent / "docs" / "losses.md"
ERRATA = {"S1": 6, "S2": 8, "S3": 31, "P": 9, "L": 15}


def test_the_page_is_up_to_date() -> None:
    assert PAGE.read_text(encoding="utf-8") == losses_page(), "run: python docs/make.py"


def test_every_loss_has_notes_and_nothing_else_has() -> None:
    notes = yaml.safe_load(NOTES.read_text(encoding="utf-8"))
    assert set(notes) - {"general"} == {one.name for one in DECLARED}


@pytest.mark.parametrize("source", list(ERRATA))
def test_every_erratum_is_named(source: str) -> None:
    text = losses_page()
    digits = 2 if source.startswith("S") else 1
    numbers = [f"{source}-{number:0{digits}d}" for number in range(1, ERRATA[source] + 1)]
    assert [one for one in numbers if one not in text] == []


def test_every_parameter_is_described() -> None:
    text = losses_page()
    for one in DECLARED:
        section = text.partition(f"### {one.name}\n")[2].partition("\n### ")[0]
        assert all(f"| `{knob}` |" in section for knob in one.knobs), one.name


def test_a_saturated_classifier_has_a_finite_loss() -> None:
    features, weights = np.array([[1.0]]), np.array([[1000.0, -1000.0]])
    loss, slope = softmax_classifier(features, weights, np.array([1]), reg=0.0)
    assert loss == 2000
    assert slope.tolist() == [[1.0, -1.0]]
    sure, flat = softmax_classifier(features, weights, np.array([0]), reg=0.0)
    assert sure == 0
    assert not flat.any()
