"""segeval: score image segmentations, per case and per class, with numbers that say what they are.

>>> import numpy as np, segeval
>>> results = segeval.score(np.array([[0, 1, 1]]), np.array([[1, 1, 0]]), measures=["dice"])
>>> results.class_rows[0].values["dice"]
0.5
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from segeval.errors import ConfigError, DataError, SegevalError

if TYPE_CHECKING:
    from segeval.results import Results
    from segeval.verbs.library import score

__version__ = "0.1.0"
__all__ = ["ConfigError", "DataError", "Results", "SegevalError", "losses", "metrics", "score"]

_LAZY = {"score": "segeval.verbs.library", "Results": "segeval.results"}


def __getattr__(name: str) -> Any:
    """Import on first use, so that `import segeval` costs next to nothing."""
    if name in _LAZY:
        return getattr(import_module(_LAZY[name]), name)
    if name in ("metrics", "losses"):
        return import_module(f"segeval.{name}")
    raise AttributeError(f"module 'segeval' has no attribute {name!r}")
