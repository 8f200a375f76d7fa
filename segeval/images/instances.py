"""Instance maps that a user gives: the lesions themselves, in place of connected components."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from segeval.errors import ConfigError, DataError
from segeval.evidence.arrays import is_one_of
from segeval.evidence.case import Case
from segeval.evidence.labels import LabelClass, LabelMap
from segeval.evidence.lesions.instance_maps import InstanceMap
from segeval.evidence.lesions.lesions import Instances
from segeval.evidence.policies import Orientation
from segeval.evidence.shapes import Labels, Mask
from segeval.files.paths import printable, require_existing
from segeval.files.suffixes import image_suffix, is_store
from segeval.images.geometry.geometry import align
from segeval.images.input_rules import InputRules
from segeval.images.labels.label_ids import labelled, to_labels
from segeval.images.on_grid import OnGrid
from segeval.images.pairing.folders import find_case_files
from segeval.images.pairing.pairs import Pair, Pairs
from segeval.images.predictions.class_masks import LabelImage
from segeval.images.predictions.predictions import Prediction
from segeval.images.readers.readers import read_volume
from segeval.images.readers.volumes import Volume

Maps = tuple[Volume | None, Volume | None]  # of the prediction and of the truth
_FileOf = Callable[[Pair, Path], Path]  # of a case whose mask is that file


def with_instance_files(
    pairs: Pairs,
    *,
    pred: Path | None,
    truth: Path | None,
    pred_pattern: str | None = None,
    truth_pattern: str | None = None,
) -> Pairs:
    """The same pairs with the instance maps of the two sides, whether these are there or not.

    Args:
        pred: a folder whose files are called like the masks of that side, a path with `{case}` in it, or the
            file of a single case.
        truth: the same for the truth.
        pred_pattern: how the masks of that side are called.
        truth_pattern: the same for the truth.

    Raises:
        ConfigError: nothing is there, or one file is given for several cases.
        DataError: a folder cannot be read, or two of its files belong to one case.
    """
    n_cases = len(pairs.pairs)
    pred_of = _finder(pred, option="--pred-instances", pattern=pred_pattern, n_cases=n_cases)
    truth_of = _finder(truth, option="--truth-instances", pattern=truth_pattern, n_cases=n_cases)
    found = [
        replace(
            pair,
            pred_instances=pred_of(pair, pair.pred) if pred_of and pair.pred else None,
            truth_instances=truth_of(pair, pair.truth) if truth_of and pair.truth else None,
        )
        for pair in pairs.pairs
    ]
    return replace(pairs, pairs=tuple(found))


def _finder(place: Path | None, *, option: str, pattern: str | None, n_cases: int) -> _FileOf | None:
    if place is None:
        return None
    if "{case}" in str(place):
        return lambda pair, _: Path(str(place).replace("{case}", pair.case_id))
    if require_existing(place, what=option).is_dir() and not is_store(place):
        found = find_case_files(place, pattern=pattern, option=option)
        if found.doubles:
            raise DataError("\n".join(found.doubles.values()))
        files = found.files
        return lambda pair, mask: files.get(pair.case_id, place / _expected(pair, mask, pattern))
    if n_cases != 1:
        raise ConfigError(
            f"{option} {printable(place)}: this is one file, and there are {n_cases} cases. "
            "Name a folder, or a path with {case} in it."
        )
    return lambda pair, mask: place


def _expected(pair: Pair, mask: Path, pattern: str | None) -> str:
    return (pattern or f"{{case}}{image_suffix(mask) or ''}").replace("{case}", pair.case_id)


def read_instance_maps(pair: Pair, orientation: Orientation | None = None) -> Maps:
    """The instance maps of a pair, as they were stored.

    Raises:
        DataError: one of them is missing or cannot be read.
    """
    pred, truth = (
        None if path is None else _read(path, orientation) for path in (pair.pred_instances, pair.truth_instances)
    )
    return pred, truth


def _read(path: Path, orientation: Orientation | None) -> Volume:
    if not path.exists():
        raise DataError(
            f"{printable(path)}: there is no such instance map, and the case has a mask. Add the file, or leave out "
            "the option: then connected components are the lesions."
        )
    return read_volume(path, orientation=orientation)


def with_instances(case: Case, maps: Maps, truth: Volume, rules: InputRules) -> Case:
    """The case with its lesions as they were given.

    Args:
        truth: whose grid the case lies on.

    Raises:
        DataError: a map does not lie on the grid, holds no ids, or an instance spans two classes.
    """
    if maps == (None, None):
        return case
    labels = rules.labels if rules.first_prediction is None else rules.first_prediction.form.completed(rules.labels)
    found = list(case.instances)
    notes: list[str] = []
    for side, mask, image in zip(("pred", "truth"), (case.pred, case.truth), maps, strict=True):
        if image is not None:
            placed = _on_grid(image, truth, rules)
            found[side == "truth"] = InstanceMap(ids=placed)
            scored = np.isin(case.truth, labels.ignore, invert=True)
            classes = _classes(mask, labels, case.claims if side == "pred" else {})
            _check_one_class_each(image.path, placed, mask, scored, classes)
            notes += _on_what_is_left_out(side, placed, mask, scored, classes)
    return replace(case, instances=(found[0], found[1]), notes=(*case.notes, *notes))


def maps_as_masks(pred: Prediction | None, truth: LabelImage, rules: InputRules) -> tuple[OnGrid, Volume, Instances]:
    """The masks of two maps of objects, all of one class, and these; without a prediction there are none.

    Raises:
        DataError: a map holds no ids, or the grids differ.
    """
    volume = labelled(truth.volume, side="truth", most=None, rounding=rules.round_labels)
    ids = volume.array
    found = np.zeros_like(ids) if pred is None else _on_grid(pred.images[0].scaled(), volume, rules)
    instances = (
        (None if pred is None else pred.instances) or InstanceMap(ids=found),
        truth.instances or InstanceMap(ids=ids),
    )
    void = is_one_of(ids, rules.labels.ignore) if rules.labels.ignore else np.zeros(ids.shape, dtype=bool)
    masked = np.where(void, ids, ids > 0)
    return OnGrid(labels=(found > 0).view(np.uint8)), replace(volume, array=masked), instances


def _on_grid(image: Volume, truth: Volume, rules: InputRules) -> Labels:
    ids = replace(image, array=to_labels(image, most=None))
    try:
        array, _ = align(
            ids,
            truth,
            tolerance=rules.geometry_tol,
            resample=rules.resample,
            ignore=rules.ignore_geometry,
        )
    except DataError as error:
        raise DataError(f"{error}\nInstance maps lie on the same grid as the masks.") from error
    return array


def _classes(
    mask: Labels, labels: LabelMap, claims: Mapping[int, Sequence[LabelClass]]
) -> dict[LabelClass, Collection[int]]:
    """Every class but an unnamed background, with all ids that stand for it here."""
    seen = [] if labels.classes is not None else np.unique(mask).tolist()
    of = [row for row in labels.classes_among(seen) if row.ids != (0,) or labels.names_zero]
    return {row: {*row.ids, *(shared for shared, by in claims.items() if row in by)} for row in of}


def _check_one_class_each(
    path: Path, instances: Labels, mask: Labels, scored: Mask, classes: Mapping[LabelClass, Collection[int]]
) -> None:
    """Each instance lies within one class or region: over two it would be a lesion of both, and of neither."""
    inside = (instances > 0) & scored & np.isin(mask, [label for ids in classes.values() for label in ids])
    numbers, instance = np.unique(instances[inside], return_inverse=True)
    ids, code = np.unique(mask[inside], return_inverse=True)
    met = np.zeros((len(numbers), len(ids)), dtype=bool)
    met[instance, code] = True
    for index in np.flatnonzero(met.sum(axis=1) > 1):
        covered = set(ids[met[index]].tolist())
        if not any(covered <= set(own) for own in classes.values()):
            names = [of.name for of, own in classes.items() if covered & set(own)]
            raise DataError(
                f"{printable(path)}: instance {numbers[index]} spans the classes {' and '.join(names)}, and an "
                "instance is of one class. Give each class instances of its own, or join the classes with --regions."
            )


def _on_what_is_left_out(
    side: str, instances: Labels, mask: Labels, scored: Mask, classes: Mapping[LabelClass, Collection[int]]
) -> list[str]:
    of_class = scored & np.isin(mask, [label for ids in classes.values() for label in ids])
    bare = int(np.count_nonzero(of_class & (instances == 0)))
    beside = int(np.count_nonzero((instances > 0) & scored & (mask == 0) & ~of_class))
    return [
        f"{n} {said}"
        for n, said in (
            (bare, f"voxels of {side} masks are in no instance, and in no lesion"),
            (beside, f"voxels of {side} instances are background in the mask, and in no lesion"),
        )
        if n
    ]
