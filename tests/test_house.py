"""The plan of the house: imports point downwards, and start-up stays light."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "segeval"

# from the top down; a module may import from its own row only what its own folder holds, and from rows below
FLOORS = [
    {"__main__", "pytest_plugin"},
    {"cli"},
    {"verbs"},
    {"settings"},
    {"config"},
    {"choice"},
    {"options", "profiles"},
    {"catalogue"},
    {"metrics", "losses", "scoring", "images"},
    {"results"},
    {"statistics"},
    {"files"},
    {"evidence"},
    {"measure"},
    {"sample"},
    {"errors"},
]
FLOOR_OF = {name: floor for floor, names in enumerate(FLOORS) for name in names}
MODULES = sorted(PACKAGE.rglob("*.py"))


def room_of(path: Path) -> str:
    """The folder or module right below the package."""
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def rooms_imported(path: Path) -> set[str]:
    tree = ast.parse(path.read_text())
    names = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.module}
    names |= {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    from_package = {
        f"segeval.{alias.name}"
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module == "segeval"
        for alias in node.names
    }
    parts = [name.split(".") for name in names | from_package]
    return {part[1] for part in parts if part[0] == "segeval" and len(part) > 1} & set(FLOOR_OF)


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_no_import_points_upwards(path: Path) -> None:
    room = room_of(path)
    if room == "__init__":
        return  # the library on one screen reaches everywhere, lazily
    assert room in FLOOR_OF, f"{room} has no floor in this test yet"
    upwards = {other for other in rooms_imported(path) - {room} if FLOOR_OF[other] <= FLOOR_OF[room]}
    assert not upwards, f"{path.name} imports {upwards}, which is not below it"


def modules_after(code: str) -> set[str]:
    script = f"{code}\nimport sys\nprint('\\n'.join(sys.modules))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


HEAVY = {"torch", "pandas", "scipy", "SimpleITK", "pydantic", "PIL", "skimage", "matplotlib"}


@pytest.mark.parametrize(
    "code",
    [
        "import segeval",
        "from segeval.cli.app import run; run(['--help'])",
        "from segeval.cli.app import run; run(['score', '--help'])",
        "from segeval.cli.app import run; run(['sweep', '--help'])",
    ],
)
def test_start_up_imports_nothing_heavy(code: str) -> None:
    assert not HEAVY & modules_after(code)


def test_there_is_no_room_for_odds_and_ends() -> None:
    assert not [path for path in MODULES if path.stem in ("utils", "util", "helpers", "common", "misc")]
