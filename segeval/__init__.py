"""segeval: score image segmentations, per case and per class, with numbers that say what they are.

>>> import numpy as np, segeval
>>> results = segeval.score(np.array([[0, 1, 1]]), np.array([[1, 1, 0]]), measures=["dice"])
>>> results.class_rows[0].values["dice"]
0.5
>>> segeval.hd95(np.array([[0, 1, 1]]), np.array([[1, 1, 0]]), spacing=(0.5, 0.5))  # one distance of 0 and one of 0.5
0.475
"""

from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from segeval.errors import ConfigError, DataError, SegevalError

if TYPE_CHECKING:
    from segeval.results import Results
    from segeval.verbs.evaluator import Evaluator
    from segeval.verbs.library import score

__version__ = "0.1.0"
__all__ = ["ConfigError", "DataError", "Evaluator", "Results", "SegevalError", "losses", "metrics", "score"]

_LAZY = {"score": "segeval.verbs.library", "Evaluator": "segeval.verbs.evaluator", "Results": "segeval.results"}


_ROOMS = ("metrics", "losses")


def __getattr__(name: str) -> Any:
    """Import on first use, so that `import segeval` costs next to nothing; a measure is a function of two images."""
    if name in _LAZY:
        return getattr(import_module(_LAZY[name]), name)
    if name in _ROOMS:
        return import_module(f"segeval.{name}")
    if name.startswith("_") or find_spec(f"segeval.{name}"):  # what tools ask for; what `from segeval import` imports
        raise AttributeError(f"module 'segeval' has no attribute {name!r}")
    return import_module("segeval.verbs.measured").function_of(name)


def __dir__() -> list[str]:
    names = import_module("segeval.verbs.measured").function_names()
    return sorted({*globals(), *__all__, *names})
