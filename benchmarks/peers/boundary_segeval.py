"""segeval as a library: see `boundary_timing` for the work."""

import numpy as np
from boundary_timing import LABELS, run

from segeval.evidence.labels import LabelClass
from segeval.evidence.overlap.counts_numpy import joint_histogram
from segeval.evidence.surfaces.surface import Surfaces
from segeval.metrics.boundary import assd, hd, hd95
from segeval.metrics.boundary_scores import nsd
from segeval.metrics.overlap import dice, iou

CLASSES = [LabelClass(name=str(label), ids=(label,)) for label in LABELS]


def work(pred: np.ndarray, truth: np.ndarray, spacing: tuple[float, ...]) -> list[float]:
    counts = joint_histogram(truth=truth, pred=pred).counts(CLASSES)
    surfaces = Surfaces.of(pred, truth, classes=CLASSES, spacing_mm=spacing)
    dice(counts), iou(counts), hd(surfaces), assd(surfaces), nsd(surfaces, tolerance_mm=1.0, surface="voxel")
    return hd95(surfaces).tolist()


if __name__ == "__main__":
    run(work)
