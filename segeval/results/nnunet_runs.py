"""The `summary.json` of nnU-Net as a run: Dice and IoU by class key."""

from collections.abc import Mapping, Sequence
from os.path import commonpath
from pathlib import Path, PurePath
from typing import Any

import numpy as np

from segeval.errors import ConfigError
from segeval.files.paths import printable
from segeval.files.suffixes import stem
from segeval.results.run_schema import number_of
from segeval.results.stored_columns import StoredColumn, StoredRun

_MEASURES = {"Dice": "dice", "IoU": "iou"}


def run_of_nnunet(file: Path, document: Mapping[str, Any]) -> StoredRun:
    """The run that a summary describes; a class is known by its id only.

    Raises:
        ConfigError: an entry is no case with its files and metrics, or two entries are of one case.
    """
    entries = document["metric_per_case"]
    for number, entry in enumerate(entries, start=1):
        _check(entry, f"{printable(file)}: case {number} of metric_per_case")
    case_ids = _case_ids([PurePath(entry["prediction_file"] or entry["reference_file"]) for entry in entries])
    if len(set(case_ids)) != len(case_ids):
        twice = next(case for case in case_ids if case_ids.count(case) > 1)
        raise ConfigError(f"{printable(file)}: case {printable(twice)} stands twice. Keep one entry.")
    cases = {case: entry["metrics"] for case, entry in sorted(zip(case_ids, entries, strict=True), key=lambda e: e[0])}
    keys = sorted({key for metrics in cases.values() for key in metrics})
    return StoredRun(
        path=file,
        columns=tuple(_column(key, name, cases) for key in keys for name in _MEASURES),
        truth_sizes={
            (case, key): metrics[key]["n_ref"]
            for case, metrics in cases.items()
            for key in metrics
            if isinstance(metrics[key].get("n_ref"), int)
        },
        labels={key: (int(key),) for key in keys if key.isdecimal() and len(key) < 20},
    )


def _check(entry: Any, where: str) -> None:
    files = ("prediction_file", "reference_file")
    if not isinstance(entry, dict) or not any(isinstance(entry.get(name), str) and entry[name] for name in files):
        raise ConfigError(f"{where}: names no prediction_file. Evaluate again, or name another summary.")
    metrics = entry.get("metrics")
    if not isinstance(metrics, dict) or not all(isinstance(of_class, dict) for of_class in metrics.values()):
        raise ConfigError(f"{where}: holds no metrics by class. Evaluate again, or name another summary.")
    for key, of_class in metrics.items():
        for name in _MEASURES:
            value = of_class.get(name)
            if value is not None and (isinstance(value, bool) or not isinstance(value, int | float)):
                raise ConfigError(f"{where}: {name} of {printable(key)} is no number. Evaluate again.")
            if value is not None and not (value != value or 0 <= value <= 1):
                raise ConfigError(f"{where}: {name} of {printable(key)} is {value:g}, outside 0..1. Evaluate again.")
    for name in files:
        entry[name] = entry.get(name) or ""


def _case_ids(paths: Sequence[PurePath]) -> list[str]:
    """The file names without suffix; where two are alike, with the folders in which they differ."""
    stems = [stem(path) for path in paths]
    if len(set(stems)) == len(stems):
        return stems
    common = commonpath([path.parent.as_posix() or "." for path in paths])
    return [(path.parent.relative_to(common) / stem(path)).as_posix() for path in paths]


def _column(key: str, name: str, cases: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> StoredColumn:
    return StoredColumn(
        class_name=key,
        measure=_MEASURES[name],
        case_ids=tuple(cases),
        values=np.array([number_of(metrics.get(key, {}).get(name)) for metrics in cases.values()]),
        absent_in=frozenset(case for case, metrics in cases.items() if _is_absent(metrics.get(key, {}))),
    )


def _is_absent(metrics: Mapping[str, Any]) -> bool:
    return metrics.get("n_pred") == 0 and metrics.get("n_ref") == 0
