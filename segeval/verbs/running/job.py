"""What one run was asked to do."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from segeval.images.input_rules import InputRules
from segeval.options import ScoreOptions
from segeval.scoring.plan import Plan
from segeval.scoring.pool import Pool


@dataclass(frozen=True, kw_only=True)
class Job:
    """The inputs of a run, its options and where they were set, what follows from them, and when it began."""

    options: ScoreOptions
    plan: Plan
    rules: InputRules
    pred: Path | None = None
    truth: Path | None = None
    sources: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    pool: Pool = field(default_factory=Pool)
    started: float = field(default_factory=time.perf_counter)
