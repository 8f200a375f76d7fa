"""What MeshMetrics says of random masks, which have nearly every kind of corner: writes `meshes.json` beside itself.

pymeshmetrics 1.4.1 with vtk 9.7.2, in an environment of their own: python make_meshes.py
"""

import json
from pathlib import Path

import numpy as np

SHAPES = ((9, 10, 11), (5, 9, 6), (11, 9), (7, 12))
SPACING = (0.7, 1.3, 2.1)


def stored(mask: np.ndarray) -> str:
    return np.packbits(mask).tobytes().hex()


if __name__ == "__main__":
    import meshmetrics

    rng = np.random.default_rng(0)
    found = []
    for shape in SHAPES:
        pred, truth = (rng.random(shape) < 0.4 for _ in range(2))
        spacing = SPACING[: len(shape)]
        values = meshmetrics.compute_metrics(truth, pred, spacing=spacing, taus=(0.5, 1.0), verbose=False)
        masks = {"pred": stored(pred), "truth": stored(truth)}
        kept = {name: value for name, value in values.items() if isinstance(value, float)}
        found.append({"shape": shape, "spacing": spacing, **masks, "values": kept})
    path = Path(__file__).parent / "meshes.json"
    path.write_text(json.dumps({"cases": found}, indent=1) + "\n", encoding="utf-8")
