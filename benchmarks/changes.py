"""Changes of one token, drawn at random from the code of a folder of the working directory."""

import ast
import random
import re
import warnings
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from cosmic_ray import plugins
from cosmic_ray.ast import Visitor, get_ast
from cosmic_ray.mutating import mutate_code

WITHOUT_TYPE_ERRORS = re.compile(  # `a << b` of floats fails wherever it is, which shows nothing of a test
    r"core/(?:ReplaceBinaryOperator_(?:(?:Add|Sub|Mul|Div|Pow)_(?:Add|Sub|Mul|Div|Pow)|(?:Mod|FloorDiv)_\w+"
    r"|(?:Bit\w+|.Shift)_(?:Bit\w+|.Shift))|ReplaceComparison\w+|ReplaceUnary\w+_(?:USub|UAdd|Not|Invert)|AddNot"
    r"|Replace(?:True|False|And|Or|Break|Continue)With\w+|NumberReplacer|RemoveDecorator|ZeroIterationForLoop)"
)
Span = tuple[tuple[int, int], tuple[int, int]]


@dataclass(frozen=True, order=True)
class Mutant:
    """One change: which operator of cosmic-ray is applied at which of the places it finds in a file of this folder."""

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


def drawn(folder: str, *, n: int, seed: int) -> list[Mutant]:
    """So many changes at places drawn at random, one of those that cosmic-ray has for each."""
    at: defaultdict[tuple[Path, Span], list[Mutant]] = defaultdict(list)
    for path in sorted(Path(folder).rglob("*.py")):
        for mutant in mutants_of(path):
            at[mutant.path, mutant.span].append(mutant)
    draw = random.Random(seed)
    mutants = [draw.choice(at[place]) for place in draw.sample(sorted(at), min(n, len(at)))]
    return [mutant for mutant in mutants if _is_python(mutant.source())]


def _is_python(source: str) -> bool:
    with warnings.catch_warnings(action="error"):  # an identity with a number is none
        try:
            compile(source, "", "exec")
        except SyntaxError:
            return False
    return True


def lines_of(mutant: Mutant, *, whole: bool) -> range:
    """The lines of the innermost statement that is changed, or of the `whole` function, class or file around it."""
    first, last, found = mutant.span[0][0], mutant.span[1][0], range(1 << 20)
    tree = ast.parse(mutant.path.read_text())
    for node in tree.body if whole else ast.walk(tree):
        if not isinstance(node, ast.stmt) or (whole and isinstance(node, ast.Assign | ast.AnnAssign)):
            continue
        start, stop = (
            min([node.lineno, *(line.lineno for line in getattr(node, "decorator_list", ()))]),
            node.end_lineno,
        )
        if not whole and (body := getattr(node, "body", None)):
            stop = max(node.lineno, body[0].lineno - 1)  # the head alone
        if stop is not None and start <= first and last <= stop:
            found = range(start, stop + 1)
    return found


@contextmanager
def written(mutant: Mutant) -> Iterator[None]:
    before = mutant.path.read_text()
    mutant.path.write_text(mutant.source())
    try:
        yield
    finally:
        mutant.path.write_text(before)


def told(mutant: Mutant) -> str:
    before, after = mutant.path.read_text().splitlines(), mutant.source().splitlines()
    changed = [(i, new) for i, (old, new) in enumerate(zip(before, after, strict=False), 1) if old != new]
    number, line = changed[0] if changed else (mutant.span[0][0], "(a line less)")
    place = f"{mutant.path}:{number}"
    return f"{place} {mutant.operator.removeprefix('core/')}\n    - {before[number - 1].strip()}\n    + {line.strip()}"
