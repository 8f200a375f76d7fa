"""What packs the program says of it what the program says of itself."""

import shlex
from pathlib import Path

import pytest
import yaml

import segeval
from segeval.cli import app

ROOT = Path(__file__).parent.parent


def test_the_citation_names_this_version_and_licence() -> None:
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert {"cff-version", "message", "title", "authors"} <= set(citation)
    assert citation["version"] == segeval.__version__
    assert citation["license"] == "Apache-2.0"


def test_the_hook_for_others_runs_a_command_that_there_is(capsys: pytest.CaptureFixture[str]) -> None:
    (hook,) = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())
    program, command = shlex.split(hook["entry"])
    assert program == "segeval"
    assert app.run([command, "--help"]) == 0
    assert "RUN" in capsys.readouterr().out
