"""Candidates: what a prediction proposes as lesions, each with a confidence.

They are parts of a probability map, found in one of these ways:

- `threshold`: the connected parts of p ≥ t.
- `map`: those of a detection map, which is 0 between its candidates.
- `dynamic`: the part round the largest probability M, cut at M / factor, is taken out of the map, and so on with what
  is left. Parts of `min_voxels` or fewer are none; one that touches a candidate is taken out, too, but is none. The
  first version stops for good where only small parts are left; `dynamic-v2` takes them out and goes on (Bosma et al.
  2023, doi:10.1148/ryai.230031).
- `dynamic-fast`: all parts of p ≥ M / factor at once.

Or they are given: an instance map, or the parts of a mask, with a confidence for each, which the map itself may have.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import product
from typing import Any, Literal

import numpy as np

from segeval.errors import DataError, did_you_mean
from segeval.evidence.additive import Kept
from segeval.evidence.case import Confidences
from segeval.evidence.lesions.components import Components, Connectivity, components_of
from segeval.evidence.lesions.lesion_shapes import per_part, probs_at
from segeval.evidence.lesions.lesions import Found, Lesions
from segeval.evidence.masks import Voxels, values_at
from segeval.evidence.probabilities.channels import HALF, ProbMap
from segeval.evidence.shapes import Float64, Mask

Source = Literal["threshold", "map", "dynamic", "dynamic-v2", "dynamic-fast"]
ConfidenceOf = Literal["max", "mean", "p95"]

_LEAST = 0.01  # a smaller maximum is no candidate, under `dynamic`
_MOST_SHOWN = 5


@dataclass(frozen=True, kw_only=True)
class CandidateRule:
    """How candidates are found, and what their confidence is.

    Attributes:
        candidates: see above.
        t: the least probability, under `threshold`.
        factor: by which the largest probability is divided, under `dynamic`.
        min_voxels: parts of so many voxels or fewer are none, under `dynamic`.
        n_max: most candidates of a case, under `dynamic` and `dynamic-v2`.
        confidence: largest, mean or 95th percentile of the probabilities inside.
        connectivity: which neighbours belong together.
        min_size_mm3: smaller lesions and candidates are left out (mm² in 2-D, voxels without a spacing).
    """

    candidates: Source = "threshold"
    t: float = 0.5
    factor: float = 2.5
    min_voxels: int = 10
    n_max: int = 5
    confidence: ConfidenceOf = "max"
    connectivity: Connectivity = "full"
    min_size_mm3: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Candidates:
    """The candidates of one class, by id; `note` is what a user should know of them."""

    parts: Components
    confidence: Float64[np.ndarray, " part"]
    note: str = ""

    def surest(self, n: int) -> "Candidates":
        """The `n` of the largest confidence, of equal ones those of the lowest id."""
        kept = np.zeros(len(self.parts), dtype=bool)
        kept[np.argsort(-self.confidence, kind="stable")[:n]] = True
        return replace(self, parts=self.parts.only(kept), confidence=self.confidence[kept])


@dataclass(frozen=True, kw_only=True)
class CaseCandidates:
    """What a case offers to be detected, and what was proposed.

    `maps` are those of the classes, None where a class has none; without any, as in a case without a prediction, the
    candidates are the parts of the mask. `given` are their confidences where a file has them.
    """

    case_id: str
    lesions: Lesions
    maps: Sequence[ProbMap | None] | None = None
    given: Confidences | None = None
    ignored: Mask | None = None
    _found: Kept[Candidates | None] = field(default_factory=Kept, repr=False, compare=False)
    _beside: Kept[Found] = field(default_factory=Kept, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Refuse confidences of a class that the case has not: nothing would look at them."""
        names = [row.name for row in self.lesions.classes]
        strange = sorted({name for name, _ in self.given.of} - {*names}) if self.given is not None else []
        if self.given is not None and strange:
            help = did_you_mean(strange[0], names) or f" Its classes: {', '.join(names) or 'none'}. Remove these rows."
            raise DataError(
                f"{self.given.source}: case {self.case_id}: neither of its masks holds class {strange[0]!r}.{help}"
            )

    @property
    def are_given(self) -> bool:
        """Whether somebody said which candidates there are."""
        return self.given is not None or self.lesions.instances[0] is not None

    def found(self, which: int, rule: CandidateRule) -> Candidates | None:
        """The candidates of the class at position `which`; None where nobody knows its probabilities.

        Raises:
            DataError: a candidate has no confidence in the file, or the file names one that is not there.
        """
        return self._found.get((which, rule), partial(self._find, which, rule))

    def beside(self, which: int, rule: CandidateRule, parts: Components) -> Found:
        """Candidates of the class at position `which` beside its lesions, whose overlaps are counted once."""

        def pair() -> Found:
            lesions = self.lesions.found(which, connectivity=rule.connectivity, min_size_mm3=rule.min_size_mm3)
            return Found(pred=parts, truth=lesions.truth, crowd=lesions.crowd)

        return self._beside.get((which, rule, parts.ids.tobytes()), pair)

    @property
    def notes(self) -> tuple[str, ...]:
        """What a user should know of the candidates that were found so far, each once."""
        found = self._found.results.values()
        return tuple(dict.fromkeys(one.note for one in found if one is not None and one.note))

    def peaks(self, which: int, found: Candidates) -> np.ndarray | None:
        """Flat index of the most probable voxel of each candidate, the first of equal ones; None without a map."""
        probs = None if self.maps is None else self.maps[which]
        if probs is None:
            return None if len(found.parts) else found.parts.index
        parts = found.parts
        order = np.lexsort((parts.index, -probs_at(probs, parts.index), parts.owner))
        return parts.index[order[np.cumsum(parts.n_voxels) - parts.n_voxels]]

    def _find(self, which: int, rule: CandidateRule) -> Candidates | None:
        instances = self.lesions.instances[0]
        are_parts = self.maps is None or self.given is not None or instances is not None
        if are_parts:
            parts = self.lesions.found(which, connectivity=rule.connectivity, min_size_mm3=rule.min_size_mm3).pred
        if self.given is not None:
            return Candidates(parts=parts, confidence=self._given_to(parts, which, rule))
        if instances is not None and instances.confidence is not None:
            known = instances.confidence
            return Candidates(parts=parts, confidence=np.array([known[one] for one in parts.ids.tolist()], dtype=float))
        if self.maps is None:
            return Candidates(parts=parts, confidence=np.ones(len(parts)))
        probs = self.maps[which]
        if probs is None:
            return None
        if not are_parts:
            parts = self._parts_of(probs, rule)
        note = _on_touching(probs, parts, self.lesions.classes[which].name) if rule.candidates == "map" else ""
        return Candidates(parts=parts, confidence=_confidence(probs, parts, rule.confidence), note=note)

    def _parts_of(self, probs: ProbMap, rule: CandidateRule) -> Components:
        parts = _PARTS[rule.candidates](probs, rule).at_least(rule.min_size_mm3 / self.lesions.masks.voxel_size)
        return parts if self.ignored is None else parts.where(~values_at(self.ignored, parts.index))

    def _given_to(self, parts: Components, which: int, rule: CandidateRule) -> np.ndarray:
        given, name = self.given, self.lesions.classes[which].name
        assert given is not None
        known = set(self.lesions.pred_ids(which, connectivity=rule.connectivity))
        strange = sorted(number for of, number in given.of if of == name and number not in known)
        lacking = [number for number in parts.ids.tolist() if (name, number) not in given.of]
        for numbers, verb, said in (
            (strange, "names", "which the prediction has not. Remove its row"),
            (lacking, "the prediction has", "and has no row for it. Write one"),
        ):
            if numbers:
                raise DataError(
                    f"{given.source}: case {self.case_id}: {verb} instance {_list(numbers)} of class {name}, "
                    f"{said}: instances are the ids of --pred-instances, or without it the lesion_id "
                    "of side pred in the `lesions.csv` of a run with -m detection."
                )
        return np.array([given.of[name, number] for number in parts.ids.tolist()], dtype=np.float64)


def _list(numbers: Sequence[int]) -> str:
    more = f" and {len(numbers) - _MOST_SHOWN} more" if len(numbers) > _MOST_SHOWN else ""
    return ", ".join(map(str, numbers[:_MOST_SHOWN])) + more


def _confidence(probs: ProbMap, parts: Components, of: ConfidenceOf) -> np.ndarray:
    inside = probs_at(probs, parts.index)
    match of:
        case "max":
            return per_part(np.maximum, inside, parts)
        case "mean":
            return per_part(np.add, inside, parts) / parts.n_voxels
    order = np.argsort(parts.owner, kind="stable")
    each = np.split(inside[order], np.cumsum(parts.n_voxels)[:-1]) if len(parts) else []
    return np.array([np.percentile(values, 95) for values in each], dtype=np.float64)


def _on_touching(probs: ProbMap, parts: Components, name: str) -> str:
    """Says that one part of a detection map holds several values: candidates that touch are one."""
    inside = probs_at(probs, parts.index)
    differ = per_part(np.minimum, inside, parts) != per_part(np.maximum, inside, parts)
    if not differ.any():
        return ""
    return (
        f"{name}: {int(differ.sum())} candidate(s) of the detection map hold several values, and count as one each, "
        "with its largest: candidates that touch are one. Give them apart as --pred-instances with --confidences"
    )


def _above(probs: ProbMap, least: float) -> Voxels:
    if least == HALF:
        return Voxels.of(probs.at_least_half())
    return Voxels.of(probs.probs() >= probs.rounded(np.array(least)))


def _thresholded(probs: ProbMap, rule: CandidateRule) -> Components:
    return components_of(_above(probs, rule.t), connectivity=rule.connectivity)


def _of_detection_map(probs: ProbMap, rule: CandidateRule) -> Components:
    return components_of(Voxels.of(probs.probs() > 0), connectivity=rule.connectivity)


def _cut_once(probs: ProbMap, rule: CandidateRule) -> Components:
    values = probs.probs()
    largest = float(values.max(initial=0.0))
    mask = values >= largest / rule.factor if largest >= _LEAST else np.zeros(values.shape, dtype=bool)
    return components_of(Voxels.of(mask), connectivity=rule.connectivity).at_least(rule.min_voxels + 1.0)


def _cut_again_and_again(probs: ProbMap, rule: CandidateRule) -> Components:
    """See `dynamic` above; whatever is cut is found in the few voxels that are left, not in the whole map."""
    values = probs.probs()
    left = Voxels.of(values >= _LEAST / rule.factor)
    value = values[np.unravel_index(left.index, left.shape)].astype(np.float64)
    near: Any = np.zeros(left.shape, dtype=bool)
    accepted: list[np.ndarray] = []
    while len(accepted) < rule.n_max and value.max(initial=0.0) >= _LEAST:
        cut = np.flatnonzero(value >= value.max() / rule.factor)
        mask = Voxels(index=left.index[cut], shape=left.shape)
        parts = components_of(mask, connectivity=rule.connectivity)
        large = parts.n_voxels > rule.min_voxels
        if not large.any():
            if rule.candidates == "dynamic":
                break
            value[cut] = 0.0
            continue
        surest = np.argmax(np.where(large, per_part(np.maximum, value[cut], parts), -1.0))
        inside = cut[parts.owner == surest]
        if not near.flat[left.index[inside]].any():
            accepted.append(left.index[inside])
            near.flat[_grown(Voxels(index=left.index[inside], shape=left.shape))] = True
        value[inside] = 0.0
    return _numbered(accepted, left.shape)


def _grown(mask: Voxels) -> np.ndarray:
    """Flat indices of the voxels and of all their neighbours."""
    at = mask.coordinates
    beside = np.concatenate([at + step for step in product((-1, 0, 1), repeat=at.shape[1])])
    inside = ((beside >= 0) & (beside < mask.shape)).all(axis=1)
    return np.ravel_multi_index(tuple(beside[inside].T), mask.shape)


def _numbered(groups: Sequence[np.ndarray], shape: tuple[int, ...]) -> Components:
    """Groups of voxels as parts, numbered by their smallest flat index."""
    groups = sorted(groups, key=lambda index: int(index[0]))
    index = np.concatenate([np.zeros(0, dtype=np.int64), *groups])
    owner = np.repeat(np.arange(len(groups)), [len(group) for group in groups])
    order = np.argsort(index)
    return Components(index=index[order], owner=owner[order], ids=np.arange(1, len(groups) + 1), shape=shape)


_PARTS = {
    "threshold": _thresholded,
    "map": _of_detection_map,
    "dynamic": _cut_again_and_again,
    "dynamic-v2": _cut_again_and_again,
    "dynamic-fast": _cut_once,
}
