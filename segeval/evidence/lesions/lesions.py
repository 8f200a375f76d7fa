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
from segeval.evidence.lesions.instance_maps import InstanceMap, tally_of
from segeval.evidence.lesions.matching import Matched, MatchRule, Overlaps, Tally, link, overlaps_of
from segeval.evidence.masks import Masks, Voxels
from segeval.evidence.overlap.cells import Cells
from segeval.evidence.shapes import AxesMm, Bool, Labels, PerLabel, SpacingMm

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
    def tally(self) -> Tally:
        """How large they are, and what they share."""
        return Tally(
            overlaps=self.overlaps,
            mostly_ignored=self._mostly_ignored(),
            n_dropped=(self.pred.n_dropped, self.truth.n_dropped),
            is_overlapping=self.pred.is_overlapping or self.truth.is_overlapping,
        )

    def _mostly_ignored(self) -> Bool[np.ndarray, " predicted"]:
        n_seen, n_excused = self.pred.n_voxels, np.zeros(len(self.pred), dtype=np.int64)
        if self.crowd is not None:
            excused = np.isin(self.pred.index, self.crowd.index)
            n_excused += np.bincount(self.pred.owner[excused], minlength=len(self.pred))
        n_ignored = 0 if self.pred.n_ignored is None else self.pred.n_ignored
        return n_ignored + n_excused > n_seen - n_excused

    @classmethod
    def joined(cls, each: Sequence["Found"]) -> "Found":
        """The lesions of several classes, whatever their class."""
        pred, truth = Components.joined([one.pred for one in each]), Components.joined([one.truth for one in each])
        crowds = [one.crowd for one in each if one.crowd is not None]
        return cls(pred=pred, truth=truth, crowd=Components.joined(crowds) if crowds else None)


@dataclass(frozen=True, kw_only=True)
class MatchedLesions(Matched):
    """The same of lesions of which is known where they lie."""

    found: Found

    @classmethod
    def of_found(cls, found: Found, rule: MatchRule) -> "MatchedLesions":
        """Match the lesions that were found."""
        return cls(found=found, tally=found.tally, rule=rule, linked=link(found.overlaps, rule))


@dataclass(frozen=True, kw_only=True)
class Lesions:
    """The lesions of every class of a case; nothing is found before it is asked for."""

    masks: Masks
    instances: Instances = (None, None)
    case_id: str = ""
    _found: Kept[Found] = field(default_factory=Kept, repr=False, compare=False)
    _cells: Kept[Cells] = field(default_factory=Kept, repr=False, compare=False)
    _tallied: Kept[Tally] = field(default_factory=Kept, repr=False, compare=False)

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

    def pairing(self, which: int, rule: MatchRule) -> MatchedLesions:
        """The lesions of the class at position `which`, matched by a rule."""
        found = self.found(which, connectivity=rule.connectivity, min_size_mm3=rule.min_size_mm3)
        return MatchedLesions.of_found(found, rule)

    def pairing_of_all(self, rule: MatchRule) -> MatchedLesions:
        """The lesions of all classes, matched whatever their class; no two classes may share a voxel."""
        each = [
            self.found(which, connectivity=rule.connectivity, min_size_mm3=rule.min_size_mm3)
            for which in range(len(self.classes))
        ]
        return MatchedLesions.of_found(Found.joined(each), rule)

    def only(self, classes: Sequence[LabelClass]) -> "Lesions":
        """The lesions of some of the classes."""
        if tuple(classes) == self.classes:
            return self
        return replace(self, masks=self.masks.only(classes), _found=Kept(), _tallied=Kept())

    def found(self, which: int, *, connectivity: Connectivity = "full", min_size_mm3: float = 0.0) -> Found:
        """The lesions of the class at position `which`, small ones left out."""
        setting = (which, connectivity, min_size_mm3)
        return self._found.get(setting, partial(self._find, *setting))

    def tally(self, which: int, *, connectivity: Connectivity = "full", min_size_mm3: float = 0.0) -> Tally:
        """The same as sizes and overlaps; where both sides give ids, nobody looks where the lesions lie."""
        images, (pred, truth) = self.masks.images, self.instances
        if images is None or pred is None or truth is None or pred.shared or truth.shared:
            return self.found(which, connectivity=connectivity, min_size_mm3=min_size_mm3).tally
        ids = {"pred_ids": pred.ids, "truth_ids": truth.ids}
        cells = self._cells.get("cells", partial(Cells.of, pred=images.pred, truth=images.truth, **ids))
        count = partial(
            tally_of,
            cells,
            (pred, truth),
            self.classes[which],
            members=images.members[self.masks.which[which]].ids,
            ignore=images.ignore,
            n_voxels=min_size_mm3 / self.masks.voxel_size,
        )
        return self._tallied.get((which, min_size_mm3), count)

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
    rule: ClassVar[type] = MatchRule

    @classmethod
    def read(cls, lesions: Lesions, /, **settings: Any) -> "LesionCounts":
        """Match the lesions of every class of a case, as the settings of a `MatchRule` say."""
        return cls.matched(lesions, MatchRule(**settings))

    @classmethod
    def matched(cls, lesions: Lesions, rule: MatchRule) -> "LesionCounts":
        """The counts under a rule."""
        each = [
            lesions.tally(which, connectivity=rule.connectivity, min_size_mm3=rule.min_size_mm3)
            for which in range(len(lesions.classes))
        ]
        return cls.stack(
            [_count(Matched(tally=one, rule=rule, linked=link(one.overlaps, rule)), lesions.masks, cls) for one in each]
        )


class LesionCountsByClass(LesionCounts):
    """The counts of each class of a case, for a value that speaks of all its classes."""

    has_classes: ClassVar[bool] = True


class LesionCountsOfAll(LesionCounts):
    """The counts of all lesions of a case, whatever their class: one number each."""

    @classmethod
    def matched(cls, lesions: Lesions, rule: MatchRule) -> LesionCounts:
        """The counts under a rule."""
        return _count(lesions.pairing_of_all(rule), lesions.masks, cls)


def _count(matched: Matched, masks: Masks, kind: type[LesionCounts]) -> LesionCounts:
    tally, voxel_ml = matched.tally, masks.grid.voxel_ml
    missed, false = ~matched.truth_hit, matched.false_alarm
    compares_shapes = matched.rule.matching != "any_overlap"
    return kind.of(
        n_pred=tally.n_pred,
        n_truth=tally.n_truth,
        tp=matched.truth_hit.sum(),
        used=matched.pred_used.sum(),
        fp=false.sum(),
        fn=missed.sum(),
        iou_sum=matched.truth_iou.sum() if compares_shapes else np.nan,
        fp_ml=tally.overlaps.pred_voxels[false].sum() * voxel_ml,
        fn_ml=tally.overlaps.truth_voxels[missed].sum() * voxel_ml,
        n_dropped_pred=tally.n_dropped[0],
        n_dropped_truth=tally.n_dropped[1],
    )
