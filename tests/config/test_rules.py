from dataclasses import replace

import numpy as np
import pytest

from segeval.config import Rule, check_rules, direction, notes_on_rules
from segeval.errors import ConfigError
from segeval.measure import metric


@metric(symbol="D", formula="", bounds=(0.0, 1.0), better="higher")
def dice(counts: np.ndarray) -> np.ndarray:
    """Overlap."""


@metric(symbol="N", formula="", bounds=(0.0, 1.0), better="higher", in_column=("tolerance_mm",))
def nsd(surfaces: np.ndarray, *, tolerance_mm: float = 1.0) -> np.ndarray:
    """Overlap of surfaces."""


@metric(symbol="HD", formula="", bounds=(0.0, np.inf), better="lower")
def hd95(surfaces: np.ndarray) -> np.ndarray:
    """Distance."""


@metric(symbol="RVD", formula="", bounds=(-1.0, np.inf), better="zero")
def rvd(counts: np.ndarray) -> np.ndarray:
    """Signed."""


@metric(symbol="V", formula="", bounds=(0.0, np.inf), better="none")
def volume(counts: np.ndarray) -> np.ndarray:
    """Descriptive."""


MEASURES = {"dice": dice, "dsc": dice, "nsd": nsd, "hd95": hd95, "rvd": rvd, "volume": volume}


def rule(**facts):
    return Rule(**{"id": "a", "measure": "dice", "class": "*", **facts})


@pytest.mark.parametrize(
    ("written", "column"),
    [
        ("dsc", "dice"),
        ("nsd", "nsd(tolerance_mm=1)"),
        (" nsd( tolerance_mm = 2.0 ) ", "nsd(tolerance_mm=2)"),
        ("nsd(tolerance_mm=2)[monai]", "nsd(tolerance_mm=2)[monai]"),
    ],
)
def test_a_measure_is_known_by_the_name_of_its_column(written, column):
    assert check_rules([rule(measure=written, min=0.5)], MEASURES)[0].measure == column


@pytest.mark.parametrize(
    ("facts", "message"),
    [
        ({"measure": "dise", "min": 0.5}, r"Unknown measure 'dise'\. Did you mean 'dice'\?"),
        ({"measure": "nsd(tol=2)", "min": 0.5}, "nsd has no knob 'tol'"),
        ({"measure": "dice", "max": 0.5}, r"higher dice is better, so max 0\.5 would fail good results\. Write min"),
        ({"measure": "hd95", "min": 5.0}, r"lower hd95 is better, so min 5 would fail good results\. Write max"),
        ({"measure": "dice", "stat": "std", "min": 0.1}, r"lower std of dice is better"),
        ({"measure": "rvd", "max": 0.1}, r"rvd is best at zero, so one limit does not bound it\. Give both"),
        ({"measure": "volume", "max": 9.0}, "has no better direction, so one limit does not bound it"),
        ({"measure": "volume", "max_regression": 9.0}, "cannot get worse"),
        ({"class": "(mean)", "stat": "p5", "min": 0.5}, r"\(mean\) is the mean over classes and has no p5"),
        ({"class": "(mean)", "max_fraction": {"worse_by": 0.1, "of_cases": 0.1}}, "counts cases of one class"),
    ],
)
def test_a_rule_that_makes_no_sense_is_refused(facts, message):
    with pytest.raises(ConfigError, match="rule 'a': .*" + message):
        check_rules([rule(**facts)], MEASURES)


@pytest.mark.parametrize(
    "facts",
    [
        {"measure": "dice", "min": 0.5},
        {"measure": "hd95", "max": 5.0},
        {"measure": "dice", "stat": "std", "max": 0.1},
        {"measure": "dice", "min": 0.5, "max": 0.9},
        {"measure": "rvd", "min": -0.1, "max": 0.1},
        {"measure": "rvd", "max_regression": 0.1},
        {"measure": "volume", "min": 1.0, "max": 2.0},
        {"class": "(mean)", "stat": "pooled", "min": 0.5},
    ],
)
def test_a_rule_that_makes_sense_is_kept(facts):
    assert check_rules([rule(**facts)], MEASURES) == (rule(**facts),)


def test_the_message_names_file_and_line():
    one = rule(max=0.5)
    one._line = 12
    with pytest.raises(ConfigError, match=r"^segeval\.yaml:12: rule 'a': higher dice"):
        check_rules([one], MEASURES, source="segeval.yaml")


def test_a_checked_rule_keeps_its_line():
    one = rule(min=0.5)
    one._line = 12
    assert check_rules([one], MEASURES)[0].line == 12


def test_little_spread_is_good_whatever_the_measure():
    assert direction(rule(stat="std", max=0.1), dice) == "lower"
    assert direction(rule(stat="p5", min=0.1), dice) == "higher"
    assert replace(dice, better="lower").better == direction(rule(stat="p5", min=0.1), replace(dice, better="lower"))


def test_a_gate_on_means_alone_gets_a_note():
    assert "p5" in notes_on_rules([rule(min=0.5)])[0]
    assert notes_on_rules([rule(min=0.5), rule(id="b", stat="p5", min=0.1)]) == ()
    assert notes_on_rules([]) == ()
