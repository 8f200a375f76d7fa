"""Read a run back: a run folder, its `scores.csv`, or the `summary.json` of nnU-Net."""

import csv
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from segeval.errors import ConfigError
from segeval.files.ours import RUN_FILE
from segeval.files.paths import printable, require_existing
from segeval.files.suffixes import stem
from segeval.results.csv_tables import text_of

CASE_LEVEL = "(all)"
_FIXED = 10  # columns of scores.csv before the measures
_UNSCORED = ("missing_pred", "missing_truth", "failed")


@dataclass(frozen=True, kw_only=True)
class StoredColumn:
    """A measure of a class over the cases, as it was written.

    Attributes:
        class_name: `(all)` for a measure that has one value per case.
        measure: the canonical column name.
        values: shape (case,), nan where undefined.
        pooled: nan where there is none, or the file does not say.
        absent_in: cases that have the class on neither side, as far as the file says.
    """

    class_name: str
    measure: str
    case_ids: tuple[str, ...]
    values: np.ndarray
    pooled: float = math.nan
    absent_in: frozenset[str] = frozenset()


@dataclass(frozen=True, kw_only=True)
class StoredRun:
    """What a file tells of a run; `definitions`, `labels` and `plan` are empty where it does not say.

    Attributes:
        ignored_ids: ids of the truth whose voxels count nowhere; None where the file does not say.
        prediction_kind: `labels`, `probs` or `logits`; empty where the file does not say.
        unscored: cases without a score, for want of a prediction or a truth, or because they failed.
        complete: whether the run came to its end.
    """

    path: Path
    columns: tuple[StoredColumn, ...]
    definitions: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    labels: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    plan: Mapping[str, Any] = field(default_factory=dict)
    inputs: Mapping[str, str | None] = field(default_factory=dict)
    ignored_ids: tuple[int, ...] | None = None
    prediction_kind: str = ""
    unscored: frozenset[str] = frozenset()
    complete: bool = True

    @property
    def case_ids(self) -> frozenset[str]:
        """Every case that has a row."""
        return frozenset(case for column in self.columns for case in column.case_ids)


def read_stored_run(path: Path) -> StoredRun:
    """Read a run from its folder, from `run.json` or `scores.csv`, or from nnU-Net's `summary.json`.

    Raises:
        ConfigError: nothing is there, or it is none of these.
    """
    require_existing(path, what="run")
    file = path / RUN_FILE if path.is_dir() else path
    if not file.is_file():
        raise ConfigError(f"{printable(path)}: this folder holds no {RUN_FILE}. Name the folder that a run wrote to.")
    try:
        text = file.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{printable(file)}: cannot be read ({error}).") from error
    return _from_csv(file, text) if file.suffix == ".csv" else _from_json(file, text)


def _from_json(file: Path, text: str) -> StoredRun:
    try:
        document = json.loads(text)
    except ValueError as error:
        raise ConfigError(f"{printable(file)}: no JSON ({error}). Score again, or name another run.") from error
    if isinstance(document, dict) and document.get("tool") == "segeval" and document.get("kind") == "score":
        return stored_run_of(document, path=file)
    if isinstance(document, dict) and isinstance(document.get("metric_per_case"), list):
        return _from_nnunet(file, document)
    raise ConfigError(
        f"{printable(file)}: neither the run.json of `segeval score` nor a summary.json of nnU-Net. "
        "Name a folder that `segeval score` wrote."
    )


def stored_run_of(document: Mapping[str, Any], *, path: Path) -> StoredRun:
    """The run that a `run.json` document describes."""
    tables = document["tables"]
    pooled = {(row[0], row[1]): _number(row[-1]) for row in tables["summary"]["rows"]}
    scores, cases = tables["scores"], tables["cases"]
    per_class = _columns(scores["columns"], scores["rows"], n_fixed=_FIXED, class_at=2)
    scored = [row for row in cases["rows"] if row[1] not in ("failed", "missing_truth")]
    per_case = _columns(cases["columns"], scored, n_fixed=5, class_at=None)
    return StoredRun(
        path=path,
        columns=tuple(_with_pooled(column, pooled) for column in (*per_class, *per_case)),
        definitions=document["definitions"],
        labels={one["class"]: tuple(one["ids"]) for one in document["labels"]},
        plan=document["plan"],
        inputs=document.get("inputs", {}),
        ignored_ids=tuple(document["ignored_ids"]) if "ignored_ids" in document else None,
        prediction_kind=(document.get("predictions") or {}).get("kind", ""),
        unscored=frozenset(row[0] for row in cases["rows"] if row[1] in _UNSCORED),
        complete=bool(document["complete"]),
    )


def _from_csv(file: Path, text: str) -> StoredRun:
    """A `scores.csv` alone: values without definitions, and nothing on cases that have no row."""
    rows = [[text_of(cell) for cell in row] for row in csv.reader(text.splitlines())]
    if not rows or rows[0][:4] != ["case", "label", "class", "status"]:
        raise ConfigError(f"{printable(file)}: no scores.csv of `segeval score`: its columns begin otherwise.")
    columns = _columns(rows[0], rows[1:], n_fixed=_FIXED, class_at=2)
    unscored = frozenset(row[0] for row in rows[1:] if row[3] in _UNSCORED)
    labels = {row[2]: tuple(int(one) for one in row[1].split("+")) for row in rows[1:]}
    return StoredRun(path=file, columns=tuple(columns), labels=labels, unscored=unscored)


def _from_nnunet(file: Path, document: Mapping[str, Any]) -> StoredRun:
    """Dice and IoU by class key; a class is known by its id only."""
    cases = {_nnunet_case(one): one["metrics"] for one in document["metric_per_case"]}
    keys = sorted({key for metrics in cases.values() for key in metrics})
    return StoredRun(
        path=file,
        columns=tuple(
            StoredColumn(
                class_name=key,
                measure=measure,
                case_ids=tuple(sorted(cases)),
                values=np.array([_number(cases[case].get(key, {}).get(name)) for case in sorted(cases)]),
                absent_in=frozenset(case for case, of in cases.items() if _is_absent(of.get(key, {}))),
            )
            for key in keys
            for name, measure in (("Dice", "dice"), ("IoU", "iou"))
        ),
        labels={key: (int(key),) for key in keys if key.isdigit()},
    )


def _is_absent(metrics: Mapping[str, Any]) -> bool:
    return metrics.get("n_pred") == 0 and metrics.get("n_ref") == 0


def _nnunet_case(one: Mapping[str, Any]) -> str:
    return stem(Path(one["prediction_file"] or one["reference_file"]))


def _columns(
    header: Sequence[str], rows: Sequence[Sequence[Any]], *, n_fixed: int, class_at: int | None
) -> list[StoredColumn]:
    """The measure columns of a table, split by class where it has classes."""
    of_class: dict[str, list[Sequence[Any]]] = {}
    for row in rows:
        of_class.setdefault(CASE_LEVEL if class_at is None else row[class_at], []).append(row)
    found = []
    for class_name, mine in of_class.items():
        for j, measure in enumerate(header[n_fixed:], start=n_fixed):
            values = np.array([_number(row[j]) for row in mine], dtype=np.float64)
            case_ids = tuple(row[0] for row in mine)
            absent_in = frozenset(row[0] for row in mine if class_at is not None and row[3] == "absent_both")
            found.append(
                StoredColumn(
                    class_name=class_name, measure=measure, case_ids=case_ids, values=values, absent_in=absent_in
                )
            )
    return found


def _with_pooled(column: StoredColumn, pooled: Mapping[tuple[str, str], float]) -> StoredColumn:
    return replace(column, pooled=pooled.get((column.class_name, column.measure), math.nan))


def _number(cell: Any) -> float:
    """A cell of a table: empty and null are undefined, `inf` is infinite."""
    return math.nan if cell in (None, "") else float(cell)
