"""An answer in sentences, for a screen and for a thread, and as JSON."""

import math
from collections.abc import Iterator, Sequence
from typing import Any

import segeval
from segeval.files.paths import counted
from segeval.results.number_text import digits
from segeval.results.table import Table, markdown
from segeval.verbs.explain.against import Against, Parted
from segeval.verbs.explain.answer import CHANCE, Explained, Explanation, name_of
from segeval.verbs.explain.given.numbers import few_of

_N_RESIDUAL = 8


def verdict(found: Explained | Against) -> str:
    """The answer in one sentence."""
    return _difference(found) if isinstance(found, Against) else _definition(found)


def sentences(found: Explained | Against) -> Iterator[str]:
    """What is to be said below the verdict, each a point of a list."""
    return _on_difference(found) if isinstance(found, Against) else _on_definition(found)


def _definition(found: Explained) -> str:
    n = len(found.column.numbers)
    what = f"{found.column.name} ({counted(n, 'number')})" if found.column.name else counted(n, "number")
    if not found.explanations:
        return f"{what}: nothing matches, of {found.n_tried} definitions that were tried."
    first = found.explanations[0]
    if found.is_too_coarse:
        return (
            f"{what}: too few digits to decide. {_shown(first)} gives {len(first.numbers)} of them, and by chance "
            f"{digits(first.by_chance, 2)} definitions as simple would. Give more digits, or more cases."
        )
    said = f"{what}: {len(first.numbers)} of {n} are {_shown(first)}"
    return f"{said}." if len(first.numbers) == n else f"{said}; {_match_nothing(len(found.residual))}."


def _on_definition(found: Explained) -> Iterator[str]:
    for explanation in found.explanations:
        yield f"{_shown(explanation)}: {counted(len(explanation.numbers), 'number')}, {_where(found, explanation)}"
        for word in explanation.setting.words:
            yield f"  differs from the default: {word}"
        if explanation.name:
            yield f'  to get these numbers: -m "{explanation.name}"{_beside(explanation)}'
        if explanation.alike:
            yield f"  these numbers do not tell it from: {'; '.join(explanation.alike)}"
    for telling in found.telling:
        here, there = (digits(value, 6) for value in telling.values)
        given = found.number(telling.number)
        yield f"{given.place} ({given.text}) tells {telling.names[0]} ({here}) from {telling.names[1]} ({there})"
    if found.residual and found.explanations:
        shown = found.residual[:_N_RESIDUAL]
        rest = [f"{found.number(i).place}: given {found.number(i).text}, this {digits(value, 6)}" for i, value in shown]
        more = f"; {len(found.residual) - len(shown)} more" if len(found.residual) > len(shown) else ""
        yield f"match nothing: {'; '.join(rest)}{more}"
    for near in () if found.explanations else found.nearest:
        off = f"off by {digits(near.off, 3)} at a typical number"
        yield f"nearest: {near.name}: {off}, equal at {near.n_equal} of {len(found.column.numbers)}"
    yield from (f"note: {note}" for note in found.notes)


def _difference(found: Against) -> str:
    what = found.sides[0].column.name or "the numbers"
    if not found.n_differing:
        return f"{what}: all {found.n_shared} numbers that both files have are equal, as far as their digits go."
    i, j, off = found.largest
    one, other = found.sides[0].number(i), found.sides[1].number(j)
    at_most = f", by at most {digits(off, 3)}" if math.isfinite(off) else ""
    return (
        f"{what}: {found.n_differing} of the {found.n_shared} numbers that both files have differ{at_most} "
        f"({one.place}: {one.text} and {other.text})."
    )


def _on_difference(found: Against) -> Iterator[str]:
    for name, side in zip(found.names, found.sides, strict=True):
        yield f"{name}: {_definition(side)}"
    for part in found.parted:
        places = few_of([found.sides[0].number(i).place for i, _ in part.at])
        yield f"{len(part.at)} of them {'differs' if len(part.at) == 1 else 'differ'} {_why(found, part)}: {places}"
        for name, words in zip(found.names, zip(*part.ways, strict=True), strict=False):
            yield f"  {name}: {'; '.join(words)}"


def _why(found: Against, part: Parted) -> str:
    lacking = [name for name, one in zip(found.names, part.explanations, strict=True) if one is None]
    if lacking and not part.ways:
        return f"and nothing explains the number of {' nor that of '.join(lacking)}"
    if not part.ways:
        return "though the definition is the same"
    told = [one.name or _shown(one) if one else "not explained" for one in part.explanations]
    return "since " + " and ".join(f"{name} is {what}" for name, what in zip(found.names, told, strict=True))


def _shown(explanation: Explanation) -> str:
    return name_of(explanation.setting)


def _beside(explanation: Explanation) -> str:
    """What no name of a measure holds."""
    setting = explanation.setting
    others = [*filter(None, (setting.view.words, setting.reading.words))]
    if setting.absent and "[" not in explanation.name:
        others.append("another rule for empty masks")
    if setting.scale:
        others.append({"percent": "times 100", "complement": "1 minus it"}[setting.scale])
    return f", with {', and '.join(others)}" if others else ""


def _where(found: Explained, explanation: Explanation) -> str:
    """`all but case_07`, or the cases."""
    places = [found.number(i).place for i in explanation.numbers]
    if len(places) == len(found.column.numbers):
        return "all of them"
    rest = [found.number(i).place for i in range(len(found.column.numbers)) if i not in set(explanation.numbers)]
    return f"all but {few_of(rest)}" if len(rest) <= 4 else few_of(places)


def _match_nothing(n: int) -> str:
    return f"{counted(n, 'number')} {'matches' if n == 1 else 'match'} nothing"


def markdown_page(answers: Sequence[Explained | Against]) -> str:
    """The answers for pasting into a thread."""
    parts = []
    for found in answers:
        explanations = () if isinstance(found, Against) else found.explanations
        table = Table.of_rows(
            ["definition", "numbers", "by chance"],
            [[name_of(one.setting), len(one.numbers), digits(one.by_chance, 2)] for one in explanations],
        )
        points = [f"- {text}" if not text.startswith("  ") else f"  - {text.strip()}" for text in sentences(found)]
        parts.append("\n".join([f"**{verdict(found)}**", "", *([markdown(table)] if table.rows else []), *points, ""]))
    return "\n".join(parts)


def document(answers: Sequence[Explained | Against]) -> dict[str, Any]:
    """The answers, ready to be written as JSON."""
    return {
        "tool": "segeval",
        "kind": "explain",
        "schema_version": 1,
        "segeval_version": segeval.__version__,
        "columns": [_column(found) for found in answers if isinstance(found, Explained)],
        "comparisons": [_comparison(found) for found in answers if isinstance(found, Against)],
    }


def _column(found: Explained) -> dict[str, Any]:
    number = found.number
    return {
        "column": found.column.name,
        "measure": found.column.measure,
        "verdict": verdict(found),
        "n_numbers": len(found.column.numbers),
        "n_tried": found.n_tried,
        "share_explained": found.share,
        "too_few_digits": found.is_too_coarse,
        "explanations": [
            {
                "definition": name_of(one.setting),
                "measure": one.name or None,
                "differs_by": list(one.setting.words),
                "n_numbers": len(one.numbers),
                "n_equal": int(one.equal.sum()),
                "by_chance": one.by_chance,
                "is_credible": one.by_chance <= CHANCE,
                "alike": list(one.alike),
                "numbers": [{"case": number(i).case, "class": number(i).class_name} for i in one.numbers],
            }
            for one in found.explanations
        ],
        "unexplained": [
            {
                "case": number(i).case,
                "class": number(i).class_name,
                "given": number(i).value,
                "expected": None if math.isnan(value) else value,
            }
            for i, value in found.residual
        ],
        "told_apart_by": [
            {
                "case": number(one.number).case,
                "class": number(one.number).class_name,
                "definitions": list(one.names),
                "values": list(one.values),
            }
            for one in found.telling
        ],
        "nearest": [{"definition": one.name, "off_by": one.off, "n_equal": one.n_equal} for one in found.nearest],
        "notes": list(found.notes),
    }


def _comparison(found: Against) -> dict[str, Any]:
    return {
        "files": list(found.names),
        "verdict": verdict(found),
        "n_shared": found.n_shared,
        "n_differing": found.n_differing,
        "columns": [_column(side) for side in found.sides],
        "reasons": [
            {
                "definitions": [None if one is None else name_of(one.setting) for one in part.explanations],
                "differ_by": [dict(zip(("first", "second"), way, strict=True)) for way in part.ways],
                "numbers": [
                    {
                        "case": found.sides[0].number(i).case,
                        "class": found.sides[0].number(i).class_name,
                        "first": found.sides[0].number(i).value,
                        "second": found.sides[1].number(j).value,
                    }
                    for i, j in part.at
                ],
            }
            for part in found.parted
        ],
    }
