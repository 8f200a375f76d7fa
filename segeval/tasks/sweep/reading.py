"""Files of probability maps and their truths, as cases for a sweep."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from segeval.core.labels import LabelClass, LabelMap
from segeval.errors import ConfigError, DataError
from segeval.io.geometry import align
from segeval.io.label_ids import to_labels
from segeval.io.labelmaps import read_label_map
from segeval.io.pairs import Pair, find_pairs, missing_message
from segeval.io.paths import printable
from segeval.io.volumes import Volume, read_volume
from segeval.options import InputOptions
from segeval.sample import sample_folder
from segeval.tasks.sweep.maps import MapCase


def read_maps(maps: Path | None, truth: Path | None, options: InputOptions) -> Iterator[MapCase]:
    """Read maps and truths case by case; without paths, those of the bundled sample.

    Raises:
        ConfigError: a path or an option is wrong.
        DataError: a file cannot be read, holds no probabilities, or has no partner.
    """
    labels = options.labels
    if maps is None and truth is None and options.pairs is None:
        sample = sample_folder()
        maps, truth, labels = sample / "probs", sample / "gt", labels or sample / "labels.yaml"
    pairs = find_pairs(
        maps, truth, pairs_csv=options.pairs, pred_pattern=options.pred_pattern, truth_pattern=options.truth_pattern
    )
    if pairs.missing_preds:
        raise DataError(missing_message(pairs))
    label_map = read_label_map(
        labels, regions=options.regions, ignore=options.ignore_label, include_background=options.include_background
    )
    return (_read(pair, label_map, options) for pair in pairs.pairs if pair.truth is not None)


def _read(pair: Pair, labels: LabelMap, options: InputOptions) -> MapCase:
    if pair.truth is None or pair.pred is None:
        raise ValueError(f"{pair.case_id} is not a pair")
    truth, pred = read_volume(pair.truth), read_volume(pair.pred)
    ids = to_labels(truth, ignore=labels.ignore)
    probs, _ = align(
        pred,
        truth,
        tolerance=options.geometry_tol,
        resample=options.resample,
        ignore=options.ignore_geometry,
        kind="probs",
    )
    channels = _checked(pred, np.moveaxis(probs, -1, 0) if probs.ndim > ids.ndim else probs[None])
    scored = ~np.isin(ids, labels.ignore)
    return map_case(pair.case_id, channels[:, scored], ids[scored], _classes(pred, len(channels), labels))


def map_case(case_id: str, probs: np.ndarray, ids: np.ndarray, classes: Sequence[LabelClass]) -> MapCase:
    """The case of some maps, shape (channel, voxel), with the true id of each voxel."""
    inside = [np.isin(ids, of.ids) for of in classes]
    if len(probs) > len(classes):
        inside = [~np.any(inside, axis=0), *inside]
    return MapCase(case_id=case_id, classes=tuple(classes), probs=probs, inside=np.stack(inside))


def _checked(pred: Volume, probs: np.ndarray) -> np.ndarray:
    low, high = float(probs.min()), float(probs.max())
    if np.array_equal(probs, probs.round()):
        raise DataError(
            f"{printable(pred.path)}: holds whole numbers only, so it is a mask, and a sweep over --maps needs "
            "probability maps. Export the probabilities, or compare masks of several settings with --runs."
        )
    if not (low >= -1e-6 and high <= 1 + 1e-6):
        raise DataError(
            f"{printable(pred.path)}: values from {low:.4g} to {high:.4g} are no probabilities, which lie in [0, 1]."
        )
    return probs.clip(0, 1)


def _classes(pred: Volume, n_channels: int, labels: LabelMap) -> tuple[LabelClass, ...]:
    if labels.classes is None:
        n = max(n_channels - 1, 1)
        return tuple(LabelClass(name=str(one), ids=(one,)) for one in range(1, n + 1))
    classes = labels.classes_among(())
    if n_channels - len(classes) not in (0, 1):
        raise ConfigError(
            f"{printable(pred.path)}: {n_channels} channels do not fit {len(classes)} classes. "
            "There must be one per class, or one more for the background, which comes first."
        )
    return classes
