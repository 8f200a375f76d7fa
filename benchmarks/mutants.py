"""Do the tests of a room notice when one token of it changes? `python benchmarks/mutants.py ROOM [--n 100] [--seed 0]`.

Not a part of the suite, since it takes minutes: draws so many places of the room's code where cosmic-ray can change an
operator, a comparison, a number, a condition, a loop or a decorator, makes one change after the other in a copy of the
project, and runs the tests of that room that reach the changed statement, the quickest first, until one fails.
A change within a function is made in place in a process split off from one that has collected the tests, which costs no
import; what runs as its module is imported (a default, a declaration, a table) is imported anew, and all tests of the
room are tried, those that reach the same function first. A result that is kept is reached by the first test alone: so
the figure is a lower bound. Types, messages and guards such as `strict=True` are left as they are: a change of those is
no change of what is computed. What survives, or did not end, is printed; `results/mutants.md` says why it may.

Needs `cosmic-ray` and `coverage` beside the development tools:
`uv run --group dev --with cosmic-ray --with coverage python benchmarks/mutants.py metrics`.
"""

import argparse
import gc
import json
import os
import resource
import shutil
import signal
import sys
import tempfile
from collections.abc import Callable, Iterator
from importlib import import_module
from inspect import CO_OPTIMIZED
from pathlib import Path
from time import perf_counter
from types import CodeType, FunctionType

import pytest
from changes import Mutant, drawn, lines_of, told, written
from coverage import Coverage, CoverageData

PROJECT = Path(__file__).parents[1]
MEMORY_BYTES = 12 << 30  # a change that asks for more is noticed, and takes nothing from others on the machine
# The reference pages hold what a declaration says. Evidence is what measures read, and much of it is compared with
# brute force or worked values where it shows: in numbers of metrics, a challenge or losses; so these are tried there.
# What passes here may still break a law: tests/test_laws.py is for the few that are left.
ROOMS = {
    "metrics": ("metrics", "test_readme.py"),
    "evidence": (
        "evidence",
        *(
            f"metrics/{path.name}"
            for path in sorted((PROJECT / "tests/metrics").glob("test_*.py"))
            if "laws" not in path.name
        ),
        "profiles/test_challenges.py",
        "verbs/test_mixed_ids.py",
        "losses/test_golden.py",
        "losses/test_closed_forms.py",
    ),
    "losses": ("losses", "test_readme.py"),
    "statistics": ("statistics",),
    "gate": ("verbs/gate", "cli/test_gate.py"),
}


def folder_of(room: str) -> str:
    """Where the code of a room is."""
    return "segeval/verbs/gate" if room == "gate" else f"segeval/{room}"


class Room:
    """A session of pytest that has collected the tests of a room, and splits off a process for each change it tries."""

    def __init__(self, mutants: list[Mutant]) -> None:
        self.mutants = mutants

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """In place of one run: one that notes which test reaches which line, and one for each change of a body."""
        for path in {mutant.path for mutant in self.mutants}:
            import_module(_module(path))
        folders = sorted({f"{mutant.path.parent}/*" for mutant in self.mutants})
        first = self.mutants[0].path
        alike = _changed_bodies(first, first.read_text()) or {}  # the way of a change, without one
        if _apart(lambda: _swapped(alike) and _notes_reached(session, folders)) != "passed":
            raise RuntimeError(f"{Path('failed.txt').read_text()} fails without any change")
        reached, seconds = CoverageData(".coverage"), json.loads(Path("seconds.json").read_text())
        reached.read()
        verdicts: list[str | list[str]] = []  # or the tests in the order in which to try them, for one to import anew
        for mutant in self.mutants:
            lines = reached.contexts_by_lineno(str(mutant.path.absolute()))
            bodies = _changed_bodies(mutant.path, mutant.source())
            tests = {test for line in lines_of(mutant, whole=bodies is None) for test in lines.get(line, ())}
            order = sorted(session.items, key=lambda item: (item.nodeid not in tests, seconds[item.nodeid]))
            if bodies is None or tests <= {""}:
                verdicts.append([item.nodeid for item in order])
                continue
            items = order[: len(tests - {""})]
            limit_s = 60 + 10 * sum(seconds[item.nodeid] for item in items)
            with written(mutant):
                verdicts.append(_apart(lambda: _swapped(bodies) and _passed(session, items), limit_s))  # noqa: B023
            tell(mutant, str(verdicts[-1]))
        Path("verdicts.json").write_text(json.dumps(verdicts))
        return True


def _notes_reached(session: pytest.Session, folders: list[str]) -> bool:
    coverage, seconds = Coverage(data_file=".coverage", include=folders, config_file=False), {}
    coverage.start()
    for item in session.items:
        coverage.switch_context(item.nodeid)
        start = perf_counter()
        if not _passed(session, [item]):
            Path("failed.txt").write_text(item.nodeid)
            return False
        seconds[item.nodeid] = perf_counter() - start
    coverage.stop()
    coverage.save()
    Path("seconds.json").write_text(json.dumps(seconds))
    return True


def _passed(session: pytest.Session, items: list[pytest.Item]) -> bool:
    for item, following in zip(items, [*items[1:], None], strict=True):
        item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
        if session.testsfailed:
            return False
    return True


class InOrder:
    """Tries the tests in this order."""

    def __init__(self, ids: list[str]) -> None:
        self.place = {test: i for i, test in enumerate(ids)}

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Those that are likeliest to fail first."""
        items.sort(key=lambda item: self.place.get(item.nodeid, -1))


def _pytest(room: str, plugin: object) -> bool:
    tests = [f"tests/{test}" for test in ROOMS[room]]
    return not pytest.main(
        ["-x", "-s", "--full", "-p", "no:cacheprovider", "-p", "no:terminal", *tests], plugins=[plugin]
    )


def _module(path: Path) -> str:
    return ".".join(path.with_suffix("").parts).removesuffix(".__init__")


def _changed_bodies(path: Path, source: str) -> dict[CodeType, CodeType] | None:
    """What to put in place of which function's body, None where the change shows as the file is imported."""
    compiled = sys.modules[_module(path)].__spec__.loader.source_to_code  # with the checks of shapes, as imported
    before, after = (compiled(text.encode(), str(path.absolute())) for text in (path.read_text(), source))
    old, new = list(_functions(before)), list(_functions(after))
    names = [[(code.co_qualname, code.co_freevars) for code in codes] for codes in (old, new)]
    alike = names[0] == names[1] and _at_import(before) == _at_import(after)
    return dict(zip(old, new, strict=True)) if alike else None


def _functions(code: CodeType) -> Iterator[CodeType]:
    for inner in code.co_consts:
        if isinstance(inner, CodeType):
            if inner.co_flags & CO_OPTIMIZED:
                yield inner
            yield from _functions(inner)


def _at_import(code: CodeType) -> tuple[object, ...]:
    """What runs as a module is imported: it, and its classes, without the bodies of functions."""
    inner = [const for const in code.co_consts if isinstance(const, CodeType)]
    classes = [_at_import(const) for const in inner if not const.co_flags & CO_OPTIMIZED]
    others = [repr(const) for const in code.co_consts if not isinstance(const, CodeType)]
    return code.co_code, code.co_names, classes, others


def _swapped(bodies: dict[CodeType, CodeType]) -> bool:
    files = {code.co_filename for code in bodies}
    for function in gc.get_objects():
        if type(function) is FunctionType and function.__code__.co_filename in files:
            function.__code__ = bodies.get(function.__code__, function.__code__)
    return True


def _apart(task: Callable[[], bool], limit_s: float = 0.0, *, quiet: bool = True) -> str:
    """Whether a task `passed`, `failed` or `did not end`, done in a process split off from this one."""
    child = os.fork()
    if not child:
        os.setsid()
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        if quiet:
            resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, 1)
            os.dup2(nowhere, 2)
        passed = False
        try:
            passed = task()
        finally:
            os._exit(not passed)
    signal.signal(signal.SIGALRM, _too_long)
    signal.setitimer(signal.ITIMER_REAL, limit_s)
    try:
        return "failed" if os.waitpid(child, 0)[1] else "passed"
    except TimeoutError:
        os.killpg(child, signal.SIGKILL)
        os.waitpid(child, 0)
        return "did not end"
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


def _too_long(*_: object) -> None:
    raise TimeoutError


def main() -> None:
    """Make the changes, and print those that no test notices."""
    parser = argparse.ArgumentParser(description="Do the tests of a room notice when one token of it changes?")
    parser.add_argument("room", choices=ROOMS)
    parser.add_argument("--n", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder).resolve() / "project"
        left_out = shutil.ignore_patterns(".git", ".venv*", "__pycache__", ".*_cache", ".hypothesis")
        shutil.copytree(PROJECT, copy, ignore=left_out)
        os.chdir(copy)
        os.environ |= {"OMP_NUM_THREADS": "1"}
        sys.path.insert(0, str(copy))
        sys.dont_write_bytecode = True  # two changes of one second and one size would be taken for each other
        mutants = drawn(folder_of(asked.room), n=asked.n, seed=asked.seed)
        for heavy in ("torch", "scipy.ndimage", "scipy.spatial", "scipy.stats"):
            import_module(heavy)  # once, before the processes that run tests are split off
        _apart(lambda: _pytest(asked.room, Room(mutants)), quiet=False)
        verdicts = json.loads(Path("verdicts.json").read_text())
        for i, mutant in enumerate(mutants):
            if isinstance(order := verdicts[i], list):
                with written(mutant):
                    verdicts[i] = _apart(lambda: _pytest(asked.room, InOrder(order)), 3600)
                tell(mutant, verdicts[i])
    noticed, endless = verdicts.count("failed"), verdicts.count("did not end")
    print(f"{asked.room}: {noticed} of {len(mutants)} noticed, {endless} did not end, seed {asked.seed}")


def tell(mutant: Mutant, verdict: str) -> None:
    """Print a change that no test noticed."""
    if verdict == "failed":
        print(".", end="", file=sys.stderr, flush=True)
    else:
        print(f"{verdict}: {told(mutant)}", flush=True)


if __name__ == "__main__":
    main()
