"""Read a run back: a run folder, its `scores.csv`, or the `summary.json` of nnU-Net."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from segeval.errors import ConfigError, UnfinishedError
from segeval.files.csv_rows import read_csv_rows
from segeval.files.ours import RUN_FILE, WRITTEN, digest
from segeval.files.paths import printable, require_existing
from segeval.files.writing import JOURNAL
from segeval.results.csv_tables import text_of
from segeval.results.nnunet_runs import run_of_nnunet
from segeval.results.run_json import IN_ITS_FILE
from segeval.results.run_schema import checked_document, number_of
from segeval.results.stored_columns import (
    StoredColumn,
    StoredRun,
    columns_of_cases,
    columns_of_classes,
    with_pooled,
)
from segeval.results.table import Row
from segeval.results.tables import KEYS_OF_CASES, KEYS_OF_SCORES

__all__ = ["StoredColumn", "StoredRun", "read_stored_run", "stored_run_of"]

_UNSCORED = ("missing_pred", "missing_truth", "failed")
_CHANGED = "was changed after the run, or is of another one"
_WITHOUT_VALUES = ("missing_truth", "failed")


def read_stored_run(path: Path) -> StoredRun:
    """Read a run from its folder, from `run.json` or `scores.csv`, or from nnU-Net's `summary.json`.

    Raises:
        ConfigError: nothing is there, it is none of these, or it is damaged.
        UnfinishedError: the run was killed before it wrote its tables, or is at work.
    """
    file = file_of_run(path)
    if file.suffix == ".csv":
        return _from_csv(file)
    document = _read_json(file)
    if document.get("tool") == "segeval" and document.get("kind") == "score":
        checked = checked_document(document, where=printable(file))
        return stored_run_of(checked, path=file, doubts=_doubts(file, checked))
    refuse_shard(document, path)
    if isinstance(document.get("metric_per_case"), list):
        return run_of_nnunet(file, document)
    raise ConfigError(
        f"{printable(file)}: neither the run.json of `segeval score` nor a summary.json of nnU-Net. "
        "Name a folder that `segeval score` wrote."
    )


def file_of_run(path: Path) -> Path:
    """The `run.json` of a folder, or the file that was named.

    Raises:
        ConfigError: nothing is there.
        UnfinishedError: the run was killed before it wrote its tables, or is at work.
    """
    require_existing(path, what="run")
    file = path / RUN_FILE if path.is_dir() else path
    if file.is_file():
        return file
    if (path / JOURNAL).exists():
        raise UnfinishedError(
            f"{printable(path)}: a run was killed there, or is at work, and no table is written yet. Score again "
            "with --resume, which goes on from its finished cases."
        )
    raise ConfigError(f"{printable(path)}: this folder holds no {RUN_FILE}. Name the folder that a run wrote to.")


def _read_json(file: Path) -> dict[str, Any]:
    """The document of a file, an empty one where it is no object."""
    try:
        document = json.loads(file.read_text(encoding="utf-8-sig"))
    except RecursionError as error:
        raise ConfigError(
            f"{printable(file)}: nested too deeply for a run. Score again into another folder, or name another run."
        ) from error
    except (OSError, ValueError) as error:
        raise ConfigError(
            f"{printable(file)}: no JSON in UTF-8 ({str(error)[:80]}). Score again into another folder, or name "
            "another run."
        ) from error
    return document if isinstance(document, dict) else {}


def stored_run_of(document: Mapping[str, Any], *, path: Path, doubts: Sequence[str] = ()) -> StoredRun:
    """The run that a `run.json` document of this version describes.

    Args:
        doubts: why its tables may not be those of one whole run.
    """
    pooled = {(row["class"], row["measure"]): number_of(row["pooled"]) for row in document["summary"]}
    scores, cases = document["scores"], document["cases"]
    columns = (
        *columns_of_classes(scores, _measures(scores, KEYS_OF_SCORES)),
        *columns_of_cases(
            [row for row in cases if row["status"] not in _WITHOUT_VALUES], _measures(cases, KEYS_OF_CASES)
        ),
    )
    return StoredRun(
        path=path,
        columns=tuple(with_pooled(column, pooled) for column in columns),
        definitions=document["definitions"],
        labels={one["class"]: tuple(one["ids"]) for one in document["labels"]},
        plan=document["plan"],
        inputs=document.get("inputs", {}),
        ignored_ids=tuple(document["ignored_ids"]) if "ignored_ids" in document else None,
        prediction_kind=(document.get("predictions") or {}).get("kind", ""),
        truth_sizes={(row["case"], row["class"]): row["n_truth"] for row in scores},
        unscored=frozenset(row["case"] for row in cases if row["status"] in _UNSCORED),
        resamples=_resamples(document, path),
        complete=document["complete"] and not doubts,
        doubts=tuple(doubts) if document["complete"] else ("it was interrupted before all cases were scored", *doubts),
    )


def _resamples(document: Mapping[str, Any], path: Path) -> dict[tuple[str, str], np.ndarray]:
    try:
        return {
            (class_name, measure): np.array(text.split(), dtype=np.float64)
            for measure, of in document.get("resamples", {}).items()
            for class_name, text in of.items()
        }
    except ValueError as error:
        raise ConfigError(f"{printable(path)}: its resamples are no numbers. Score again.") from error


def _measures(rows: Sequence[Row], keys: Sequence[str]) -> list[str]:
    return [name for name in dict.fromkeys(name for row in rows[:1] for name in row) if name not in keys]


def _doubts(file: Path, document: Mapping[str, Any]) -> list[str]:
    """What speaks against the tables in a folder being those of one whole run."""
    doubts = _of_two_runs(file) if document["complete"] else []  # an interrupted one leaves its journal to go on from
    for name in document.get(WRITTEN, {}):
        is_table = Path(name).name == name and name.endswith(".csv") and (file.parent / name).is_file()
        if is_table and not _is_as_written(file, document, name):
            doubts.append(f"{printable(name)} {_CHANGED}")
    return doubts


def _is_as_written(file: Path, document: Mapping[str, Any], name: str) -> bool:
    return digest(file.parent / name) == document[WRITTEN][name]


def stored_lesions(file: Path, document: Mapping[str, Any]) -> tuple[list[Row], str]:
    """Class, side and outcome of each lesion, from `lesions.csv` beside a `run.json`, and what speaks against it.

    Older runs have the rows in `run.json` too, and need no other file.

    Raises:
        ConfigError: the file is no CSV.
    """
    name = f"{IN_ITS_FILE}.csv"
    if IN_ITS_FILE in document or name not in document.get(WRITTEN, {}):
        return list(document.get(IN_ITS_FILE, [])), ""
    table = file.parent / name
    if not table.is_file():
        return [], f"{name} is not beside {RUN_FILE}"
    if not _is_as_written(file, document, name):
        return [], f"{name} {_CHANGED}"
    columns = ("class", "side", "outcome")
    rows = read_csv_rows(table, what="run", columns=columns)
    return [{name: text_of(row[name]) for name in columns} for _, row in rows], ""


def refuse_shard(document: Mapping[str, Any], path: Path) -> None:
    """A shard has no values of its own: its means are not those of the run.

    Raises:
        ConfigError: the document is that of a shard.
    """
    if document.get("tool") == "segeval" and document.get("kind") == "shard":
        raise ConfigError(
            f"{printable(path)}: holds shard {document.get('shard')} of a run, whose numbers speak of all shards "
            "together. Join them with `segeval merge RUN... --out DIR`, and name that folder."
        )


def _of_two_runs(file: Path) -> list[str]:
    if not (file.parent / JOURNAL).exists():
        return []
    return ["another run into its folder is at work or was killed, so its tables may be of two runs"]


def _from_csv(file: Path) -> StoredRun:
    """A `scores.csv`: values without definitions; `cases.csv` beside it tells of cases that have no row.

    Raises:
        ConfigError: a row has another length, a case and class stand twice, or a cell is no number.
    """
    required = ("case", "label", "class", "status")
    rows = [
        (line, {name: text_of(cell) if name in KEYS_OF_SCORES else cell for name, cell in row.items()})
        for line, row in read_csv_rows(file, what="run", columns=required)
    ]
    if not rows:
        raise ConfigError(f"{printable(file)}: holds no row of scores. Score again, or name another run.")
    _refuse_repeated(file, rows)
    for line, row in rows:
        _check_numbers(f"{printable(file)}, line {line}", row)
    beside = file.with_name("cases.csv")
    has_cases = file.name == "scores.csv" and beside.is_file()
    cases = [row for _, row in read_csv_rows(beside, what="run", columns=("case", "status"))] if has_cases else []
    scores, two_runs = [row for _, row in rows], _of_two_runs(file)
    return StoredRun(
        path=file,
        columns=tuple(columns_of_classes(scores, _measures(scores, KEYS_OF_SCORES))),
        labels={row["class"]: tuple(map(int, row["label"].split("+"))) for row in scores},
        truth_sizes={(row["case"], row["class"]): int(row["n_truth"]) for row in scores if _is_count(row)},
        unscored=frozenset(text_of(row["case"]) for row in (*scores, *cases) if row["status"] in _UNSCORED),
        complete=not two_runs,
        doubts=(*two_runs, *(() if has_cases else ("a table of scores alone does not tell of cases that failed",))),
    )


def _is_count(row: Row) -> bool:
    return str(row.get("n_truth", "")).isdecimal()


def _refuse_repeated(file: Path, rows: Sequence[tuple[int, Row]]) -> None:
    first: dict[tuple[str, str], int] = {}
    for line, row in rows:
        line_before = first.setdefault((row["case"], row["class"]), line)
        if line_before != line:
            raise ConfigError(
                f"{printable(file)}, line {line}: case {printable(row['case'])} has class {printable(row['class'])} in "
                f"line {line_before} already. Keep one of them."
            )


def _check_numbers(where: str, row: Row) -> None:
    """Refuse a cell that is no number before it becomes one."""
    if not all(part.isdecimal() and len(part) < 20 for part in row["label"].split("+")):
        raise ConfigError(f"{where}: label {printable(row['label'][:40])!r} is no id. Score again.")
    for name, cell in row.items():
        if name in ("case", "label", "class", "status"):
            continue
        try:
            number_of(cell)
        except ValueError as error:
            decimal = " Write decimals with a point." if "," in cell else " Score again, or mend the cell."
            raise ConfigError(f"{where}: {printable(name)} {printable(cell[:40])!r} is no number.{decimal}") from error
