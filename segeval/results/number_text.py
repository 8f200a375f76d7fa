"""Numbers for people: everything that is printed, other than CSV and JSON, writes them with these."""

import math

UNDEFINED = "–"


def digits(value: float, n: int = 4) -> str:
    """So many significant digits, a dash where it is undefined.

    Example:
        >>> [digits(value) for value in (0.873412, 1234.56, float("inf"), float("nan"))]
        ['0.8734', '1235', 'inf', '–']
    """
    return UNDEFINED if math.isnan(value) else f"{value:.{n}g}"


def short(value: float) -> str:
    """Three decimals, for narrow columns.

    Example:
        >>> [short(value) for value in (0.87341, 0.00002, 1234.5, 9.5e6, float("inf"), float("nan"))]
        ['0.873', '2.0e-05', '1234', '9.5e+06', 'inf', '–']
    """
    size = abs(value)
    if math.isnan(value):
        return UNDEFINED
    if math.isinf(value) or size < 5e-4 or size >= 1e6:
        return "0.000" if value == 0 else f"{value:.1e}"
    return f"{value:.3f}" if size < 1000 else f"{value:.0f}"


def joined(numbers: "tuple[float, ...] | list[float]", separator: str = "x") -> str:
    """`512x512x17`, or `0.586x0.586x3.3` for lengths."""
    return separator.join(f"{number:g}" for number in numbers)
