"""What must be said of the trainings beside their table: captions, loss curves, and the split."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from segeval.verbs.sweep.output.plots import Picture, Series
from segeval.verbs.sweep.output.table import SweepTable
from segeval.verbs.sweep.trained.words import setting_text
from segeval.verbs.sweep.training.campaign import Campaign, Training

KEPT, DRAWN = 100, 30  # points of a loss curve, in tables and in pictures
_NOT_COMPARABLE = "Losses of different settings are not comparable in size."


def caption_of(campaign: Campaign, trainings: Sequence[Training]) -> dict[str, str]:
    """Everything that was held the same in all rows."""
    case = next(iter(campaign.cases.values()))
    outputs = campaign.classes if len(campaign.classes) == 1 else ("background", *campaign.classes)
    network = {"unet": "compact U-Net", "monai": "monai.networks.nets.UNet"}[campaign.recipe.network]
    return {
        "network": f"{network}, {campaign.recipe.n_space}-D, width {campaign.recipe.width}, {case.image.shape[1]} "
        f"channel(s) in, {', '.join(outputs)} out, output bias at the prior",
        "parameters": str(trainings[0].n_parameters),
        "initial_weights": ", ".join(dict.fromkeys(f"{_which(one)}{one.start}" for one in trainings)),
        **campaign.recipe.said(),
        "loss_over": "a batch as one image",
        "data_order": "drawn from the seed alone, the same in all rows",
        "model_selection": "none, the last iterate is scored",
        "train_loss": "mean over the first and the last tenth of the iterations",
        "device": _device_text(campaign.device),
    }


def split_text(campaign: Campaign) -> str:
    """Which cases were trained on, and which are reported."""
    if len(campaign.folds) > 1:
        return f"{len(campaign.folds)} folds, each of {len(campaign.predicted)} cases reported once"
    (fold,) = campaign.folds
    return f"hold-out: {len(fold.train)} cases trained on, {len(fold.predict)} others predicted"


def curves_of(trainings: Sequence[Training]) -> tuple[SweepTable, Picture]:
    """The loss of every training, thinned to means over equal stretches."""
    settings = tuple(trainings[0].cell.setting)
    rows = [
        {**one.cell.setting, "fold": one.cell.fold.number, "seed": one.cell.seed, "iteration": at, "train_loss": loss}
        for one in trainings
        for at, loss in thinned(one.losses)
    ]
    table = SweepTable(
        loss=trainings[0].cell.call.measure.name,
        mode="train",
        title="Training loss",
        settings=(*settings, "fold", "seed", "iteration"),
        columns=("train_loss",),
        rows=tuple(rows),
        notes=(_NOT_COMPARABLE,),
    )
    return table, _picture(trainings)


def thinned(losses: Sequence[float], *, most: int = KEPT) -> list[tuple[int, float]]:
    """Up to `most` points: the last iteration of a stretch, and the mean loss over it."""
    ends = np.unique(np.linspace(0, len(losses), min(most, len(losses)) + 1).astype(int))
    return [(int(end), float(np.mean(losses[start:end]))) for start, end in pairwise(ends)]


def _picture(trainings: Sequence[Training]) -> Picture:
    """One line per setting: its first fold and seed."""
    first = {setting_text(one.cell.setting): one for one in reversed(trainings)}
    lines = {name: thinned(one.losses, most=DRAWN) for name, one in reversed(first.items())}
    return Picture(
        name="training",
        title="Training loss",
        x_label="iteration",
        y_label="loss",
        series=tuple(
            Series(name=name, x=[at for at, _ in line], y=[loss for _, loss in line]) for name, line in lines.items()
        ),
        caption=f"First fold and seed, means over up to {DRAWN} stretches. {_NOT_COMPARABLE}",
    )


def _which(one: Training) -> str:
    return f"fold {one.cell.fold.number} seed {one.cell.seed} "


def _device_text(device: str) -> str:
    import torch

    if device == "cpu":
        return "cpu, deterministic"
    return f"{device} ({torch.cuda.get_device_name(device)}), deterministic where torch can be"
