"""What the README shows is what the program prints."""

import shlex

from tests.cli.given import ROOT, Run

README = (ROOT / "README.md").read_text()


def block(kind: str) -> str:
    """The first code block of a kind."""
    return README.partition(f"```{kind}\n")[2].partition("```")[0]


def test_the_first_command_prints_the_table_below_it(run: Run) -> None:
    command = shlex.split(block("bash").partition("uv run segeval ")[2])
    arguments = [str(ROOT / one) if one.startswith("sample_data/") else one for one in command]
    done = run(*arguments)
    assert done.code == 0
    assert done.out == block("text")
