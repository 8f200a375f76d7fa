"""Which classes a table of trained models reports."""

from collections.abc import Sequence
from pathlib import Path

from segeval.errors import ConfigError, DataError
from segeval.evidence.labels import LabelClass, LabelMap
from segeval.images.labels.label_ids import distinct, to_labels
from segeval.images.readers.readers import read_volume
from segeval.options import SweepOptions


def chosen_classes(truths: Sequence[Path], labels: LabelMap, options: SweepOptions) -> tuple[LabelClass, ...]:
    """The classes to report, or the one that `--class` names; without labels every id of the truths.

    Raises:
        ConfigError: there is no such class.
        DataError: the truths hold no class at all.
    """
    classes = labels.classes_among(() if labels.classes is not None else _ids_of(truths, labels))
    chosen = tuple(one for one in classes if options.class_name in (None, one.name))
    if not classes:
        raise DataError("The true masks are empty, so there is no class to report.")
    if not chosen:
        said = ", ".join(one.name for one in classes)
        raise ConfigError(f"--class {options.class_name}: no such class. There are {said}.")
    return chosen


def _ids_of(truths: Sequence[Path], labels: LabelMap) -> set[int]:
    volumes = (to_labels(read_volume(one), ignore=labels.ignore) for one in truths)
    return {one for volume in volumes for one in distinct(volume.ravel(order="K")).tolist()}
