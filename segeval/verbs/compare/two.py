"""Two runs: how much each measure of each class changed, how sure that is, and which cases to open."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np

from segeval.choice import choose, is_headline, measure_of
from segeval.errors import ConfigError
from segeval.files.paths import counted, printable
from segeval.measure import Better
from segeval.results.stored_runs import StoredRun, read_stored_run
from segeval.scoring.groups import with_worst
from segeval.statistics.intervals import FEW_UNITS, Interval, bootstrap_mean
from segeval.statistics.paired import Effects, Paired, effects, paired_differences
from segeval.statistics.significance import holm, wilcoxon
from segeval.statistics.summary import mean
from segeval.verbs.compare.data_set import DataSetDifference, data_set_differences, notes_on
from segeval.verbs.gate.comparable import refuse_if_incomparable, refuse_if_unfinished, run_table, with_names_of
from segeval.verbs.gate.table import Column, Resampling, RunTable, absent_matrix, as_matrix, shared_cases
from segeval.verbs.running.case_table import asked_parts

N_TOP = 5
ALPHA = 0.05


@dataclass(frozen=True, kw_only=True)
class Change:
    """One case that changed: below zero is worse."""

    case_id: str
    difference: float
    base: float
    new: float


@dataclass(frozen=True, kw_only=True)
class Difference:
    """What became of one measure of one class, new against base; above zero is better.

    Attributes:
        n: cases defined in both runs; `n_gained` and `n_lost` are defined in one only.
        n_missed: of the lost, those in which the class is there: it was missed.
        n_invented: of the gained, those in which the old run rightly had nothing: a false alarm.
        interval: of the mean difference, bootstrapped (BCa).
        p: two-sided Wilcoxon signed-rank test after Pratt; `p_holm` among all rows of the table.
        wins, losses: cases that got better and worse.
        regressions, improvements: the cases that changed most.
    """

    class_name: str
    measure: str
    better: Better
    n: int
    n_gained: int
    n_lost: int
    n_missed: int
    n_invented: int
    base: float
    new: float
    difference: float
    interval: Interval
    p: float
    p_method: str
    effects: Effects
    wins: int
    losses: int
    regressions: tuple[Change, ...]
    improvements: tuple[Change, ...]
    p_holm: float = math.nan

    @property
    def verdict(self) -> Literal["better", "worse", "not told apart"]:
        """What the test says; nothing good where misses or false alarms of the new run have no difference."""
        gained = self.effects.rank_biserial > 0
        if not self.p_holm <= ALPHA or (gained and (self.n_missed or self.n_invented)):
            return "not told apart"
        return "better" if gained else "worse"


@dataclass(frozen=True, kw_only=True)
class GroupDifference:
    """What became of one measure of one class over the cases with one value in a column of the case table.

    Attributes:
        is_worst: of the groups of that column, this one gained least or lost most.
    """

    by: str
    group: str
    difference: Difference
    is_worst: bool = False


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """Every measure and class that both runs have, and what to know about the whole.

    Attributes:
        groups: the same by columns of a case table; `p_holm` among all of them.
        of_data_set: scores that only all cases together have.
    """

    base: Path
    new: Path
    differences: tuple[Difference, ...]
    notes: tuple[str, ...] = ()
    groups: tuple[GroupDifference, ...] = ()
    of_data_set: tuple[DataSetDifference, ...] = ()


def compare(
    base: Path,
    new: Path,
    *,
    measures: Sequence[str] = (),
    seed: int = 0,
    case_table: Path | None = None,
    by: Sequence[str] = (),
) -> Comparison:
    """Compare a new run with an old one, case by case.

    Args:
        measures: column names to compare; by default the headline ones that both have.
        case_table: a CSV with facts about the cases.
        by: columns of it to group the cases by.

    Raises:
        ConfigError: a run cannot be read, they may not be compared, they share nothing, or the case table lacks a
            column or a case.
        UnfinishedError: a run was interrupted.
    """
    new_run = read_stored_run(new)
    base_run = with_names_of(read_stored_run(base), new_run)
    for run in (base_run, new_run):
        refuse_if_unfinished(run)
    base_table, new_table = run_table(base_run), run_table(new_run)
    of_data_set = data_set_differences(base_run, new_run, measures)
    asked = choose(measures).calls if measures else ()
    of_cases = [call.column for call in asked if not call.measure.of_data_set]
    tables = [new_table, base_table]
    wants_cases = bool(of_cases) if measures else bool(_in_all(tables))
    keys = shared_keys(tables, of_cases) if wants_cases or not of_data_set else []
    compared = [*(measure for _, measure in keys), *(one.measure for one in of_data_set)]
    refuse_if_incomparable(new_run, base_run, measures=compared, min_paired=1)
    case_ids = shared_cases(list(base_table.columns.values()), list(new_table.columns.values()))
    if not case_ids:
        raise ConfigError(f"{printable(base)} and {printable(new)} have no case in common.")
    parts = asked_parts(case_table, by, case_ids)
    columns = [(base_table.columns[key], new_table.columns[key]) for key in keys]
    how = Resampling(seed=seed)
    found = [_difference(before, after, how) for before, after in columns]
    return Comparison(
        base=base,
        new=new,
        differences=_after_holm(found),
        notes=(*_notes(base_run, new_run, found), *notes_on(of_data_set)),
        groups=_groups(columns, parts, how),
        of_data_set=of_data_set,
    )


def _after_holm(found: Sequence[Difference]) -> tuple[Difference, ...]:
    adjusted = holm([difference.p for difference in found])
    return tuple(replace(difference, p_holm=float(p)) for difference, p in zip(found, adjusted, strict=True))


def _groups(
    columns: Sequence[tuple[Column, Column]], parts: Mapping[str, Mapping[str, frozenset[str]]], how: Resampling
) -> tuple[GroupDifference, ...]:
    """Every class and measure over the cases of every group, the worst of the groups marked."""
    places = [(by, group, cases) for by, groups in parts.items() for group, cases in groups.items()]
    keys = [(by, group) for by, group, _ in places for _ in columns]
    found = _after_holm(
        [
            _difference(before.of_cases(cases), after.of_cases(cases), how)
            for *_, cases in places
            for before, after in columns
        ]
    )
    rows = [
        {"by": by, "class": entry.class_name, "measure": entry.measure, "mean": entry.difference}
        for (by, _), entry in zip(keys, found, strict=True)
    ]
    marked = with_worst(rows, dict.fromkeys((entry.measure for entry in found), "higher"))
    return tuple(
        GroupDifference(by=by, group=group, difference=entry, is_worst=row["is_worst"])
        for (by, group), entry, row in zip(keys, found, marked, strict=True)
    )


def shared_keys(tables: Sequence[RunTable], measures: Sequence[str]) -> list[tuple[str, str]]:
    """Class name and column of everything to compare, in the order of the first run.

    Args:
        measures: column names or aliases; by default the headline measures, or all where there is none.

    Raises:
        ConfigError: nothing is shared, or a measure asked for is not.
    """
    calls = choose(measures).calls if measures else ()
    of_all = [call.column for call in calls if call.measure.of_data_set]
    if of_all:
        raise ConfigError(f"{', '.join(of_all)}: no case has a value of it, by which to rank. Compare two by two.")
    shared = _in_all(tables)
    known = list(dict.fromkeys(measure for _, measure in shared))
    if not known:
        raise ConfigError("These runs have no measure of a class in common that has a better direction.")
    asked = [call.column for call in calls] or _headline(known)
    unknown = [one for one in asked if one not in known]
    if unknown:
        raise ConfigError(f"{', '.join(unknown)}: not in all of these runs. They share: {', '.join(known)}.")
    return [key for key in shared if key[1] in asked]


def _in_all(tables: Sequence[RunTable]) -> list[tuple[str, str]]:
    """Class name and column of what all have a value of for each case, and that has a better direction."""
    first, *others = tables
    return [
        key
        for key, column in first.columns.items()
        if column.better != "none" and not measure_of(key[1]).of_data_set and all(key in one.columns for one in others)
    ]


def _headline(known: Sequence[str]) -> Sequence[str]:
    return [one for one in known if is_headline(measure_of(one))] or known


def _difference(base: Column, new: Column, how: Resampling) -> Difference:
    case_ids = shared_cases([base], [new])
    before, after = (as_matrix([side], case_ids)[:, 0] for side in (base, new))
    paired = paired_differences(before, after, better=new.better)
    d = paired.differences
    test = wilcoxon(d[~np.isnan(d)])
    both = ~np.isnan(d)
    return Difference(
        class_name=new.class_name,
        measure=new.measure,
        better=new.better,
        n=paired.n,
        n_gained=int(np.count_nonzero(paired.gained)),
        n_lost=int(np.count_nonzero(paired.lost)),
        n_missed=int(np.count_nonzero(paired.lost & ~absent_matrix([new], case_ids)[:, 0])),
        n_invented=int(np.count_nonzero(paired.gained & absent_matrix([base], case_ids)[:, 0])),
        base=float(mean(before[both])),
        new=float(mean(after[both])),
        difference=paired.mean,
        interval=_interval(paired, case_ids, how),
        p=test.p if paired.n else math.nan,
        p_method=test.method,
        effects=effects(d),
        wins=int(np.count_nonzero(d > 0)),
        losses=int(np.count_nonzero(d < 0)),
        regressions=_top(d, case_ids, before, after, sign=-1),
        improvements=_top(d, case_ids, before, after, sign=1),
    )


def _interval(paired: Paired, case_ids: Sequence[str], how: Resampling) -> Interval:
    if math.isnan(paired.mean):
        return Interval(low=math.nan, high=math.nan)
    return bootstrap_mean(how.draws(case_ids), paired.differences[:, None]).interval(how.level)


def _top(
    d: np.ndarray, case_ids: Sequence[str], before: np.ndarray, after: np.ndarray, *, sign: int
) -> tuple[Change, ...]:
    """The largest changes in one direction, ties by case id."""
    changed = [i for i in range(len(case_ids)) if sign * d[i] > 0]
    ranked = sorted(changed, key=lambda i: (-sign * d[i], case_ids[i]))[:N_TOP]
    return tuple(
        Change(case_id=case_ids[i], difference=float(d[i]), base=float(before[i]), new=float(after[i])) for i in ranked
    )


def _notes(base: StoredRun, new: StoredRun, found: Sequence[Difference]) -> tuple[str, ...]:
    only_base, only_new = base.case_ids - new.case_ids, new.case_ids - base.case_ids
    few = max((one.n for one in found), default=FEW_UNITS)
    notes = []
    if found and not any(one.wins or one.losses or one.n_lost or one.n_gained for one in found):
        notes.append("No case differs in anything that is compared: check that these are two runs, and of two models.")
    if only_base or only_new:
        notes.append(f"{len(only_base)} cases are only in the base and {len(only_new)} only in the new run: left out.")
    missed, invented = sum(one.n_missed for one in found), sum(one.n_invented for one in found)
    if missed:
        notes.append(
            f"{missed} values of the old run are undefined in the new one, and no difference tells of these misses: "
            "score both with --undefined worst to count them."
        )
    if invented:
        notes.append(
            f"{invented} values are defined in the new run only, where it has false alarms and the old one rightly "
            "nothing: score both with --undefined best to count them."
        )
    if any(one.n_lost > one.n_missed or one.n_gained > one.n_invented for one in found):
        notes.append("Some values are defined in one run only; n_gained and n_lost count them.")
    if few < FEW_UNITS:
        notes.append(
            f"At most {counted(few, 'pair')}: below {FEW_UNITS}, intervals cover the truth less often than they say."
        )
    return tuple(notes)
