"""Which cases a network is trained on, and which it is judged by."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from segeval.errors import ConfigError


@dataclass(frozen=True, kw_only=True)
class Fold:
    """Case ids of one training: those it sees, and those it predicts."""

    number: int
    train: tuple[str, ...]
    predict: tuple[str, ...]


def hold_out(case_ids: Sequence[str], *, share: float, seed: int) -> tuple[Fold, ...]:
    """One fold that predicts a share of the cases, drawn at random.

    Raises:
        ConfigError: too few cases, or none is left on one side.
    """
    _require_two(case_ids)
    n = max(1, math.floor(share * len(case_ids) + 0.5))
    if not 0 < share < 1 or n >= len(case_ids):
        raise ConfigError(
            f"--holdout {share:g} of {len(case_ids)} cases leaves {max(len(case_ids) - n, 0)} to train on. "
            "Hold out fewer, or use --folds."
        )
    held = set(np.random.default_rng(seed).permutation(sorted(case_ids))[:n].tolist())
    return (_fold(1, case_ids, held),)


def k_folds(case_ids: Sequence[str], *, k: int, seed: int) -> tuple[Fold, ...]:
    """K folds that predict every case once.

    Raises:
        ConfigError: fewer cases than folds.
    """
    _require_two(case_ids)
    if not 2 <= k <= len(case_ids):
        raise ConfigError(f"--folds {k} does not split {len(case_ids)} cases. Take from 2 to {len(case_ids)} folds.")
    shuffled = np.random.default_rng(seed).permutation(sorted(case_ids)).tolist()
    return tuple(_fold(i + 1, case_ids, set(shuffled[i::k])) for i in range(k))


def _fold(number: int, case_ids: Sequence[str], held: set[str]) -> Fold:
    train, predict = (tuple(sorted(one for one in case_ids if (one in held) is side)) for side in (False, True))
    return Fold(number=number, train=train, predict=predict)


def _require_two(case_ids: Sequence[str]) -> None:
    if len(case_ids) < 2:
        raise ConfigError(
            f"{len(case_ids)} case is too few to train on some and report on others. Give two or more images."
        )
