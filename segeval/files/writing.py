"""Write a whole file or none: readers never see half a table, and a full disk leaves the old one."""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from segeval.errors import ConfigError
from segeval.files.paths import printable

PRIVATE_PREFIX = ".segeval-"  # our own files in a result folder that are no results
JOURNAL = f"{PRIVATE_PREFIX}journal.jsonl"


@contextmanager
def whole_file(path: Path) -> Iterator[TextIO]:
    """Open a text file that takes its place in one step, and only once all of it is on disk.

    Raises:
        ConfigError: the file cannot be written; nothing of it is left.
    """
    try:
        with _in_place(path) if _is_device(path) else _beside(path) as file:
            yield file
    except OSError as error:
        raise cannot_write(path, error) from error


def write_text_atomically(path: Path, text: str) -> None:
    """Write a text file, whole or not at all."""
    with whole_file(path) as file:
        file.write(text)


def cannot_write(path: Path, error: OSError) -> ConfigError:
    """Say why a file or folder cannot be written, and what helps."""
    full = error.errno in (errno.ENOSPC, errno.EDQUOT)
    remedy = "Free some space there, or choose another place." if full else "Make it writable, or choose another place."
    return ConfigError(f"{printable(path)}: cannot be written ({error.strerror or error}). {remedy}")


def _is_device(path: Path) -> bool:
    """A pipe or a device, such as /dev/stdout, must not be replaced by a file."""
    return path.exists() and not path.is_file()


@contextmanager
def _in_place(path: Path) -> Iterator[TextIO]:
    with _open(path) as file:
        yield file


@contextmanager
def _beside(path: Path) -> Iterator[TextIO]:
    path = Path(os.path.realpath(path))  # a link stays a link
    temporary = path.with_name(f"{PRIVATE_PREFIX}{path.name}.{os.getpid()}.tmp")
    try:
        with _open(temporary) as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def _open(path: Path) -> TextIO:
    # names that are no UTF-8 hold lone surrogates: as `\udc80` they are still valid in JSON
    return path.open("w", encoding="utf-8", errors="backslashreplace", newline="")
