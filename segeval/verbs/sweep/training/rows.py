"""What each setting achieved, from all of its trainings."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from segeval.verbs.sweep.grid import Setting
from segeval.verbs.sweep.trained.outcomes import Achieved, Outcome
from segeval.verbs.sweep.training.campaign import Campaign, Training

FACTS = (
    *("train_loss_first", "train_loss_last", "iterations", "seeds", "diverged"),
    *("pred_volume_ratio", "empty_predictions"),
)


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
