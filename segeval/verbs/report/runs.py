"""Pages of several runs: two compared case by case, more of them ranked, and the tables and figures of a sweep."""

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from segeval.files.csv_rows import read_csv_rows
from segeval.results import Table
from segeval.verbs.compare import Comparison, RankedRuns, compare, rank
from segeval.verbs.compare.files import change_table, difference_table, ranking_table
from segeval.verbs.report.charts import Spec, difference_chart, trend_chart
from segeval.verbs.report.content import number_text
from segeval.verbs.report.page import rendered

MOST_ROWS = 500  # of a table of a sweep; all of them are in its file
_PICTURES = {".png": "image/png", ".svg": "image/svg+xml"}
_IN_DIFFERENCES = (
    "class",
    "measure",
    "n",
    "base",
    "new",
    "difference",
    "ci_low",
    "ci_high",
    "p_holm",
    "wins",
    "losses",
)


@dataclass(frozen=True, kw_only=True)
class Part:
    """A section of the page: charts by name with their captions, then a table, then pictures."""

    name: str
    table: Table | None = None
    caption: str = ""
    notes: tuple[str, ...] = ()
    charts: Mapping[str, tuple[str, Spec]] = field(default_factory=dict)
    pictures: Sequence[Mapping[str, str]] = ()


def runs_page(runs: Sequence[Path], *, title: str) -> str:
    """The page of two runs, the old one first, or of more of them in the order of time.

    Raises:
        ConfigError: a run cannot be read, or they may not be compared.
        UnfinishedError: a run was interrupted.
    """
    if len(runs) == 2:
        return _page(title, [f"{runs[1]} against {runs[0]}"], _compared(compare(runs[0], runs[1])))
    return _page(title, [f"{len(runs)} runs", *map(str, runs)], _ranked(rank(runs)))


def sweep_page(document: Mapping[str, Any], folder: Path, *, title: str) -> str:
    """The tables and figures of a sweep, as its folder lists them."""
    names = [name for name in document.get("written", {}) if Path(name).name == name and (folder / name).is_file()]
    parts = [_of_file(folder / name) for name in names if name.endswith(".csv")]
    pictures = [_picture(folder / name) for name in names if Path(name).suffix in _PICTURES]
    figures = [Part(name="Figures", pictures=pictures)] if pictures else []
    return _page(title, [f"sweep in {folder}"], [*figures, *parts])


def _compared(found: Comparison) -> list[Part]:
    measures = list(dict.fromkeys(row.measure for row in found.differences))
    charts = {
        f"difference-{i}": (f"{name}: better by", difference_chart(found, name)) for i, name in enumerate(measures)
    }
    said = "Means of the paired cases; differences are above zero where the new run is better, p after Holm"
    table, changes = difference_table(found), change_table(found)
    shown = Table(columns=_IN_DIFFERENCES, rows=table.rows)
    return [
        Part(name="Differences", table=shown, caption=said, notes=found.notes, charts=charts),
        Part(name="Cases that changed most", table=changes, caption="Below zero is worse"),
    ]


def _ranked(found: RankedRuns) -> list[Part]:
    measures = list(dict.fromkeys(row.measure for row in found.rankings))
    charts = {f"trend-{i}": (f"{name} of each run", trend_chart(found, name)) for i, name in enumerate(measures)}
    said = "Rank of each run by three ways to rank, and in which share of the resamples of the cases it is first"
    return [Part(name="Ranking", table=ranking_table(found), caption=said, charts=charts)]


def _of_file(path: Path) -> Part:
    rows = [row for _, row in read_csv_rows(path, what="sweep", columns=())]
    caption = (
        f"The first {MOST_ROWS} of {len(rows)} rows; all are in {path.name}" if len(rows) > MOST_ROWS else path.name
    )
    columns = tuple(rows[0]) if rows else ()
    return Part(name=path.stem, table=Table(columns=columns, rows=tuple(rows[:MOST_ROWS])), caption=caption)


def _picture(path: Path) -> dict[str, str]:
    source = f"data:{_PICTURES[path.suffix]};base64,{base64.b64encode(path.read_bytes()).decode()}"
    return {"caption": path.stem.replace("_", " "), "source": source}


def _page(title: str, facts: Sequence[str], parts: Sequence[Part]) -> str:
    charts = {name: spec for part in parts for name, (_, spec) in part.charts.items()}
    data = {"fields": [], "rows": [], "measures": [], "units": {}, "bounds": {}, "worst": [], "charts": charts}
    return rendered("runs.html", title=title, data=data, facts=facts, parts=[_shown(part) for part in parts])


def _shown(part: Part) -> dict[str, Any]:
    """A section as the template wants it: cells as text, numbers to the right."""
    table = part.table or Table(columns=(), rows=())
    cells = [[row.get(column) for column in table.columns] for row in table.rows]
    numeric = [bool(cells) and all(_is_number(row[i]) for row in cells) for i in range(len(table.columns))]
    return {
        "name": part.name,
        "caption": part.caption,
        "notes": part.notes,
        "charts": {name: caption for name, (caption, _) in part.charts.items()},
        "columns": [
            {"name": name, "is_number": is_number} for name, is_number in zip(table.columns, numeric, strict=True)
        ],
        "rows": [[_text(cell) for cell in row] for row in cells],
        "pictures": part.pictures,
    }


def _is_number(cell: Any) -> bool:
    try:
        float(cell or "nan")
    except (TypeError, ValueError):
        return False
    return True


def _text(cell: Any) -> str:
    return number_text(cell) if isinstance(cell, float) else "–" if cell in (None, "") else str(cell)
