"""Sweeps that train: the same start for all rows, the same numbers for the same seed, and nothing lost on the way."""

import contextlib
import json
import math

import numpy as np
import pytest
import torch

from segeval.errors import ConfigError, DataError
from segeval.options import SweepOptions
from segeval.verbs.sweep.check_table import findings, rows_of
from segeval.verbs.sweep.run import open_folder
from segeval.verbs.sweep.trained.sweep import sweep_runs
from segeval.verbs.sweep.training import campaign, network
from segeval.verbs.sweep.training.sweep import sweep_train

CASES = tuple(f"c{i}" for i in range(6))
QUICK = {"iterations": 12, "patch": (16, 16), "width": 4, "batch": 4, "grid": ("alpha=0.5", "beta=0.5,0.9")}


def picture(i):
    """A bright square with noise, and its mask; a second, darker one is class 2."""
    generator = np.random.default_rng(i)
    mask = np.zeros((18, 20), dtype=np.uint8)
    row, column = generator.integers(2, 8, 2)
    mask[row : row + 5, column : column + 5] = 1
    mask[13:16, 12:18] = 2
    image = np.array([0.0, 3.0, -3.0])[mask] + generator.normal(0, 0.5, mask.shape)
    return image.astype(np.float32), mask


@pytest.fixture
def data(tmp_path):
    for side in ("images", "truth"):
        (tmp_path / side).mkdir()
    for i, name in enumerate(CASES):
        image, mask = picture(i)
        np.save(tmp_path / "images" / f"{name}.npy", image)
        np.save(tmp_path / "truth" / f"{name}.npy", mask)
    return tmp_path / "images", tmp_path / "truth"


class Watched:
    def __init__(self):
        self.total, self.steps = 0, []

    def start(self, total):
        self.total = total

    def advance(self, step):
        self.steps.append(step)


def train(data, loss="tversky", *, watch=None, **options):
    chosen = SweepOptions(**{"class_name": "1", "mode": "train", **QUICK, **options})
    with open_folder(chosen) as folder:
        table = sweep_train(loss, *data, chosen, watch=watch, folder=folder)
    assert findings(rows_of(table)) == []
    return table


def shown(table):
    return [{name: None if value != value else value for name, value in row.items()} for row in table.whole.rows]


def test_the_columns_are_those_of_runs_and_of_the_training(data):
    table = train(data)
    assert table.header[:7] == ("alpha_fp", "beta_fn", "dsc", "sensitivity", "specificity", "f2", "apr")
    for name in ("train_loss_first", "train_loss_last", "diverged", "pred_volume_ratio", "empty_predictions"):
        assert name in table.header
    assert [row["iterations"] for row in table.rows] == [12, 12]
    assert table.mode == "train"
    assert table.n_cases == 2


def test_what_rows_share_is_said(data):
    caption = train(data).caption
    assert caption["network"].startswith(
        "compact U-Net, 2-D, width 4, 1 channel(s) in, 1 out, output bias at the prior"
    )
    assert caption["batch"] == "4 patches of 16 x 16, 2 on the class"
    assert caption["initial_weights"].startswith("fold 1 seed 0 ")
    assert "," not in caption["initial_weights"]  # one hash for both rows
    assert caption["device"] == "cpu, deterministic"


def test_the_same_seed_gives_the_same_table(data):
    assert shown(train(data)) == shown(train(data))


def test_another_seed_gives_another_table(data):
    assert shown(train(data)) != shown(train(data, seeds=(1,)))


def test_a_setting_that_is_repeated_gives_identical_rows(data):
    first, second = shown(train(data, grid=("alpha=0.5", "beta=0.7,0.7")))
    assert first == second


def test_the_random_state_of_the_caller_is_left_alone(data):
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    train(data)
    assert torch.equal(torch.rand(3), expected)
    assert not torch.are_deterministic_algorithms_enabled()


def test_training_lowers_the_loss_and_finds_the_class(data):
    row = train(data, iterations=60, grid=("alpha=0.5", "beta=0.5")).rows[0]
    assert row["train_loss_last"] < row["train_loss_first"]
    assert not row["diverged"]
    assert row["dsc"] > 0.5


def test_folds_report_every_case_once(data):
    table = train(data, folds=3)
    assert table.n_cases == 6
    assert {row["specificity_n"] for row in table.rows} == {6}
    assert table.split == "3 folds, each of 6 cases reported once"


def test_seeds_give_a_spread_and_no_best_row_within_it(data):
    table = train(data, seeds=(0, 1))
    assert {row["seeds"] for row in table.rows} == {"0,1"}
    assert all(row["dsc_seed_std"] >= 0 for row in table.rows)
    for name in ("dsc", "sensitivity"):
        values = [row[name] for row in table.rows]
        spread = math.sqrt(np.mean([row[f"{name}_seed_std"] ** 2 for row in table.rows]))
        assert (name in table.best) == (max(values) - values[0] >= 2 * spread)
    assert not any(note.startswith("One run per setting") for note in table.notes)


def test_a_watch_is_told_of_every_iteration_and_of_the_time_left(data):
    watch = Watched()
    train(data, watch=watch)
    assert watch.total == len(watch.steps) == 24
    assert [step.done for step in watch.steps] == list(range(1, 25))
    assert watch.steps[-1].training == "alpha_fp=0.5, beta_fn=0.9, fold 1, seed 0"
    assert watch.steps[0].seconds_left is None
    assert watch.steps[-1].seconds_left == 0


class BrokenOffError(Exception):
    """Somebody pulled the plug."""


class PullsThePlug(Watched):
    """Breaks off at an iteration, or with 0 before any training, if there is some to come."""

    def __init__(self, at):
        super().__init__()
        self.at = at

    def start(self, total):
        super().start(total)
        if total and not self.at:
            raise BrokenOffError

    def advance(self, step):
        super().advance(step)
        if step.done == self.at:
            raise BrokenOffError


def test_a_sweep_that_was_broken_off_goes_on_where_it_stopped(data, tmp_path):
    with pytest.raises(BrokenOffError):
        train(data, out=tmp_path / "out", watch=PullsThePlug(at=15))  # within the second training
    watch = Watched()
    resumed = train(data, out=tmp_path / "out", watch=watch)
    assert watch.total == len(watch.steps) == 12
    assert shown(resumed) == shown(train(data))
    watch = Watched()
    assert shown(train(data, out=tmp_path / "out", watch=watch)) == shown(resumed)
    assert watch.total == 0


def test_what_was_trained_otherwise_or_on_other_data_is_not_taken_for_it(data, tmp_path):
    def left_to_train(**changed):
        watch = PullsThePlug(at=0)
        with contextlib.suppress(BrokenOffError):
            train(data, out=tmp_path / "out", watch=watch, **changed)
        return watch.total

    train(data, out=tmp_path / "out")
    assert left_to_train() == 0
    assert left_to_train(iterations=13) == 26
    assert left_to_train(seeds=(0, 1)) == 24
    assert left_to_train(grid=("alpha=0.5", "beta=0.9,1")) == 12
    assert left_to_train(class_name="2") == 24
    train(data, out=tmp_path / "out", iterations=13)
    assert left_to_train() == 24, "its maps are gone"
    assert left_to_train(iterations=13) == 0
    np.save(data[0] / "c0.npy", picture(99)[0])
    assert left_to_train(iterations=13) == 26


def test_maps_of_cases_that_are_predicted_no_longer_are_removed(data, tmp_path):
    def predicted():
        return {
            folder.name: sorted(one.stem for one in folder.iterdir()) for folder in (tmp_path / "out/maps").iterdir()
        }

    train(data, out=tmp_path / "out", folds=3)
    assert [*predicted().values()] == [list(CASES)] * 2
    train(data, out=tmp_path / "out")
    first, second = predicted().values()
    assert first == second
    assert len(first) == 2


def test_a_repeated_setting_is_trained_once_where_it_is_kept(data, tmp_path):
    watch = Watched()
    train(data, out=tmp_path / "out", grid=("alpha=0.5", "beta=0.7,0.7"), watch=watch)
    assert watch.total == len(watch.steps) == 12


def test_a_folder_that_holds_something_else_is_left_alone(data, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "thesis.tex").touch()
    with pytest.raises(ConfigError, match="this folder holds something else"):
        train(data, out=tmp_path / "out")


def test_the_maps_are_runs_that_give_the_same_table(data, tmp_path):
    trained = train(data, out=tmp_path / "out", folds=2, seeds=(0, 1))
    runs = sweep_runs("tversky", tmp_path / "out" / "maps", data[1], SweepOptions(labels="1"))
    names = set(runs.header) & set(trained.header) - {"mode", "split"}
    for one, other in zip(shown(runs), shown(trained), strict=True):
        assert {name: one[name] for name in names} == {name: other[name] for name in names}


def test_a_run_whose_loss_becomes_nan_keeps_its_row(data, monkeypatch):
    losses = iter([*[1.0] * 12, *[1.0] * 5, math.nan])

    class Fails(torch.nn.Module):
        def forward(self, logits, truth):
            return logits.mean() * 0 + next(losses)

    monkeypatch.setattr(network, "loss_module", lambda call, *, n_outputs: Fails())
    flat, broken = train(data).rows
    assert flat["diverged"]
    assert "no lower than it began" in flat["note"]
    assert broken["diverged"]
    assert "the loss was nan at iteration 6" in broken["note"]
    assert math.isnan(broken["train_loss_last"])
    assert broken["specificity_n"] == 2


def test_a_network_that_says_nan_predicts_nothing(data, monkeypatch):
    monkeypatch.setattr(network, "_activated", lambda logits: logits.sigmoid() * math.nan)
    row = train(data, grid=("alpha=0.5", "beta=0.5")).rows[0]
    assert (row["sensitivity"], row["dsc"], row["empty_predictions"]) == (0, 0, 2)
    assert row["pred_volume_ratio"] == 0
    assert math.isnan(row["precision"])


def test_loss_curves_are_kept_for_every_training(data):
    table = train(data, folds=2)
    curves = table.extras["loss_curves"]
    assert len(curves.rows) == 2 * 2 * 12
    assert [picture.name for picture in table.pictures] == ["tradeoff", "training"]


def test_long_curves_are_thinned_to_means():
    from segeval.verbs.sweep.training.sweep import thinned

    points = thinned([float(i) for i in range(1000)])
    assert len(points) == 100
    assert points[0] == (10, 4.5)
    assert points[-1] == (1000, 994.5)


def test_then_maps_sweeps_thresholds_of_the_baseline(data):
    table = train(data, then_maps=True)
    maps = table.extras["then_maps"]
    assert maps.mode == "maps"
    assert "alpha_fp=0.5, beta_fn=0.5" in maps.notes[0]
    assert maps.rows[0]["apr"] == pytest.approx(table.rows[0]["apr"])


def test_then_maps_needs_a_sweep_over_maps(data):
    with pytest.raises(ConfigError, match="dice_loss has no sweep over maps"):
        train(data, "dice", grid=("smooth=0,1",), then_maps=True)


def test_several_classes_are_trained_at_once_and_reported_apart(data):
    table = train(data, "losses", class_name=None, grid=(), losses=("dice", "exp_log"), iterations=30)
    assert [row["loss"] for row in table.rows] == ["dice_loss", "exp_log_loss"]
    assert {"dice_1", "dice_2", "dice_mean", "iou_1"} <= set(table.header)
    assert "background, 1, 2 out" in table.caption["network"]
    assert all(row["train_loss_last"] > 0 for row in table.rows)


def test_the_rows_of_the_exp_log_paper_can_be_trained(data):
    table = train(data, "exp_log", class_name=None, grid=())
    assert [row["loss"] for row in table.rows] == [
        "linear_dice",
        "log_dice",
        "weighted_ce",
        "log_dice+weighted_ce",
        "exp_log(gamma=2)",
        "exp_log(gamma=0.3)",
    ]


def test_alpha_is_chosen_on_cases_that_are_neither_trained_on_nor_reported(data):
    table = train(data, "focal", vary="gamma", optimise="alpha", grid=("gamma=0,2", "alpha=0.25,0.75"))
    assert [row["gamma"] for row in table.rows] == [0, 2]
    assert [row["n_alpha_tried"] for row in table.rows] == [2, 2]
    assert table.split == "hold-out: 3 cases trained on, 3 others predicted; chosen on 2 cases, reported on 1 other"
    assert len(table.extras["full"].rows) == 4


def test_the_focal_table_varies_alpha_without_focus_by_default():
    from segeval.verbs.sweep.trained.schema import schema_of
    from segeval.verbs.sweep.training.sweep import settings_to_train

    settings = settings_to_train(schema_of("focal"), SweepOptions(vary="alpha"))
    assert [one["alpha_pos"] for one in settings] == [0.1, 0.25, 0.5, 0.75, 0.9, 0.99, 0.999]
    assert {one["gamma"] for one in settings} == {0}


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"grid": ("alpha=0", "beta=0")}, "alpha=0 and beta=0"),
        ({"grid": ("alpah=0.5", "beta=0.5")}, "Did you mean 'alpha'"),
        ({"patch": (18, 18)}, "multiples of 4"),
        ({"patch": (16,)}, "give 2 sizes"),
        ({"holdout": 0.95}, "leaves 0 to train on"),
        ({"folds": 9}, "from 2 to 6 folds"),
        ({"folds": 2, "optimise": "alpha", "grid": ("alpha=0.3,0.7", "beta=0.5")}, "goes with --holdout"),
        ({"protocol": "paper", "optimise": "alpha", "grid": ("alpha=0.3,0.7", "beta=0.5")}, "goes with --holdout"),
        ({"optimise": "alpha", "grid": ("alpha=0.3", "beta=0.5,0.7")}, "so there is no choice"),
        ({"losses": ("dice",)}, "--loss goes with"),
        ({"class_name": "9"}, "no such class"),
        ({"baseline": "alpha=3,beta=3"}, "no row with"),
    ],
)
def test_what_cannot_be_trained_is_refused_before_it_starts(data, monkeypatch, options, said):
    monkeypatch.setattr(campaign, "_run", None)
    with pytest.raises(ConfigError, match=said):
        train(data, **options)


def test_images_without_a_mask_are_an_error_unless_allowed(data):
    (data[0] / "c1.npy").unlink()
    with pytest.raises(DataError, match="c1"):
        train(data)
    assert train(data, allow_missing=True).n_cases == 1


def test_the_protocol_of_the_paper_is_adam_in_two_folds(data):
    table = train(data, protocol="paper", iterations=10, grid=("alpha=0.5", "beta=0.5"))
    assert table.caption["optimiser"] == "Adam (beta2 0.999), learning rate 0.0001 times 0.9 every 1000 iterations"
    assert table.split == "2 folds, each of 6 cases reported once"


def test_volumes_can_be_trained_on_in_three_dimensions(tmp_path):
    for side in ("images", "truth"):
        (tmp_path / side).mkdir()
    for i in range(3):
        image, mask = picture(i)
        np.save(tmp_path / "images" / f"{i}.npy", np.stack([image] * 6, axis=-1))
        np.save(tmp_path / "truth" / f"{i}.npy", np.stack([mask] * 6, axis=-1))
    table = train((tmp_path / "images", tmp_path / "truth"), dimensions=3, patch=(16, 16, 8), then_maps=True)
    assert "3-D" in table.caption["network"]
    assert table.n_cases == 1


def test_a_kept_training_says_what_it_was(data, tmp_path):
    train(data, out=tmp_path / "out")
    records = sorted((tmp_path / "out" / ".segeval-cells").glob("*.json"))
    assert len(records) == 2
    record = json.loads(records[0].read_text())
    assert set(record) == {"training", "key", "start", "n_parameters", "losses"}
    assert len(record["losses"]) == 12


def test_a_network_trains_on_every_device(data, device):
    assert train(data, device=device).rows[0]["iterations"] == 12
