"""An audit of the inputs: what the files hold, and what would stop `score`. Nothing is scored."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from segeval.core.labels import LabelClass
from segeval.options import ScoreOptions


@dataclass(frozen=True, kw_only=True)
class Side:
    """What one file of a pair says of itself."""

    shape: str = ""
    spacing: str = ""
    orientation: str = ""
    dtype: str = ""


@dataclass(frozen=True, kw_only=True)
class Finding:
    """What was found of one pair; voxel counts are by id."""

    case_id: str
    pred: Side = Side()
    truth: Side = Side()
    pred_voxels: Mapping[int, int] = field(default_factory=dict)
    truth_voxels: Mapping[int, int] = field(default_factory=dict)
    problem: str = ""
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Audit:
    """All findings, by case id."""

    findings: tuple[Finding, ...]
    classes: tuple[LabelClass, ...]
    notes: tuple[str, ...]

    @property
    def problems(self) -> tuple[Finding, ...]:
        """What would stop `score`."""
        return tuple(one for one in self.findings if one.problem)

    def files_with(self, side: str) -> Counter[int]:
        """In how many files of a side (`pred`, `truth`) each id occurs."""
        return Counter(label for one in self.findings for label in getattr(one, f"{side}_voxels"))


def audit(pred: Path | None, truth: Path | None, options: ScoreOptions) -> Audit:
    """Read every pair and note what it holds.

    Raises:
        ConfigError: an option or a path is wrong.
        DataError: there are no pairs at all.
    """
