"""Run every training of a sweep, and gather what each setting achieved."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from segeval.options import SweepOptions
from segeval.tasks.sweep.grid import Setting
from segeval.tasks.sweep.maps import CaseMap, case_map
from segeval.tasks.sweep.trained.outcomes import Achieved, ClassMap, Outcome, outcome_of_maps
from segeval.tasks.sweep.trained.words import Words
from segeval.tasks.sweep.training.batches import Pool, pool_of
from segeval.tasks.sweep.training.cases import TrainingCase
from segeval.tasks.sweep.training.cells import Cell, Kept, Trained, key_of
from segeval.tasks.sweep.training.progress import Pace, TrainWatch
from segeval.tasks.sweep.training.recipe import Recipe
from segeval.tasks.sweep.training.splits import Fold

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

    words: Words
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

    @property
    def cells(self) -> list[Cell]:
        """Every training, row by row."""
        return [
            Cell(row=row, setting=setting, call=self.words.call(setting), fold=fold, seed=seed)
            for row, setting in enumerate(self.settings)
            for seed in self.options.seeds
            for fold in self.folds
        ]


@dataclass(frozen=True, kw_only=True)
class Training:
    """One finished training.

    Attributes:
        case_maps: voxels per probability of every case and class, where thresholds are swept afterwards.
    """

    cell: Cell
    losses: tuple[float, ...]
    start: str
    n_parameters: int
    outcomes: Mapping[str, Outcome]
    case_maps: Mapping[str, tuple[CaseMap, ...]]

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


def run_campaign(campaign: Campaign, watch: TrainWatch | None) -> list[Training]:
    """Train every cell that is not kept from an earlier sweep, and score the maps of all of them."""
    kept = Kept.open(campaign.options.out, campaign.classes)
    pools = {
        fold.number: pool_of([campaign.cases[one] for one in fold.train], campaign.classes) for fold in campaign.folds
    }
    found = [(cell, _key(cell, campaign)) for cell in campaign.cells]
    todo = sum(not kept.has(cell, key, campaign.cases) for cell, key in found)
    pace = Pace(total=todo * campaign.recipe.iterations, watch=watch)
    return list(_trainings(found, campaign, pools, kept, pace))


def _trainings(
    found: Sequence[tuple[Cell, str]], campaign: Campaign, pools: Mapping[int, Pool], kept: Kept, pace: Pace
) -> Iterator[Training]:
    for cell, key in found:
        trained = kept.find(cell, key, campaign.cases)
        if trained is None:
            trained = _train(cell, campaign, pools[cell.fold.number], pace)
            kept.keep(cell, key, trained, campaign.cases)
        yield _scored(cell, trained, campaign)


def _scored(cell: Cell, trained: Trained, campaign: Campaign) -> Training:
    maps = {one: class_maps(fields, campaign.cases[one]) for one, fields in trained.maps.items()}
    options, keep = campaign.options, cell.row == campaign.row_with_maps and cell.seed == campaign.options.seeds[0]
    pooled = options.apr_averaging == "pooled"
    return Training(
        cell=cell,
        losses=trained.losses,
        start=trained.start,
        n_parameters=trained.n_parameters,
        outcomes={
            one: outcome_of_maps(of_case, method=options.apr_method, keep_histograms=pooled)
            for one, of_case in maps.items()
        },
        case_maps={
            one: tuple(case_map(one, of_class.probs, of_class.inside) for of_class in of_case)
            for one, of_case in maps.items()
            if keep
        },
    )


def class_maps(fields: np.ndarray, case: TrainingCase) -> list[ClassMap]:
    """Every class of a case, ignored voxels removed, from maps of shape (class, field, *plane)."""
    target = case.target[case.counted]
    return [ClassMap(probs=one[case.counted], inside=target == i + 1) for i, one in enumerate(fields)]


def _train(cell: Cell, campaign: Campaign, pool: Pool, pace: Pace) -> Trained:
    from segeval.tasks.sweep.training.fit import fit, predict

    fitted = fit(
        cell.call,
        pool,
        campaign.recipe,
        seed=cell.seed,
        device=campaign.device,
        on_step=pace.counter(str(cell), campaign.recipe.iterations),
    )
    maps = {one: predict(fitted.network, campaign.cases[one], device=campaign.device) for one in cell.fold.predict}
    return Trained(losses=fitted.losses, start=fitted.start, n_parameters=fitted.n_parameters, maps=maps)


def _key(cell: Cell, campaign: Campaign) -> str:
    return key_of(cell, campaign.recipe, campaign.cases, device=campaign.device)


def achieved(campaign: Campaign, trainings: Sequence[Training]) -> tuple[Achieved, ...]:
    """What every setting achieved, the folds of a seed joined."""
    return tuple(
        _row(setting, [one for one in trainings if one.cell.row == row], campaign)
        for row, setting in enumerate(campaign.settings)
    )


def _row(setting: Setting, trainings: Sequence[Training], campaign: Campaign) -> Achieved:
    outcomes: dict[str, dict[str, Outcome]] = {str(seed): {} for seed in campaign.options.seeds}
    for one in trainings:
        outcomes[str(one.cell.seed)].update(one.outcomes)
    return Achieved(setting=setting, outcomes=outcomes, facts=_facts(trainings, campaign), note=_note(trainings))


def _facts(trainings: Sequence[Training], campaign: Campaign) -> dict[str, Any]:
    return {
        "train_loss_first": float(np.mean([one.first for one in trainings])),
        "train_loss_last": float(np.mean([one.last for one in trainings])),
        "iterations": campaign.recipe.iterations,
        "seeds": ",".join(map(str, campaign.options.seeds)),
        "diverged": any(one.diverged for one in trainings),
    }


def _note(trainings: Sequence[Training]) -> str:
    """Which trainings did not come to anything; their rows stay."""
    notes = []
    for one in trainings:
        where = f"fold {one.cell.fold.number}, seed {one.cell.seed}"
        if not math.isfinite(one.losses[-1]):
            notes.append(f"{where}: the loss was {one.losses[-1]} at iteration {len(one.losses)}, scored as it stood")
        elif one.diverged:
            notes.append(f"{where}: the loss ended at {one.last:.3g}, no lower than it began")
    return "; ".join(notes)
