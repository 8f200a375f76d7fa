"""A comparison on screen."""

import math
from typing import Any

from segeval.cli.screens.tables import print_line, print_parts
from segeval.results.number_text import short
from segeval.statistics.intervals import Interval
from segeval.verbs.compare import Comparison, Difference, RankedRuns

_STYLES = {"better": "green", "worse": "red", "not told apart": ""}  # colour only what is unlikely to be chance
_HEADER = ["class", "measure", "old", "new", "better by", "95 % interval", "p (Holm)", "better/worse", "n"]


def print_comparison(found: Comparison, screen: Any) -> None:
    """A row per class and measure, then the cases behind the largest changes."""
    _print_of_data_set(found, screen)
    if found.differences:
        rows = [_cells(difference) for difference in found.differences]
        styles = [_STYLES[difference.verdict] for difference in found.differences]
        print_parts(screen, _HEADER, rows, n_keys=2, styles=styles)
        _print_groups(found, screen)
        _print_changes(found, screen)
    for note in found.notes:
        screen.print()
        print_line(screen, f"note: {note}")


def _print_of_data_set(found: Comparison, screen: Any) -> None:
    """A row per class and score of all cases together."""
    if not found.of_data_set:
        return
    rows = [
        [
            one.class_name,
            one.measure,
            short(one.base),
            short(one.new),
            signed(one.difference),
            _interval_text(one.interval),
        ]
        for one in found.of_data_set
    ]
    header = ["class", "all cases together", "old", "new", "better by", "95 % interval"]
    print_parts(screen, header, rows, n_keys=2, styles=[_STYLES[one.verdict] for one in found.of_data_set])
    if found.differences:
        screen.print()


def _interval_text(interval: Interval) -> str:
    return "–" if math.isnan(interval.low) else f"{signed(interval.low)} .. {signed(interval.high)}"


def _cells(one: Difference) -> list[str]:
    gain = [signed(one.difference), _interval_text(one.interval)]
    values = [short(one.base), short(one.new), *gain, short(one.p_holm)]
    return [one.class_name, one.measure, *values, f"{one.wins}/{one.losses}", _pairs(one)]


def _pairs(one: Difference) -> str:
    """`8`, or `8, 4 missed` where misses or false alarms of the new run have no difference."""
    unpaired = {"missed": one.n_missed, "invented": one.n_invented}
    return ", ".join([str(one.n), *(f"{n} {what}" for what, n in unpaired.items() if n)])


def _print_groups(found: Comparison, screen: Any) -> None:
    """The first measure in each group of the cases, and which group gained least or lost most."""
    first = found.differences[0].measure
    for by in dict.fromkeys(entry.by for entry in found.groups):
        entries = [entry for entry in found.groups if (entry.by, entry.difference.measure) == (by, first)]
        rows = [[entry.group or "–", *_cells(entry.difference)] for entry in entries]
        screen.print()
        styles = [_STYLES[entry.difference.verdict] for entry in entries]
        print_parts(screen, [by, *_HEADER], rows, n_keys=3, styles=styles)
        worst = [f"{entry.difference.class_name}: {entry.group or '–'}" for entry in entries if entry.is_worst]
        if worst:
            screen.print()
            print_line(screen, f"least gained or most lost by {by}: {', '.join(worst)}")


def _print_changes(found: Comparison, screen: Any) -> None:
    first = found.differences[0].measure
    for kind in ("regressions", "improvements"):
        changes = sorted(
            ((change, one) for one in found.differences if one.measure == first for change in getattr(one, kind)),
            key=lambda pair: (-abs(pair[0].difference), pair[0].case_id),
        )[:5]
        if changes:
            rows = [
                [change.case_id, one.class_name, short(change.base), short(change.new), signed(change.difference)]
                for change, one in changes
            ]
            screen.print()
            print_parts(screen, [f"top {kind} in {first}", "class", "old", "new", "better by"], rows, n_keys=2)


def print_ranking(found: RankedRuns, screen: Any) -> None:
    """A row per class, measure and way to rank; a column per run with its rank and how often it stays first."""
    rows = [
        [
            one.class_name,
            one.measure,
            one.method.replace("_", " "),
            *(f"{rank:g} ({first:.0%})" for rank, first in zip(one.ranks, one.first, strict=True)),
            short(one.tau),
        ]
        for one in found.rankings
    ]
    print_parts(screen, ["class", "measure", "way", *found.runs, "tau"], rows, n_keys=3)
    screen.print(
        "\nRank of each run, and in how many of the resamples of the cases it is first; tau: Kendall's tau-b",
        style="dim",
    )
    screen.print("between this ranking and those of the resamples. The ways to rank need not agree.", style="dim")


def signed(value: float) -> str:
    """A difference with its sign; a dash where it is undefined."""
    return short(value) if math.isnan(value) or value <= 0 else f"+{short(value)}"
