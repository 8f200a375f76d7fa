"""The words in which types are written that only some readers need.

Type checkers read them, and the test run, which checks every call and loads jaxtyping to do so. A
run of the program reads none of them: there `Bool[np.ndarray, "*space"]` is `np.ndarray`, and what
stands under `if TYPE_CHECKING` stays unimported, which is most of the time that a small run takes.
"""

import sys
from typing import Any

TYPE_CHECKING = "jaxtyping" in sys.modules  # type checkers take a variable of this name for true

if TYPE_CHECKING:
    from jaxtyping import Bool, Float, Float64, Int64, Integer, Shaped, UInt
else:

    class _ArrayOnly:
        """Leaves of an annotation only the type of the array."""

        def __class_getitem__(cls, array_and_shape: tuple[Any, str]) -> Any:
            return array_and_shape[0]

    Bool = Float = Float64 = Int64 = Integer = Shaped = UInt = _ArrayOnly

__all__ = ["TYPE_CHECKING", "Bool", "Float", "Float64", "Int64", "Integer", "Shaped", "UInt"]
