"""What hostile tests share: how often they try, and a tally of what was tried and what fell."""

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from segeval.cli import app
from tests.cli.given import Done, Run

_TALLIES: dict[str, "Tally"] = {}


@dataclass
class Tally:
    """How many attempts were made, and those that segeval did not stand."""

    tried: int = 0
    fell: list[str] = field(default_factory=list)

    def note(self, what: object, *, stood: bool) -> None:
        self.tried += 1
        if not stood:
            self.fell.append(str(what))


@pytest.fixture
def tally(request: pytest.FixtureRequest) -> Iterator[Tally]:
    """The tally of one test; the test fails if anything fell."""
    found = Tally()
    yield found
    of_module = _TALLIES.setdefault(request.path.stem.removeprefix("test_"), Tally())
    of_module.tried += found.tried
    of_module.fell += found.fell
    assert found.tried, "nothing was tried"
    assert not found.fell, "\n".join(found.fell[:20])


@pytest.fixture
def times(request: pytest.FixtureRequest) -> Callable[..., int]:
    """How often to try: `times(few, many)`, the latter with --long."""
    return lambda few, many: many if request.config.getoption("--long") else few


@pytest.fixture
def run(capfd: pytest.CaptureFixture[str]) -> Run:
    """Run a command line in this process."""

    def run_it(*arguments: Any) -> Done:
        code = app.run([str(one) for one in arguments])
        said = capfd.readouterr()
        return Done(code=code, out=said.out, err=said.err)

    return run_it


@pytest.fixture(autouse=True)
def _clean_surroundings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in [*os.environ]:
        if name.startswith("SEGEVAL_") or name in ("NO_COLOR", "FORCE_COLOR", "COLUMNS", "GITHUB_ACTIONS"):
            monkeypatch.delenv(name)


def pytest_terminal_summary(terminalreporter: Any) -> None:
    for name, found in sorted(_TALLIES.items()):
        terminalreporter.write_line(f"hostile {name}: {found.tried} tried, {len(found.fell)} fell")
