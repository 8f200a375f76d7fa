"""Which engine and device a run takes."""

import re
import sys
from ctypes.util import find_library
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

from segeval.errors import ConfigError, not_installed

EngineName = Literal["numpy", "torch"]
_CUDA = re.compile(r"cuda(:[0-9]{1,3})?")


def resolve_device(*, engine: str, device: str) -> tuple[EngineName, str]:
    """The engine and the device to run on.

    `auto` takes torch where there is a CUDA device and numpy otherwise. A machine without one is
    recognised without importing torch, which alone would take seconds.

    Args:
        engine: `auto`, `numpy` or `torch`.
        device: `auto`, `cpu`, `cuda` or `cuda:1`.

    Raises:
        ConfigError: the device does not exist here, the engine cannot use it, or torch is not installed.
    """
    wants_cuda = _CUDA.fullmatch(device) is not None
    if device not in ("auto", "cpu") and not wants_cuda:
        raise ConfigError(f"Unknown device {device!r}. Use auto, cpu, cuda or cuda:1.")
    if engine == "numpy" and wants_cuda:
        raise ConfigError(
            f"The numpy engine runs on the CPU only, not on {device}. Use --engine torch, or --device cpu."
        )
    if engine == "torch" and not has_torch():
        cpu = " --device cpu" if wants_cuda else ""
        raise not_installed("torch", instead=f", or use --engine numpy{cpu}")
    if engine == "numpy" or device == "cpu":
        return ("torch" if engine == "torch" else "numpy"), "cpu"
    if not has_torch():
        if wants_cuda:
            raise not_installed("torch", instead=", or use --device cpu")
        return "numpy", "cpu"
    if wants_cuda:
        return "torch", _checked_cuda(device)
    if _may_have_cuda() and _n_cuda():
        return "torch", "cuda"
    return ("torch" if engine == "torch" else "numpy"), "cpu"


def has_torch() -> bool:
    """Whether torch is installed, found without importing it."""
    return find_spec("torch") is not None


def idle_gpu(*, engine: str, device: str) -> str | None:
    """What to say of a GPU that a run leaves idle only because torch is not installed."""
    if engine == "auto" and device == "auto" and _may_have_cuda() and not has_torch():
        return (
            "this machine has an NVIDIA GPU, but torch is not installed, so the CPU is used "
            "(to use the GPU: pip install 'segeval-masks[torch]'; to use the CPU and hear no more of it: --device cpu)"
        )
    return None


def _may_have_cuda() -> bool:
    """Whether an NVIDIA driver is installed; False is certain, True is not."""
    if sys.platform == "darwin":
        return False
    if sys.platform == "win32":
        return find_library("nvcuda") is not None
    return any(Path(one).exists() for one in ("/dev/nvidiactl", "/dev/dxg", "/proc/driver/nvidia/version"))


def _n_cuda() -> int:
    import torch

    return int(torch.cuda.device_count()) if torch.cuda.is_available() else 0


def _checked_cuda(device: str) -> str:
    available = _n_cuda()
    if int(device.removeprefix("cuda").removeprefix(":") or 0) >= available:
        raise ConfigError(f"Device {device} does not exist: torch sees {available} CUDA devices. Use --device cpu.")
    return device
