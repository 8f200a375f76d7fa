"""Settings are found by the names of folders or in a manifest, and what cannot be meant is said."""

from pathlib import Path

import pytest

from segeval.errors import ConfigError
from segeval.verbs.sweep.trained.runs import find_runs
from segeval.verbs.sweep.trained.schema import folder_name, schema_of

TVERSKY = schema_of("tversky")


def folders(root: Path, *names: str) -> Path:
    for name in names:
        (root / name).mkdir(parents=True)
    return root


def settings(path, words=TVERSKY):
    return [run.setting for run in find_runs(path, words)[0]]


def refusal(path, words=TVERSKY):
    with pytest.raises(ConfigError) as error:
        find_runs(path, words)
    return str(error.value)


def test_folders_are_named_by_their_settings_and_sorted_by_them(tmp_path):
    folders(tmp_path, "alpha=0.3_beta=0.7", "alpha=0.5_beta=0.5", "beta=0.9_alpha=0.1")
    assert settings(tmp_path) == [
        {"alpha_fp": 0.5, "beta_fn": 0.5},
        {"alpha_fp": 0.3, "beta_fn": 0.7},
        {"alpha_fp": 0.1, "beta_fn": 0.9},
    ]


def test_a_folder_name_may_begin_with_a_word_and_end_with_fold_and_seed(tmp_path):
    folders(tmp_path, "unet_alpha=1_beta=1_fold=2_seed=7")
    (run,) = find_runs(tmp_path, TVERSKY)[0]
    assert (run.setting, run.fold, run.seed) == ({"alpha_fp": 1, "beta_fn": 1}, "2", "7")


def test_other_folders_are_passed_over_and_named(tmp_path):
    folders(tmp_path, "alpha=0.5_beta=0.5", "logs", ".cache")
    runs, notes = find_runs(tmp_path, TVERSKY)
    assert len(runs) == 1
    assert "passed over logs" in notes[0]


@pytest.mark.parametrize("name", ["alpah=0.3_beta=0.7", "beta=0.7_alpah=0.3"])
def test_an_unknown_parameter_is_named_with_the_nearest_one(tmp_path, name):
    assert "no parameter 'alpah'. Did you mean 'alpha'?" in refusal(folders(tmp_path, name))


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("alpha=0.3", "alpha is set alone"),
        ("alpha=0_beta=0", "alpha=0 and beta=0"),
        ("alpha=-1_beta=1", "out of range"),
        ("alpha=low_beta=1", "does not fit"),
        ("alpha=1_alpha_fp=1_beta=1", "name a parameter twice"),
        ("seed=1", "names no parameter"),
    ],
)
def test_a_setting_that_cannot_be_is_refused(tmp_path, name, said):
    message = refusal(folders(tmp_path, name))
    assert said in message
    assert name in message


def test_equal_settings_in_two_folders_are_an_error(tmp_path):
    message = refusal(folders(tmp_path, "alpha=0.3_beta=0.7", "alpha=0.30_beta=0.70"))
    assert "are the same setting, alpha_fp=0.3, beta_fn=0.7" in message


def test_a_folder_without_settings_says_how_to_name_them(tmp_path):
    assert "like alpha=0.3_beta=0.7" in refusal(tmp_path)


def test_a_manifest_gives_paths_settings_folds_and_seeds(tmp_path):
    folders(tmp_path, "a", "b")
    manifest = tmp_path / "runs.csv"
    manifest.write_text("path,alpha,beta,fold,seed\nb,0.1,0.9,1,0\na,0.5,0.5,,\n")
    runs, _ = find_runs(manifest, TVERSKY)
    assert [(run.folder, run.setting["beta_fn"], run.fold, run.seed) for run in runs] == [
        (tmp_path / "a", 0.5, "", ""),
        (tmp_path / "b", 0.9, "1", "0"),
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("alpha,beta\n0.5,0.5\n", "must name the columns path"),
        ("path,alpha,beta\n,0.5,0.5\n", "line 2: the path cell is empty"),
        ("path,alpha,beta\nmissing,0.5,0.5\n", "no such file or folder"),
        ("path,alpha,beta\na,0.5,0.5\na,0.5,0.5\n", "line 2 and"),
        ("path,alpha,beta,smooth\na,0.5,0.5,1\na,0.3,0.7,\n", "line 3: names no smooth"),
        ("path,alpha,beta,note\na,0.5,0.5,x\n", "no parameter 'note'"),
    ],
)
def test_a_manifest_that_cannot_be_used_names_its_line(tmp_path, text, said):
    folders(tmp_path, "a")
    manifest = tmp_path / "runs.csv"
    manifest.write_text(text)
    assert said in refusal(manifest)


def test_losses_are_named_with_their_parameters(tmp_path):
    folders(tmp_path, "tversky(alpha=0.3,beta=0.7)_seed=1", "dice")
    assert settings(tmp_path, schema_of("losses")) == [
        {"loss": "dice_loss"},
        {"loss": "tversky_loss(alpha=0.3,beta=0.7)"},
    ]


def test_an_unknown_loss_suggests_the_nearest(tmp_path):
    assert "Did you mean 'dice_loss'?" in refusal(folders(tmp_path, "dise_loss"), schema_of("losses"))


def test_the_rows_of_the_exp_log_paper_come_in_its_order(tmp_path):
    folders(tmp_path, "exp_log(gamma=0.3)", "weighted_ce", "linear_dice", "log_dice+weighted_ce")
    assert [one["loss"] for one in settings(tmp_path, schema_of("exp_log"))] == [
        "linear_dice",
        "weighted_ce",
        "log_dice+weighted_ce",
        "exp_log(gamma=0.3)",
    ]


def test_the_default_exp_log_loss_is_a_row_of_the_paper(tmp_path):
    assert settings(folders(tmp_path, "exp_log_loss"), schema_of("exp_log")) == [{"loss": "exp_log(gamma=0.3)"}]


@pytest.mark.parametrize(
    ("loss", "setting"),
    [
        ("tversky", {"alpha_fp": 0.3, "beta_fn": 1 - 0.3}),
        ("focal", {"gamma": 0.1, "alpha_pos": None}),
        ("generalized_dice", {"weight": "square"}),
        ("losses", {"loss": "tversky_loss(alpha=0.3,beta=0.7)"}),
    ],
)
def test_the_name_of_a_setting_is_read_back(tmp_path, loss, setting):
    folders(tmp_path, folder_name(setting, seed=3))
    (run,) = find_runs(tmp_path, schema_of(loss))[0]
    assert (run.setting, run.seed) == (setting, "3")
