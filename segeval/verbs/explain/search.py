"""A few cases are asked everything, all cases only what a few agree to."""

import itertools
import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from segeval.verbs.explain.evidence import BOTH, OK, PRED, TRUTH, Base, CaseBook, CaseValues
from segeval.verbs.explain.given.numbers import NumberColumn
from segeval.verbs.explain.readings import Places, Reading, predicted, readings
from segeval.verbs.explain.space import Meaning, declared_values, views
from segeval.verbs.explain.views import View

N_PROBED = 5  # cases that are asked everything
ABSENT_WORDS = {BOTH: "absent from both sides", PRED: "missed", TRUTH: "only predicted"}
_SCALES = {"": ("", 0.0), "percent": ("in percent", 0.25), "complement": ("1 - x: an error for a score", 1.0)}
_DIGITS = {
    "": ("", 0.0),
    "float32": ("to the precision of float32, which sums or a spacing may have", 0.5),
    "cut": ("digits cut off and not rounded", 1.0),
}
_FLOAT32 = 5e-6  # what sums and interpolated percentiles in float32 lose, relative
_MOST_NEAR = 12  # settings that give no number are kept for the answer that nothing matches

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True, kw_only=True)
class Setting:
    """One alternative of every axis.

    Attributes:
        absent: values for classes that a side lacks, by status, where they are not those of the definition.
        scale: a key of `_SCALES`.
        digits: a key of `_DIGITS`.
    """

    meaning: Meaning
    view: View
    reading: Reading
    absent: tuple[tuple[int, float], ...] = ()
    scale: str = ""
    digits: str = ""

    @cached_property
    def cost(self) -> float:
        """How far it is from what segeval does by default."""
        fitted = len(self.absent) + _DIGITS[self.digits][1] + _SCALES[self.scale][1]
        return self.meaning.cost + self.view.cost + self.reading.cost + fitted

    @property
    def base(self) -> Base:
        return Base(call=self.meaning.call, view=self.view, widely=self.reading.widely)

    @property
    def words(self) -> tuple[str, ...]:
        """Every way in which it is not what segeval does by default."""
        empties = (f"{value:g} where a class is {ABSENT_WORDS[status]}" for status, value in self.absent)
        said = (self.meaning.words, self.view.words, self.reading.words)
        return tuple(filter(None, (*said, *empties, _SCALES[self.scale][0], _DIGITS[self.digits][0])))


@dataclass(frozen=True, kw_only=True, eq=False)
class TriedSetting:
    """What a setting gives for the numbers of a column, and which of them it is equal to."""

    setting: Setting
    predicted: np.ndarray
    equal: np.ndarray


@dataclass(frozen=True, kw_only=True)
class Searched:
    """All settings that gave a number, or nearly so; how many there were, and how far their values spread."""

    found: tuple[TriedSetting, ...]
    costs: np.ndarray
    spread: float
    status: np.ndarray  # which side lacks the class of a number; OK where it is of no single class
    ordinary: np.ndarray  # which numbers are of a class that both sides have


def search(
    column: NumberColumn,
    places: Places,
    book: CaseBook,
    every: Sequence[Meaning],
    *,
    n_axes: int,
    spacings: Sequence[str],
    maps: bool,
    progress: Progress,
) -> Searched:
    """Try every setting on a column of numbers."""
    asked = _ColumnSearch(column=column, places=places, book=book, progress=progress)
    ways = list(readings(places, book.classes))
    stages: tuple[Callable[[Meaning, View], bool], ...] = (
        lambda meaning, view: view == View() and not meaning.is_of_mesh,
        lambda meaning, view: view == View() and meaning.is_of_mesh,  # which costs more
        lambda _, view: bool(view.spacing or view.threshold or view.change == "swapped"),
        lambda _, view: bool(view.change and view.change != "swapped"),
        lambda _, view: view.slices is not None,
    )
    for is_of_stage in stages:
        asked.ask(
            [
                setting
                for meaning in every
                for view in views(meaning, n_axes=n_axes, spacings=spacings, maps=maps)
                if is_of_stage(meaning, view)
                for reading in ways
                if _is_tried(setting := Setting(meaning=meaning, view=view, reading=reading))
            ]
        )
        if asked.explained.all():
            break
    return asked.searched()


def _is_tried(setting: Setting) -> bool:
    """Whether a setting is near enough to the default beside changed masks: of dear evidence one step, of cheap two."""
    meaning, view = setting.meaning, setting.view
    if meaning.is_of_mesh:  # as a tool has it, or in another spacing
        is_plain = view == View() or bool(view.spacing) or view.change == "swapped"
        return is_plain and not setting.reading.widely and setting.cost < 2
    if view == View():
        return True
    if meaning.is_per_lesion:
        return False
    return setting.cost <= (2 if meaning.is_counted or view.slices is None else 1)


class _ColumnSearch:
    """The search of one column, stage by stage."""

    def __init__(self, *, column: NumberColumn, places: Places, book: CaseBook, progress: Progress) -> None:
        self.column, self.places, self.book, self.progress = column, places, book, progress
        self.values, self.halves = column.values, column.halves
        self.found: list[TriedSetting] = []
        self.near: list[tuple[float, Setting]] = []
        self.costs: list[float] = []
        self.spreads: list[float] = []
        self.explained = np.zeros(len(self.values), dtype=bool)
        self.status = np.full(len(self.values), OK)
        self.bounded = _is_bounded(column)

    def ask(self, stage: Sequence[Setting]) -> None:
        """Try the settings of a stage on numbers that nothing explains yet, until no more of them is explained."""
        tried: set[int] = set()
        for _ in range(4):
            probed = self._probed(tried)
            if not probed:
                return
            tried |= set(probed)
            before = int(self.explained.sum())
            survivors = self._survivors(stage, probed, counted=not tried - set(probed))
            self._ask_all(survivors)
            if self.explained.all() or int(self.explained.sum()) == before:
                return

    def _probed(self, tried: set[int]) -> list[int]:
        """Cases with numbers that nothing explains and that tell much: neither 0 nor 1, nor undefined."""
        if self.places.kind in ("class over cases", "all"):
            return [] if tried else list(range(len(self.book.case_ids)))
        open_ = ~self.explained
        telling = open_ & np.isfinite(self.values) & ~np.isin(self.values, (0.0, 1.0, 100.0))
        ranked = [*self.places.cases[telling].tolist(), *self.places.cases[open_].tolist()]
        return [case for case in dict.fromkeys(ranked) if case not in tried][:N_PROBED]

    def _survivors(self, stage: Sequence[Setting], probed: list[int], *, counted: bool) -> list[Setting]:
        names = [self.book.case_ids[i] for i in probed]
        bases = list(dict.fromkeys(one.base for one in stage))
        if len(names) <= N_PROBED:
            self.book.keep(names)
        self._compute(names, bases, "a few cases by every definition")
        where = np.isin(self.places.cases, probed) if self.places.kind in ("class", "case") else self.explained | True
        some = self._of(where, probed)
        kept: list[Setting] = []
        seen: list[np.ndarray] = []
        for setting in stage:
            for fitted, given, equal in self._fitted(setting, self.book.of(setting.base, names), where, some):
                if counted:
                    self.costs.append(fitted.cost)
                seen.append(given)
                if equal.any():
                    kept.append(fitted)
                else:
                    self._remember(fitted, given, where)
        self.spreads.append(_spread(seen))
        return kept

    def _of(self, where: np.ndarray, cases: Sequence[int]) -> Places:
        """The places of some numbers among some cases."""
        index = {case: i for i, case in enumerate(cases)}
        at = np.array([index.get(int(case), 0) for case in self.places.cases[where]], dtype=np.int64)
        return replace(self.places, cases=at, classes=self.places.classes[where])

    def _compute(self, names: Sequence[str], bases: Sequence[Base], what: str) -> None:
        lacking = [name for name in names if self.book.lacks(name, bases)]
        for i, name in enumerate(lacking):
            self.progress(what, i, len(lacking))
            self.book.compute(name, bases)
        if lacking:
            self.progress(what, len(lacking), len(lacking))

    def _fitted(
        self, setting: Setting, of_base: CaseValues, where: np.ndarray, places: Places
    ) -> Iterator[tuple[Setting, np.ndarray, np.ndarray]]:
        """The setting with each scale, and with values of absent classes and with digits as they fit best."""
        meaning, reading = setting.meaning, setting.reading
        given, halves = self.values[where], self.halves[where]
        telling = np.isfinite(given) & ~np.isin(given, (0.0, 1.0))
        for scale in self._scales(meaning):
            best: tuple[tuple[int, float], Setting, np.ndarray, np.ndarray] | None = None
            is_hit = places.kind != "class" or not telling.any()
            for absent in self._absences(of_base, setting, places):
                values = _settled(of_base, meaning, absent)
                said_values = _scaled(
                    predicted(reading, places, of_base, values, meaning.call, len(self.book.classes)), scale
                )
                for digits, equal in _equal_by_digits(said_values, given, halves):
                    is_hit |= bool((equal & telling).any())
                    rank = (int(np.count_nonzero(equal)), -len(absent) - _DIGITS[digits][1])
                    if best is None or rank > best[0]:
                        tried = replace(setting, absent=absent, scale=scale, digits=digits)
                        best = rank, tried, said_values, equal
                if not is_hit:  # rules for absent classes mend no wrong value
                    break
            if best is not None:
                yield best[1], best[2], best[3]

    def _scales(self, meaning: Meaning) -> tuple[str, ...]:
        if meaning.call.measure.bounds != (0.0, 1.0):
            return ("",)
        return ("", "complement") if self.bounded else ("percent",)

    def _absences(
        self, of_base: CaseValues, setting: Setting, places: Places
    ) -> Iterable[tuple[tuple[int, float], ...]]:
        """What may be said of classes that a side lacks, by status; nothing where cases are pooled."""
        meaning = setting.meaning
        if setting.reading.over_cases.startswith("pooled"):
            yield ()
            return
        rows: Sequence[int] | np.ndarray = range(len(self.book.classes))
        if places.kind in ("class", "class over cases"):  # what no number reads changes none
            rows = np.unique(np.array(setting.reading.rows)[places.classes])
            rows = rows[rows < of_base.status.shape[1]]
        occurring = [status for status in (BOTH, PRED, TRUTH) if (of_base.status[:, rows] == status).any()]
        unlike = np.unique(self.values[np.isfinite(self.values)])
        penalties = [] if self.bounded or meaning.call.measure.bounds[1] <= 1 else _repeated(self.values)
        values = [math.nan, 0.0, *((1.0,) if meaning.call.measure.bounds[1] <= 1 else (math.inf,)), *penalties]
        values = [value for value in values if not math.isfinite(value) or places.kind != "class" or value in unlike]
        options = [[None, *values] for _ in occurring]
        most = 1 if setting.cost >= 1 and places.kind in ("class over cases", "all") else len(occurring)
        for chosen in itertools.product(*options):
            said = [(status, value) for status, value in zip(occurring, chosen, strict=True) if value is not None]
            if len(said) <= most:  # few numbers are soon hit by many rules
                yield tuple(said)

    def _remember(self, setting: Setting, given: np.ndarray, where: np.ndarray) -> None:
        """Keep the settings that come nearest, in case that nothing matches."""
        off = np.abs(given - self.values[where])
        off = off[np.isfinite(off)]
        if off.size:
            self.near.append((float(np.median(off)), setting))
            if len(self.near) > 20 * _MOST_NEAR:
                self.near = sorted(self.near, key=lambda one: one[0])[:_MOST_NEAR]

    def _ask_all(self, survivors: Sequence[Setting]) -> None:
        known = {id(one.setting) for one in self.found}
        for found in self._on_all([one for one in survivors if id(one) not in known]):
            self.found.append(found)
            self.explained |= found.equal

    def _on_all(self, settings: Sequence[Setting]) -> Iterator[TriedSetting]:
        names = self.book.case_ids
        self._compute(names, list(dict.fromkeys(one.base for one in settings)), "all cases by what fits")
        everywhere = np.ones(len(self.values), dtype=bool)
        seen: set[tuple[int, int, str]] = set()
        for setting in settings:
            key = (id(setting.meaning), hash((setting.view, setting.reading)), setting.scale)
            if key in seen:
                continue
            seen.add(key)
            of_base = self.book.of(setting.base, names)
            if setting.view == View():
                self._note_status(of_base)
            for again, values, equal in self._fitted(setting, of_base, everywhere, self.places):
                if again.scale == setting.scale:
                    yield TriedSetting(setting=again, predicted=values, equal=equal)

    def _note_status(self, of_base: CaseValues) -> None:
        if self.places.kind == "class":
            padded = np.concatenate([of_base.status, np.full((len(of_base.status), 1), BOTH)], axis=1)
            self.status = padded[self.places.cases, self.places.classes]

    def searched(self) -> Searched:
        nearest = [setting for _, setting in sorted(self.near, key=lambda one: one[0])[:_MOST_NEAR]]
        found = [*self.found, *(self._on_all(nearest) if not self.explained.all() else ())]
        spread = float(np.median([one for one in self.spreads if one > 0] or [1.0]))
        ordinary = np.isfinite(self.values) & (self.status == OK)
        return Searched(
            found=tuple(found), costs=np.array(self.costs), spread=spread, status=self.status, ordinary=ordinary
        )


def _settled(of_base: CaseValues, meaning: Meaning, absent: Sequence[tuple[int, float]]) -> np.ndarray:
    """The values with what is said of absent classes: by the definition, then by the rule that is tried."""
    values = of_base.values.copy()
    for status, value in declared_values(meaning, absent).items():
        if value is not None:
            values[of_base.status == status] = value
    return values


def _scaled(values: np.ndarray, scale: str) -> np.ndarray:
    return {"": values, "percent": 100 * values, "complement": 1 - values}[scale]


def _equal_by_digits(values: np.ndarray, given: np.ndarray, halves: np.ndarray) -> Iterator[tuple[str, np.ndarray]]:
    """Which values the digits of the given numbers allow, as long as another rule for digits may allow more."""
    same = (np.isnan(values) & np.isnan(given)) | (values == given)
    with np.errstate(invalid="ignore"):
        off = values - given
        apart = np.abs(off)
        equal = same | (apart <= halves)
        yield "", equal
        slack = _FLOAT32 * np.maximum(np.abs(given), 0.1)
        if not (~equal & (apart <= 2 * halves + slack)).any():
            return
        yield "float32", same | (apart <= halves + slack)
        yield "cut", same | ((off * np.where(given < 0, -1, 1) > -1e-12) & (apart < 2 * halves))


def _is_bounded(column: NumberColumn) -> bool:
    """Whether the numbers lie in 0..1, as scores do unless they are in percent."""
    finite = column.values[np.isfinite(column.values)]
    return bool(finite.size == 0 or (finite.max() <= 1 + 1e-6 and not any("%" in one.text for one in column.numbers)))


def _repeated(values: np.ndarray) -> list[float]:
    """Numbers that stand for a distance to nothing: the largest ones, where one stands more than once."""
    finite = values[np.isfinite(values)]
    if not finite.size:
        return []
    unlike, n = np.unique(finite, return_counts=True)
    return [float(unlike[-1])] if n[-1] > 1 or n.size == 1 else []


def _spread(seen: Sequence[np.ndarray]) -> float:
    """How far the values that settings give for a number lie apart, at a typical number."""
    if not seen:
        return 0.0
    values = np.stack(seen)
    values = np.where(np.isfinite(values), values, np.nan)
    usable = (~np.isnan(values)).any(axis=0)
    if not usable.any():
        return 0.0
    return float(
        np.median(np.nanpercentile(values[:, usable], 90, axis=0) - np.nanpercentile(values[:, usable], 10, axis=0))
    )
