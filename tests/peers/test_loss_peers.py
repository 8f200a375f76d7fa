"""The losses beside those of other libraries: where they agree, and why they differ where they do (L-1 to L-15)."""

from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from segeval.losses.training.modules import MODULES

GENERATOR = torch.Generator().manual_seed(0)
Z = torch.randn(2, 1, 6, 7, generator=GENERATOR, dtype=torch.float64)  # one class, two cases
Y = (torch.rand(2, 1, 6, 7, generator=GENERATOR) < 0.3).long()
ZM = torch.randn(2, 3, 6, 7, generator=GENERATOR, dtype=torch.float64)  # three classes
YM = torch.randint(0, 3, (2, 6, 7), generator=GENERATOR)
ONEHOT = torch.stack([c == YM for c in range(3)], dim=1).double()


def ours(name: str, pred: Tensor = Z, truth: Tensor = Y, **options: Any) -> tuple[float, Tensor]:
    return value_and_slope(MODULES[name](**options), pred, truth)


def value_and_slope(loss: Any, pred: Tensor, truth: Tensor) -> tuple[float, Tensor]:
    pred = pred.clone().requires_grad_()
    cost = loss(pred, truth)
    cost.backward()
    assert pred.grad is not None
    return float(cost.detach()), pred.grad


def same(found: tuple[float, Tensor], peer: tuple[float, Tensor], *, rel: float = 1e-9) -> None:
    assert found[0] == pytest.approx(peer[0], rel=rel)
    torch.testing.assert_close(found[1], peer[1], rtol=rel, atol=rel)


def value(loss: Any, pred: Tensor, truth: Tensor) -> float:
    return float(loss(pred, truth))


def our_value(name: str, pred: Tensor = Z, truth: Tensor = Y, **options: Any) -> float:
    return ours(name, pred, truth, **options)[0]


class TestTorch:
    def test_cross_entropies_agree(self) -> None:
        y = Y.double()
        same(ours("BCELoss"), value_and_slope(functional.binary_cross_entropy_with_logits, Z, y))
        probs = ours("BCELoss", Z.sigmoid(), activation="none")
        same(probs, value_and_slope(functional.binary_cross_entropy, Z.sigmoid(), y))
        same(ours("CrossEntropyLoss", ZM, YM), value_and_slope(functional.cross_entropy, ZM, YM))

    @pytest.mark.parametrize("beta", [2.0, 5 / 3])
    def test_a_positive_weight_is_beta(self, beta: float) -> None:
        peer = torch.nn.BCEWithLogitsLoss(pos_weight=torch.tensor(beta, dtype=torch.float64))
        same(ours("WeightedBCELoss", weight=beta), value_and_slope(peer, Z, Y.double()))

    def test_l8_a_weighted_mean_divides_by_the_weights(self) -> None:
        weights = (0.5, 1.0, 4.0)
        peer = torch.nn.CrossEntropyLoss(torch.tensor(weights, dtype=torch.float64))
        same(
            ours("WeightedCrossEntropyLoss", ZM, YM, weight=weights, reduction="weight_mean"),
            value_and_slope(peer, ZM, YM),
        )
        assert our_value("WeightedCrossEntropyLoss", ZM, YM, weight=weights) != pytest.approx(
            value(peer, ZM, YM), rel=0.1
        )

    def test_l13_a_published_weight_is_a_third_on_the_class(self) -> None:
        """Its "weighted" cross-entropy passes beta/(1 - beta) = 1/3: the balanced form over 1 - beta."""
        peer = torch.nn.BCEWithLogitsLoss(pos_weight=torch.tensor(1 / 3, dtype=torch.float64))
        on_class, on_rest = our_value("WeightedBCELoss", weight=1), our_value("WeightedBCELoss", weight=0)
        balanced = 0.25 * (on_class - on_rest) + 0.75 * on_rest
        assert value(peer, Z, Y.double()) == pytest.approx(balanced / 0.75)

    def test_l14_pooled_channels_have_as_many_misses_as_false_alarms(self) -> None:
        options: Any = {"activation": "softmax", "reduce_over": "micro"}
        values = [our_value("TverskyLoss", ZM, YM, alpha=a, beta=1 - a, **options) for a in (0.1, 0.5, 0.9)]
        assert values == pytest.approx([values[0]] * 3)
        per_class = [our_value("TverskyLoss", ZM, YM, alpha=a, beta=1 - a, activation="softmax") for a in (0.1, 0.9)]
        assert per_class[0] != pytest.approx(per_class[1], rel=1e-3)


class TestPublishedDefinitions:
    """Libraries that cannot be installed beside the others, by the formula that they document."""

    def test_l5_swapped_names_leave_the_value_alone(self) -> None:
        """In NiftyNet the mean error on the class is called specificity, and its weight is still lambda."""
        p, y = Z.sigmoid(), Y.double()
        per_case = [
            0.05 * (err * on).sum() / (on.sum() + 1e-5) + 0.95 * (err * (1 - on)).sum() / ((1 - on).sum() + 1e-5)
            for err, on in zip((y - p) ** 2, y, strict=True)
        ]
        assert our_value("SensitivitySpecificityLoss") == pytest.approx(float(torch.stack(per_case).mean()))

    def test_l12_an_exponent_left_out_or_moved_ends_change_the_value(self) -> None:
        """One public version has no exponent on the cross part, another maps p and Dice to 0.005 + 0.99 x."""
        p = ZM.softmax(1)
        paper = our_value("ExpLogLoss", p, YM, activation="none")
        assert our_value("ExpLogLoss", p, YM, activation="none", gamma_cross=1.0) != pytest.approx(paper, rel=0.01)
        assert our_value("ExpLogLoss", 0.005 + 0.99 * p, YM, activation="none") != pytest.approx(paper, rel=1e-3)


class TestScikitLearn:
    def test_log_loss_agrees(self) -> None:
        metrics = pytest.importorskip("sklearn.metrics")
        peer = metrics.log_loss(Y.flatten().numpy(), Z.sigmoid().flatten().numpy())
        assert our_value("BCELoss") == pytest.approx(peer)
        peer = metrics.log_loss(YM.flatten().numpy(), ZM.softmax(1).movedim(1, -1).reshape(-1, 3).numpy())
        assert our_value("CrossEntropyLoss", ZM, YM) == pytest.approx(peer)


class TestMonai:
    @pytest.fixture
    def losses(self) -> Any:
        return pytest.importorskip("monai.losses")

    @pytest.mark.parametrize("smooth", [0.0, 1.0, 1e-5])
    @pytest.mark.parametrize("squared", [False, True])
    @pytest.mark.parametrize("batch", [False, True])
    def test_dice_agrees(self, losses: Any, smooth: float, squared: bool, batch: bool) -> None:
        options: Any = {"smooth": smooth, "reduce_over": "batch" if batch else "case"}
        options["denominator"] = "squared" if squared else "linear"
        common: Any = {"smooth_nr": smooth, "smooth_dr": smooth, "squared_pred": squared, "batch": batch}
        same(ours("DiceLoss", **options), value_and_slope(losses.DiceLoss(sigmoid=True, **common), Z, Y.double()))
        for background in (True, False):
            options["classes"] = "all" if background else "foreground"
            peer = losses.DiceLoss(softmax=True, include_background=background, **common)
            same(ours("DiceLoss", ZM, YM, activation="softmax", **options), value_and_slope(peer, ZM, ONEHOT))

    def test_two_class_dice_is_dice_on_two_channels(self, losses: Any) -> None:
        two, masks = torch.cat([1 - Z.sigmoid(), Z.sigmoid()], dim=1), torch.cat([1 - Y, Y], dim=1).double()
        peer = losses.DiceLoss(smooth_nr=0, smooth_dr=0)
        assert our_value("DiceTwoClassLoss", smooth=0.0) == pytest.approx(value(peer, two, masks))

    def test_l2_smoothing_of_jaccard_counts_half(self, losses: Any) -> None:
        for theirs, own in ((0.0, 0.0), (2.0, 1.0), (1.0, 0.5)):
            peer = losses.DiceLoss(sigmoid=True, jaccard=True, smooth_nr=theirs, smooth_dr=theirs)
            same(ours("IoULoss", smooth=own), value_and_slope(peer, Z, Y.double()))

    def test_tversky_agrees(self, losses: Any) -> None:
        peer = losses.TverskyLoss(sigmoid=True, alpha=0.3, beta=0.7, smooth_nr=1.0, smooth_dr=1.0)
        same(ours("TverskyLoss", smooth=1.0), value_and_slope(peer, Z, Y.double()))

    @pytest.mark.parametrize("weight", ["square", "simple", "uniform"])
    def test_generalized_dice_agrees_without_smoothing(self, losses: Any, weight: str) -> None:
        peer = losses.GeneralizedDiceLoss(softmax=True, w_type=weight, smooth_nr=0, smooth_dr=0)
        own = ours("GeneralizedDiceLoss", ZM, YM, weight=weight, smooth=0.0)
        same(own, value_and_slope(peer, ZM, ONEHOT), rel=1e-6)  # its weights are float32

    def test_l15_its_smoothing_hides_errors_on_large_volumes(self, losses: Any) -> None:
        truth = (torch.arange(2 * 10**5) < 2 * 10**4).double()
        p = torch.where(truth > 0, 0.5, 0.2).double()
        two, masks = (torch.stack([1 - one, one])[None] for one in (p, truth))
        theirs = value(losses.GeneralizedDiceLoss(), two, masks)
        own = our_value("GeneralizedDiceLoss", two, masks.long(), activation="none", has_channels=True)
        assert own == pytest.approx(value(losses.GeneralizedDiceLoss(smooth_nr=0, smooth_dr=0), two, masks), abs=1e-5)
        assert theirs < own - 0.01

    def test_focal_agrees_in_its_precision(self, losses: Any) -> None:
        peer = losses.FocalLoss(gamma=2.0, alpha=0.25)
        same(ours("FocalLoss"), value_and_slope(peer, Z, Y.double()), rel=1e-5)

    def test_l9_its_softmax_focal_divides_by_the_channels_too(self, losses: Any) -> None:
        peer = losses.FocalLoss(gamma=2.0, use_softmax=True)
        own = our_value("FocalLoss", ZM, YM, mode="softmax", alpha=None)
        assert own / 3 == pytest.approx(value(peer, ZM, ONEHOT), rel=1e-5)

    def test_dice_with_cross_entropy_agrees(self, losses: Any) -> None:
        peer = losses.DiceCELoss(sigmoid=True, smooth_nr=1, smooth_dr=1)
        same(ours("BCEDiceLoss", smooth=1.0), value_and_slope(peer, Z, Y.double()))
        peer = losses.DiceCELoss(softmax=True, smooth_nr=1, smooth_dr=1)
        own = ours("BCEDiceLoss", ZM, YM, smooth=1.0, activation="softmax")
        same(own, value_and_slope(peer, ZM, ONEHOT))

    def test_l7_its_dice_focal_keeps_a_sigmoid_in_the_focal_part(self, losses: Any) -> None:
        own = our_value("DiceFocalLoss", ZM, YM, class_reduction="mean", reduce_over="case")
        dice = losses.DiceLoss(softmax=True, smooth_nr=0, smooth_dr=0)
        focal = losses.FocalLoss(gamma=2.0, use_softmax=True)
        parts = value(dice, ZM, ONEHOT) + 0.5 * 3 * value(focal, ZM, ONEHOT)
        assert own == pytest.approx(parts, rel=1e-5)
        both = losses.DiceFocalLoss(softmax=True, smooth_nr=0, smooth_dr=0, lambda_focal=1.5)
        assert value(both, ZM, ONEHOT) != pytest.approx(own, rel=0.02)

    def test_soft_labels_are_our_l1(self, losses: Any) -> None:
        shares = torch.rand(Z.shape, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
        peer = losses.DiceLoss(sigmoid=True, soft_label=True, smooth_nr=0, smooth_dr=0)
        same(ours("DiceLoss", Z, shares, soft_target="l1", smooth=0.0), value_and_slope(peer, Z, shares))


class TestKornia:
    @pytest.fixture
    def losses(self) -> Any:
        return pytest.importorskip("kornia.losses", reason="kornia is not installed")

    def test_binary_focal_agrees(self, losses: Any) -> None:
        peer = value_and_slope(
            lambda z, y: losses.binary_focal_loss_with_logits(z, y, alpha=0.25, gamma=2.0, reduction="mean"),
            Z,
            Y.double(),
        )
        same(ours("FocalLoss"), peer, rel=1e-6)

    def test_l9_its_focal_divides_by_the_channels_too(self, losses: Any) -> None:
        peer = float(losses.focal_loss(ZM, YM, alpha=None, gamma=2.0, reduction="mean"))
        own = our_value("FocalLoss", ZM, YM, mode="softmax", alpha=None)
        assert own / 3 == pytest.approx(peer, rel=1e-6)

    def test_dice_and_its_pooled_form_agree(self, losses: Any) -> None:
        own = our_value("DiceLoss", ZM, YM, activation="softmax", smooth=0.0)
        assert own == pytest.approx(float(losses.dice_loss(ZM, YM, average="macro", eps=0.0)))
        uniform = our_value("GeneralizedDiceLoss", ZM, YM, weight="uniform", smooth=0.0)
        assert uniform == pytest.approx(float(losses.dice_loss(ZM, YM, average="micro", eps=0.0)))

    def test_l10_its_tversky_is_the_mean_over_two_channels(self, losses: Any) -> None:
        two = torch.cat([torch.zeros_like(Z), Z], dim=1)
        peer = float(losses.tversky_loss(two, Y[:, 0], alpha=0.3, beta=0.7, eps=0.0))
        own = our_value("TverskyLoss", two, Y, activation="softmax", smooth=0.0)
        assert own == pytest.approx(peer)

    def test_lovasz_hinge_agrees(self, losses: Any) -> None:
        assert our_value("LovaszHingeLoss") == pytest.approx(float(losses.lovasz_hinge_loss(Z, Y[:, 0])), rel=1e-6)

    def test_l6_its_lovasz_softmax_counts_absent_classes(self, losses: Any) -> None:
        without = torch.where(YM == 2, 1, YM)[:1]
        peer = float(losses.lovasz_softmax_loss(ZM[:1], without))
        assert our_value("LovaszSoftmaxLoss", ZM[:1], without, classes="all") == pytest.approx(peer, rel=1e-6)
        assert our_value("LovaszSoftmaxLoss", ZM[:1], without) != pytest.approx(peer, rel=1e-3)


class TestSegmentationModelsPytorch:
    @pytest.fixture
    def losses(self) -> Any:
        reason = "segmentation-models-pytorch is not installed"
        return pytest.importorskip("segmentation_models_pytorch.losses", reason=reason)

    def test_l1_smoothing_of_dice_counts_twice(self, losses: Any) -> None:
        for theirs, own in ((0.0, 0.0), (1.0, 2.0)):
            peer = value(losses.DiceLoss("binary", smooth=theirs), Z, Y)
            assert our_value("DiceLoss", smooth=own, reduce_over="batch") == pytest.approx(peer, rel=1e-6)

    def test_jaccard_and_tversky_agree(self, losses: Any) -> None:
        for smooth in (0.0, 1.0):
            own = our_value("IoULoss", smooth=smooth, reduce_over="batch")
            assert own == pytest.approx(value(losses.JaccardLoss("binary", smooth=smooth), Z, Y), rel=1e-6)
        peer = losses.TverskyLoss("binary", alpha=0.3, beta=0.7, smooth=1.0)
        assert our_value("TverskyLoss", smooth=1.0, reduce_over="batch") == pytest.approx(value(peer, Z, Y), rel=1e-6)

    def test_binary_focal_agrees(self, losses: Any) -> None:
        peer = value(losses.FocalLoss("binary", alpha=0.25, gamma=2.0), Z, Y)
        assert our_value("FocalLoss") == pytest.approx(peer, rel=1e-6)

    def test_l3_its_multi_class_focal_is_one_sigmoid_per_class(self, losses: Any) -> None:
        peer = value(losses.FocalLoss("multiclass", gamma=2.0), ZM, YM)
        own = our_value("FocalLoss", ZM, YM, alpha=None)
        assert own == pytest.approx(peer, rel=1e-6)
        over_channels = our_value("FocalLoss", ZM, YM, activation="softmax", alpha=None)
        assert over_channels != pytest.approx(peer, rel=1e-3)

    def test_l4_it_pools_the_batch_and_forgives_absent_classes(self, losses: Any) -> None:
        without = torch.where(YM == 2, 1, YM)
        peer = value(losses.DiceLoss("multiclass", smooth=0.0), ZM, without)
        each = MODULES["DiceLoss"](activation="softmax", smooth=0.0, reduce_over="batch", reduction="none")(ZM, without)
        assert float(each[0, :2].sum()) / 3 == pytest.approx(peer, rel=1e-6)

    def test_lovasz_agrees(self, losses: Any) -> None:
        peer = value(losses.LovaszLoss("binary", per_image=True), Z[:, 0].float(), Y[:, 0])
        assert our_value("LovaszHingeLoss") == pytest.approx(peer, rel=1e-5)
        peer = value(losses.LovaszLoss("multiclass"), ZM.float(), YM)
        assert our_value("LovaszSoftmaxLoss", ZM, YM) == pytest.approx(peer, rel=1e-5)
