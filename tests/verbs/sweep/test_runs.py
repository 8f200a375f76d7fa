"""A sweep over trained models: every number from the masks of each setting, over the same cases for all of them."""

import numpy as np
import pytest
from sklearn.metrics import average_precision_score

from segeval.errors import ConfigError, DataError
from segeval.options import SweepOptions
from segeval.verbs.sweep.check_table import findings, rows_of
from segeval.verbs.sweep.sheet import render, screen_sheet
from segeval.verbs.sweep.trained.sweep import sweep_runs

SHAPE = (6, 7)
CASES = ("a", "b", "c")


def truth_of(case_id):
    mask = np.zeros(SHAPE, dtype=np.uint8)
    mask[1:4, 1 : 3 + CASES.index(case_id)] = 1
    return mask


def maps_of(case_id, sharpness=1.0, seed=0):
    noise = np.random.default_rng([seed, CASES.index(case_id)]).uniform(-0.4, 0.4, SHAPE)
    return np.clip(0.5 + (truth_of(case_id) - 0.5) * 0.6 * sharpness + noise, 0, 1).astype(np.float32)


def bold(case_id, shift=-0.2):
    return np.clip(maps_of(case_id) + np.float32(shift), 0, 1)


def write(folder, images):
    folder.mkdir(parents=True, exist_ok=True)
    for case_id, image in images.items():
        np.save(folder / f"{case_id}.npy", image)
    return folder


@pytest.fixture
def truth(tmp_path):
    return write(tmp_path / "truth", {one: truth_of(one) for one in CASES})


@pytest.fixture
def runs(tmp_path):
    """Three settings whose maps differ, the bolder the dearer a miss is."""
    for beta, shift in ((0.5, -0.2), (0.7, -0.05), (0.9, 0.1)):
        maps = {one: bold(one, shift) for one in CASES}
        write(tmp_path / "runs" / f"alpha={1 - beta:.1f}_beta={beta}", maps)
    return tmp_path / "runs"


def sweep(runs, truth, loss="tversky", **options):
    table = sweep_runs(loss, runs, truth, SweepOptions(**options))
    assert findings(rows_of(table)) == []
    return table


def shown(table):
    """The cells of all rows, undefined ones as None so that equal ones are equal."""
    return [{name: None if value != value else value for name, value in row.items()} for row in table.whole.rows]


def test_the_columns_are_the_papers_and_the_numbers_those_of_the_masks(runs, truth):
    table = sweep(runs, truth)
    assert table.header[:7] == ("alpha_fp", "beta_fn", "dsc", "sensitivity", "specificity", "f2", "apr")
    first = table.rows[0]
    dice = []
    for one in CASES:
        pred, true = bold(one) >= 0.5, truth_of(one) > 0
        dice.append(2 * (pred & true).sum() / (pred.sum() + true.sum()))
    assert (first["alpha_fp"], first["beta_fn"]) == (0.5, 0.5)
    assert first["dsc"] == pytest.approx(np.mean(dice))
    assert first["dsc_std"] == pytest.approx(np.std(dice, ddof=1))
    assert first["dsc_n"] == 3
    assert first["hard_tversky_loss"] == pytest.approx(1 - np.mean(dice))


def test_the_threshold_is_one_half_and_inclusive(tmp_path, truth):
    maps = {one: np.where(truth_of(one) > 0, np.float32(0.5), np.float32(0.25)) for one in CASES}
    write(tmp_path / "runs" / "alpha=1_beta=1", maps)
    assert sweep(tmp_path / "runs", truth).rows[0]["dsc"] == 1


def test_apr_is_the_step_area_of_every_case(runs, truth):
    expected = [average_precision_score(truth_of(one).ravel(), bold(one).ravel()) for one in CASES]
    table = sweep(runs, truth)
    assert table.rows[0]["apr"] == pytest.approx(np.mean(expected))
    assert table.caption["apr"] == "step, case"


def test_apr_can_be_that_of_all_voxels_pooled(runs, truth):
    voxels = [np.concatenate([of(one).ravel() for one in CASES]) for of in (truth_of, bold)]
    assert sweep(runs, truth, apr_averaging="pooled").rows[0]["apr"] == pytest.approx(average_precision_score(*voxels))


def test_masks_have_no_apr_and_keep_everything_else(tmp_path, truth):
    masks = {one: (maps_of(one) >= 0.5).astype(np.uint8) for one in CASES}
    write(tmp_path / "masks" / "alpha=0.5_beta=0.5", masks)
    write(tmp_path / "maps" / "alpha=0.5_beta=0.5", {one: maps_of(one) for one in CASES})
    of_masks, of_maps = sweep(tmp_path / "masks", truth), sweep(tmp_path / "maps", truth)
    assert np.isnan(of_masks.rows[0]["apr"])
    assert of_masks.rows[0]["dsc"] == of_maps.rows[0]["dsc"]
    assert of_masks.threshold_rule == "masks as they are"


def test_maps_beside_masks_are_refused(tmp_path, truth):
    write(tmp_path / "runs" / "alpha=0.5_beta=0.5", {one: maps_of(one) for one in CASES})
    write(tmp_path / "runs" / "alpha=0.3_beta=0.7", {one: truth_of(one) for one in CASES})
    with pytest.raises(ConfigError, match="rows must be comparable"):
        sweep(tmp_path / "runs", truth)


def test_two_identical_folders_give_identical_rows(tmp_path, truth):
    for name in ("alpha=0.5_beta=0.5", "alpha=0.3_beta=0.7"):
        write(tmp_path / "runs" / name, {one: maps_of(one) for one in CASES})
    first, second = shown(sweep(tmp_path / "runs", truth))
    assert {name for name in first if first[name] != second[name]} == {"alpha_fp", "beta_fn", "hard_tversky_loss"}


def test_the_order_of_files_changes_nothing(tmp_path, truth):
    for name, order in (("one", CASES), ("other", CASES[::-1])):
        write(tmp_path / name / "alpha=0.5_beta=0.5", {one: maps_of(one) for one in order})
    manifest = tmp_path / "other.csv"
    manifest.write_text("beta,path,alpha\n0.5,other/alpha=0.5_beta=0.5,0.5\n")
    assert shown(sweep(tmp_path / "one", truth)) == shown(sweep(manifest, truth))


def test_f2_of_a_single_case_is_that_of_pooled_counts(tmp_path):
    truth = write(tmp_path / "truth", {"a": truth_of("a")})
    write(tmp_path / "runs" / "alpha=0.5_beta=0.5", {"a": maps_of("a")})
    row = sweep(tmp_path / "runs", truth).rows[0]
    assert row["f2"] == pytest.approx(row["f2_if_pooled"], abs=1e-12)


def test_f2_if_pooled_tells_the_average_over_cases_from_pooled_counts(runs, truth):
    per_case, pooled = sweep(runs, truth).rows[0], sweep(runs, truth, averaging="pooled").rows[0]
    assert per_case["f2"] != pytest.approx(per_case["f2_if_pooled"], abs=1e-6)
    assert "dsc_std" not in pooled
    assert 1 / pooled["f2"] == pytest.approx((3 / pooled["sensitivity"] + 2 / pooled["dsc"]) / 5)


def test_folds_together_cover_each_case_once(tmp_path, truth):
    write(tmp_path / "f0", {one: maps_of(one) for one in "ab"})
    write(tmp_path / "f1", {"c": maps_of("c")})
    write(tmp_path / "whole", {one: maps_of(one) for one in CASES})
    manifest = tmp_path / "runs.csv"
    manifest.write_text("path,alpha,beta,fold\nf0,0.5,0.5,0\nf1,0.5,0.5,1\nwhole,0.3,0.7,\n")
    folds, whole = sweep(manifest, truth).rows
    assert folds["dsc"] == whole["dsc"]


def test_a_case_in_two_folds_is_an_error(tmp_path, truth):
    write(tmp_path / "f0", {one: maps_of(one) for one in CASES})
    write(tmp_path / "f1", {"c": maps_of("c")})
    manifest = tmp_path / "runs.csv"
    manifest.write_text("path,alpha,beta,fold\nf0,0.5,0.5,0\nf1,0.5,0.5,1\n")
    with pytest.raises(DataError, match=r"case 'c' of alpha_fp=0\.5, beta_fn=0\.5 has a prediction already"):
        sweep(manifest, truth)


def test_seeds_are_averaged_in_each_case_first(tmp_path, truth):
    for seed in (0, 1, 2):
        write(tmp_path / "runs" / f"alpha=0.5_beta=0.5_seed={seed}", {one: maps_of(one, seed=seed) for one in CASES})
        write(tmp_path / f"only{seed}" / "alpha=0.5_beta=0.5", {one: maps_of(one, seed=seed) for one in CASES})
    row = sweep(tmp_path / "runs", truth).rows[0]
    alone = [sweep(tmp_path / f"only{seed}", truth).rows[0]["dsc"] for seed in (0, 1, 2)]
    assert row["dsc"] == pytest.approx(np.mean(alone))
    assert row["dsc_seed_std"] == pytest.approx(np.std(alone, ddof=1))
    assert row["dsc_n"] == 3


def test_a_single_run_per_setting_is_said_to_have_no_uncertainty(runs, truth):
    assert any(note.startswith("One run per setting") for note in sweep(runs, truth).notes)


def test_differences_against_the_baseline_use_the_same_resamples_for_all_rows(runs, truth):
    table = sweep(runs, truth, bootstrap=200)
    baseline, *others = table.rows
    assert (baseline["dsc_diff"], baseline["dsc_diff_lo"], baseline["dsc_diff_hi"]) == (0, 0, 0)
    for row in others:
        assert row["sensitivity_diff"] == pytest.approx(row["sensitivity"] - baseline["sensitivity"])
        assert row["sensitivity_lo"] <= row["sensitivity"] <= row["sensitivity_hi"]
        assert row["sensitivity_diff_lo"] >= 0  # every case gains, so every resample does


def test_the_baseline_can_be_named(runs, truth):
    rows = sweep(runs, truth, bootstrap=20, baseline="alpha=0.3,beta=0.7").rows
    assert [row["dsc_diff"] == 0 for row in rows] == [False, True, False]


def test_a_baseline_that_is_not_there_is_an_error(runs, truth):
    with pytest.raises(ConfigError, match="no row with alpha_fp=9"):
        sweep(runs, truth, bootstrap=20, baseline="alpha=9,beta=9")


def test_the_rank_correlation_of_beta_and_sensitivity_is_reported(runs, truth):
    table = sweep(runs, truth)
    sensitivity = [row["sensitivity"] for row in table.rows]
    assert sensitivity == sorted(sensitivity)
    assert table.caption["spearman_beta_sensitivity"] == "1.000"


def test_cases_that_differ_between_rows_are_an_error(runs, truth):
    (runs / "alpha=0.3_beta=0.7" / "b.npy").unlink()
    with pytest.raises(
        DataError, match=r"alpha_fp=0.3, beta_fn=0.7: 1 of 3 cases have no prediction: b\..*allow-missing"
    ):
        sweep(runs, truth)


def test_with_allow_missing_the_common_cases_are_compared(runs, truth):
    (runs / "alpha=0.3_beta=0.7" / "b.npy").unlink()
    table = sweep(runs, truth, allow_missing=True)
    assert table.n_cases == 2
    assert {row["dsc_n"] for row in table.rows} == {2}


def test_no_common_case_is_an_error(tmp_path, truth):
    write(tmp_path / "runs" / "alpha=0.5_beta=0.5", {"a": maps_of("a")})
    write(tmp_path / "runs" / "alpha=0.3_beta=0.7", {"b": maps_of("b")})
    with pytest.raises(DataError, match="No case has a prediction of every setting"):
        sweep(tmp_path / "runs", truth, allow_missing=True)


def test_a_setting_without_predictions_is_an_error(runs, truth):
    (runs / "alpha=0_beta=1").mkdir()
    with pytest.raises(DataError, match="no predictions for alpha_fp=0, beta_fn=1"):
        sweep(runs, truth)


def test_a_class_without_a_voxel_has_empty_cells_and_a_note(runs, truth):
    for row in sweep(runs, truth, labels="2=other").rows:
        assert np.isnan(row["sensitivity"])
        assert "no voxel of other" in row["note"]


def test_an_unknown_class_is_an_error(runs, truth):
    with pytest.raises(ConfigError, match=r"--class bone: no such class\. There are 1"):
        sweep(runs, truth, class_name="bone")


def test_a_grid_limits_the_rows_and_asks_for_runs_that_exist(runs, truth):
    assert len(sweep(runs, truth, grid=("beta=0.5,0.9",)).rows) == 2
    with pytest.raises(ConfigError, match=r"beta_fn=0\.6: no run has this setting"):
        sweep(runs, truth, grid=("beta=0.5,0.6",))


def test_ignored_voxels_count_nowhere(tmp_path):
    void = truth_of("a")
    void[5] = 255
    wrong = maps_of("a", sharpness=2)
    wrong[5] = 1
    truth = write(tmp_path / "truth", {"a": void})
    write(tmp_path / "runs" / "alpha=0.5_beta=0.5", {"a": wrong})
    row = sweep(tmp_path / "runs", truth, labels="1", ignore_label=(255,)).rows[0]
    kept, true = wrong[:5] >= 0.5, void[:5] == 1
    assert row["precision"] == (kept & true).sum() / kept.sum()


def several_classes(case_id):
    labels = truth_of(case_id)
    labels[5, :4] = 2
    return labels


def test_several_classes_are_blocks_of_their_own_with_a_mean(tmp_path):
    truth = write(tmp_path / "truth", {one: several_classes(one) for one in CASES})
    preds = {one: np.roll(several_classes(one), 1, axis=1) for one in CASES}
    write(tmp_path / "runs" / "alpha=0.5_beta=0.5", preds)
    first, second, both = sweep(tmp_path / "runs", truth, labels="1=organ,2=lesion").rows
    assert [row["class"] for row in (first, second, both)] == ["organ", "lesion", "(mean)"]
    assert both["dsc"] == pytest.approx((first["dsc"] + second["dsc"]) / 2)
    assert both["dsc_n"] == 2


FOCAL = [(gamma, alpha) for gamma in (0, 2) for alpha in (0.25, 0.75)]


@pytest.fixture
def focal_runs(tmp_path):
    """α of 0.75 is better on case a, α of 0.25 on the others."""
    for gamma, alpha in FOCAL:
        good = {"a": alpha == 0.75, "b": alpha == 0.25, "c": alpha == 0.25}
        maps = {one: maps_of(one, sharpness=2.0 if good[one] else 0.2) for one in CASES}
        write(tmp_path / "runs" / f"gamma={gamma}_alpha={alpha}", maps)
    return tmp_path / "runs"


def test_the_best_alpha_is_chosen_on_other_cases_than_are_reported(focal_runs, truth):
    table = sweep(focal_runs, truth, "focal", vary="gamma", optimise="alpha", select="a", report="b,c")
    assert [(row["gamma"], row["alpha_pos"], row["n_alpha_tried"]) for row in table.rows] == [
        (0, 0.75, 2),
        (2, 0.75, 2),
    ]
    assert table.n_cases == 2
    assert table.split == "predictions as given; chosen on 1 case, reported on 2 others"
    full = table.extras["full"]
    assert [(row["gamma"], row["alpha_pos"]) for row in full.rows] == FOCAL
    assert full.rows[0]["dsc"] > table.rows[0]["dsc"]  # chosen where it was not best


def test_alpha_varies_at_a_fixed_gamma(focal_runs, truth):
    table = sweep(focal_runs, truth, "focal", vary="alpha", grid=("gamma=0",))
    assert [(row["gamma"], row["alpha_pos"]) for row in table.rows] == [(0, 0.25), (0, 0.75)]
    assert not {"ap", "ap50", "ap75"} & set(table.header)


def test_a_second_parameter_that_varies_too_is_refused(focal_runs, truth):
    with pytest.raises(ConfigError, match=r"--vary alpha: gamma takes 2 values too \(0, 2\)"):
        sweep(focal_runs, truth, "focal", vary="alpha")


def test_losses_are_compared_class_by_class(tmp_path):
    truth = write(tmp_path / "truth", {one: several_classes(one) for one in CASES})
    for name, shift in (("dice_loss", 0), ("tversky_loss(alpha=0.3,beta=0.7)", 1)):
        write(tmp_path / "runs" / name, {one: np.roll(several_classes(one), shift, axis=1) for one in CASES})
    table = sweep(tmp_path / "runs", truth, "losses", labels="1=organ,2=lesion", baseline="dice_loss")
    assert [row["loss"] for row in table.rows] == ["dice_loss", "tversky_loss(alpha=0.3,beta=0.7)"]
    perfect, shifted = table.rows
    assert (perfect["dice_organ"], perfect["iou_lesion"], perfect["dice_mean"]) == (1, 1, 1)
    assert shifted["dice_mean"] == pytest.approx((shifted["dice_organ"] + shifted["dice_lesion"]) / 2)
    assert shifted["dice_organ_diff"] == pytest.approx(shifted["dice_organ"] - 1)
    assert "class" not in table.header


def test_the_exp_log_table_has_labels_by_falling_volume(tmp_path):
    truth = write(tmp_path / "truth", {one: several_classes(one) for one in CASES})
    for name in ("linear_dice_seed=0", "linear_dice_seed=1", "exp_log(gamma=0.3)_seed=0"):
        shift = int(name[-1])
        write(tmp_path / "runs" / name, {one: np.roll(several_classes(one), shift, axis=1) for one in CASES})
    table = sweep(tmp_path / "runs", truth, "exp_log", labels="2=lesion,1=organ")
    assert table.columns[:4] == ("dice_organ", "dice_lesion", "dice_mean", "dice_mean_std")
    assert [row["loss"] for row in table.rows] == ["linear_dice", "exp_log(gamma=0.3)"]
    assert table.rows[0]["dice_mean_std"] > 0
    assert np.isnan(table.rows[1]["dice_mean_std"])
    assert table.caption["volume_fraction_lesion"] == "9.5238%"
    assert table.caption["include_background"] == "false"


@pytest.mark.parametrize("loss", ["losses", "exp_log"])
def test_losses_are_compared_by_pooled_counts_of_several_classes(tmp_path, loss):
    truth = write(tmp_path / "truth", {one: several_classes(one) for one in CASES})
    preds = {one: np.roll(several_classes(one), 1, axis=1) for one in CASES}
    write(tmp_path / "runs" / "weighted_ce" if loss == "exp_log" else tmp_path / "runs" / "bce_loss", preds)
    table = sweep(tmp_path / "runs", truth, loss, labels="1=organ,2=lesion", averaging="pooled")
    (row,) = table.rows
    for label, name in ((1, "organ"), (2, "lesion")):
        pred, true = (np.concatenate([side[one].ravel() == label for one in CASES]) for side in (preds, ALL_TRUTHS))
        assert row[f"dice_{name}"] == pytest.approx(2 * (pred & true).sum() / (pred.sum() + true.sum()))
        assert row[f"iou_{name}"] == pytest.approx((pred & true).sum() / (pred | true).sum())
    assert row["iou_mean"] == pytest.approx((row["iou_organ"] + row["iou_lesion"]) / 2)


ALL_TRUTHS = {one: several_classes(one) for one in CASES}


def test_pooled_counts_of_several_seeds_are_no_contradiction(tmp_path, truth):
    for seed in (0, 1, 2):
        write(tmp_path / "runs" / f"alpha=0.5_beta=0.5_seed={seed}", {one: maps_of(one, seed=seed) for one in CASES})
        write(tmp_path / f"only{seed}" / "alpha=0.5_beta=0.5", {one: maps_of(one, seed=seed) for one in CASES})
    row = sweep(tmp_path / "runs", truth, averaging="pooled").rows[0]
    alone = [sweep(tmp_path / f"only{seed}", truth, averaging="pooled").rows[0]["iou"] for seed in (0, 1, 2)]
    assert row["iou"] == pytest.approx(np.mean(alone))


@pytest.fixture
def timid_runs(tmp_path):
    """The second setting predicts nothing in case a, whose precision is undefined then."""
    masks = {one: truth_of(one) for one in CASES}
    masks["a"][1, 0] = 1  # precision 6/7
    masks["b"][5, 0:3] = 1  # precision 9/12
    write(tmp_path / "runs" / "alpha=0.5_beta=0.5", masks)
    write(tmp_path / "runs" / "alpha=0.9_beta=0.1", {**masks, "a": np.zeros(SHAPE, dtype=np.uint8)})
    return tmp_path / "runs"


def test_differences_are_over_the_cases_that_both_rows_have(timid_runs, truth):
    table = sweep(timid_runs, truth, bootstrap=50, baseline="alpha=0.5,beta=0.5")
    timid, base = table.rows
    assert base["precision"] == pytest.approx((6 / 7 + 9 / 12 + 1) / 3)
    assert timid["precision"] == pytest.approx((9 / 12 + 1) / 2)
    assert (timid["precision_diff"], timid["precision_diff_lo"], timid["precision_diff_hi"]) == (0, 0, 0)
    assert timid["dsc_diff"] == pytest.approx(-12 / 13 / 3)  # case a: 0 for 2*6/(6+7)
    assert any("cases that both rows define" in note for note in table.notes)


def test_rows_of_different_cases_say_so(timid_runs, truth):
    table = sweep(timid_runs, truth)
    row = next(line for line in render(table, "md").splitlines() if line.startswith("| 0.9 |"))
    assert "0.8750 (n=2)" in row
    assert "(n=" not in render(sweep(timid_runs, truth, grid=("alpha=0.5", "beta=0.5")), "md")
    said = "precision: not of the same cases in every row: 0.9/0.1 (n=2); 0.5/0.5 (n=3)."
    assert said in str(screen_sheet(table).notes)
