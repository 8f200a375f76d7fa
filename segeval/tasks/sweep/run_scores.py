"""Read the predictions of all runs, case by case, and score them against their truth."""

import os
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from segeval.core.builders.counts_numpy import joint_histogram
from segeval.core.case import Case
from segeval.core.labels import LabelClass, LabelMap
from segeval.errors import ConfigError
from segeval.io.cases import case_of
from segeval.io.pairs import Pair
from segeval.io.reading import Reading
from segeval.io.volumes import read_volume
from segeval.options import SweepOptions
from segeval.tasks.stream import in_order
from segeval.tasks.sweep.outcomes import Achieved, ClassMap, Outcome, outcome_of_maps, outcome_of_mask
from segeval.tasks.sweep.run_pairs import RunFiles

MAX_WORKERS = 4


@dataclass(frozen=True, kw_only=True)
class Scores:
    """What every setting achieved, and whether its predictions were probability maps."""

    rows: tuple[Achieved, ...]
    from_maps: bool


def score_runs(files: RunFiles, classes: Sequence[LabelClass], labels: LabelMap, options: SweepOptions) -> Scores:
    """Score every prediction; a truth is read once for all settings.

    Raises:
        DataError: a file cannot be read, or some predictions are maps and others are masks.
    """
    reading = reading_of(labels, options)
    found: list[dict[str, dict[str, Outcome]]] = [{seed: {} for seed in one.of_seed} for one in files.settings]
    kinds: dict[bool, str] = {}
    work = in_order(
        lambda case_id: _score_case(case_id, files, classes, reading, options),
        files.case_ids,
        workers=options.workers or min(MAX_WORKERS, os.cpu_count() or 1),
    )
    for case_id, outcomes in zip(files.case_ids, work, strict=True):
        for (i, seed, pair), (outcome, is_map) in outcomes:
            found[i][seed][case_id] = outcome
            kinds.setdefault(is_map, str(pair.pred))
    if len(kinds) > 1:
        raise ConfigError(
            f"{kinds[True]} holds probabilities and {kinds[False]} a mask, and rows must be comparable. "
            "Give all of one kind."
        )
    rows = tuple(
        Achieved(setting=one.setting, outcomes=outcomes) for one, outcomes in zip(files.settings, found, strict=True)
    )
    return Scores(rows=rows, from_maps=next(iter(kinds)))


def reading_of(labels: LabelMap, options: SweepOptions) -> Reading:
    """How predictions of runs become cases."""
    return Reading(
        labels=labels,
        geometry_tol=options.geometry_tol,
        resample=options.resample,
        ignore_geometry=options.ignore_geometry,
        spacing_mm=options.spacing,
    )


Scored = tuple[tuple[int, str, Pair], tuple[Outcome, bool]]


def _score_case(
    case_id: str, files: RunFiles, classes: Sequence[LabelClass], reading: Reading, options: SweepOptions
) -> list[Scored]:
    pairs = list(files.pairs_of(case_id))
    path = pairs[0][2].truth
    if path is None:
        raise ValueError(f"{case_id} has no truth, and is never scored")
    truth = read_volume(path)
    scored = []
    for i, seed, pair in pairs:
        case = case_of(case_id, pred=reading.prediction(pair), truth=truth, reading=reading)
        scored.append(
            ((i, seed, pair), (outcome_of_case(case, classes, reading.labels, options), case.probs is not None))
        )
    return scored


def outcome_of_case(case: Case, classes: Sequence[LabelClass], labels: LabelMap, options: SweepOptions) -> Outcome:
    """Score the maps of a case where it has some, else its mask."""
    if case.probs is None:
        histogram = joint_histogram(truth=case.truth, pred=case.pred).without(labels.ignore)
        return outcome_of_mask(histogram.counts(classes))
    counted = ~np.isin(case.truth, labels.ignore)
    maps = [
        ClassMap(probs=case.probs.of(one).probs()[counted], inside=np.isin(case.truth[counted], one.ids))
        for one in classes
    ]
    return outcome_of_maps(maps, method=options.apr_method, keep_histograms=options.apr_averaging == "pooled")
