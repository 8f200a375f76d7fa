"""Which table a report becomes: of a loss's parameters, of the best of one for each of another, or of whole losses."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from segeval.errors import ConfigError
from segeval.options import SweepOptions
from segeval.statistics.summary import mean, summarise
from segeval.verbs.sweep.estimates import Estimate, Split, mean_over_classes, split_cases
from segeval.verbs.sweep.grid import Setting, read_grid, require_known
from segeval.verbs.sweep.table import Better, SweepTable, better_of
from segeval.verbs.sweep.trained.schema import LOSS, SettingSchema, choices, setting_text
from segeval.verbs.sweep.trained.scores import Achieved
from segeval.verbs.sweep.trained.tables import TrainedReport, tradeoff_table

_BASELINES: dict[str, Setting] = {"beta_fn": {"alpha_fp": 0.5, "beta_fn": 0.5}, "gamma": {"gamma": 0}}
_OVERLAPS = {"dice": "dsc", "iou": "iou"}


def table_of(report: TrainedReport) -> SweepTable:
    """The table in the layout of its question."""
    if report.schema.rows:
        return exp_log_table(report)
    if report.schema.compares_losses:
        return losses_table(report)
    if report.options.optimise is not None:
        return optimised_table(report)
    return tradeoff_table(report)


def baseline_row(settings: Sequence[Setting], schema: SettingSchema, options: SweepOptions) -> int | None:
    """Index of the row that differences are taken against: α = β = 0.5, or γ = 0, unless another is named.

    Raises:
        ConfigError: the row that was named is not in the table.
    """
    asked = _asked_baseline(schema, options.baseline) if options.baseline else None
    usual = next((row for column, row in _BASELINES.items() if column in settings[0]), None)
    for i, setting in enumerate(settings):
        if (asked or usual) and all(setting.get(name) == value for name, value in (asked or usual or {}).items()):
            return i
    if asked:
        raise ConfigError(f"--baseline {options.baseline}: the table has no row with {setting_text(asked)}.")
    return None


def _asked_baseline(schema: SettingSchema, text: str) -> Setting:
    if schema.compares_losses:
        return schema.setting({LOSS: text}, where="--baseline")
    grid = read_grid(text.split(","))
    require_known(grid, schema.columns, schema.loss)
    return {schema.columns[name]: values[0] for name, values in grid.items()}


def losses_table(report: TrainedReport) -> SweepTable:
    """A row per loss: the means over the classes, then `dice_<class>` and `iou_<class>` and their means."""
    table = tradeoff_table(report)
    overlaps = _overlaps(report)
    last = [row for row in table.rows if row["class"] == table.rows[-1]["class"]]
    own = {name: estimate.value for name, estimate in overlaps.items()}
    differences = {name: estimate.difference for name, estimate in overlaps.items()}
    own |= {f"{name}_diff": found.value for name, found in differences.items() if found is not None}
    numbers = {f"{name}_n": estimate.n for name, estimate in overlaps.items() if estimate.n is not None}
    rows = [
        {name: value for name, value in row.items() if name != "class"}
        | {name: float(values[i]) for name, values in own.items()}
        | {name: int(n[i]) for name, n in numbers.items()}
        for i, row in enumerate(last)
    ]
    several = f"Metrics without a class in their name are means over {', '.join(report.classes)}."
    shown = (*(name for name in table.shown if name != "dsc"), *(name for name in own if name.startswith("dice_")))
    return replace(
        table,
        columns=(*table.columns, *own),
        rows=tuple(rows),
        best={**table.best, **_best_of(tuple(own), table)},
        notes=(*table.notes, *([several] if len(report.classes) > 1 else [])),
        shown=shown,
    )


def exp_log_table(report: TrainedReport) -> SweepTable:
    """The layout of arXiv 1809.00076, Table 1b: Dice of each label by falling volume, and its mean over the labels."""
    table = losses_table(report)
    volumes = _volume_fractions(report)
    names = sorted(report.classes, key=lambda name: -volumes[name])
    columns = (*(f"dice_{name}" for name in names), "dice_mean", "dice_mean_std")
    spread = [{"dice_mean_std": _mean_spread(row, report)} for row in report.rows]
    return replace(
        table,
        columns=(*columns, *report.facts),
        rows=tuple({**row, **own} for row, own in zip(table.rows, spread, strict=True)),
        best=_best_of(columns[:-1], table),
        shown=(*columns, *(name for name in table.shown if name in report.facts)),
        caption={
            **{name: text for name, text in table.caption.items() if name != "apr"},
            **{f"volume_fraction_{name}": f"{volumes[name]:.4%}" for name in names},
            "include_background": "true" if "background" in report.classes else "false",
        },
        paper=None,
    )


def _overlaps(report: TrainedReport) -> dict[str, Estimate]:
    """Dice and IoU of every class, and their means."""
    per_class = {
        f"{name}_{label}": found.metrics[metric]
        for name, metric in _OVERLAPS.items()
        for label, found in zip(report.classes, report.estimates, strict=True)
    }
    means = {
        f"{name}_mean": mean_over_classes([found.metrics[metric] for found in report.estimates])
        for name, metric in _OVERLAPS.items()
    }
    return per_class | means


def _best_of(names: Sequence[str], table: SweepTable) -> dict[str, Better]:
    """A class's Dice may be called best where the `dsc` of the table may."""
    prefixes = tuple(f"{name}_" for name, metric in _OVERLAPS.items() if metric in table.best)
    return better_of(*(name for name in names if name.startswith(prefixes) and not name.endswith("_diff")))


def _mean_spread(row: Achieved, report: TrainedReport) -> float:
    """Standard deviation over the repeats of the mean Dice over the classes."""
    per_class = [mean(row.values("dsc", i, report.case_ids).T) for i in range(len(report.classes))]
    return summarise(mean(np.stack(per_class))).std


def _volume_fractions(report: TrainedReport) -> dict[str, float]:
    """Share of the voxels of all reported cases that are each class in truth."""
    counts = [report.rows[0].counts(i, report.case_ids) for i in range(len(report.classes))]
    shares = [float(of_class.truth[0].sum() / of_class.total[0].sum()) for of_class in counts]
    return dict(zip(report.classes, shares, strict=True))


def optimised_table(report: TrainedReport) -> SweepTable:
    """One row for each setting of the other parameters, with the best value of one chosen on cases not reported.

    Every pair that was tried is among the extras.

    Raises:
        ConfigError: the parameter does not vary, or the cases cannot be split.
    """
    options = report.options
    column = report.schema.columns[options.optimise or ""]
    split = _choosing_split(report.case_ids, options)
    tried = choices([row.setting for row in report.rows], column)
    values = _validated(report, split)
    best = {name: max(indices, key=lambda i: (values[i], -i)) for name, indices in tried.items()}
    n_tried = f"n_{column.partition('_')[0]}_tried"
    rows = [
        replace(report.rows[best[name]], facts={**report.rows[best[name]].facts, n_tried: len(indices)})
        for name, indices in tried.items()
    ]
    full = replace(report, case_ids=split.report, split=f"{report.split}; {split}")
    chosen = replace(
        full,
        rows=rows,
        facts=(*report.facts, n_tried),
        baseline=_same_row(report, rows),
        notes=(*report.notes, f"{column} is the value with the best {options.by} on the cases chosen on."),
    )
    table = tradeoff_table(chosen)
    return replace(table, extras={**table.extras, "full": tradeoff_table(full)})


def _choosing_split(case_ids: Sequence[str], options: SweepOptions) -> Split:
    """The cases that a value is chosen on, and those that are reported; by default every other one."""
    if options.select is None and options.report is None:
        if len(case_ids) < 2:
            raise ConfigError("--optimise needs two cases or more: some to choose on, and others to report.")
        return Split(select=tuple(case_ids[::2]), report=tuple(case_ids[1::2]))
    return split_cases(case_ids, select=options.select, report=options.report)


def _validated(report: TrainedReport, split: Split) -> np.ndarray:
    """The metric to choose by of every row, on the cases to choose on: the mean over the classes; nan is worst."""
    chosen_on = replace(report, case_ids=split.select, options=replace(report.options, bootstrap=0))
    values = mean(np.stack([found.metrics[report.options.by].value for found in chosen_on.estimates]))
    return np.where(np.isnan(values), -np.inf, values)


def _same_row(report: TrainedReport, rows: Sequence[Achieved]) -> int | None:
    """The baseline among the chosen rows, if it was chosen."""
    if report.baseline is None:
        return None
    settings = [row.setting for row in rows]
    wanted = report.rows[report.baseline].setting
    return settings.index(wanted) if wanted in settings else None
