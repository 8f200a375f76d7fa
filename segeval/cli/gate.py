"""`segeval gate`: a verdict for CI."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from segeval.cli import options as o
from segeval.cli.screens import console
from segeval.errors import ConfigError

if TYPE_CHECKING:
    from segeval.verbs.gate.verdict import GateReport

HERE = Path("segeval.yaml")

Run = Annotated[Path | None, typer.Argument(metavar="RUN", help="Folder that `segeval score` wrote.")]
Config = Annotated[
    Path | None, typer.Option("-c", "--config", help="File with the rules; ./segeval.yaml if it is there.")
]
FailUnder = Annotated[
    list[str] | None, typer.Option("--fail-under", help="A rule in short, such as dice:mean=0.85; repeatable.")
]
Baseline = Annotated[Path | None, typer.Option("--baseline", help="Run to compare with, instead of the config's.")]
CaseTable = Annotated[Path | None, typer.Option("--case-table", help="CSV with a row of facts per case.")]
Output = Annotated[
    list[str] | None,
    typer.Option("--output", help="json, junit, markdown or github, and =PATH to write a file; repeatable."),
]
Schema = Annotated[bool, typer.Option("--schema", help="Print the JSON Schema of segeval.yaml.")]
RunSchema = Annotated[bool, typer.Option("--run-schema", help="Print the JSON Schema of run.json.")]
Init = Annotated[Path | None, typer.Option("--init", help="Write a starter file from a good run.")]
SelfTest = Annotated[bool, typer.Option("--selftest", help="Degrade the predictions and show which rules trip.")]
UpdateBaseline = Annotated[
    Path | None, typer.Option("--update-baseline", help="Copy the run there, if the gate passes.")
]


def gate(
    run: Run = None,
    config: Config = None,
    fail_under: FailUnder = None,
    baseline: Baseline = None,
    case_table: CaseTable = None,
    output: Output = None,
    schema: Schema = False,
    run_schema: RunSchema = False,
    init: Init = None,
    selftest: SelfTest = False,
    update_baseline: UpdateBaseline = None,
    quiet: o.Quiet = False,
    no_color: o.NoColor = False,
) -> int:
    """Hold a run against limits. Exits 0 for passed, 1 for failed, 4 for inconclusive."""
    if schema or run_schema:
        return _print_schema(of_run=run_schema)
    if run is None:
        raise ConfigError("Name the folder that `segeval score` wrote.")
    if init is not None:
        return _write_starter(run, init)
    from segeval.cli.screens.gate_output import show
    from segeval.verbs.gate.gating import GateOptions
    from segeval.verbs.gate.gating import gate as judge

    rules = config or (HERE if HERE.exists() else None)
    if config is None and rules is not None and not quiet:
        console.say(
            f"the rules of {HERE} hold{' beside --fail-under' if fail_under else ''}; name another file with -c"
        )
    options = GateOptions(
        config=rules,
        fail_under=tuple(fail_under or ()),
        baseline=baseline,
        case_table=case_table,
        becomes=update_baseline,
    )
    if selftest:
        return _selftest(run, options, color=not no_color)
    report = judge(run, options)
    show(report, output or [], quiet=quiet, color=not no_color)
    if update_baseline is not None:
        _update(run, update_baseline, report)
    return report.exit_code


def _print_schema(*, of_run: bool) -> int:
    from segeval.config import config_schema
    from segeval.results.run_schema import run_schema

    console.put(json.dumps(run_schema() if of_run else config_schema(), indent=2) + "\n")
    return 0


def _write_starter(run: Path, path: Path) -> int:
    from segeval.files.paths import printable
    from segeval.files.writing import write_text_atomically
    from segeval.results.stored_runs import read_stored_run
    from segeval.verbs.gate.starter import starter

    if path.exists():
        raise ConfigError(f"{printable(path)}: is there already. Delete it, or give --init another name.")
    write_text_atomically(path, starter(read_stored_run(run)))
    console.say(f"rules are in {path}; try `segeval gate {run} -c {path} --selftest`")
    return 0


def _selftest(run: Path, options: Any, *, color: bool) -> int:
    from segeval.cli.screens.gate_output import print_selftest
    from segeval.verbs.gate.selftest import selftest

    found = selftest(run, options)
    with console.screen(color=color) as screen:
        print_selftest(found, screen)
    return found.exit_code


def _update(run: Path, target: Path, report: "GateReport") -> None:
    from segeval.verbs.gate.starter import copy_run

    if report.exit_code != 0:
        console.say(f"{target} is left as it was: only a run that passes becomes the baseline")
        return
    copy_run(run, target)
    console.say(f"{target} is the baseline now")
