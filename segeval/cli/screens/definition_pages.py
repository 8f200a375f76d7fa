"""`segeval measures NAME --definitions`: what other tools mean by a measure, on screen and as JSON."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from segeval.cli.screens.measure_pages import absent_texts

if TYPE_CHECKING:
    from segeval.measure import Measure
    from segeval.verbs.definitions import ToolDefinition

_SIDES = {"both": "absent_both", "pred": "absent_pred", "truth": "absent_truth"}


def definition_facts(measure: "Measure") -> dict[str, Any]:
    """The knobs and the profiles of a measure, ready for JSON."""
    from segeval.verbs.definitions import knobs_of, tool_definitions

    found = tool_definitions(measure)
    return {
        "knobs": [
            {"name": definition.name, "default": definition.default, "chosen_by": dict(definition.chosen_by)}
            for definition in knobs_of(found)
        ],
        "profiles": [
            {
                "profile": definition.profile,
                "formula": definition.measure.formula,
                "parameters": dict(definition.measure.knobs),
                "absent": _absent(definition),
                "note": definition.note,
            }
            for definition in found
        ],
    }


def print_definitions(measure: "Measure", screen: Any) -> None:
    """A table of the knobs with the profiles that choose each value, and one of the profiles."""
    from segeval.verbs.definitions import tool_definitions

    found = tool_definitions(measure)
    screen.print(f"{measure.name} ({measure.symbol})", style="bold")
    screen.print(f"{measure.summary}\n")
    if measure.knobs:
        _print_knobs(found, screen)
    _print_profiles(found, screen)
    for definition in found:
        if definition.note:
            screen.print(f"{definition.profile}: {definition.note}", style="dim")
    if len(found) == 1:
        screen.print(f"No profile defines {measure.name}.", style="dim")
    else:
        screen.print(f"\nScore as another tool does: -m '{measure.name}[{found[1].profile}]'", style="dim")


def _print_knobs(found: Sequence["ToolDefinition"], screen: Any) -> None:
    from segeval.cli.screens.tables import add_row, plain_table
    from segeval.knobs import knob_text
    from segeval.verbs.definitions import knobs_of

    table = plain_table("knob", "value", "chosen by", left=(0, 1, 2))
    for knob in knobs_of(found):
        for i, (value, profiles) in enumerate(knob.chosen_by.items()):
            default = " (default)" if value == knob_text(knob.default) else ""
            add_row(table, "" if i else knob.name, value + default, ", ".join(profiles) or "–")
    screen.print(table)
    screen.print()


def _print_profiles(found: Sequence["ToolDefinition"], screen: Any) -> None:
    from segeval.cli.screens.tables import add_row, plain_table

    table = plain_table("profile", "differs from ours in", *_SIDES, left=range(5))
    for i in (0, 2, 3, 4):
        table.columns[i].no_wrap = True  # the settings wrap at their commas; a name that breaks cannot be copied
    for definition in found:
        add_row(table, definition.profile, _differences(definition, found[0].measure), *_absent(definition).values())
    screen.print(table)
    screen.print(f"\n{', '.join(_SIDES)}: the value of a class that is absent there\n", style="dim")


def _differences(definition: "ToolDefinition", ours: "Measure") -> str:
    from segeval.knobs import knob_text

    settings = [f"{name}={knob_text(value)}" for name, value in definition.differs_from(ours).items()]
    return ", ".join([definition.measure.formula] * (definition.measure.formula != ours.formula) + settings) or "–"


def _absent(definition: "ToolDefinition") -> dict[str, str]:
    """What comes out for a class that a side lacks; where the tool has no answer, our value is undefined."""
    said = absent_texts(definition.absent)
    return {side: "tool error" if status in definition.errors else said[side] for side, status in _SIDES.items()}
