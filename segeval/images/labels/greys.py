"""Images of grey levels that stand where class ids should: masks that went through JPEG, and maps saved as 0 to 255."""

from typing import Any

import numpy as np

from segeval.errors import DataError
from segeval.evidence.arrays import dtype_of, namespace, on_host
from segeval.evidence.labels import LabelMap
from segeval.files.paths import printable
from segeval.images.labels.label_ids import SideName
from segeval.images.readers.volumes import Volume

_LOOKED_AT = 1 << 18  # voxels: an image of greys shows it in any part
_NEAR = 24  # how far JPEG moves the two values of a mask
_FEWEST_OF_JPEG = 6  # such values, before chance is ruled out
_HIGH = 200
_FEWEST_GREYS = 32
_ONE_MAP = "the grey levels of one map"
_OBJECTS = " If they are objects, pass --instances."


def refuse_greys(volume: Volume, labels: LabelMap, *, side: SideName, beside: Any = None) -> None:
    """Stop where values of 8 or 16 bits, stored in any type, are no class ids by their looks.

    Ids that the labels name are never taken for greys.

    Args:
        beside: the ids of the truth, for a prediction.

    Raises:
        DataError: values cluster around two ends as JPEG leaves them, or are many beside a truth of one class.
    """
    n = None if volume.is_rgb or volume.palette is not None else _frequencies(volume.array)
    if n is None:
        return
    strange = [label for label in np.flatnonzero(n).tolist() if label and not _is_named(label, labels)]
    looks = ""
    if _is_jpeg(n, strange):
        looks = "a mask of two values that went through JPEG"
    elif beside is not None and len(strange) > _FEWEST_GREYS and _may_be_a_map(volume, n, labels):
        of_truth = _frequencies(beside)
        seen = set() if of_truth is None else {*np.flatnonzero(of_truth).tolist()} - {0}
        if len(seen) == 1 and len({*strange} - seen) > _FEWEST_GREYS:
            looks = _ONE_MAP
    if looks:
        some = ", ".join(map(str, strange[:3]))
        raise DataError(
            f"{printable(volume.path)}: holds {len(strange)} values such as {some}, and these are not class ids: "
            f"they look like {looks}. {_remedy(volume, side, beside)}{_OBJECTS * (looks == _ONE_MAP)}"
        )


class SampledGreys:
    """The voxels of an image that are looked at, gathered from slabs that lie one after the other in memory."""

    def __init__(self, size: int) -> None:
        self._step, self._at = _step(size), 0
        self._parts: list[np.ndarray] = []

    def add(self, slab: np.ndarray) -> None:
        """Take those of the next slab."""
        self._parts.append(slab.ravel(order="K")[-self._at % self._step :: self._step].copy())
        self._at += slab.size

    @property
    def array(self) -> np.ndarray:
        """All of them; few enough that each is looked at."""
        return np.concatenate(self._parts)


def _step(size: int) -> int:
    return max(1, size // _LOOKED_AT)


def _frequencies(array: Any) -> np.ndarray | None:
    """How often each id occurs in a sample; None where they are no whole numbers of 16 bits."""
    sample = _sample(array)
    if namespace(array) is not np:
        return on_host(sample.bincount(minlength=256)) if dtype_of(array) == np.uint8 else None
    if sample.dtype != np.uint8:
        low, high = sample.min().item(), sample.max().item()  # numbers of Python, as half floats end below 65535
        if not 0 <= low <= high <= np.iinfo(np.uint16).max or (sample.dtype.kind == "f" and (sample % 1).any()):
            return None
        sample = sample.astype(np.intp)
    return np.bincount(sample, minlength=256)


def _sample(array: Any) -> Any:
    flat = array.ravel(order="K") if namespace(array) is np else array.reshape(-1)
    return flat[:: _step(len(flat))]


def _is_named(label: int, labels: LabelMap) -> bool:
    rows = (*(labels.classes or ()), *labels.regions)
    return label in labels.ignore or any(label in row.ids for row in rows)


def _may_be_a_map(volume: Volume, n: np.ndarray, labels: LabelMap) -> bool:
    """Whether values reach as high as greys do; bytes of which nobody named a class may be dark ones."""
    is_dark = int(np.flatnonzero(n)[-1]) < _HIGH
    return not is_dark or (dtype_of(volume.array) == np.uint8 and labels.classes is None)


def _is_jpeg(n: np.ndarray, strange: list[int]) -> bool:
    """Whether most voxels are near 0 or near one high value, and many different values are."""
    top = int(np.flatnonzero(n)[-1])
    if not _HIGH <= top < 256:
        return False
    low = [label for label in strange if label <= _NEAR]
    high = [label for label in strange if top - _NEAR <= label < top]
    near = n[: _NEAR + 1].sum() + n[top - _NEAR : top + 1].sum()
    return bool(len(low) > 1 and len(high) > 1 and len(low) + len(high) >= _FEWEST_OF_JPEG and near >= 0.9 * n.sum())


def _remedy(volume: Volume, side: SideName, beside: np.ndarray | None) -> str:
    if side == "truth" or beside is None:
        return "Threshold it at half its range, and save it as PNG; or name all its ids with --labels."
    ids = np.unique(on_host(_sample(beside)))
    ids = ids[ids > 0]
    named = "" if ids.tolist() == [1] or len(ids) != 1 else f" --labels {ids[0]}=NAME"
    if volume.white is None:
        return (
            "Divide it by what stands for 1 and save it as floats if it is a probability; or name all its ids with "
            "--labels."
        )
    return f"Pass --pred-kind probs{named} to cut it at one half, or name all its ids with --labels."
