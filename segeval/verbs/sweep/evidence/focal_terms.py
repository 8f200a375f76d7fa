"""Where the focal loss of a map lies: on which class, on hard or easy voxels, on how many of them."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from segeval.evidence.arrays import neg_log
from segeval.evidence.probabilities.histogram import ProbHistogram
from segeval.losses.pixel import focal_cost
from segeval.measure import ratio

TOP = 5  # the largest fifth of the losses


@dataclass(frozen=True, kw_only=True)
class Side:
    """The voxels inside or outside the class, the hardest first.

    Attributes:
        hit: p_t, the probability given to the true side.
        miss: 1 - p_t.
        n: voxels of each entry.
    """

    hit: np.ndarray
    miss: np.ndarray
    n: np.ndarray

    @property
    def size(self) -> int:
        return int(self.n.sum())

    def losses(self, gamma: float) -> np.ndarray:
        """-(1 - p_t)^γ ln p_t of each entry."""
        losses: np.ndarray = focal_cost(float(gamma))(neg_log(self.hit, self.miss), neg_log(self.miss, self.hit))
        return losses

    def slopes(self, gamma: float) -> np.ndarray:
        """Magnitude of the gradient in the logit: (1 - p_t)^γ |γ p_t ln p_t + p_t - 1|."""
        return self.miss**gamma * (gamma * self.hit * neg_log(self.hit, self.miss) + self.miss)

    def sum_of_largest(self, values: np.ndarray, n: float) -> float:
        """Sum of the `n` largest values over the voxels; values fall from entry to entry."""
        counts, sums = (np.concatenate([[0.0], np.cumsum(one)]) for one in (self.n, self.n * values))
        return float(np.interp(n, counts, sums))


def sides_of(histogram: ProbHistogram) -> tuple[Side, Side]:
    """The voxels inside the class, and those outside."""
    p, last = histogram.thresholds, slice(None, None, -1)
    inside, outside = histogram.positives > 0, histogram.negatives > 0
    return (
        Side(hit=p[inside][last], miss=1 - p[inside][last], n=histogram.positives[inside][last]),
        Side(hit=1 - p[outside], miss=p[outside], n=histogram.negatives[outside]),
    )


def focal_cells(sides: tuple[Side, Side], *, gamma: float, alpha: float | None, easy: float) -> dict[str, float]:
    """Every column of a row.

    Args:
        alpha: weight of the class, 1 - alpha that of the rest; None weighs both by 1.
        easy: voxels with p_t from here on are easy.
    """
    weights = (1.0, 1.0) if alpha is None else (alpha, 1 - alpha)
    pos, neg = sides
    bare = [side.losses(gamma) for side in sides]
    losses = [weight * values for weight, values in zip(weights, bare, strict=True)]
    slopes = [weight * side.slopes(gamma) for weight, side in zip(weights, sides, strict=True)]
    shares, slope_shares = _cells_of_total(sides, losses, easy), _cells_of_total(sides, slopes, easy)
    total = sum(float(values @ side.n) for values, side in zip(losses, sides, strict=True))
    n = pos.size + neg.size
    return {
        "loss_mean": float(ratio(total, n)),
        "loss_num_pos": total / max(1, pos.size),
        **_shares(shares),
        "top20_share_pos": _top_share(pos, losses[0]),
        "top20_share_neg": _top_share(neg, losses[1]),
        **_effective(sides, losses),
        "grad_pos_share": slope_shares["pos_hard"] + slope_shares["pos_easy"],
        "grad_hard_share": slope_shares["pos_hard"] + slope_shares["neg_hard"],
        "n_eff_grad": _effective(sides, slopes)["n_eff"],
        "frac_hard_pos": _fraction_hard(pos, easy),
        "frac_hard_neg": _fraction_hard(neg, easy),
        "alpha_balance": _balance(bare[0] @ pos.n, bare[1] @ neg.n) if pos.size else np.nan,
    }


def cumulative_loss(side: Side, gamma: float) -> np.ndarray:
    """Share of the side's loss carried by its 0, 1, ..., 100 % easiest voxels; a weight per side would cancel."""
    losses = side.losses(gamma)
    largest = [side.size - -(-percent * side.size // 100) for percent in range(101)]
    of_hardest = np.array([side.sum_of_largest(losses, n) for n in largest])
    return ratio(of_hardest[0] - of_hardest, of_hardest[0])


def _cells_of_total(sides: tuple[Side, Side], values: list[np.ndarray], easy: float) -> dict[str, float]:
    """The shares of hard and easy voxels of both sides; they sum to 1."""
    sums = {}
    for name, side, of_side in zip(("pos", "neg"), sides, values, strict=True):
        hard = side.hit < easy
        sums[f"{name}_hard"] = float((side.n * of_side)[hard].sum())
        sums[f"{name}_easy"] = float((side.n * of_side)[~hard].sum())
    total = sum(sums.values())
    return {name: float(ratio(value, total)) for name, value in sums.items()}


def _shares(cells: Mapping[str, float]) -> dict[str, float]:
    """The four cells and their margins."""
    return {
        "pos_share": cells["pos_hard"] + cells["pos_easy"],
        "neg_share": cells["neg_hard"] + cells["neg_easy"],
        "hard_share": cells["pos_hard"] + cells["neg_hard"],
        "easy_share": cells["pos_easy"] + cells["neg_easy"],
        **{f"{name}_share": value for name, value in cells.items()},
    }


def _effective(sides: tuple[Side, Side], values: list[np.ndarray]) -> dict[str, float]:
    """(Σ l)² / Σ l²: how many equally weighted voxels would spread the loss as wide."""
    sums = np.array([side.n @ of_side for side, of_side in zip(sides, values, strict=True)])
    squares = np.array([side.n @ of_side**2 for side, of_side in zip(sides, values, strict=True)])
    n_eff = float(ratio(sums.sum() ** 2, squares.sum()))
    n_eff_pos, n_eff_neg = (float(one) for one in ratio(sums**2, squares))
    n = sides[0].size + sides[1].size
    return {"n_eff": n_eff, "n_eff_pos": n_eff_pos, "n_eff_neg": n_eff_neg, "n_eff_frac": float(ratio(n_eff, n))}


def _top_share(side: Side, losses: np.ndarray) -> float:
    """Share of the side's loss that its largest fifth carries."""
    return float(ratio(side.sum_of_largest(losses, -(-side.size // TOP)), side.n @ losses))


def _fraction_hard(side: Side, easy: float) -> float:
    return float(ratio(side.n[side.hit < easy].sum(), side.size))


def _balance(pos: float, neg: float) -> float:
    """The α at which both sides carry the same loss: A / (1 + A) with A = neg / pos."""
    return float(ratio(neg, neg + pos))
