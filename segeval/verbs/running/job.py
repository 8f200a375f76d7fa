"""What one run was asked to do."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from segeval.images.input_rules import InputRules
from segeval.images.named.coco import has_scores
from segeval.images.pairing.folders import is_list_of_images
from segeval.options import ScoreOptions
from segeval.scoring.plan import Plan
from segeval.scoring.pooled import Pool
from segeval.verbs.running.times import Times


@dataclass(frozen=True, kw_only=True)
class Job:
    """The inputs of a run, its options and where they were set, what follows from them, and when it began.

    Attributes:
        times: where its time goes, if somebody wants to know.
    """

    options: ScoreOptions
    plan: Plan
    rules: InputRules
    pred: Path | None = None
    truth: Path | None = None
    sources: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    pool: Pool = field(default_factory=Pool)
    times: Times | None = None
    started: float = field(default_factory=time.perf_counter)

    @property
    def is_sure(self) -> bool:
        """Whether something says how sure predictions without probabilities are of their lesions."""
        if self.options.confidences is not None:
            return True
        return self.pred is not None and has_scores(self.pred)

    @property
    def instance_sides(self) -> tuple[str, ...]:
        """The sides whose lesions are given, as maps or as the objects of a COCO file."""
        files = {"pred": self.pred, "truth": self.truth}
        listed = [side for side, path in files.items() if path is not None and is_list_of_images(path)]
        return tuple(side for side in files if side in (*self.options.instance_sides, *listed))
