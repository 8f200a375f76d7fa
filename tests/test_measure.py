"""How a measure is declared, and how a user's text becomes a call of it."""

import math
from typing import Any, Literal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from segeval.errors import ConfigError
from segeval.knobs import PerClass, parse_call, split_outside_parentheses
from segeval.measure import MeasureCall, loss, metric, ratio

Border = Literal["inside", "none"]


@metric(symbol="X", formula="x", bounds=(0.0, 1.0), better="higher", in_column=("tolerance_mm",))
def closeness(
    counts: int,
    *,
    alpha: float = 0.3,
    beta: float = 0.7,
    tolerance_mm: float | None = 1.0,
    border: Border = "inside",
    squared: bool = False,
    n_bins: int = 10,
) -> Any:
    """How close it is.

    More about it.
    """
    return counts * alpha


@metric(symbol="Y", formula="y", bounds=(0.0, 1.0), better="higher")
def plain(counts: int) -> Any:
    """Nothing to turn."""
    return counts


def column(**knobs: Any) -> str:
    return closeness.at(**knobs).column.removeprefix("closeness")


def refusal(**knobs: Any) -> str:
    with pytest.raises(ConfigError) as caught:
        closeness.at(**knobs)
    return str(caught.value)


def test_the_declaration_is_read_from_the_function() -> None:
    assert closeness.name == "closeness"
    assert closeness.kind == "metric"
    assert closeness.summary == "How close it is."
    assert closeness.notes == "More about it."
    assert closeness.needs == (int,)
    assert list(closeness.knobs) == ["alpha", "beta", "tolerance_mm", "border", "squared", "n_bins"]
    assert closeness.__name__ == "closeness"


def test_a_measure_can_be_called_like_its_formula() -> None:
    assert closeness(2) == 0.6
    assert closeness(2, alpha=0.5) == 1.0
    assert closeness.at(alpha=0.5)(2) == 1.0


def test_a_loss_is_better_when_lower() -> None:
    @loss(symbol="L", formula="l", bounds=(0.0, 1.0))
    def some_loss(counts: int) -> Any:
        """A loss."""

    assert (some_loss.kind, some_loss.better, some_loss.best, some_loss.worst) == ("loss", "lower", 0.0, 1.0)


@pytest.mark.parametrize(
    ("better", "bounds", "best", "worst"),
    [
        ("higher", (-1.0, 1.0), 1.0, -1.0),
        ("lower", (0.0, math.inf), 0.0, math.inf),
        ("zero", (-1.0, math.inf), 0.0, math.inf),
        ("zero", (-2.0, 2.0), 0.0, 2.0),
        ("none", (0.0, 1.0), None, None),
    ],
)
def test_best_and_worst_follow_from_the_direction(
    better: Any, bounds: tuple[float, float], best: float | None, worst: float | None
) -> None:
    @metric(symbol="Z", formula="z", bounds=bounds, better=better)
    def some(counts: int) -> Any:
        """Some."""

    assert (some.best, some.worst) == (best, worst)


def test_zero_by_zero_is_undefined_and_anything_else_by_zero_infinite() -> None:
    values = ratio(np.array([0, 3, -3, 3]), np.array([0, 0, 0, 4]))
    assert values.dtype == np.float64
    np.testing.assert_array_equal(values, [math.nan, math.inf, -math.inf, 0.75])


# canonical column names


def test_a_column_says_the_knobs_that_were_asked_for_in_declared_order() -> None:
    assert plain.at().column == "plain"
    assert column(beta=0.7, alpha=0.3, tolerance_mm=2) == "(alpha=0.3,beta=0.7,tolerance_mm=2)"


def test_a_column_leaves_out_defaults_that_nobody_asked_for_except_those_it_always_carries() -> None:
    assert column() == "(tolerance_mm=1)"
    assert column(squared=True) == "(tolerance_mm=1,squared=true)"


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.5, "0.5"), (2, "2"), (2.0, "2"), (1e-5, "1e-05"), (1 / 3, "0.333333"), (1e6, "1e+06"), (math.inf, "inf")],
)
def test_numbers_stand_in_columns_as_percent_g(value: float, text: str) -> None:
    assert column(alpha=value) == f"(alpha={text},tolerance_mm=1)"


def test_words_stand_in_columns_in_lower_case() -> None:
    assert column(tolerance_mm=None, border="none", squared=False) == "(tolerance_mm=none,border=none,squared=false)"


def test_all_knobs_holds_defaults_too() -> None:
    call = closeness.at(alpha=0.5)
    assert call.all_knobs["alpha"] == 0.5
    assert call.all_knobs["beta"] == 0.7


@given(
    st.fixed_dictionaries(
        {},
        optional={
            "alpha": st.floats(0, 9).map(lambda value: float(f"{value:g}")),
            "tolerance_mm": st.none() | st.integers(0, 9),
            "border": st.sampled_from(["inside", "none"]),
            "squared": st.booleans(),
            "n_bins": st.integers(1, 999),
        },
    )
)
def test_a_column_can_be_asked_for_again(knobs: dict[str, Any]) -> None:
    call = closeness.at(**knobs)
    name, parsed = parse_call(call.column)
    assert name == "closeness"
    assert closeness.at(**parsed).column == call.column
    assert closeness.at(**parsed).all_knobs == call.all_knobs


# knobs that do not fit


def test_an_unknown_knob_gets_the_nearest_name_suggested() -> None:
    assert refusal(alpa=1) == (
        "closeness has no knob 'alpa'. Did you mean 'alpha'? "
        "Its knobs: alpha, beta, tolerance_mm, border, squared, n_bins."
    )
    assert "Did you mean" not in refusal(zzz=1)


def test_a_measure_without_knobs_says_so() -> None:
    with pytest.raises(ConfigError, match=r"plain has no knob 'smooth'\. Its knobs: none\."):
        plain.at(smooth=1)


@pytest.mark.parametrize(
    ("knobs", "said"),
    [
        ({"alpha": "much"}, "alpha=much does not fit; alpha takes a number."),
        ({"alpha": True}, "alpha=true does not fit; alpha takes a number."),
        ({"alpha": math.nan}, "alpha=nan does not fit; alpha takes a number."),
        ({"alpha": None}, "alpha=none does not fit; alpha takes a number."),
        ({"tolerance_mm": "wide"}, "tolerance_mm takes a number or none."),
        ({"border": "outside"}, "border takes inside or none."),
        ({"squared": 1}, "squared takes true or false."),
        ({"n_bins": 2.5}, "n_bins takes a whole number."),
        ({"n_bins": True}, "n_bins takes a whole number."),
    ],
)
def test_a_value_of_the_wrong_type_is_refused_with_what_would_fit(knobs: dict[str, Any], said: str) -> None:
    assert refusal(**knobs).endswith(said)
    assert refusal(**knobs).startswith("closeness: ")


def test_a_choice_that_is_called_none_can_be_asked_for() -> None:
    assert parse_call("closeness(border=none)") == ("closeness", {"border": None})
    assert closeness.at(border=None).all_knobs["border"] == "none"
    assert closeness.at(tolerance_mm=None).all_knobs["tolerance_mm"] is None


# parsing


@pytest.mark.parametrize(
    ("text", "name", "knobs"),
    [
        ("dice", "dice", {}),
        ("dice()", "dice", {}),
        (" nsd ( tolerance_mm = 2 ) ", "nsd", {"tolerance_mm": 2}),
        ("a(b=0.3,c=1e-3,d=-2,e=inf)", "a", {"b": 0.3, "c": 1e-3, "d": -2, "e": math.inf}),
        ("a(b=true,c=False,d=None,e=square)", "a", {"b": True, "c": False, "d": None, "e": "square"}),
        ("a(b=1,)", "a", {"b": 1}),
    ],
)
def test_a_call_is_read_into_its_name_and_knobs(text: str, name: str, knobs: dict[str, Any]) -> None:
    assert parse_call(text) == (name, knobs)
    assert [type(value) for value in parse_call(text)[1].values()] == [type(value) for value in knobs.values()]


@pytest.mark.parametrize("text", ["", "2dice", "dice(", "dice)", "dice(a=1", "a b", "dice(a=1)x"])
def test_text_that_is_no_call_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match=r"Cannot read the measure .*Write a name, or name\(knob=value,\.\.\.\)"):
        parse_call(text)


@pytest.mark.parametrize(("text", "part"), [("a(2)", "2"), ("a(b=)", "b="), ("a(=2)", "=2"), ("a(b=1,c)", "c")])
def test_a_knob_without_name_or_value_is_refused(text: str, part: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_call(text)
    assert f"Cannot read {part!r} in {text!r}" in str(caught.value)


def test_a_knob_set_twice_is_refused() -> None:
    with pytest.raises(ConfigError, match="sets 'beta' twice"):
        parse_call("fbeta(beta=1, beta=2)")


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("dice", ["dice"]),
        ("dice,iou", ["dice", "iou"]),
        ("a(c=1,d=2),b", ["a(c=1,d=2)", "b"]),
        ("b,a(c=1,d=2),e(f=1,g=2)", ["b", "a(c=1,d=2)", "e(f=1,g=2)"]),
        (" dice , , iou ,", ["dice", "iou"]),
        ("", []),
    ],
)
def test_a_list_is_split_at_commas_outside_parentheses(text: str, parts: list[str]) -> None:
    assert split_outside_parentheses(text) == parts


def test_calls_with_the_same_knobs_are_equal() -> None:
    assert closeness.at(alpha=2) == closeness.at(alpha=2.0)
    assert MeasureCall(measure=plain) == plain.at()


def test_a_knob_may_have_one_value_for_each_class() -> None:
    name, knobs = parse_call("nsd(tolerance_mm=liver:1;left:kidney:2.5)")
    assert (name, knobs) == ("nsd", {"tolerance_mm": PerClass({"liver": 1.0, "left:kidney": 2.5})})
    with pytest.raises(ConfigError, match="Cannot read 'wide' for class 'liver'"):
        parse_call("nsd(tolerance_mm=liver:wide)")
