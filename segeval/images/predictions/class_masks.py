"""Masks of single classes, one file each, put together to one label image."""

from collections.abc import Collection
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from segeval.errors import DataError
from segeval.evidence.labels import LabelMap
from segeval.evidence.lesions.instance_maps import InstanceMap
from segeval.evidence.policies import Orientation
from segeval.evidence.probabilities.hard_masks import Claims, Overlay, distinct_ids
from segeval.evidence.shapes import Labels, Mask
from segeval.files.paths import printable
from segeval.images.geometry.geometry import align
from segeval.images.labels.label_ids import SideName, labelled
from segeval.images.labels.labelspecs import is_id
from segeval.images.pairing.class_files import ClassFiles, named_by_files, remedy_for_cases
from segeval.images.pairing.layouts import name_of
from segeval.images.readers.readers import read_volume
from segeval.images.readers.volumes import Volume

VOID = (1 << 15) - 1  # of pixels of which a truth says nothing
FIRST_UNION = 1 << 15  # ids for voxels that several classes share lie above those that people give


@dataclass(frozen=True, kw_only=True)
class LabelImage:
    """A label image; `claims` are the classes that share the voxels of an id.

    `instances` are its objects, where the file tells them apart.
    """

    volume: Volume
    claims: Claims = field(default_factory=dict)
    instances: InstanceMap | None = None

    def apart_from(self, taken: Collection[int]) -> "LabelImage":
        """The same image, whose shared voxels have none of these ids."""
        clashing = sorted({*self.claims} & {*taken})
        if not clashing:
            return self
        array, claims = self.volume.array, dict(self.claims)
        array = array.astype(np.promote_types(array.dtype, np.uint32))
        for old in clashing:
            new = max(*claims, *taken, FIRST_UNION) + 1
            array[array == old] = new
            claims[new] = claims.pop(old)
        return replace(self, volume=replace(self.volume, array=array), claims=claims)


def join_class_masks(
    folder: Path, files: ClassFiles, labels: LabelMap, *, side: SideName, orientation: Orientation | None = None
) -> LabelImage:
    """Read the masks of one case, one after the other, so that hundreds of them need the memory of two.

    Args:
        folder: the case, for messages.
        files: by the name or the id of the class; one of background adds nothing.
        labels: which classes there are.
        side: which remedies a message may offer.
        orientation: which form of a NIfTI header to take where both are there.

    Raises:
        DataError: a file cannot be read, is no mask, is of no class, or lies on another grid than the first one.
    """
    if not labels.in_order and all(map(is_id, files)):
        labels = named_by_files([files], labels, beside_ids=False)
    found = {name: next((row for row in labels.in_order if name_of(row, [name])), None) for name in files}
    unknown = [name for name, row in found.items() if row is None and name not in ("0", "background")]
    if unknown:
        raise DataError(
            f"{printable(folder)}: has files for {', '.join(map(printable, files))}, and the other side has ids. "
            "Say which class has which id with --labels, such as 1=liver,2=spleen."
        )
    classes = tuple(row for row in found.values() if row is not None)
    first: Volume | None = None
    overlay: Overlay | None = None
    for name, path in files.items():
        row = found[name]
        mask = _read_mask(path, side, orientation)
        if first is None or overlay is None:
            first, overlay = mask, Overlay(classes, like=mask.array.view(np.uint8))
        if row is not None and row.ids != (0,):
            overlay.add(classes.index(row), _on_grid_of(first, mask))
    if first is None or overlay is None:
        raise DataError(f"{printable(folder)}: holds no mask. Add one per class.")
    array, claims = overlay.named(taken=set(), first=FIRST_UNION)
    return LabelImage(volume=replace(first, path=folder, array=array), claims=claims)


def _read_mask(path: Path, side: SideName, orientation: Orientation | None) -> Volume:
    """The image as a mask: one value besides 0, whichever it is."""
    volume = labelled(read_volume(path, orientation=orientation), side=side)
    ids = distinct_ids(volume.array) - {0}
    if len(ids) > 1:
        some = ", ".join(map(str, sorted(ids)[:5]))
        raise DataError(
            f"{printable(path)}: holds ids {some}, but a file of one class holds 0 and one other value. "
            f"If each file is a case, {remedy_for_cases(path)}."
        )
    return replace(volume, array=volume.array != 0)


def _on_grid_of(first: Volume, mask: Volume) -> Mask:
    if mask is first:
        return mask.array
    try:
        return align(mask, first)[0]
    except DataError as error:
        raise DataError(
            f"{printable(mask.path)}: lies on another grid than {printable(first.path)}, and the classes of one case "
            "share one grid. Write all masks of the case on the grid of its image. "
            f"If each file is a case, {remedy_for_cases(first.path)}."
        ) from error


def without_ids(labels: Labels, ids: Collection[int]) -> Labels:
    """The labels with some ids, of no class, as background."""
    return np.where(np.isin(labels, list(ids)), 0, labels).astype(labels.dtype)
