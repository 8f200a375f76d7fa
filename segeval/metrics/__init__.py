"""Every metric as a plain function on evidence: `segeval.metrics.dice(counts)`."""

from importlib import import_module
from typing import Any

from segeval.errors import nearest
from segeval.measure import Measure

_MODULES = (
    *("overlap", "agreement", "partition", "volume", "boundary", "boundary_scores", "point_sets"),
    *("lesion", "probability", "topology", "detection", "tasks.instances", "tasks.connections"),
    "tasks.contours",
    "tasks.video",
    "tasks.scenes",
)


def __getattr__(name: str) -> Any:
    """Find a metric in the modules, which are imported in turn."""
    if name.startswith("_"):  # what tools ask every module for
        raise AttributeError(f"module 'segeval.metrics' has no attribute {name!r}")
    for module in _MODULES:
        found = getattr(import_module(f"segeval.metrics.{module}"), name, None)
        if found is not None:
            return found
    spelt = {spelling: known for known in __dir__() for spelling in (known, *__getattr__(known).aliases)}
    near = nearest(name, spelt)
    help = f" Did you mean {spelt[near]!r}?" if near else ""
    raise AttributeError(f"segeval.metrics has no {name!r}.{help} `segeval measures` lists every measure.")


def __dir__() -> list[str]:
    modules = [import_module(f"segeval.metrics.{module}") for module in _MODULES]
    return sorted({name for module in modules for name, found in vars(module).items() if isinstance(found, Measure)})
