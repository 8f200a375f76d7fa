"""Every array shape of the program, named once, and the words in which shapes are written.

Arrays are numpy or torch: annotations say `Any` where torch must stay unimported. Type checkers read shapes, and the
test run, which checks every call and loads jaxtyping to do so. A run of the program reads none of them: there
`Bool[np.ndarray, "*space"]` is `np.ndarray`, and what stands under `if TYPE_CHECKING` stays unimported, which is most
of the time that a small run takes.
"""

import sys
from typing import Any

import numpy as np

TYPE_CHECKING = "jaxtyping" in sys.modules  # type checkers take a variable of this name for true

if TYPE_CHECKING:
    from jaxtyping import Bool as Bool
    from jaxtyping import Float as Float
    from jaxtyping import Float64 as Float64
    from jaxtyping import Int64 as Int64
    from jaxtyping import Integer as Integer
    from jaxtyping import Shaped as Shaped
    from jaxtyping import UInt as UInt
else:

    class _ArrayOnly:
        """Leaves of an annotation only the type of the array."""

        def __class_getitem__(cls, array_and_shape: tuple[Any, str]) -> Any:
            return array_and_shape[0]

    Bool = Float = Float64 = Int64 = Integer = Shaped = UInt = _ArrayOnly

Labels = Integer[Any, "*space"]  # class ids, 2-D or 3-D
Mask = Bool[Any, "*space"]  # voxels that are meant
Probs = Float[Any, "label *space"]  # one probability map per class
PerLabel = Float64[Any, "*label"]  # one number per class, or a single one
Values = Float[Any, "*label"]  # the same in any precision, numpy or torch, so that autograd flows
Factors = Float[Any, "..."]  # numbers that broadcast against `Values`
CountPerLabel = Int64[Any, "*label"]  # one voxel count per class, or a single one
Square = Int64[np.ndarray, "*label bins bins"]  # joint histograms: rows are truth, columns are prediction
Offsets = Int64[np.ndarray, "offset axis"]  # steps from a voxel to others
Box = tuple[slice, ...]  # a part of an image, one slice per axis
SpacingMm = tuple[float, ...]  # in array axis order, never (x, y, z) by habit
AxesMm = tuple[tuple[float, ...], ...]  # the step in the world along each array axis, one row per axis
