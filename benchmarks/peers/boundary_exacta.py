"""exacta's functions for several measures at once, one thread: see `boundary_timing`."""

import numpy as np
import torch
from boundary_timing import LABELS, run
from exacta import functional

torch.set_num_threads(1)
MEASURES = {"dice": {}, "iou": {}, "hausdorff_distance": {}, "hd95": {}, "assd": {}, "nsd": {"tolerance": 1.0}}


def work(pred: np.ndarray, truth: np.ndarray, spacing: tuple[float, ...]) -> list[float]:
    sides = [torch.from_numpy(np.ascontiguousarray(side))[None] for side in (pred, truth)]
    n = len(LABELS) + 1
    found = functional.evaluate(*sides, num_classes=n, include_background=False, spacing=spacing, metrics=MEASURES)
    return found["hd95"][0].tolist()


if __name__ == "__main__":
    run(work)
