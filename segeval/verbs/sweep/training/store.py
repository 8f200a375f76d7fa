"""Trainings that are to be made, and where they are kept so that a broken-off sweep goes on where it stopped."""

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from segeval.errors import DataError
from segeval.files.outputs import OutputFolder
from segeval.files.paths import printable, safe_name, safe_path
from segeval.images.maps_out import write_map
from segeval.images.readers.readers import read_volume
from segeval.measure import MeasureCall
from segeval.results.csv_tables import write_json_atomically
from segeval.verbs.sweep.grid import Setting
from segeval.verbs.sweep.trained.schema import folder_name, setting_text
from segeval.verbs.sweep.training.cases import Fold, TrainingCase
from segeval.verbs.sweep.training.recipe import Recipe

MAPS = "maps"
RECORDED = {"key", "start", "n_parameters", "losses"}


@dataclass(frozen=True, kw_only=True)
class PlannedTraining:
    """One setting, fold and seed; `row` is where the setting stands in the table."""

    row: int
    setting: Setting
    call: MeasureCall
    fold: Fold
    seed: int

    def __str__(self) -> str:
        return f"{setting_text(self.setting)}, fold {self.fold.number}, seed {self.seed}"

    def key(self, recipe: Recipe, cases: Mapping[str, TrainingCase], *, device: str) -> str:
        """A hash of everything that the training depends on."""
        import torch

        facts = {
            "loss": self.call.measure.name,
            "knobs": self.call.all_knobs,
            "recipe": asdict(recipe),
            "seed": self.seed,
            "train": {case_id: cases[case_id].digest for case_id in self.fold.train},
            "predict": {case_id: cases[case_id].digest for case_id in self.fold.predict},
            "device": device.partition(":")[0],
            "torch": torch.__version__,
        }
        return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:16]


@dataclass(frozen=True, kw_only=True)
class Trained:
    """What a training left.

    Attributes:
        losses: the loss of every iteration; the last one is nan where training broke off there.
        start: hash of the first weights.
        maps: case -> probabilities, float32 (class, field, *plane).
    """

    losses: tuple[float, ...]
    start: str
    n_parameters: int
    maps: Mapping[str, np.ndarray]


@dataclass(frozen=True, kw_only=True)
class TrainingStore:
    """Finished trainings in a result folder; without a folder nothing is kept.

    Attributes:
        classes: names of the classes; each has a folder of its maps where there are several.
    """

    folder: OutputFolder | None
    classes: tuple[str, ...]
    cases: Mapping[str, TrainingCase]

    def drop_others(self, trainings: Sequence[PlannedTraining]) -> None:
        """Remove maps of cases that these settings no longer predict, so that all settings have the same cases.

        Raises:
            ConfigError: the way to one of them leads out of the folder by now.
        """
        if self.folder is None:
            return
        needed = {name for training in trainings for names in self._names(training).values() for name in names}
        folders = tuple(f"{folder}/" for training in trainings for folder in self._folders(training))
        for name in self.folder.claimed - needed:
            if name.startswith(folders):
                self.folder.drop(name)

    def has(self, training: PlannedTraining, key: str) -> bool:
        """Whether the same training on the same data was the last one of its name, and was finished."""
        if self.folder is None or not self._record(training).is_file() or self._read(training)["key"] != key:
            return False
        return all(self.folder.inside(name).is_file() for names in self._names(training).values() for name in names)

    def find(self, training: PlannedTraining, key: str) -> Trained | None:
        """The same training on the same data, if it was finished."""
        if self.folder is None or not self.has(training, key):
            return None
        record = self._read(training)
        maps = {
            case_id: [self.cases[case_id].as_fields(read_volume(self.folder.inside(name)).array) for name in names]
            for case_id, names in self._names(training).items()
        }
        return Trained(
            losses=tuple(record["losses"]),
            start=record["start"],
            n_parameters=record["n_parameters"],
            maps={case_id: np.stack(fields).astype(np.float32) for case_id, fields in maps.items()},
        )

    def keep(self, training: PlannedTraining, key: str, trained: Trained) -> None:
        """Write the maps where `--runs` and `--maps` can read them, and then the record that they are whole.

        Raises:
            ConfigError: the folder cannot be written.
        """
        if self.folder is None:
            return
        self._record(training).unlink(missing_ok=True)  # from here on the maps are no longer those it speaks of
        for case_id, names in self._names(training).items():
            case = self.cases[case_id]
            for name, fields in zip(names, trained.maps[case_id], strict=True):
                write_map(self.folder.claim(name), case.on_grid(fields), affine=case.truth.affine)
        record = {"training": str(training), "key": key, "start": trained.start, "n_parameters": trained.n_parameters}
        write_json_atomically(self._record(training), {**record, "losses": trained.losses}, indent=None)

    def _record(self, training: PlannedTraining) -> Path:
        name = safe_name(folder_name(training.setting, seed=training.seed, fold=training.fold.number))
        return (self.folder.kept() if self.folder is not None else Path()) / f"{name}.json"

    def _read(self, training: PlannedTraining) -> dict[str, Any]:
        path = self._record(training)
        try:
            record = json.loads(path.read_text(encoding="utf-8"))
            if {*record} >= RECORDED:
                losses = [math.nan if loss is None else float(loss) for loss in record["losses"]]
                return {**record, "losses": losses}
        except (OSError, ValueError, TypeError, RecursionError):
            pass
        raise DataError(f"{printable(path)}: this record of a training is damaged. Delete it, and it is trained again.")

    def _names(self, training: PlannedTraining) -> dict[str, list[str]]:
        """The file of each class's map as a path in the folder, for every case that is predicted."""
        suffixes = {
            case_id: ".npy" if self.cases[case_id].truth.affine is None else ".nii.gz"
            for case_id in training.fold.predict
        }
        folders = self._folders(training)
        return {
            case_id: [f"{folder}/{safe_path(case_id)}{suffix}" for folder in folders]
            for case_id, suffix in suffixes.items()
        }

    def _folders(self, training: PlannedTraining) -> list[str]:
        """The folder of each class's maps."""
        roots = [MAPS] if len(self.classes) == 1 else [f"{MAPS}/{safe_name(name)}" for name in self.classes]
        return [f"{parent}/{safe_name(folder_name(training.setting, seed=training.seed))}" for parent in roots]
