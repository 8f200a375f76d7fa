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
settings.register_profile("segeval", deadline=None, derandomize=True, max_examples=50)
settings.load_profile("segeval")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--long", action="store_true", help="try the full numbers in tests/hostile, and check all shapes")


@pytest.fixture
def unchecked_shapes(request: pytest.FixtureRequest) -> Iterator[None]:
    """No shapes are checked in this test, for which others call the same functions, unless --long is given."""
    before = shape_checks.jaxtyping_disable
    shape_checks.update("jaxtyping_disable", before or not request.config.getoption("--long"))
    yield
    shape_checks.update("jaxtyping_disable", before)


@pytest.fixture(autouse=True)
def _as_a_user_has_it(request: pytest.FixtureRequest) -> None:
    """Whole programs run as they are installed, without checks of shapes; the tests of their rooms make these."""
    if {Path(__file__).with_name(room) for room in ("cli", "hostile", "verbs")} & {*request.path.parents}:
        request.getfixturevalue("unchecked_shapes")


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
