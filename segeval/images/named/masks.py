"""Masks that bear names, several in one file: the segments of DICOM SEG and of 3D Slicer, the ROIs of RTSTRUCT."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from segeval.errors import DataError
from segeval.evidence.labels import LabelClass
from segeval.evidence.lesions.instance_maps import InstanceMap
from segeval.files.paths import printable
from segeval.images.readers.volumes import Volume, placed_in_world


@dataclass(frozen=True, kw_only=True)
class NamedMasks:
    """What a file with named masks holds, each mask made when its turn comes.

    Attributes:
        world: 4 x 4, from voxel indices x, y, z to millimetres, to the right, to the front and up; None of pictures.
        masks: by name; of the shape x, y, z, or (row, column) of pictures, True or a probability.
        of_part: only the part of the image around the masks is stored, and what lies beyond is background.
        are_probs: the masks are probabilities.
        instances: makes the objects that the masks are made of, where the file tells them apart, of the masks that have
            a class.
        void: makes the mask of pixels of which a truth says nothing, where the file has such.
    """

    path: Path
    world: np.ndarray | None
    masks: Mapping[str, Callable[[], np.ndarray]]
    of_part: bool = False
    are_probs: bool = False
    instances: Callable[[Mapping[str, LabelClass]], InstanceMap] | None = None
    void: Callable[[], np.ndarray] | None = None
    notes: tuple[str, ...] = ()

    def placed(self, array: np.ndarray) -> Volume:
        """An image on the grid of the masks.

        Raises:
            DataError: that is no grid.
        """
        if self.world is None:
            return Volume(path=self.path, array=array, notes=self.notes)
        volume = placed_in_world(self.path, array, self.world)
        return replace(volume, of_part=self.of_part, notes=(*self.notes, *volume.notes))


def refuse_doubles(path: Path, names: Sequence[str]) -> None:
    """Refuse a file in which two masks bear one name.

    Raises:
        DataError: two do.
    """
    if doubles := [name for name, n in Counter(names).items() if n > 1]:
        raise DataError(
            f"{printable(path)}: {names.count(doubles[0])} masks are called '{printable(doubles[0])}'. "
            "Give each a name of its own."
        )
