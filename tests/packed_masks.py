"""The larger masks that worked values speak of: one structure and its prediction, 2-D and 3-D."""

import base64
import math

import numpy as np

from segeval.core.labels import LabelClass
from tests.conftest import golden

ONE = (LabelClass(name="one", ids=(1,)),)
SPACING_MM = {name: tuple(spacing) for name, spacing in golden("masks")["spacing_mm"].items()}


def packed(name: str) -> tuple[np.ndarray, np.ndarray]:
    """The masks (pred, truth) of a fixture, as label images with the id 1."""
    return _unpacked(f"{name}.pred"), _unpacked(f"{name}.truth")


def _unpacked(name: str) -> np.ndarray:
    shape, bits = (golden("masks")["masks"][name][part] for part in ("shape", "bits"))
    raw = np.frombuffer(base64.b64decode(bits), dtype=np.uint8)
    return np.unpackbits(raw, count=math.prod(shape)).reshape(shape)
