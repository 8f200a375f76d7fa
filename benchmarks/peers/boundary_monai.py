"""MONAI on one-hot tensors: see `boundary_timing` for the work."""

import numpy as np
import torch
from boundary_timing import LABELS, run
from monai.metrics import (
    compute_average_surface_distance,
    compute_dice,
    compute_hausdorff_distance,
    compute_iou,
    compute_surface_dice,
)
from monai.networks import one_hot


def work(pred: np.ndarray, truth: np.ndarray, spacing: tuple[float, ...]) -> list[float]:
    both = [
        one_hot(torch.from_numpy(np.ascontiguousarray(side))[None, None], 6, dtype=torch.uint8)
        for side in (pred, truth)
    ]
    compute_dice(*both, include_background=False)
    compute_iou(*both, include_background=False)
    compute_hausdorff_distance(*both, spacing=spacing)
    compute_average_surface_distance(*both, symmetric=True, spacing=spacing)
    compute_surface_dice(*both, class_thresholds=[1.0 for _ in LABELS], spacing=spacing)
    return compute_hausdorff_distance(*both, percentile=95, spacing=spacing)[0].tolist()


if __name__ == "__main__":
    run(work)
