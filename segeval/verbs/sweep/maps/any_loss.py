"""`segeval sweep LOSS --param name=values`: any parameter of any loss, on one set of probability maps."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from segeval.errors import ConfigError
from segeval.evidence.overlap.counts import Counts
from segeval.evidence.probabilities.soft import ProbVoxels, SoftCounts, two_channels, voxels_of_counts
from segeval.files.paths import safe_name
from segeval.measure import Measure, MeasureCall, ratio
from segeval.options import SweepOptions
from segeval.statistics.summary import mean, summarise
from segeval.verbs.sweep.draw import lines
from segeval.verbs.sweep.estimates import split_cases
from segeval.verbs.sweep.grid import read_grid, require_a_price, require_known, settings_of, spoken_names
from segeval.verbs.sweep.maps.cases import ClassOfCase, ClassOverCases
from segeval.verbs.sweep.maps.tversky import sweep_tversky_maps
from segeval.verbs.sweep.table import SweepPicture, SweepTable, mean_cells, with_means

OF_VALUES = ("loss_mean", "loss_std", "loss_min", "loss_max")
OF_SLOPES = ("grad_l1", "grad_pos_share", "grad_hard_share", "n_eff_grad")
OF_LIMITS = ("loss_if_empty", "loss_if_full", "loss_if_perfect")
COLUMNS = (*OF_VALUES, *OF_SLOPES, *OF_LIMITS, "direction", "approx")
AVERAGED = ("loss_mean", *OF_SLOPES, *OF_LIMITS)
NOT_PERFECT = "a perfect mask does not get 0"
FARTHEST = 100.0  # logit of a probability that is stored as 0 or 1
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
    needs: tuple[Any, ...] = loss.needs
    if any(need.on_map for need in needs):
        raise ConfigError(f"{loss.name} weighs voxels by where they lie, which a sweep does not know. Score with it.")
    grid = _grid(loss, options)
    names = {knob: spoken_names(loss).get(knob, knob) for knob in grid}
    settings = settings_of(grid, paired=options.zip)
    require_a_price(settings)
    calls = [loss.at(**setting) for setting in settings]
    shown = [{names[knob]: value for knob, value in setting.items()} for setting in settings]
    split = split_cases(classes[0].case_ids, select=options.select, report=options.report)
    reported = [maps.only(split.report) for maps in classes]
    blocks = {
        maps.name: [
            {**setting, **_cells(maps, call, options.easy_threshold), "approx": maps.curve.approx}
            for call, setting in zip(calls, shown, strict=True)
        ]
        for maps in reported
    }
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
        shown=tuple(column for column in COLUMNS if column not in ("loss_min", "loss_max", "approx")),
    )
    table = replace(table, pictures=_pictures(table))
    return _with_thresholds(table, classes, options) if options.threshold_by else table


def _pictures(table: SweepTable) -> tuple[SweepPicture, ...]:
    """Where the gradient lies, class by class, where one parameter of numbers was turned."""
    x = table.settings[0] if len(table.settings) == 1 else ""
    if not x or not all(isinstance(row[x], int | float) for row in table.rows):
        return ()
    drawn = {"grad_pos_share": "voxels of the class", "grad_hard_share": "hard voxels"}
    return tuple(
        lines(
            table,
            name=f"gradient_{safe_name(name)}",
            x=(x, x),
            y_label="share of the gradient",
            columns=drawn,
            rows=table.of_class(name),
            title=f"Share of the gradient of {table.loss}: {name}",
            y_range=(0.0, 1.02),
        )
        for name in table.places
    )


def _with_thresholds(table: SweepTable, classes: Sequence[ClassOverCases], options: SweepOptions) -> SweepTable:
    """The table with the operating point that a criterion prefers: the same in every row, whatever the loss says."""
    points = sweep_tversky_maps(classes, replace(options, grid=("alpha=0.5", "beta=0.5"), zip=False, baseline=None))
    of_class = {row["class"]: row for row in points.rows}
    columns = [name for name in points.columns if not name.startswith("soft_") and name not in table.columns]
    rows = [{**row, **{name: of_class[row["class"]].get(name) for name in columns}} for row in table.rows]
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
        name: sorted(values) if all(isinstance(value, int | float) for value in values) else values
        for name, values in grid.items()
    }


def _cells(maps: ClassOverCases, call: MeasureCall, easy: float) -> dict[str, Any]:
    cases = [_case_cells(case, call, easy) for case in maps.cases]
    values = summarise(np.array([cells["loss"] for cells in cases]))
    limits = _limits(maps, call)
    is_region = SoftCounts in call.measure.needs and np.isfinite(call.measure.bounds).all()
    return {
        **dict(zip(OF_VALUES, (values.mean, values.std, values.min, values.max), strict=True)),
        **mean_cells(cases, OF_SLOPES),
        **limits,
        "direction": int(np.sign(sum(cells["total"] for cells in cases))),
        "note": NOT_PERFECT if is_region and abs(limits["loss_if_perfect"]) > 1e-9 else "",
    }


def _case_cells(case: ClassOfCase, call: MeasureCall, easy: float) -> dict[str, float]:
    """Value and gradient of one case."""
    slopes = slopes_of(call, case.voxels)
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
    inside, outside = (
        np.array([getattr(case.histogram, side).sum() for case in maps.cases], dtype=np.int64)
        for side in ("positives", "negatives")
    )
    none = np.zeros_like(inside)
    masks = {
        "loss_if_empty": Counts(tp=none, fp=none, fn=inside, tn=outside),
        "loss_if_full": Counts(tp=inside, fp=outside, fn=none, tn=none),
        "loss_if_perfect": Counts(tp=inside, fp=none, fn=none, tn=outside),
    }
    return {name: float(mean(np.asarray(value_of(call, voxels_of_counts(mask))))) for name, mask in masks.items()}


def value_of(call: MeasureCall, voxels: Any) -> Any:
    """The loss of one class against the rest; a loss that looks across channels sees these two."""
    needs: tuple[Any, ...] = call.measure.needs
    return call(*(need(two_channels(voxels) if need.per_channel else voxels) for need in needs))


@dataclass(frozen=True, kw_only=True)
class Slopes:
    """The gradient of a loss in the logits of a map.

    Attributes:
        entries: summed over the voxels of each entry.
        voxels: the map.
    """

    entries: np.ndarray
    voxels: ProbVoxels

    @property
    def magnitudes(self) -> np.ndarray:
        """Sum of the magnitudes over the voxels of each entry; an entry of a negative count corrects others."""
        return np.abs(self.entries) * np.sign(self.voxels.count)

    @property
    def total(self) -> float:
        """The slope when all logits rise together; below 0 the loss would grow the mask."""
        return float(self.entries.sum())

    @property
    def l1(self) -> float:
        return float(self.magnitudes.sum())

    def share(self, which: np.ndarray) -> float:
        """The share of the magnitude that some entries carry."""
        return float(ratio(self.magnitudes[which].sum(), self.l1))

    @property
    def n_eff(self) -> float:
        """How many equally pulled voxels would spread the gradient as wide."""
        return float(ratio(self.l1**2, (self.entries**2 / self.voxels.count).sum()))


def slopes_of(call: MeasureCall, voxels: ProbVoxels) -> Slopes:
    """Differentiate the loss of one class by the logit of every entry."""
    import torch

    from segeval.losses.training.sums import LogitVoxels

    truth, count = torch.as_tensor(voxels.truth), torch.as_tensor(voxels.count, dtype=torch.float64)
    margin = torch.as_tensor(voxels.margin.clip(-FARTHEST, FARTHEST))
    logit = torch.where(truth, margin, -margin).requires_grad_()
    found = value_of(call, LogitVoxels(truth=truth, count=count, margin=torch.where(truth, logit, -logit)))
    if not found.requires_grad:
        return Slopes(entries=np.zeros(len(voxels.count)), voxels=voxels)
    found.backward()
    return Slopes(entries=np.asarray(logit.grad), voxels=voxels)
