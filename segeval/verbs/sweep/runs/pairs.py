"""Which prediction of which run belongs to which case, checked so that every setting is judged on the same cases."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from segeval.errors import DataError
from segeval.files.paths import printable
from segeval.images.pairing.pairs import Pair
from segeval.options import SweepOptions
from segeval.verbs.notes import named
from segeval.verbs.score import pairs_of
from segeval.verbs.sweep.grid import Setting
from segeval.verbs.sweep.runs.folders import Run
from segeval.verbs.sweep.trained.words import setting_text

FilesOfSeed = dict[str, Pair]  # case -> its files


@dataclass(frozen=True, kw_only=True)
class FilesOfSetting:
    """The predictions of one setting: seed -> case -> files."""

    setting: Setting
    of_seed: dict[str, FilesOfSeed]


@dataclass(frozen=True, kw_only=True)
class PredOfRun:
    """The files of one prediction: which row and seed of the table it belongs to."""

    row: int
    seed: str
    files: Pair

    @property
    def truth(self) -> Path:
        """The true mask; only predictions that have one are kept."""
        if self.files.truth is None:
            raise ValueError(f"{self.files.case_id} has no truth")
        return self.files.truth


@dataclass(frozen=True, kw_only=True)
class RunFiles:
    """All predictions of all settings, over the same cases."""

    settings: tuple[FilesOfSetting, ...]
    case_ids: tuple[str, ...]
    notes: tuple[str, ...] = ()

    def pairs_of(self, case_id: str) -> Iterator[PredOfRun]:
        """Every prediction of one case."""
        for row, one in enumerate(self.settings):
            for seed, files in one.of_seed.items():
                yield PredOfRun(row=row, seed=seed, files=files[case_id])


def find_run_files(runs: Sequence[Run], truth: Path, options: SweepOptions) -> RunFiles:
    """Pair the predictions of every run with the truth, the folds of a setting joined.

    Raises:
        ConfigError: a path is not there.
        DataError: a setting has no predictions, a case twice, or lacks cases and `allow_missing` is off.
    """
    settings: dict[str, FilesOfSetting] = {}
    expected: set[str] = set()
    notes: dict[str, None] = {}
    for run in runs:
        files = _files_of(run, settings)
        pairs = [one for one in _pairs(run, truth, options, notes) if one.truth is not None]
        expected.update(one.case_id for one in pairs)
        for pair in pairs:
            _add(files, pair, run)
    found = tuple(settings.values())
    return RunFiles(settings=found, case_ids=_common(found, sorted(expected), options), notes=tuple(notes))


def _files_of(run: Run, settings: dict[str, FilesOfSetting]) -> FilesOfSeed:
    """What the setting and seed of a run have so far."""
    name = setting_text(run.setting)
    of_setting = settings.setdefault(name, FilesOfSetting(setting=run.setting, of_seed={}))
    return of_setting.of_seed.setdefault(run.seed, {})


def _pairs(run: Run, truth: Path, options: SweepOptions, notes: dict[str, None]) -> Sequence[Pair]:
    try:
        pairs = pairs_of(run.folder, truth, options)
    except DataError as error:
        raise DataError(f"{run.where}: no predictions for {setting_text(run.setting)}. {error}") from error
    notes.update(dict.fromkeys(pairs.notes))
    if pairs.missing_truths:
        note = f"{printable(run.folder)}: predictions without a truth, {named(pairs.missing_truths)}"
        notes[note] = None
    return pairs.pairs


def _add(files: FilesOfSeed, pair: Pair, run: Run) -> None:
    if pair.pred is None:
        return
    if pair.case_id in files:
        raise DataError(
            f"{printable(pair.pred)}: case '{printable(pair.case_id)}' of {setting_text(run.setting)} has a prediction "
            f"already, {printable(files[pair.case_id].pred or '')}. Folds share no case; name a seed per training."
        )
    files[pair.case_id] = pair


def _common(settings: Sequence[FilesOfSetting], expected: Sequence[str], options: SweepOptions) -> tuple[str, ...]:
    """The cases that every setting and seed has."""
    missing = {
        setting_text(one.setting) + (f", seed {seed}" if seed else ""): [id for id in expected if id not in files]
        for one in settings
        for seed, files in one.of_seed.items()
    }
    lacking = {name: cases for name, cases in missing.items() if cases}
    if lacking and not options.allow_missing:
        name, cases = next(iter(lacking.items()))
        raise DataError(
            f"{name}: {len(cases)} of {len(expected)} cases have no prediction: {named(cases)}. Every row needs the "
            "same cases: add them, or pass --allow-missing to compare on those that all rows have."
        )
    common = tuple(case for case in expected if not any(case in cases for cases in lacking.values()))
    if not common:
        raise DataError("No case has a prediction of every setting, so nothing can be compared.")
    return common
