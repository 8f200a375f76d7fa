"""`segeval sweep`: what a parameter of a loss does to a segmentation."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import typer

from segeval.cli import options as o
from segeval.cli import sweep_options as s
from segeval.cli import trained_options as t
from segeval.errors import ConfigError
from segeval.options import SweepOptions

if TYPE_CHECKING:
    from segeval.settings import Given

_DEFAULT = SweepOptions()


def sweep(
    ctx: typer.Context,
    loss: s.Loss = None,
    data: s.Data = None,
    truth: s.Truth = None,
    mode: s.Mode = None,
    maps: s.Maps = False,
    runs: s.Runs = False,
    train: s.Train = False,
    curve: s.Curve = False,
    cdf: s.Cdf = False,
    grid: s.Grid = None,
    gamma: s.Gamma = None,
    zip: s.Zip = False,
    sum_to_one: s.SumToOne = False,
    check_table: s.CheckTable = None,
    pairs: o.Pairs = None,
    pred_pattern: o.PredPattern = None,
    truth_pattern: o.TruthPattern = None,
    pred_kind: o.PredKind = _DEFAULT.pred_kind,
    channel_axis: o.ChannelAxis = None,
    channel_files: o.ChannelFiles = None,
    truth_files: o.TruthFiles = None,
    round_labels: o.RoundLabels = False,
    clip_probs: o.ClipProbs = False,
    labels: o.Labels = None,
    regions: o.Regions = None,
    ignore_label: o.IgnoreLabel = None,
    include_background: o.IncludeBackground = False,
    channels: o.ChannelNames = None,
    pred_ids: o.PredIds = None,
    colors: o.Colors = None,
    class_name: s.ClassName = None,
    geometry_tol: o.GeometryTol = _DEFAULT.geometry_tol,
    resample: o.Resample = False,
    ignore_geometry: o.IgnoreGeometry = False,
    spacing: o.Spacing = None,
    select_by: s.SelectBy = _DEFAULT.select_by,
    threshold_by: s.ThresholdBy = None,
    select: s.Select = None,
    report: s.Report = None,
    histogram: s.Histogram = False,
    operating_points: s.OperatingPoints = False,
    averaging: s.Averaging = None,
    apr_method: s.AprMethod = _DEFAULT.apr_method,
    apr_averaging: s.AprAveraging = _DEFAULT.apr_averaging,
    bootstrap: s.Bootstrap = _DEFAULT.bootstrap,
    baseline: s.Baseline = None,
    seed: o.Seed = _DEFAULT.seed,
    losses: t.Losses = None,
    vary: t.Vary = None,
    optimise: t.Optimise = None,
    by: t.By = _DEFAULT.by,
    allow_missing: t.AllowMissing = False,
    holdout: t.Holdout = _DEFAULT.holdout,
    folds: t.Folds = _DEFAULT.folds,
    seeds: t.Seeds = None,
    iterations: t.Iterations = None,
    batch: t.Batch = None,
    patch: t.Patch = None,
    dimensions: t.Dimensions = _DEFAULT.dimensions,
    learning_rate: t.LearningRate = None,
    network: t.Network = _DEFAULT.network,
    width: t.Width = _DEFAULT.width,
    protocol: t.Protocol = _DEFAULT.protocol,
    then_maps: t.ThenMaps = False,
    easy_threshold: s.EasyThreshold = _DEFAULT.easy_threshold,
    trained_gamma: s.TrainedGamma = None,
    max_voxels: s.MaxVoxels = _DEFAULT.max_voxels,
    format: s.Format = None,
    out: s.Out = None,
    layout: s.Layout = _DEFAULT.layout,
    with_paper: s.WithPaper = False,
    plot: s.Plot = None,
    quiet: o.Quiet = False,
    no_color: o.NoColor = False,
    config: s.Config = None,
    device: o.Device = _DEFAULT.device,
    workers: o.Workers = _DEFAULT.workers,
) -> int:
    """Tabulate what a parameter of a loss does to a segmentation; without paths on the bundled sample."""
    from segeval.cli.sweep_output import show_findings, show_sweep
    from segeval.cli.train_talk import TrainTalk
    from segeval.settings import resolve_sweep
    from segeval.verbs.sweep.run import run_sweep

    if check_table is not None:
        _refuse_beside_a_table(o.given(ctx, locals()))
        return show_findings(check_table, pooled=averaging == "pooled")
    flags = {"maps": maps, "runs": runs, "train": train, "curve": curve, "cdf": cdf}
    settings = resolve_sweep(_with_gamma(_with_mode(o.given(ctx, locals()), flags)), config)
    with TrainTalk(quiet=quiet, color=not no_color) as watch:
        outcome = run_sweep(loss, data, truth, settings.options, sources=settings.sources, watch=watch)
    show_sweep(outcome, quiet=quiet, color=not no_color)
    return 0


def _refuse_beside_a_table(given: "dict[str, Given]") -> None:
    """Refuse what changes nothing in the check of a table."""
    from segeval.settings import COMMAND_LINE

    for name, one in given.items():
        if one.source == COMMAND_LINE and name not in ("check_table", "averaging", "quiet", "no_color"):
            said = {"loss": "LOSS", "data": "INPUT", "truth": "TRUTH", "class_name": "--class"}
            raise ConfigError(
                f"{said.get(name, '--' + name.replace('_', '-'))} changes nothing beside --check-table. Leave it out."
            )


def _with_mode(given: "dict[str, Given]", flags: Mapping[str, bool]) -> "dict[str, Given]":
    """The options with `--mode` said by its short form."""
    from segeval.settings import COMMAND_LINE, Given

    named = [mode for mode, is_set in flags.items() if is_set]
    if not named:
        return given
    modes = {*named} | ({given["mode"].value} if "mode" in given else set())
    if len(modes) > 1:
        raise ConfigError(f"A sweep has one mode, and {' and '.join(sorted(modes))} were asked for. Keep one of them.")
    return given | {"mode": Given(value=named[0], source=COMMAND_LINE)}


def _with_gamma(given: "dict[str, Given]") -> "dict[str, Given]":
    """The options with `--gamma` among the values of parameters."""
    if "gamma" not in given:
        return given
    from segeval.settings import Given

    gamma, grid = given["gamma"], given["grid"].value if "grid" in given else ()
    return given | {"grid": Given(value=[*grid, f"gamma={gamma.value}"], source=gamma.source)}
