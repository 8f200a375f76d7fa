"""Losses: as formulas on evidence, and as torch modules to train with.

>>> import segeval
>>> segeval.losses.TverskyLoss.__name__, segeval.losses.tversky_loss.name
('TverskyLoss', 'tversky_loss')

Formulas (`tversky_loss`, ...) need no torch; the modules (`TverskyLoss`, ...) import it when first named.
"""

from importlib import import_module
from typing import Any

from segeval.errors import absent_package, not_installed

FORMULAS = ("region", "pixel", "lovasz", "compound", "boundary", "shape", "rare")

_HELPERS = {
    "class_weights": "weights",
    "unet_weight_map": "boundary",
}


def __getattr__(name: str) -> Any:
    """Find a formula, a module or a helper by its name."""
    if name in _HELPERS:
        homes: tuple[str, ...] = (_HELPERS[name],)
    elif name.endswith("_loss"):
        homes = FORMULAS
    else:
        homes = ("training.modules",) if name[:1].isupper() else ()
    for home in homes:
        module = _imported(home)
        if name in vars(module):
            return getattr(module, name)
    raise AttributeError(f"module 'segeval.losses' has no attribute {name!r}")


def _imported(home: str) -> Any:
    try:
        return import_module(f"segeval.losses.{home}")
    except ModuleNotFoundError as error:
        package = absent_package(error)
        if package is None:
            raise
        raise not_installed(package) from error
