"""Every metric as a plain function on evidence: `segeval.metrics.dice(counts)`."""

from importlib import import_module
from typing import Any

_MODULES = ("overlap", "agreement", "partition", "volume")


def __getattr__(name: str) -> Any:
    for module in _MODULES:
        found = getattr(import_module(f"segeval.metrics.{module}"), name, None)
        if found is not None:
            return found
    raise AttributeError(f"segeval.metrics has no {name!r}; `segeval measures` lists every measure")
