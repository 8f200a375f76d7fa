"""The plan of the house: imports point downwards, and start-up stays light."""

import ast
import graphlib
import subprocess
import sys
from collections import Counter
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
    {"knobs"},
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


def imported_modules(path: Path) -> set[tuple[str, ...]]:
    """Every module of the package that a file imports, at its top or in a function, but not for type checkers alone."""
    tree = ast.parse(path.read_text())
    for_checkers = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"
        for inner in ast.walk(node)
    }
    known = {name_of(module) for module in MODULES}
    found: set[tuple[str, ...]] = set()
    for node in ast.walk(tree):
        if id(node) in for_checkers or not isinstance(node, ast.ImportFrom) or not node.module:
            continue
        base = tuple(node.module.split("."))
        if base[0] == "segeval":
            found |= {(*base, alias.name) if (*base, alias.name) in known else base for alias in node.names}
    return found


def name_of(path: Path) -> tuple[str, ...]:
    """The dotted name of a module, in parts; a folder is called like its `__init__`."""
    parts = ("segeval", *path.relative_to(PACKAGE).with_suffix("").parts)
    return parts[:-1] if parts[-1] == "__init__" else parts


def test_no_two_neighbours_import_one_another_at_any_depth() -> None:
    arrows: dict[tuple[str, ...], set[tuple[str, ...]]] = {}
    for path in MODULES:
        here = name_of(path)
        for there in imported_modules(path) if len(here) > 1 else ():
            depth = next((i for i, (a, b) in enumerate(zip(here, there, strict=False)) if a != b), None)
            if depth is not None:  # a folder and what lies in it are no neighbours
                arrows.setdefault(here[: depth + 1], set()).add(there[: depth + 1])
    graph = graphlib.TopologicalSorter(arrows)
    try:
        graph.prepare()
    except graphlib.CycleError as error:
        raise AssertionError(" -> ".join(".".join(name) for name in error.args[1])) from None


def test_a_folder_holds_at_most_twelve_modules() -> None:
    counts = Counter(path.parent for path in MODULES if path.name != "__init__.py")
    assert {str(folder.relative_to(PACKAGE)): n for folder, n in counts.items() if n > 12} == {}


def test_a_class_name_stands_for_one_thing() -> None:
    names = Counter(
        node.name for path in MODULES for node in ast.parse(path.read_text()).body if isinstance(node, ast.ClassDef)
    )
    assert [name for name, n in names.items() if n > 1] == []


def test_options_are_handed_on_by_name() -> None:
    assert [path.name for path in MODULES if "locals()" in path.read_text()] == []
