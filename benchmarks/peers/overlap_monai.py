"""MONAI: Dice and IoU of every label on one-hot tensors, case by case.

python overlap_monai.py PRED GT
"""

import json
import sys
from pathlib import Path

import nibabel as nib
import numpy as np
import torch
from monai.metrics import compute_dice, compute_iou
from monai.networks import one_hot


def read(path: Path) -> torch.Tensor:
    labels = torch.from_numpy(np.asarray(nib.load(path).dataobj))
    return one_hot(labels[None, None], num_classes=6, dtype=torch.uint8)


def main(pred: str, truth: str) -> None:
    rows = []
    for path in sorted(Path(truth).glob("*.nii.gz")):
        both = read(Path(pred) / path.name), read(path)
        dice = compute_dice(*both, include_background=False)
        iou = compute_iou(*both, include_background=False)
        rows.append(torch.stack([dice[0], iou[0]]))
    print(json.dumps({"dice": torch.stack(rows).double().mean(dim=(0, 2))[0].item()}))


if __name__ == "__main__":
    main(*sys.argv[1:])
