"""An audit of the inputs: what the files hold, and what would stop `score`. Nothing is scored."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from segeval.core.builders.counts_numpy import joint_histogram
from segeval.errors import DataError
from segeval.io.cases import Reading, case_of
from segeval.io.geometry import orientation
from segeval.io.label_ids import to_labels
from segeval.io.pairs import Pair
from segeval.io.volumes import Volume, read_volume
from segeval.options import ScoreOptions
from segeval.tasks.score import make_plan, pairs_of, reading_of, worker_count
from segeval.tasks.stream import in_order


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
    """What was found of one pair; a `problem` would stop `score`, a remark would not."""

    case_id: str
    pred: Side = Side()
    truth: Side = Side()
    problem: str = ""
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Audit:
    """All findings by case id, the classes that `score` would score, and notes on other files."""

    findings: tuple[Finding, ...]
    class_names: Mapping[int, str]
    ignore: tuple[int, ...]
    notes: tuple[str, ...]

    @property
    def problems(self) -> tuple[Finding, ...]:
        return tuple(one for one in self.findings if one.problem)


def audit(pred: Path | None, truth: Path | None, options: ScoreOptions) -> Audit:
    """Read every pair and note what it holds.

    Raises:
        ConfigError: an option or a path is wrong.
        DataError: there are no pairs at all.
    """
    plan, pairs = make_plan(options), pairs_of(pred, truth, options)
    reading = reading_of(options, plan)
    allow_missing = options.missing != "error"
    findings = tuple(
        in_order(
            lambda pair: _examine(pair, reading, allow_missing=allow_missing),
            pairs.pairs,
            workers=worker_count(options),
        )
    )
    seen = {label for one in findings for label in (*one.pred.voxels, *one.truth.voxels)}
    names = {label: c.name for c in plan.labels.classes_among(seen) if len(c.ids) == 1 for label in c.ids}
    return Audit(findings=findings, class_names=names, ignore=plan.labels.ignore, notes=pairs.notes)


def _examine(pair: Pair, reading: Reading, *, allow_missing: bool) -> Finding:
    """Look at each file alone, then at the two together."""
    truth, truth_problem = _read(pair.truth, reading)
    pred, pred_problem = _read(pair.pred, reading)
    finding = Finding(case_id=pair.case_id, pred=_side(pred, reading), truth=_side(truth, reading))
    if pair.truth is None:
        return replace(finding, remarks=("no truth: not scored",))
    if pair.pred is None:
        said = "no prediction"
        return replace(finding, remarks=(said,)) if allow_missing else replace(finding, problem=said)
    if truth is None or pred is None:
        return replace(finding, problem="\n".join(filter(None, (pred_problem, truth_problem))))
    try:
        notes = case_of(pair.case_id, pred=pred, truth=truth, reading=reading).notes
    except DataError as error:
        return replace(finding, problem=str(error))
    return replace(finding, remarks=(*notes, *_empties(finding)))


def _read(path: Path | None, reading: Reading) -> tuple[Volume | None, str]:
    """The image with its labels, or None and why there are none."""
    if path is None:
        return None, ""
    try:
        volume = read_volume(path)
        to_labels(volume, ignore=reading.ignore)
        return volume, ""
    except DataError as error:
        return None, str(error)


def _side(volume: Volume | None, reading: Reading) -> Side:
    if volume is None:
        return Side()
    labels = to_labels(volume, ignore=reading.ignore)
    histogram = joint_histogram(truth=labels, pred=labels)
    voxels = dict(zip(histogram.ids, map(int, np.diagonal(histogram.n)), strict=True))
    return Side(
        shape="x".join(map(str, volume.grid)),
        spacing_mm="x".join(f"{one:.4g}" for one in volume.spacing_mm or ()) or "unknown",
        orientation=orientation(volume.affine) if volume.affine is not None else "none",
        dtype=str(volume.array.dtype),
        voxels=dict(sorted(voxels.items())),
    )


def _empties(finding: Finding) -> tuple[str, ...]:
    return tuple(
        f"{said} is empty"
        for said, side in (("prediction", finding.pred), ("truth", finding.truth))
        if not side.foreground
    )
