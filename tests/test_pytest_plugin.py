"""The fixture for tests of models."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import segeval

ROOT = Path(__file__).parent.parent
GATE = """
schema_version: 1
rules:
  - {{id: floor, measure: dice, class: organ, stat: mean, min: {least}}}
"""
TESTS = """
def test_good(assert_segmentation):
    assert_segmentation("run", gate="low.yaml")

def test_bad(assert_segmentation):
    assert_segmentation("run", gate="high.yaml")
"""


def test_a_run_that_keeps_its_rules_passes_and_another_fails_with_the_rule(tmp_path: Path) -> None:
    sample = ROOT / "sample_data"
    sides = (str(sample / "pred"), str(sample / "gt"))
    segeval.score(*sides, labels=str(sample / "labels.yaml"), measures=["dice"], out=str(tmp_path / "run"))
    for name, least in (("low", 0.5), ("high", 0.99)):
        (tmp_path / f"{name}.yaml").write_text(GATE.format(least=least))
    (tmp_path / "test_model.py").write_text(TESTS)
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-q", "test_model.py"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, env={**os.environ})
    assert "1 failed, 1 passed" in done.stdout, done.stdout + done.stderr
    assert "run does not pass high.yaml" in done.stdout
    assert "floor" in done.stdout


@pytest.mark.parametrize(("words", "expected"), [("segeval sc", "score"), ("segeval score --und", "--undefined")])
def test_a_shell_completes_commands_and_options(words: str, expected: str, tmp_path: Path) -> None:
    asked = {"_SEGEVAL_COMPLETE": "complete_bash", "COMP_WORDS": words, "COMP_CWORD": str(words.count(" "))}
    done = subprocess.run(
        [sys.executable, "-m", "segeval"],
        env={**os.environ, **asked, "PYTHONPATH": str(ROOT)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.split() == [expected], done.stderr
