"""SimpleITK: LabelOverlapMeasures, case by case.

python overlap_simpleitk.py PRED GT
"""

import json
import sys
from pathlib import Path
from statistics import mean

from SimpleITK import LabelOverlapMeasuresImageFilter, ReadImage


def main(pred: str, truth: str) -> None:
    measures = LabelOverlapMeasuresImageFilter()
    rows = []
    for path in sorted(Path(truth).glob("*.nii.gz")):
        measures.Execute(ReadImage(path), ReadImage(Path(pred) / path.name))
        rows += [(measures.GetDiceCoefficient(label), measures.GetJaccardCoefficient(label)) for label in range(1, 6)]
    print(json.dumps({"dice": mean(dice for dice, _ in rows)}))


if __name__ == "__main__":
    main(*sys.argv[1:])
