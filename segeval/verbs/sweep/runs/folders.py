"""The folders of predictions of a sweep over trained models, found by their names or listed in a manifest."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from segeval.errors import ConfigError
from segeval.files.csv_rows import read_csv_rows
from segeval.files.paths import printable, require_existing
from segeval.measure import parse_call
from segeval.verbs.sweep.grid import Setting
from segeval.verbs.sweep.trained.words import LOSS, Words, setting_text

PARTS = ("fold", "seed")


@dataclass(frozen=True, kw_only=True)
class Run:
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


def find_runs(path: Path, words: Words) -> tuple[tuple[Run, ...], tuple[str, ...]]:
    """The runs of a folder or a manifest, sorted by setting, and notes on what was passed over.

    Raises:
        ConfigError: nothing is there, a setting cannot be read, two runs are the same, or parameters differ.
    """
    if require_existing(path, what="--runs").is_dir():
        runs, notes = _of_folder(path, words)
    else:
        runs, notes = list(_of_manifest(path, words)), ()
    if not runs:
        raise ConfigError(_nothing_in(path, words))
    _check_same_parameters(runs)
    _check_distinct(runs)
    return tuple(sorted(runs, key=lambda run: (words.order(run.setting), run.seed, run.fold))), notes


def _of_folder(path: Path, words: Words) -> tuple[list[Run], tuple[str, ...]]:
    runs, others = [], []
    for folder in sorted(one for one in path.iterdir() if one.is_dir() and not one.name.startswith(".")):
        given = _read_name(folder.name, words)
        if given is None:
            others.append(folder.name)
        else:
            runs.append(_run(given, folder, words, where=printable(folder)))
    notes = (f"{printable(path)}: passed over {', '.join(map(printable, others))} (not named like a setting)",)
    return runs, notes if others else ()


def _of_manifest(path: Path, words: Words) -> Iterator[Run]:
    """Relative paths count from the folder of the manifest."""
    for line, row in read_csv_rows(path, what="--runs", columns=("path",)):
        where = f"{printable(path)}, line {line}"
        given = {name: value.strip() for name, value in row.items() if name != "path" and value.strip()}
        if not row["path"].strip():
            raise ConfigError(f"{where}: the path cell is empty. Name a folder of predictions.")
        yield _run(given, require_existing(path.parent / row["path"].strip(), what=f"{where}:"), words, where=where)


def _run(given: Mapping[str, str], folder: Path, words: Words, *, where: str) -> Run:
    parts = {name: given[name] for name in PARTS if name in given}
    own = {name: _value(name, text) for name, text in given.items() if name not in PARTS}
    if not own:
        raise ConfigError(f"{where}: names no parameter of {words.loss}. Give {_examples(words)}.")
    return Run(setting=words.setting(own, where=where), folder=folder, where=where, **parts)


def _read_name(name: str, words: Words) -> dict[str, str] | None:
    """`alpha=0.3_beta=0.7_seed=1` as texts by name; None for a folder that names no setting."""
    known = PARTS if words.compares_losses else (*PARTS, *words.columns)
    names = "|".join(sorted(map(re.escape, known), key=len, reverse=True))
    head, *rest = re.split(rf"(?:^|_)({names})=", name)
    given = dict(zip(rest[::2], rest[1::2], strict=True))
    if words.compares_losses:
        return {LOSS: head, **given} if re.match(r"[A-Za-z]", head) else None
    unknown = [text for text in (head, *given.values()) if "=" in text]
    if unknown:  # an unknown parameter stays within the text before it
        given[unknown[0].rpartition("=")[0].rpartition("_")[2]] = unknown[0].rpartition("=")[2]
    return given or None


def _value(name: str, text: str) -> object:
    """A value as knobs are read everywhere; a loss stays text."""
    return text if name == LOSS else parse_call(f"_({name}={text})")[1][name]


def _check_same_parameters(runs: Sequence[Run]) -> None:
    names = dict.fromkeys(name for run in runs for name in run.setting)
    for run in runs:
        lacking = [name for name in names if name not in run.setting]
        if lacking:
            raise ConfigError(f"{run.where}: names no {lacking[0]}, and other settings do. Give it for all.")


def _check_distinct(runs: Sequence[Run]) -> None:
    seen: dict[tuple[str, str, str], Run] = {}
    for run in runs:
        key = (setting_text(run.setting), run.fold, run.seed)
        if key in seen:
            raise ConfigError(
                f"{seen[key].where} and {run.where} are the same setting, {key[0]}. "
                "Keep one, or tell them apart by a fold or a seed."
            )
        seen[key] = run


def _nothing_in(path: Path, words: Words) -> str:
    return (
        f"--runs {printable(path)}: no setting in here. Name the folder of each setting like {_examples(words)}, "
        "or list them in a CSV file with the columns path and one per parameter."
    )


def _examples(words: Words) -> str:
    if words.compares_losses:
        return "dice_loss"
    return "alpha=0.3_beta=0.7" if words.sorted_by else f"{next(iter(words.columns))}=1"
