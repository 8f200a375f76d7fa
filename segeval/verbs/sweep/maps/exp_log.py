"""`segeval sweep exp_log --maps`: which labels the exponential logarithmic loss of one set of maps pulls on."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from segeval.errors import DataError
from segeval.evidence.case import Case
from segeval.evidence.probabilities.channels import BACKGROUND
from segeval.evidence.probabilities.soft import ChannelCounts, ProbVoxels
from segeval.losses.compound import exp_log_loss
from segeval.measure import MeasureCall, ratio
from segeval.options import SweepOptions
from segeval.results.table import Row
from segeval.verbs.sweep.draw import lines
from segeval.verbs.sweep.grid import Setting, exp_log_settings
from segeval.verbs.sweep.maps.cases import scored_classes
from segeval.verbs.sweep.table import SweepPicture, SweepTable, mean_cells

SETTINGS = ("gamma", "w_dice", "w_cross")
PARTS = ("loss", "dice_part", "cross_part")
EPS = 1.0
PAPER_WEIGHTS = (0.8, 0.2)
_FARTHEST = -100.0  # logarithm of a probability that is stored as 0
_NOTES = (
    "One set of maps is weighed; the table says nothing about training with these losses.",
    "loss values of different settings are not comparable in size.",
    "Labels are weighted by how often they occur in the case; the mean over labels includes the background.",
)


@dataclass(frozen=True, kw_only=True)
class SoftmaxEntries:
    """All channels of one case as entries, each for the voxels of one label and one set of probabilities.

    Attributes:
        names: of the labels, in the order of the channels.
        probs: shape (channel, entry).
        label: the true channel of each entry.
        count: voxels of each entry.
    """

    names: tuple[str, ...]
    probs: np.ndarray
    label: np.ndarray
    count: np.ndarray

    @classmethod
    def of_case(cls, case: Case, *, ignore: Sequence[int] = ()) -> "SoftmaxEntries":
        """Take a case whose channels share out the whole probability.

        Raises:
            DataError: the channels are independent of each other.
        """
        layout = None if case.probs is None else case.probs.layout
        if layout is None or not layout.exclusive:
            raise DataError(
                f"{case.case_id}: its channels are independent maps ({layout}), and exp_log looks "
                "across the channels of a softmax. Give a channel for the background too."
            )
        has_rest = any(0 in label.ids for label in layout.classes)
        partition = layout.classes if has_rest else (BACKGROUND, *layout.classes)
        channels = list(scored_classes(case, partition, ignore=ignore))
        truth = np.stack([scored.truth for scored in channels])
        rest = next(i for i, label in enumerate(partition) if 0 in label.ids)
        label = np.where(truth.any(axis=0), truth.argmax(axis=0), rest)  # which is every id that no channel has
        rows = np.stack([label, *(scored.map.probs() for scored in channels)]).astype(np.float64)
        rows = rows[:, np.lexsort(rows)]
        first = np.flatnonzero(np.concatenate([[True], (np.diff(rows) != 0).any(axis=0)]))
        count = np.diff(first, append=rows.shape[1]).astype(np.float64)
        names = tuple(label.name for label in partition)
        return cls(names=names, probs=rows[1:, first], label=rows[0, first].astype(np.int64), count=count)

    @property
    def voxels(self) -> ProbVoxels:
        """What losses read, shape (channel, entry)."""
        truth = np.arange(len(self.probs))[:, None] == self.label
        hit, miss = np.where(truth, self.probs, 1 - self.probs), np.where(truth, 1 - self.probs, self.probs)
        return ProbVoxels(truth=truth, count=np.broadcast_to(self.count, truth.shape), hit=hit, miss=miss)

    def value(self, call: MeasureCall) -> float:
        """The loss over all channels."""
        return float(_evaluated(call, self.voxels))

    def gradient(self, call: MeasureCall) -> np.ndarray:
        """The slope in the logits of every entry, summed over its voxels; shape (channel, entry)."""
        import torch

        from segeval.losses.training.reading import read_batch
        from segeval.losses.training.sums import voxels_of

        with np.errstate(divide="ignore"):
            logits = torch.as_tensor(np.log(self.probs).clip(_FARTHEST))
        logits.requires_grad_()
        voxels = voxels_of(read_batch(logits[None], torch.as_tensor(self.label)[None], activation="softmax"))
        _evaluated(call, replace(voxels, count=torch.as_tensor(self.count).expand(voxels.truth.shape))).sum().backward()
        return np.asarray(logits.grad)


def _evaluated(call: MeasureCall, voxels: Any) -> Any:
    needs: tuple[Any, ...] = call.measure.needs
    return call(*(need(voxels) for need in needs))


def sweep_exp_log_maps(cases: Iterable[SoftmaxEntries], options: SweepOptions) -> SweepTable:
    """Tabulate the loss, its two parts, and the share of the gradient on each label, averaged over cases.

    Raises:
        ConfigError: the grid does not fit.
        DataError: a case has maps that do not share out the probability.
    """
    settings = exp_log_settings(options)
    names: tuple[str, ...] = ()
    of_cases: list[list[Row]] = []
    for case in cases:
        names = case.names
        of_cases.append(_rows(case, settings))
    dices, shares = tuple(f"dice_{name}" for name in names), tuple(f"grad_share_{name}" for name in names)
    columns = (*PARTS, *dices, *shares)
    table = SweepTable(
        loss="exp_log_loss",
        mode="maps",
        title="Exponential logarithmic loss of one set of probability maps",
        settings=SETTINGS,
        columns=columns,
        rows=tuple(
            setting | mean_cells(rows, columns)
            for setting, rows in zip(settings, zip(*of_cases, strict=True), strict=True)
        ),
        constant=dices,
        averaging="case",
        n_cases=len(of_cases),
        caption={"include_background": "yes"},
        notes=_NOTES,
    )
    return replace(table, pictures=(_picture(table, shares),))


def _rows(entries: SoftmaxEntries, settings: Sequence[Setting]) -> list[Row]:
    counts = ChannelCounts(entries.voxels)
    dice = (2 * counts.tp + EPS) / (counts.pred + counts.truth + EPS)
    dices = {f"dice_{name}": float(value) for name, value in zip(entries.names, dice, strict=True)}
    parts = {gamma: _parts(entries, gamma) for gamma in dict.fromkeys(setting["gamma"] for setting in settings)}
    return [dices | _cells(parts[setting["gamma"]], setting, entries.names) for setting in settings]


def _parts(entries: SoftmaxEntries, gamma: float) -> list[tuple[float, np.ndarray]]:
    """Value and gradient of the Dice part and of the cross-entropy part; the loss is their weighted sum."""
    calls = [
        exp_log_loss.at(gamma_dice=gamma, gamma_cross=gamma, w_dice=w_dice, w_cross=1 - w_dice, eps=EPS)
        for w_dice in (1.0, 0.0)
    ]
    return [(entries.value(call), entries.gradient(call)) for call in calls]


def _cells(parts: Sequence[tuple[float, np.ndarray]], setting: Setting, names: Sequence[str]) -> dict[str, float]:
    (dice_part, dice_slopes), (cross_part, cross_slopes) = parts
    w_dice, w_cross = setting["w_dice"], setting["w_cross"]
    pulls = np.abs(w_dice * dice_slopes + w_cross * cross_slopes).sum(axis=1)
    return {
        "loss": w_dice * dice_part + w_cross * cross_part,
        "dice_part": dice_part,
        "cross_part": cross_part,
        **{f"grad_share_{name}": float(share) for name, share in zip(names, ratio(pulls, pulls.sum()), strict=True)},
    }


def _picture(table: SweepTable, shares: Sequence[str]) -> SweepPicture:
    """Shares against γ, for the weights of the paper where they are in the table."""
    pairs = dict.fromkeys((row["w_dice"], row["w_cross"]) for row in table.rows)
    drawn = PAPER_WEIGHTS if PAPER_WEIGHTS in pairs else next(iter(pairs))
    rows = tuple(row for row in table.rows if (row["w_dice"], row["w_cross"]) == drawn)
    return lines(
        table,
        name="exp_log_shares",
        x=("gamma", "γ"),
        y_label="share of the gradient",
        columns={name: name.removeprefix("grad_share_") for name in shares},
        rows=rows,
        title=f"Share of the gradient by label, weights {drawn[0]:g} and {drawn[1]:g}",
        y_range=(0.0, None),
    )
