"""The folders of predictions of a sweep over trained models, and which of their files belongs to which case."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from segeval.errors import ConfigError, DataError
from segeval.files.csv_rows import read_csv_rows
from segeval.files.paths import listed, printable, require_existing
from segeval.images.pairing.pairs import Pair
from segeval.knobs import parse_call
from segeval.options import SweepOptions
from segeval.verbs.score import pairs_of
from segeval.verbs.sweep.grid import Setting
from segeval.verbs.sweep.trained.schema import LOSS, SettingSchema, setting_text

PARTS = ("fold", "seed")


@dataclass(frozen=True, kw_only=True)
class RunOfSetting:
    """One folder of predictions: how their model was trained, and which part of the predictions they are.

    Attributes:
        setting: the parameters of the loss, by column.
        where: what named it, for messages.
    """

    setting: Setting
    folder: Path
    where: str
    fold: str = ""
    seed: str = ""


@dataclass(frozen=True, kw_only=True)
class PairedRuns:
    """All predictions of all settings, over the same cases.

    Attributes:
        files: of each setting: seed -> case -> files.
    """

    settings: tuple[Setting, ...]
    files: tuple[Mapping[str, Mapping[str, Pair]], ...]
    case_ids: tuple[str, ...]
    notes: tuple[str, ...] = ()


def find_runs(path: Path, schema: SettingSchema) -> tuple[tuple[RunOfSetting, ...], tuple[str, ...]]:
    """The runs of a folder or a manifest, sorted by setting, and notes on what was passed over.

    Raises:
        ConfigError: nothing is there, a setting cannot be read, two runs are the same, or parameters differ.
    """
    notes: tuple[str, ...] = ()
    if require_existing(path, what="--runs").is_dir():
        runs, others = _of_folder(path, schema)
        if others:
            passed_over = ", ".join(map(printable, others))
            notes = (f"{printable(path)}: passed over {passed_over} (not named like a setting)",)
    else:
        runs = list(_of_manifest(path, schema))
    if not runs:
        raise ConfigError(
            f"--runs {printable(path)}: no setting in here. Name the folder of each setting like {_example(schema)}, "
            "or list them in a CSV file with the columns path and one per parameter."
        )
    _check_same_parameters(runs)
    _check_distinct(runs)
    return tuple(sorted(runs, key=lambda run: (schema.order(run.setting), run.seed, run.fold))), notes


def asked_runs(runs: Sequence[RunOfSetting], schema: SettingSchema, options: SweepOptions) -> list[RunOfSetting]:
    """The runs of the settings that `--grid` or `--loss` name; all where they name none.

    Raises:
        ConfigError: a named setting has no run, or the rows would differ in more than what is varied.
    """
    kept = list(runs)
    for column, values in schema.asked(options).items():
        for value in values:
            if all(run.setting.get(column) != value for run in runs):
                raise ConfigError(f"{setting_text({column: value})}: no run has this setting. Add its predictions.")
        kept = [run for run in kept if run.setting[column] in values]
    if not kept:
        raise ConfigError("No run has all the values that --grid asks for. Name fewer.")
    schema.check_varied([run.setting for run in kept], options)
    return kept


def pair_runs(runs: Sequence[RunOfSetting], truth: Path, options: SweepOptions) -> PairedRuns:
    """Pair the predictions of every run with the truth, the folds of a setting joined.

    Raises:
        ConfigError: a path is not there.
        DataError: a setting has no predictions, a case twice, or lacks cases and `allow_missing` is off.
    """
    settings: dict[str, Setting] = {}
    files: dict[str, dict[str, dict[str, Pair]]] = {}
    expected: set[str] = set()
    notes: dict[str, None] = {}
    for run in runs:
        name = setting_text(run.setting)
        settings.setdefault(name, run.setting)
        of_seed = files.setdefault(name, {}).setdefault(run.seed, {})
        for pair in _pairs(run, truth, options, notes):
            expected.add(pair.case_id)
            _add(of_seed, pair, run)
    return PairedRuns(
        settings=tuple(settings.values()),
        files=tuple(files.values()),
        case_ids=_common(files, sorted(expected), options),
        notes=tuple(notes),
    )


def _of_folder(path: Path, schema: SettingSchema) -> tuple[list[RunOfSetting], list[str]]:
    """The runs, and the names of other folders."""
    runs, others = [], []
    for folder in sorted(path.iterdir()):
        if not folder.is_dir() or folder.name.startswith("."):
            continue
        given = _read_name(folder.name, schema)
        if given is None:
            others.append(folder.name)
        else:
            runs.append(_run(given, folder, schema, where=printable(folder)))
    return runs, others


def _of_manifest(path: Path, schema: SettingSchema) -> Iterator[RunOfSetting]:
    """Relative paths count from the folder of the manifest."""
    for line, row in read_csv_rows(path, what="--runs", columns=("path",)):
        where = f"{printable(path)}, line {line}"
        given = {name: value.strip() for name, value in row.items() if name != "path" and value.strip()}
        if not row["path"].strip():
            raise ConfigError(f"{where}: the path cell is empty. Name a folder of predictions.")
        yield _run(given, require_existing(path.parent / row["path"].strip(), what=f"{where}:"), schema, where=where)


def _run(given: Mapping[str, str], folder: Path, schema: SettingSchema, *, where: str) -> RunOfSetting:
    parts = {name: given[name] for name in PARTS if name in given}
    own = {name: _value(name, text, schema, where) for name, text in given.items() if name not in PARTS}
    if not own:
        raise ConfigError(f"{where}: names no parameter of {schema.loss}. Give {_example(schema)}.")
    return RunOfSetting(setting=schema.setting(own, where=where), folder=folder, where=where, **parts)


def _value(name: str, text: str, schema: SettingSchema, where: str) -> Any:
    """A value as knobs have it everywhere; a loss stays text."""
    if name == LOSS:
        return text
    try:
        return parse_call(f"_({name}={text})")[1][name]
    except (ConfigError, KeyError) as error:
        raise ConfigError(f"{where}: {name}={text} cannot be read. Write it like {_example(schema)}.") from error


def _read_name(name: str, schema: SettingSchema) -> dict[str, str] | None:
    """`alpha=0.3_beta=0.7_seed=1`, or with commas, as texts by name; None for a folder that names no setting."""
    known = PARTS if schema.compares_losses else (*PARTS, *schema.columns)
    names = "|".join(sorted(map(re.escape, known), key=len, reverse=True))
    head, *rest = re.split(rf"(?:^|[_,])({names})=", name)
    given = dict(zip(rest[::2], rest[1::2], strict=True))
    if schema.compares_losses:
        return {LOSS: head, **given} if re.match(r"[A-Za-z]", head) else None
    unknown = [text for text in (head, *given.values()) if "=" in text]
    if unknown:  # an unknown parameter stays within the text before it
        given[unknown[0].rpartition("=")[0].rpartition("_")[2]] = unknown[0].rpartition("=")[2]
    return given or None


def _check_same_parameters(runs: Sequence[RunOfSetting]) -> None:
    names = dict.fromkeys(name for run in runs for name in run.setting)
    for run in runs:
        lacking = [name for name in names if name not in run.setting]
        if lacking:
            raise ConfigError(f"{run.where}: names no {lacking[0]}, and other settings do. Give it for all.")


def _check_distinct(runs: Sequence[RunOfSetting]) -> None:
    seen: dict[tuple[str, str, str], RunOfSetting] = {}
    for run in runs:
        key = (setting_text(run.setting), run.fold, run.seed)
        if key in seen:
            raise ConfigError(
                f"{seen[key].where} and {run.where} are the same setting, {key[0]}. "
                "Keep one, or tell them apart by a fold or a seed."
            )
        seen[key] = run


def _example(schema: SettingSchema) -> str:
    if schema.compares_losses:
        return "dice_loss"
    return "alpha=0.3_beta=0.7" if schema.sorted_by else f"{next(iter(schema.columns))}=1"


def _pairs(run: RunOfSetting, truth: Path, options: SweepOptions, notes: dict[str, None]) -> list[Pair]:
    """The pairs of a run that have a truth; what else there is to say goes to the notes, once."""
    try:
        pairs = pairs_of(run.folder, truth, options)
    except DataError as error:
        raise DataError(f"{run.where}: no predictions for {setting_text(run.setting)}. {error}") from error
    notes.update(dict.fromkeys(pairs.notes))
    if pairs.missing_truths:
        notes[f"{printable(run.folder)}: predictions without a truth, {listed(pairs.missing_truths)}"] = None
    return [pair for pair in pairs.pairs if pair.truth is not None]


def _add(files: dict[str, Pair], pair: Pair, run: RunOfSetting) -> None:
    if pair.pred is None:
        return
    if pair.case_id in files:
        raise DataError(
            f"{printable(pair.pred)}: case '{printable(pair.case_id)}' of {setting_text(run.setting)} has a prediction "
            f"already, {printable(files[pair.case_id].pred or '')}. Folds share no case; name a seed per training."
        )
    files[pair.case_id] = pair


def _common(
    files: Mapping[str, Mapping[str, Mapping[str, Pair]]], expected: Sequence[str], options: SweepOptions
) -> tuple[str, ...]:
    """The cases that every setting and seed has."""
    missing = {
        name + (f", seed {seed}" if seed else ""): [case_id for case_id in expected if case_id not in found]
        for name, of_seeds in files.items()
        for seed, found in of_seeds.items()
    }
    lacking = {name: cases for name, cases in missing.items() if cases}
    if lacking and not options.allow_missing:
        name, cases = next(iter(lacking.items()))
        raise DataError(
            f"{name}: {len(cases)} of {len(expected)} cases have no prediction: {listed(cases)}. Every row needs the "
            "same cases: add them, or pass --allow-missing to compare on those that all rows have."
        )
    gone = {case_id for cases in lacking.values() for case_id in cases}
    common = tuple(case_id for case_id in expected if case_id not in gone)
    if not common:
        raise DataError("No case has a prediction of every setting, so nothing can be compared.")
    return common
