"""mikan-rs, which has no NSD: see `boundary_timing`."""

import mikan
import numpy as np
from boundary_timing import LABELS, run


def work(pred: np.ndarray, truth: np.ndarray, spacing: tuple[float, ...]) -> list[float]:
    asked = mikan.ArrayEvaluator(np.ascontiguousarray(truth), np.ascontiguousarray(pred), spacing[::-1])
    found = asked.labels([*LABELS]).metrics(["dice", "iou", "hd", "hd95", "assd"])
    return [row["hd95"] for row in found.values()]


if __name__ == "__main__":
    run(work)
