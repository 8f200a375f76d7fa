"""The verb: read the numbers, find their cases, and search."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from segeval.choice import measure_of
from segeval.errors import ConfigError, DataError
from segeval.evidence.case import Case
from segeval.evidence.overlap.counts_numpy import joint_histogram
from segeval.files.paths import printable
from segeval.images.cases import read_case
from segeval.images.forms import agree
from segeval.images.input_rules import InputRules
from segeval.images.pairing.pairs import Pair
from segeval.options import ScoreOptions
from segeval.scoring.summarise import merge_histograms
from segeval.verbs.explain.answer import Explained, answer
from segeval.verbs.explain.evidence import CaseBook
from segeval.verbs.explain.given.layouts import read_numbers
from segeval.verbs.explain.given.names import Vocabulary, column_measure, patients_of, plain, split_heading
from segeval.verbs.explain.given.numbers import GivenNumber, NumberColumn, few_of, value_of, with_rounding
from segeval.verbs.explain.readings import BACKGROUND, FOREGROUND, Kind, Places, kind_of
from segeval.verbs.explain.search import Progress, search
from segeval.verbs.explain.space import meanings
from segeval.verbs.explain.views import spacings_of
from segeval.verbs.score import input_rules_of, label_map_of, pairs_of

_SCORE_OF_LOSS = {"dice_loss": "dice", "iou_loss": "iou", "jaccard_loss": "iou"}  # of hard masks one minus the score
_NUMBERS_FIRST = "Name the file with the numbers, then predictions and truth: segeval explain NUMBERS PRED TRUTH."
_VALUE_LAST = "Name predictions and truth: segeval explain PRED TRUTH --value 0.83."
MEAN_NOTE = "one mean proves no definition: every line below gives it"


def silent(what: str, done: int, of: int) -> None:
    """Nobody is told."""


@dataclass(frozen=True, kw_only=True)
class Images:
    """The cases of both folders, and what is known of all of them: `spacings` are the ways in which they may differ."""

    book: CaseBook
    vocabulary: Vocabulary
    n_axes: int
    spacings: tuple[str, ...]
    maps: bool


def explain(
    numbers: Path | None,
    pred: Path | None,
    truth: Path | None,
    options: ScoreOptions,
    *,
    value: str | None = None,
    measure: str | None = None,
    progress: Progress = silent,
) -> tuple[Explained, ...]:
    """Which definition gives somebody's numbers, one answer for each column.

    Args:
        numbers: a table or JSON file; None with `value`.
        value: one mean, as it was written.
        measure: what the numbers are called, where their file does not say.

    Raises:
        ConfigError: an option, a name or a path is wrong.
        DataError: no number is of a case that there is, or images cannot be read.
    """
    asked = asked_measure(measure)
    if truth is None and options.pairs is None:
        raise ConfigError(_NUMBERS_FIRST if value is None else _VALUE_LAST)
    images = images_of(pred, truth, options, progress)
    columns = _of_value(value) if value is not None else columns_of(numbers, images.vocabulary, asked)
    return tuple(explained(column, images, asked, progress) for column in columns)


def asked_measure(name: str | None) -> str | None:
    """The measure that somebody said the numbers are, by its own name."""
    return None if name is None else measure_of(name).name


def _of_value(text: str) -> tuple[NumberColumn, ...]:
    value = value_of(text)
    if value is None or not np.isfinite(value):
        raise ConfigError(f"--value {text}: no number. Write it as it was published, such as 0.83.")
    return (
        NumberColumn(
            name="value", measure="", numbers=with_rounding([GivenNumber(text=text, value=value)]), notes=(MEAN_NOTE,)
        ),
    )


def columns_of(path: Path | None, vocabulary: Vocabulary, asked: str | None) -> tuple[NumberColumn, ...]:
    if path is None:
        raise ConfigError(_NUMBERS_FIRST)
    found = read_numbers(path, vocabulary)
    chosen = columns_for(found, asked)
    if not chosen:
        known = ", ".join(column.name for column in found)
        raise ConfigError(f"{printable(path)} has no column of {asked}. Its columns: {known}.")
    return chosen


def columns_for(found: Sequence[NumberColumn], asked: str | None) -> tuple[NumberColumn, ...]:
    """The columns that are or may be those of a measure; all where none is asked for."""
    if asked is None:
        return tuple(found)
    named = [column for column in found if measure_called(column) == asked]
    unnamed = [column for column in found if measure_called(column) is None]
    return tuple(named or unnamed or (found if len(found) == 1 else ()))


def measure_called(column: NumberColumn) -> str | None:
    """The measure that the heading of a column means, None if it is none of ours."""
    found = split_heading(column.measure)
    return column_measure(column.measure) or (found[0] if found else None)


def explained(column: NumberColumn, images: Images, asked: str | None, progress: Progress) -> Explained:
    """Find the cases and classes of a column, and what its numbers are."""
    column, places, notes = _placed(column, images.vocabulary)
    name = asked or measure_called(column)
    name = _SCORE_OF_LOSS.get(name or "", name)
    if column.measure and name is None:
        notes.append(f"{printable(column.measure)!r} is no measure that is known here: every likely one is tried")
    finite = column.values[np.isfinite(column.values)]
    out_of_unit = bool(finite.size and finite.max() > 1 + 1e-6)
    every = meanings(name, out_of_unit=out_of_unit)
    notes += _on_range(column, every[0].call.measure.bounds, finite)
    searched = search(
        column,
        places,
        images.book,
        every,
        n_axes=images.n_axes,
        spacings=images.spacings,
        maps=images.maps,
        progress=progress,
    )
    found = answer(column, places, searched, notes)
    return replace(found, column=replace(column, measure=name or column.measure))


def _on_range(column: NumberColumn, bounds: tuple[float, float], finite: np.ndarray) -> list[str]:
    if not finite.size or (finite.min() >= bounds[0] - 1e-6 and finite.max() <= bounds[1] + 1e-6):
        return []
    worst = finite[np.argmax(np.maximum(bounds[0] - finite, finite - bounds[1]))]
    if bounds == (0.0, 1.0) and 1 < finite.max() <= 100 and finite.min() >= 0:
        return [f"values reach {worst:g} where {bounds[0]:g} to {bounds[1]:g} is possible: tried as percent"]
    return [
        f"{worst:g} lies outside {bounds[0]:g} to {bounds[1]:g}, where this measure is: it is called by another's name"
    ]


def _placed(column: NumberColumn, vocabulary: Vocabulary) -> tuple[NumberColumn, Places, list[str]]:
    """The numbers of cases that there are, and where each stands.

    Raises:
        DataError: none is, or a class is not known here.
    """
    if not np.isfinite(column.values).any():
        raise DataError(f"{printable(column.name or 'the column')}: holds no number, only what is undefined.")
    notes: list[str] = []
    if column.numbers[0].case is None and kind_of(column) != "all" and len(column.numbers) == len(vocabulary.case_ids):
        notes.append("no column names the cases: rows are taken in the order of the case ids")
        named = zip(column.numbers, vocabulary.case_ids, strict=True)
        column = replace(column, numbers=tuple(replace(given, case=case) for given, case in named))
    texts = dict.fromkeys(given.case for given in column.numbers if given.case is not None)
    patients = _of_patients(column, texts, vocabulary, notes)
    if patients is not None:
        return column, patients, notes
    ids = {text: vocabulary.case_of(text) for text in texts}
    strange = [text for text, case_id in ids.items() if case_id is None]
    if texts and len(strange) == len(texts):
        if len(texts) != len(vocabulary.case_ids) or not all(text.isdigit() for text in texts):
            near = vocabulary.nearest_case(strange[0]) or vocabulary.case_ids[0]
            raise DataError(
                f"No number is of a case that there is: {printable(strange[0])!r} is none, nearest is {near!r}. Name "
                "the cases of NUMBERS as the files are, or the files with --pred-pattern and --truth-pattern."
            )
        notes.append("cases are numbered in the file: taken in the order of the case ids")
        ids, strange = dict(zip(texts, vocabulary.case_ids, strict=True)), []
    if strange:
        notes.append(f"{len(strange)} of {len(texts)} cases are not among the images: {few_of(strange)}")
    kept = tuple(given for given in column.numbers if given.case is None or ids[given.case] is not None)
    index = {case_id: i for i, case_id in enumerate(vocabulary.case_ids)}
    at = [-1 if given.case is None else index[str(ids[given.case])] for given in kept]
    classes = _classes_at([given.class_name for given in kept], vocabulary, notes)
    column = replace(column, numbers=kept)
    places = Places(
        kind=kind_of(column),
        cases=np.array(at),
        classes=np.array(classes),
        patients=patients_of(vocabulary.case_ids)[1],
    )
    return column, places, notes


def _of_patients(
    column: NumberColumn, texts: Collection[str], vocabulary: Vocabulary, notes: list[str]
) -> Places | None:
    """The places of rows that name patients, whose cases they speak of; None where they name something else."""
    names, patients = patients_of(vocabulary.case_ids)
    index = {plain(name): i for i, name in enumerate(names)}
    if patients is None or not texts or not all(plain(text) in index for text in texts):
        return None
    if all(text in vocabulary.case_ids for text in texts):
        return None
    told = {index[plain(text)] for text in texts}
    lacking = [name for i, name in enumerate(names) if i not in told]
    at = f"; {few_of(lacking)} {'has' if len(lacking) == 1 else 'have'} no row" if lacking else ""
    notes.append(f"rows are patients: each number is taken to be of all cases whose names begin with it{at}")
    kind: Kind = "class over cases" if kind_of(column) == "class" else "all"
    return Places(
        kind=kind,
        cases=np.array([index[plain(str(given.case))] for given in column.numbers]),
        classes=np.array(_classes_at([given.class_name for given in column.numbers], vocabulary, notes)),
        patients=patients,
        are_patients=True,
    )


def _classes_at(names: Sequence[str | None], vocabulary: Vocabulary, notes: list[str]) -> list[int]:
    n = len(vocabulary.classes)
    where: dict[str, int] = {}
    strange: list[str] = []
    for name in dict.fromkeys(name for name in names if name is not None):
        found = vocabulary.class_of(name)
        if found is None and name.lower() in ("background", "bg", "0"):
            found = n + BACKGROUND
        if found is None and name.lower() in ("foreground", "fg", "merged"):
            found = n + FOREGROUND
        if found is None:
            strange.append(name)
        else:
            where[name] = found
    if strange and not where and len(strange) == n:
        known = ", ".join(f"{name} = {row.name}" for name, row in zip(strange, vocabulary.classes, strict=True))
        notes.append(f"classes are taken in the order of their ids: {known}")
        where = {name: i for i, name in enumerate(strange)}
    elif strange:
        known = ", ".join(f"{row.name} ({row.label})" for row in vocabulary.classes)
        raise DataError(
            f"No class here is called {few_of([printable(name) for name in strange])}; there are {known}. Give them "
            "the names of the file: --labels 1=liver,2=spleen, and unions with --regions wt=1+2+3."
        )
    return [-1 if name is None else where[name] for name in names]


def images_of(pred: Path | None, truth: Path | None, options: ScoreOptions, progress: Progress) -> Images:
    """All pairs, read once to know which ids and grids there are."""
    labels = label_map_of(options)
    pairs = pairs_of(pred, truth, options)
    rules = agree(pairs.pairs, input_rules_of(options, labels))
    if rules.first_prediction is not None:
        labels = rules.first_prediction.form.completed(labels)
    by_id = {pair.case_id: pair for pair in pairs.pairs if pair.truth is not None}
    histograms, maps = [], False
    spacings: set[str] = set()
    axes: set[int] = set()
    for i, pair in enumerate(by_id.values()):
        progress("looking at all cases", i, len(by_id))
        case = read_case(pair, rules)
        histograms.append(
            joint_histogram(truth=case.truth, pred=case.pred).without(labels.ignore).without_unions(case.claims)
        )
        spacings.update(spacings_of(case))
        axes.add(len(case.shape))
        maps |= case.probs is not None
    progress("looking at all cases", len(by_id), len(by_id))
    classes = labels.classes_among(merge_histograms(histograms).ids)
    if not classes:
        raise DataError("Every mask holds only id 0: there is no class to explain numbers of.")
    return Images(
        book=CaseBook([*by_id], classes, labels, _reader(by_id, rules)),
        vocabulary=Vocabulary(case_ids=tuple(by_id), classes=classes),
        n_axes=min(axes),
        spacings=tuple(sorted(spacings)),
        maps=maps,
    )


def _reader(by_id: dict[str, Pair], rules: InputRules) -> Callable[[str], Case]:
    return lambda case_id: read_case(by_id[case_id], rules)
