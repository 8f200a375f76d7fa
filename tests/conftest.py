"""What every test may use."""

import os
import sys

# Some hundred tests start a program: none of them compiles again what the one before it has compiled.
sys.dont_write_bytecode = False
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")  # two busy cores make threads slower, not faster

import json
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from pkgutil import walk_packages
from typing import Any

import pytest
from hypothesis import settings
from jaxtyping import config as shape_checks

# a shared machine has slow moments, and a failure found once must be found again
settings.register_profile("quick", deadline=None, derandomize=True, max_examples=20)
settings.register_profile("full", settings.get_profile("quick"), max_examples=50)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--long", action="store_true", help="try the full numbers in tests/hostile")
    parser.addoption(
        "--full", action="store_true", help="also the slow tests, more drawn examples, and the shapes of every call"
    )


def pytest_configure(config: pytest.Config) -> None:
    settings.load_profile("full" if config.getoption("--full") else "quick")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if not config.getoption("--full"):
        for item in items:
            if item.get_closest_marker("slow"):
                item.add_marker(pytest.mark.skip(reason="slow: tried with --full, as CI does"))


WHOLE_PROGRAMS = {Path(__file__).with_name(room) for room in ("cli", "hostile", "verbs")}


@pytest.fixture(autouse=True)
def _shapes(request: pytest.FixtureRequest) -> Iterator[None]:
    """Without --full, which CI gives, the shapes of calls are checked only where one test does it for all of a kind.

    Whole programs run as they are installed, and drawn examples call the same functions again and again. The mark
    `shapes` says otherwise.
    """
    before, mark = shape_checks.jaxtyping_disable, request.node.get_closest_marker("shapes")
    is_drawn = getattr(request.function, "is_hypothesis_test", False)
    checked = mark.kwargs["checked"] if mark else not (is_drawn or WHOLE_PROGRAMS & {*request.path.parents})
    shape_checks.update("jaxtyping_disable", before or not (checked or request.config.getoption("--full")))
    yield
    shape_checks.update("jaxtyping_disable", before)


def pytest_sessionstart() -> None:
    """Load in one thread what is checked at every call: the import hook that does so is not made for several."""
    for name in ("segeval.evidence", "segeval.metrics", "segeval.scoring"):
        for module in walk_packages(import_module(name).__path__, f"{name}."):
            if not module.name.endswith("torch"):
                import_module(module.name)


GOLDEN = Path(__file__).parent / "golden"


def golden(name: str) -> dict[str, Any]:
    """A table of worked values."""
    loaded: dict[str, Any] = json.loads((GOLDEN / f"{name}.json").read_text())
    return loaded


def _has_cuda() -> bool:
    import torch

    return torch.cuda.is_available()


@pytest.fixture(params=["cpu", "cuda"])
def device(request: pytest.FixtureRequest) -> str:
    """Each torch device of this machine."""
    if request.param == "cuda" and not _has_cuda():
        pytest.skip("this machine has no CUDA device")
    return str(request.param)
