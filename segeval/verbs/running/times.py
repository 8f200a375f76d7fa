"""Where the time of a run goes: by room of the program, without a line for it in any of them."""

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from time import perf_counter
from typing import Any

Times = dict[str, float]  # part of the work -> seconds, of all threads together

REST = "the rest"
_INHERITED = ""
# part of each room; the longest name that fits counts, and what a room calls outside of all of them is its own time
_PARTS = {
    "segeval.images.readers": "reading and decompressing",
    "segeval.images": "checks, grids, labels",
    "segeval.evidence.overlap": "counts",
    "segeval.evidence.masks": "voxels of each class",
    "segeval.evidence.surfaces": "surfaces and distances",
    "segeval.evidence.lesions": "lesions",
    "segeval.evidence.detection": "candidates",
    "segeval.evidence.topology": "topology and skeletons",
    "segeval.evidence.space": "weight maps",
    "segeval.evidence.probabilities": "probabilities",
    "segeval.metrics": "formulas",
    "segeval.losses": "formulas",
    "segeval.profiles": "formulas",
    "segeval.scoring": "formulas",
    "segeval.scoring.evidence": _INHERITED,
    "segeval.verbs.running.kept": "digests of the files",
    "segeval.scoring.collect": "means and intervals",
    "segeval.scoring.summarise": "means and intervals",
    "segeval.scoring.pooled": "means and intervals",
    "segeval.statistics": "means and intervals",
    "segeval.results": "writing",
    "segeval.results.records": _INHERITED,
    "segeval.files.journal": "writing",
    "segeval.files.outputs": "writing",
    "segeval.files.writing": "writing",
    "importlib": "imports",
}
IN_ORDER = tuple(dict.fromkeys([*filter(None, _PARTS.values()), REST]))


@contextmanager
def timed(times: Times | None) -> Iterator[None]:
    """Add to the times what is done in this thread; without any, nothing is measured.

    Python tells of each function that begins and ends. Its module says whose time it is, and a function of numpy, or of
    any other package, works for whoever called it.
    """
    if times is None:
        yield
        return
    parts, last = [REST], perf_counter()

    def until_now(part: str) -> None:
        nonlocal last
        now = perf_counter()
        times[part] = times.get(part, 0.0) + now - last
        last = now

    def note(frame: Any, event: str, _: Any) -> None:
        if event == "call":
            module = frame.f_globals.get("__name__", "") if frame.f_code.co_name != "<module>" else ""
            part = _part_of(module) or parts[-1]
            if part is not parts[-1]:
                until_now(parts[-1])
            parts.append(part)
        elif event == "return" and len(parts) > 1:
            part = parts.pop()
            if part is not parts[-1]:
                until_now(part)

    before = sys.getprofile()
    sys.setprofile(note)
    try:
        yield
    finally:
        sys.setprofile(before)
        until_now(parts[0])


def add(times: Times, more: Mapping[str, float]) -> None:
    """Add those of another thread."""
    for part, seconds in more.items():
        times[part] = times.get(part, 0.0) + seconds


@cache
def _part_of(module: str) -> str:
    while module:
        if module in _PARTS:
            return _PARTS[module]
        module = module.rpartition(".")[0]
    return _INHERITED
