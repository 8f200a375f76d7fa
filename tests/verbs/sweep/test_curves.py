"""Losses as functions of one number."""

import numpy as np
import pytest

from segeval.options import SweepOptions
from segeval.verbs.sweep.curves import exp_log_curve, focal_curve
from tests.conftest import golden

WORKED = golden("sweep")


@pytest.mark.parametrize("p_t", [0.1, 0.3, 0.5, 0.7, 0.9])
def test_the_focal_curve_has_the_worked_values(p_t: float) -> None:
    row = next(row for row in focal_curve(SweepOptions()).rows if row["p_t"] == p_t)
    for gamma in ("0", "0.5", "1", "2", "5"):
        assert row[f"loss_g{gamma}"] == pytest.approx(WORKED[f"sweep.focal.curve.g{gamma}.pt{p_t}"], abs=1e-9)


def test_gamma_2_divides_the_loss_of_an_easy_voxel_by_100() -> None:
    table = focal_curve(SweepOptions())
    row = next(row for row in table.rows if row["p_t"] == 0.9)
    assert row["ratio_g2"] == pytest.approx(100)
    assert "ratio_g0" not in table.header
    assert len(table.rows) == 99


@pytest.mark.parametrize("dice", [0.1, 0.3, 0.5, 0.7, 0.9])
def test_the_exp_log_curve_has_the_worked_values(dice: float) -> None:
    row = next(row for row in exp_log_curve(SweepOptions()).rows if row["dice"] == dice)
    assert row["linear"] == pytest.approx(WORKED[f"sweep.exp_log.curve.linear.d{dice}"], abs=1e-9)
    for gamma in ("0.3", "0.5", "1", "2"):
        assert row[f"loss_g{gamma}"] == pytest.approx(WORKED[f"sweep.exp_log.curve.g{gamma}.d{dice}"], abs=1e-9)


def test_the_curve_turns_where_theory_says() -> None:
    row = exp_log_curve(SweepOptions()).rows[0]
    assert row["inflection_g0.3"] == pytest.approx(WORKED["exp_log.inflection.g0.3"], abs=1e-9)
    assert row["inflection_g0.5"] == pytest.approx(WORKED["exp_log.inflection.g0.5"], abs=1e-9)
    assert np.isnan(row["inflection_g1"])


def test_a_perfect_label_costs_nothing_and_its_slope_is_known_or_infinite() -> None:
    last = exp_log_curve(SweepOptions()).rows[-1]
    assert last["dice"] == 1
    assert last["loss_g0.3"] == last["loss_g2"] == 0
    assert np.isnan(last["slope_g0.3"])
    assert last["slope_g1"] == -1
    assert last["slope_g2"] == 0


def test_slopes_are_those_of_finite_differences() -> None:
    rows = exp_log_curve(SweepOptions()).rows
    for gamma in ("0.3", "1", "2"):
        steps = [
            (after[f"loss_g{gamma}"] - before[f"loss_g{gamma}"]) / 0.02
            for before, after in zip(rows[:-2], rows[2:], strict=True)
        ]
        slopes = [row[f"slope_g{gamma}"] for row in rows[1:-1]]
        assert steps[30:70] == pytest.approx(slopes[30:70], rel=2e-3)


def test_other_values_of_gamma_can_be_asked_for() -> None:
    assert "loss_g3" in focal_curve(SweepOptions(grid=("gamma=0:4:1",))).header
