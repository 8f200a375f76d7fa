"""Every array shape of the program, named once.

Arrays are numpy or torch: annotations say `Any` where torch must stay unimported.
"""

from typing import Any

import numpy as np

from segeval.evidence.shape_words import Bool, Float, Float64, Int64, Integer

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
