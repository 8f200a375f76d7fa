"""Numbers as somebody wrote them: the digits decide what "equal" is."""

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from segeval.files.paths import listed

_NUMBER = re.compile(r"[+-]?(?P<whole>\d*)\.?(?P<part>\d*)(?:[eE](?P<exponent>[+-]?\d+))?")
_COMMA = re.compile(r"[+-]?\d*,\d+(?:[eE][+-]?\d+)?\s*%?")
_WRAPPED = re.compile(r"(?:np\.float\d+|numpy\.float\d+|tensor)\((?P<number>[^(),]+)(?:,[^()]*)?\)")
_WORDS = {"": math.nan, "nan": math.nan, "none": math.nan, "null": math.nan, "na": math.nan, "n/a": math.nan}
_WORDS |= {"-": math.nan, "–": math.nan, "inf": math.inf, "infinity": math.inf, "-inf": -math.inf, "∞": math.inf}
_SIGNIFICANT = 4  # nobody writes fewer digits whatever the size of a number
NOISE = 1e-11  # what another order of float64 sums may change, relative


@dataclass(frozen=True, kw_only=True)
class GivenNumber:
    """One number.

    Attributes:
        case: None where it speaks of all cases together.
        class_name: None where it speaks of all classes together.
        half: half a unit of its last digit.
    """

    case: str | None = None
    class_name: str | None = None
    text: str
    value: float
    half: float = 0.0

    @property
    def place(self) -> str:
        """Where it stands, for people."""
        case = self.case or "all cases"
        return f"{case} ({self.class_name})" if self.class_name else case


@dataclass(frozen=True, kw_only=True)
class NumberColumn:
    """Numbers that were made in one way; `measure` is what the file calls it, `name` how the answer does."""

    name: str
    measure: str
    numbers: tuple[GivenNumber, ...]
    notes: tuple[str, ...] = ()

    @property
    def values(self) -> np.ndarray:
        return np.array([given.value for given in self.numbers], dtype=np.float64)

    @property
    def halves(self) -> np.ndarray:
        return np.array([given.half for given in self.numbers], dtype=np.float64)

    @property
    def decimals(self) -> int:
        """How many digits behind the point the numbers have, at most."""
        return max((_decimals(given.text) for given in self.numbers if math.isfinite(given.value)), default=0)


@dataclass(frozen=True, kw_only=True)
class Record:
    """One number with all that its file says of it; an empty text is not said."""

    case: str
    class_name: str
    measure: str
    text: str


def value_of(text: str) -> float | None:
    """The number of a cell; nan where it says that there is none, None where it is something else."""
    text = text.strip()
    if text.lower() in _WORDS:
        return _WORDS[text.lower()]
    percent = text.removesuffix("%").strip()
    if not _NUMBER.fullmatch(percent) or not any(map(str.isdigit, percent)):
        return None
    return float(percent)


def bare(text: str) -> str:
    """A number without what Python prints around it, as in `np.float64(0.83)` and `tensor(0.83)`."""
    wrapped = _WRAPPED.fullmatch(text)
    return wrapped["number"] if wrapped else text


def with_points(lines: Sequence[Sequence[str]]) -> list[list[str]]:
    """The cells of a table with points for decimal commas, where no cell has a number with a point."""
    cells = [cell for line in lines for cell in line]
    has_points = any("." in cell and value_of(cell) is not None for cell in cells)
    commas = [cell for cell in cells if _COMMA.fullmatch(cell)]
    if has_points or not commas:
        return [[*line] for line in lines]
    return [[cell.replace(",", ".") if _COMMA.fullmatch(cell) else cell for cell in line] for line in lines]


def with_rounding(numbers: Iterable[GivenNumber]) -> tuple[GivenNumber, ...]:
    """The same, each with half a unit of the last digit that it was written to.

    Writers drop zeros at the end (`0.5` for `0.5000`) or keep so many significant digits (`12.34` beside `0.001234`),
    so that a number alone does not tell. Of the two, what allows more is taken.
    """
    numbers = tuple(numbers)
    finite = [given for given in numbers if math.isfinite(given.value)]
    decimals = max((_decimals(given.text) for given in finite), default=0)
    significant = max((_significant(given.text) for given in finite), default=1)
    return tuple(replace(given, half=_half(given.value, decimals, significant)) for given in numbers)


def _half(value: float, decimals: int, significant: int) -> float:
    if not math.isfinite(value):
        return 0.0
    fixed = 0.5 * 10.0**-decimals
    if value == 0 or significant < _SIGNIFICANT:
        return fixed + NOISE * abs(value)
    first = math.floor(math.log10(abs(value)))  # place of its first digit
    return float(max(fixed, 0.5 * 10.0 ** (first - significant + 1)) + NOISE * abs(value))


def _decimals(text: str) -> int:
    found = _NUMBER.fullmatch(text.strip().removesuffix("%").strip())
    return max(0, len(found["part"]) - int(found["exponent"] or 0)) if found else 0


def _significant(text: str) -> int:
    found = _NUMBER.fullmatch(text.strip().removesuffix("%").strip())
    digits = (found["whole"] + found["part"]).lstrip("0") if found else ""
    return max(1, len(digits))


def few_of(names: Sequence[str]) -> str:
    """Different names for a sentence, of many the first few."""
    return listed(list(dict.fromkeys(names)), most=4)
