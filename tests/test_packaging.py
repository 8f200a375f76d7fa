"""What packs the program says of it what the program says of itself."""

import re
import shlex
import tomllib
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


def test_nothing_is_installed_under_the_name_that_another_project_has_on_the_index() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project["name"] == "segeval-masks"
    assert [*project["scripts"]] == ["segeval"]
    texts = [ROOT / "README.md", ROOT / "action.yml", ROOT / "Dockerfile", *(ROOT / "docs").rglob("*.md")]
    for path in [*texts, *(ROOT / "segeval").rglob("*.py")]:
        text = path.read_text(encoding="utf-8")
        found = re.search(r"(pip3? install|uv add|uvx|segeval==)[^\n`&]*\bsegeval(?![-\w./])", text)
        assert found is None, path


def test_a_plain_installation_has_no_torch_and_no_simpleitk() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    names = {re.split(r"[<>=\[ ]", requirement)[0].lower() for requirement in project["dependencies"]}
    assert not names & {"torch", "simpleitk", "monai", "pyarrow", "xlsxwriter"}
    from segeval.errors import _EXTRA_OF

    assert set(_EXTRA_OF.values()) <= set(project["optional-dependencies"])


def test_every_page_of_the_docs_is_in_the_menu_of_the_site() -> None:
    menu = (ROOT / "mkdocs.yml").read_text()
    pages = {path.relative_to(ROOT / "docs").as_posix() for path in (ROOT / "docs").rglob("*.md")}
    assert set(re.findall(r"[\w/-]+\.md", menu)) == pages
