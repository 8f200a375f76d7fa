"""Run every training of a sweep: all settings, seeds and folds."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from segeval.evidence.probabilities.channels import ProbMap
from segeval.evidence.probabilities.scored_map import ScoredMap
from segeval.options import SweepOptions
from segeval.verbs.sweep.evidence.maps import CaseMap, case_map
from segeval.verbs.sweep.grid import Setting
from segeval.verbs.sweep.trained.outcomes import Outcome, outcome_of_maps
from segeval.verbs.sweep.trained.words import Words
from segeval.verbs.sweep.training.batches import Pool, pool_of
from segeval.verbs.sweep.training.cases import TrainingCase
from segeval.verbs.sweep.training.cells import Cell, Kept, Trained, key_of
from segeval.verbs.sweep.training.progress import Pace, TrainWatch
from segeval.verbs.sweep.training.recipe import Recipe
from segeval.verbs.sweep.training.splits import Fold


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
    pools = {
        fold.number: pool_of([campaign.cases[one] for one in fold.train], campaign.classes) for fold in campaign.folds
    }
    kept = Kept.open(campaign.options.out, campaign.classes)
    kept.drop_others(campaign.cells, campaign.cases)
    found = [(cell, _key(cell, campaign)) for cell in campaign.cells]
    todo = [key for cell, key in found if not kept.has(cell, key, campaign.cases)]
    n = len(todo) if kept.folder is None else len(set(todo))  # a setting asked for twice is read back once it is there
    pace = Pace(total=n * campaign.recipe.iterations, watch=watch)
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
    swept_later = cell.row == campaign.row_with_maps and cell.seed == campaign.options.seeds[0]
    return Training(
        cell=cell,
        losses=trained.losses,
        start=trained.start,
        n_parameters=trained.n_parameters,
        outcomes={one: _outcome(of_case, campaign.options) for one, of_case in maps.items()},
        case_maps={one: _counted(one, of_case) for one, of_case in maps.items()} if swept_later else {},
    )


def _outcome(maps: Sequence[ScoredMap], options: SweepOptions) -> Outcome:
    return outcome_of_maps(maps, method=options.apr_method, keep_histograms=options.apr_averaging == "pooled")


def _counted(case_id: str, maps: Sequence[ScoredMap]) -> tuple[CaseMap, ...]:
    return tuple(case_map(case_id, one) for one in maps)


def class_maps(fields: np.ndarray, case: TrainingCase) -> list[ScoredMap]:
    """Every class of a case, ignored voxels removed, from maps of shape (class, field, *plane)."""
    target = case.target[case.counted]
    maps = [ProbMap(stored=one[case.counted]) for one in fields]
    return [ScoredMap(map=one, truth=target == i + 1) for i, one in enumerate(maps)]


def _train(cell: Cell, campaign: Campaign, pool: Pool, pace: Pace) -> Trained:
    from segeval.verbs.sweep.training.fit import fit, predict

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
