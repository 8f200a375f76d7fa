"""What tools do in different ways: every definition of a measure, and every way to see masks, told in words.

Definitions come from the declarations: the words that a knob takes, the profiles of tools, and other measures that
are mistaken for this one. What stands here beside them is what a declaration cannot know: common values of numeric
knobs, and how a reader would say it.
"""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Any

from segeval import catalogue
from segeval.evidence.overlap.counts import Counts, Joint
from segeval.knobs import knob_text
from segeval.measure import Measure, MeasureCall
from segeval.profiles import PROFILES, profile
from segeval.verbs.explain.evidence import BOTH, PRED, TRUTH
from segeval.verbs.explain.variants import SMOOTHED, percentile_distance, root_mean_square_distance, smoothed
from segeval.verbs.explain.views import View

Absent = tuple[float | None, float | None, float | None]  # from both sides, from pred, from truth; None: the formula's

_VALUES: Mapping[str, tuple[Any, ...]] = {
    "tolerance_mm": (0.5, 1.0, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 10.0, "min_spacing"),
    "percent": (50.0, 90.0, 95.0, 98.0, 99.0, 100.0),
    "beta": (0.5, 1.0, 2.0),
    "width_mm": (1.0, 2.0, 3.0, 5.0),
    "slack": (0.0,),
    "iou_threshold": (0.1, 0.25, 0.5, 0.75),
    "min_size_mm3": (),
}
_OF_TOOL = 0.9  # a little less than one setting of its own: a known tool is the likelier reason
_SMOOTH = (1e-8, 1e-7, 1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1.0)

_SAID: Mapping[tuple[str, str], str] = {
    ("pooling", "pooled"): "both directions in one list",
    ("pooling", "directed_mean"): "the mean of the two directions in place of the larger",
    ("pooling", "directed_max"): "the larger of the two directions",
    ("unit", "voxel"): "the voxel spacing ignored",
    ("unit", "mm"): "lengths by the voxel spacing",
    ("edge", "border"): "a surface where the image border cuts the mask",
    ("edge", "none"): "no surface where the image border cuts the mask",
    ("neighbours", "face"): "surface voxels by the neighbours that share a face",
    ("neighbours", "full"): "surface voxels by all neighbours, also across corners",
    ("surface", "area"): "weighted with the area of the surface",
    ("surface", "mesh"): "between meshes of triangles",
    ("surface", "voxel"): "surface voxels, each counting one",
    ("surface", "set"): "all voxels of the masks instead of their surfaces",
    ("slack", "0"): "no allowance for rounding at the tolerance",
    ("direction", "pooled"): "both directions in one list",
    ("direction", "mean"): "the mean of the two directions",
    ("direction", "sum"): "the sum of the two directions",
    ("direction", "min"): "the smaller of the two directions",
    ("direction", "pred_to_truth"): "from prediction to truth alone",
    ("direction", "truth_to_pred"): "from truth to prediction alone",
    ("above", "false"): "below the stroke only",
}


@dataclass(frozen=True, kw_only=True)
class Meaning:
    """One definition that a name may stand for.

    Attributes:
        absent: what it says of a class that a side lacks.
        tools: the profiles that have it.
    """

    call: MeasureCall
    absent: Absent
    words: str = ""
    cost: float = 0.0
    tools: tuple[str, ...] = ()

    @property
    def is_counted(self) -> bool:
        """Whether counts of voxels are all it reads, so that it costs next to nothing."""
        return set(self.call.measure.needs) <= {Counts, Joint}

    @property
    def is_of_mesh(self) -> bool:
        """Whether it measures meshes, which costs more than other surfaces."""
        return self.call.all_knobs.get("surface") == "mesh"

    @property
    def is_per_lesion(self) -> bool:
        """Whether it speaks of the lesions of a case one by one, which costs most of all."""
        return "matching" in self.call.measure.knobs


def meanings(name: str | None, *, out_of_unit: bool) -> list[Meaning]:
    """Every definition that a measure of this name may have, the plain one first.

    Args:
        name: None where nobody said which measure it is; then every likely one is as plain as the next.
        out_of_unit: whether numbers lie outside 0..1, which decides between overlaps and distances then.
    """
    if name is None:
        likely = _DISTANCES if out_of_unit else _SCORES
        named = [meaning for one in likely for meaning in _of_measure(catalogue.find(one), cost=0.0)]
        return _each_once(named)
    measure = catalogue.find(name)
    others = [_as_other(other, measure) for other in _mistaken_for(measure)]
    return _each_once([*_of_measure(measure, cost=0.0), *(meaning for of_one in others for meaning in of_one)])


_SCORES = ("dice", "iou", "nsd", "sensitivity", "precision", "accuracy", "specificity", "volume_similarity")
_DISTANCES = ("hd95", "hd", "assd", "masd", "asd_pred_to_truth", "asd_truth_to_pred")
_MIXED_UP = (  # names that stand for one another in papers and column heads
    (
        *(
            "dice",
            "iou",
            "sensitivity",
            "precision",
            "specificity",
            "npv",
            "accuracy",
            "balanced_accuracy",
            "f2",
            "f05",
        ),
        *("volume_similarity", "kappa", "mcc", "informedness", "fpr", "fnr", "fdr"),
        *("mean_dice", "mean_iou", "generalized_dice_score", "pixel_accuracy", "mean_accuracy", "adjusted_rand_index"),
    ),
    (
        *("hd95", "hd", "hdp", "assd", "masd", "asd_pred_to_truth", "asd_truth_to_pred", "median_surface_distance"),
        *("sd_surface_distance", "average_hausdorff"),
    ),
    ("nsd", "boundary_f1", "boundary_iou"),
    ("relative_volume_difference", "volume_similarity", "absolute_volume_difference_ml"),
)


def _mistaken_for(measure: Measure) -> Iterator[Measure]:
    names = dict.fromkeys(name for group in _MIXED_UP if measure.name in group for name in group)
    yield from (catalogue.find(name) for name in names if name != measure.name)


def _as_other(measure: Measure, asked: Measure) -> list[Meaning]:
    """Another measure, as we and as tools define it, one step further away."""
    return _of_measure(measure, cost=1.0, words=f"{measure.name} instead of {asked.name}", n_knobs=1)


def _of_measure(measure: Measure, *, cost: float, words: str = "", n_knobs: int = 2) -> list[Meaning]:
    found = [Meaning(call=measure.at(), absent=_declared(measure), words=words, cost=cost)]
    found += [
        _of_tool(tool, measure, words, cost + _OF_TOOL)
        for tool in PROFILES
        if measure.name in profile(tool).definitions
    ]
    for n in range(1, n_knobs + 1):
        for some in combinations(_knobs(measure), n):
            if len({name for name, _ in some}) == n and not _is_idle(measure, some):
                said = _joined(words, *(knob_words(name, value) for name, value in some))
                found.append(
                    Meaning(call=measure.at(**dict(some)), absent=_declared(measure), words=said, cost=cost + n)
                )
    return [*found, *(_of_variant(call, said, words, cost + extra) for call, said, extra in _variants(measure))]


def _of_tool(tool: str, measure: Measure, words: str, cost: float) -> Meaning:
    """A measure as a tool defines it, on our formula: what the tool says of absent classes is kept apart."""
    definition = profile(tool).definitions[measure.name]
    formula = definition.formula
    base = catalogue.find(formula) if isinstance(formula, str) else formula or measure
    like = profile(tool).like(measure)
    differs = [knob_words(name, value) for name, value in definition.knobs.items() if base.knobs.get(name) != value]
    named = [f"the formula of {base.name}"] if base.name != measure.name else []
    said = _joined(words, f"as {tool} defines it", *named, *differs)
    return Meaning(
        call=base.at(**definition.knobs),
        absent=_declared(like),
        words=said,
        cost=cost,
        tools=(f"{measure.name}[{tool}]",),
    )


def _of_variant(call: MeasureCall, said: str, words: str, cost: float) -> Meaning:
    return Meaning(call=call, absent=(None, None, None), words=_joined(words, said), cost=cost)


def _variants(measure: Measure) -> Iterator[tuple[MeasureCall, str, float]]:
    """What no catalogue has: constants in an overlap, other percentiles."""
    if measure.name in SMOOTHED:
        for value in _SMOOTH:
            yield smoothed.at(of=measure.name, smooth=value), f"{value:g} added above and below the stroke", 1.0
            said = f"{value:g} added below the stroke"
            yield smoothed.at(of=measure.name, smooth=value, above=False), said, 1.0
    percent = {"hd": 100.0, "hd95": 95.0, "hdp": 95.0}.get(measure.name)
    if percent is not None:
        for direction in ("pred_to_truth", "truth_to_pred", "min", "sum", "mean"):
            call = percentile_distance.at(percent=percent, direction=direction)
            yield call, knob_words("direction", direction), 1.0
        for rule in ("lower", "higher", "nearest", "midpoint") if percent < 100 else ():
            for direction in ("max", "pooled"):
                said = _joined(
                    f"the {rule} of two distances at the percentile", _SAID.get(("direction", direction), "")
                )
                yield percentile_distance.at(percent=percent, rule=rule, direction=direction), said, 1.0
    if measure.name in ("assd", "masd"):
        yield root_mean_square_distance.at(), "the root of the mean square of the distances", 1.0


def _knobs(measure: Measure) -> list[tuple[str, Any]]:
    """Every knob with every value that is not its default."""
    every = [
        (name, value)
        for name, default in measure.knobs.items()
        for value in (*measure.words_for(name), *_VALUES.get(name, ()))
        if value != default and value not in ("true", "false") and measure.knobs.get("matching") is None
    ]
    return [*every, *((name, True) for name, default in measure.knobs.items() if default is False)]


def _is_idle(measure: Measure, some: Sequence[tuple[str, Any]]) -> bool:
    """Whether a knob changes nothing beside the others, and would be refused."""
    knobs = {**measure.knobs, **dict(some)}
    names = {name for name, _ in some}
    return any(idle.when(knobs.get(idle.under)) and names & {*idle.knobs} for idle in measure.idle)


def declared_values(meaning: Meaning, instead: Sequence[tuple[int, float]] = ()) -> dict[int, float | None]:
    """What a definition says of classes that a side lacks, by status, or what is said instead; None: its formula."""
    return {**dict(zip((BOTH, PRED, TRUTH), meaning.absent, strict=True)), **dict(instead)}


def knob_words(name: str, value: Any) -> str:
    return _SAID.get((name, knob_text(value)), f"{name}={knob_text(value)}")


def _declared(measure: Measure) -> Absent:
    return measure.absent.both, measure.absent.pred, measure.absent.truth


def _joined(*words: str) -> str:
    return ", ".join(filter(None, words))


def _each_once(found: Iterable[Meaning]) -> list[Meaning]:
    """One meaning for all that give the same numbers; the first is the simplest, and tools are gathered."""
    kept: dict[Any, Meaning] = {}
    for meaning in found:
        same = (meaning.call.measure.function, meaning.call.measure.name, _frozen(meaning.call), _told(meaning.absent))
        if same not in kept:
            kept[same] = meaning
        else:
            before = kept[same]
            kept[same] = replace(before, tools=(*before.tools, *meaning.tools))
    return list(kept.values())


def _frozen(call: MeasureCall) -> tuple[tuple[str, str], ...]:
    return tuple((name, knob_text(value)) for name, value in call.all_knobs.items())


def _told(absent: Absent) -> tuple[str, ...]:
    return tuple(map(str, absent))


def views(meaning: Meaning, *, n_axes: int, spacings: Sequence[str], maps: bool) -> list[View]:
    """Every way in which masks may have been seen; the plain one first.

    Args:
        spacings: in which other ways the size of a voxel may have been taken, as `spacings_of` the cases says.
        maps: whether predictions are probabilities.
    """
    found = [View(), View(change="swapped", words="prediction and truth swapped")]
    if not meaning.is_counted:
        found += [View(spacing=how, words=_SPACINGS[how]) for how in spacings if _wants(meaning, how)]
    if maps:
        found += [View(threshold=t, words=f"maps cut at {t:g}") for t in _THRESHOLDS]
        found.append(View(threshold=math.nextafter(0.5, 1.0), words="maps cut above 0.5, and not at it"))
    found += [View(change=change, words=said) for change, said in _CHANGES.items()]
    found += [View(change="flipped", axis=i, words=f"the prediction flipped along axis {i}") for i in range(n_axes)]
    if n_axes == 3:
        found += [
            View(slices=axis, empty_slices=rule, words=f"the mean over slices along axis {axis}{said}")
            for axis in (2, 0, 1)
            for rule, said in _EMPTY_SLICES.items()
        ]
        found.append(View(change="resampled", words="both sides resampled to 1 mm"))
    return found


_SPACINGS = {
    "none": "the voxel spacing ignored",
    "reversed": "the spacing in the order of other axes, z y x for x y z",
    "first": "the spacing of the first axis for all",
    "last": "the spacing of the last axis for all",
    "mean": "the mean spacing for all axes",
    "pred": "the spacing of the prediction's header in place of the truth's",
}
_THRESHOLDS = (0.1, 0.2, 0.25, 0.3, 0.4, 0.5, 0.6, 0.7, 0.75, 0.8, 0.9)
_CHANGES = {
    "largest": "the largest component of each predicted class alone",
    "largest_both": "the largest component of each class on both sides alone",
    "transposed": "the axes of the prediction in reverse",
    "cropped_truth": "cropped to the box of the true mask",
    "cropped_both": "cropped to the box around both masks",
    "halved": "every second voxel along each axis",
}
_EMPTY_SLICES = {
    "skip": "",
    "truth": " that hold the class",
    "1": ", 1 where both are empty",
    "0": ", 0 where both are empty",
}


def _wants(meaning: Meaning, how: str) -> bool:
    """A measure whose knob counts in voxels says by itself that the spacing is ignored."""
    return how != "none" or "unit" not in meaning.call.measure.knobs
