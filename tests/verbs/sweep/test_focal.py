"""Where the focal loss lies, and how few voxels carry it."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from segeval.errors import ConfigError
from segeval.evidence.probabilities.soft import ChannelTerms, PixelTerms, two_channels
from segeval.losses.pixel import bce_loss, focal_loss
from segeval.options import SweepOptions
from segeval.verbs.sweep.curves import cumulative_loss, sweep_focal_cdf
from segeval.verbs.sweep.maps.cases import ClassOverCases
from segeval.verbs.sweep.maps.focal import focal_cells, sides_of, sweep_focal_maps
from segeval.verbs.sweep.table import MEAN, SweepTable
from tests.conftest import golden
from tests.sweep_maps import B, Map, class_maps, maps_with_ties, random_map

WORKED = golden("sweep")
GAMMAS = (0, 0.5, 1, 2, 5)


def cells(one: Map, gamma: float, alpha: float | None = None, easy: float = 0.5) -> dict[str, float]:
    return focal_cells(sides_of(class_maps(one).pooled), gamma=gamma, alpha=alpha, easy=easy)


def maps_swept(*classes: ClassOverCases, **options: object) -> SweepTable:
    return sweep_focal_maps(classes, SweepOptions(**options))  # type: ignore[arg-type]


def cdf_swept(*classes: ClassOverCases, **options: object) -> SweepTable:
    return sweep_focal_cdf(classes, SweepOptions(**options))  # type: ignore[arg-type]


@pytest.mark.parametrize("gamma", GAMMAS)
def test_the_worked_shares_come_out(gamma: float) -> None:
    found = cells(B, gamma)
    for name in ("pos_share", "hard_share", "n_eff"):
        assert found[name] == pytest.approx(WORKED[f"sweep.focal.{name}.g{gamma}"], abs=1e-9)
    assert found["loss_mean"] == pytest.approx(WORKED[f"focal.noalpha.g{gamma}.mean"], abs=1e-9)


@pytest.mark.parametrize("gamma", GAMMAS)
def test_the_worked_cumulative_losses_come_out(gamma: float) -> None:
    shares = cumulative_loss(sides_of(class_maps(B).pooled)[1], gamma)
    for i in range(5):
        assert shares[20 * (i + 1)] == pytest.approx(WORKED[f"sweep.focal.cdf_neg.g{gamma}[{i}]"], abs=1e-9)


@given(maps_with_ties(), st.sampled_from(GAMMAS), st.sampled_from([None, 0.25, 0.75]), st.floats(0.1, 0.9))
def test_shares_sum_to_one(one: Map, gamma: float, alpha: float | None, easy: float) -> None:
    found = cells(one, gamma, alpha, easy)
    if np.isnan(found["pos_share"]):
        return  # every voxel is certain and right
    assert found["pos_share"] + found["neg_share"] == pytest.approx(1)
    assert found["hard_share"] + found["easy_share"] == pytest.approx(1)
    four = ("pos_hard_share", "pos_easy_share", "neg_hard_share", "neg_easy_share")
    assert sum(found[name] for name in four) == pytest.approx(1)
    assert found["n_eff"] <= len(one[0]) * (1 + 1e-12)


@given(maps_with_ties(), st.sampled_from(GAMMAS), st.sampled_from([None, 0.25, 0.75]))
def test_the_loss_is_the_focal_loss_and_without_focus_cross_entropy(
    one: Map, gamma: float, alpha: float | None
) -> None:
    found, voxels = cells(one, gamma, alpha), class_maps(one).cases[0].voxels
    terms = ChannelTerms(two_channels(voxels))
    assert found["loss_mean"] == pytest.approx(float(focal_loss(terms, gamma=float(gamma), alpha=alpha)))
    paper = focal_loss(terms, gamma=float(gamma), alpha=alpha, reduction="num_pos")
    assert found["loss_num_pos"] == pytest.approx(float(paper))
    if gamma == 0 and alpha is None:
        assert found["loss_mean"] == pytest.approx(float(bce_loss(PixelTerms(voxels))))


def test_a_loss_that_is_equal_everywhere_is_carried_by_all_voxels() -> None:
    found = cells((np.array([0.7, 0.7, 0.3, 0.3]), np.array([True, True, False, False])), 2.0)
    assert found["n_eff"] == pytest.approx(4)
    assert found["n_eff_frac"] == pytest.approx(1)
    assert found["alpha_balance"] == pytest.approx(0.5)


@pytest.mark.parametrize("gamma", GAMMAS)
def test_the_shares_of_the_gradient_are_those_of_autograd(gamma: float) -> None:
    z = torch.tensor(np.log(B[0] / (1 - B[0])), requires_grad=True)
    y = torch.tensor(B[1])
    log_p_t = torch.nn.functional.logsigmoid(torch.where(y, z, -z))
    ((1 - log_p_t.exp()) ** gamma * -log_p_t).sum().backward()
    assert z.grad is not None
    slopes = z.grad.abs().numpy()
    found = cells(B, gamma)
    assert found["grad_pos_share"] == pytest.approx(slopes[B[1]].sum() / slopes.sum())
    hard = np.where(B[1], B[0], 1 - B[0]) < 0.5
    assert found["grad_hard_share"] == pytest.approx(slopes[hard].sum() / slopes.sum())
    assert found["n_eff_grad"] == pytest.approx(slopes.sum() ** 2 / (slopes**2).sum())


@given(maps_with_ties(), st.sampled_from(GAMMAS))
def test_balanced_weights_share_the_loss_equally(one: Map, gamma: float) -> None:
    alpha = cells(one, gamma)["alpha_balance"]
    if 0 < alpha < 1:
        assert cells(one, gamma, alpha)["pos_share"] == pytest.approx(0.5)


def test_the_fraction_of_hard_voxels_does_not_depend_on_the_focus() -> None:
    rows = maps_swept(class_maps(random_map(1))).rows
    assert len({row["frac_hard_pos"] for row in rows}) == 1
    assert len({row["frac_hard_neg"] for row in rows}) == 1


def test_the_grid_of_the_paper_is_the_default() -> None:
    rows = maps_swept(class_maps(B)).rows
    assert [(row["gamma"], row["alpha_pos"]) for row in rows[:5]] == [
        (0, None),
        (0, 0.25),
        (0, 0.5),
        (0, 0.75),
        (0.1, None),
    ]
    assert len(rows) == 28


def test_averaging_over_cases_is_the_mean_of_single_tables() -> None:
    both = maps_swept(class_maps(B, random_map(1)), averaging="case").rows
    alone = [maps_swept(class_maps(one)).rows for one in (B, random_map(1))]
    for row, first, second in zip(both, *alone, strict=True):
        assert row["pos_share"] == pytest.approx((first["pos_share"] + second["pos_share"]) / 2)


def test_several_classes_have_a_mean() -> None:
    table = maps_swept(class_maps(B, name="organ"), class_maps(random_map(1)), grid=("gamma=2", "alpha=none"))
    organ, lesion, mean = table.rows
    assert mean["class"] == MEAN
    assert mean["pos_share"] == pytest.approx((organ["pos_share"] + lesion["pos_share"]) / 2)


def test_a_class_without_voxels_is_noted() -> None:
    row = maps_swept(class_maps((B[0], np.zeros(8, dtype=bool)))).rows[0]
    assert row["note"] == "no voxel of lesion"
    assert np.isnan(row["top20_share_pos"])
    assert np.isnan(row["alpha_balance"])


@given(maps_with_ties(), st.sampled_from(GAMMAS))
def test_a_cumulative_loss_rises_from_0_to_1_and_is_convex(one: Map, gamma: float) -> None:
    for side in sides_of(class_maps(one).pooled):
        shares = cumulative_loss(side, gamma)
        if np.isnan(shares).any():
            continue
        assert shares[0] == 0
        assert shares[-1] == pytest.approx(1)
        assert (np.diff(shares) >= -1e-12).all()
        if side.size % 100 == 0:
            assert (np.diff(shares, 2) >= -1e-12).all()


def test_cumulative_losses_of_many_voxels_are_convex() -> None:
    p, truth = random_map(1, n=5000)
    kept = np.concatenate([np.flatnonzero(truth)[:500], np.flatnonzero(~truth)[:2000]])
    for side in sides_of(class_maps((p[kept], truth[kept])).pooled):
        for gamma in GAMMAS:
            assert (np.diff(cumulative_loss(side, gamma), 2) >= -1e-12).all()


@pytest.mark.parametrize("gamma", GAMMAS)
def test_the_easiest_four_fifths_leave_the_share_of_the_hardest(gamma: float) -> None:
    p, truth = random_map(1, n=3000)
    kept = np.concatenate([np.flatnonzero(truth)[:100], np.flatnonzero(~truth)[:1000]])
    sides, found = sides_of(class_maps((p[kept], truth[kept])).pooled), cells((p[kept], truth[kept]), gamma)
    for name, side in zip(("pos", "neg"), sides, strict=True):
        assert cumulative_loss(side, gamma)[80] == pytest.approx(1 - found[f"top20_share_{name}"])


def test_the_table_of_cumulative_losses_has_both_sides_of_every_gamma() -> None:
    table = cdf_swept(class_maps(B), trained_gamma=2.0)
    assert len(table.rows) == 2 * 4 * 101
    assert {row["class"] for row in table.rows} == {"pos", "neg"}
    assert {row["trained_gamma"] for row in table.rows} == {2.0}
    f80 = {row["gamma"]: row for row in table.extras["f80"].rows}
    assert f80[2]["f80_neg"] == pytest.approx(WORKED["sweep.focal.cdf_neg.g2[3]"], abs=1e-9)


def test_as_many_voxels_are_drawn_as_asked_for_and_always_the_same() -> None:
    maps = class_maps(random_map(1))
    first, again = (cdf_swept(maps, max_voxels=50) for _ in range(2))
    assert {row["n"] for row in first.rows} == {50}
    assert first.rows == again.rows
    assert first.rows != cdf_swept(maps, max_voxels=50, seed=1).rows


@pytest.mark.parametrize("text", ["gamma=-1", "alpha=1.5", "gamma=none", "gamma=fast"])
def test_parameters_that_cannot_be_are_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="out of range"):
        maps_swept(class_maps(B), grid=(text,))


def test_cumulative_losses_turn_only_the_focus() -> None:
    with pytest.raises(ConfigError, match="no parameter 'alpha'"):
        cdf_swept(class_maps(B), grid=("alpha=0.5",))
