"""Tables of operating points."""

from dataclasses import replace

import numpy as np
import pytest

from segeval.errors import ConfigError
from segeval.metrics.overlap import tversky_index
from segeval.options import SweepOptions
from segeval.results.table import Row
from segeval.verbs.sweep.maps.cases import ClassOverCases
from segeval.verbs.sweep.maps.tversky import sweep_tversky_maps
from segeval.verbs.sweep.table import MEAN, SweepTable
from tests.conftest import golden
from tests.sweep_maps import B, class_maps, random_map

WORKED = golden("sweep")
EMPTY = (B[0], np.zeros(8, dtype=bool))
SPREAD = class_maps(*(random_map(seed) for seed in range(6)))


def swept(*classes: ClassOverCases, **options: object) -> SweepTable:
    return sweep_tversky_maps(classes, SweepOptions(**options))  # type: ignore[arg-type]


def row_of(table: SweepTable, beta: float, name: str = "lesion") -> Row:
    return next(row for row in table.rows if row["beta_fn"] == beta and row["class"] == name)


def test_the_worked_table_comes_out() -> None:
    table = swept(class_maps(B), grid=("alpha=0.9,0.5,0.3,0.1",), sum_to_one=True)
    for alpha, beta in ((0.9, 0.1), (0.5, 0.5), (0.3, 0.7), (0.1, 0.9)):
        row, key = row_of(table, beta), f"sweep.threshold.a{alpha}b{beta}"
        assert row["alpha_fp"] == alpha
        assert row["threshold"] == WORKED[key]
        assert row["hard_loss"] == pytest.approx(WORKED[f"{key}.loss"], abs=1e-9)
        for name in ("dsc", "sensitivity", "specificity", "f2"):
            assert row[name] == pytest.approx(WORKED[f"{key}.{name}"], abs=1e-9)
        assert row["apr"] == pytest.approx(WORKED["metric.apr.step"], abs=1e-9)


@pytest.mark.parametrize(("alpha", "beta"), [(0.5, 0.5), (0.4, 0.6), (0.3, 0.7), (0.2, 0.8), (0.1, 0.9)])
def test_the_soft_loss_is_the_tversky_loss(alpha: float, beta: float) -> None:
    row = row_of(swept(class_maps(B)), beta)
    assert row["soft_loss"] == pytest.approx(WORKED[f"tversky.a{alpha}b{beta}".replace("0.", "0")], abs=1e-6)
    assert [row[f"soft_{side}"] for side in ("tp", "fp", "fn")] == pytest.approx([1.6, 1.05, 1.4])


def test_rows_of_the_paper_are_the_default_and_sorted_by_beta() -> None:
    assert [row["beta_fn"] for row in swept(class_maps(B)).rows] == [0.5, 0.6, 0.7, 0.8, 0.9]


def test_a_row_says_what_holds_for_all_of_them() -> None:
    table = swept(class_maps(B))
    cells = table.whole.rows[0]
    assert cells["mode"] == "maps"
    assert cells["averaging"] == "case"
    assert cells["n_cases"] == 1
    assert "pooled" in cells["threshold_rule"]
    assert cells["segeval_version"]
    assert tuple(cells) == table.header


def test_f2_of_a_single_case_follows_from_dice_and_sensitivity() -> None:
    for row in swept(class_maps(random_map(3))).rows:
        assert row["f2"] == pytest.approx(5 / (3 / row["sensitivity"] + 2 / row["dsc"]))


def test_pooled_counts_and_means_over_cases_differ() -> None:
    by_case, pooled = swept(SPREAD), swept(SPREAD, averaging="pooled")
    assert by_case.rows[0]["dsc"] != pooled.rows[0]["dsc"]
    assert by_case.rows[0]["dsc_n"] == 6
    assert "dsc_std" not in pooled.header


def test_a_threshold_may_be_chosen_on_other_cases_than_it_is_reported_on() -> None:
    apart, together = swept(SPREAD, select="case_0,case_1"), swept(SPREAD)
    assert apart.n_cases == 4
    assert apart.rows[0]["optimistic"] is False
    assert together.rows[0]["optimistic"] is True
    alone = swept(SPREAD.only(["case_0", "case_1"]))
    assert [row["threshold"] for row in apart.rows] == [row["threshold"] for row in alone.rows]


def test_the_mean_over_cases_is_best_among_all_common_thresholds() -> None:
    table = swept(SPREAD, select_by="case_mean")
    for row in table.rows:
        losses = [
            1 - tversky_index(one.curve.at(SPREAD.curve.thresholds[1:]), alpha=row["alpha_fp"], beta=row["beta_fn"])
            for one in SPREAD.cases
        ]
        means = np.mean(losses, axis=0)
        assert row["hard_loss"] == pytest.approx(means.min())
        assert row["threshold"] == SPREAD.curve.thresholds[1:][means.argmin()]


def test_an_oracle_beats_every_common_threshold_and_is_called_one() -> None:
    oracle, common = swept(SPREAD, select_by="oracle_per_case"), swept(SPREAD, select_by="case_mean")
    for one, other in zip(oracle.rows, common.rows, strict=True):
        assert one["hard_loss"] <= other["hard_loss"]
        assert one["oracle"] is True
        assert one["threshold"] is None
        assert one["threshold_calibrated"] is None


def test_an_oracle_cannot_be_split() -> None:
    with pytest.raises(ConfigError, match="Leave out --select and --report"):
        swept(SPREAD, select_by="oracle_per_case", select="case_0")


def test_several_classes_are_averaged_and_never_pooled() -> None:
    organ, lesion = class_maps(random_map(1), name="organ"), class_maps(random_map(2))
    table = swept(organ, lesion)
    for beta in (0.5, 0.9):
        parts = [row_of(table, beta, name) for name in ("organ", "lesion")]
        mean = row_of(table, beta, MEAN)
        for name in ("dsc", "apr", "soft_loss", "hard_loss"):
            assert mean[name] == pytest.approx(np.mean([one[name] for one in parts]))
        assert mean.get("threshold") is None
    assert table.header[0] == "class"
    assert len({row["dsc"] for row in table.rows if row["class"] == "organ"}) > 1


def test_a_class_without_any_voxel_has_empty_cells_and_a_note() -> None:
    table = swept(class_maps(B, name="organ"), class_maps(EMPTY))
    row = row_of(table, 0.5)
    assert row.get("threshold") is None
    assert np.isnan(row["dsc"])
    assert row["note"] == "no voxel of lesion in the cases that thresholds are chosen on"
    assert row_of(table, 0.5, MEAN)["dsc"] == row_of(table, 0.5, "organ")["dsc"]
    assert row_of(table, 0.5, MEAN)["note"] == "(mean) is without lesion"


def test_a_case_without_the_class_is_left_out_of_means_and_counted() -> None:
    row = row_of(swept(class_maps(B, EMPTY)), 0.5)
    assert row["sensitivity_n"] == 1
    assert row["specificity_n"] == 2


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ({"grid": ("alpha=0.3,0.6", "beta=0.7,1.4"), "zip": True}, "same ratio"),
        ({"threshold_by": "dice"}, "α and β do not enter"),
    ],
)
def test_a_flat_sweep_says_why(options: dict[str, object], why: str) -> None:
    assert any(why in note for note in swept(SPREAD, **options).notes)


def test_a_map_that_is_certain_everywhere_says_that_there_is_little_to_choose() -> None:
    p = np.array([1.0, 1.0, 0.001, 0.0, 0.0, 0.0])
    table = swept(class_maps((p, p > 0.5)))
    assert any("leave little to choose" in note for note in table.notes)


def test_a_constant_map_says_that_it_is_constant() -> None:
    table = swept(class_maps((np.full(4, 0.5), np.array([True, False, False, False]))))
    assert any("constant" in note for note in table.notes)


def test_prices_in_the_same_ratio_choose_the_same_threshold() -> None:
    table = swept(SPREAD, grid=("alpha=0.5,1", "beta=0.5,1"), zip=True)
    assert table.rows[0]["threshold"] == table.rows[1]["threshold"]


def test_a_repeated_setting_gives_identical_rows() -> None:
    table = swept(SPREAD, grid=("alpha=0.3,0.3", "beta=0.7,0.7"), zip=True)
    assert table.rows[0] == table.rows[1]


def test_the_order_of_the_cases_changes_nothing_but_rounding() -> None:
    shuffled = replace(SPREAD, cases=SPREAD.cases[::-1])
    for one, other in zip(swept(SPREAD).rows, swept(shuffled).rows, strict=True):
        assert [one[name] for name in ("threshold", "dsc", "apr")] == pytest.approx(
            [other[name] for name in ("threshold", "dsc", "apr")]
        )


def test_bins_choose_nearly_the_same() -> None:
    maps = [random_map(seed) for seed in range(3)]
    exact, binned = swept(class_maps(*maps)), swept(class_maps(*maps, binned=True))
    for one, other in zip(exact.rows, binned.rows, strict=True):
        assert other["approx"] is True
        assert other["hard_loss"] == pytest.approx(one["hard_loss"], abs=1e-3)
        assert other["soft_loss"] == pytest.approx(one["soft_loss"], abs=1e-9), "sums are exact in bins too"


def test_intervals_hold_their_values_and_differences_are_taken_from_the_baseline() -> None:
    table = swept(SPREAD, bootstrap=200, baseline="alpha=0.3,beta=0.7")
    for row in table.rows:
        assert row["dsc_lo"] <= row["dsc"] <= row["dsc_hi"]
        assert row["dsc_diff"] == pytest.approx(row["dsc"] - row_of(table, 0.7)["dsc"])
        assert row["dsc_diff_lo"] <= row["dsc_diff"] <= row["dsc_diff_hi"]
    assert row_of(table, 0.7)["dsc_diff_hi"] == 0


def test_the_mean_over_classes_has_an_interval_of_its_own() -> None:
    table = swept(replace(SPREAD, name="organ"), SPREAD, bootstrap=100)
    assert row_of(table, 0.5, MEAN)["dsc_lo"] < row_of(table, 0.5, MEAN)["dsc_hi"]


def test_pooled_values_have_intervals_too() -> None:
    row = swept(SPREAD, bootstrap=100, averaging="pooled").rows[0]
    assert row["dsc_lo"] < row["dsc"] < row["dsc_hi"]


def test_a_baseline_that_is_not_in_the_table_is_refused() -> None:
    with pytest.raises(ConfigError, match="the table has no such row"):
        swept(SPREAD, bootstrap=10, baseline="alpha=0.7")
    with pytest.raises(ConfigError, match="Add --bootstrap"):
        swept(SPREAD, baseline="alpha=0.5")


def test_every_threshold_can_be_written() -> None:
    points = swept(class_maps(B), operating_points=True).extras["operating_points"]
    assert len(points.rows) == len(set(B[0])) + 1
    assert points.rows[0]["threshold"] == np.inf
    for row in points.rows[1:]:
        assert row["tp"] + row["fn"] == 3
        assert row["recall"] == row["tp"] / 3
        if row["threshold"] == 0.3:
            assert row["tl_0.5_0.5"] == pytest.approx(WORKED["sweep.threshold.a0.5b0.5.loss"], abs=1e-9)
            assert row["tl_0.1_0.9"] == pytest.approx(WORKED["sweep.threshold.a0.1b0.9.loss"], abs=1e-9)


def test_areas_are_pooled_where_that_is_asked_for() -> None:
    both = class_maps(B, random_map(1))
    assert swept(both, apr_averaging="pooled").rows[0]["apr"] == both.curve.average_precision("step")
    assert swept(class_maps(B), apr_method="trapezoid").rows[0]["apr"] == pytest.approx(WORKED["metric.apr.trapezoid"])
