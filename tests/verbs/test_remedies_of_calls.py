"""What a message of the library offers is done, and the number that comes of it is the right one."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest

import segeval
from segeval.errors import SegevalError

TRUTH = np.zeros((12, 12, 8), np.uint8)
TRUTH[2:8, 2:8, 2:6] = 1
PRED = np.roll(TRUTH, 2, axis=0)
RIGHT = 2 / 3
SOFT = np.where(PRED == 1, 0.9, 0.1).astype(np.float32)
SOFTMAX = np.stack([1 - SOFT, SOFT])
PLACED = pytest.importorskip("nibabel").Nifti1Image(PRED, np.diag([0.5, 1.0, 1.0, 1.0]))


def score(pred: Any, truth: Any, measure: str = "dice", **options: Any) -> list[float]:
    found = segeval.score(pred, truth, measures=measure, bootstrap=0, **options)
    return [row.values[measure] for row in found.class_rows]


def evaluated(pred: Any, truth: Any, case_id: Any, **options: Any) -> list[float]:
    evaluator = segeval.Evaluator(measures="dice", bootstrap=0)
    evaluator.update(pred, truth, case_id=case_id, **options)
    return [row.values["dice"] for row in evaluator.compute().class_rows]


def loss(name: str, pred: Any, truth: Any, **options: Any) -> list[float]:
    from segeval import losses

    return [float(getattr(losses, name)(**options)(pred, truth))]


def tensors() -> Any:
    return pytest.importorskip("torch")


def logits() -> Any:
    """Logits (B, 1, ...) so far out that their sigmoid is the mask."""
    return tensors().as_tensor(np.where(PRED == 1, 60.0, -60.0)[None, None])


def ids() -> Any:
    return tensors().as_tensor(TRUTH.astype(np.int64)[None])


def masks() -> Any:
    return tensors().as_tensor(TRUTH.astype(np.float64)[None, None])


@dataclass(frozen=True, kw_only=True)
class Offer:
    """A call that is refused, what its message offers, and the call that does so."""

    wrong: Callable[[], object]
    says: str
    does: Callable[[], list[float]]
    right: list[float] = field(default_factory=lambda: [RIGHT])


CALLS = {
    "a batch": Offer(
        wrong=lambda: score(np.stack([SOFTMAX] * 2), np.stack([TRUTH] * 2)),
        says="Give one case at a time: segeval.score(list(pred), list(truth))",
        does=lambda: score(list(np.stack([SOFTMAX] * 2)), list(np.stack([TRUTH] * 2))),
        right=[RIGHT] * 2,
    ),
    "a batch with a channel of the truth": Offer(
        wrong=lambda: score(np.stack([SOFTMAX] * 2), np.stack([TRUTH[None]] * 2)),
        says="with ids for the truth (truth[:, 0])",
        does=lambda: score(list(np.stack([SOFTMAX] * 2)), list(np.stack([TRUTH[None]] * 2)[:, 0])),
        right=[RIGHT] * 2,
    ),
    "channels at the end": Offer(
        wrong=lambda: score(np.moveaxis(SOFTMAX, 0, -1), TRUTH),
        says="Pass channel_axis='last'",
        does=lambda: score(np.moveaxis(SOFTMAX, 0, -1), TRUTH, channel_axis="last"),
    ),
    "an axis that may be either": Offer(
        wrong=lambda: score(SOFTMAX[:, :2, 2:4, 3] * 0 + 0.5, TRUTH[:2, 2:4, 3]),
        says="Pass channel_axis='first' if it counts classes",
        does=lambda: score(SOFTMAX[:, 4:6, 4:6, 3], TRUTH[4:6, 4:6, 3], channel_axis="first"),
        right=[1.0],
    ),
    "masked voxels": Offer(
        wrong=lambda: score(PRED, np.ma.masked_array(TRUTH, mask=np.broadcast_to(np.arange(8) == 7, TRUTH.shape))),
        says="Fill them with an id, such as 255, and pass ignore_label=255",
        does=lambda: score(PRED, np.where(np.arange(8) == 7, 255, TRUTH).astype(np.uint8), ignore_label=255),
    ),
    "no array": Offer(
        wrong=lambda: score(TRUTH[0, 0], TRUTH[0, 0]),
        says="Give class ids in two or three dimensions, one array per case",
        does=lambda: score(PRED, TRUTH),
    ),
    "a stack of images": Offer(
        wrong=lambda: score(PRED, TRUTH, spacing=(1.0, 1.0)),
        says="or each case alone where the first axis counts cases",
        does=lambda: score(list(PRED[4:6]), list(TRUTH[4:6]), spacing=(1.0, 1.0)),
        right=[1.0, 1.0],
    ),
    "an image with a place and one without": Offer(
        wrong=lambda: score(PLACED, TRUTH),
        says="pass --ignore-geometry to compare the arrays as they are",
        does=lambda: score(PLACED, TRUTH, ignore_geometry=True),
    ),
    "sides of other lengths": Offer(
        wrong=lambda: score([PRED, PRED], [TRUTH]),
        says="Give both sides the same number of images",
        does=lambda: score([PRED, PRED], [TRUTH, TRUTH]),
        right=[RIGHT] * 2,
    ),
    "sides of other ids": Offer(
        wrong=lambda: score({"a": PRED}, {"b": TRUTH}),
        says="or mappings with the same case ids",
        does=lambda: score({"a": PRED}, {"a": TRUTH}),
    ),
    "an option with a slip": Offer(
        wrong=lambda: score(PRED, TRUTH, ignore_lable=255),
        says="Did you mean 'ignore_label'",
        does=lambda: score(PRED, TRUTH, ignore_label=255),
    ),
    "shares for a truth": Offer(
        wrong=lambda: score(PRED, np.where(TRUTH == 1, 0.8, 0.2)),
        says="Pass --round-labels to take values of 0.5 and more for id 1",
        does=lambda: score(PRED, np.where(TRUTH == 1, 0.8, 0.2), round_labels=True),
    ),
    "ids out of order": Offer(
        wrong=lambda: score(
            SOFTMAX.repeat(2, 0)[:3] / [[[[1.0]]], [[[1.0]]], [[[1.0]]]], TRUTH, labels={7: "a", 5: "b"}
        ),
        says="such as --channels background,b,a",
        does=lambda: score(SOFTMAX, TRUTH, labels={1: "a"}, channels="background,a"),
    ),
    "one case for a function": Offer(
        wrong=lambda: segeval.dice([PRED, PRED], [TRUTH, TRUTH]),
        says="Use segeval.score, which takes many",
        does=lambda: score([PRED, PRED], [TRUTH, TRUTH]),
        right=[RIGHT] * 2,
    ),
    "a function of empty masks": Offer(
        wrong=lambda: segeval.dice(0 * PRED, 0 * TRUTH),
        says="Name the classes, such as labels=[1]",
        does=lambda: [segeval.dice(PRED, TRUTH, labels=[1])],
    ),
    "a function that writes": Offer(
        wrong=lambda: segeval.dice(PRED, TRUTH, out="here"),
        says="Use segeval.score for a run",
        does=lambda: score(PRED, TRUTH),
    ),
    "files for an evaluator": Offer(
        wrong=lambda: segeval.Evaluator(pred_pattern="{case}.png"),
        says="Leave it out",
        does=lambda: evaluated(PRED[None], TRUTH[None], ["a"]),
    ),
    "a batch without names": Offer(
        wrong=lambda: evaluated(PRED[None], TRUTH[None], None),
        says="Give one id for each case of the batch",
        does=lambda: evaluated(PRED[None], TRUTH[None], ["a"]),
    ),
    "a batch with a name twice": Offer(
        wrong=lambda: evaluated(np.stack([PRED] * 2), np.stack([TRUTH] * 2), ["a", "a"]),
        says="Give each case an id of its own",
        does=lambda: evaluated(np.stack([PRED] * 2), np.stack([TRUTH] * 2), ["a", "b"]),
        right=[RIGHT] * 2,
    ),
    "lengths of other cases": Offer(
        wrong=lambda: evaluated(np.stack([PRED] * 2), np.stack([TRUTH] * 2), ["a", "b"], spacing=[(1.0, 1.0, 1.0)] * 3),
        says="Give one for each, or one for all",
        does=lambda: evaluated(np.stack([PRED] * 2), np.stack([TRUTH] * 2), ["a", "b"], spacing=(1.0, 1.0, 1.0)),
        right=[RIGHT] * 2,
    ),
    "no case yet": Offer(
        wrong=lambda: segeval.Evaluator(measures="dice").compute(),
        says="Call update() first",
        does=lambda: evaluated(PRED[None], TRUTH[None], ["a"]),
    ),
}

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
}


def _two() -> Any:
    """Logits of background and the class."""
    return tensors().cat([-logits(), logits()], dim=1)


def _void() -> Any:
    """A truth whose last slices nobody labelled, and where nothing is predicted."""
    found = ids()
    found[..., 7] = 255
    return found


def _deep(pred: Any, truth: Any) -> float:
    from segeval import losses

    return float(losses.DeepSupervision(losses.DiceLoss(activation="sigmoid"))([pred, pred], truth))


@pytest.mark.parametrize("what", CALLS | LOSSES)
def test_what_a_message_offers_a_program_leads_to_the_right_number(what: str) -> None:
    if what in LOSSES:
        tensors()
    offer = (CALLS | LOSSES)[what]
    with pytest.raises(SegevalError) as refused:
        offer.wrong()
    assert offer.says in str(refused.value)
    assert offer.does() == pytest.approx(offer.right, abs=1e-6)
