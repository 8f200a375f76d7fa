"""A batch as a training loop has it, taken apart into its cases."""

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from segeval.errors import ConfigError, DataError
from segeval.evidence.shapes import SpacingMm
from segeval.files.paths import printable
from segeval.images.readers.volumes import Volume

Masks = Any  # a batch as an array or tensor, or a sequence of cases


def one_by_one(pred: Masks, truth: Masks, case_id: Any) -> list[tuple[str, tuple[Any, Any]]]:
    """The cases of a batch by their ids, in order.

    Raises:
        DataError: there are not as many ids as cases.
    """
    case_id = case_id.tolist() if hasattr(case_id, "tolist") else case_id
    if isinstance(case_id, str | int):
        return [(str(case_id), (pred, truth))]
    if case_id is None:
        raise DataError("case_id: names no case. Give one id for each case of the batch, by which repeated ones tell.")
    names = [str(name) for name in case_id]
    for side, masks in (("pred", pred), ("truth", truth)):
        if not hasattr(masks, "shape") and not isinstance(masks, list | tuple):
            raise DataError(
                f"{side}: {type(masks).__name__} is no batch. Give an array or tensor whose first axis counts cases, "
                "or a list of them; what lies in files is for segeval.score."
            )
        if len(masks) != len(names):
            raise DataError(
                f"{side}: holds {len(masks)} cases, and case_id names {len(names)}. Give one id for each case of the "
                "batch."
            )
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise DataError(f"case_id names {printable(twice[0])} twice in one batch. Give each case an id of its own.")
    return [(name, (pred[i], truth[i])) for i, name in enumerate(names)]


def without_lone_channel(pred: Volume, truth: Volume, spacing: SpacingMm | None) -> tuple[Volume, Volume]:
    """Both sides without a first axis of one, the channel of networks that know one class; files lose theirs too."""
    lone = all(side.array.ndim > 2 and side.array.shape[0] == 1 and side.affine is None for side in (pred, truth))
    if not lone or pred.array.ndim != truth.array.ndim or len(spacing or ()) == pred.array.ndim:
        return pred, truth
    return replace(pred, array=pred.array[0]), replace(truth, array=truth.array[0])


def spacings(
    given: SpacingMm | Sequence[SpacingMm] | None, n_cases: int, usual: SpacingMm | None
) -> list[SpacingMm | None]:
    """The spacing of each case of a batch."""
    if given is None:
        return [usual] * n_cases
    rows = given.tolist() if hasattr(given, "tolist") else list(given)
    each = [tuple(map(float, row)) if isinstance(row, Sequence) else None for row in rows]
    if None in each:
        each = [tuple(map(float, rows))] * n_cases
    if len(each) != n_cases:
        raise ConfigError(
            f"spacing: names {len(each)} cases, and the batch has {n_cases}. Give one for each, or one for all."
        )
    wrong = next((row for row in each if not all(0 < length < math.inf for length in row or ())), None)
    if wrong is not None:
        raise ConfigError(f"spacing: {wrong} are no lengths in mm. Give positive numbers, in array axis order.")
    return each
