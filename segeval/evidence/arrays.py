"""What a formula needs of an array library, so that it is written once for numpy and torch.

Formulas use plain arithmetic and the functions that both libraries spell alike (`exp`, `where`, `clip`,
`sum(axis=)`, ...). Whatever they spell differently has one function here.
"""

import math
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

_FEW_IDS = 1 << 13
LOG_FLOOR = 100.0  # -ln of a probability is at most this, as in torch.nn.BCELoss


def namespace(array: Any) -> Any:
    """The library of an array: numpy or torch."""
    if isinstance(array, (np.ndarray, np.generic)):
        return np
    import torch

    return torch


def standard_namespace(array: Any) -> Any:
    """The library of an array as the array API standard spells it, for work on indices that needs no gradient."""
    if hasattr(array, "__array_namespace__"):
        return array.__array_namespace__()
    from array_api_compat import array_namespace

    return array_namespace(array)


def dtype_of(array: Any) -> np.dtype:
    """The type of the numbers as numpy calls it."""
    return array.dtype if isinstance(array, (np.ndarray, np.generic)) else np.dtype(str(array.dtype).split(".")[-1])


def on_host(array: Any) -> np.ndarray:
    """The array as numpy, fetched from its device where it has one."""
    return array if isinstance(array, np.ndarray) else np.asarray(array.cpu())


def on_device(array: Any, device: str | None) -> Any:
    """The array as a tensor on the device, in the narrowest type torch can compute with; None leaves tensors be."""
    import torch

    if isinstance(array, torch.Tensor):
        return array if device is None else array.to(device)
    wider = {np.dtype(np.uint16): np.int32, np.dtype(np.uint32): np.int64, np.dtype(np.uint64): np.int64}
    array = array.astype(wider.get(array.dtype, array.dtype), copy=False)
    if any(step < 0 for step in array.strides):
        array = np.ascontiguousarray(array)
    return torch.from_numpy(array).to(device or "cpu", non_blocking=True)


def numbered(ids: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The distinct ids of a 1-D array, the place of each element's among them, and how often each is there.

    Ids from 0 to some thousands, or a few times their number, are counted, which takes a tenth of the time of
    `np.unique`, that sorts.
    """
    if not len(ids) or ids.min() < 0 or ids.max() > max(4 * len(ids), _FEW_IDS):
        return np.unique(ids, return_inverse=True, return_counts=True)
    counts = np.bincount(ids)
    there = counts > 0
    return np.flatnonzero(there).astype(ids.dtype), (np.cumsum(there) - 1)[ids], counts[there]


def is_one_of(values: Any, ids: Iterable[int]) -> Any:
    """Whether each value is one of a few ids, in the same memory order; so many comparisons beat a look-up."""
    xp = namespace(values)
    if xp is not np:  # torch wraps an id that the type cannot hold
        held = xp.iinfo(values.dtype)
        ids = [one for one in ids if held.min <= one <= held.max]
    found = xp.zeros_like(values, dtype=np.bool_ if xp is np else xp.bool)
    for one in ids:
        found |= values == one
    return found


def constant(array: Any) -> Any:
    """The array without its gradient."""
    return array.detach() if hasattr(array, "detach") else array


def widened(array: Any) -> Any:
    """The array in float64, where a float32 running sum would stop at 2^24 voxels (Apple GPUs have no float64)."""
    if namespace(array) is np:
        return np.asarray(array, dtype=np.float64)
    return array if array.device.type == "mps" else array.double()


def at_least_32_bits(array: Any) -> Any:
    """Floats in float32 or wider, since half floats add up poorly."""
    return array if dtype_of(array).itemsize >= 4 else cast(array, "float32")


def cast(array: Any, dtype: str) -> Any:
    """The array in a type that both libraries know by this name."""
    return array.astype(dtype) if namespace(array) is np else array.to(getattr(namespace(array), dtype))


def numbers_like(values: Any, array: Any) -> Any:
    """Some numbers as an array of the same library, type and device."""
    if namespace(array) is np:
        return np.asarray(values, dtype=np.float64)
    return namespace(array).as_tensor(values, dtype=array.dtype, device=array.device)


def argsort(array: Any) -> Any:
    """Stable order of the last axis; numpy merges runs that are sorted already in linear time."""
    xp = namespace(array)
    return np.argsort(array, axis=-1, kind="stable") if xp is np else xp.argsort(array, dim=-1, stable=True)


def take_along(array: Any, order: Any) -> Any:
    """Pick along the last axis, broadcasting the axes before it."""
    xp = namespace(array)
    if xp is np:
        shape = np.broadcast_shapes(array.shape[:-1], order.shape[:-1])
        array = np.broadcast_to(array, shape + array.shape[-1:])
        return np.take_along_axis(array, np.broadcast_to(order, shape + order.shape[-1:]), axis=-1)
    return xp.take_along_dim(array, order, dim=-1)


def sums_by(ids: Any, values: Any, n: int) -> Any:
    """Sums of the values that share an id of 0 to n - 1, along the last axis, which in numpy is the only one."""
    if namespace(values) is np:
        return np.bincount(ids, weights=values, minlength=n)
    return values.new_zeros((*values.shape[:-1], n)).scatter_add(-1, ids.long(), values)


def neg_log(p: Any, rest: Any) -> Any:
    """-ln p, at most 100, for `rest` = 1 - p.

    Near 1 the logarithm is taken from `rest`, which tells p from 1 long after p itself is rounded.
    """
    xp = namespace(p)
    smallest = max(math.exp(-LOG_FLOOR), float(xp.finfo(p.dtype).tiny))
    near_one, lost = rest < 0.5, p <= smallest  # neither holds for nan, which stays
    # Both branches get harmless arguments, since a gradient flows through the one not taken too.
    close = -xp.log1p(-xp.where(near_one, rest, xp.zeros_like(rest)))
    far = xp.where(lost, LOG_FLOOR, -xp.log(xp.where(lost, xp.ones_like(p), p)))
    return xp.where(near_one, close, far)


def power(base: Any, exponent: float) -> Any:
    """base ** exponent for base >= 0, where up to 1e-12 counts as 0 with slope 0.

    Below exponent 1 the slope at 0 is infinite and a plain power would give nan gradients.
    """
    xp = namespace(base)
    nothing = base <= 1e-12  # not so for nan, which stays
    return xp.where(nothing, xp.zeros_like(base), xp.where(nothing, xp.ones_like(base), base) ** exponent)


def quotient(numerator: Any, denominator: Any, *, empty: float) -> Any:
    """numerator / denominator, and `empty` where the denominator is 0; the gradient is finite there."""
    xp = namespace(denominator)
    nothing = denominator <= 0  # not so for nan, which stays
    return xp.where(nothing, empty, numerator / xp.where(nothing, xp.ones_like(denominator), denominator))


class Lazy:
    """A value computed at first use and kept in the object.

    `functools.cached_property` holds a lock in Python 3.11, which torch.compile cannot trace.
    """

    def __init__(self, compute: Callable[[Any], Any]) -> None:
        self.compute = compute
        self.__doc__ = compute.__doc__

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    def __get__(self, owner: Any, kind: type | None = None) -> Any:
        if owner is None:
            return self
        value = self.compute(owner)
        owner.__dict__[self.name] = value
        return value
