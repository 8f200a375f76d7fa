"""The sums of a batch are those of its voxels, and so are their gradients, first and second."""

from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor

from segeval.evidence.probabilities.soft import (
    ChannelCounts,
    ChannelTerms,
    PixelTerms,
    SoftCounts,
    surprise,
    two_channels,
)
from segeval.losses.pixel import focal_cost
from segeval.losses.training.batch import Batch
from segeval.losses.training.modules import MODULES
from segeval.losses.training.reading import read_batch
from segeval.losses.training.sums import BatchSums, voxels_of

COUNTS = ("tp", "pred", "truth", "n", "rest", "fp", "fn", "tn", "pred_squared", "truth_squared")
SOFT = ("tp", "pred", "truth", "n", "pred_squared", "truth_squared")
KINDS = ("ids", "masks", "shares", "shares l1")
ACROSS = [name for name, module in MODULES.items() if module().looks_across]


def a_batch(kind: str, activation: Any, *, ignored: bool) -> Batch:
    generator = torch.Generator().manual_seed(0)
    logits = 2 * torch.randn(2, 3, 4, 5, generator=generator, dtype=torch.float64)
    truth: Tensor = torch.randint(0, 3, (2, 4, 5), generator=generator)
    if kind != "ids":
        truth = torch.stack([truth == channel for channel in range(3)], 1).long()
    if kind.startswith("shares"):
        truth = torch.rand(2, 3, 4, 5, generator=generator, dtype=torch.float64)
    if ignored:
        truth[..., :2] = 255
    pred = logits.softmax(1) if activation == "none" else logits
    options: dict[str, Any] = {"soft_target": "l1" if "l1" in kind else "product"}
    return read_batch(pred, truth, activation=activation, ignore_index=255 if ignored else None, **options)


@pytest.mark.parametrize("ignored", [False, True])
@pytest.mark.parametrize("activation", ["sigmoid", "softmax", "none"])
@pytest.mark.parametrize("kind", KINDS)
def test_counts_are_those_of_the_voxels(kind: str, activation: str, ignored: bool) -> None:
    batch = a_batch(kind, activation, ignored=ignored)
    voxels = voxels_of(batch)
    alone, two = SoftCounts(voxels), ChannelCounts(two_channels(voxels))
    for name in COUNTS if not kind.startswith("shares") else SOFT:
        torch.testing.assert_close(getattr(BatchSums(batch), name), getattr(alone, name))
        if "l1" not in kind:
            torch.testing.assert_close(getattr(BatchSums(batch, form="two"), name), getattr(two, name))
    if not kind.startswith("shares"):
        for name in ("error_on_truth", "error_on_rest"):
            torch.testing.assert_close(getattr(BatchSums(batch), name), getattr(alone, name))


@pytest.mark.parametrize("ignored", [False, True])
@pytest.mark.parametrize("activation", ["sigmoid", "softmax", "none"])
@pytest.mark.parametrize("kind", KINDS[:3])
@pytest.mark.parametrize("cost", [None, focal_cost(1.5)])
@pytest.mark.parametrize("eps", [None, 0.1])
def test_costs_are_those_of_the_voxels(kind: str, activation: str, ignored: bool, cost: Any, eps: Any) -> None:
    batch = a_batch(kind, activation, ignored=ignored)
    voxels = voxels_of(batch)
    front, back = torch.tensor([0.5, 1.0, 2.0]).double(), 0.3
    found = BatchSums(batch).total(cost, front=front, back=back, eps=eps)
    torch.testing.assert_close(found, PixelTerms(voxels).total(cost, front=front, back=back, eps=eps))
    for over in ("case", "batch"):
        plain = BatchSums(batch, over=over).total(cost, eps=eps)
        expected = PixelTerms(voxels).total(cost, eps=eps)
        torch.testing.assert_close(plain, expected if over == "case" else expected.sum(0, keepdim=True))
    forms = {"two": (two_channels(voxels), front[:2]), "across": (voxels, front)}
    for form, (seen, weights) in forms.items():
        for given in (None, weights):
            if form == "across" and activation == "sigmoid":
                continue
            terms = BatchSums(batch, form=form)  # type: ignore[arg-type]
            expected = ChannelTerms(seen).true_class_total(cost, weights=given, eps=eps)
            torch.testing.assert_close(terms.true_class_total(cost, weights=given, eps=eps), expected)
    totals = BatchSums(batch, form="two").channel_totals()
    torch.testing.assert_close(totals, ChannelTerms(two_channels(voxels)).channel_totals())
    torch.testing.assert_close(BatchSums(batch).channel_totals(), ChannelTerms(voxels).channel_totals())


def test_the_two_entries_of_a_fractional_voxel_have_its_weight() -> None:
    batch, weight_map = a_batch("shares", "sigmoid", ignored=False), torch.rand(2, 1, 20, dtype=torch.float64)
    weights = voxels_of(replace(batch, weight_map=weight_map)).weight_map
    torch.testing.assert_close(weights, weight_map.expand(2, 3, 20).repeat(1, 1, 2))


def test_chosen_channels_pay_for_their_own_voxels() -> None:
    batch = a_batch("ids", "softmax", ignored=False)
    chosen = BatchSums(batch, form="across", channels=[2, 1])
    of_all = ChannelTerms(voxels_of(batch)).on_true_class(surprise)
    torch.testing.assert_close(chosen.true_class_total(), of_all[:, 1:].sum(-1))
    weights = torch.tensor([5.0, 7.0]).double()
    expected = 5 * of_all[:, 2] + 7 * of_all[:, 1]
    torch.testing.assert_close(chosen.true_class_total(weights=weights), expected)
    of_cases = torch.tensor([[5.0, 7.0], [2.0, 3.0]]).double()
    expected = (of_cases * of_all[:, [2, 1]]).sum(-1)
    torch.testing.assert_close(chosen.true_class_total(weights=of_cases), expected)


@pytest.mark.slow
@pytest.mark.shapes(checked=False)  # of the hundreds of calls that differences take
@pytest.mark.parametrize("name", list(MODULES))
@pytest.mark.parametrize("kind", ["ids", "ignored", "shares"])
def test_gradients_are_those_of_finite_differences(name: str, kind: str) -> None:
    on_map = any(need.on_map for need in MODULES[name].measure.needs)
    if kind == "shares" and on_map:
        pytest.skip("measures distances between masks")
    for activation in ("sigmoid", "softmax") if name in ACROSS else ("sigmoid",):
        batch = a_batch("ids", "sigmoid", ignored=False)
        logits, truth = batch.pred[..., :8].reshape(2, 3, 2, 4), batch.ids[..., :8].reshape(2, 2, 4)  # type: ignore[index]
        if activation == "sigmoid":
            logits, truth = logits[:, :1], truth.clip(0, 1)
        if kind == "ignored":
            truth[0, 0, 0] = 255
        if kind == "shares":
            truth = logits.softmax(1).roll(1, 0) if activation == "softmax" else logits.sigmoid().roll(1, 0)
        loss = MODULES[name](activation=activation, ignore_index=255 if kind == "ignored" else None)
        assert torch.autograd.gradcheck(lambda z, loss=loss, y=truth: loss(z, y), logits.clone().requires_grad_())


@pytest.mark.shapes(checked=False)
@pytest.mark.parametrize("name", ["DiceLoss", "CrossEntropyLoss", "FocalLoss", "TverskyLoss", "GeneralizedDiceLoss"])
def test_a_gradient_has_a_gradient(name: str) -> None:
    batch = a_batch("ids", "sigmoid", ignored=False)
    logits, truth = batch.pred[..., :6].reshape(2, 3, 2, 3), batch.ids[..., :6].reshape(2, 2, 3)  # type: ignore[index]
    loss = MODULES[name](activation="softmax")
    assert torch.autograd.gradgradcheck(lambda z: loss(z, truth), logits.clone().requires_grad_())


@pytest.mark.parametrize("name", ["DiceLoss", "DiceCELoss", "CrossEntropyLoss", "TverskyLoss", "GeneralizedDiceLoss"])
def test_nothing_but_probabilities_and_ids_is_kept(name: str) -> None:
    logits = torch.randn(1, 8, 16, 16, 16, requires_grad=True)
    truth = torch.randint(0, 8, (1, 16, 16, 16), dtype=torch.uint8)
    kept: dict[int, int] = {}

    def pack(tensor: Tensor) -> Tensor:
        kept[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage().nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        cost = MODULES[name](activation="softmax")(logits, truth)
    cost.backward()
    size = logits.numel() * 4
    assert sum(kept.values()) <= (2.3 if name == "DiceCELoss" else 1.3) * size


@pytest.mark.parametrize("name", ["DiceLoss", "CrossEntropyLoss", "BCELoss"])
def test_the_order_of_memory_changes_nothing(name: str) -> None:
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(2, 3, 6, 5, generator=generator)
    truth = torch.randint(0, 3, (2, 6, 5), generator=generator)
    loss = MODULES[name](activation="sigmoid" if name == "BCELoss" else "softmax")
    expected = loss(logits, truth)
    torch.testing.assert_close(loss(logits.contiguous(memory_format=torch.channels_last), truth), expected)
    flipped = logits.transpose(2, 3).contiguous().transpose(2, 3)
    torch.testing.assert_close(loss(flipped, truth.T.contiguous().T if truth.ndim == 2 else truth), expected)
