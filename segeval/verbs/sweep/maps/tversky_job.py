"""What the rows of every class of an operating-point table share: settings, split, criterion."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from segeval.errors import ConfigError
from segeval.options import Averaging, SweepOptions
from segeval.statistics.bootstrap import Draws, draw
from segeval.verbs.sweep.evidence.curve import Criterion, Score, score_of
from segeval.verbs.sweep.grid import Setting
from segeval.verbs.sweep.settings import tversky_settings
from segeval.verbs.sweep.split import Split, split_cases

CRITERIA: Mapping[Criterion, str] = {
    "tversky": "Tversky loss of the row",
    "dice": "Dice loss",
    "jaccard": "Jaccard loss",
    "f2": "F2 loss",
    "youden": "value of 1 - Youden's J",
}
RULES = {
    "pooled": "smallest {} over all voxels pooled",
    "case_mean": "smallest mean over the cases of the {}",
    "oracle_per_case": "smallest {} in each case by itself (oracle)",
}


@dataclass(frozen=True, kw_only=True)
class Job:
    """What the rows of every class share."""

    settings: Sequence[Setting]
    split: Split
    options: SweepOptions
    draws: Draws | None

    @property
    def averaging(self) -> Averaging:
        return self.options.averaging or "case"

    @property
    def criterion(self) -> Criterion:
        return self.options.threshold_by or "tversky"

    @cached_property
    def prices(self) -> list[tuple[float, float]]:
        """α and β of each row."""
        return [(one["alpha_fp"], one["beta_fn"]) for one in self.settings]

    @property
    def rule(self) -> str:
        """How thresholds are chosen, in words."""
        return RULES[self.options.select_by].format(CRITERIA[self.criterion])

    @cached_property
    def scores(self) -> list[Score]:
        """What the threshold of each row is chosen by."""
        return [score_of(self.criterion, *prices) for prices in self.prices]


def job_of(case_ids: Sequence[str], options: SweepOptions) -> Job:
    """Check that grid, split and selection fit together.

    Raises:
        ConfigError: they do not.
    """
    split = split_cases(case_ids, select=options.select, report=options.report)
    if options.select_by == "oracle_per_case" and not split.optimistic:
        raise ConfigError(
            "--select-by oracle_per_case chooses on each reported case itself. Leave out --select and --report."
        )
    draws = draw(split.report, resamples=options.bootstrap, seed=options.seed) if options.bootstrap else None
    return Job(settings=tversky_settings(options), split=split, options=options, draws=draws)
