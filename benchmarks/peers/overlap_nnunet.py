"""nnU-Net v2's own evaluator, two processes: Dice, IoU and counts of every label.

python overlap_nnunet.py PRED GT
"""

import json
import sys
import tempfile
from pathlib import Path

from nnunetv2.evaluation.evaluate_predictions import compute_metrics_on_folder
from nnunetv2.imageio.simpleitk_reader_writer import SimpleITKIO


def main(pred: str, truth: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        summary = str(Path(folder) / "summary.json")
        found = compute_metrics_on_folder(
            truth, pred, summary, SimpleITKIO(), ".nii.gz", regions_or_labels=[1, 2, 3, 4, 5], num_processes=2
        )
    print(json.dumps({"dice": found["foreground_mean"]["Dice"]}))


if __name__ == "__main__":
    main(*sys.argv[1:])
