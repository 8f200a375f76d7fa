"""From values of cases and classes to a number of the file: which of them it speaks of, and how they are averaged."""

import functools
import operator
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from segeval.evidence.labels import LabelClass
from segeval.evidence.overlap.counts import Counts
from segeval.measure import MeasureCall
from segeval.verbs.explain.evidence import OTHERS, CaseValues, mean
from segeval.verbs.explain.given.numbers import NumberColumn

Kind = Literal["class", "case", "class over cases", "all"]
BACKGROUND, FOREGROUND, POOLED, POOLED_WITH_BACKGROUND, WHOLE = range(len(OTHERS))
NOTHING = len(OTHERS)  # the row after them all, which is undefined


@dataclass(frozen=True, kw_only=True)
class Reading:
    """What a number speaks of.

    Attributes:
        rows: of each class of ours, and of background, which row a number that names it is of.
        over_classes: how the classes of a case are averaged, where a number speaks of all of them.
        over_cases: how cases are averaged, where it speaks of all of them.
        widely: whether rows are needed that are no class of their own.
    """

    rows: tuple[int, ...] = ()
    over_classes: str = "mean"
    over_cases: str = "mean"
    words: str = ""
    cost: float = 0.0
    widely: bool = False


@dataclass(frozen=True, kw_only=True)
class Places:
    """Where the numbers of a column stand: index of the case and of the class, -1 for all of them.

    `patients` is which patient each of all cases is of, None where every case is one. A row of a patient speaks of all
    cases of this one: then `cases` has the patient in place of the case.
    """

    kind: Kind
    cases: np.ndarray
    classes: np.ndarray
    patients: np.ndarray | None = None
    are_patients: bool = False

    def each(self) -> Iterator[tuple[int, int]]:
        return zip(self.cases.tolist(), self.classes.tolist(), strict=True)


def kind_of(column: NumberColumn) -> Kind:
    """What the numbers of a column speak of, all alike."""
    given = column.numbers[0]
    if given.case is None:
        return "all" if given.class_name is None else "class over cases"
    return "case" if given.class_name is None else "class"


def readings(places: Places, classes: Sequence[LabelClass]) -> Iterator[Reading]:
    """Every way to read numbers of this kind, the plain one first."""
    patients = places.patients is not None and not places.are_patients
    match places.kind:
        case "class":
            yield from _of_class(classes)
        case "case":
            yield from _of_case(classes)
        case "class over cases":
            for reading in _of_class(classes):
                for how, words in {**_OVER_CASES, **(_OVER_PATIENTS if patients else {})}.items():
                    said = ", ".join(filter(None, (reading.words, words)))
                    cost = reading.cost + (how != "mean")
                    yield Reading(
                        rows=reading.rows,
                        over_cases=how,
                        words=said,
                        cost=cost,
                        widely=reading.widely or how.startswith("pooled"),
                    )
        case "all":
            for over_classes, (words, cost) in _over_classes(classes).items():
                for how, of_cases in {**_OVER_ALL, **(_OVER_PATIENTS if patients else {})}.items():
                    said = ", ".join(filter(None, (words, of_cases)))
                    yield Reading(
                        over_classes=over_classes, over_cases=how, words=said, cost=cost + (how != "mean"), widely=True
                    )


_OVER_CASES = {"mean": "", "median": "the median of the cases", "pooled": "all cases together"}
_OVER_PATIENTS = {
    "mean of patients": "the mean of the patients, each the mean of its cases",
    "pooled by patient": "the mean of the patients, each of its cases together",
}
_OVER_ALL = {
    "mean": "",
    "mean of classes": "the mean of the class means",
    "every value": "the mean of all cases and classes alike",
    "median": "the median of the cases",
    "pooled": "all cases together",
}


def _of_class(classes: Sequence[LabelClass]) -> Iterator[Reading]:
    n = len(classes)
    here = (*range(n), n + BACKGROUND)
    yield Reading(rows=here)
    if n > 1:
        yield Reading(rows=(*range(1, n), n + NOTHING, 0), words="ids off by one: the class after", cost=1)
        yield Reading(
            rows=(n + BACKGROUND, *range(n - 1), n - 1), words="ids off by one: the class before", cost=1, widely=True
        )
        for i in range(n):
            for j in range(i + 1, n):
                swapped = list(here)
                swapped[i], swapped[j] = j, i
                words = f"classes {classes[i].name} and {classes[j].name} swapped"
                yield Reading(rows=tuple(swapped), words=words, cost=1)
        yield Reading(rows=(n + FOREGROUND,) * (n + 1), words="all classes merged into one", cost=1, widely=True)
    yield Reading(rows=(n + BACKGROUND,) * (n + 1), words="background in place of the class", cost=1, widely=True)


def _of_case(classes: Sequence[LabelClass]) -> Iterator[Reading]:
    for how, (words, cost) in _over_classes(classes).items():
        yield Reading(over_classes=how, words=words, cost=cost, widely=how not in ("mean", "strict mean", "weighted"))


def _over_classes(classes: Sequence[LabelClass]) -> dict[str, tuple[str, float]]:
    """How classes are averaged, in words and with its cost; of a single class there is less to choose."""
    several = {
        "strict mean": ("the mean over the classes, undefined where one of them is", 1.0),
        "foreground": ("all classes merged into one", 1.0),
        "pooled": ("counts of all classes together", 1.0),
        "weighted": ("the mean over the classes, weighted by their true size", 1.0),
    }
    with_background = {
        "mean with background": ("the mean over the classes with background", 1.0),
        "pooled with background": ("counts of all classes and background together", 1.0),
        "weighted with background": ("the mean over classes and background, weighted by their true size", 1.0),
        "background": ("background in place of the classes", 1.0),
        "whole": ("one value of all classes and background", 1.0),
    }
    return {"mean": ("", 0.0), **(several if len(classes) > 1 else {}), **with_background}


def predicted(
    reading: Reading, places: Places, found: CaseValues, values: np.ndarray, call: MeasureCall, n_classes: int
) -> np.ndarray:
    """What a reading gives for each number of a column.

    Args:
        values: those of the cases and rows, absent classes settled; (case, row).
    """
    if places.are_patients:
        given = np.full(len(places.cases), np.nan)
        for patient in np.unique(places.cases):
            mine, own = places.cases == patient, places.patients == patient
            alone = Places(kind=places.kind, cases=places.cases[mine], classes=places.classes[mine])
            given[mine] = predicted(reading, alone, found.only(own), values[own], call, n_classes)
        return given
    padded = np.concatenate([values, np.full((len(values), 1), np.nan)], axis=1)
    match places.kind:
        case "class":
            return padded[places.cases, np.array(reading.rows)[places.classes]]
        case "case":
            return _over_classes_of(reading.over_classes, values, found, n_classes)[places.cases]
        case "class over cases":
            rows = np.array(reading.rows)[places.classes]
            if reading.over_cases.startswith("pooled"):
                parts = [found] if reading.over_cases == "pooled" else _by_patient(found, places)
                pooled = mean(np.stack([_pooled(part, call) for part in parts]))
                return np.append(pooled, np.nan)[rows]
            return _over_cases_of(reading.over_cases, padded, places)[rows]
    if reading.over_cases == "pooled by patient":
        whole = replace(reading, over_cases="pooled")
        of_each = [_of_all(whole, part.values, part, places, call, n_classes) for part in _by_patient(found, places)]
        return np.full(len(places.cases), mean(np.array(of_each)))
    return np.full(len(places.cases), _of_all(reading, values, found, places, call, n_classes))


def _by_patient(found: CaseValues, places: Places) -> list[CaseValues]:
    patients = places.patients
    return [] if patients is None else [found.only(patients == patient) for patient in np.unique(patients)]


def _over_cases_of(how: str, values: np.ndarray, places: Places) -> np.ndarray:
    if how == "mean":
        return mean(values)
    if how == "mean of patients" and places.patients is not None:
        return mean(np.stack([mean(values[places.patients == patient]) for patient in np.unique(places.patients)]))
    ranked, n = np.sort(values, axis=0), np.count_nonzero(~np.isnan(values), axis=0)  # what is undefined comes last
    middle = [np.take_along_axis(ranked, at[None].clip(min=0), axis=0)[0] for at in ((n - 1) // 2, n // 2)]
    return np.where(middle[0] == middle[1], middle[0], (middle[0] + middle[1]) / 2)


def _over_classes_of(how: str, values: np.ndarray, found: CaseValues, n: int) -> np.ndarray:
    """One value per case."""
    own, wide = values[:, :n].T, values[:, : n + 1].T
    sizes = (found.counts[:, 0] + found.counts[:, 2]).T.astype(np.float64)  # true voxels, (row, case)
    rows = {"foreground": FOREGROUND, "pooled": POOLED, "pooled with background": POOLED_WITH_BACKGROUND}
    rows |= {"background": BACKGROUND, "whole": WHOLE}
    if how in rows:
        return np.asarray(values[:, n + rows[how]])
    ways: dict[str, Callable[[], np.ndarray]] = {
        "mean": lambda: mean(own),
        "strict mean": lambda: np.asarray(own.mean(axis=0)),
        "weighted": lambda: mean(own, sizes[:n]),
        "mean with background": lambda: mean(wide),
        "weighted with background": lambda: mean(wide, sizes[: n + 1]),
    }
    with np.errstate(invalid="ignore"):
        return ways[how]()


def _of_all(
    reading: Reading, values: np.ndarray, found: CaseValues, places: Places, call: MeasureCall, n: int
) -> float:
    how, over = reading.over_cases, reading.over_classes
    if how == "pooled":
        totals = CaseValues(
            values=_pooled(found, call)[None], status=found.status[:1], counts=found.counts.sum(axis=0, keepdims=True)
        )
        return float(_over_classes_of(over, totals.values, totals, n)[0])
    if how == "mean of classes":
        means = CaseValues(values=mean(values)[None], status=found.status[:1], counts=found.counts.sum(axis=0)[None])
        return float(_over_classes_of(over, means.values, means, n)[0])
    if how == "every value":
        last = n + 1 if over == "mean with background" else n
        return float(mean(values[:, :last].reshape(-1)))
    of_cases = _over_classes_of(over, values, found, n)
    return float(_over_cases_of(how, of_cases[:, None], places)[0])


def _pooled(found: CaseValues, call: MeasureCall) -> np.ndarray:
    """The formula on what all cases have together, one value per row; nan where that does not add up."""
    if found.states:
        total = functools.reduce(operator.add, found.states)
        values = np.asarray(call(total.stacked([*total.rows])), dtype=np.float64)
        return np.append(values, np.full(found.values.shape[1] - len(values), np.nan))
    if call.measure.needs != (Counts,):
        return np.full(found.values.shape[1], np.nan)
    tp, fp, fn, tn = found.counts.sum(axis=0)
    return np.asarray(call(Counts(tp=tp, fp=fp, fn=fn, tn=tn)), dtype=np.float64)
