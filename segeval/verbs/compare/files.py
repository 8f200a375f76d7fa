"""A comparison as tables and as one JSON document."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

import segeval
from segeval.files.ours import RUN_FILE, WRITTEN, digests
from segeval.files.outputs import OutputFolder
from segeval.results import Table
from segeval.results.csv_tables import write_csv, write_json_atomically
from segeval.verbs.compare.many import RankedRuns
from segeval.verbs.compare.two import Comparison, Difference

_FACTS = ("n", "n_gained", "n_lost", "n_missed", "n_invented", "base", "new", "difference")


_IN_ROWS = (
    *("class", "measure", "better", *_FACTS, "ci_low", "ci_high", "p_wilcoxon", "p_method", "p_holm"),
    *("rank_biserial", "d_z", "p_better", "wins", "losses"),
)


def difference_table(found: Comparison) -> Table:
    """A row per measure and class; differences are above zero where the new run is better."""
    return Table.of_rows(_IN_ROWS, map(_row, found.differences))


def data_set_table(found: Comparison) -> Table:
    """A row per score of all cases together and class."""
    header = ["class", "measure", "better", "base", "new", "difference", "ci_low", "ci_high", "is_paired"]
    rows = [
        [
            *(one.class_name, one.measure, one.better, one.base, one.new, one.difference),
            *(one.interval.low, one.interval.high, one.is_paired),
        ]
        for one in found.of_data_set
    ]
    return Table.of_rows(header, rows)


def group_table(found: Comparison) -> Table:
    """The same row for every group of the cases."""
    rows = [[entry.by, entry.group, *_row(entry.difference), entry.is_worst] for entry in found.groups]
    return Table.of_rows(("by", "group", *_IN_ROWS, "is_worst"), rows)


def _row(one: Difference) -> list[Any]:
    facts = [getattr(one, name) for name in _FACTS]
    sizes = [one.effects.rank_biserial, one.effects.d_z, one.effects.p_better]
    tests = [one.interval.low, one.interval.high, one.p, one.p_method, one.p_holm]
    return [one.class_name, one.measure, one.better, *facts, *tests, *sizes, one.wins, one.losses]


def change_table(found: Comparison) -> Table:
    """The cases that changed most: regressions first, then improvements."""
    header = ["class", "measure", "kind", "case", "difference", "base", "new"]
    rows = [
        [one.class_name, one.measure, kind, change.case_id, change.difference, change.base, change.new]
        for one in found.differences
        for kind, changes in (("regression", one.regressions), ("improvement", one.improvements))
        for change in changes
    ]
    return Table.of_rows(header, rows)


def ranking_table(found: RankedRuns) -> Table:
    """A row per measure, class, way to rank, and run."""
    header = ["class", "measure", "method", "n", "run", "by", "rank", "share_first", "kendall_tau"]
    rows = [
        [one.class_name, one.measure, one.method, one.n, run, one.by[i], one.ranks[i], one.first[i], one.tau]
        for one in found.rankings
        for i, run in enumerate(found.runs)
    ]
    return Table.of_rows(header, rows)


def document(found: Comparison | RankedRuns) -> dict[str, Any]:
    """All of it, ready to be written as JSON."""
    return {
        "tool": "segeval",
        "kind": "compare" if isinstance(found, Comparison) else "ranking",
        "schema_version": 1,
        "segeval_version": segeval.__version__,
        **asdict(found),
    }


def write_comparison(found: Comparison | RankedRuns, out: Path) -> None:
    """Write the tables and `run.json` to a folder.

    Raises:
        ConfigError: the folder holds something else, or cannot be written.
    """
    with OutputFolder.open(out, kind="compare") as folder, folder.stage() as stage:
        if isinstance(found, Comparison):
            write_csv(stage / "differences.csv", difference_table(found))
            write_csv(stage / "changes.csv", change_table(found))
            if found.of_data_set:
                write_csv(stage / "data_set.csv", data_set_table(found))
            if found.groups:
                write_csv(stage / "groups.csv", group_table(found))
        else:
            write_csv(stage / "ranking.csv", ranking_table(found))
        write_json_atomically(stage / RUN_FILE, document(found) | {WRITTEN: digests(stage)})
