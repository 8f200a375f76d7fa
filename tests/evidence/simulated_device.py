"""A device that this machine lacks, simulated: its tensors are those of the CPU, and mixing the two is an error.

CUDA refuses an operation on tensors of which some are on the CPU, but for numbers without an axis, and hands out no
numpy array of what is on the device. A test without a GPU finds such places with this mode around the code.
"""

from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch.overrides import TorchFunctionMode
from torch.utils.weak import WeakIdKeyDictionary

NAME = "cuda"


class SimulatedDevice(TorchFunctionMode):
    """Inside of it, `.to("cuda")` and `device="cuda"` mark tensors, and what is made of marked ones is marked too."""

    def __init__(self) -> None:
        super().__init__()
        self.n_moved = 0
        self.most_fetched = 0  # numbers that were copied to the CPU at once
        self._there = WeakIdKeyDictionary()  # type: ignore[no-untyped-call]

    def has(self, tensor: Any) -> bool:
        return tensor in self._there

    def __torch_function__(self, function: Callable[..., Any], types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = dict(kwargs or {})
        name = getattr(function, "__name__", "")
        if name == "__get__" and function == torch.Tensor.device.__get__:
            return torch.device(NAME) if self.has(args[0]) else function(*args)
        if name in ("cpu", "to") and self._target(name, args, kwargs) is not None:
            return self._moved(args[0], self._target(name, args, kwargs))
        if name == "to" and len(args) > 1 and isinstance(args[1], torch.Tensor):  # to the type and the place of another
            return self._moved(args[0].clone().to(args[1].dtype), NAME if self.has(args[1]) else "cpu")
        if name in ("numpy", "__array__") and self.has(args[0]):
            raise TypeError("can't convert a tensor of the device to numpy")
        if name == "tolist" and self.has(args[0]):
            self.most_fetched = max(self.most_fetched, args[0].numel())
        made_there = str(kwargs.get("device", "cpu")).startswith(NAME)
        if made_there:
            kwargs["device"] = "cpu"
        tensors = list(_tensors((args, kwargs)))
        there = [self.has(tensor) for tensor in tensors]
        if any(there) and any(not marked and tensor.ndim for marked, tensor in zip(there, tensors, strict=True)):
            raise RuntimeError(f"{name}: expected all tensors to be on the same device")
        result = function(*args, **kwargs)
        if made_there or any(there):
            for tensor in _tensors(result):
                self._there[tensor] = True
        return result

    def _target(self, name: str, args: Any, kwargs: Any) -> str | None:
        if name == "cpu":
            return "cpu"
        asked = kwargs.get("device", args[1] if len(args) > 1 else None)
        return str(asked) if isinstance(asked, str | torch.device) else None

    def _moved(self, tensor: Any, target: str) -> Any:
        if self.has(tensor) and target == "cpu":
            self.most_fetched = max(self.most_fetched, tensor.numel())
        copy = torch.Tensor.clone(tensor) if self.has(tensor) else tensor.clone()
        self._there.pop(copy, None)
        if target.startswith(NAME):
            self._there[copy] = True
            self.n_moved += 1
        return copy


def _tensors(values: Any) -> Iterator[Any]:
    if isinstance(values, torch.Tensor):
        yield values
    elif isinstance(values, dict):
        yield from _tensors(list(values.values()))
    elif isinstance(values, list | tuple):
        for value in values:
            yield from _tensors(value)
