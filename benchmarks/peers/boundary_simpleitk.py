"""The usual recipe with SimpleITK, contours and Maurer distance maps: see `boundary_timing` for the work."""

import numpy as np
import SimpleITK
from boundary_timing import LABELS, run, summary


def work(pred: np.ndarray, truth: np.ndarray, spacing: tuple[float, ...]) -> list[float]:
    images = [SimpleITK.GetImageFromArray(side.T) for side in (pred, truth)]
    for image in images:
        image.SetSpacing(spacing)
    overlap = SimpleITK.LabelOverlapMeasuresImageFilter()
    overlap.Execute(images[1], images[0])
    found = []
    for label in LABELS:
        overlap.GetDiceCoefficient(label), overlap.GetJaccardCoefficient(label)
        masks = [image == label for image in images]
        maps = [
            abs(SimpleITK.SignedMaurerDistanceMap(mask, squaredDistance=False, useImageSpacing=True)) for mask in masks
        ]
        contours = [SimpleITK.GetArrayViewFromImage(SimpleITK.LabelContour(mask)) > 0 for mask in masks]
        there, back = (
            SimpleITK.GetArrayViewFromImage(distances)[contour]
            for distances, contour in zip(reversed(maps), contours, strict=True)
        )
        found.append(summary(there, back)["hd95"])
    return found


if __name__ == "__main__":
    run(work)
