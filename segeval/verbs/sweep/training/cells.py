"""One training of a sweep, and where it is kept so that a broken-off sweep goes on where it stopped."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from segeval.files.outputs import prepare_output_folder
from segeval.files.writing import PRIVATE_PREFIX
from segeval.images.maps_out import write_map
from segeval.images.readers.readers import read_volume
from segeval.measure import MeasureCall
from segeval.results.csv_tables import write_json_atomically
from segeval.verbs.sweep.grid import Setting
from segeval.verbs.sweep.trained.words import folder_name, setting_text
from segeval.verbs.sweep.training.cases import TrainingCase
from segeval.verbs.sweep.training.recipe import Recipe
from segeval.verbs.sweep.training.splits import Fold

CELLS = f"{PRIVATE_PREFIX}cells"
MAPS = "maps"


@dataclass(frozen=True, kw_only=True)
class Cell:
    """One setting, fold and seed; `row` is where the setting stands in the table."""

    row: int
    setting: Setting
    call: MeasureCall
    fold: Fold
    seed: int

    def __str__(self) -> str:
        return f"{setting_text(self.setting)}, fold {self.fold.number}, seed {self.seed}"


@dataclass(frozen=True, kw_only=True)
class Trained:
    """What a training left: its losses, the hash of its first weights, and a map per class of every case it predicts.

    Attributes:
        maps: case -> probabilities, float32 (class, field, *plane).
    """

    losses: tuple[float, ...]
    start: str
    n_parameters: int
    maps: Mapping[str, np.ndarray]


@dataclass(frozen=True, kw_only=True)
class Kept:
    """Finished trainings in a result folder; without a folder nothing is kept.

    Attributes:
        classes: names of the classes; each has a folder of its maps where there are several.
    """

    folder: Path | None
    classes: tuple[str, ...]

    @classmethod
    def open(cls, folder: Path | None, classes: Sequence[str]) -> "Kept":
        """Create the folder, or take over that of an earlier sweep.

        Raises:
            ConfigError: it holds something else, or cannot be written.
        """
        if folder is not None:
            (prepare_output_folder(folder) / CELLS).mkdir(exist_ok=True)
        return cls(folder=folder, classes=tuple(classes))

    def has(self, cell: Cell, key: str, cases: Mapping[str, TrainingCase]) -> bool:
        """Whether the same training on the same data was the last one of its name, and was finished."""
        if self.folder is None or not self._record(cell).is_file() or self._read(cell)["key"] != key:
            return False
        return all(path.is_file() for one in cell.fold.predict for path in self._places(cell, cases[one]))

    def find(self, cell: Cell, key: str, cases: Mapping[str, TrainingCase]) -> Trained | None:
        """The same training on the same data, if it was finished."""
        if not self.has(cell, key, cases):
            return None
        record = self._read(cell)
        places = {one: self._places(cell, cases[one]) for one in cell.fold.predict}
        return Trained(
            losses=tuple(float("nan") if one is None else float(one) for one in record["losses"]),
            start=record["start"],
            n_parameters=record["n_parameters"],
            maps={one: _read_maps(paths, cases[one]) for one, paths in places.items()},
        )

    def keep(self, cell: Cell, key: str, trained: Trained, cases: Mapping[str, TrainingCase]) -> None:
        """Write the maps where `--runs` and `--maps` can read them, and then the record that they are whole.

        Raises:
            ConfigError: the folder cannot be written.
        """
        if self.folder is None:
            return
        self._record(cell).unlink(missing_ok=True)  # from here on the maps are no longer those it speaks of
        for case_id, maps in trained.maps.items():
            for path, fields in zip(self._places(cell, cases[case_id]), maps, strict=True):
                write_map(path, cases[case_id].on_grid(fields), affine=cases[case_id].truth.affine)
        record = {"training": str(cell), "key": key, "start": trained.start, "n_parameters": trained.n_parameters}
        write_json_atomically(self._record(cell), {**record, "losses": trained.losses}, indent=None)

    def drop_others(self, cells: Sequence[Cell], cases: Mapping[str, TrainingCase]) -> None:
        """Remove maps of cases that these settings no longer predict, so that all settings have the same cases."""
        if self.folder is None:
            return
        places = {path for cell in cells for one in cell.fold.predict for path in self._places(cell, cases[one])}
        for folder in {one for cell in cells for one in self._folders(cell)}:
            for path in [one for one in folder.rglob("*") if one.is_file() and one not in places]:
                path.unlink()

    def _record(self, cell: Cell) -> Path:
        name = folder_name(cell.setting, seed=cell.seed, fold=cell.fold.number)
        return (self.folder or Path()) / CELLS / f"{name}.json"

    def _read(self, cell: Cell) -> dict[str, Any]:
        record: dict[str, Any] = json.loads(self._record(cell).read_text(encoding="utf-8"))
        return record

    def _places(self, cell: Cell, case: TrainingCase) -> list[Path]:
        """The file of each class's map."""
        suffix = ".npy" if case.truth.affine is None else ".nii.gz"
        return [one / f"{case.case_id}{suffix}" for one in self._folders(cell)]

    def _folders(self, cell: Cell) -> list[Path]:
        """The folder of each class's maps."""
        root = (self.folder or Path()) / MAPS
        roots = [root] if len(self.classes) == 1 else [root / name for name in self.classes]
        return [one / folder_name(cell.setting, seed=cell.seed) for one in roots]


def key_of(cell: Cell, recipe: Recipe, cases: Mapping[str, TrainingCase], *, device: str) -> str:
    """A hash of everything that a training depends on."""
    import torch

    facts = {
        "loss": cell.call.measure.name,
        "knobs": cell.call.all_knobs,
        "recipe": asdict(recipe),
        "seed": cell.seed,
        "train": {one: cases[one].digest for one in cell.fold.train},
        "predict": {one: cases[one].digest for one in cell.fold.predict},
        "device": device.partition(":")[0],
        "torch": torch.__version__,
    }
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:16]


def _read_maps(paths: Sequence[Path], case: TrainingCase) -> np.ndarray:
    """The maps of a case in the order of its fields."""
    return np.stack([case.as_fields(read_volume(path).array) for path in paths]).astype(np.float32)
