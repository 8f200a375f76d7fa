"""Tables to stdout, talk to stderr."""

import io
import os
import re
import shutil
import sys
import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO

_COMMAND = re.compile(r"^([ \t]*)(::)|##(?=\[|vso\[)", re.MULTILINE)
PLAIN_WIDTH = 120  # where stdout is no terminal, the width must not depend on one


def open_streams() -> None:
    """See to it that there is a stdout and a stderr that take any name, also where the caller closed them.

    `>&-` closes one. The next file to be opened would take its number, and tables would run into it.
    """
    for name, number in (("stdout", 1), ("stderr", 2)):
        stream = getattr(sys, name)
        if stream is None:
            nowhere = os.open(os.devnull, os.O_WRONLY)
            if nowhere != number:
                os.dup2(nowhere, number)
                os.close(nowhere)
            stream = open(number, "w", encoding="utf-8", closefd=False)  # noqa: SIM115  # as long as the process
            setattr(sys, name, stream)
        stream.reconfigure(errors="backslashreplace")


def say(message: str) -> None:
    """Print a line of talk; where nobody can hear it, the work goes on."""
    _talk(harmless(f"segeval: {message}\n"))


def harmless(text: str) -> str:
    r"""Text for people that gives no orders to a CI server, which reads both streams for `::command` and `##[command]`.

    A name may hold such a command, and a table that folds it may put it first in a line.

    Example:
        >>> harmless("  ::error::x, a::b, ##[error]")
        '  \\::error::x, a::b, #\\#[error]'
    """
    return _COMMAND.sub(lambda found: f"{found[1]}\\::" if found[2] else "#\\#", text)


def put_json(text: str) -> None:
    r"""Print a JSON document, in which a CI server finds no command: `\u0023` is the same `#` to whoever parses it."""
    put(_COMMAND.sub(lambda found: found[0] if found[2] else "#\\u0023", text))


def tell_of_file(sources: Mapping[str, str], file: Path) -> None:
    """Name the options that a file set which nobody named."""
    names = [name for name, source in sources.items() if source == str(file)]
    if names:
        say(f"./{file} sets {', '.join(names)}")


def _talk(text: str) -> None:
    try:
        _put(sys.stderr, text)
    except OSError:
        silence(sys.stderr)


def put(text: str) -> None:
    """Print data; a reader that has gone, as `head` does, had what it wanted."""
    try:
        _put(sys.stdout, text)
    except BrokenPipeError:
        silence(sys.stdout)


def _put(stream: TextIO, text: str) -> None:
    stream.write(text)
    stream.flush()


def silence(stream: TextIO) -> None:
    """Let everything that is still written to a stream vanish, also what Python flushes when it exits."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stream.fileno())
    os.close(nowhere)


def report_bug(error: Exception) -> None:
    """Print a fault of the program, with what to report."""
    _talk("".join(traceback.format_exception(error)))
    say(
        f"this is a bug of segeval, not of your data ({type(error).__name__}).\n"
        "Please report it with the lines above and the command you ran."
    )


@contextmanager
def screen(*, color: bool = True) -> Iterator[Any]:
    """A rich console whose text goes to stdout when the block ends: plain and of fixed width unless to a terminal."""
    from rich.console import Console

    is_terminal = sys.stdout.isatty()
    is_plain = not color or bool(os.environ.get("NO_COLOR"))
    page = io.TextIOWrapper(io.BytesIO(), encoding=sys.stdout.encoding, errors="backslashreplace", newline="")
    yield Console(
        file=page,
        force_terminal=False if is_plain else is_terminal or None,
        width=shutil.get_terminal_size().columns if is_terminal else PLAIN_WIDTH,
        highlight=False,
        markup=False,
        emoji=False,
    )
    page.seek(0)
    put(harmless(re.sub(r" +$", "", page.read(), flags=re.MULTILINE)))
