"""Grids of parameters, and the cases that choices are made on."""

import pytest

from segeval.errors import ConfigError
from segeval.options import SweepOptions
from segeval.verbs.sweep.estimates import split_cases
from segeval.verbs.sweep.grid import read_grid, settings_of, tversky_settings

IDS = ("case_01", "case_02", "case_11", "case_12")


def test_a_range_has_decimal_steps_and_holds_its_end() -> None:
    assert read_grid(["alpha=0.1:0.9:0.1"]) == {"alpha": [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9]}
    assert read_grid(["n=1:2:0.3"]) == {"n": [1.0, 1.3, 1.6, 1.9]}


def test_values_are_read_like_the_parameters_of_a_measure() -> None:
    assert read_grid(["a=1, 0.5,none", "weight=square,simple"]) == {
        "a": [1, 0.5, None],
        "weight": ["square", "simple"],
    }


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("alpha", "write name=values"),
        ("=1", "write name=values"),
        ("alpha=1:2", "is no range"),
        ("alpha=1:0:0.1", "must rise"),
        ("alpha=0:1:0", "is no range"),
        ("alpha=0:1:-0.1", "must rise"),
        ("alpha=nan:1:0.1", "is no range"),
        ("alpha=0:1:1e-9", "fewer than"),
        ("alpha=a:b:c", "is no range"),
    ],
)
def test_what_is_no_grid_is_refused(text: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        tversky_settings(SweepOptions(grid=(text, "beta=1")))


def test_a_parameter_is_named_once() -> None:
    with pytest.raises(ConfigError, match="names alpha twice"):
        read_grid(["alpha=1", "alpha=2"])


def test_settings_are_crossed_or_paired() -> None:
    grid = {"a": [1, 2], "b": [3, 4]}
    assert [tuple(one.values()) for one in settings_of(grid, paired=False)] == [(1, 3), (1, 4), (2, 3), (2, 4)]
    assert [tuple(one.values()) for one in settings_of(grid, paired=True)] == [(1, 3), (2, 4)]


@pytest.mark.parametrize("text", ["alpha=0.3,0.1", "beta_fn=0.7,0.9"])
def test_prices_that_sum_to_one_need_one_of_them(text: str) -> None:
    settings = tversky_settings(SweepOptions(grid=(text,), sum_to_one=True))
    assert settings == [{"alpha_fp": 0.3, "beta_fn": 0.7}, {"alpha_fp": 0.1, "beta_fn": 0.9}]


@pytest.mark.parametrize(
    ("grid", "sum_to_one", "said"),
    [
        (("alpha=0.3",), False, "or pass --sum-to-one"),
        (("alpha=0.3", "beta=0.7"), True, "Set one of them"),
        (("alpha=1.2",), True, "from 0 to 1"),
        (("alpha=0", "beta=0"), False, "no price"),
        (("alpha=-1", "beta=1"), False, "must be 0 or more"),
        (("alpha=high", "beta=1"), False, "must be 0 or more"),
        (("alpha=inf", "beta=1"), False, "must be 0 or more"),
        (("alfa=1", "beta=1"), False, "Did you mean 'alpha'"),
    ],
)
def test_prices_that_cannot_be_are_refused(grid: tuple[str, ...], sum_to_one: bool, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        tversky_settings(SweepOptions(grid=grid, sum_to_one=sum_to_one))


def test_without_a_choice_every_case_is_on_both_sides() -> None:
    split = split_cases(IDS, select=None, report=None)
    assert split.select == split.report == IDS
    assert split.optimistic


def test_the_side_that_is_not_named_gets_the_rest() -> None:
    assert split_cases(IDS, select="case_0*", report=None).report == ("case_11", "case_12")
    assert split_cases(IDS, select=None, report="case_01, case_1*").select == ("case_02",)
    both = split_cases(IDS, select="case_01", report="case_02")
    assert (both.select, both.report) == (("case_01",), ("case_02",))
    assert not both.optimistic
    assert str(both) == "chosen on 1 case, reported on 1 other"


@pytest.mark.parametrize(
    ("ids", "select", "report", "said"),
    [
        (IDS, "case_*", None, "leaves none for --report"),
        (IDS, None, "*", "leaves none for --select"),
        (IDS, "case_01", "case_0*", "share case_01"),
        (IDS, "case_9*", None, "no such case"),
        (("one",), "one", None, "one case only"),
    ],
)
def test_cases_that_cannot_be_parted_are_refused(ids: tuple[str, ...], select: str, report: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        split_cases(ids, select=select, report=report)
