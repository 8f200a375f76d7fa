"""`segeval score`: score every case and class, and write the tables."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from segeval.cli import console
from segeval.cli import options as o
from segeval.cli.talk import Talk
from segeval.errors import DataError
from segeval.options import OUT, ScoreOptions

if TYPE_CHECKING:
    from segeval.results import Results

NOTHING_EVALUATED = 4
_GRAVEST_FIRST = (DataError.exit_code, 1, NOTHING_EVALUATED, 0)
_DEFAULT = ScoreOptions()


def score(
    ctx: typer.Context,
    pred: o.PredPath = None,
    truth: o.TruthPath = None,
    measures: o.Measures = None,
    like: o.Like = None,
    labels: o.Labels = None,
    regions: o.Regions = None,
    ignore_label: o.IgnoreLabel = None,
    include_background: o.IncludeBackground = False,
    channels: o.ChannelNames = None,
    pred_ids: o.PredIds = None,
    colors: o.Colors = None,
    pairs: o.Pairs = None,
    pred_pattern: o.PredPattern = None,
    truth_pattern: o.TruthPattern = None,
    pred_kind: o.PredKind = _DEFAULT.pred_kind,
    channel_axis: o.ChannelAxis = None,
    channel_files: o.ChannelFiles = None,
    truth_files: o.TruthFiles = None,
    round_labels: o.RoundLabels = False,
    clip_probs: o.ClipProbs = False,
    pred_instances: o.PredInstances = None,
    truth_instances: o.TruthInstances = None,
    missing: o.Missing = _DEFAULT.missing,
    keep_going: o.KeepGoing = False,
    geometry_tol: o.GeometryTol = _DEFAULT.geometry_tol,
    resample: o.Resample = False,
    ignore_geometry: o.IgnoreGeometry = False,
    spacing: o.Spacing = None,
    undefined: o.Undefined = _DEFAULT.undefined,
    empty_distance: o.EmptyDistance = str(_DEFAULT.empty_distance),
    ci_level: o.CiLevel = _DEFAULT.ci_level,
    bootstrap: o.Bootstrap = _DEFAULT.bootstrap,
    seed: o.Seed = _DEFAULT.seed,
    out: o.Out = OUT,
    format: o.Format = None,
    as_json: o.AsJson = False,
    quiet: o.Quiet = False,
    verbose: o.Verbose = False,
    no_color: o.NoColor = False,
    config: o.Config = None,
    gate: o.Gate = None,
    output: o.GateOutput = None,
    device: o.Device = _DEFAULT.device,
    engine: o.Engine = _DEFAULT.engine,
    workers: o.Workers = _DEFAULT.workers,
) -> int:
    """Score every case and class, and write the tables."""
    from segeval.settings import resolve
    from segeval.verbs.score import score_folders

    settings = resolve(o.given(ctx, locals()), config or gate)
    if gate is not None:
        from segeval.verbs.gate.comparable import refuse_changed_settings

        refuse_changed_settings(settings, gate)
    folder = settings.options.out or out
    with Talk(out=folder, quiet=quiet, verbose=verbose, color=not no_color) as talk:
        options = replace(settings.options, out=folder)
        results = score_folders(pred, truth, options, sources=settings.sources, watch=talk)
        talk.finish(results, as_json=as_json)
    return _gravest(_exit_code(results), _gate(folder, gate, output, quiet=quiet, color=not no_color) if gate else 0)


def _gate(folder: Path, rules: Path, output: list[str] | None, *, quiet: bool, color: bool) -> int:
    """Hold the run that was just written against its rules."""
    from segeval.cli.gate_output import show
    from segeval.verbs.gate.gating import GateOptions, gate

    report = gate(folder, GateOptions(config=rules))
    if not quiet:
        console.put("\n")
    show(report, output or [], quiet=quiet, color=color)
    return report.exit_code


def _gravest(*codes: int) -> int:
    """One exit code of several: data that cannot be scored, then a failed gate, then an inconclusive one."""
    return min(codes, key=_GRAVEST_FIRST.index)


def _exit_code(results: "Results") -> int:
    """0, or 3 with a case that could not be scored, or 4 where nothing was there to be scored."""
    missing_is_error = results.facts["plan"]["missing"] == "error"
    if any(row.status == "failed" or (row.status == "missing_pred" and missing_is_error) for row in results.case_rows):
        return DataError.exit_code
    return 0 if any(row.n for row in results.summary) else NOTHING_EVALUATED
