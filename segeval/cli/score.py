"""`segeval score`: score every case and class, and write the tables."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from segeval.cli import options as o
from segeval.cli.screens import console
from segeval.cli.screens.talk import Talk
from segeval.errors import ConfigError, DataError
from segeval.options import OUT, ScoreOptions

if TYPE_CHECKING:
    from segeval.results import Results
    from segeval.settings import Given

NOTHING_EVALUATED = 4
_GRAVEST_FIRST = (DataError.exit_code, 1, NOTHING_EVALUATED, 0)


@o.takes(ScoreOptions)
def score(
    given: "Mapping[str, Given]",
    *,
    pred: o.PredPath = None,
    truth: o.TruthPath = None,
    as_json: o.AsJson = False,
    html: o.Html = False,
    plot: o.Plot = None,
    quiet: o.Quiet = False,
    verbose: o.Verbose = False,
    no_color: o.NoColor = False,
    config: o.Config = None,
    profile: o.Profile = False,
    gate: o.Gate = None,
    output: o.GateOutput = None,
) -> int:
    """Score every case and class, and write the tables."""
    from segeval.settings import HERE, resolve
    from segeval.verbs.running.times import Times
    from segeval.verbs.score import score_folders

    if output and gate is None:
        raise ConfigError("--output is where the report of a gate goes, and there is no --gate. Name its file, too.")
    settings = resolve(given, config or gate)
    if (html or plot) and settings.options.shard:
        flag = "--html" if html else "--plot"
        raise ConfigError(f"{flag} is for a whole run, and --shard scores a part. Report what `segeval merge` joins.")
    if gate is not None and settings.options.shard:
        raise ConfigError("--gate judges a whole run, and --shard scores a part. Judge what `segeval merge` joins.")
    if gate is not None:
        from segeval.verbs.gate.comparable import refuse_changed_settings

        refuse_changed_settings(settings, gate)
    if not quiet:
        console.tell_of_file(settings.sources, HERE)
    folder = settings.options.out or OUT
    if html:
        from segeval.files.marked import refuse_foreign

        refuse_foreign(folder / "report.html")
    if plot is not None:
        from segeval.verbs.report.figures import drawing

        drawing()  # is known to work before hours of scoring
    with Talk(out=folder, quiet=quiet, verbose=verbose, color=not no_color) as talk:
        options = replace(settings.options, out=folder)
        times = Times() if profile else None
        results = score_folders(pred, truth, options, sources=settings.sources, watch=talk, times=times)
        talk.finish(results, as_json=as_json, times=times)
    if html:
        _write_page(folder, gate, quiet=quiet)
    if plot is not None:
        _write_charts(folder, plot, quiet=quiet)
    return _gravest(exit_code_of(results), _gate(folder, gate, output, quiet=quiet, color=not no_color) if gate else 0)


def _write_page(folder: Path, rules: Path | None, *, quiet: bool) -> None:
    """The report of the run that was just written, opened by its verdict where there are rules."""
    from segeval.verbs.report.making import ReportOptions, report

    page = report(folder, ReportOptions(gate=rules))
    if not quiet:
        console.say(f"the report is {page}")


def _write_charts(folder: Path, place: Path, *, quiet: bool) -> None:
    """The charts of the run that was just written."""
    from segeval.verbs.report.making import figures

    written = figures(folder, place)
    if not quiet:
        console.say(f"{len(written)} charts are in {place}")


def _gate(folder: Path, rules: Path, output: list[str] | None, *, quiet: bool, color: bool) -> int:
    """Hold the run that was just written against its rules."""
    from segeval.cli.screens.gate_output import show
    from segeval.verbs.gate.gating import GateOptions, gate

    report = gate(folder, GateOptions(config=rules))
    if not quiet:
        console.put("\n")
    show(report, output or [], quiet=quiet, color=color)
    return report.exit_code


def _gravest(*codes: int) -> int:
    """One exit code of several: data that cannot be scored, then a failed gate, then an inconclusive one."""
    return min(codes, key=_GRAVEST_FIRST.index)


def exit_code_of(results: "Results") -> int:
    """0, or 3 with a case that could not be scored, or 4 where nothing was there to be scored."""
    missing_is_error = results.facts["plan"]["missing"] == "error"
    if any(row.status == "failed" or (row.status == "missing_pred" and missing_is_error) for row in results.case_rows):
        return DataError.exit_code
    if results.facts["kind"] == "shard":
        return 0  # its share of the cases may be empty, or have no value
    return 0 if any(row.n for row in results.summary) else NOTHING_EVALUATED
