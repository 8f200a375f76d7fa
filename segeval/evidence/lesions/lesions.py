"""Lesions: the components of both masks of every class, found and matched on demand.

Voxels that are ignored are unknown, not background. A predicted lesion that reaches into them stays one: components
are found in the whole mask, and only then are its ignored voxels left out of sizes and overlaps. An unmatched one of
which more than half is ignored is no false alarm, since what was there to be found is unknown; one that is ignored
altogether is not there (Kirillov et al. 2019, arXiv:1801.00868). A crowd of its class is an excuse of the same kind. A
truth of which only some slices are annotated has the slices between them ignored whole: these are taken out, so that
what lies on both sides of them touches.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from typing import Any, ClassVar

import numpy as np

from segeval.evidence.additive import Kept, State
from segeval.evidence.labels import LabelClass
from segeval.evidence.lesions.components import Components, Connectivity, components_of
from segeval.evidence.lesions.instance_maps import InstanceMap
from segeval.evidence.lesions.matching import Matching, MatchRule, Overlaps, PerPair, Void, link, overlaps_of
from segeval.evidence.masks import Masks, Voxels
from segeval.evidence.shapes import AxesMm, Bool, Float64, Labels, PerLabel, SpacingMm

Instances = tuple[InstanceMap | None, InstanceMap | None]  # of the prediction and of the truth


@dataclass(frozen=True, kw_only=True)
class Found:
    """The lesions of one class in both masks, and where they overlap."""

    pred: Components
    truth: Components
    crowd: Components | None = None  # regions of the truth in which nobody told objects apart

    @cached_property
    def overlaps(self) -> Overlaps:
        """Which of them share voxels."""
        return overlaps_of(self.pred, self.truth)

    @cached_property
    def mostly_ignored(self) -> Bool[np.ndarray, " predicted"]:
        """Predicted lesions of which more than half lies in ignored voxels and crowds."""
        n_seen, n_excused = self.pred.n_voxels, np.zeros(len(self.pred), dtype=np.int64)
        if self.crowd is not None:
            excused = np.isin(self.pred.index, self.crowd.index)
            n_excused += np.bincount(self.pred.owner[excused], minlength=len(self.pred))
        n_ignored = 0 if self.pred.n_ignored is None else self.pred.n_ignored
        return n_ignored + n_excused > n_seen - n_excused

    @property
    def n_pred(self) -> int:
        """Predicted lesions, without those that are mostly ignored and overlap no true one."""
        return int((~self.mostly_ignored | _marked(self.overlaps.pred, len(self.pred))).sum())

    @classmethod
    def joined(cls, each: Sequence["Found"]) -> "Found":
        """The lesions of several classes, whatever their class."""
        pred, truth = Components.joined([one.pred for one in each]), Components.joined([one.truth for one in each])
        crowds = [one.crowd for one in each if one.crowd is not None]
        return cls(pred=pred, truth=truth, crowd=Components.joined(crowds) if crowds else None)


@dataclass(frozen=True, kw_only=True)
class Matched:
    """The lesions of one class after matching; every array speaks of one side's lesions in order."""

    found: Found
    rule: MatchRule
    linked: PerPair

    @classmethod
    def of_found(cls, found: Found, rule: MatchRule) -> "Matched":
        """Match the lesions that were found."""
        return cls(found=found, rule=rule, linked=link(found.overlaps, rule))

    @cached_property
    def truth_hit(self) -> Bool[np.ndarray, " true"]:
        """True lesions that were found."""
        return _marked(self.found.overlaps.truth[self.linked], len(self.found.truth))

    @cached_property
    def pred_used(self) -> Bool[np.ndarray, " predicted"]:
        """Predicted lesions that found a true one."""
        return _marked(self.found.overlaps.pred[self.linked], len(self.found.pred))

    @cached_property
    def pred_forgiven(self) -> Bool[np.ndarray, " predicted"]:
        """Unmatched predicted lesions that `forgive_extra` does not count."""
        if not self.rule.forgive_extra:
            return np.zeros(len(self.found.pred), dtype=bool)
        near = self.found.overlaps.pred[self.accepted]
        return _marked(near, len(self.found.pred)) & ~self.pred_used

    @cached_property
    def pred_ignored(self) -> Bool[np.ndarray, " predicted"]:
        """Unmatched predicted lesions of which more than half lies in ignored voxels, where these are forgiven."""
        return self.found.mostly_ignored & ~self.pred_used & (self.rule.void == "forgive")

    @cached_property
    def false_alarm(self) -> Bool[np.ndarray, " predicted"]:
        """Predicted lesions that found nothing and have no excuse."""
        return ~(self.pred_used | self.pred_forgiven | self.pred_ignored)

    @property
    def truth_ignored(self) -> Bool[np.ndarray, " true"]:
        """True lesions that count nowhere."""
        return np.zeros(len(self.found.truth), dtype=bool)

    @property
    def accepted(self) -> PerPair:
        """The pairs that overlap enough for a match."""
        return self.rule.accepts(self.found.overlaps.iou)

    @property
    def too_little(self) -> str:
        """The end of a sentence that says why an overlap is not enough."""
        return f"{'does not exceed' if self.rule.strict else 'is below'} {self.rule.iou_threshold:g}"

    @cached_property
    def truth_iou(self) -> Float64[np.ndarray, " true"]:
        """IoU of each true lesion with all that was matched to it; 0 where nothing was."""
        shared, union = self.found.overlaps.joined(self.linked)
        return shared / union


@dataclass(frozen=True, kw_only=True)
class Lesions:
    """The lesions of every class of a case; nothing is found before it is asked for."""

    masks: Masks
    instances: Instances = (None, None)
    case_id: str = ""
    _found: Kept[Found] = field(default_factory=Kept, repr=False, compare=False)

    @classmethod
    def of(
        cls,
        pred: Labels,
        truth: Labels,
        *,
        classes: Sequence[LabelClass],
        spacing_mm: SpacingMm | None = None,
        axes_mm: AxesMm | None = None,
        ignore: Sequence[int] = (),
        instances: tuple[Labels | None, Labels | None] = (None, None),
    ) -> "Lesions":
        """Take the lesions of two label images.

        Args:
            classes: ids of each class; a region is the union of its ids.
            spacing_mm: in array axis order.
            axes_mm: the axes of a sheared grid.
            ignore: truth ids whose voxels count nowhere.
            instances: maps of lesion ids for (pred, truth); where there is none, connected components are the lesions.
        """
        masks = Masks.of(pred, truth, classes=classes, spacing_mm=spacing_mm, axes_mm=axes_mm, ignore=ignore)
        pred_map, truth_map = (None if ids is None else InstanceMap(ids=ids) for ids in instances)
        return cls.of_masks(masks, instances=(pred_map, truth_map))

    @classmethod
    def of_masks(cls, masks: Masks, *, instances: Instances = (None, None), case_id: str = "") -> "Lesions":
        """Take the lesions of masks that were gathered before."""
        return cls(masks=masks, instances=instances, case_id=case_id)

    @property
    def classes(self) -> tuple[LabelClass, ...]:
        return self.masks.classes

    def matched(self, **settings: Any) -> "LesionCounts":
        """Counts of matched lesions per class, for the settings of a `MatchRule`."""
        return LesionCounts.read(self, **settings)

    def pairing(self, which: int, rule: MatchRule) -> Matched:
        """The lesions of the class at position `which`, matched by a rule."""
        found = self.found(which, connectivity=rule.connectivity, min_size_mm3=rule.min_size_mm3)
        return Matched.of_found(found, rule)

    def pairing_of_all(self, rule: MatchRule) -> Matched:
        """The lesions of all classes, matched whatever their class; no two classes may share a voxel."""
        each = [
            self.found(which, connectivity=rule.connectivity, min_size_mm3=rule.min_size_mm3)
            for which in range(len(self.classes))
        ]
        return Matched.of_found(Found.joined(each), rule)

    def only(self, classes: Sequence[LabelClass]) -> "Lesions":
        """The lesions of some of the classes."""
        return self if tuple(classes) == self.classes else replace(self, masks=self.masks.only(classes), _found=Kept())

    def found(self, which: int, *, connectivity: Connectivity = "full", min_size_mm3: float = 0.0) -> Found:
        """The lesions of the class at position `which`, small ones left out."""
        setting = (which, connectivity, min_size_mm3)
        return self._found.get(setting, partial(self._find, *setting))

    def pred_ids(self, which: int, *, connectivity: Connectivity = "full") -> list[int]:
        """Ids of all predicted lesions of the class at position `which`, small and ignored ones among them."""
        ids: list[int] = self._whole_pred(which, connectivity).ids.tolist()
        return ids

    def _whole_pred(self, which: int, connectivity: Connectivity) -> Components:
        whole = self.masks.pred if self.masks.whole_pred is None else self.masks.whole_pred
        return self._components(whole[which], which, 0, connectivity)

    def _find(self, which: int, connectivity: Connectivity, min_size_mm3: float) -> Found:
        masks = self.masks
        n_voxels = min_size_mm3 / masks.voxel_size
        pred = self._whole_pred(which, connectivity).at_least(n_voxels)
        if masks.whole_pred is not None:
            unique = not pred.is_overlapping
            pred = pred.where(np.isin(pred.index, masks.pred[which].index, assume_unique=unique))
        truth, crowd = self._components(masks.truth[which], which, 1, connectivity), None
        if self.instances[1] is not None and self.instances[1].crowd:
            truth, crowd = self.instances[1].split(truth)
        return Found(pred=pred, truth=truth.at_least(n_voxels), crowd=crowd)

    def _components(self, mask: Voxels, which: int, side: int, connectivity: Connectivity) -> Components:
        instances = self.instances[side]
        if instances is not None:
            return instances.parts_of(mask, self.classes[which])
        if side == 0 or not any(map(len, self.masks.unseen)):
            return components_of(mask, connectivity=connectivity)
        joined = components_of(mask.without(self.masks.unseen), connectivity=connectivity)
        return replace(joined, index=mask.index, shape=mask.shape)


@dataclass(frozen=True, kw_only=True)
class LesionCounts(State):
    """Matched and unmatched lesions per class; sums over cases are the pooled counts.

    `tp` counts true lesions that were found, `used` the predicted lesions that found them; they
    differ where several may answer for one. Volumes are nan without a voxel size and in 2-D;
    `iou_sum` is nan under `any_overlap`, which compares no shapes.
    """

    n_pred: PerLabel
    n_truth: PerLabel
    tp: PerLabel
    used: PerLabel
    fp: PerLabel
    fn: PerLabel
    iou_sum: PerLabel
    fp_ml: PerLabel
    fn_ml: PerLabel
    n_dropped_pred: PerLabel
    n_dropped_truth: PerLabel

    @classmethod
    def read(
        cls,
        lesions: Lesions,
        *,
        matching: Matching = "hungarian",
        iou_threshold: float = 0.5,
        connectivity: Connectivity = "full",
        min_size_mm3: float = 0.0,
        strict: bool = False,
        forgive_extra: bool = False,
        void: Void = "forgive",
    ) -> "LesionCounts":
        """Match the lesions of every class of a case."""
        rule = MatchRule(
            matching=matching,
            iou_threshold=iou_threshold,
            connectivity=connectivity,
            min_size_mm3=min_size_mm3,
            strict=strict,
            forgive_extra=forgive_extra,
            void=void,
        )
        return cls.matched(lesions, rule)

    @classmethod
    def matched(cls, lesions: Lesions, rule: MatchRule) -> "LesionCounts":
        """The counts under a rule."""
        return cls.stack([_count(lesions.pairing(i, rule), lesions.masks, cls) for i in range(len(lesions.classes))])


@dataclass(frozen=True, kw_only=True)
class LesionCountsByClass(LesionCounts):
    """The counts of each class of a case, for a value that speaks of all its classes."""

    has_classes: ClassVar[bool] = True


@dataclass(frozen=True, kw_only=True)
class LesionCountsOfAll(LesionCounts):
    """The counts of all lesions of a case, whatever their class: one number each."""

    @classmethod
    def matched(cls, lesions: Lesions, rule: MatchRule) -> LesionCounts:
        """The counts under a rule."""
        return _count(lesions.pairing_of_all(rule), lesions.masks, cls)


def _count(matched: Matched, masks: Masks, kind: type[LesionCounts]) -> LesionCounts:
    found, voxel_ml = matched.found, masks.grid.voxel_ml
    missed, false = ~matched.truth_hit, matched.false_alarm
    compares_shapes = matched.rule.matching != "any_overlap"
    return kind.of(
        n_pred=found.n_pred,
        n_truth=len(found.truth),
        tp=matched.truth_hit.sum(),
        used=matched.pred_used.sum(),
        fp=false.sum(),
        fn=missed.sum(),
        iou_sum=matched.truth_iou.sum() if compares_shapes else np.nan,
        fp_ml=found.pred.n_voxels[false].sum() * voxel_ml,
        fn_ml=found.truth.n_voxels[missed].sum() * voxel_ml,
        n_dropped_pred=found.pred.n_dropped,
        n_dropped_truth=found.truth.n_dropped,
    )


def _marked(which: np.ndarray, n: int) -> Bool[np.ndarray, " part"]:
    marks = np.zeros(n, dtype=bool)
    marks[which] = True
    return marks
