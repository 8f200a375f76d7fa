"""`segeval sweep LOSS --param name=values`: any parameter of any loss, on one set of probability maps."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from segeval.errors import ConfigError
from segeval.evidence.overlap.counts import Counts
from segeval.evidence.probabilities.soft import SoftCounts, voxels_of_counts
from segeval.files.names import safe_name
from segeval.measure import Measure, MeasureCall
from segeval.options import SweepOptions
from segeval.statistics.summary import mean, summarise
from segeval.verbs.sweep.evidence.maps import CaseMap, ClassOverCases
from segeval.verbs.sweep.evidence.slopes import slopes_of, value_of
from segeval.verbs.sweep.grid import Setting, read_grid, require_a_price, require_known, settings_of, spoken_names
from segeval.verbs.sweep.maps.tversky import sweep_tversky_maps
from segeval.verbs.sweep.output.pictures import by_class, lines
from segeval.verbs.sweep.output.plots import Picture
from segeval.verbs.sweep.output.table import Row, SweepTable, mean_cells, with_means
from segeval.verbs.sweep.split import split_cases

OF_VALUES = ("loss_mean", "loss_std", "loss_min", "loss_max")
OF_SLOPES = ("grad_l1", "grad_pos_share", "grad_hard_share", "n_eff_grad")
OF_LIMITS = ("loss_if_empty", "loss_if_full", "loss_if_perfect")
COLUMNS = (*OF_VALUES, *OF_SLOPES, *OF_LIMITS, "direction", "approx")
AVERAGED = ("loss_mean", *OF_SLOPES, *OF_LIMITS)
NOT_PERFECT = "a perfect mask does not get 0"
_NOTES = (
    "One set of maps is weighed; the table says nothing about training with these losses.",
    "loss values of different settings are not comparable in size.",
    "direction is -1 where the loss would grow the mask, 1 where it would shrink it.",
)


def sweep_any_maps(loss: Measure, classes: Sequence[ClassOverCases], options: SweepOptions) -> SweepTable:
    """Tabulate value, gradient and limiting cases of a loss over a grid of its parameters, class by class.

    Raises:
        ConfigError: a parameter is unknown or does not fit, or the loss needs to know where voxels lie.
    """
    if any(need.on_map for need in _needs(loss)):
        raise ConfigError(f"{loss.name} weighs voxels by where they lie, which a sweep does not know. Score with it.")
    grid = _grid(loss, options)
    names = {knob: spoken_names(loss).get(knob, knob) for knob in grid}
    settings = settings_of(grid, paired=options.zip)
    require_a_price(settings)
    calls = [loss.at(**setting) for setting in settings]
    shown = [{names[knob]: value for knob, value in setting.items()} for setting in settings]
    split = split_cases(classes[0].case_ids, select=options.select, report=options.report)
    reported = [one.of(split.report) for one in classes]
    blocks = {one.name: _rows(one, calls, shown, options.easy_threshold) for one in reported}
    rows = with_means(blocks, tuple(names.values()), AVERAGED)
    table = SweepTable(
        loss=loss.name,
        mode="maps",
        title=f"{loss.name} of one set of probability maps",
        settings=tuple(names.values()),
        columns=COLUMNS,
        rows=tuple(rows),
        averaging="case",
        n_cases=len(split.report),
        caption={"easy": f"p_t >= {options.easy_threshold:g}"},
        notes=_NOTES,
        emphasis=frozenset((i, "loss_if_perfect") for i, row in enumerate(rows) if row.get("note") == NOT_PERFECT),
        shown=tuple(one for one in COLUMNS if one not in ("loss_min", "loss_max", "approx")),
    )
    table = replace(table, pictures=_pictures(table))
    return _with_thresholds(table, classes, options) if options.threshold_by else table


def _pictures(table: SweepTable) -> tuple[Picture, ...]:
    """Where the gradient lies, class by class, where one parameter of numbers was turned."""
    x = table.settings[0] if len(table.settings) == 1 else ""
    if not x or not all(isinstance(row[x], int | float) for row in table.rows):
        return ()
    drawn = {"grad_pos_share": "voxels of the class", "grad_hard_share": "hard voxels"}
    return tuple(
        replace(
            lines(
                replace(table, rows=rows, title=f"Share of the gradient of {table.loss}: {name}"),
                name=f"gradient_{safe_name(name)}",
                x=(x, x),
                y_label="share of the gradient",
                columns=drawn,
            ),
            y_range=(0.0, 1.02),
        )
        for name, rows in by_class(table).items()
    )


def _with_thresholds(table: SweepTable, classes: Sequence[ClassOverCases], options: SweepOptions) -> SweepTable:
    """The table with the operating point that a criterion prefers: the same in every row, whatever the loss says."""
    points = sweep_tversky_maps(classes, replace(options, grid=("alpha=0.5", "beta=0.5"), zip=False, baseline=None))
    of_class = {row["class"]: row for row in points.rows}
    columns = [one for one in points.columns if not one.startswith("soft_") and one not in table.columns]
    rows = [{**row, **{one: of_class[row["class"]].get(one) for one in columns}} for row in table.rows]
    return replace(
        table,
        columns=(*table.columns, *columns),
        rows=tuple(rows),
        constant=tuple(columns),
        averaging=points.averaging,
        threshold_rule=points.threshold_rule,
        split=points.split,
        caption={**table.caption, **points.caption},
        shown=(*table.shown, "threshold", "dsc", "sensitivity", "precision"),
    )


def _grid(loss: Measure, options: SweepOptions) -> dict[str, list[Any]]:
    """Values by knob; numbers rise, words stay as they were asked for."""
    knob_of = {said: knob for knob, said in spoken_names(loss).items()}
    grid = {knob_of.get(name, name): values for name, values in read_grid(options.grid).items()}
    require_known(grid, loss.knobs, loss.name)
    if options.zip:
        return grid
    return {
        name: sorted(values) if all(isinstance(one, int | float) for one in values) else values
        for name, values in grid.items()
    }


def _rows(maps: ClassOverCases, calls: Sequence[MeasureCall], settings: Sequence[Setting], easy: float) -> list[Row]:
    return [
        {**setting, **_cells(maps, call, easy), "approx": maps.curve.approx}
        for call, setting in zip(calls, settings, strict=True)
    ]


def _cells(maps: ClassOverCases, call: MeasureCall, easy: float) -> dict[str, Any]:
    cases = [_case_cells(one, call, easy) for one in maps.cases]
    values = summarise(np.array([one["loss"] for one in cases]))
    limits = _limits(maps, call)
    is_region = SoftCounts in _needs(call.measure) and np.isfinite(call.measure.bounds).all()
    return {
        **dict(zip(OF_VALUES, (values.mean, values.std, values.min, values.max), strict=True)),
        **mean_cells(cases, OF_SLOPES),
        **limits,
        "direction": int(np.sign(sum(one["total"] for one in cases))),
        "note": NOT_PERFECT if is_region and abs(limits["loss_if_perfect"]) > 1e-9 else "",
    }


def _case_cells(one: CaseMap, call: MeasureCall, easy: float) -> dict[str, float]:
    """Value and gradient of one case."""
    slopes = slopes_of(call, one.voxels)
    return {
        "loss": float(value_of(call, slopes.voxels)),
        "total": slopes.total,
        "grad_l1": slopes.l1,
        "grad_pos_share": slopes.share(slopes.voxels.truth),
        "grad_hard_share": slopes.share(slopes.voxels.hit < easy),
        "n_eff_grad": slopes.n_eff,
    }


def _limits(maps: ClassOverCases, call: MeasureCall) -> dict[str, float]:
    """The loss of predicting nothing, everything, and the truth, as means over the cases."""
    inside, outside = (_totals(maps.cases, side) for side in ("positives", "negatives"))
    none = np.zeros_like(inside)
    masks = {
        "loss_if_empty": Counts(tp=none, fp=none, fn=inside, tn=outside),
        "loss_if_full": Counts(tp=inside, fp=outside, fn=none, tn=none),
        "loss_if_perfect": Counts(tp=inside, fp=none, fn=none, tn=outside),
    }
    return {name: float(mean(np.asarray(value_of(call, voxels_of_counts(one))))) for name, one in masks.items()}


def _totals(cases: Sequence[CaseMap], side: str) -> np.ndarray:
    return np.array([getattr(one.histogram, side).sum() for one in cases], dtype=np.int64)


def _needs(loss: Measure) -> tuple[Any, ...]:
    return loss.needs
