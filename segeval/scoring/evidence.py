"""The evidence of one case: each piece is built when a measure first asks for it, and once."""

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import asdict, replace
from functools import cached_property
from typing import Any

import numpy as np

from segeval.errors import DataError
from segeval.evidence.additive import ByClass, Kept, State
from segeval.evidence.arrays import is_one_of
from segeval.evidence.case import Case
from segeval.evidence.grid import Grid
from segeval.evidence.labels import LabelClass, LabelMap, overlapping
from segeval.evidence.overlap.counts import Counts, Histogram, Joint, per_class_joint
from segeval.evidence.probabilities.probabilities import ProbEvidence, sees_images
from segeval.evidence.probabilities.soft import SoftEvidence
from segeval.evidence.shapes import TYPE_CHECKING, Mask
from segeval.files.paths import printable
from segeval.knobs import PerClass
from segeval.measure import Level, MeasureCall
from segeval.scoring.plan import Plan

if TYPE_CHECKING:
    from segeval.evidence.contours.frames import Frame
    from segeval.evidence.detection.candidates import CaseCandidates
    from segeval.evidence.lesions.lesion_rows import LesionRows
    from segeval.evidence.lesions.lesions import Lesions
    from segeval.evidence.lesions.voronoi import LesionCells
    from segeval.evidence.masks import Masks
    from segeval.evidence.probabilities.prob_maps import ProbMaps
    from segeval.evidence.probabilities.scored_map import ClassImage
    from segeval.evidence.surfaces.surface import Surfaces
    from segeval.evidence.topology import Skeletons, Topology

MAX_IDS = 4096


class Evidence:
    """What the measures of one case read, built lazily from its two label images."""

    def __init__(self, case: Case, plan: Plan) -> None:
        self.case = case
        self.plan = plan
        self._states: Kept[Any] = Kept()

    @cached_property
    def histogram(self) -> Histogram:
        """Joint histogram of all ids, ignored voxels removed."""
        return count(self.case, self.plan).without(self.plan.labels.ignore)

    @cached_property
    def classes(self) -> tuple[LabelClass, ...]:
        """The classes to score in this case."""
        return self.plan.labels.classes_among(self.histogram.ids)

    @cached_property
    def members(self) -> tuple[LabelClass, ...]:
        """The same classes with all ids that stand for them here: overlapping predictions have some of their own."""
        return self.case.members(self.classes)

    @cached_property
    def counts(self) -> Counts:
        return self.histogram.counts(self.members)

    @cached_property
    def grid(self) -> Grid:
        return self.case.grid

    @cached_property
    def on_host(self) -> Case:
        """The masks of the case as numpy arrays, for what has no builder for a device."""
        return replace(self.case, probs=None).on_host()

    @property
    def device(self) -> str | None:
        """The torch device that builds evidence; None for numpy."""
        return device_for(self.case, self.plan)

    @property
    def ignored(self) -> Mask | None:
        """The voxels that count nowhere, on the CPU."""
        return ignored_in(self.on_host, self.plan)

    @cached_property
    def surfaces(self) -> "Surfaces":
        """Surfaces of every class, found when a measure first asks for them."""
        from segeval.evidence.surfaces.surface import Surfaces

        return Surfaces.of(
            self.case.pred,
            self.case.truth,
            classes=self.members,
            spacing_mm=self.case.spacing_mm,
            axes_mm=self.case.axes_mm,
            ignored=ignored_in(self.case, self.plan),
            device=self.device,
        )

    @cached_property
    def masks(self) -> "Masks":
        """The voxels of every class on both sides."""
        from segeval.evidence.masks import Masks

        case, ignore = self.on_host, self.plan.labels.ignore
        found = Masks.of(
            case.pred,
            case.truth,
            classes=self.members,
            spacing_mm=case.spacing_mm,
            axes_mm=case.axes_mm,
            ignore=ignore,
        )
        return replace(found, classes=self.classes)

    @cached_property
    def lesions(self) -> "Lesions":
        from segeval.evidence.lesions.lesions import Lesions

        return Lesions.of_masks(self.masks, instances=self.case.instances, case_id=self.case.case_id)

    @cached_property
    def objects(self) -> "Lesions | None":
        """The lesions of all classes together; None where two classes may share a voxel."""
        return None if overlapping(self.disjoint) or not self.disjoint else self.lesions.only(self.disjoint)

    @cached_property
    def disjoint(self) -> list[LabelClass]:
        return without_regions(self.classes, self.plan.labels)

    @cached_property
    def lesion_cells(self) -> "LesionCells":
        from segeval.evidence.lesions.voronoi import LesionCells

        return LesionCells(
            lesions=self.lesions,
            ignored=self.ignored,
            empty_distance=self.plan.empty_distance,
            diagonal=self.grid.diagonal,
        )

    @cached_property
    def topology(self) -> "Topology":
        from segeval.evidence.topology import Topology

        return Topology(masks=self.masks)

    @cached_property
    def skeletons(self) -> "Skeletons":
        from segeval.evidence.topology import Skeletons

        return Skeletons.of_masks(self.masks)

    @cached_property
    def frame(self) -> "Frame | None":
        """The case as a frame of a video; None where it is a volume."""
        if len(self.case.shape) != 2:
            return None
        from segeval.evidence.contours.frames import Frame

        return Frame(case_id=self.case.case_id, masks=self.masks)

    @cached_property
    def candidates(self) -> "CaseCandidates | None":
        """What was proposed as lesions, with confidences; None where the predictions of the run have none."""
        is_map = self.plan.form is not None and self.plan.form.kind != "labels"
        pred = self.case.instances[0]
        is_sure = self.case.confidences is not None or (pred is not None and pred.confidence is not None)
        if self.maps is None and not is_sure and not is_map:
            return None
        from segeval.evidence.detection.candidates import CaseCandidates

        return CaseCandidates(
            case_id=self.case.case_id,
            lesions=self.lesions,
            maps=None if self.maps is None else self.maps.on_host.of_each_class,
            given=self.case.confidences,
            ignored=self.ignored,
        )

    @property
    def notes(self) -> tuple[str, ...]:
        """What was noticed while evidence was made."""
        found = vars(self).get("candidates")  # if anything has asked for them
        return () if found is None else found.notes

    def lesion_rows(self) -> "LesionRows | tuple[()]":
        """A row per lesion, matched as the first of the chosen lesion measures does it, or per candidate."""
        rule, detection_rule = self.plan.lesion_rule, self.plan.detection_rule
        if rule is None:
            return ()
        if detection_rule is not None and self.candidates is not None:
            from segeval.evidence.detection.detections import candidate_rows

            return candidate_rows(self.candidates, detection_rule)
        from segeval.evidence.lesions.lesion_rows import lesion_rows

        probs = None if self.maps is None else self.maps.on_host.of_each_class
        return lesion_rows(self.lesions, probs=probs, **asdict(rule))

    def for_pooling(self) -> dict[Hashable, Any]:
        """The evidence that has to be added up over the cases, as far as a measure has asked for it."""
        states: dict[Hashable, Any] = {
            key: self._for_sums(key[0], state) for key, state in self._states.items() if state is not None
        }
        if self.maps is not None and "soft" in vars(self):  # of hard masks the counts say it all
            states["soft"] = self.maps.sums
        return states

    def _for_sums(self, level: Level, state: State) -> State | ByClass:
        if level == "case" and not state.has_classes:
            return state
        classes = self.disjoint if level == "case" else self.classes
        each = {of: state[i] for i, of in enumerate(classes)}
        return ByClass({of: row for of, row in each.items() if not row.is_nothing})

    @cached_property
    def partition(self) -> Joint:
        return partition_of(self.histogram, self.classes, self.plan.labels)

    @cached_property
    def maps(self) -> "ProbMaps | None":
        """The probability maps; None where there are only masks."""
        if self.case.probs is None:
            return None
        from segeval.evidence.probabilities.prob_maps import ProbMaps

        return ProbMaps.of_channels(
            self.case.probs,
            self.case.truth,
            classes=self.classes,
            ignore=self.plan.labels.ignore,
            device=self.device,
        )

    @cached_property
    def soft(self) -> ProbEvidence:
        """What losses read: the maps, or of a hard mask its counts, and its voxels where a weight map needs them."""
        if self.maps is not None:
            found = ProbEvidence.of_maps(self.maps, classes=self.maps.of_classes)
        else:
            partition = self.partition if self.partition.total else None  # without a voxel there is nothing to lose
            found = ProbEvidence.of_counts(self.counts, partition, in_space=self._in_space)
        found.lattice = self.grid.lattice
        found.together = [call for call in self.plan.at("class") if sees_images(call)]
        return found

    def _in_space(self, index: int) -> "ClassImage":
        """A class with its predicted mask as a map of 0 and 1."""
        from segeval.evidence.probabilities.channels import ProbMap
        from segeval.evidence.probabilities.scored_map import ClassImage

        pred, truth = self.masks.pred[index].dense(), self.masks.truth[index].dense()
        one = ProbMap(stored=pred.view(np.uint8), levels=np.array([0.0, 1.0]))
        return ClassImage.of(one, truth, scored=None if self.ignored is None else ~self.ignored)

    def values(self, call: MeasureCall, level: Level) -> Any:
        """The measure on this case: one float64 per class, or a single one; nan where probabilities are lacking."""
        if issubclass(call.measure.needs[0], SoftEvidence):
            try:
                return self.soft.values(call, level)
            except DataError as error:
                case_id = printable(self.case.case_id)
                if str(error).startswith(case_id):
                    raise
                raise DataError(f"{case_id}: {error}") from error
        nothing = np.full(len(self.classes), np.nan) if level == "class" else np.nan
        if call.measure.of_data_set and level == "case":  # it is made of what the classes have
            return nothing
        pieces = [self._piece(need, call, level) for need in call.measure.needs]
        if call.measure.of_data_set or any(piece is None for piece in pieces):
            return nothing
        return call(*pieces)

    def _piece(self, need: type, call: MeasureCall, level: Level) -> Any:
        """What a formula takes; a state that several measures read in the same way is read once."""
        source = call.measure.sources.get(need)
        if source is None:
            return _PROVIDERS[need.__name__, level](self)

        def read() -> Any:
            provided = _PROVIDERS[source.__name__, level](self)
            return None if provided is None else call.measure.read(need, provided, call.knobs)

        return self._states.get(state_key(need, call, level), read)

    def is_approximate(self, call: MeasureCall) -> bool:
        """Whether values were read from bins, so that they are off by up to 1e-5."""
        if issubclass(call.measure.needs[0], SoftEvidence):
            return self.soft.is_approximate(call)
        if not call.measure.reads("ProbMaps") or call.all_knobs.get("exact") is not False:
            return False
        return any(getattr(self._piece(need, call, "class"), "approx", False) for need in call.measure.needs)


_PROVIDERS: Mapping[tuple[str, Level], Callable[[Evidence], Any]] = {
    ("Counts", "class"): lambda evidence: evidence.counts,
    ("CategoryCounts", "case"): lambda evidence: evidence.histogram.categories(evidence.plan.labels.categories),
    ("Joint", "class"): lambda evidence: per_class_joint(evidence.counts),
    ("Joint", "case"): lambda evidence: evidence.partition,
    ("Surfaces", "class"): lambda evidence: evidence.surfaces,
    ("Masks", "class"): lambda evidence: evidence.masks,
    ("Lesions", "class"): lambda evidence: evidence.lesions,
    ("Frame", "class"): lambda evidence: evidence.frame,
    ("CaseCandidates", "class"): lambda evidence: evidence.candidates,
    ("Lesions", "case"): lambda evidence: evidence.objects,
    ("LesionCells", "class"): lambda evidence: evidence.lesion_cells,
    ("Topology", "class"): lambda evidence: evidence.topology,
    ("Skeletons", "class"): lambda evidence: evidence.skeletons,
    ("ProbMaps", "class"): lambda evidence: evidence.maps,
    ("ProbMaps", "case"): lambda evidence: None if evidence.maps is None else evidence.maps.whole_case,
    ("Grid", "class"): lambda evidence: evidence.grid,
    ("Grid", "case"): lambda evidence: evidence.grid,
}


def ignored_in(case: Case, plan: Plan) -> Mask | None:
    """The voxels of a case that count nowhere."""
    ignore = plan.labels.ignore
    return is_one_of(case.truth, ignore) if ignore else None


def device_for(case: Case, plan: Plan) -> str | None:
    """The torch device that builds the evidence of a case: where its tensors are, else that of the plan."""
    if not isinstance(case.truth, np.ndarray):
        return str(case.truth.device)
    return plan.device if plan.engine == "torch" else None


def count(case: Case, plan: Plan) -> Histogram:
    """The joint histogram of a case, by the builder the plan names."""
    device = device_for(case, plan)
    if device is not None:
        from segeval.evidence.overlap import counts_torch

        histogram = counts_torch.joint_histogram(truth=case.truth, pred=case.pred, device=device)
    else:
        from segeval.evidence.overlap import counts_numpy

        histogram = counts_numpy.joint_histogram(truth=case.truth, pred=case.pred)
    refuse_too_many_ids(case.case_id, len(histogram.ids))
    return histogram


def refuse_too_many_ids(case_id: str, n: int) -> None:
    """Stop where so many different ids can be no classes.

    Raises:
        DataError: there are more than `MAX_IDS`.
    """
    if n > MAX_IDS:
        raise DataError(
            f"{case_id}: {n} distinct ids; {MAX_IDS} is the most that can be classes. "
            "Check that these are label masks and no images. Maps of objects are scored with --instances."
        )


def state_key(need: type, call: MeasureCall, level: Level) -> tuple[Level, Hashable]:
    """What tells a state from those of other measures: the level first, then what is read, and how."""
    how = call.measure.settings(need, call.knobs).items()
    return level, (need, *((name, tuple(v.items()) if isinstance(v, PerClass) else v) for name, v in how))


def partition_of(histogram: Histogram, classes: Sequence[LabelClass], labels: LabelMap) -> Joint:
    """A case over background and all its disjoint classes; an id that only regions name stands for itself."""
    disjoint = without_regions(classes, labels)
    only_in_regions = _ids(labels.regions) - _ids(disjoint) - {0}
    disjoint += [LabelClass(name=str(one), ids=(one,)) for one in sorted(only_in_regions)]
    if overlapping(disjoint):
        disjoint = [LabelClass(name=str(one), ids=(one,)) for one in histogram.ids if one]
    return histogram.joint(disjoint, rest_is_class=not labels.names_zero and 0 not in labels.ignore)


def without_regions(classes: Sequence[LabelClass], labels: LabelMap) -> list[LabelClass]:
    """The classes without regions, and without a background that nobody named."""
    named = [one for one in classes if one.ids != (0,) or labels.names_zero]
    return [one for one in named if one not in labels.regions]


def _ids(classes: Sequence[LabelClass]) -> set[int]:
    return {one for c in classes for one in c.ids}
