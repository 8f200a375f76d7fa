"""What trained models achieved, and how it is to be reported: what every layout of their table starts from."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from segeval.verbs.sweep.output.metrics import Columns
from segeval.verbs.sweep.output.table import Mode
from segeval.verbs.sweep.trained.estimates import METRICS, How
from segeval.verbs.sweep.trained.outcomes import Achieved
from segeval.verbs.sweep.trained.words import Words


@dataclass(frozen=True, kw_only=True)
class Report:
    """What was achieved, and how it is to be reported.

    Attributes:
        rows: sorted by setting.
        classes: names, in the order of the outcomes.
        baseline: index of the row that differences are taken against.
        facts: names of the columns in each row's facts.
        title, threshold_rule, split, caption, notes: as in `SweepTable`.
    """

    mode: Mode
    words: Words
    rows: Sequence[Achieved]
    classes: tuple[str, ...]
    how: How
    baseline: int | None = None
    facts: tuple[str, ...] = ()
    title: str = ""
    threshold_rule: str = ""
    split: str = ""
    caption: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    @property
    def settings(self) -> tuple[str, ...]:
        """The columns of the parameters."""
        return tuple(self.rows[0].setting)

    @property
    def has_seeds(self) -> bool:
        """Whether a setting was trained more than once."""
        return any(len(row.seeds) > 1 for row in self.rows)

    @property
    def columns(self) -> Columns:
        return Columns(
            metrics=METRICS,
            spread=self.how.averaging == "case",
            bootstrap=self.how.draws is not None,
            baseline=self.baseline,
        )
