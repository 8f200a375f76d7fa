"""Every array shape of the program, named once.

Arrays are numpy or torch: annotations say `Any` where torch must stay unimported.
"""

from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Float64, Int, Int64, Integer

Labels = Integer[Any, "*space"]  # class ids, 2-D or 3-D
Probs = Float[Any, "label *space"]  # one probability map per class
Onehot = Bool[Any, "label *space"]  # one mask per class
PerLabel = Float64[np.ndarray, "*label"]  # one number per class (or a single number)
CountPerLabel = Int64[np.ndarray, "*label"]  # one voxel count per class (or a single count)
Square = Int64[np.ndarray, "*label truth pred"]  # joint histograms: rows are truth, columns are prediction
Offsets = Int[np.ndarray, "offset axis"]
SpacingMm = tuple[float, ...]  # in array axis order, never (x, y, z) by habit
