"""The commands, and `main`: the only place that turns errors into exit codes."""

import errno
import sys
from typing import Annotated

import typer

import segeval
from segeval.cli import console, usage
from segeval.cli.compare import compare
from segeval.cli.doctor import doctor
from segeval.cli.gate import gate
from segeval.cli.measures import measures
from segeval.cli.score import score
from segeval.cli.sweep import sweep
from segeval.errors import ConfigError, DataError, SegevalError

BUG = 70
INTERRUPTED = 130

app = typer.Typer(
    name="segeval",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command()(score)
app.command()(sweep)
app.command()(gate)
app.command()(compare)
app.command()(doctor)
app.command()(measures)


def _print_version(asked: bool) -> None:
    if asked:
        console.put(f"segeval {segeval.__version__}\n")
        raise typer.Exit


@app.callback()
def _segeval(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version.", callback=_print_version, is_eager=True)
    ] = False,
) -> None:
    """Score image segmentations: every overlap metric and loss, per case and per class."""


def main() -> None:
    """Run the command line and exit with its code."""
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]  # a name must not break a message
    sys.exit(run(sys.argv[1:]))


def run(arguments: list[str]) -> int:
    """Run one command line and return its exit code."""
    try:
        code = _run(arguments)
        console.put("")  # flush here, where a fault can still be told
    except SegevalError as error:
        console.say(str(error))
        return error.exit_code
    except MemoryError:
        console.say("there is not enough memory. Pass --workers 1, or a smaller --bootstrap.")
        return DataError.exit_code
    except Exception as error:
        if getattr(error, "errno", None) != errno.ENOSPC:
            console.report_bug(error)
            return BUG
        console.silence(sys.stdout)
        console.say("stdout cannot be written: no space is left. Send it to another place.")
        return ConfigError.exit_code
    return code


def _run(arguments: list[str]) -> int:
    """Run the parser, which has ways of its own to leave."""
    try:
        code = int(app(args=arguments, prog_name="segeval", standalone_mode=False) or 0)
    except typer.Abort:
        code = INTERRUPTED
    except SystemExit as left:
        if not isinstance(left.__context__, BrokenPipeError):
            raise
        code = 0
    except Exception as error:
        if not hasattr(error, "format_message"):
            raise
        console.say(usage.explain(error))
        code = int(error.exit_code)  # type: ignore[attr-defined]
    if code == INTERRUPTED:
        console.say("interrupted.")
    return code
