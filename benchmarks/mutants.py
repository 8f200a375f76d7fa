"""Do the tests of a room notice when one token of it changes? `python benchmarks/mutants.py ROOM [--n 100] [--seed 0]`.

Not a part of the suite, since it takes minutes: draws so many places of the room's code where cosmic-ray can change an
operator, a comparison, a number, a condition, a loop or a decorator, makes one change after the other in a copy of the
project, and runs the tests of that room that reach the changed line, until the first that fails. A line that runs as
its module is imported is reached by all of them, one whose result is kept by the first alone: so the figure is a lower
bound. Types, messages and guards such as
`strict=True` are left as they are: a change of those is no change of what is computed. What survives is printed;
`results/mutants.md` says why it may.

Needs `cosmic-ray` and `pytest-cov` beside the development tools:
`uv run --group dev --with cosmic-ray --with pytest-cov python benchmarks/mutants.py metrics`.
"""

import argparse
import ast
import os
import random
import re
import shutil
import signal
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

import pytest
from cosmic_ray import plugins
from cosmic_ray.ast import Visitor, get_ast
from cosmic_ray.mutating import mutate_code
from coverage import CoverageData

PROJECT = Path(__file__).parents[1]
# the reference pages hold what a declaration says, and the laws what is true of every measure; candidates, topology and
# mixed-up ids are evidence, and are tried where they show
ROOMS = {
    "metrics": ("metrics", "test_readme.py", "test_laws.py"),
    "evidence": (
        "evidence",
        "metrics/test_detection.py",
        "metrics/test_topology.py",
        "verbs/test_mixed_ids.py",
        "test_laws.py",
    ),
    "losses": ("losses", "test_readme.py"),
    "statistics": ("statistics",),
    "gate": ("verbs/gate", "cli/test_gate.py"),
}
WITHOUT_TYPE_ERRORS = re.compile(  # `a << b` of floats fails wherever it is, which shows nothing of a test
    r"core/(?:ReplaceBinaryOperator_(?:(?:Add|Sub|Mul|Div|Pow)_(?:Add|Sub|Mul|Div|Pow)|(?:Mod|FloorDiv)_\w+"
    r"|(?:Bit\w+|.Shift)_(?:Bit\w+|.Shift))|ReplaceComparison\w+|ReplaceUnary\w+_(?:USub|UAdd|Not|Invert)|AddNot"
    r"|Replace(?:True|False|And|Or|Break|Continue)With\w+|NumberReplacer|RemoveDecorator|ZeroIterationForLoop)"
)
Span = tuple[tuple[int, int], tuple[int, int]]


@dataclass(frozen=True, order=True)
class Mutant:
    """One change: which operator of cosmic-ray is applied at which of the places it finds in a file."""

    path: Path
    span: Span
    operator: str
    occurrence: int

    def source(self) -> str:
        """The file after the change."""
        changed = mutate_code(self.path.read_text(), plugins.get_operator(self.operator)(), self.occurrence)
        assert changed is not None
        return str(changed)


class _Finder(Visitor):
    """Notes every place where an operator applies, in the order in which cosmic-ray counts them."""

    def __init__(self) -> None:
        names = filter(WITHOUT_TYPE_ERRORS.fullmatch, plugins.operator_names())
        self.operators = {name: plugins.get_operator(name)() for name in names}
        self.spans: dict[str, list[Span]] = {name: [] for name in self.operators}

    def visit(self, node: object) -> object:
        for name, operator in self.operators.items():
            self.spans[name].extend(operator.mutation_positions(node))
        return node


def mutants_of(path: Path) -> Iterator[Mutant]:
    """All changes of a file that change what it computes."""
    source, finder = path.read_text(), _Finder()
    spared = list(_types_and_messages(ast.parse(source)))
    finder.walk(get_ast(source))
    for name, spans in finder.spans.items():
        for occurrence, span in enumerate(spans):
            if not any(start <= span[0] and span[1] <= stop for start, stop in spared):
                yield Mutant(path=path, span=span, operator=name, occurrence=occurrence)


def _types_and_messages(tree: ast.AST) -> Iterator[Span]:
    for node in ast.walk(tree):
        match node:
            case ast.arg(annotation=ast.expr() as told) | ast.AnnAssign(annotation=told):
                yield _span(told)
            case ast.FunctionDef(returns=ast.expr() as told):
                yield _span(told)
            case ast.keyword(arg="strict" | "frozen" | "kw_only", value=told):
                yield _span(told)  # guards against a mistake in the code, where there is none nothing changes
            case ast.arguments(kwonlyargs=[first, *_]):
                yield (first.lineno, 0), (first.lineno, first.col_offset)  # the star before them
            case ast.Raise() | ast.JoinedStr() | ast.Import() | ast.ImportFrom():
                yield _span(node)
            case ast.If(test=ast.Name(id="TYPE_CHECKING")):
                yield _span(node)
            case ast.Assign(value=ast.Subscript(value=ast.Name(id="Literal")) | ast.BinOp(op=ast.BitOr())):
                yield _span(node)


def _span(node: ast.stmt | ast.expr) -> Span:
    assert node.end_lineno is not None
    assert node.end_col_offset is not None
    return (node.lineno, node.col_offset), (node.end_lineno, node.end_col_offset)


def folder_of(room: str) -> str:
    """Where the code of a room is."""
    return "segeval/verbs/gate" if room == "gate" else f"segeval/{room}"


def drawn(room: str, *, n: int, seed: int) -> list[Mutant]:
    """So many changes at places drawn at random, one of those that cosmic-ray has for each."""
    at: defaultdict[tuple[Path, Span], list[Mutant]] = defaultdict(list)
    for path in sorted((PROJECT / folder_of(room)).rglob("*.py")):
        for mutant in mutants_of(path):
            at[mutant.path, mutant.span].append(mutant)
    draw = random.Random(seed)
    mutants = [draw.choice(at[place]) for place in draw.sample(sorted(at), min(n, len(at)))]
    return [mutant for mutant in mutants if _is_python(mutant.source())]


def _is_python(source: str) -> bool:
    try:
        ast.parse(source)
    except SyntaxError:
        return False
    return True


class Room:
    """The tests of a room in a copy of the project, and which of them reach which line of it."""

    def __init__(self, name: str, copy: Path) -> None:
        os.environ |= {"OMP_NUM_THREADS": "1"}
        for heavy in ("torch", "scipy.ndimage", "scipy.spatial", "scipy.stats"):
            import_module(heavy)  # once, before the processes that run tests are split off
        self.copy, self.all = copy, [f"tests/{test}" for test in ROOMS[name]]
        contexts = [f"--cov={folder_of(name)}", "--cov-context=test", "--cov-report="]
        assert self._pass(self.all, *contexts), f"the tests of {name} fail without any change"
        self.reached = CoverageData(str(copy / ".coverage"))
        self.reached.read()

    def notices(self, mutant: Mutant) -> bool:
        """Whether a test that reaches the change fails under it, or hangs."""
        file = self.copy / mutant.path.relative_to(PROJECT)
        before = file.read_text()
        lines = self.reached.contexts_by_lineno(str(file))
        reaching = {
            context.rpartition("|")[0]
            for line in range(mutant.span[0][0], mutant.span[1][0] + 1)
            for context in lines.get(line, ())
        }
        file.write_text(mutant.source())
        try:
            return not self._pass(self.all if reaching <= {""} else sorted(reaching - {""}))
        finally:
            file.write_text(before)

    def _pass(self, tests: list[str], *options: str) -> bool:
        (self.copy / "tests.txt").write_text("\n".join(tests))
        child = os.fork()
        if not child:
            os.chdir(self.copy)
            sys.path.insert(0, str(self.copy))
            with Path(os.devnull).open("w") as nowhere:
                os.dup2(nowhere.fileno(), 1)
                os.dup2(nowhere.fileno(), 2)
            os._exit(pytest.main(["-x", "-q", "-p", "no:cacheprovider", *options, "@tests.txt"]))
        signal.alarm(1800)
        try:
            return os.waitpid(child, 0)[1] == 0
        except TimeoutError:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
            return False
        finally:
            signal.alarm(0)


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
        copy = Path(folder) / "project"
        left_out = shutil.ignore_patterns(".git", ".venv*", "__pycache__", ".*_cache", ".hypothesis")
        shutil.copytree(PROJECT, copy, ignore=left_out)
        mutants = drawn(asked.room, n=asked.n, seed=asked.seed)
        signal.signal(signal.SIGALRM, _too_long)
        room, n_survived = Room(asked.room, copy), 0
        for mutant in mutants:
            if not room.notices(mutant):
                n_survived += 1
                print(_told(mutant), flush=True)
            print(".", end="", file=sys.stderr, flush=True)
    killed = len(mutants) - n_survived
    print(f"{asked.room}: {killed} of {len(mutants)} noticed ({killed / len(mutants):.1%}), seed {asked.seed}")


def _told(mutant: Mutant) -> str:
    before, after = mutant.path.read_text().splitlines(), mutant.source().splitlines()
    changed = [(i, new) for i, (old, new) in enumerate(zip(before, after, strict=False), 1) if old != new]
    number, line = changed[0] if changed else (mutant.span[0][0], "(a line less)")
    place = f"{mutant.path.relative_to(PROJECT)}:{number}"
    return f"{place} {mutant.operator.removeprefix('core/')}\n    - {before[number - 1].strip()}\n    + {line.strip()}"


if __name__ == "__main__":
    main()
