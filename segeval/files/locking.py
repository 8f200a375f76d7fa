"""One run in a folder at a time."""

import os
from contextlib import suppress
from pathlib import Path

from segeval.errors import ConfigError
from segeval.files.paths import printable
from segeval.files.writing import PRIVATE_PREFIX

try:
    import fcntl
except ImportError:  # Windows has no such locks: there, two runs into one folder are not noticed
    fcntl = None  # type: ignore[assignment]

LOCK = f"{PRIVATE_PREFIX}lock"


def lock_folder(folder: Path) -> int:
    """A file that only one living process has locked: the system frees it with the process, however that ends."""
    path = folder / LOCK
    while True:
        folder.mkdir(parents=True, exist_ok=True)  # a run that ended just now may have taken it along
        try:
            lock = os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0), 0o644)
        except FileNotFoundError:
            continue
        try:
            if fcntl is not None:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.read(lock, 20).decode("ascii", "replace").strip()
            os.close(lock)
            raise ConfigError(
                f"{printable(folder)}: another run{f' (process {holder})' if holder else ''} is writing there. "
                "Wait until it ends, or name another folder with --out."
            ) from None
        except OSError:
            pass  # a file system without locks
        if _is_still(path, lock):
            os.ftruncate(lock, 0)
            os.write(lock, f"{os.getpid()}\n".encode())
            return lock
        os.close(lock)  # the run before deleted it between our two steps


def _is_still(path: Path, lock: int) -> bool:
    try:
        return os.path.samestat(path.stat(), os.fstat(lock))
    except FileNotFoundError:
        return False


def unlock_folder(folder: Path, lock: int) -> None:
    """Let the next run in."""
    with suppress(OSError):
        (folder / LOCK).unlink()
    os.close(lock)
