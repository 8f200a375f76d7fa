"""Which table a report becomes: of one loss's parameters, of the best of one for each of another, of losses."""

from collections.abc import Sequence

from segeval.errors import ConfigError
from segeval.options import SweepOptions
from segeval.statistics.bootstrap import draw
from segeval.verbs.sweep.grid import Setting, read_grid, require_known
from segeval.verbs.sweep.output.table import SweepTable
from segeval.verbs.sweep.trained.estimates import How
from segeval.verbs.sweep.trained.optimised import optimised_table
from segeval.verbs.sweep.trained.per_class import exp_log_table, losses_table
from segeval.verbs.sweep.trained.report import Report
from segeval.verbs.sweep.trained.tradeoff import tradeoff_table
from segeval.verbs.sweep.trained.words import LOSS, Words, setting_text

THRESHOLD = "p >= 0.5, one class against the rest"
_BASELINES: dict[str, Setting] = {"beta_fn": {"alpha_fp": 0.5, "beta_fn": 0.5}, "gamma": {"gamma": 0}}


def table_of(report: Report, options: SweepOptions) -> SweepTable:
    """The table in the layout of its question."""
    if report.words.rows:
        return exp_log_table(report)
    if report.words.compares_losses:
        return losses_table(report)
    if options.optimise is not None:
        return optimised_table(report, options)
    return tradeoff_table(report)


def how_of(case_ids: Sequence[str], options: SweepOptions) -> How:
    """How the numbers of these cases are made; every row sees the same resamples."""
    return How(
        case_ids=tuple(case_ids),
        averaging=options.averaging or "case",
        apr_method=options.apr_method,
        apr_averaging=options.apr_averaging,
        draws=draw(case_ids, resamples=options.bootstrap, seed=options.seed) if options.bootstrap else None,
    )


def baseline_row(settings: Sequence[Setting], words: Words, options: SweepOptions) -> int | None:
    """Index of the row that differences are taken against: α = β = 0.5, or γ = 0, unless another is named.

    Raises:
        ConfigError: the row that was named is not in the table.
    """
    asked = _asked_baseline(words, options.baseline) if options.baseline else None
    usual = next((row for column, row in _BASELINES.items() if column in settings[0]), None)
    for i, setting in enumerate(settings):
        if (asked or usual) and all(setting.get(name) == value for name, value in (asked or usual or {}).items()):
            return i
    if asked:
        raise ConfigError(f"--baseline {options.baseline}: the table has no row with {setting_text(asked)}.")
    return None


def _asked_baseline(words: Words, text: str) -> Setting:
    if words.compares_losses:
        return words.setting({LOSS: text}, where="--baseline")
    grid = read_grid(text.split(","))
    require_known(grid, words.columns, words.loss)
    return {words.columns[name]: values[0] for name, values in grid.items()}
