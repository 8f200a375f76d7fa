"""DeepMind surface-distance, whose surfaces are weighted by area: see `boundary_timing` for the work."""

import numpy as np
import surface_distance as tool
from boundary_timing import LABELS, overlap, run


def work(pred: np.ndarray, truth: np.ndarray, spacing: tuple[float, ...]) -> list[float]:
    found = []
    for label in LABELS:
        masks = truth == label, pred == label
        overlap(*masks)
        distances = tool.compute_surface_distances(*masks, spacing)
        tool.compute_robust_hausdorff(distances, 100)
        tool.compute_average_surface_distance(distances)
        tool.compute_surface_dice_at_tolerance(distances, 1.0)
        found.append(tool.compute_robust_hausdorff(distances, 95))
    return found


if __name__ == "__main__":
    run(work)
