"""By torch's own rules for CUDA, which need no device: the steps of every builder never mix devices.

Fake tensors have a shape, a type and a device, and no values. So a step that asks for a value ends the check there,
which is where numbers are fetched for the formulas.
"""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.fx.experimental.symbolic_shapes import ShapeEnv

from segeval.evidence.arrays import is_one_of
from segeval.evidence.grid import Lattice
from segeval.evidence.labels import LabelClass
from segeval.evidence.probabilities import soft_torch
from segeval.evidence.probabilities.channels import Channels, Layout, ProbMap, activated
from segeval.evidence.probabilities.hard_masks import hard_mask
from segeval.evidence.surfaces import surfaces_torch

SHAPE = (20, 18, 16)
LATTICE = Lattice((1.0, 1.0, 2.0))
CLASSES = tuple(LabelClass(name=str(label), ids=(label,)) for label in range(3))

Step = Callable[[], Any]


@pytest.fixture
def on_cuda() -> Iterator[None]:
    with FakeTensorMode(shape_env=ShapeEnv(), allow_non_fake_inputs=True):
        yield


def there(*shape: int, dtype: torch.dtype = torch.float32) -> torch.Tensor:
    return torch.empty(shape or SHAPE, dtype=dtype, device="cuda")


def a_map(dtype: torch.dtype = torch.float32, *, is_log_odds: bool = False) -> ProbMap:
    return ProbMap(stored=there(dtype=dtype), is_log_odds=is_log_odds)


def a_softmax() -> Channels:
    return Channels(maps=tuple(a_map() for _ in CLASSES), layout=Layout(classes=CLASSES, exclusive=True))


def mask() -> torch.Tensor:
    return there(dtype=torch.bool)


STEPS: dict[str, Step] = {
    "probabilities": lambda: a_map(torch.float16).probs(),
    "complement": lambda: a_map().complement.stored,
    "both sides of log odds": lambda: a_map(is_log_odds=True).both_sides(),
    "softmax of logits": lambda: [channel.stored for channel in activated(a_softmax()).maps],
    "union": lambda: a_softmax().of(LabelClass(name="both", ids=(1, 2))).stored,
    "arg-max": lambda: hard_mask(a_softmax(), there(dtype=torch.uint8))[0],
    "one of some ids": lambda: is_one_of(there(dtype=torch.uint8), (1, 300)),
    "bins": lambda: soft_torch._fine_key(*soft_torch._folded(there(9), there(9, dtype=torch.bool), is_log_odds=False)),
    "prepared": lambda: surfaces_torch.prepared(*(there(dtype=torch.uint8) for _ in range(2)), mask())[:2],
    "surface voxels": lambda: surfaces_torch.surface_candidates(
        there(dtype=torch.int16), neighbours="full", zero_counts=False
    ),
    "distances by pairs": lambda: surfaces_torch._by_pairs(
        there(3, 50, dtype=torch.int64), there(3, 60, dtype=torch.int64), LATTICE
    ),
    "distance transform": lambda: surfaces_torch._squared_distances(mask(), LATTICE),
    "a band": lambda: surfaces_torch.within_reach(mask(), reach=3.0, lattice=LATTICE, metric="chessboard"),
}


@pytest.mark.usefixtures("on_cuda")
@pytest.mark.parametrize("step", STEPS)
def test_a_step_stays_on_the_device(step: str) -> None:
    found = STEPS[step]()
    tensors = [found] if isinstance(found, torch.Tensor) else list(found)
    assert {tensor.device.type for tensor in tensors} == {"cuda"}


SUMS: dict[str, Step] = {
    "moments": lambda: soft_torch.moments(there(9), there(9, dtype=torch.bool)),
    "moments of log odds": lambda: soft_torch.moments(there(9), there(9, dtype=torch.bool), is_log_odds=True),
    "ranks": lambda: soft_torch.ranks(there(9).double(), there(9, dtype=torch.bool)),
    "distinct": lambda: soft_torch.distinct(there(9).half(), there(9, dtype=torch.bool), levels=None),
    "moments of voxels": lambda: surfaces_torch.raw_moments(there(dtype=torch.uint8), [1, 2]),
}


@pytest.mark.usefixtures("on_cuda")
@pytest.mark.parametrize("sums", SUMS)
def test_sums_are_made_on_the_device_up_to_their_fetching(sums: str) -> None:
    with pytest.raises(RuntimeError, match=r"\.numpy\(\) is not supported"):
        SUMS[sums]()


@pytest.mark.usefixtures("on_cuda")
def test_fake_tensors_refuse_what_cuda_refuses() -> None:
    with pytest.raises(RuntimeError, match="same device"):
        there() + torch.ones(SHAPE)
