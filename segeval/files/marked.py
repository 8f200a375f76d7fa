"""Pages and pictures that stand alone: each carries a mark, so that it replaces an earlier one and no other file."""

import os
import struct
import zlib
from pathlib import Path

from segeval.errors import ConfigError
from segeval.files.paths import printable
from segeval.files.writing import PRIVATE_PREFIX, cannot_write

MARK = b"made by segeval"
_PNG_END = b"IEND"


def write_marked(path: Path, data: bytes) -> None:
    """Write a page or a picture whole or not at all, over nothing but an earlier one of ours.

    Raises:
        ConfigError: something else is there, or it cannot be written.
    """
    refuse_foreign(path)
    beside = path.with_name(f"{PRIVATE_PREFIX}{path.name}.{os.getpid()}.tmp")
    try:
        beside.write_bytes(_marked(data))
        beside.replace(path)
    except OSError as error:
        raise cannot_write(path, error) from error
    finally:
        beside.unlink(missing_ok=True)


def refuse_foreign(path: Path) -> None:
    """Refuse a place where something lies that is no earlier page or picture of ours.

    Raises:
        ConfigError: it does, or cannot be read.
    """
    try:
        foreign = os.path.lexists(path) and (path.is_symlink() or not path.is_file() or MARK not in path.read_bytes())
    except OSError as error:
        raise cannot_write(path, error) from error
    if foreign:
        raise ConfigError(
            f"{printable(path)}: is there already, and segeval did not make it. Move it, or name another place."
        )


def _marked(data: bytes) -> bytes:
    """The same file with a remark that its readers pass over."""
    if data.startswith(b"\x89PNG"):
        at = data.rindex(_PNG_END) - 4
        text = b"tEXtComment\0" + MARK
        chunk = struct.pack(">I", len(text) - 4) + text + struct.pack(">I", zlib.crc32(text))
        return data[:at] + chunk + data[at:]
    return data + (b"%% %s\n" if data.startswith(b"%PDF") else b"<!-- %s -->\n") % MARK
