"""What a page says of a run: rows and numbers as they were written, chosen and put in order."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Row = Mapping[str, Any]

# first on the page where the run has them; then whatever else it was asked for
HEADLINE = ("dice", "iou", "sensitivity", "precision", "hd95", "nsd", "assd", "lesion_f1", "auc_roc", "ece")
MOST_MEASURES = 12
IN_TABLES = 8  # of these, so many columns have room in a table
MOST_CELLS = 400_000  # of the case table in the page; more are left to scores.csv
MISSED, INVENTED = "absent_pred", "absent_truth"
_BAD_STATUS = {"missing_pred": 0, MISSED: 1, INVENTED: 2}


@dataclass(frozen=True, kw_only=True)
class RunContent:
    """One run, ready to be shown.

    Attributes:
        document: the whole of `run.json`.
        measures: the columns that the page shows, the first one deciding which cases are worst.
        case_measures: the same of whole cases, over all classes together.
        groups: of the first measure, by columns of a case table.
        curves: points of FROC, ROC, precision over recall and calibration, of all cases together.
        scores: one row per case and class, as in `scores.csv`; only the first cases where there are too many.
        n_left_out: rows of `scores.csv` that the page does not hold.
    """

    document: Mapping[str, Any]
    measures: tuple[str, ...]
    case_measures: tuple[str, ...]
    classes: tuple[str, ...]
    scores: Sequence[Row]
    cases: Sequence[Row]
    summary: Sequence[Row]
    confusion: Sequence[Row] = ()
    lesions: Sequence[Row] = ()
    groups: Sequence[Row] = ()
    curves: Sequence[Row] = ()
    n_left_out: int = 0

    @property
    def definitions(self) -> Mapping[str, Mapping[str, Any]]:
        """What each column is."""
        found: Mapping[str, Mapping[str, Any]] = self.document["definitions"]
        return found

    @property
    def group_columns(self) -> tuple[str, ...]:
        """The columns of the case table that the groups come from."""
        return tuple(dict.fromkeys(str(row["by"]) for row in self.groups))

    def unit_of(self, measure: str) -> str:
        """`mm`, `px`, `ml` or nothing."""
        return str(self.definitions[measure].get("unit") or "")

    def summary_of(self, class_name: str, measure: str) -> Row:
        """The statistics of a measure of a class; empty where the run has none."""
        rows = (row for row in self.summary if row["class"] == class_name and row["measure"] == measure)
        return next(rows, {})

    def counted(self, class_name: str, status: str) -> int:
        """How many cases have a class on one side only, or on neither."""
        return sum(row["class"] == class_name and row["status"] == status for row in self.scores)

    def worst(self, class_name: str, n: int) -> list[Row]:
        """The cases to open first: those that miss or invent the class, then by the first measure."""
        if not self.measures:
            return []
        rows = [row for row in self.scores if row["class"] == class_name and row["status"] != "absent_both"]
        return self._by_badness(rows, self.measures[0])[:n]

    def worst_cases(self, n: int) -> list[Row]:
        """The cases to open first by the first measure of whole cases."""
        return self._by_badness(self.cases, self.case_measures[0])[:n] if self.case_measures else []

    def _by_badness(self, rows: Sequence[Row], measure: str) -> list[Row]:
        better = self.definitions[measure]["better"]
        return sorted(rows, key=lambda row: _badness(row, measure, better))


def content_of(document: Mapping[str, Any], *, table: Callable[[str], list[dict[str, Any]]]) -> RunContent:
    """Choose what a page shows of a run.

    Args:
        document: of `run.json`.
        table: gives the rows of a table of the document by its name.
    """
    scores: Sequence[Row] = table("scores")
    measures, cases = _measures(document, scores), table("cases")
    classes = tuple(dict.fromkeys(entry["class"] for entry in document["labels"]))
    most = MOST_CELLS // max(1, len(measures) + 3)
    return RunContent(
        document=document,
        measures=measures,
        case_measures=_measures(document, cases),
        classes=classes,
        scores=scores[:most],
        cases=cases,
        summary=table("summary"),
        confusion=table("confusion"),
        lesions=table("lesions"),
        curves=table("curves"),
        groups=[row for row in table("groups") if row["measure"] == measures[0]] if measures else [],
        n_left_out=max(0, len(scores) - most),
    )


def _measures(document: Mapping[str, Any], rows: Sequence[Row]) -> tuple[str, ...]:
    """Headline measures first, then the others in the order of the run; none that has no value at all."""
    columns = [name for name in document["definitions"] if rows and name in rows[0]]
    headline = [name for wanted in HEADLINE for name in columns if name.partition("(")[0] == wanted]
    asked = [*headline, *(name for name in columns if name not in headline)]
    known = [name for name in asked if any(row[name] is not None for row in rows)]
    return tuple(known[:MOST_MEASURES])


def _badness(row: Row, measure: str, better: str) -> tuple[int, float, str]:
    value = as_number(row[measure])
    sign = {"higher": 1.0, "lower": -1.0}.get(better, 0.0)
    key = sign * value if sign else -abs(value)
    return _BAD_STATUS.get(row["status"], 3), math.inf if math.isnan(key) else key, str(row["case"])


def as_number(value: Any) -> float:
    """A cell as a number: nothing is undefined, `inf` is infinite."""
    return math.nan if value is None else float(value)


def number_text(value: Any) -> str:
    """A number as a person reads it; a dash where there is none."""
    number = as_number(value)
    if math.isnan(number):
        return "–"
    if math.isinf(number):
        return "∞" if number > 0 else "−∞"
    text = f"{number:.3f}" if abs(number) < 1000 else f"{number:,.0f}"
    return text.replace("-", "−")


def signed_text(value: Any) -> str:
    """A difference with its sign."""
    text = number_text(value)
    return f"+{text}" if as_number(value) > 0 else text


def settings_of(document: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    """Options that somebody set: name, value and where."""
    for name, source in document.get("plan_from", {}).items():
        yield name.replace("_", " "), _plain(document["plan"].get(name)), str(source)


def command_of(document: Mapping[str, Any]) -> str:
    """The command line that repeats a run, as far as its record goes."""
    import shlex

    words = ["segeval", "score", *(str(side) for side in document.get("inputs", {}).values() if side)]
    for name in document.get("plan_from", {}):
        value, flag = document["plan"].get(name), f"--{name.replace('_', '-')}"
        if value is True:
            words.append(flag)
        elif isinstance(value, list | tuple):
            words += [word for item in value for word in (flag, str(item))]
        elif value not in (None, False):
            words += [flag, str(value) if not isinstance(value, Mapping) else _plain(value)]
    return shlex.join(words)


def _plain(value: Any) -> str:
    if isinstance(value, Mapping):
        return ",".join(f"{key}={_plain(item)}" for key, item in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(map(_plain, value))
    return str(value)
