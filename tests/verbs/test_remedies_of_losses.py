"""What a message of the losses for training offers is done, and the value that comes of it is the right one."""

import re
import sys
from typing import Any

import pytest

from segeval.errors import ConfigError
from tests.verbs.offers import RIGHT, Offer, follow, ids, logits, loss, masks, tensors

LOSS = [1 - RIGHT]
LOSSES = {
    "arrays": Offer(
        wrong=lambda: loss("DiceLoss", logits().numpy(), masks()),
        says="Pass torch.as_tensor(pred)",
        does=lambda: loss("DiceLoss", tensors().as_tensor(logits().numpy()), masks(), activation="sigmoid"),
        right=LOSS,
    ),
    "outputs of several sizes": Offer(
        wrong=lambda: loss("DiceLoss", [logits(), logits()], masks()),
        says="go through segeval.losses.DeepSupervision(loss)",
        does=lambda: [_deep(logits(), masks())],
        right=LOSS,
    ),
    "a softmax of one channel": Offer(
        wrong=lambda: loss("DiceLoss", logits(), masks(), activation="softmax"),
        says="pass activation='sigmoid'",
        does=lambda: loss("DiceLoss", logits(), masks(), activation="sigmoid"),
        right=LOSS,
    ),
    "logits for probabilities": Offer(
        wrong=lambda: loss("DiceLoss", logits(), masks(), activation="none"),
        says="For logits pass activation='sigmoid'",
        does=lambda: loss("DiceLoss", logits(), masks(), activation="sigmoid"),
        right=LOSS,
    ),
    "integers": Offer(
        wrong=lambda: loss("DiceLoss", logits().long(), masks(), activation="sigmoid"),
        says="Give logits or probabilities as floats: pred.float()",
        does=lambda: loss("DiceLoss", logits().long().float(), masks().float(), activation="sigmoid"),
        right=LOSS,
    ),
    "a label that is not there": Offer(
        wrong=lambda: loss("DiceLoss", _two(), _void(), activation="softmax", classes="foreground"),
        says="Pass ignore_index for a label that is to count nowhere",
        does=lambda: loss("DiceLoss", _two(), _void(), activation="softmax", classes="foreground", ignore_index=255),
        right=LOSS,
    ),
    "a keyword of another library": Offer(
        wrong=lambda: loss("DiceLoss", logits(), masks(), sigmoid=True),
        says="Here it is activation='sigmoid'",
        does=lambda: loss("DiceLoss", logits(), masks(), activation="sigmoid"),
        right=LOSS,
    ),
    "weights of other channels": Offer(
        wrong=lambda: loss("DiceLoss", _two(), ids(), activation="softmax", class_weights=[1.0, 2.0, 3.0]),
        says="class_weights holds 3 numbers, and there are 2 channels",
        does=lambda: loss("DiceLoss", _two(), ids(), activation="softmax", class_weights=[0.0, 1.0]),
        right=[(0 + LOSS[0]) / 2],
    ),
    "maps without a channel axis": Offer(
        wrong=lambda: loss("DiceLoss", logits()[:, 0], masks(), activation="sigmoid"),
        says="for maps without a channel axis pass has_channels=False",
        does=lambda: loss("DiceLoss", logits()[:, 0], masks(), activation="sigmoid", has_channels=False),
        right=LOSS,
    ),
    "one mask per channel": Offer(
        wrong=lambda: loss("DiceLoss", _two(), tensors().cat([masks()] * 3, dim=1), activation="softmax"),
        says="Truth is class ids (B, ...) or one mask per channel (B, C, ...)",
        does=lambda: loss("DiceLoss", _two(), _one_hot(), activation="softmax", classes="foreground"),
        right=LOSS,
    ),
    "class ids": Offer(
        wrong=lambda: loss("DiceLoss", _two(), ids()[..., 1:], activation="softmax"),
        says="Truth is class ids (B, ...)",
        does=lambda: loss("DiceLoss", _two(), ids(), activation="softmax", classes="foreground"),
        right=LOSS,
    ),
    "shares of one channel": Offer(
        wrong=lambda: loss("DiceLoss", _two(), masks()[:, 0] / 2, activation="softmax", classes="foreground"),
        says="Class ids are whole numbers, and this floating truth holds 0.5. Shares need the shape of pred",
        does=lambda: loss("DiceLoss", _two(), _halves(), activation="softmax", classes="foreground"),
        right=[1 - 2 * 48 / (144 + 72)],  # of 96 voxels half a share is met
    ),
    "complex numbers": Offer(
        wrong=lambda: loss("DiceLoss", logits(), masks() + 0j),
        says="Give class ids, masks or shares",
        does=lambda: loss("DiceLoss", logits(), (masks() + 0j).real, activation="sigmoid"),
        right=LOSS,
    ),
    "shares beside an image": Offer(
        wrong=lambda: loss("BoundaryLoss", logits(), masks() / 2, activation="sigmoid"),
        says="truth cannot be fractional. Pass masks, such as truth > 0.5",
        does=lambda: [_at_border(masks() * 0.8 > 0.5)],
        right=[2 / 1152],
    ),
    "a spacing of other axes": Offer(
        wrong=lambda: loss("BoundaryLoss", logits(), masks(), activation="sigmoid", spacing=(1.0, 1.0)),
        says="spacing holds 2 numbers, and images have 3 axes",
        does=lambda: [_at_border(masks(), spacing=(1.0, 1.0, 1.0))],
        right=[2 / 1152],
    ),
    "a weight map of another shape": Offer(
        wrong=lambda: _weighted(masks()[..., 1:]),
        says="Give (B, ...) or (B, C, ...)",
        does=lambda: [_weighted(masks() + 1), _weighted(masks()[:, 0] + 1)],
        right=[2 * 60 * (48 + 48 / 2) / 1152 / 1] * 2,
    ),
    "a weight map where no voxel costs": Offer(
        wrong=lambda: _of("DiceLoss")(logits(), masks(), weight_map=masks()),
        says="it has no voxel costs that a weight_map could weigh",
        does=lambda: [float(_of("DiceLoss")(logits(), masks()))],
        right=LOSS,
    ),
    "an activation that is none": Offer(
        wrong=lambda: loss("DiceLoss", logits(), masks(), activation="relu"),
        says="none of sigmoid, softmax and none",
        does=lambda: loss("DiceLoss", logits(), masks(), activation="sigmoid"),
        right=LOSS,
    ),
    "a reduction that is none": Offer(
        wrong=lambda: loss("DiceLoss", logits(), masks(), activation="sigmoid", reduction="max"),
        says="it is mean, sum or none",
        does=lambda: [loss("DiceLoss", logits(), masks(), activation="sigmoid", reduction=one)[0] for one in _REDUCED],
        right=LOSS * 3,
    ),
    "groups that are none": Offer(
        wrong=lambda: loss("DiceLoss", logits(), masks(), activation="sigmoid", reduce_over="image"),
        says="none of case, batch and micro",
        does=lambda: [
            loss("DiceLoss", logits(), masks(), activation="sigmoid", reduce_over=one)[0]
            for one in ("case", "batch", "micro")
        ],
        right=LOSS * 3,
    ),
    "images that are pooled": Offer(
        wrong=lambda: loss("BoundaryLoss", logits(), masks(), activation="sigmoid", reduce_over="batch"),
        says="it looks at each image, so reduce_over is case",
        does=lambda: [_at_border(masks(), reduce_over="case")],
        right=[2 / 1152],
    ),
    "one channel for a background": Offer(
        wrong=lambda: loss("DiceLoss", logits(), masks(), activation="sigmoid", include_background=False),
        says="leave include_background and classes alone",
        does=lambda: loss("DiceLoss", logits(), masks(), activation="sigmoid"),
        right=LOSS,
    ),
    "a background that is and is not there": Offer(
        wrong=lambda: loss("DiceLoss", _two(), ids(), include_background=False, classes="all"),
        says="include_background=False and classes='all' contradict",
        does=lambda: loss("DiceLoss", _two(), ids(), activation="softmax", include_background=False),
        right=LOSS,
    ),
    "classes that are none": Offer(
        wrong=lambda: loss("DiceLoss", _two(), ids(), activation="softmax", classes="fg"),
        says="none of all, foreground, present and a list of channels",
        does=lambda: [
            loss("DiceLoss", _two(), ids(), activation="softmax", classes=one)[0] for one in ("foreground", [1])
        ],
        right=LOSS * 2,
    ),
    "a channel that is not there": Offer(
        wrong=lambda: loss("DiceLoss", _two(), ids(), activation="softmax", classes=[2]),
        says="names a channel that is not there: there are 2",
        does=lambda: loss("DiceLoss", _two(), ids(), activation="softmax", classes=[1]),
        right=LOSS,
    ),
    "a word for weights": Offer(
        wrong=lambda: loss("DiceLoss", _two(), ids(), activation="softmax", class_weights=["a", "b"]),
        says="is no list of one number per channel",
        does=lambda: loss("DiceLoss", _two(), ids(), activation="softmax", class_weights=[0.0, 1.0]),
        right=[LOSS[0] / 2],
    ),
    "weights below zero": Offer(
        wrong=lambda: loss("DiceLoss", _two(), ids(), activation="softmax", class_weights=[-1.0, 1.0]),
        says="class_weights are 0 or more",
        does=lambda: loss("DiceLoss", _two(), ids(), activation="softmax", class_weights=[0.0, 1.0]),
        right=[LOSS[0] / 2],
    ),
    "distances that are no table": Offer(
        wrong=lambda: loss("GeneralizedWassersteinDiceLoss", _two(), ids(), dist=[[0, 1]]),
        says="dist is a table of distances between all channels, background first, row by row, 0 on its diagonal",
        does=lambda: loss("GeneralizedWassersteinDiceLoss", _two(), ids(), activation="softmax", dist=[[0, 1], [1, 0]]),
        right=[1 - 2 * 96 / (2 * 96 + 96)],
    ),
    "channels of a part": Offer(
        wrong=lambda: loss("GeneralizedWassersteinDiceLoss", _two(), ids(), activation="softmax", classes=[1]),
        says="leave classes at all",
        does=lambda: loss("GeneralizedWassersteinDiceLoss", _two(), ids(), activation="softmax"),
        right=[1 - 2 * 96 / (2 * 96 + 96)],
    ),
    "a mode that is none": Offer(
        wrong=lambda: loss("FocalLoss", logits(), masks(), mode="relu"),
        says="mode='relu' is sigmoid or softmax",
        does=lambda: loss("FocalLoss", logits(), masks(), mode="sigmoid", gamma=0.0, alpha=None),
        right=[60 * 96 / 1152],
    ),
    "a sum of nothing": Offer(
        wrong=lambda: _of("Sum", []),
        says="Sum([(1.0, DiceLoss()), (0.5, BCELoss())])",
        does=lambda: [float(_of("Sum", [(1.0, _of("DiceLoss")), (0.5, _of("BCELoss"))])(logits(), masks()))],
        right=[LOSS[0] + 0.5 * 60 * 96 / 1152],
    ),
    "a sum of losses alone": Offer(
        wrong=lambda: _of("Sum", [_of("DiceLoss")]),
        says="Sum takes pairs of a weight and a loss",
        does=lambda: [float(_of("Sum", [(1.0, _of("DiceLoss"))])(logits(), masks()))],
        right=LOSS,
    ),
    "weights of outputs in words": Offer(
        wrong=lambda: _deep(logits(), masks(), weights="equal"),
        says="neither 'halving' nor one number per output",
        does=lambda: [_deep(logits(), masks(), weights=one) for one in ("halving", [0.5, 0.5])],
        right=LOSS * 2,
    ),
    "weights of other outputs": Offer(
        wrong=lambda: _deep(logits(), masks(), weights=[1.0]),
        says="there are 2 outputs and 1 weights. Give one for each",
        does=lambda: [_deep(logits(), masks(), weights=[0.25, 0.75])],
        right=LOSS,
    ),
    "truths of other outputs": Offer(
        wrong=lambda: _deep(logits(), [masks()]),
        says="there are 2 outputs and 1 truths. Give one for each, or the finest alone",
        does=lambda: [_deep(logits(), [masks(), masks()]), _deep(logits(), masks())],
        right=LOSS * 2,
    ),
}
_REDUCED = ("mean", "sum", "none")


def _of(name: str, *given: Any, **options: Any) -> Any:
    from segeval import losses

    return getattr(losses, name)(*given, **options)


def _one_hot() -> Any:
    return tensors().cat([1 - masks(), masks()], dim=1)


def _halves() -> Any:
    """Of the class a share of a half, of the background the rest."""
    return tensors().cat([1 - masks() / 2, masks() / 2], dim=1)


def _at_border(truth: Any, **options: Any) -> float:
    """The boundary loss of a prediction of one voxel, two voxels beyond the truth, over all 1152."""
    pred = tensors().zeros_like(masks())
    pred[0, 0, 9, 4, 4] = 1
    return float(_of("BoundaryLoss", activation="none", **options)(pred, truth))


def _weighted(weight_map: Any) -> float:
    return float(_of("BCELoss")(logits(), masks(), weight_map=weight_map))


def _two() -> Any:
    """Logits of background and the class."""
    return tensors().cat([-logits(), logits()], dim=1)


def _void() -> Any:
    """A truth whose last slices nobody labelled, and where nothing is predicted."""
    found = ids()
    found[..., 7] = 255
    return found


def _deep(pred: Any, truth: Any, **options: Any) -> float:
    from segeval import losses

    return float(losses.DeepSupervision(losses.DiceLoss(activation="sigmoid"), **options)([pred, pred], truth))


@pytest.mark.parametrize("what", LOSSES)
def test_what_a_message_offers_a_training_leads_to_the_right_value(what: str) -> None:
    tensors()
    follow(LOSSES[what])


def test_probabilities_that_are_taken_for_logits_are_told() -> None:
    tensors()
    found = _of("DiceLoss", activation="sigmoid")
    with pytest.warns(UserWarning, match="Pass logits, or activation='none' for probabilities"):
        found(tensors().sigmoid(logits()), masks())
    right = [
        float(_of("DiceLoss", activation="none")(tensors().sigmoid(logits()), masks())),
        float(found(logits(), masks())),
    ]
    assert right == pytest.approx(LOSS * 2, abs=1e-6)


def test_a_truth_on_another_device_is_brought_to_that_of_the_prediction() -> None:
    """The truth says that it lies elsewhere, and `.to` brings it here."""
    torch = tensors()

    class Elsewhere(torch.Tensor):  # type: ignore[misc, name-defined]
        @property
        def device(self) -> Any:
            return torch.device("cuda:1")

        def to(self, device: Any) -> Any:
            assert device == torch.device("cpu")
            return self.as_subclass(torch.Tensor)

    truth = masks().as_subclass(Elsewhere)
    follow(
        Offer(
            wrong=lambda: loss("DiceLoss", logits(), truth),
            says="pred is on cpu and truth on cuda:1. Pass truth.to(pred.device)",
            does=lambda: loss("DiceLoss", logits(), truth.to(logits().device), activation="sigmoid"),
            right=LOSS,
        )
    )


def test_losses_train_once_torch_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    tensors()
    with monkeypatch.context() as then:
        then.delitem(sys.modules, "segeval.losses.training.modules", raising=False)
        then.setitem(sys.modules, "torch", None)
        with pytest.raises(ConfigError, match=re.escape("pip install 'segeval-masks[torch]'")):
            _of("DiceLoss")
    assert loss("DiceLoss", logits(), masks(), activation="sigmoid") == pytest.approx(LOSS, abs=1e-6)
