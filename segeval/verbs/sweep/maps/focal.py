"""`segeval sweep focal --maps`: which voxels of one set of probability maps carry the focal loss."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from segeval.evidence.arrays import neg_log
from segeval.evidence.probabilities.histogram import ProbHistogram
from segeval.files.paths import safe_name
from segeval.losses.pixel import focal_cost
from segeval.measure import ratio
from segeval.options import SweepOptions
from segeval.results.table import Row
from segeval.verbs.sweep.draw import lines
from segeval.verbs.sweep.grid import focal_settings
from segeval.verbs.sweep.maps.cases import ClassOverCases
from segeval.verbs.sweep.sheet import knob_text
from segeval.verbs.sweep.table import SweepPicture, SweepTable, mean_cells, with_means

SETTINGS = ("gamma", "alpha_pos")
COLUMNS = (
    *("loss_mean", "loss_num_pos", "pos_share", "neg_share", "hard_share", "easy_share"),
    *("pos_hard_share", "pos_easy_share", "neg_hard_share", "neg_easy_share"),
    *("top20_share_pos", "top20_share_neg", "n_eff", "n_eff_pos", "n_eff_neg", "n_eff_frac"),
    *("grad_pos_share", "grad_hard_share", "n_eff_grad", "frac_hard_pos", "frac_hard_neg", "alpha_balance"),
)
SHOWN = (
    *("loss_mean", "pos_share", "hard_share", "top20_share_pos", "top20_share_neg"),
    *("n_eff", "n_eff_frac", "grad_pos_share", "grad_hard_share", "alpha_balance"),
)
TOP = 5  # the largest fifth of the losses
SIDES = {"pos": "voxels of the class", "neg": "all others"}
_DRAWN = {
    "pos_share": "positives",
    "hard_share": "hard voxels",
    "top20_share_neg": "hardest fifth of the negatives, of their own",
    "top20_share_pos": "hardest fifth of the positives, of their own",
}
_WHICH = {"pooled": "of all cases pooled", "case": "of each case, averaged over the cases"}
_NOTES = (
    "One set of maps is weighed; the table says nothing about training with these losses.",
    "loss values of different (γ, α) are not comparable in size.",
    "n_eff = (Σ l)²/Σ l² is the effective number of voxels that carry the loss; no class count enters it.",
)


@dataclass(frozen=True, kw_only=True)
class FocalSide:
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

    @property
    def nll(self) -> np.ndarray:
        return neg_log(self.hit, self.miss)

    @property
    def nlm(self) -> np.ndarray:
        return neg_log(self.miss, self.hit)

    def losses(self, gamma: float) -> np.ndarray:
        """-(1 - p_t)^γ ln p_t of each entry."""
        losses: np.ndarray = focal_cost(float(gamma))(self)
        return losses

    def slopes(self, gamma: float) -> np.ndarray:
        """Magnitude of the gradient in the logit: (1 - p_t)^γ |γ p_t ln p_t + p_t - 1|."""
        return self.miss**gamma * (gamma * self.hit * self.nll + self.miss)

    def sum_of_largest(self, values: np.ndarray, n: float) -> float:
        """Sum of the `n` largest values over the voxels; values fall from entry to entry."""
        counts, sums = (np.concatenate([[0.0], np.cumsum(steps)]) for steps in (self.n, self.n * values))
        return float(np.interp(n, counts, sums))

    def share_of_top(self, losses: np.ndarray) -> float:
        """Share of the side's loss that its largest fifth carries."""
        return float(ratio(self.sum_of_largest(losses, -(-self.size // TOP)), self.n @ losses))

    def fraction_hard(self, easy: float) -> float:
        return float(ratio(self.n[self.hit < easy].sum(), self.size))

    def drawn(self, n: int, seed: int) -> "FocalSide":
        """`n` voxels of the side, drawn without replacement; all of them for 0."""
        if not 0 < n < self.size:
            return self
        drawn = np.random.default_rng(seed).multivariate_hypergeometric(self.n, n, method="marginals")
        kept = drawn > 0
        return FocalSide(hit=self.hit[kept], miss=self.miss[kept], n=drawn[kept])


def sides_of(histogram: ProbHistogram) -> tuple[FocalSide, FocalSide]:
    """The voxels inside the class, and those outside."""
    p, last = histogram.thresholds, slice(None, None, -1)
    inside, outside = histogram.positives > 0, histogram.negatives > 0
    return (
        FocalSide(hit=p[inside][last], miss=1 - p[inside][last], n=histogram.positives[inside][last]),
        FocalSide(hit=1 - p[outside], miss=p[outside], n=histogram.negatives[outside]),
    )


def sweep_focal_maps(classes: Sequence[ClassOverCases], options: SweepOptions) -> SweepTable:
    """Tabulate which share of the loss, and of its gradient, every (γ, α) puts on which voxels.

    Raises:
        ConfigError: the grid does not fit.
    """
    averaging = options.averaging or "pooled"
    table = SweepTable(
        loss="focal_loss",
        mode="maps",
        title="Where the focal loss of one set of probability maps lies",
        settings=SETTINGS,
        columns=(*COLUMNS, "approx"),
        rows=tuple(with_means({maps.name: _rows(maps, options) for maps in classes}, SETTINGS, COLUMNS)),
        averaging=averaging,
        n_cases=len(classes[0].cases),
        caption={"easy": f"p_t >= {options.easy_threshold:g}", "voxels": _WHICH[averaging]},
        notes=_NOTES,
        shown=SHOWN,
    )
    return replace(table, pictures=tuple(_picture(table, maps.name) for maps in classes))


def _rows(maps: ClassOverCases, options: SweepOptions) -> list[Row]:
    per_case = options.averaging == "case"
    histograms = [case.histogram for case in maps.cases] if per_case else [maps.pooled]
    sides = [sides_of(histogram) for histogram in histograms]
    note = "" if maps.curve.n_truth else f"no voxel of {maps.name}"
    rows: list[Row] = []
    for setting in focal_settings(options):
        how = {"gamma": setting["gamma"], "alpha": setting["alpha_pos"], "easy": options.easy_threshold}
        cells = mean_cells([focal_cells(of_case, **how) for of_case in sides], COLUMNS)
        rows.append({**setting, **cells, "approx": maps.curve.approx, "note": note})
    return rows


def focal_cells(
    sides: tuple[FocalSide, FocalSide], *, gamma: float, alpha: float | None, easy: float
) -> dict[str, float]:
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
    shares, pulls = _quarters(sides, losses, easy), _quarters(sides, slopes, easy)
    total = sum(float(values @ side.n) for values, side in zip(losses, sides, strict=True))
    n_eff, n_eff_pos, n_eff_neg = _effective(sides, losses)
    balance = ratio(bare[1] @ neg.n, bare[1] @ neg.n + bare[0] @ pos.n)  # A / (1 + A) with A = neg / pos
    return {
        "loss_mean": float(ratio(total, pos.size + neg.size)),
        "loss_num_pos": total / max(1, pos.size),
        "pos_share": shares["pos_hard"] + shares["pos_easy"],
        "neg_share": shares["neg_hard"] + shares["neg_easy"],
        "hard_share": shares["pos_hard"] + shares["neg_hard"],
        "easy_share": shares["pos_easy"] + shares["neg_easy"],
        **{f"{name}_share": value for name, value in shares.items()},
        "top20_share_pos": pos.share_of_top(losses[0]),
        "top20_share_neg": neg.share_of_top(losses[1]),
        "n_eff": n_eff,
        "n_eff_pos": n_eff_pos,
        "n_eff_neg": n_eff_neg,
        "n_eff_frac": float(ratio(n_eff, pos.size + neg.size)),
        "grad_pos_share": pulls["pos_hard"] + pulls["pos_easy"],
        "grad_hard_share": pulls["pos_hard"] + pulls["neg_hard"],
        "n_eff_grad": _effective(sides, slopes)[0],
        "frac_hard_pos": pos.fraction_hard(easy),
        "frac_hard_neg": neg.fraction_hard(easy),
        "alpha_balance": float(balance) if pos.size else np.nan,
    }


def _quarters(sides: tuple[FocalSide, FocalSide], values: list[np.ndarray], easy: float) -> dict[str, float]:
    """The shares of hard and easy voxels of both sides; they sum to 1."""
    sums = {}
    for name, side, of_side in zip(SIDES, sides, values, strict=True):
        hard = side.hit < easy
        sums[f"{name}_hard"] = float((side.n * of_side)[hard].sum())
        sums[f"{name}_easy"] = float((side.n * of_side)[~hard].sum())
    total = sum(sums.values())
    return {name: float(ratio(value, total)) for name, value in sums.items()}


def _effective(sides: tuple[FocalSide, FocalSide], values: list[np.ndarray]) -> tuple[float, float, float]:
    """(Σ l)² / Σ l² of all voxels and of either side: how many equally weighted ones would spread the loss as wide."""
    sums = np.array([side.n @ of_side for side, of_side in zip(sides, values, strict=True)])
    squares = np.array([side.n @ of_side**2 for side, of_side in zip(sides, values, strict=True)])
    pos, neg = ratio(sums**2, squares)
    return float(ratio(sums.sum() ** 2, squares.sum())), float(pos), float(neg)


def _picture(table: SweepTable, name: str) -> SweepPicture:
    """Shares against γ for the first α of the grid."""
    alpha = table.of_class(name)[0]["alpha_pos"]
    return lines(
        table,
        name=f"focal_shares_{safe_name(name)}",
        x=("gamma", "γ"),
        y_label="share",
        columns=_DRAWN,
        rows=[row for row in table.of_class(name) if row["alpha_pos"] == alpha],
        title=f"Share of the focal loss: {name}, α = {knob_text(alpha)}",
        y_range=(0.0, 1.02),
    )
