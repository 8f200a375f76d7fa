"""What IoUMetric of mmsegmentation says of the masks in `tests/verbs/explain/masks.py`: writes `mmseg.json` here.

mmsegmentation 1.2.2 with mmcv-lite 2.1.0 and mmengine 0.10.7, in an environment of their own: python make_mmseg.py
"""

import json
import sys
from pathlib import Path

import numpy as np

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent.parent))

from tests.verbs.explain.masks import cases  # noqa: E402


def values(*, void: bool) -> dict[str, float]:
    """The three metrics, rounded to two decimals by the tool, in percent; `void` marks a border of the truth as 255."""
    import torch
    from mmseg.evaluation.metrics import IoUMetric

    metric = IoUMetric(iou_metrics=["mIoU", "mDice"], prefix=None)
    metric.dataset_meta = {"classes": ["background", "liver", "spleen", "lesion"]}
    samples = []
    for pred, truth in cases().values():
        truth = truth.astype(np.int64)
        if void:
            truth[:2] = 255
        sides = {
            "pred_sem_seg": pred.reshape(1, -1, pred.shape[-1]),
            "gt_sem_seg": truth.reshape(1, -1, truth.shape[-1]),
        }
        samples.append({name: {"data": torch.as_tensor(side.astype(np.int64))} for name, side in sides.items()})
    metric.process({}, samples)
    return {name: float(value) for name, value in metric.evaluate(len(samples)).items()}


if __name__ == "__main__":
    stored = {"plain": values(void=False), "void": values(void=True)}
    (HERE / "mmseg.json").write_text(json.dumps(stored, indent=1) + "\n", encoding="utf-8")
