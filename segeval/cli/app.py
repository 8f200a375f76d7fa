"""The commands, and `main`: the only place that turns errors into exit codes."""

import errno
import os
import signal
import sys
from collections.abc import Mapping
from importlib import import_module
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

import segeval
from segeval.cli.screens import console
from segeval.errors import ConfigError, DataError, SegevalError, absent_package, chain_of, nearest, not_installed
from segeval.files.memory import refuse_cramped

BUG = 70
INTERRUPTED = 130
# what the loader of shared libraries, the starter of threads and the allocator of C++ say
_OUT_OF_MEMORY = ("failed to map segment", "annot allocate memory", "can't start new thread", "std::bad_alloc")

COMMANDS = (
    "score",
    "merge",
    "sweep",
    "gate",
    "compare",
    "report",
    "show",
    "doctor",
    "explain",
    "measures",
)  # each a function in a module of its name
_MANNER: Mapping[str, Any] = {
    "add_completion": False,
    "pretty_exceptions_enable": False,
    "rich_markup_mode": "rich",
    "context_settings": {"help_option_names": ["-h", "--help"]},
}


class _Commands(TyperGroup):
    """The commands, each imported when it is asked for: to declare the options of all of them takes time."""

    def list_commands(self, ctx: Any) -> list[str]:
        return [*COMMANDS]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        asked = (cmd_name,) if cmd_name in COMMANDS else COMMANDS  # a wrong name is compared with all of them
        for name in asked:
            if name not in self.commands:
                self.commands[name] = _command(name)
        return self.commands.get(cmd_name)


def _command(name: str) -> Any:
    alone = typer.Typer(**_MANNER)
    alone.command(name)(getattr(import_module(f"segeval.cli.{name}"), name))
    return typer.main.get_command(alone)


app = typer.Typer(name="segeval", cls=_Commands, **{**_MANNER, "add_completion": True})


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
    _end_like_ctrl_c()
    console.open_streams()
    sys.exit(run(sys.argv[1:]))


def _end_like_ctrl_c() -> None:
    """Let a scheduler or a closed terminal end a run as Ctrl-C does, so that what is finished is kept."""
    for name in ("SIGTERM", "SIGHUP"):
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) is signal.SIG_DFL:  # nohup has it ignored, and keeps that
            signal.signal(number, signal.default_int_handler)


def run(arguments: list[str]) -> int:
    """Run one command line and return its exit code."""
    try:
        refuse_cramped()
        code = _run(arguments)
        console.put("")  # flush here, where a fault can still be told
    except SegevalError as error:
        console.say(str(error))
        return error.exit_code
    except KeyboardInterrupt:
        console.say("interrupted.")
        return INTERRUPTED
    except Exception as error:
        if any(
            isinstance(link, KeyboardInterrupt) for link in chain_of(error)
        ):  # a library may wrap it while it is imported
            console.say("interrupted.")
            return INTERRUPTED
        package = absent_package(error)
        if package is not None:
            console.say(str(not_installed(package)))
            return ConfigError.exit_code
        if _is_for_want_of_memory(error):
            console.say("there is not enough memory. Pass --workers 1, or a smaller --bootstrap.")
            return DataError.exit_code
        if getattr(error, "errno", None) != errno.ENOSPC:
            console.report_bug(error)
            return BUG
        console.silence(sys.stdout)
        console.say("stdout cannot be written: no space is left. Send it to another place.")
        return ConfigError.exit_code
    return code


def _is_for_want_of_memory(error: BaseException) -> bool:
    """Whether memory ran out, also where threads or the libraries of an import say so in their own way."""
    return any(
        isinstance(link, MemoryError)
        or getattr(link, "errno", None) == errno.ENOMEM
        or any(sign in str(link) for sign in _OUT_OF_MEMORY)
        for link in chain_of(error)
    )


def _run(arguments: list[str]) -> int:
    """Run the parser, which has ways of its own to leave."""
    try:
        code = int(app(args=arguments or ["--help"], prog_name="segeval", standalone_mode=False) or 0)
    except typer.Abort:
        code = INTERRUPTED
    except SystemExit as left:
        if not isinstance(left.__context__, BrokenPipeError):
            raise
        code = 0
    except Exception as error:
        if not hasattr(error, "format_message"):
            raise
        console.say(_usage_text(error))
        code = int(error.exit_code)  # type: ignore[attr-defined]
    if code == INTERRUPTED:
        console.say("interrupted.")
    return code


def _usage_text(error: Any) -> str:
    """What is wrong, the nearest right word, and where all of them are listed.

    Args:
        error: a usage error of the parser.
    """
    command = error.ctx.command_path if error.ctx else "segeval"
    wrong = _unknown_option(error) if hasattr(error, "possibilities") else _wrong_value(error)
    return f"{wrong.rstrip('.')}{'' if wrong.endswith('?') else '.'}\n`{command} --help` lists what it takes."


def _unknown_option(error: Any) -> str:
    """With the nearest option; the parser's own list of possibilities is not sorted by likeness."""
    flags = [flag for parameter in error.ctx.command.params for flag in parameter.opts if flag.startswith("--")]
    known = [flag[2:] for flag in flags]
    wrong = error.option_name.lstrip("-")
    near = nearest(wrong, known)
    short = "-m, " if near == "measures" else ""
    help = f"Did you mean {short}--{near}?" if near else "A path that begins with a dash goes after --."
    return f"There is no option {error.option_name}. {help}"


def _wrong_value(error: Any) -> str:
    """The parser's own words, with the environment variable where the value comes from one."""
    name = getattr(getattr(error, "param", None), "name", None)
    source = error.ctx.get_parameter_source(name) if error.ctx and name else None
    if source is not None and source.name == "ENVIRONMENT":
        variable = next((known for known in error.param.envvar if known in os.environ), error.param.envvar[0])
        return f"Invalid value for {variable}: {error.message}"
    return str(error.format_message())
