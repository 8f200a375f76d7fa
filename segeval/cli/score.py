"""`segeval score`: score every case and class, and write the tables."""

from typing import TYPE_CHECKING

import typer

from segeval.cli import console
from segeval.cli import options as o
from segeval.errors import DataError
from segeval.options import OUT, ScoreOptions

if TYPE_CHECKING:
    from segeval.results import Results

NOTHING_EVALUATED = 4
_DEFAULT = ScoreOptions()


def score(
    ctx: typer.Context,
    pred: o.PredPath = None,
    truth: o.TruthPath = None,
    measures: o.Measures = None,
    labels: o.Labels = None,
    regions: o.Regions = None,
    ignore_label: o.IgnoreLabel = None,
    include_background: o.IncludeBackground = False,
    pairs: o.Pairs = None,
    pred_pattern: o.PredPattern = None,
    truth_pattern: o.TruthPattern = None,
    missing: o.Missing = _DEFAULT.missing,
    keep_going: o.KeepGoing = False,
    geometry_tol: o.GeometryTol = _DEFAULT.geometry_tol,
    resample: o.Resample = False,
    ignore_geometry: o.IgnoreGeometry = False,
    spacing: o.Spacing = None,
    undefined: o.Undefined = _DEFAULT.undefined,
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
    device: o.Device = _DEFAULT.device,
    engine: o.Engine = _DEFAULT.engine,
    workers: o.Workers = _DEFAULT.workers,
) -> int:
    """Score every case and class, and write the tables."""
    from segeval.settings import score_options
    from segeval.tasks.score import score_folders

    options = score_options(o.given(ctx), config)
    with console.Talk(quiet=quiet, verbose=verbose, color=not no_color) as talk:
        run = score_folders(pred, truth, options, out=out, watch=talk)
        talk.show_run(run, out=out, as_json=as_json)
    return _exit_code(run)


def _exit_code(run: "Results") -> int:
    """0, or 3 with a failed case, or 4 where nothing was there to be scored."""
    if any(row.status == "failed" for row in run.case_rows):
        return DataError.exit_code
    return 0 if run.confusion is not None else NOTHING_EVALUATED
