"""What trained models achieved: the rows that `segeval score` makes of every prediction, setting by setting."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, reduce
from operator import add
from typing import Any

import numpy as np

from segeval.errors import ConfigError
from segeval.evidence.case import Case
from segeval.evidence.device import resolve_device
from segeval.evidence.labels import LabelClass, LabelMap
from segeval.evidence.overlap.counts import Counts
from segeval.evidence.probabilities.channels import Channels, Layout
from segeval.evidence.probabilities.histogram import ProbHistogram
from segeval.evidence.probabilities.scored_map import ScoredMap
from segeval.files.paths import printable
from segeval.images.cases import case_of
from segeval.measure import MeasureCall
from segeval.metrics.overlap import dice, f2, iou, precision, sensitivity, specificity
from segeval.metrics.probability import average_precision
from segeval.options import SweepOptions
from segeval.results import CaseScore, ClassRow
from segeval.scoring.evaluate import evaluate
from segeval.scoring.plan import Plan
from segeval.verbs.running.stream import in_order
from segeval.verbs.running.workers import worker_count
from segeval.verbs.score import input_rules_of
from segeval.verbs.sweep.grid import Setting
from segeval.verbs.sweep.maps.cases import scored_classes
from segeval.verbs.sweep.maps.curve import Curve
from segeval.verbs.sweep.trained.runs import PairedRuns

# the names of the papers for columns of the long table; those of arXiv 1706.05721, Table 1, come first
METRICS = ("dsc", "sensitivity", "specificity", "f2", "apr", "precision", "iou")


@dataclass(frozen=True, kw_only=True)
class ScoredPrediction:
    """One prediction of one case.

    Attributes:
        rows: a row of the long table per class, under the names of `METRICS`.
        histograms: voxels per probability of each class, where the curve over all cases is asked for.
        approx: whether the curve is that of narrow bins of probability, as of large images.
    """

    rows: tuple[ClassRow, ...]
    is_map: bool
    histograms: tuple[ProbHistogram, ...] = ()
    approx: bool = False


@dataclass(frozen=True, kw_only=True)
class Achieved:
    """All predictions of one setting.

    Attributes:
        predictions: seed -> case -> what was predicted; every seed has the same cases.
        facts: further columns of its row, such as `train_loss_last`.
    """

    setting: Setting
    predictions: Mapping[str, Mapping[str, ScoredPrediction]]
    facts: Mapping[str, Any] = field(default_factory=dict)
    note: str = ""

    @property
    def seeds(self) -> tuple[str, ...]:
        return tuple(self.predictions)

    @property
    def all_predictions(self) -> list[ScoredPrediction]:
        return [prediction for of_seed in self.predictions.values() for prediction in of_seed.values()]

    def values(self, column: str, class_index: int, case_ids: Sequence[str]) -> np.ndarray:
        """A column of one class, shape (seed, case)."""
        return np.array([[row.values[column] for row in rows] for rows in self._rows(class_index, case_ids)])

    def counts(self, class_index: int, case_ids: Sequence[str]) -> Counts:
        """Counts of one class, every field of shape (seed, case)."""
        rows = self._rows(class_index, case_ids)
        sides = ("tp", "fp", "fn", "tn")
        return Counts(
            **{side: np.array([[getattr(row, side) for row in of_seed] for of_seed in rows]) for side in sides}
        )

    def pooled_apr(self, class_index: int, case_ids: Sequence[str], options: SweepOptions) -> np.ndarray:
        """The area under the curve of all voxels pooled, shape (seed,); nan for masks."""
        areas = []
        for of_seed in self.predictions.values():
            known = [of_seed[case_id].histograms[class_index] for case_id in case_ids if of_seed[case_id].histograms]
            areas.append(Curve.of(reduce(add, known)).average_precision(options.apr_method) if known else np.nan)
        return np.array(areas)

    def _rows(self, class_index: int, case_ids: Sequence[str]) -> list[list[ClassRow]]:
        return [[of_seed[case_id].rows[class_index] for case_id in case_ids] for of_seed in self.predictions.values()]


@dataclass(frozen=True, kw_only=True)
class PredictionScorer:
    """How predictions become rows of the long table: as `segeval score` does it, one class against the rest."""

    classes: tuple[LabelClass, ...]
    labels: LabelMap
    options: SweepOptions

    def score(self, case: Case) -> ScoredPrediction:
        """Score the maps of a case where it has some, else its mask."""
        if case.probs is None:
            labels = LabelMap(classes=self.classes, ignore=self.labels.ignore)
            return ScoredPrediction(rows=self._named(evaluate(case, self._plan(labels))), is_map=False)
        return self.score_maps(case.case_id, [*scored_classes(case, self.classes, ignore=self.labels.ignore)])

    def score_maps(self, case_id: str, maps: Sequence[ScoredMap]) -> ScoredPrediction:
        """Score the masks `p >= 0.5` of every class, which may overlap, and the curves behind them."""
        scores = [self._score_map(case_id, scored) for scored in maps]
        rows = [row for score in scores for row in self._named(score)]
        keeps = self.options.apr_averaging == "pooled"
        return ScoredPrediction(
            rows=tuple(replace(row, of=label) for row, label in zip(rows, self.classes, strict=True)),
            is_map=True,
            histograms=tuple(scored.histogram() for scored in maps) if keeps else (),
            approx=any(score.row.approx for score in scores),
        )

    def _score_map(self, case_id: str, scored: ScoredMap) -> CaseScore:
        alone = LabelClass(name="class", ids=(1,))
        channels = Channels(maps=(scored.map,), layout=Layout(classes=(alone,), exclusive=True))
        mask, truth = (side.view(np.uint8) for side in (scored.map.at_least_half(), scored.truth))
        case = Case(case_id=case_id, pred=mask, truth=truth, probs=channels)
        return evaluate(case, self._plan(LabelMap(classes=(alone,))))

    @cached_property
    def _calls(self) -> Mapping[str, MeasureCall]:
        apr = average_precision.at(method=self.options.apr_method)
        found = (dice.at(), sensitivity.at(), specificity.at(), f2.at(), apr, precision.at(), iou.at())
        return dict(zip(METRICS, found, strict=True))

    @cached_property
    def _any_plan(self) -> Plan:
        engine, device = resolve_device(engine="auto", device=self.options.device)
        return Plan(measures=tuple(self._calls.values()), engine=engine, device=device)

    def _plan(self, labels: LabelMap) -> Plan:
        return replace(self._any_plan, labels=labels)

    def _named(self, score: CaseScore) -> tuple[ClassRow, ...]:
        calls = self._calls
        return tuple(
            replace(row, values={name: row.values[call.column] for name, call in calls.items()})
            for row in score.classes
        )


def score_runs(runs: PairedRuns, scorer: PredictionScorer) -> tuple[Achieved, ...]:
    """Score every prediction; a truth is read once for all settings.

    Raises:
        ConfigError: some predictions are maps and others are masks.
        DataError: a file cannot be read.
    """
    rules = input_rules_of(scorer.options, scorer.labels)

    def score_case(case_id: str) -> list[ScoredPrediction]:
        pairs = [files[case_id] for of_seeds in runs.files for files in of_seeds.values()]
        truth = rules.truth_of(pairs[0])
        cases = (case_of(case_id, pred=rules.take(pair), truth=truth, rules=rules) for pair in pairs)
        return [scorer.score(case) for case in cases]

    places = [(index, seed) for index, of_seeds in enumerate(runs.files) for seed in of_seeds]
    found: list[dict[str, dict[str, ScoredPrediction]]] = [{seed: {} for seed in of_seeds} for of_seeds in runs.files]
    kinds: dict[bool, str] = {}
    scored = in_order(score_case, runs.case_ids, workers=worker_count(scorer.options))
    for case_id, predictions in zip(runs.case_ids, scored, strict=True):
        for (index, seed), prediction in zip(places, predictions, strict=True):
            found[index][seed][case_id] = prediction
            kinds.setdefault(prediction.is_map, str(runs.files[index][seed][case_id].pred))
    if len(kinds) > 1:
        raise ConfigError(
            f"{printable(kinds[True])} holds probabilities and {printable(kinds[False])} a mask, "
            "and rows must be comparable. Give predictions of one kind."
        )
    return tuple(
        Achieved(setting=setting, predictions=of_setting)
        for setting, of_setting in zip(runs.settings, found, strict=True)
    )
