"""The words in which array shapes are written: jaxtyping's, where somebody reads them.

Type checkers read them, and the test run, which checks every call and loads jaxtyping to do so. A
run of the program reads none of them: there `Bool[np.ndarray, "*space"]` is `np.ndarray`, and the
time to import jaxtyping is saved.
"""

import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING or "jaxtyping" in sys.modules:
    from jaxtyping import Bool, Float, Float64, Int64, Integer, Shaped, UInt
else:

    class _ArrayOnly:
        """Leaves of an annotation only the type of the array."""

        def __class_getitem__(cls, array_and_shape: tuple[Any, str]) -> Any:
            return array_and_shape[0]

    Bool = Float = Float64 = Int64 = Integer = Shaped = UInt = _ArrayOnly

__all__ = ["Bool", "Float", "Float64", "Int64", "Integer", "Shaped", "UInt"]
