"""Class weights from class volumes: the one function behind every weighted loss."""

import math
from typing import Any, Literal

from segeval.errors import ConfigError
from segeval.evidence.arrays import argsort, namespace, numbers_like, quotient, take_along

Scheme = Literal[
    "n_minus_nc", "inverse_frequency", "median_frequency", "sqrt_inverse", "square", "simple", "uniform", "target_ratio"
]


def class_weights(volumes: Any, scheme: Scheme) -> Any:
    """Weights of classes with these volumes (reference voxels, classes last), numpy or torch.

    Absent classes get weight 0 from the schemes that divide by the volume, and stay out of their statistics.

    Args:
        volumes: N_c, voxels of each class in the case, the batch or the data set, as floats.
        scheme: with N = sum of N_c and C = classes present:
            n_minus_nc (N - N_c)/N; inverse_frequency N/(C N_c); median_frequency median(N_k)/N_c;
            sqrt_inverse (N/N_c)^0.5 (arXiv 1809.00076); square 1/N_c^2 and simple 1/N_c (arXiv 1707.03237);
            uniform 1; target_ratio (N - N_c)/max(N_c, 1).
    """
    xp = namespace(volumes)
    total = volumes.sum(-1)[..., None]
    match scheme:
        case "n_minus_nc":
            return (total - volumes) / total
        case "inverse_frequency":
            return quotient(total, _present(volumes) * volumes, empty=0.0)
        case "median_frequency":
            return quotient(_median_present(volumes), volumes, empty=0.0)
        case "sqrt_inverse":
            return xp.sqrt(quotient(total, volumes, empty=0.0))
        case "square":
            return quotient(xp.ones_like(volumes), volumes**2, empty=0.0)
        case "simple":
            return quotient(xp.ones_like(volumes), volumes, empty=0.0)
        case "uniform":
            return xp.ones_like(volumes)
        case "target_ratio":
            return (total - volumes) / xp.clip(volumes, 1.0, None)


def channel_numbers(values: tuple[float, ...], like: Any, *, name: str) -> Any:
    """One number per channel, the last axis of `like`; undefined for a class against the rest.

    Raises:
        ConfigError: there are too many or too few.
    """
    n_channels = like.shape[-1]
    if len(values) == n_channels:
        return numbers_like(values, like)
    if n_channels == 2:
        return numbers_like([math.nan] * 2, like)
    raise ConfigError(
        f"{name} holds {len(values)} numbers, and there are {n_channels} channels with the background. "
        "Where cases hold different classes, name all of them with --labels."
    )


def _present(volumes: Any) -> Any:
    return (volumes > 0).sum(-1)[..., None]


def _median_present(volumes: Any) -> Any:
    """Median over the classes that occur; the mean of the two middle ones for an even number."""
    last = volumes.shape[-1] - 1
    ranked = take_along(volumes, argsort(volumes))  # absent classes come first
    middle = 2 * last + 1 - _present(volumes)
    low, high = middle // 2, (middle + 1) // 2
    return (take_along(ranked, low) + take_along(ranked, high.clip(None, last))) / 2
