"""Which labels the exponential logarithmic loss pulls on."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from segeval.errors import ConfigError, DataError
from segeval.evidence.case import Case
from segeval.evidence.labels import LabelClass
from segeval.evidence.probabilities.channels import Channels, Layout, ProbMap
from segeval.losses.training.modules import MODULES
from segeval.options import SweepOptions
from segeval.verbs.sweep.maps.cases import scored_classes
from segeval.verbs.sweep.maps.exp_log import SoftmaxEntries, sweep_exp_log_maps
from segeval.verbs.sweep.table import SweepTable
from tests.conftest import golden
from tests.sweep_maps import B, M, softmax_case

WORKED = golden("sweep")
CASE = softmax_case(*M)


def swept(*grid: str) -> SweepTable:
    return sweep_exp_log_maps([SoftmaxEntries.of_case(CASE)], SweepOptions(grid=grid))


@pytest.mark.parametrize("gamma", ["0.3", "1.0", "2.0"])
def test_the_worked_values_come_out(gamma: str) -> None:
    (row,) = swept(f"gamma={gamma}", "w_dice=0.8").rows
    assert row["loss"] == pytest.approx(WORKED[f"exp_log.M.g{gamma}"], abs=1e-9)
    for part in ("dice_part", "cross_part"):
        assert row[part] == pytest.approx(WORKED[f"exp_log.M.{part}.g{gamma}"], abs=1e-9)
    for i, name in enumerate(("background", "one", "two")):
        assert row[f"dice_{name}"] == pytest.approx(WORKED[f"exp_log.M.dice_i[{i}]"], abs=1e-9)


@pytest.mark.parametrize("gamma", [0.3, 1.0, 2.0])
def test_the_shares_are_those_of_the_module_that_trains(gamma: float) -> None:
    logits = torch.tensor(np.log(M[0]))[None].requires_grad_()
    module = MODULES["ExpLogLoss"](gamma_dice=gamma, gamma_cross=gamma)
    module(logits, torch.tensor(M[1])[None]).backward()
    assert logits.grad is not None
    pulls = logits.grad[0].abs().sum(dim=1).numpy()
    (row,) = swept(f"gamma={gamma}", "w_dice=0.8").rows
    shares = [row[f"grad_share_{name}"] for name in ("background", "one", "two")]
    assert shares == pytest.approx(pulls / pulls.sum())


def test_voxels_that_are_alike_share_an_entry_and_change_no_value() -> None:
    thrice = softmax_case(np.tile(M[0], 3), np.tile(M[1], 3))
    once, again = SoftmaxEntries.of_case(CASE), SoftmaxEntries.of_case(thrice)
    assert len(again.count) == len(once.count)
    assert again.count.sum() == 3 * once.count.sum()


def test_shares_of_all_labels_sum_to_one() -> None:
    for row in swept().rows:
        assert sum(value for name, value in row.items() if name.startswith("grad_share_")) == pytest.approx(1)


def test_a_weight_that_is_not_given_is_the_rest() -> None:
    assert [(row["w_dice"], row["w_cross"]) for row in swept("gamma=1", "w_cross=0.3,0.4").rows] == [
        (0.7, 0.3),
        (0.6, 0.4),
    ]


def test_a_single_map_has_its_background() -> None:
    case = softmax_case(np.stack([1 - B[0], B[0]]), B[1].astype(int), names=("lesion",))
    assert SoftmaxEntries.of_case(case).names == ("background", "lesion")


def test_independent_maps_are_refused() -> None:
    assert CASE.probs is not None
    layout = Layout(classes=CASE.probs.layout.classes[1:], exclusive=False)
    channels = Channels(maps=CASE.probs.maps[1:], layout=layout)
    with pytest.raises(DataError, match="independent maps"):
        SoftmaxEntries.of_case(replace(CASE, probs=channels))


def test_an_id_of_no_channel_is_rest_to_a_softmax_but_no_voxel_of_a_class_of_id_0() -> None:
    rest, organ = LabelClass(name="rest", ids=(0,)), LabelClass(name="organ", ids=(1,))
    maps = tuple(ProbMap(stored=np.array([[p], [q], [p]])) for p, q in ((0.9, 0.2), (0.1, 0.8)))
    truth = np.array([[0], [1], [7]], dtype=np.uint8)
    channels = Channels(maps=maps, layout=Layout(classes=(rest, organ), exclusive=True))
    case = Case(case_id="case", pred=np.zeros_like(truth), truth=truth, probs=channels)
    entries = SoftmaxEntries.of_case(case)
    assert dict(zip(entries.label.tolist(), entries.count.tolist(), strict=True)) == {0: 2, 1: 1}
    (scored,) = scored_classes(case, (rest,), ignore=())
    assert scored.truth.tolist() == [True, False, False]  # as `score` counts it


def test_unknown_parameters_are_refused() -> None:
    with pytest.raises(ConfigError, match="no parameter 'gama'"):
        swept("gama=1")
