"""Run every training of a sweep: all settings, seeds and folds, each scored as soon as it is done, and told of."""

import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Protocol, runtime_checkable

import numpy as np

from segeval.evidence.labels import LabelClass, LabelMap
from segeval.evidence.probabilities.channels import ProbMap
from segeval.evidence.probabilities.scored_map import ScoredMap
from segeval.files.outputs import OutputFolder
from segeval.options import SweepOptions
from segeval.verbs.sweep.grid import Setting
from segeval.verbs.sweep.maps.cases import ClassOfCase
from segeval.verbs.sweep.trained.schema import SettingSchema
from segeval.verbs.sweep.trained.scores import Achieved, PredictionScorer, ScoredPrediction
from segeval.verbs.sweep.training.cases import Fold, TrainingCase
from segeval.verbs.sweep.training.patches import PatchSource, patch_source
from segeval.verbs.sweep.training.recipe import Recipe
from segeval.verbs.sweep.training.store import PlannedTraining, Trained, TrainingStore

FACTS = (
    *("train_loss_first", "train_loss_last", "iterations", "seeds", "diverged"),
    *("pred_volume_ratio", "empty_predictions"),
)


@dataclass(frozen=True, kw_only=True)
class Campaign:
    """Everything that is trained, and how.

    Attributes:
        row_with_maps: the setting whose maps are swept over thresholds afterwards.
    """

    schema: SettingSchema
    settings: Sequence[Setting]
    cases: Mapping[str, TrainingCase]
    classes: tuple[str, ...]
    folds: tuple[Fold, ...]
    recipe: Recipe
    device: str
    options: SweepOptions
    row_with_maps: int | None = None

    @property
    def predicted(self) -> tuple[str, ...]:
        """The cases that are reported: each is predicted by a network that never saw it."""
        return tuple(sorted(case_id for fold in self.folds for case_id in fold.predict))

    @cached_property
    def trainings(self) -> list[PlannedTraining]:
        """Every training, row by row."""
        return [
            PlannedTraining(row=row, setting=setting, call=self.schema.call(setting), fold=fold, seed=seed)
            for row, setting in enumerate(self.settings)
            for seed in self.options.seeds
            for fold in self.folds
        ]

    @cached_property
    def scorer(self) -> PredictionScorer:
        """Scores every class of a case."""
        classes = tuple(LabelClass(name=name, ids=(i + 1,)) for i, name in enumerate(self.classes))
        return PredictionScorer(classes=classes, labels=LabelMap(classes=classes), options=self.options)


@dataclass(frozen=True, kw_only=True)
class FinishedTraining:
    """One finished training, and what its network makes of the cases that it never saw.

    Attributes:
        predictions: case -> its scores.
        case_maps: voxels per probability of every case and class, where thresholds are swept afterwards.
    """

    plan: PlannedTraining
    losses: tuple[float, ...]
    start: str
    n_parameters: int
    predictions: Mapping[str, ScoredPrediction]
    case_maps: Mapping[str, tuple[ClassOfCase, ...]]

    @property
    def tenth(self) -> int:
        return max(1, len(self.losses) // 10)

    @property
    def first(self) -> float:
        """Mean loss of the first tenth of the iterations."""
        return float(np.mean(self.losses[: self.tenth]))

    @property
    def last(self) -> float:
        """Mean loss of the last tenth; nan if training broke off."""
        return float(np.mean(self.losses[-self.tenth :]))

    @property
    def diverged(self) -> bool:
        """Whether the loss became nan or infinite, or ended no lower than it began."""
        return not math.isfinite(self.losses[-1]) or self.last >= self.first

    @property
    def problem(self) -> str:
        """Why it did not come to anything; its row stays."""
        where = f"fold {self.plan.fold.number}, seed {self.plan.seed}"
        if not math.isfinite(self.losses[-1]):
            return f"{where}: the loss was {self.losses[-1]} at iteration {len(self.losses)}, scored as it stood"
        return f"{where}: the loss ended at {self.last:.3g}, no lower than it began" if self.diverged else ""


@dataclass(frozen=True, kw_only=True)
class Step:
    """One iteration is done.

    Attributes:
        training: which one, such as `alpha_fp=0.3, beta_fn=0.7, fold 1, seed 0`.
        done, total: iterations of all trainings.
        seconds_left: at the pace so far; None until there is one.
    """

    training: str
    done: int
    total: int
    loss: float
    seconds_left: float | None


@runtime_checkable
class TrainWatch(Protocol):
    """Who wants to see how far the trainings are."""

    def start(self, total: int) -> None:
        """So many iterations lie ahead; those of trainings that were read back are not among them."""

    def advance(self, step: Step) -> None:
        """One more iteration is done."""


@dataclass(kw_only=True)
class Pace:
    """Counts iterations for a watch, and says what is left."""

    total: int
    watch: TrainWatch | None = None
    done: int = 0
    started: float = field(default_factory=time.perf_counter)

    def __post_init__(self) -> None:
        if self.watch is not None:
            self.watch.start(self.total)

    def counter(self, training: str, iterations: int) -> Callable[[float], None]:
        """What a training calls after every iteration; one that breaks off early counts as done at the next call."""
        self.done = -(-self.done // iterations) * iterations

        def on_step(loss: float) -> None:
            self.done += 1
            if self.watch is not None:
                self.watch.advance(
                    Step(training=training, done=self.done, total=self.total, loss=loss, seconds_left=self._left())
                )

        return on_step

    def _left(self) -> float | None:
        if self.done < 2:
            return None
        return (time.perf_counter() - self.started) / self.done * (self.total - self.done)


def run_campaign(
    campaign: Campaign, watch: TrainWatch | None, folder: OutputFolder | None = None
) -> list[FinishedTraining]:
    """Make every training that the folder does not keep from an earlier sweep, and score the maps of all of them."""
    sources = {
        fold.number: patch_source(
            [campaign.cases[case_id] for case_id in fold.train],
            campaign.classes,
            held_out=[campaign.cases[case_id] for case_id in fold.predict],
        )
        for fold in campaign.folds
    }
    store = TrainingStore(folder=folder, classes=campaign.classes, cases=campaign.cases)
    store.drop_others(campaign.trainings)
    keys = [plan.key(campaign.recipe, campaign.cases, device=campaign.device) for plan in campaign.trainings]
    todo = [key for plan, key in zip(campaign.trainings, keys, strict=True) if not store.has(plan, key)]
    n = len(todo) if store.folder is None else len(set(todo))  # a setting asked for twice is read back once it is there
    pace = Pace(total=n * campaign.recipe.iterations, watch=watch)
    return list(_run(campaign, keys, sources, store, pace))


def _run(
    campaign: Campaign,
    keys: Sequence[str],
    sources: Mapping[int, PatchSource],
    store: TrainingStore,
    pace: Pace,
) -> Iterator[FinishedTraining]:
    for plan, key in zip(campaign.trainings, keys, strict=True):
        trained = store.find(plan, key)
        if trained is None:
            from segeval.verbs.sweep.training.network import train_and_predict

            trained = train_and_predict(
                plan.call,
                sources[plan.fold.number],
                campaign.recipe,
                {case_id: campaign.cases[case_id] for case_id in plan.fold.predict},
                seed=plan.seed,
                device=campaign.device,
                on_step=pace.counter(str(plan), campaign.recipe.iterations),
            )
            store.keep(plan, key, trained)
        yield _scored(plan, trained, campaign)


def _scored(plan: PlannedTraining, trained: Trained, campaign: Campaign) -> FinishedTraining:
    maps = {case_id: class_maps(fields, campaign.cases[case_id]) for case_id, fields in trained.maps.items()}
    swept_later = plan.row == campaign.row_with_maps and plan.seed == campaign.options.seeds[0]
    counted = tuple(maps) if swept_later else ()
    return FinishedTraining(
        plan=plan,
        losses=trained.losses,
        start=trained.start,
        n_parameters=trained.n_parameters,
        predictions={case_id: campaign.scorer.score_maps(case_id, of_case) for case_id, of_case in maps.items()},
        case_maps={name: tuple(ClassOfCase.count(name, scored) for scored in maps[name]) for name in counted},
    )


def class_maps(fields: np.ndarray, case: TrainingCase) -> list[ScoredMap]:
    """Every class of a case, ignored voxels removed, from maps of shape (class, field, *plane)."""
    target = case.target[case.counted]
    maps = [ProbMap(stored=of_class[case.counted]) for of_class in fields]
    return [ScoredMap(map=probs, truth=target == i + 1) for i, probs in enumerate(maps)]


def achieved(campaign: Campaign, trainings: Sequence[FinishedTraining]) -> tuple[Achieved, ...]:
    """What every setting achieved, the folds of a seed joined."""
    rows = []
    for index, setting in enumerate(campaign.settings):
        of_row = [training for training in trainings if training.plan.row == index]
        predictions: dict[str, dict[str, ScoredPrediction]] = {str(seed): {} for seed in campaign.options.seeds}
        for training in of_row:
            predictions[str(training.plan.seed)].update(training.predictions)
        facts: dict[str, Any] = {
            "train_loss_first": float(np.mean([training.first for training in of_row])),
            "train_loss_last": float(np.mean([training.last for training in of_row])),
            "iterations": campaign.recipe.iterations,
            "seeds": ",".join(map(str, campaign.options.seeds)),
            "diverged": any(training.diverged for training in of_row),
        }
        note = "; ".join(filter(None, (training.problem for training in of_row)))
        rows.append(Achieved(setting=setting, predictions=predictions, facts=facts, note=note))
    return tuple(rows)
