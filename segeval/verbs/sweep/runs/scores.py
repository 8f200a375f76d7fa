"""Read the predictions of all runs, case by case, and score them against their truth."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from segeval.errors import ConfigError
from segeval.evidence.case import Case
from segeval.evidence.labels import LabelClass, LabelMap
from segeval.evidence.overlap.counts_numpy import joint_histogram
from segeval.files.paths import printable
from segeval.images.cases import case_of
from segeval.images.pairing.pairs import Pair
from segeval.images.readers.readers import read_volume
from segeval.images.readers.reading import Reading
from segeval.options import SweepOptions
from segeval.verbs.score import reading_of, worker_count
from segeval.verbs.stream import in_order
from segeval.verbs.sweep.evidence.maps import MapCase
from segeval.verbs.sweep.runs.pairs import PredOfRun, RunFiles
from segeval.verbs.sweep.trained.outcomes import Achieved, Outcome, outcome_of_maps, outcome_of_mask


@dataclass(frozen=True, kw_only=True)
class Scores:
    """What every setting achieved, and whether its predictions were probability maps."""

    rows: tuple[Achieved, ...]
    from_maps: bool


@dataclass(frozen=True, kw_only=True)
class Scored:
    """One prediction of one case."""

    pair: PredOfRun
    outcome: Outcome
    is_map: bool


def score_runs(files: RunFiles, classes: Sequence[LabelClass], labels: LabelMap, options: SweepOptions) -> Scores:
    """Score every prediction; a truth is read once for all settings.

    Raises:
        ConfigError: some predictions are maps and others are masks.
        DataError: a file cannot be read.
    """
    reading = reading_of(options, labels)
    work = in_order(
        lambda case_id: _score_case(case_id, files, classes, reading, options),
        files.case_ids,
        workers=worker_count(options),
    )
    outcomes: list[dict[str, dict[str, Outcome]]] = [{seed: {} for seed in one.of_seed} for one in files.settings]
    kinds: dict[bool, Pair] = {}
    for one in (one for of_case in work for one in of_case):
        outcomes[one.pair.row][one.pair.seed][one.pair.files.case_id] = one.outcome
        kinds.setdefault(one.is_map, one.pair.files)
    _require_one_kind(kinds)
    rows = (Achieved(setting=of.setting, outcomes=found) for of, found in zip(files.settings, outcomes, strict=True))
    return Scores(rows=tuple(rows), from_maps=True in kinds)


def _require_one_kind(kinds: Mapping[bool, Pair]) -> None:
    if len(kinds) > 1:
        raise ConfigError(
            f"{printable(str(kinds[True].pred))} holds probabilities and {printable(str(kinds[False].pred))} a mask, "
            "and rows must be comparable. Give predictions of one kind."
        )


def _score_case(
    case_id: str, files: RunFiles, classes: Sequence[LabelClass], reading: Reading, options: SweepOptions
) -> list[Scored]:
    pairs = list(files.pairs_of(case_id))
    truth = read_volume(pairs[0].truth)
    cases = (case_of(case_id, pred=reading.take(one.files), truth=truth, reading=reading) for one in pairs)
    return [
        Scored(
            pair=pair, outcome=outcome_of_case(case, classes, reading.labels, options), is_map=case.probs is not None
        )
        for pair, case in zip(pairs, cases, strict=True)
    ]


def outcome_of_case(case: Case, classes: Sequence[LabelClass], labels: LabelMap, options: SweepOptions) -> Outcome:
    """Score the maps of a case where it has some, else its mask."""
    if case.probs is None:
        histogram = joint_histogram(truth=case.truth, pred=case.pred).without(labels.ignore)
        return outcome_of_mask(histogram.counts(classes))
    of = MapCase(case=case, classes=tuple(classes), ignore=labels.ignore)
    maps = [of.scored(one) for one in classes]
    return outcome_of_maps(maps, method=options.apr_method, keep_histograms=options.apr_averaging == "pooled")
