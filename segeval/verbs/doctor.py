"""An audit of the inputs: what the files hold, and what would stop `score`. Nothing is scored."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

import numpy as np

from segeval.errors import DataError
from segeval.evidence.labels import LabelMap
from segeval.evidence.overlap.counts import Histogram
from segeval.evidence.overlap.counts_numpy import joint_histogram
from segeval.files.paths import listed, printable
from segeval.images.cases import case_of
from segeval.images.forms import agree, form_of
from segeval.images.geometry.geometry import orientation
from segeval.images.input_rules import InputRules
from segeval.images.labels.label_ids import labelled
from segeval.images.pairing.pairs import Pair
from segeval.images.predictions.class_masks import LabelImage
from segeval.images.predictions.predictions import Prediction, refuse_other_axis
from segeval.images.readers.volumes import Volume
from segeval.options import ScoreOptions
from segeval.scoring.summarise import merge_histograms
from segeval.verbs.running.notes import notes_on_ids, notes_on_mixed_ids
from segeval.verbs.running.stream import in_order
from segeval.verbs.running.workers import worker_count
from segeval.verbs.score import input_rules_of, label_map_of, pairs_of

NO_SPACING = "unknown"


@dataclass(frozen=True, kw_only=True)
class Side:
    """What one file of a pair holds; voxel counts are by id."""

    shape: str = ""
    spacing_mm: str = ""
    orientation: str = ""
    dtype: str = ""
    voxels: Mapping[int, int] = field(default_factory=dict)

    @property
    def foreground(self) -> dict[int, int]:
        """Voxels of every id but 0."""
        return {label: n for label, n in self.voxels.items() if label}


@dataclass(frozen=True, kw_only=True)
class Finding:
    """What was found of one pair; a `problem` would stop `score`, a remark would not; `shared` classes share voxels."""

    case_id: str
    pred: Side = Side()
    truth: Side = Side()
    problem: str = ""
    remarks: tuple[str, ...] = ()
    joint: Histogram | None = None
    shared: frozenset[str] = frozenset()


@dataclass(frozen=True, kw_only=True)
class Audit:
    """All findings by case id, the classes that `score` would score, and notes on ids and other files."""

    findings: tuple[Finding, ...]
    labels: LabelMap
    notes: tuple[str, ...]

    @property
    def problems(self) -> tuple[Finding, ...]:
        return tuple(one for one in self.findings if one.problem)


# what `score` does with a truth that has no prediction, by policy
WITHOUT_PREDICTION = {
    "error": "score would stop. Add it, or pass --missing worst|background|skip",
    "worst": "every class of the truth would get the worst values",
    "background": "would be scored as an empty prediction",
    "skip": "would be left out and counted as missing",
}


def audit(pred: Path | None, truth: Path | None, options: ScoreOptions) -> Audit:
    """Read every pair and note what it holds.

    Raises:
        ConfigError: an option or a path is wrong.
        DataError: there are no pairs at all.
    """
    labels, pairs = label_map_of(options), pairs_of(pred, truth, replace(options, keep_going=True))
    rules = agree(pairs.pairs, input_rules_of(options, labels))
    findings = tuple(in_order(lambda pair: _examine(pair, rules, options), pairs.pairs, workers=worker_count(options)))
    found = f"predictions are {rules.first_prediction.form}" if rules.first_prediction else "no prediction can be read"
    labels = rules.first_prediction.form.completed(rules.labels) if rules.first_prediction else rules.labels
    joint = [finding.joint for finding in findings if finding.joint is not None]
    form = None if rules.first_prediction is None else rules.first_prediction.form
    mixed = notes_on_mixed_ids(merge_histograms(joint), labels, form) if joint else ()
    notes = (found, *pairs.notes, *_notes_on_ids(findings, labels), *mixed, *_notes_on_units(findings, options))
    return Audit(findings=findings, labels=labels, notes=notes)


def _notes_on_units(findings: Sequence[Finding], options: ScoreOptions) -> Iterator[str]:
    """What would stop `score` as soon as a distance is among the measures."""
    read = [finding for finding in findings if finding.truth.shape]
    in_px = [finding.case_id for finding in read if finding.truth.spacing_mm == NO_SPACING]
    if options.spacing is None and len(in_px) not in (0, len(read)):
        yield (
            f"distances of cases without a spacing would be in px, all others in mm: {listed(in_px)}. "
            "score would stop at both in one mean, unless you pass --spacing or --mixed-units"
        )


def _notes_on_ids(findings: Sequence[Finding], labels: LabelMap) -> Iterator[str]:
    in_preds: defaultdict[int, list[str]] = defaultdict(list)
    for one in findings:
        for label in one.pred.voxels:
            in_preds[label].append(one.case_id)
    in_truths = {label for one in findings for label in one.truth.voxels}
    held = {name for one in findings for name in one.shared}
    return notes_on_ids(labels, in_truths=in_truths, in_preds=in_preds, held=held)


def _examine(pair: Pair, rules: InputRules, options: ScoreOptions) -> Finding:
    """Look at each file alone, then at the two together."""
    image, truth_problem = _read_truth(pair, rules)
    truth = None if image is None else image.volume
    pred, pred_problem = _read_pred(pair, rules)
    truth_side, no_true_ids = _label_side(truth, rules, "truth")
    pred_side, no_prediction = _pred_side(pred, truth, rules)
    finding = Finding(case_id=pair.case_id, pred=pred_side, truth=truth_side)
    if pair.truth is None:
        return replace(finding, remarks=("no truth: never scored",))
    problems = [pred_problem, no_prediction, truth_problem, no_true_ids]
    if pair.pred is None:
        said = f"no prediction: {WITHOUT_PREDICTION[options.missing]}"
        finding = replace(finding, remarks=(said,))
        problems += [f"{printable(pair.case_id)}: {said}"] if options.missing == "error" else []
    if any(problems) or image is None or pred is None:
        return replace(finding, problem="\n".join(filter(None, problems)))
    return _together(finding, pred, image, rules)


def _together(finding: Finding, pred: Prediction, truth: LabelImage, rules: InputRules) -> Finding:
    try:
        case = case_of(finding.case_id, pred=pred, truth=truth, rules=rules)
    except DataError as error:
        return replace(finding, problem=str(error))
    sides = {"pred": _voxels(case.pred), "truth": _voxels(case.truth)}
    shared_by = {name: sum(voxels.pop(label, 0) for label in case.claims) for name, voxels in sides.items()}
    shared = sum(shared_by.values())
    pred_side, truth_side = (replace(getattr(finding, name), voxels=voxels) for name, voxels in sides.items())
    finding = replace(finding, pred=pred_side, truth=truth_side)
    remarks = (f"{shared} voxels belong to several classes",) if shared else ()
    joint = joint_histogram(truth=case.truth, pred=case.pred).without(rules.labels.ignore)
    joint = joint.without_unions(case.claims)
    sharing = frozenset(row.name for rows in case.claims.values() for row in rows)
    notes = (*case.notes, *remarks, *_empties(finding, shared_by))
    return replace(finding, remarks=notes, joint=joint, shared=sharing)


def _read_truth(pair: Pair, rules: InputRules) -> tuple[LabelImage | None, str]:
    """The truth, or None and why there is none."""
    try:
        return (None if pair.truth is None else rules.truth_of(pair)), ""
    except DataError as error:
        return None, str(error)


def _read_pred(pair: Pair, rules: InputRules) -> tuple[Prediction | None, str]:
    """The prediction, or None and why there is none."""
    try:
        return (None if pair.pred is None else rules.take(pair)), ""
    except DataError as error:
        return None, str(error)


def _label_side(volume: Volume | None, rules: InputRules, which: Literal["pred", "truth"]) -> tuple[Side, str]:
    """What the image holds, and why it is no label image where it is none."""
    if volume is None:
        return Side(), ""
    side = _facts(volume)
    try:
        labels = labelled(volume, side=which, ignore=rules.labels.ignore, rounding=rules.round_labels)
        return replace(side, voxels=_voxels(labels.array)), ""
    except DataError as error:
        return side, str(error)


def _pred_side(pred: Prediction | None, truth: Volume | None, rules: InputRules) -> tuple[Side, str]:
    """What the prediction holds, and why it cannot be one of this run."""
    if pred is None:
        return Side(), ""
    try:
        placed = pred if truth is None else pred.placed(truth)
        if truth is not None:
            refuse_other_axis(pred, truth, rules.channel_axis)
        form = form_of(pred, rules)
    except DataError as error:
        return _facts(pred.images[0]), str(error)
    if form.layout is None:
        return _label_side(pred.images[0].scaled(), rules, "pred")
    side, n = _facts(placed.images[0]), len(placed.images)
    return replace(side, dtype=f"{n} x {side.dtype}" if n > 1 else side.dtype), ""


def _facts(volume: Volume) -> Side:
    return Side(
        shape="x".join(map(str, volume.grid)),
        spacing_mm="x".join(f"{one:.4g}" for one in volume.spacing_mm or ()) or NO_SPACING,
        orientation=orientation(volume.affine) if volume.affine is not None else "none",
        dtype=str(volume.array.dtype),
    )


def _voxels(labels: np.ndarray) -> dict[int, int]:
    """How many voxels each id has."""
    histogram = joint_histogram(truth=labels, pred=labels)
    return dict(sorted(zip(histogram.ids, map(int, np.diagonal(histogram.n)), strict=True)))


def _empties(finding: Finding, shared_by: Mapping[str, int]) -> tuple[str, ...]:
    return tuple(
        f"{said} is empty"
        for said, name in (("prediction", "pred"), ("truth", "truth"))
        if not getattr(finding, name).foreground and not shared_by[name]
    )
