"""An installation without torch scores, and says how to get torch where it is needed.

Each test starts Python with torch out of sight, so that it says the same in an environment that has torch and in one
that has not.
"""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SAMPLE = [str(ROOT / "sample_data" / side) for side in ("pred", "gt")]

HIDDEN = """
import sys
from importlib.abc import MetaPathFinder

class Hidden(MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("torch", "SimpleITK", "monai"):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Hidden())
import segeval.evidence.device as device
device.has_torch = lambda: False
"""


def python(code: str, cwd: Path) -> "subprocess.CompletedProcess[str]":
    """Run code where torch cannot be imported."""
    command = [sys.executable, "-c", HIDDEN + code]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=120, env={"PYTHONPATH": str(ROOT)})


def command(*arguments: str, cwd: Path) -> "subprocess.CompletedProcess[str]":
    """Run a command line where torch cannot be imported."""
    return python(f"from segeval.cli.app import run; sys.exit(run({list(arguments)!r}))", cwd)


def test_scoring_needs_no_torch(tmp_path: Path) -> None:
    done = command("score", *SAMPLE, "-m", "dice,hd95,boundary_loss,lesion_f1", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "(numpy on cpu)" in done.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ("score", *SAMPLE, "--engine", "torch"),
        ("score", *SAMPLE, "--device", "cuda"),
        ("sweep", "tversky", "--train"),
    ],
)
def test_a_command_that_needs_torch_says_how_to_get_it(arguments: tuple[str, ...], tmp_path: Path) -> None:
    done = command(*arguments, cwd=tmp_path)
    assert done.returncode == 2, done.stderr
    assert "torch is not installed" in done.stderr
    assert "pip install 'segeval-masks[torch]'" in done.stderr
    assert "bug" not in done.stderr
    assert "Traceback" not in done.stderr


def test_a_loss_to_train_with_says_how_to_get_torch(tmp_path: Path) -> None:
    code = """
import segeval
assert segeval.losses.tversky_loss.name == "tversky_loss"
try:
    segeval.losses.TverskyLoss
except segeval.ConfigError as error:
    print(error)
"""
    done = python(code, tmp_path)
    assert done.stdout == ("torch is not installed, and this needs it: pip install 'segeval-masks[torch]'.\n"), (
        done.stderr
    )
