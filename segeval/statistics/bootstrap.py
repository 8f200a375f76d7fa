"""Resamples of the cases, drawn once and shared by every class, measure and run.

Because all columns see the same resamples, differences between them keep their pairing, and a mean
over classes has an interval of its own.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from segeval.statistics.summary import between, mean, position_of

BLOCK_BYTES = 64 * 2**20
REDRAWN_BYTES = 8 * 2**20
MOST_KEPT = 2**26  # weights: 9999 resamples of 6700 cases


@dataclass(frozen=True, kw_only=True)
class Draws:
    """How often each resample draws each unit: a case, or a group of cases such as a patient.

    Attributes:
        n_units: units are sorted by id.
        unit_of_case: shape (case,), the index of each case's unit.
        resamples: how many there are.
        seed: of the generator.
    """

    n_units: int
    unit_of_case: np.ndarray
    resamples: int
    seed: int = 0

    @cached_property
    def weights(self) -> np.ndarray:
        """All of them, shape (resample, unit), drawn once."""
        small = np.zeros((self.resamples, self.n_units), dtype=np.uint16 if self.n_units < 2**16 else np.uint32)
        start = 0
        for block in self._drawn() if self.n_units else ():
            small[start : start + len(block)] = block
            start += len(block)
        return small

    def blocks(self) -> Iterator[np.ndarray]:
        """The weights as float64, some resamples at a time and in order.

        Where all of them are too many to be kept, they are drawn again by every pass over them: from the same seed,
        so each pass sees the same resamples.
        """
        if self._are_kept:
            yield from (self.weights[rows].astype(np.float64) for rows in _rows(self.resamples, self.n_units))
        else:
            yield from (block.astype(np.float64) for block in self._drawn())

    @property
    def _are_kept(self) -> bool:
        return self.resamples * self.n_units <= MOST_KEPT

    def _drawn(self) -> Iterator[np.ndarray]:
        """Draw the weights, block by block. The size of a block does not change what is drawn."""
        generator, n = np.random.Generator(np.random.PCG64(self.seed)), self.n_units
        if self._are_kept:
            for rows in _rows(self.resamples, n):
                yield generator.multinomial(n, np.full(n, 1 / n), size=min(rows.stop, self.resamples) - rows.start)
            return
        # many weights come seven times as fast from the drawn units themselves, which takes other numbers from the
        # generator: those that are few and kept stay what they are in all stored runs
        for rows in _rows(self.resamples, n, n_bytes=REDRAWN_BYTES):
            n_rows = min(rows.stop, self.resamples) - rows.start
            drawn = generator.integers(n, size=(n_rows, n)) + n * np.arange(n_rows)[:, None]
            yield np.bincount(drawn.ravel(), minlength=n_rows * n).reshape(n_rows, n)


def draw(units: Sequence[str], *, resamples: int, seed: int = 0) -> Draws:
    """Draw as many units as there are, with replacement, `resamples` (at least one) times.

    Args:
        units: the unit of each case: its own id, or the id of its group, which is drawn whole.
        resamples: how many; 1000 serve a table, 9999 a verdict.
        seed: of the PCG64 generator.
    """
    index = {unit: i for i, unit in enumerate(sorted(set(units)))}
    unit_of_case = np.array([index[unit] for unit in units], dtype=np.int64)
    return Draws(n_units=len(index), unit_of_case=unit_of_case, resamples=resamples, seed=seed)


def means_of_resamples(draws: Draws, values: np.ndarray) -> np.ndarray:
    """Mean of the defined values in every resample; nan where it has none, or both infinities.

    Args:
        values: shape (case, column); nan is undefined.

    Returns:
        Shape (resample, column).
    """
    totals = unit_totals(draws, values)
    return np.concatenate([_weighted_means(weights, totals) for weights in draws.blocks()])


def macro_of_resamples(means: np.ndarray) -> np.ndarray:
    """Mean over classes in every resample, from class means of shape (resample, class)."""
    return mean(means.T)


@dataclass(frozen=True, kw_only=True)
class UnitTotals:
    """What each unit adds to a mean, every field of shape (unit, column)."""

    finite: np.ndarray  # sum of the finite values
    defined: np.ndarray  # number of defined values, infinite ones included
    plus_inf: np.ndarray
    minus_inf: np.ndarray


def unit_totals(draws: Draws, values: np.ndarray) -> UnitTotals:
    """Add up the cases of each unit, from values of shape (case, column)."""

    def over_cases(of_case: np.ndarray) -> np.ndarray:
        return np.asarray(np.add.reduceat(of_case[order].astype(np.float64), starts, axis=0))

    order = np.argsort(draws.unit_of_case, kind="stable")
    starts = np.searchsorted(draws.unit_of_case[order], np.arange(draws.n_units))
    return UnitTotals(
        finite=over_cases(np.where(np.isfinite(values), values, 0.0)),
        defined=over_cases(~np.isnan(values)),
        plus_inf=over_cases(np.isposinf(values)),
        minus_inf=over_cases(np.isneginf(values)),
    )


def jackknife_means(draws: Draws, values: np.ndarray) -> np.ndarray:
    """The mean without each unit in turn, shape (unit, column), from values of shape (case, column).

    The values must be finite or nan.
    """
    totals = unit_totals(draws, values)
    with np.errstate(invalid="ignore"):
        remaining = totals.defined.sum(axis=0) - totals.defined
        return np.asarray((totals.finite.sum(axis=0) - totals.finite) / remaining)


def quantiles_of_resamples(draws: Draws, values: np.ndarray, q: float) -> np.ndarray:
    """Quantile of the defined values in every resample, from values of shape (case,); q=0 is the minimum."""
    cases = np.argsort(values, kind="stable")[: np.count_nonzero(~np.isnan(values))]
    ordered = values[cases]
    return np.concatenate([_quantiles(weights, ordered, q) for weights in case_weights(draws, cases)])


def stds_of_resamples(draws: Draws, values: np.ndarray) -> np.ndarray:
    """Standard deviation (ddof 1) of the defined values in every resample, from values of shape (case,)."""
    cases = np.flatnonzero(~np.isnan(values))
    # about the mean of all cases, so that the squares do not cancel
    centred = values[cases] - mean(values) if np.isfinite(values[cases]).all() else np.full(cases.size, np.nan)
    return np.concatenate([_stds(weights, centred) for weights in case_weights(draws, cases)])


def _rows(n_rows: int, row_length: int, *, n_bytes: int = 0) -> Iterator[slice]:
    """Blocks of rows that hold at most so many bytes as float64, 64 MB by default."""
    step = max(1, (n_bytes or BLOCK_BYTES) // (8 * max(1, row_length)))
    return (slice(start, start + step) for start in range(0, n_rows, step))


def case_weights(draws: Draws, cases: np.ndarray) -> Iterator[np.ndarray]:
    """How often each resample draws each of `cases`, given by index, of shape (resample, case), block by block."""
    unit = draws.unit_of_case[cases]
    return (block[:, unit] for block in draws.blocks())


def _weighted_means(weights: np.ndarray, totals: UnitTotals) -> np.ndarray:
    with np.errstate(invalid="ignore"):
        sums = weights @ totals.finite
        for infinite, sign in ((totals.plus_inf, 1), (totals.minus_inf, -1)):
            if infinite.any():
                sums += np.where(weights @ infinite > 0, sign * np.inf, 0.0)
        return np.asarray(sums / (weights @ totals.defined))


def _quantiles(weights: np.ndarray, ordered: np.ndarray, q: float) -> np.ndarray:
    if ordered.size == 0:
        return np.full(weights.shape[0], np.nan)
    up_to = np.cumsum(weights, axis=1)
    n = up_to[:, -1]
    low, weight = position_of(n, q)
    high = np.minimum(low + 1, np.maximum(n - 1, 0))
    below, above = (ordered[_index_of_rank(up_to, rank)] for rank in (low, high))
    return np.where(n > 0, between(below, above, weight), np.nan)


def _index_of_rank(up_to: np.ndarray, rank: np.ndarray) -> np.ndarray:
    """Which ordered value has the given rank, counted from 0, in each resample."""
    at = np.count_nonzero(up_to <= rank[:, None], axis=1)
    return np.asarray(np.minimum(at, up_to.shape[1] - 1))  # a resample without a value has no rank


def _stds(weights: np.ndarray, centred: np.ndarray) -> np.ndarray:
    n = weights.sum(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        squares = weights @ centred**2 - (weights @ centred) ** 2 / n
        return np.where(n > 1, np.sqrt(np.maximum(squares, 0.0) / (n - 1)), np.nan)
