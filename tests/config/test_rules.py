from dataclasses import replace

import pytest

from segeval.config import Rule, check_rules, direction, notes_on_rules
from segeval.errors import ConfigError
from segeval.metrics.overlap import dice


def rule(**facts):
    return Rule(**{"id": "a", "measure": "dice", "class": "*", **facts})


@pytest.mark.parametrize(
    ("written", "column"),
    [
        ("dsc", "dice"),
        ("nsd", "nsd(tolerance_mm=1)"),
        (" nsd( tolerance_mm = 2.0 ) ", "nsd(tolerance_mm=2)"),
        ("nsd(tolerance_mm=2)[monai]", "nsd(tolerance_mm=2)[monai]"),
        ("nsd[panoptica]", "nsd(tolerance_mm=0.5)[panoptica]"),
        ("dsc[medpy]", "dice[medpy]"),
        ("surface_dice[panoptica-instance]", "nsd(tolerance_mm=min_spacing)[panoptica-instance]"),
    ],
)
def test_a_measure_is_known_by_the_name_of_its_column(written, column):
    assert check_rules([rule(measure=written, min=0.5)])[0].measure == column


@pytest.mark.parametrize(
    ("facts", "message"),
    [
        ({"measure": "dise", "min": 0.5}, r"Unknown measure 'dise'\. Did you mean 'dice'\?"),
        ({"measure": "hd95[medpie]", "max": 0.5}, r"Unknown profile 'medpie'\. Did you mean 'medpy'\?"),
        ({"measure": "masd[medpy]", "max": 0.5}, "medpy has no 'masd'"),
        ({"measure": "volume_similarity[simpleitk]", "min": 0.5}, "is best at zero"),
        ({"measure": "nsd(tol=2)", "min": 0.5}, "nsd has no knob 'tol'"),
        ({"measure": "dice", "max": 0.5}, r"higher dice is better, so max 0\.5 would fail good results\. Write min"),
        ({"measure": "hd95", "min": 5.0}, r"lower hd95 is better, so min 5 would fail good results\. Write max"),
        ({"measure": "dice", "stat": "std", "min": 0.1}, r"lower std of dice is better"),
        (
            {"measure": "rvd", "max": 0.1},
            r"is best at zero, so one limit does not bound it\. Give both",
        ),
        ({"measure": "volume_pred_ml", "max": 9.0}, "has no better direction, so one limit does not bound it"),
        ({"measure": "volume_pred_ml", "max_regression": 9.0}, "cannot get worse"),
        ({"measure": "dice", "min": -1}, "dice lies between 0 and 1, so min -1 would pass everything"),
        ({"measure": "dice", "min": 85}, "dice lies between 0 and 1, so min 85 would fail everything"),
        ({"measure": "hd95", "max": -5}, "hd95 lies between 0 and inf, so max -5 would fail everything"),
        ({"measure": "fdr", "max": 20}, "lies between 0 and 1, so max 20 would pass everything"),
        ({"measure": "mcc", "min": -1.5}, "mcc lies between -1 and 1, so min -1.5 would pass everything"),
        (
            {"measure": "dice", "stat": "std", "max": -0.1},
            "std of dice is 0 or more and at most 1, so max -0.1 would fail",
        ),
        (
            {"measure": "dice", "max_regression": 2},
            "dice differs by 1 at most, so max_regression 2 would pass everything",
        ),
        (
            {"measure": "dice", "max_fraction": {"worse_by": 5, "of_cases": 0.1}},
            "dice differs by 1 at most, so worse_by 5 would pass everything",
        ),
        ({"class": "(mean)", "stat": "p5", "min": 0.5}, r"\(mean\) is the mean over classes and has no p5"),
        ({"class": "(mean)", "max_fraction": {"worse_by": 0.1, "of_cases": 0.1}}, "counts cases of one class"),
    ],
)
def test_a_rule_that_makes_no_sense_is_refused(facts, message):
    with pytest.raises(ConfigError, match="rule 'a': .*" + message):
        check_rules([rule(**facts)])


@pytest.mark.parametrize(
    "facts",
    [
        {"measure": "dice", "min": 0.5},
        {"measure": "hd95", "max": 5.0},
        {"measure": "dice", "stat": "std", "max": 0.1},
        {"measure": "dice", "min": 0.5, "max": 0.9},
        {"measure": "relative_volume_difference", "min": -0.1, "max": 0.1},
        {"measure": "relative_volume_difference", "max_regression": 0.1},
        {"measure": "volume_pred_ml", "min": 1.0, "max": 2.0},
        {"class": "(mean)", "stat": "pooled", "min": 0.5},
        {"measure": "dice", "min": 1},  # the ends of the range are limits too
        {"measure": "mcc", "min": -1},
        {"measure": "dice", "max_regression": 1},
    ],
)
def test_a_rule_that_makes_sense_is_kept(facts):
    assert check_rules([rule(**facts)]) == (rule(**facts),)


def test_the_message_names_file_and_line():
    one = rule(max=0.5)
    one._line = 12
    with pytest.raises(ConfigError, match=r"^segeval\.yaml:12: rule 'a': higher dice"):
        check_rules([one], source="segeval.yaml")


def test_a_checked_rule_keeps_its_line():
    one = rule(min=0.5)
    one._line = 12
    assert check_rules([one])[0].line == 12


def test_little_spread_is_good_whatever_the_measure():
    assert direction(rule(stat="std", max=0.1), dice) == "lower"
    assert direction(rule(stat="p5", min=0.1), dice) == "higher"
    assert replace(dice, better="lower").better == direction(rule(stat="p5", min=0.1), replace(dice, better="lower"))


def test_a_gate_on_means_alone_gets_a_note():
    assert "p5" in notes_on_rules([rule(min=0.5)])[0]
    assert notes_on_rules([rule(min=0.5), rule(id="b", stat="p5", min=0.1)]) == ()
    assert notes_on_rules([]) == ()
