"""What is said of arrays, tensors and images of other libraries is done, and the number that comes of it is right."""

from typing import Any

import numpy as np
import pytest

from segeval.errors import SegevalError
from tests.verbs.offers import PRED, RIGHT, SOFTMAX, TRUTH, Offer, score

ONE_HOT = np.stack([1 - TRUTH, TRUTH], axis=-1)
FLAT, FLAT_PRED = TRUTH[..., 3], PRED[..., 3]


def meta(array: np.ndarray, affine: np.ndarray | None = None) -> Any:
    """A tensor of MONAI, which knows its place."""
    data = pytest.importorskip("monai.data")
    torch = pytest.importorskip("torch")
    return data.MetaTensor(torch.as_tensor(array), affine=torch.as_tensor(np.eye(4) if affine is None else affine))


def itk(array: np.ndarray) -> Any:
    return pytest.importorskip("SimpleITK").GetImageFromArray(array, isVector=False)


ARRAYS = {
    "shapes that do not go together": Offer(
        wrong=lambda: score(np.stack([SOFTMAX] * 2), TRUTH),
        says="a prediction the same, after one that counts classes",
        does=lambda: score(SOFTMAX, TRUTH),
    ),
    "an axis of classes on both sides, as ids": Offer(
        wrong=lambda: score(FLAT_PRED[None].repeat(2, 0), FLAT[None].repeat(2, 0), channel_axis="first"),
        says="Give ids for the truth",
        does=lambda: score(np.stack([1 - FLAT_PRED, FLAT_PRED]), FLAT, channel_axis="first"),
    ),
    "an axis of classes on both sides, of space": Offer(
        wrong=lambda: score(FLAT_PRED[None].repeat(2, 0), FLAT[None].repeat(2, 0), channel_axis="first"),
        says="or leave channel_axis out, if all three are space",
        does=lambda: score(FLAT_PRED[None].repeat(2, 0), FLAT[None].repeat(2, 0)),
    ),
    "one-hot at the end": Offer(
        wrong=lambda: score(PRED, ONE_HOT),
        says="Pass channel_axis='last'",
        does=lambda: score(PRED, ONE_HOT, channel_axis="last"),
    ),
    "one-hot at the end, of a picture": Offer(
        wrong=lambda: score(FLAT_PRED, ONE_HOT[..., 3, :]),
        says="Pass channel_axis='last'",
        does=lambda: score(FLAT_PRED, ONE_HOT[..., 3, :], channel_axis="last"),
    ),
    "one-hot at the end, as ids": Offer(
        wrong=lambda: score(PRED, ONE_HOT),
        says="or give ids: truth.argmax(-1)",
        does=lambda: score(PRED, ONE_HOT.argmax(-1)),
    ),
    "cases, and then classes": Offer(
        wrong=lambda: score(np.stack([SOFTMAX[..., 3]] * 3), np.stack([FLAT] * 3)),
        says="Give one case at a time: segeval.score(list(pred), list(truth))",
        does=lambda: score(list(np.stack([SOFTMAX[..., 3]] * 3)), list(np.stack([FLAT] * 3))),
        right=[RIGHT] * 3,
    ),
    "text for numbers": Offer(
        wrong=lambda: score(PRED.astype(str), TRUTH),
        says="Give class ids in two or three dimensions",
        does=lambda: score(PRED, TRUTH),
    ),
    "a switch for a name": Offer(
        wrong=lambda: score(PRED, TRUTH, labels={1: True}),
        says="or put the word in quotes",
        does=lambda: score(PRED, TRUTH, labels={1: "True"}),
    ),
    "a switch for a number": Offer(
        wrong=lambda: score(PRED, TRUTH, ignore_label=True),
        says="Write a number",
        does=lambda: score(PRED, TRUTH, ignore_label=255),
    ),
}
IMAGES = {
    "a batch of tensors": Offer(
        wrong=lambda: score(meta(SOFTMAX[None]), meta(TRUTH[None, None])),
        says="Give one case at a time: segeval.score(list(pred), list(truth))",
        does=lambda: score(list(meta(SOFTMAX[None])), list(meta(TRUTH[None, None]))),
    ),
    "a tensor of channels or slices": Offer(
        wrong=lambda: score(meta(SOFTMAX[..., 3]), meta(FLAT)),
        says="and of slices the plain tensors, image.as_tensor(), with spacing=(...) in mm",
        does=lambda: score(meta(SOFTMAX[..., 3]).as_tensor(), meta(FLAT).as_tensor(), spacing=(1.0, 1.0)),
    ),
    "a tensor of channels or slices, as a volume": Offer(
        wrong=lambda: score(meta(np.stack([FLAT_PRED, 1 - FLAT_PRED])), meta(np.stack([FLAT, 1 - FLAT]))),
        says="Give a volume with an axis for its channel, image[None]",
        does=lambda: score(meta(np.stack([FLAT_PRED, 1 - FLAT_PRED]))[None], meta(np.stack([FLAT, 1 - FLAT]))[None]),
        right=[2 * (24 + 96) / (2 * 144)],  # the box and what lies around it, as two slices of one class
    ),
    "an image in time": Offer(
        wrong=lambda: score(itk(np.stack([PRED] * 2)), itk(np.stack([TRUTH] * 2))),
        says="Give each of its images alone, in 2 or 3 dimensions",
        does=lambda: score([itk(PRED)] * 2, [itk(TRUTH)] * 2),
        right=[RIGHT] * 2,
    ),
}


@pytest.mark.parametrize(
    "what",
    [pytest.param(one, marks=pytest.mark.slow) if "tensor" in one else one for one in ARRAYS | IMAGES],  # of MONAI
)
def test_what_is_said_of_an_array_leads_to_the_right_number(what: str) -> None:
    offer = (ARRAYS | IMAGES)[what]
    with pytest.raises(SegevalError) as refused:
        offer.wrong()
    assert offer.says in str(refused.value)
    assert offer.does() == pytest.approx(offer.right, abs=1e-6)
