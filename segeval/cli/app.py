"""The commands, and `main`: the only place that turns errors into exit codes."""

import sys
from typing import Annotated

import typer

import segeval
from segeval.cli import console
from segeval.cli.doctor import doctor
from segeval.cli.measures import measures
from segeval.cli.score import score
from segeval.errors import SegevalError

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
app.command()(doctor)
app.command()(measures)


def _print_version(asked: bool) -> None:
    if asked:
        print(f"segeval {segeval.__version__}")
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
    sys.exit(run(sys.argv[1:]))


def run(arguments: list[str]) -> int:
    """Run one command line and return its exit code."""
    try:
        return int(app(args=arguments, prog_name="segeval", standalone_mode=False) or 0)
    except SegevalError as error:
        console.complain(str(error))
        return error.exit_code
    except (KeyboardInterrupt, typer.Abort):
        console.complain("Interrupted. Finished cases are kept.")
        return INTERRUPTED
    except BrokenPipeError:
        # the reader of our output has gone, as `head` does: no fault of anyone
        sys.stdout = None
        return 0
    except Exception as error:
        if hasattr(error, "show") and hasattr(error, "exit_code"):  # a usage error of the command line parser
            error.show()
            return int(error.exit_code)
        console.report_bug(error)
        return BUG
