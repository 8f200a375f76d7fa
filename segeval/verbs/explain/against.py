"""Two tools' numbers of the same cases: what each of them is, and by what they differ."""

import math
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from segeval.errors import ConfigError, DataError
from segeval.options import ScoreOptions
from segeval.results.number_text import digits
from segeval.verbs.explain.answer import Explained, Explanation
from segeval.verbs.explain.evidence import OK
from segeval.verbs.explain.explaining import (
    asked_measure,
    columns_for,
    columns_of,
    explained,
    images_of,
    measure_called,
    silent,
)
from segeval.verbs.explain.given.numbers import GivenNumber, NumberColumn, few_of
from segeval.verbs.explain.search import ABSENT_WORDS, Progress, Setting
from segeval.verbs.explain.space import declared_values, knob_words


@dataclass(frozen=True, kw_only=True)
class Parted:
    """Numbers that differ for one reason.

    Attributes:
        at: of each its index on either side.
        explanations: what explains the numbers of either side; None where nothing does.
        ways: the axes on which the two explanations part, each with what either side has there.
    """

    at: tuple[tuple[int, int], ...]
    explanations: tuple[Explanation | None, Explanation | None]
    ways: tuple[tuple[str, str], ...]


@dataclass(frozen=True, kw_only=True)
class Against:
    """Two columns of the same measure.

    Attributes:
        names: how the two files are called.
        sides: the explanation of each column.
        n_shared: how many places have a number in both.
        parted: where these are not equal to their digits, by reason; most numbers first.
    """

    names: tuple[str, str]
    sides: tuple[Explained, Explained]
    n_shared: int
    parted: tuple[Parted, ...]

    @property
    def n_differing(self) -> int:
        return sum(len(part.at) for part in self.parted)

    @property
    def largest(self) -> tuple[int, int, float]:
        """The numbers that differ most, as the index on either side, and by how much; infinities come last."""
        every = [at for part in self.parted for at in part.at]
        off = [abs(self.sides[0].number(i).value - self.sides[1].number(j).value) for i, j in every]
        worst = max(range(len(every)), key=lambda k: off[k] if math.isfinite(off[k]) else -1.0)
        return *every[worst], off[worst]


def explain_against(
    first: Path,
    second: Path,
    pred: Path | None,
    truth: Path | None,
    options: ScoreOptions,
    *,
    measure: str | None = None,
    progress: Progress = silent,
) -> tuple[Against, ...]:
    """Why two tools' numbers of the same cases differ, for each measure that both files have.

    Raises:
        ConfigError: an option, a name or a path is wrong, or the files share no measure.
        DataError: they share no case, or images cannot be read.
    """
    asked = asked_measure(measure)
    images = images_of(pred, truth, options, progress)
    files = [columns_of(path, images.vocabulary, asked) for path in (first, second)]
    names = (first.name, second.name) if first.name != second.name else (str(first), str(second))
    pairs = [
        (a, b) for a in files[0] for b in files[1] if (measure_called(a) or a.name) == (measure_called(b) or b.name)
    ]
    if not pairs and len(files[0]) == len(files[1]) == 1:  # what one of them is called may be wrong
        pairs = [(files[0][0], files[1][0])]
    if not pairs:
        known = " and ".join(few_of([one.name or "no name" for one in columns]) for columns in files)
        raise ConfigError(f"{names[0]} and {names[1]} share no measure: they have {known}. {_way_to_pair(files)}")
    has_one = len(images.vocabulary.classes) == 1
    return tuple(
        _against(names, (explained(a, images, asked, progress), explained(b, images, asked, progress)), has_one=has_one)
        for a, b in pairs
    )


def _way_to_pair(files: Sequence[Sequence[NumberColumn]]) -> str:
    """What to do about two files without a measure in common."""
    called = [name for columns in files for column in columns if (name := measure_called(column))]
    for name in dict.fromkeys(called):
        if all(len(columns_for(columns, name)) == 1 for columns in files):
            return f"If both have {name} in them, pass --measure {name}."
    return "Give the two columns that are to be compared one heading, such as dice."


def _against(names: tuple[str, str], sides: tuple[Explained, Explained], *, has_one: bool) -> Against:
    """What two columns are, place by place; where the images have one class, a number of all classes is of it."""
    places = [
        {(case, max(label, 0) if has_one else label): i for i, (case, label) in enumerate(side.places.each())}
        for side in sides
    ]
    shared = [(i, places[1][place]) for place, i in places[0].items() if place in places[1]]
    if not shared:
        raise DataError(
            f"{names[0]} and {names[1]}: no case and class has a number of {sides[0].column.name} in both. "
            "Compare values per case with values per case, of the same classes."
        )
    by_reason: defaultdict[tuple[int | None, int | None, int], list[tuple[int, int]]] = defaultdict(list)
    for i, j in shared:
        if not _is_equal(sides[0].number(i), sides[1].number(j)):
            which = (_explanation_at(sides[0], i), _explanation_at(sides[1], j))
            by_reason[(*which, int(sides[0].status[i]))].append((i, j))
    parted = []
    for (a, b, status), at in sorted(by_reason.items(), key=lambda reason: -len(reason[1])):
        both = tuple(
            None if which is None else side.explanations[which] for side, which in zip(sides, (a, b), strict=True)
        )
        if status == OK:
            ways = _ways(*both, empties=sides[0].places.kind != "class")
        else:
            given = (sides[0].number(at[0][0]), sides[1].number(at[0][1]))
            one, other = (f"{side.text or 'nothing'} where a class is {ABSENT_WORDS[status]}" for side in given)
            ways = ((one, other),)
        parted.append(Parted(at=tuple(at), explanations=both, ways=ways))  # type: ignore[arg-type]
    return Against(names=names, sides=sides, n_shared=len(shared), parted=tuple(parted))


def _is_equal(one: GivenNumber, other: GivenNumber) -> bool:
    if np.isnan(one.value) or np.isnan(other.value) or np.isinf(one.value) or np.isinf(other.value):
        return bool(one.value == other.value or (np.isnan(one.value) and np.isnan(other.value)))
    return bool(abs(one.value - other.value) <= one.half + other.half)


def _explanation_at(side: Explained, index: int) -> int | None:
    """The explanation that gives a number, the first if several do."""
    return next((k for k, one in enumerate(side.explanations) if one.equal[index]), None)


def _ways(one: Explanation | None, other: Explanation | None, *, empties: bool) -> tuple[tuple[str, str], ...]:
    """Where two definitions part, in the words of either side."""
    if one is None or other is None:
        return ()
    here, there = (dict(_axes(side.setting, empties=empties)) for side in (one, other))
    return tuple((here[axis], there[axis]) for axis in here if axis in there and here[axis] != there[axis])


def _axes(setting: Setting, *, empties: bool) -> Iterator[tuple[str, str]]:
    """Every axis of a setting with its words."""
    call = setting.meaning.call
    yield "formula", f"the formula of {call.column.partition('(')[0]}"
    yield from ((f"knob {name}", knob_words(name, value)) for name, value in call.all_knobs.items())
    yield "masks", setting.view.words or "the masks as they are"
    yield "reading", setting.reading.words or "each class and case on its own"
    if empties:
        for status, value in declared_values(setting.meaning, setting.absent).items():
            said = "what the formula gives" if value is None else digits(value)
            yield f"absent {status}", f"{said} where a class is {ABSENT_WORDS[status]}"
    yield "scale", {"": "the value itself", "percent": "in percent", "complement": "1 - x"}[setting.scale]
    yield "digits", "digits cut off" if setting.digits == "cut" else "digits rounded"
