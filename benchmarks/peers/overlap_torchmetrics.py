"""torchmetrics: Dice and IoU of every label, case by case.

python overlap_torchmetrics.py PRED GT
"""

import json
import sys
from pathlib import Path

import nibabel as nib
import numpy as np
import torch
from torchmetrics.functional.segmentation import dice_score, mean_iou


def read(path: Path) -> torch.Tensor:
    return torch.from_numpy(np.asarray(nib.load(path).dataobj)).long()[None]


def main(pred: str, truth: str) -> None:
    rows = []
    for path in sorted(Path(truth).glob("*.nii.gz")):
        both = read(Path(pred) / path.name), read(path)
        dice = dice_score(*both, num_classes=6, include_background=False, average="none", input_format="index")
        iou = mean_iou(*both, num_classes=6, include_background=False, per_class=True, input_format="index")
        rows.append(torch.stack([dice[0], iou[0]]))
    print(json.dumps({"dice": torch.stack(rows).double().mean(dim=(0, 2))[0].item()}))


if __name__ == "__main__":
    main(*sys.argv[1:])
