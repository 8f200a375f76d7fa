"""`segeval measures`: the catalogue."""

import json
from typing import TYPE_CHECKING, Annotated, Any

import typer

from segeval.cli import options as o
from segeval.cli.screens import console
from segeval.cli.screens.definition_pages import definition_facts, print_definitions
from segeval.cli.screens.measure_pages import absent_text, absent_texts, overview_tables, range_text
from segeval.errors import ConfigError

if TYPE_CHECKING:
    from segeval.measure import Measure

Name = Annotated[
    str | None, typer.Argument(metavar="NAME", help="One measure, by name or alias, or a group such as overlap.")
]
Markdown = Annotated[bool, typer.Option("--markdown", help="Print Markdown tables.")]
Definitions = Annotated[
    bool, typer.Option("--definitions", help="Show what other tools mean by it: settings and absent values by profile.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def measures(
    name: Name = None,
    definitions: Definitions = False,
    markdown: Markdown = False,
    as_json: AsJson = False,
    no_color: o.NoColor = False,
) -> None:
    """List every measure, or explain one."""
    chosen = _chosen(name)
    if definitions and (markdown or not (name or as_json)):
        raise ConfigError("--definitions explains a measure: segeval measures NAME --definitions, also with --json.")
    if as_json:
        facts = _facts(chosen, definitions=definitions)
        console.put_json(json.dumps(facts, indent=1, ensure_ascii=False) + "\n")
    elif markdown:
        console.put(overview_tables(chosen))
    else:
        with console.screen(color=not no_color) as screen:
            if definitions:
                for measure in chosen:
                    print_definitions(measure, screen)
            elif len(chosen) == 1:
                _print_one(chosen[0], screen)
            else:
                _print_all(chosen, screen)


def _chosen(name: str | None) -> list["Measure"]:
    from segeval import catalogue
    from segeval.choice import measure_of

    if name in catalogue.GROUPS:
        return list(catalogue.measures_of(name))
    return [measure_of(name)] if name else list(catalogue.measures().values())


def _facts(chosen: list["Measure"], *, definitions: bool) -> list[dict[str, Any]]:
    from segeval.verbs.absent_values import absent_values

    absent = absent_values(chosen)
    return [
        _facts_of(measure)
        | {"absent": absent_texts(absent[measure.name])}
        | ({"definitions": definition_facts(measure)} if definitions else {})
        for measure in chosen
    ]


def _facts_of(measure: "Measure") -> dict[str, Any]:
    from segeval import catalogue

    return {
        "name": measure.name,
        "kind": measure.kind,
        "group": catalogue.group_of(measure.name),
        "summary": measure.summary,
        "symbol": measure.symbol,
        "formula": measure.formula,
        "bounds": [str(end) if end in (float("inf"), float("-inf")) else end for end in measure.bounds],
        "better": measure.better,
        "unit": measure.unit,
        "levels": list(measure.per),
        "needs": [piece.__name__ for piece in measure.evidence],
        "parameters": dict(measure.knobs),
        "aliases": list(measure.aliases),
        "reference": measure.reference,
    }


def _print_one(measure: "Measure", screen: Any) -> None:
    from rich.table import Table

    from segeval.verbs.absent_values import absent_values

    rows = {
        "formula": measure.formula,
        "range": range_text(measure),
        "better": measure.better,
        "per": " and ".join(measure.per),
        "needs": ", ".join(piece.__name__ for piece in measure.evidence),
        "absent from": absent_text(absent_values([measure])[measure.name]),
        "parameters": ", ".join(f"{name}={value}" for name, value in measure.knobs.items()) or "none",
        "aliases": ", ".join(measure.aliases) or "none",
        "reference": measure.reference or "none",
    }
    screen.print(f"{measure.name} ({measure.symbol})", style="bold")
    screen.print(measure.summary)
    screen.print()
    table = Table.grid(padding=(0, 2))
    for key, value in rows.items():
        table.add_row(key, value)
    screen.print(table)
    if measure.notes:
        screen.print("\n" + measure.notes)


def _print_all(chosen: list["Measure"], screen: Any) -> None:
    from segeval import catalogue
    from segeval.cli.screens.tables import add_row, plain_table

    for group in catalogue.GROUPS:
        of_group = [measure for measure in chosen if catalogue.group_of(measure.name) == group]
        if of_group:
            table = plain_table(group, "range", "better", "what it says", left=(0, 3))
            for measure in of_group:
                add_row(
                    table,
                    measure.name,
                    range_text(measure),
                    measure.better,
                    measure.summary,
                )
            screen.print(table)
            screen.print()
    screen.print("`segeval measures NAME` explains one.", style="dim")
