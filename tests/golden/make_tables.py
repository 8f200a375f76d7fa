"""Tables as other tools write them, of the masks in `tests/verbs/explain/masks.py`: writes `tables/` beside itself.

Each where the tool is installed: python tests/golden/make_tables.py panoptica|seg_metrics|monai|picai
"""

import sys
import tempfile
from pathlib import Path

import numpy as np

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent.parent))

from tests.verbs.explain.masks import CLASSES, SPACING, cases, write  # noqa: E402

TABLES = HERE / "tables"


def panoptica() -> None:
    """Global metrics of three groups; cases in which it finds no object end in an error and are not written."""
    from panoptica import (
        ConnectedComponentsInstanceApproximator,
        InputType,
        Metric,
        NaiveThresholdMatching,
        Panoptica_Aggregator,
        Panoptica_Evaluator,
    )
    from panoptica.utils.segmentation_class import LabelGroup, SegmentationClassGroups

    groups = {"liver": LabelGroup([1]), "spleen": LabelGroup([2]), "lesion": LabelGroup([3])}
    evaluator = Panoptica_Evaluator(
        expected_input=InputType.SEMANTIC,
        instance_approximator=ConnectedComponentsInstanceApproximator(),
        instance_matcher=NaiveThresholdMatching(),
        segmentation_class_groups=SegmentationClassGroups(groups),
        instance_metrics=[Metric.DSC, Metric.IOU],
        global_metrics=[Metric.DSC, Metric.IOU, Metric.ASSD, Metric.HD, Metric.HD95, Metric.NSD, Metric.RVD],
    )
    for kind in ("tsv", "jsonl"):
        path = TABLES / f"panoptica.{kind}"
        path.unlink(missing_ok=True)
        aggregator = Panoptica_Aggregator(evaluator, output_file=path, file_type=kind)
        for case, (pred, truth) in cases().items():
            if not any((side == 3).sum() == 0 for side in (pred, truth)):
                aggregator.evaluate(pred, truth, case, voxelspacing=SPACING)


def seg_metrics() -> None:
    from seg_metrics.seg_metrics import write_metrics

    path = TABLES / "seg_metrics.csv"
    path.unlink(missing_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        write(Path(folder))
        write_metrics(
            labels=[*CLASSES],
            gdth_path=f"{folder}/truth",
            pred_path=f"{folder}/pred",
            csv_file=str(path),
            fully_connected=True,
        )
        path.write_text(path.read_text().replace(folder, "/data"))


def monai() -> None:
    import torch
    from monai.handlers.utils import write_metrics_reports
    from monai.metrics import compute_dice

    def one_hot(labels: np.ndarray) -> torch.Tensor:
        return torch.as_tensor((labels == np.arange(4)[:, None, None, None])[None].astype(np.float32))

    values = [compute_dice(one_hot(pred), one_hot(truth), include_background=False) for pred, truth in cases().values()]
    write_metrics_reports(
        save_dir=str(TABLES),
        images=[f"/data/{case}.nii.gz" for case in cases()],
        metrics={},
        metric_details={"monai_mean_dice": torch.cat(values)},
        summary_ops="*",
        deli=",",
        output_type="csv",
    )


def picai() -> None:
    from picai_eval import evaluate

    masks = cases()
    maps = [(pred == 3) * 0.8 for pred, _ in masks.values()]
    truths = [(truth == 3) * 1 for _, truth in masks.values()]
    evaluate(y_det=maps, y_true=truths, subject_list=[*masks]).save(TABLES / "picai.json")


if __name__ == "__main__":
    TABLES.mkdir(exist_ok=True)
    {"panoptica": panoptica, "seg_metrics": seg_metrics, "monai": monai, "picai": picai}[sys.argv[1]]()
