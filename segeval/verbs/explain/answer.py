"""Settings ranked, numbers shared out among them, and what remains."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from segeval.profiles import profile
from segeval.verbs.explain.evidence import BOTH, OK, PRED, TRUTH
from segeval.verbs.explain.given.numbers import GivenNumber, NumberColumn
from segeval.verbs.explain.readings import Places
from segeval.verbs.explain.search import Searched, Setting, TriedSetting

CHANCE = 0.05  # how often an explanation may hit its numbers by accident
LEAST_SHARE = 0.25  # of the numbers: what gives fewer and is first explains no column
N_NEAREST = 3
_MOST_TOLD = 5
_OF_A_MEAN = 20  # of a single number all that give it are told


@dataclass(frozen=True, kw_only=True)
class Explanation:
    """A definition and the numbers that it gives.

    Attributes:
        name: the measure as `-m` takes it, empty where no name of ours gives the numbers.
        numbers: index of each number that it explains and none before it does.
        equal: which numbers it gives, whatever explains them first.
        by_chance: how many settings as simple as this one would give these numbers by accident.
        alike: other definitions that give the same numbers here, told apart by none of them.
    """

    setting: Setting
    name: str
    numbers: tuple[int, ...]
    equal: np.ndarray
    by_chance: float
    alike: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Telling:
    """A number at which two definitions part."""

    names: tuple[str, str]
    number: int
    values: tuple[float, float]


@dataclass(frozen=True, kw_only=True)
class Near:
    """A definition that comes near: how far off it is at a typical number, and how many numbers it gives."""

    name: str
    off: float
    n_equal: int


@dataclass(frozen=True, kw_only=True)
class Explained:
    """What is known of one column.

    Attributes:
        places: where each number stands.
        status: of each number which side lacks its class, as the evidence says it.
        explanations: the first explains most; none where nothing matches.
        is_too_coarse: whether what matches might do so by accident.
        residual: numbers that nothing explains, each with what the first explanation gives there.
        nearest: where numbers are left, what comes nearest.
    """

    column: NumberColumn
    places: Places
    status: np.ndarray
    n_tried: int
    explanations: tuple[Explanation, ...]
    is_too_coarse: bool
    residual: tuple[tuple[int, float], ...]
    nearest: tuple[Near, ...]
    telling: tuple[Telling, ...]
    notes: tuple[str, ...] = ()

    @property
    def share(self) -> float:
        """Of all numbers, those that are explained."""
        return 1 - len(self.residual) / len(self.column.numbers)

    def number(self, index: int) -> GivenNumber:
        return self.column.numbers[index]


def answer(column: NumberColumn, places: Places, searched: Searched, notes: Sequence[str] = ()) -> Explained:
    """Share the numbers out among the settings: who gives most takes them, the rest goes to the next."""
    log_p = _log_chances(column, searched)
    left = np.ones(len(column.numbers), dtype=bool)
    chosen: list[Explanation] = []
    picked: list[TriedSetting] = []
    is_too_coarse = False
    while left.any() and len(chosen) < _MOST_TOLD:
        best = max(searched.found, key=lambda one: (int((one.equal & left).sum()), -one.setting.cost), default=None)
        if best is None or not (best.equal & left).any():
            break
        taken = best.equal & left
        chance = _chance(best.setting, searched, log_p[taken])
        is_too_coarse |= not chosen and chance > CHANCE and bool(taken.sum() * 2 > left.sum())
        if (chance > CHANCE and not is_too_coarse) or (not chosen and taken.sum() < LEAST_SHARE * len(left)):
            break
        chosen.append(_explanation(best, taken, chance, searched, left))
        picked.append(best)
        left &= ~taken
        if is_too_coarse:
            break
    first = picked[0].predicted if picked else np.full(len(left), math.nan)
    return Explained(
        column=column,
        places=places,
        status=searched.status,
        n_tried=len(searched.costs),
        explanations=tuple(chosen),
        is_too_coarse=is_too_coarse,
        residual=tuple((int(i), float(first[i])) for i in np.flatnonzero(left)),
        nearest=_nearest(column, searched) if left.any() else (),
        telling=_telling(column, picked, searched),
        notes=(*column.notes, *notes, *_on_empties(column, picked, left, searched)),
    )


def _log_chances(column: NumberColumn, searched: Searched) -> np.ndarray:
    """How likely any definition is to give each number, in powers of ten; what is fitted tells nothing."""
    wide = np.clip(2 * column.halves / max(searched.spread, 1e-12), 1e-6, 1.0)
    telling = searched.ordinary & ~np.isin(column.values, (0.0, 1.0))
    return np.where(telling, np.log10(wide), 0.0)


def _chance(setting: Setting, searched: Searched, log_p: np.ndarray) -> float:
    n = max(1, int((searched.costs <= setting.cost + 1e-9).sum())) if setting.cost else 1
    return float(10.0 ** min(3.0, math.log10(n) + float(log_p.sum())))


def _explanation(
    best: TriedSetting, taken: np.ndarray, chance: float, searched: Searched, left: np.ndarray
) -> Explanation:
    alike = [
        name_of(one.setting)
        for one in sorted(searched.found, key=lambda one: one.setting.cost)
        if one is not best and (one.equal & left).sum() == taken.sum() and one.setting.cost <= best.setting.cost + 1
    ]
    own, said = name_of(best.setting), column_name(best.setting)
    also = own.removeprefix(said) if said else ""  # what differs from the tool named differs from the others alike
    alike = [*(tool + also for tool in best.setting.meaning.tools), *alike]
    return Explanation(
        setting=best.setting,
        name=said,
        numbers=tuple(np.flatnonzero(taken).tolist()),
        equal=best.equal,
        by_chance=chance,
        alike=tuple(dict.fromkeys(name for name in alike if name != own))[
            : _MOST_TOLD if len(taken) > 1 else _OF_A_MEAN
        ],
    )


def column_name(setting: Setting) -> str:
    """What `-m` takes to give the same definition, empty where no measure of ours is it.

    A tool's name is taken where the definition needs one: its settings are not our defaults, or it says something else
    of classes that a side lacks.
    """
    from segeval import catalogue

    call = setting.meaning.call
    if not setting.meaning.words and not setting.absent:
        return call.column
    if call.measure.name not in catalogue.measures() or setting.view.spacing == "none":
        return setting.meaning.tools[0] if setting.meaning.tools else ""
    for tool in setting.meaning.tools:
        named, _, owner = tool.removesuffix("]").partition("[")
        like = profile(owner).like(catalogue.find(named)).absent
        wanted = dict(setting.absent)
        declared = dict(zip((BOTH, PRED, TRUTH), (like.both, like.pred, like.truth), strict=True))
        if all(_same(declared[status], value) for status, value in wanted.items()):
            return tool
    return setting.meaning.tools[0] if setting.meaning.tools and setting.meaning.words else call.column


def _same(one: float | None, other: float) -> bool:
    return one is not None and (one == other or (math.isnan(one) and math.isnan(other)))


def name_of(setting: Setting) -> str:
    """A setting on one line."""
    said = column_name(setting) or setting.meaning.words or setting.meaning.call.column
    words = [word for word in setting.words if word != setting.meaning.words]
    return f"{said}, {', '.join(words)}" if words else said


def _nearest(column: NumberColumn, searched: Searched) -> tuple[Near, ...]:
    near: dict[str, tuple[int, Near]] = {}
    telling = ~np.isin(column.values, (0.0, 1.0))  # at which no definition is right by chance
    for one in searched.found:
        off = np.abs(one.predicted - column.values)
        off = off[np.isfinite(off)]
        if off.size:
            name = name_of(one.setting)
            found = Near(name=name, off=float(np.median(off)), n_equal=int(one.equal.sum()))
            near.setdefault(name, (int((one.equal & telling).sum()), found))
    ranked = sorted(near.values(), key=lambda one: (-one[0], one[1].off))
    return tuple(found for _, found in ranked[:N_NEAREST])


def _telling(column: NumberColumn, picked: Sequence[TriedSetting], searched: Searched) -> tuple[Telling, ...]:
    """The smallest set of numbers that tells the first explanation from its rivals: one number each, shared ones once.

    Rivals are what gives nearly as many numbers, and the explanations that follow.
    """
    if not picked:
        return ()
    first = picked[0]
    enough = first.equal.sum() * 0.5
    rivals = sorted(searched.found, key=lambda one: (-int(one.equal.sum()), one.setting.cost))
    nearby = first.setting.cost + 1
    rivals = [one for one in rivals if one.equal.sum() >= enough and one is not first and one.setting.cost <= nearby]
    parted = [(one, np.flatnonzero(first.equal & ~one.equal)) for one in rivals]
    open_ = [(one, set(where.tolist())) for one, where in parted if where.size][:N_NEAREST]
    told: list[Telling] = []
    while open_:
        every = [index for _, where in open_ for index in where]
        index = max(set(every), key=lambda i: (every.count(i), -i))
        for one, where in open_:
            if index in where:
                names = (name_of(first.setting), name_of(one.setting))
                values = (float(first.predicted[index]), float(one.predicted[index]))
                told.append(Telling(names=names, number=int(index), values=values))
        open_ = [(one, where) for one, where in open_ if index not in where]
    return tuple(told)


def _on_empties(
    column: NumberColumn, picked: Sequence[TriedSetting], left: np.ndarray, searched: Searched
) -> list[str]:
    """Whether what is left are classes that a side lacks: then another rule for them is all that differs."""
    rest = np.flatnonzero(left & (searched.status != OK))
    if not picked or not rest.size:
        return []
    given, said = column.values[rest], picked[0].predicted[rest]
    pairs = dict.fromkeys(f"{a:g} for {b:g}" for a, b in zip(given.tolist(), said.tolist(), strict=True))
    return [f"of empty masks {len(rest)} follow another rule: {', '.join([*pairs][:3])}"]
