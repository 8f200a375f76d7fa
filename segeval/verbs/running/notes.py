"""What a user should know of a run although nothing failed."""

import math
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence, Set

from segeval.errors import DataError
from segeval.evidence.device import idle_gpu
from segeval.evidence.labels import MEAN_OF_CLASSES, LabelMap
from segeval.evidence.overlap.counts import Histogram
from segeval.evidence.overlap.mixed_ids import mixed_ids
from segeval.evidence.probabilities.channels import Form
from segeval.files.paths import counted, listed, printable
from segeval.options import ScoreOptions
from segeval.results import CaseScore, Results
from segeval.scoring.plan import Plan
from segeval.scoring.summarise import merge_histograms

Cases = Mapping[int, Sequence[str]]  # the cases in which an id occurs


def notes_on_scores(
    scores: Sequence[CaseScore], plan: Plan, options: ScoreOptions, *, is_sure: bool = False
) -> tuple[str, ...]:
    """Notes on ids of the cases, a spacing that was not used, units that differ, what labels lack, and an idle GPU.

    Args:
        is_sure: whether predictions without probabilities have confidences.
    """
    in_truths, in_preds = _ids_by_side(scores)
    held = {row.of.name for score in scores for row in score.classes if row.n_pred or row.n_truth}
    on_ids = notes_on_ids(plan.labels, in_truths=in_truths, in_preds=in_preds, held=held)
    seen = [score.histogram for score in scores if score.histogram is not None]
    mixed = notes_on_mixed_ids(merge_histograms(seen), plan.labels, plan.form) if seen else ()
    on_numbers = (
        *_on_spacing(scores, options),
        *_on_units(scores, plan),
        *_on_probabilities(scores, plan, is_sure=is_sure, is_resampled=options.resample),
    )
    on_numbers = (*on_numbers, *_on_sequences(scores, plan), *_on_categories(plan))
    idle = idle_gpu(engine=options.engine, device=options.device)
    return (*on_ids, *mixed, *on_numbers, *filter(None, [idle]))


def notes_on_pooled(results: Results, plan: Plan) -> Iterator[str]:
    """Curves that the cases together do not tell: what one has in a bin of probability another one turns over."""
    reads_curves = {call.column: call for call in plan.measures if call.measure.reads("Areas", "Thresholds")}
    sources = {row.probability_source for row in results.case_rows if row.probability_source}
    of_classes = (row for row in results.summary if row.name != MEAN_OF_CLASSES)
    rows = [row for row in of_classes if row.column in reads_curves and row.n and math.isnan(row.pooled)]
    for column in dict.fromkeys(row.column for row in rows if len(sources) == 1):
        call = reads_curves[column]
        exact = call.measure.at(**{**call.knobs, "exact": True}).column
        names = listed([row.name for row in rows if row.column == column])
        yield f"{column} of {names}: not pooled, since bins do not tell it to 1e-5. Ask for {exact}, in more memory"


def notes_on_mixed_ids(histogram: Histogram, labels: LabelMap, form: Form | None) -> Iterator[str]:
    """Predicted ids, or channels, that lie where the truth has others, with the mapping that would fit."""
    moved = mixed_ids(histogram)
    if not moved:
        return
    names = {row.ids[0]: row.name for row in labels.classes_among({*moved, *moved.values()}) if len(row.ids) == 1}
    preds, truths = (", ".join(_called(one, names) for one in side) for side in (moved, moved.values()))
    said = f"predictions have {preds} where the truth has {truths}"
    if form is None or form.layout is None:
        pairs = ",".join(f"{old}={new}" for old, new in moved.items())
        yield f"{said}: pass --pred-ids {pairs} if they mean the same"
    elif form.layout.exclusive and len(form.layout.classes) > 1:
        names = {row.ids[0]: row.name for row in form.layout.classes}
        order = ",".join(names.get(moved.get(row.ids[0], row.ids[0]), row.name) for row in form.layout.classes)
        yield f"{said}: pass --channels {order} if that is the order of the channels"


def _called(label: int, names: Mapping[int, str]) -> str:
    """An id, with the name of its class where it has one: of files of classes, only that is known to their user."""
    name = names.get(label, str(label))
    return str(label) if name == str(label) else f"{label} ({printable(name)})"


def notes_on_ids(
    labels: LabelMap, *, in_truths: Set[int], in_preds: Cases, held: Collection[str] = ()
) -> Iterator[str]:
    """Ids that only predictions hold, ids of no class, and classes that occur nowhere.

    Args:
        held: classes that have voxels, if perhaps none for themselves alone.
    """
    foreground = sorted({*in_truths, *in_preds} - {0, *labels.ignore})
    if labels.classes is None:
        invented = [f"{one} ({listed(in_preds[one])})" for one in foreground if one not in in_truths]
        if invented:
            yield f"no truth holds id {listed(invented)}: false alarms, unless --labels leaves them out"
        missed = [str(one) for one in foreground if one not in in_preds]
        if missed and in_preds:
            yield f"no prediction holds id {listed(missed)}: missed everywhere, or to be ignored with --ignore-label"
        if not foreground and not labels.regions:
            yield "every mask holds only id 0, so there is no class to score"
        return
    classes = (*labels.classes, *labels.regions)
    strange = [str(one) for one in foreground if all(one not in row.ids for row in classes)]
    if strange:
        yield f"id {listed(strange)} is no class of --labels and counts as background"
    nowhere = [row.name for row in classes if row.name not in held and not {*row.ids} & {*in_truths, *in_preds}]
    if nowhere:
        yield f"no mask holds {listed(nowhere)}: check the ids in --labels"


def _ids_by_side(scores: Sequence[CaseScore]) -> tuple[set[int], dict[int, list[str]]]:
    """The ids of all truths, and the cases whose prediction holds an id."""
    in_truths: set[int] = set()
    in_preds: defaultdict[int, list[str]] = defaultdict(list)
    for score in scores:
        if score.histogram is not None:
            of_truth, of_pred = score.histogram.n.sum(axis=1), score.histogram.n.sum(axis=0)
            in_truths |= {one for one, n in zip(score.histogram.ids, of_truth, strict=True) if n}
            for one in (one for one, n in zip(score.histogram.ids, of_pred, strict=True) if n):
                in_preds[one].append(score.row.case_id)
    return in_truths, in_preds


def _on_spacing(scores: Sequence[CaseScore], options: ScoreOptions) -> Iterator[str]:
    own = [one.row.case_id for one in scores if one.row.spacing_mm not in (None, options.spacing)]
    if options.spacing is not None and own:
        yield f"--spacing is for files without one, and these have their own, which counts: {listed(own)}"


def _on_units(scores: Sequence[CaseScore], plan: Plan) -> Iterator[str]:
    scored = [one.row for one in scores if one.row.shape]
    in_px = [row.case_id for row in scored if row.spacing_mm is None]
    if len(in_px) not in (0, len(scored)) and in_mm(plan):
        yield f"distances of cases without a spacing are in px, all others in mm: {listed(in_px)}. Pass --spacing"
    if not scored or len(in_px) < len(scored):
        return
    if volumes := [call.column for call in plan.measures if call.measure.unit == "ml"]:
        yield f"no case has a spacing, so these are undefined: {listed(volumes)}. Pass --spacing"
    if tolerances := [call.column for call in plan.measures if "tolerance_mm" in call.all_knobs]:
        yield f"no case has a spacing, so tolerance_mm counts pixels in {listed(tolerances)}. Pass --spacing"


def in_mm(plan: Plan) -> list[str]:
    """The columns whose values are other ones without a spacing."""
    depends = (call for call in plan.measures if call.measure.unit == "mm" or "tolerance_mm" in call.all_knobs)
    return [call.column for call in depends if call.all_knobs.get("unit") != "voxel"]


def refuse_mixed_units(scores: Iterable[CaseScore], plan: Plan) -> Iterator[CaseScore]:
    """Hand on the scores of cases, and stop where one counts in px what others have in mm.

    Raises:
        DataError: a case has a spacing and another has none, and a measure depends on it.
    """
    columns = in_mm(plan)
    first: dict[bool, str] = {}
    for score in scores:
        if score.row.shape and columns:
            first.setdefault(score.row.spacing_mm is None, printable(score.row.case_id))
        if len(first) == 2:
            no, has = first[True], first[False]
            raise DataError(
                f"{no} has no spacing, so {listed(columns)} would be in px there, and in mm in {has}. "
                "A mean over both says nothing: pass --spacing for the files without one, or --mixed-units to get it."
            )
        yield score


def _on_probabilities(scores: Sequence[CaseScore], plan: Plan, *, is_sure: bool, is_resampled: bool) -> Iterator[str]:
    columns = [call.column for call in plan.measures if call.measure.reads("ProbMaps")]
    if columns and any(one.row.probability_source == "hard" for one in scores):
        yield f"labels have no probabilities, so these are undefined: {listed(columns)}. Score the maps instead"
    columns = [call.column for call in plan.measures if call.measure.reads("CaseCandidates")]
    if columns and not is_sure and (plan.form is None or plan.form.kind == "labels"):
        yield (
            f"labels have no confidences, so these are undefined: {listed(columns)}. Score the maps instead, or give a "
            "confidence for each predicted lesion with --confidences"
        )
    elif columns and (bare := _without_lesion(scores)):
        yield f"no truth holds {listed(bare)}, so no lesion can be found: scores of all cases are undefined there"
    columns = [call.column for call in plan.measures if call.measure.reads("LogitsInSpace")]
    if columns and (plan.form is None or plan.form.kind != "logits"):
        yield f"{listed(columns)}: undefined, since only logits tell it. Score these with --pred-kind logits"
    elif columns and is_resampled:
        yield (
            f"{listed(columns)}: undefined with --resample, which makes probabilities of logits. Bring the logits onto "
            "the grid of the truth beforehand, and leave --resample out"
        )


def _without_lesion(scores: Sequence[CaseScore]) -> list[str]:
    """Classes that no truth holds, of those that a case has."""
    n_truth: defaultdict[str, int] = defaultdict(int)
    for score in scores:
        for row in score.classes:
            n_truth[row.of.name] += row.n_truth
    return [name for name, n in n_truth.items() if not n]


def _on_sequences(scores: Sequence[CaseScore], plan: Plan) -> Iterator[str]:
    """What was taken for a sequence of frames."""
    columns = [call.column for call in plan.measures if call.measure.reads("Frames")]
    if columns:
        from segeval.evidence.contours.frames import sequence_of

        if any(len(score.row.shape) == 3 for score in scores):
            yield f"a frame of a video has two axes, so these are undefined of volumes: {listed(columns)}"
            return
        sequences = sorted({sequence_of(score.row.case_id) for score in scores if score.histogram is not None})
        if sequences == ["."]:
            yield "no frame lies in a folder of its sequence, so all of them are one sequence"
        elif sequences:
            yield f"{counted(len(sequences), 'sequence')} of frames, one per folder: {listed(sequences)}"


def _on_categories(plan: Plan) -> Iterator[str]:
    columns = [call.column for call in plan.measures if call.measure.reads("CategoryCounts")]
    if columns and not plan.labels.categories:
        yield f"{listed(columns)}: undefined, name groups of classes with --regions, such as vehicle=3+4,human=1+2"
