"""What a user may decide about predictions, and about cases and values that are not there."""

import math
from typing import Literal

from segeval.errors import ConfigError

PredKind = Literal["labels", "probs", "logits"]
ChannelAxis = Literal["first", "last"]
Orientation = Literal["sform", "qform"]
MissingPolicy = Literal["error", "worst", "background", "skip"]
UndefinedPolicy = Literal["skip", "worst", "best", "fail"]
EmptyDistance = float | Literal["inf", "nan", "diagonal"]

SHORTEST_MM, LONGEST_MM = 1e-9, 1e9  # of a voxel: far beyond, squares and products leave the range of numbers


def read_empty_distance(text: str) -> EmptyDistance:
    """What `--empty-distance` says: `inf`, `nan`, `diagonal` or a length in mm.

    Raises:
        ConfigError: it says something else.
    """
    match text:
        case "inf" | "nan" | "diagonal":
            return text
    try:
        length = float(text)
    except ValueError:
        length = -1.0
    if not 0 <= length < math.inf:
        raise ConfigError(f"--empty-distance {text!r} is no length. Use inf, nan, diagonal or a number of mm.")
    return length


def distance_or_policy(distance: float, *, policy: EmptyDistance, diagonal: float) -> float:
    """A distance, with what the user chose in place of the infinite one to a surface that is not there.

    Args:
        distance: of a measure in mm (or px); infinite only where a surface is missing on one side.
        policy: `inf` leaves it, so that a missed class cannot vanish from a mean.
        diagonal: of the whole image, in the unit of the distance.
    """
    if not math.isinf(distance):
        return distance
    return {"inf": distance, "nan": math.nan, "diagonal": diagonal}[policy] if isinstance(policy, str) else policy
