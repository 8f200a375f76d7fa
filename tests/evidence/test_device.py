"""Which engine and device a run takes, on machines with and without a GPU."""

import sys

import pytest

from segeval.errors import ConfigError
from segeval.evidence import device as device_module
from segeval.evidence.device import idle_gpu, resolve_device


def machine(monkeypatch: pytest.MonkeyPatch, *, gpus: int, driver: bool | None = None) -> None:
    """Pretend that this machine has so many GPUs."""
    monkeypatch.setattr(device_module, "_may_have_cuda", lambda: gpus > 0 if driver is None else driver)
    monkeypatch.setattr(device_module, "_n_cuda", lambda: gpus)


@pytest.mark.parametrize(
    ("gpus", "engine", "device", "expected"),
    [
        (0, "auto", "auto", ("numpy", "cpu")),
        (0, "auto", "cpu", ("numpy", "cpu")),
        (0, "numpy", "auto", ("numpy", "cpu")),
        (0, "torch", "auto", ("torch", "cpu")),
        (0, "torch", "cpu", ("torch", "cpu")),
        (1, "auto", "auto", ("torch", "cuda")),
        (1, "auto", "cpu", ("numpy", "cpu")),
        (1, "numpy", "auto", ("numpy", "cpu")),
        (1, "torch", "auto", ("torch", "cuda")),
        (1, "auto", "cuda", ("torch", "cuda")),
        (1, "torch", "cuda:0", ("torch", "cuda:0")),
        (4, "auto", "cuda:3", ("torch", "cuda:3")),
    ],
)
def test_engine_and_device_follow_from_the_machine_and_the_wish(
    monkeypatch: pytest.MonkeyPatch, gpus: int, engine: str, device: str, expected: tuple[str, str]
) -> None:
    machine(monkeypatch, gpus=gpus)
    assert resolve_device(engine=engine, device=device) == expected


def test_a_driver_without_a_device_gives_the_cpu(monkeypatch: pytest.MonkeyPatch) -> None:
    machine(monkeypatch, gpus=0, driver=True)
    assert resolve_device(engine="auto", device="auto") == ("numpy", "cpu")


@pytest.mark.parametrize("device", ["gpu", "", "CUDA", "cudafoo", "cuda:", "cuda:x", "cuda:-1", "cuda:²", "mps"])
@pytest.mark.parametrize("gpus", [0, 8])
def test_an_unknown_device_is_refused_with_the_known_ones(
    monkeypatch: pytest.MonkeyPatch, gpus: int, device: str
) -> None:
    machine(monkeypatch, gpus=gpus)
    with pytest.raises(ConfigError, match=f"Unknown device {device!r}. Use auto, cpu, cuda or cuda:1."):
        resolve_device(engine="auto", device=device)


@pytest.mark.parametrize(("gpus", "device"), [(0, "cuda"), (0, "cuda:0"), (2, "cuda:2")])
def test_a_device_that_is_not_there_is_refused(monkeypatch: pytest.MonkeyPatch, gpus: int, device: str) -> None:
    machine(monkeypatch, gpus=gpus)
    with pytest.raises(ConfigError, match=f"Device {device} does not exist: torch sees {gpus} CUDA devices"):
        resolve_device(engine="auto", device=device)


def test_the_numpy_engine_refuses_a_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    machine(monkeypatch, gpus=1)
    with pytest.raises(ConfigError, match="numpy engine runs on the CPU only, not on cuda:0"):
        resolve_device(engine="numpy", device="cuda:0")


def test_a_machine_without_a_driver_is_recognised_without_importing_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(device_module, "_may_have_cuda", lambda: False)
    monkeypatch.setitem(sys.modules, "torch", None)  # any import of it fails from here on
    assert resolve_device(engine="auto", device="auto") == ("numpy", "cpu")


@pytest.mark.parametrize(
    ("platform", "library", "expected"), [("darwin", "x", False), ("win32", None, False), ("win32", "x", True)]
)
def test_the_driver_is_looked_for_where_the_platform_keeps_it(
    monkeypatch: pytest.MonkeyPatch, platform: str, library: str | None, expected: bool
) -> None:
    monkeypatch.setattr(device_module.sys, "platform", platform)
    monkeypatch.setattr(device_module, "find_library", lambda name: library)
    assert device_module._may_have_cuda() is expected


@pytest.mark.parametrize(
    ("engine", "device"), [("torch", "auto"), ("torch", "cpu"), ("auto", "cuda"), ("auto", "cuda:1")]
)
def test_what_needs_torch_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch, engine: str, device: str) -> None:
    monkeypatch.setattr(device_module, "has_torch", lambda: False)
    with pytest.raises(ConfigError, match=r"torch is not installed.*pip install 'segeval-masks\[torch\]', or use"):
        resolve_device(engine=engine, device=device)


@pytest.mark.parametrize(
    ("has_torch", "driver", "engine", "device", "is_said"),
    [
        (False, True, "auto", "auto", True),
        (False, True, "auto", "cpu", False),  # asked for
        (False, True, "numpy", "auto", False),
        (False, False, "auto", "auto", False),
        (True, True, "auto", "auto", False),
    ],
)
def test_a_gpu_that_lies_idle_for_want_of_torch_is_named(
    monkeypatch: pytest.MonkeyPatch, has_torch: bool, driver: bool, engine: str, device: str, is_said: bool
) -> None:
    machine(monkeypatch, gpus=1, driver=driver)
    monkeypatch.setattr(device_module, "has_torch", lambda: has_torch)
    said = idle_gpu(engine=engine, device=device)
    assert (said is not None and "segeval-masks[torch]" in said) is is_said
    if not has_torch:
        assert resolve_device(engine=engine, device=device) == ("numpy", "cpu")
