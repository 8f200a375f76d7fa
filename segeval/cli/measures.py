"""`segeval measures`: the catalogue."""

import json
from typing import TYPE_CHECKING, Annotated, Any

import typer

from segeval.cli import console

if TYPE_CHECKING:
    from segeval.measure import Measure

Name = Annotated[str | None, typer.Argument(metavar="NAME", help="One measure, by name or alias.")]
Markdown = Annotated[bool, typer.Option("--markdown", help="Print a Markdown table.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def measures(name: Name = None, markdown: Markdown = False, as_json: AsJson = False) -> None:
    """List every measure, or explain one."""
    from segeval import catalogue

    chosen = [catalogue.find(name)] if name else list(catalogue.measures().values())
    if as_json:
        print(json.dumps([_facts(one) for one in chosen], indent=1, ensure_ascii=False))
    elif markdown:
        print(markdown_table(chosen), end="")
    elif name:
        _print_one(chosen[0])
    else:
        _print_all(chosen)


def markdown_table(chosen: list["Measure"]) -> str:
    """The catalogue as the table of the README."""
    lines = ["| measure | formula | range, better | per |", "| --- | --- | --- | --- |"]
    for one in chosen:
        name = f"`{one.name}`" + (f" ({', '.join(one.aliases)})" if one.aliases else "")
        formula = one.formula.replace("|", "\\|")
        lines.append(f"| {name}<br>{one.summary} | {formula} | {_range(one)}, {one.better} | {', '.join(one.levels)} |")
    return "\n".join(lines) + "\n"


def _range(one: "Measure") -> str:
    low, high = one.bounds
    return f"{low:g}..{high:g}" + (f" {one.unit}" if one.unit else "")


def _facts(one: "Measure") -> dict[str, Any]:
    from segeval import catalogue

    return {
        "name": one.name,
        "kind": one.kind,
        "group": catalogue.group_of(one.name),
        "summary": one.summary,
        "symbol": one.symbol,
        "formula": one.formula,
        "bounds": [str(end) if end in (float("inf"), float("-inf")) else end for end in one.bounds],
        "better": one.better,
        "unit": one.unit,
        "levels": list(one.levels),
        "needs": [need.__name__ for need in one.needs],
        "absent": {"both": one.absent.both, "pred": one.absent.pred, "truth": one.absent.truth},
        "parameters": dict(one.knobs),
        "aliases": list(one.aliases),
        "reference": one.reference,
    }


def _print_one(one: "Measure") -> None:
    say = console.stdout().print
    say(f"[bold]{one.name}[/bold] ({one.symbol}): {one.summary}")
    rows = {
        "formula": one.formula,
        "range": _range(one),
        "better": one.better,
        "per": " and ".join(one.levels),
        "needs": ", ".join(need.__name__ for need in one.needs),
        "absent class": _absent(one),
        "parameters": ", ".join(f"{name}={value}" for name, value in one.knobs.items()) or "none",
        "aliases": ", ".join(one.aliases) or "none",
        "reference": one.reference or "none",
    }
    for key, value in rows.items():
        say(f"  {key:<13} {value}", markup=False)
    if one.notes:
        say("\n" + one.notes, markup=False)


def _absent(one: "Measure") -> str:
    declared = {"both": one.absent.both, "pred": one.absent.pred, "truth": one.absent.truth}
    said = [f"absent from {side}: {value:g}" for side, value in declared.items() if value is not None]
    return "; ".join(said) or "the formula decides (0/0 is undefined, x/0 infinite)"


def _print_all(chosen: list["Measure"]) -> None:
    from segeval import catalogue
    from segeval.cli.run_tables import plain_table

    for group in catalogue.GROUPS:
        table = plain_table(group, "range", "better", "what it says", left=(0, 3))
        for one in chosen:
            if catalogue.group_of(one.name) == group:
                table.add_row(one.name, _range(one), one.better, one.summary)
        console.stdout().print(table)
