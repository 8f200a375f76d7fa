"""How much memory can still be taken: what the system, the container and the limits of the process leave."""

import ctypes
import gc
import math
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from pathlib import Path

from segeval.errors import DataError

_LEAST = 512 << 20  # numpy, its BLAS and a thread; below it C libraries end the process in ways of their own
_PER_THREAD = 192 << 20  # addresses of a stack, and of the heap that the allocator of C reserves for each thread
PROGRAM = 150 << 20  # bytes that the program itself takes, with its libraries and tables
_UNITS = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9, "t": 10**12, "ki": 1 << 10, "mi": 1 << 20, "gi": 1 << 30}
_UNITS["ti"] = 1 << 40
_allowed: ContextVar[float] = ContextVar("allowed", default=math.inf)


def memory_left() -> float:
    """Bytes that can still be taken."""
    return min(_left_to_the_system(), _left_to_the_container(), _addresses_left(), _allowed.get())


@contextmanager
def at_most(n_bytes: float) -> Iterator[None]:
    """Let a single image take no more than that in this thread, whatever the machine has."""
    outer = _allowed.set(n_bytes)
    try:
        yield
    finally:
        _allowed.reset(outer)


def give_back() -> None:
    """Return to the system what was freed, which the allocator of C else keeps between what is still held."""
    gc.collect(0)  # maps and the views of them refer to one another, and all are young
    with suppress(OSError, AttributeError, TypeError):  # glibc has it, and no other library of C
        ctypes.CDLL(None).malloc_trim(0)


def read_size(text: str) -> int:
    """A number of bytes such as `2GiB`, `500MB` or `1000000`.

    Raises:
        ValueError: the text says no size.
    """
    found = re.fullmatch(r"\s*(\d{1,15}(?:\.\d{1,9})?)\s*([kmgt]i?)?b?\s*", text.lower())
    if found is None:
        raise ValueError("no size. Write it as 2GiB or 500MB")
    return int(float(found[1]) * _UNITS[found[2] or ""])


def refuse_cramped() -> None:
    """Stop at the start where a limit on addresses (`ulimit -v`) leaves no room for the libraries.

    Raises:
        DataError: OpenBLAS would end the process with the exit code of a failed rule, or a thread would die unheard.
    """
    limit = _address_limit()
    if limit < _LEAST:
        raise DataError(
            f"there is not enough memory: `ulimit -v` leaves {limit / 1024:.0f} KiB, and libraries and threads need "
            f"{_LEAST >> 10}. Raise the limit, as by `ulimit -v unlimited`."
        )
    if limit < math.inf:  # each of its threads takes addresses for buffers, and nothing here is faster by them
        os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")


def room_for_threads(n: int) -> None:
    """Stop where threads might not start: one that finds no memory dies unheard, and its starter waits for ever.

    Raises:
        MemoryError: addresses are limited, and too few are left.
    """
    if _addresses_left() < n * _PER_THREAD:
        raise MemoryError(f"no room for {n} threads")


def _left_to_the_system() -> float:
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
        return next(int(line.split()[1]) * 1024.0 for line in lines if line.startswith("MemAvailable:"))
    except (OSError, StopIteration, ValueError, IndexError):
        pass
    try:  # not Linux: all there is, used or not
        return float(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
    except (AttributeError, OSError, ValueError):
        return math.inf


def _left_to_the_container() -> float:
    try:
        limit, used = (Path("/sys/fs/cgroup", name).read_text() for name in ("memory.max", "memory.current"))
        return float(int(limit) - int(used))
    except (OSError, ValueError):  # no container, or one without a limit, which reads "max"
        return math.inf


def _addresses_left() -> float:
    limit = _address_limit()
    if limit == math.inf:
        return math.inf
    try:
        used = int(Path("/proc/self/statm").read_text().split()[0]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, IndexError):
        return limit
    return float(limit - used)


def _address_limit() -> float:
    try:
        import resource
    except ImportError:  # Windows has no such limit
        return math.inf
    limit, _ = resource.getrlimit(resource.RLIMIT_AS)
    return math.inf if limit == resource.RLIM_INFINITY else float(limit)
