"""Any parameter of any loss."""

import numpy as np
import pytest

from docs.gradients import grad_table
from segeval.errors import ConfigError
from segeval.options import SweepOptions
from segeval.verbs.sweep.grid import find_loss
from segeval.verbs.sweep.maps.any_loss import slopes_of, sweep_any_maps, value_of
from segeval.verbs.sweep.maps.cases import ClassOverCases
from segeval.verbs.sweep.table import MEAN, SweepTable
from tests.conftest import golden
from tests.sweep_maps import B, class_maps, random_map

WORKED = golden("sweep")
ANYWHERE = [
    "bce_loss", "combo_loss", "cross_entropy_loss", "dice_focal_loss", "dice_loss", "exp_log_loss", "focal_loss",
    "focal_star_loss", "focal_tversky_loss", "generalized_dice_loss", "iou_loss", "log_cosh_dice_loss",
    "lovasz_hinge_loss", "lovasz_sigmoid_loss", "lovasz_softmax_loss", "sensitivity_specificity_loss", "tversky_loss",
    "weighted_bce_loss", "weighted_cross_entropy_loss",
]  # fmt: skip


def swept(loss: str, *classes: ClassOverCases, **options: object) -> SweepTable:
    return sweep_any_maps(find_loss(loss), classes or (class_maps(B),), SweepOptions(**options))  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ANYWHERE)
def test_every_loss_has_a_gradient(name: str) -> None:
    slopes = slopes_of(find_loss(name).at(), class_maps(B).cases[0].voxels)
    assert slopes.l1 > 0
    assert 0 <= slopes.share(slopes.voxels.truth) <= 1


@pytest.mark.parametrize("name", ["bce_loss", "dice_loss", "tversky_loss", "focal_loss", "lovasz_hinge_loss"])
def test_gradients_are_those_of_the_voxels_one_by_one(name: str) -> None:
    slopes, single = (
        slopes_of(find_loss(name).at(), class_maps(B).cases[0].voxels),
        grad_table(find_loss(name), *B).dL_dz,
    )
    assert slopes.l1 == pytest.approx(np.abs(single).sum(), rel=1e-6)
    assert slopes.total == pytest.approx(single.sum(), rel=1e-6)
    assert slopes.share(slopes.voxels.truth) == pytest.approx(np.abs(single)[B[1]].sum() / np.abs(single).sum())
    if not name.startswith("lovasz"):  # which of two equal voxels comes first is left open there
        assert slopes.n_eff == pytest.approx(np.abs(single).sum() ** 2 / (single**2).sum(), rel=1e-6)


def test_cross_entropy_of_two_channels_is_that_of_one() -> None:
    voxels = class_maps(B).cases[0].voxels
    two, one = find_loss("cross_entropy_loss").at(), find_loss("bce_loss").at()
    assert float(value_of(two, voxels)) == pytest.approx(float(value_of(one, voxels)))
    assert slopes_of(two, voxels).entries == pytest.approx(slopes_of(one, voxels).entries)


def test_a_hundred_voxels_pull_like_a_hundred_times_one() -> None:
    once, often = class_maps(B), class_maps((np.tile(B[0], 100), np.tile(B[1], 100)))
    call = find_loss("tversky_loss").at()
    few, many = (slopes_of(call, maps.cases[0].voxels) for maps in (once, often))
    assert many.l1 == pytest.approx(few.l1, rel=1e-5)
    assert many.n_eff == pytest.approx(100 * few.n_eff, rel=1e-5)


def test_rows_are_all_combinations_of_the_values_in_order() -> None:
    table = swept("dice", grid=("smooth=1,0", "denominator=linear,squared"))
    assert [(row["smooth"], row["denominator"]) for row in table.rows] == [
        (0, "linear"),
        (0, "squared"),
        (1, "linear"),
        (1, "squared"),
    ]


def test_values_can_be_paired() -> None:
    table = swept("dice", grid=("smooth=1,0", "denominator=linear,squared"), zip=True)
    assert [(row["smooth"], row["denominator"]) for row in table.rows] == [(1, "linear"), (0, "squared")]
    with pytest.raises(ConfigError, match="as many values"):
        swept("dice", grid=("smooth=1,0,2", "denominator=linear,squared"), zip=True)


def test_a_loss_that_does_not_vanish_for_a_perfect_mask_is_printed_in_bold() -> None:
    wrong = swept("dice", grid=("legacy=factor_inside", "smooth=1"))
    assert wrong.rows[0]["loss_if_perfect"] == pytest.approx(WORKED["dice.source3_code.perfect"], abs=1e-9)
    paper = swept("dice_two_class", grid=("form=paper", "smooth=1"))
    assert paper.rows[0]["loss_if_perfect"] == pytest.approx(WORKED["dice_two_class.paper.perfect.eps1"], abs=1e-9)
    for table in (wrong, paper):
        assert table.emphasis == {(0, "loss_if_perfect")}
        assert table.rows[0]["note"]
    assert not swept("dice", grid=("smooth=0,1",)).emphasis


def test_predicting_nothing_everything_and_the_truth_is_valued() -> None:
    row = swept("tversky", grid=("smooth=0",)).rows[0]
    assert row["loss_if_empty"] == 1
    assert row["loss_if_full"] == pytest.approx(1 - 3 / (3 + 0.3 * 5))
    assert row["loss_if_perfect"] == 0
    assert row["direction"] == -1


def test_values_are_summarised_over_the_cases() -> None:
    row = swept("dice", class_maps(B, random_map(1))).rows[0]
    alone = [swept("dice", class_maps(one)).rows[0]["loss_mean"] for one in (B, random_map(1))]
    assert row["loss_mean"] == pytest.approx(np.mean(alone))
    assert (row["loss_min"], row["loss_max"]) == pytest.approx((min(alone), max(alone)))
    assert row["loss_std"] == pytest.approx(np.std(alone, ddof=1))


def test_ambiguous_parameters_are_named_for_what_they_weigh() -> None:
    assert swept("tversky", grid=("alpha=0.3", "smooth=0")).settings == ("alpha_fp", "smooth")
    assert swept("focal", grid=("alpha=0.25,none",)).settings == ("alpha_pos",)
    assert swept("combo", grid=("alpha=0.3",)).settings == ("alpha",)


def test_several_classes_have_a_mean() -> None:
    table = swept("dice", class_maps(B, name="organ"), class_maps(random_map(1)))
    assert [row["class"] for row in table.rows] == ["organ", "lesion", MEAN]


def test_an_operating_point_is_the_same_whatever_the_loss() -> None:
    maps = class_maps(*(random_map(seed) for seed in range(4)))
    table = swept("bce", maps, grid=("reduction=mean,sum",), threshold_by="youden", select="case_0")
    assert table.rows[0]["threshold"] == table.rows[1]["threshold"]
    assert table.n_cases == 3
    assert {"threshold", "dsc"} <= {*table.constant}
    assert table.split.startswith("chosen on 1 case")


@pytest.mark.parametrize(
    ("loss", "grid", "said"),
    [
        ("dice", "smoth=1", "Did you mean 'smooth'"),
        ("dice", "smooth=-1", "out of range"),
        ("dice", "denominator=cubic", "does not fit"),
        ("tversky", "alpha=0", "no price"),
        ("unet_weighted_ce", "sigma=1", "by where they lie"),
        ("hausdorff_dt", "alpha=1,2", "hausdorff_dt_loss weighs voxels by where they lie"),
    ],
)
def test_what_cannot_be_swept_is_refused(loss: str, grid: str, said: str) -> None:
    more = ("beta=0",) if grid == "alpha=0" else ()
    with pytest.raises(ConfigError, match=said):
        swept(loss, grid=(grid, *more))
