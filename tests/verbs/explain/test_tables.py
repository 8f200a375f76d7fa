"""Tables as other tools write them, read by their own layout and traced to the tool that wrote them."""

from pathlib import Path

import pytest

from segeval.evidence.labels import LabelClass
from segeval.options import ScoreOptions
from segeval.verbs.explain import explain
from segeval.verbs.explain.given.layouts import read_numbers
from segeval.verbs.explain.given.names import Vocabulary
from segeval.verbs.explain.pages import verdict
from tests.conftest import GOLDEN
from tests.verbs.explain import masks

TABLES = GOLDEN / "tables"
NAMES = ("liver", "spleen", "lesion")
WORDS = Vocabulary(
    case_ids=tuple(masks.cases()),
    classes=tuple(LabelClass(name=name, ids=(i,)) for i, name in enumerate(NAMES, start=1)),
)


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("images")
    masks.write(folder)
    return folder


@pytest.mark.slow
@pytest.mark.parametrize(
    ("file", "measure", "name"),
    [
        ("panoptica.tsv", "assd", "assd[panoptica]"),
        ("panoptica.tsv", "hd95", "hd95[panoptica]"),
        ("panoptica.jsonl", "nsd", "nsd[panoptica]"),
        ("seg_metrics.csv", "iou", "iou[seg-metrics]"),
        ("seg_metrics.csv", "hd95", "hd95[seg-metrics]"),
        ("seg_metrics.csv", "volume_similarity", "volume_similarity[seg-metrics]"),
        ("seg_metrics.csv", "median_surface_distance", "median_surface_distance[seg-metrics]"),
        ("monai_mean_dice_raw.csv", "dice", "dice[monai]"),
        ("monai_mean_dice_summary.csv", "dice", "dice[monai]"),
        ("picai.json", "iou", "iou"),
    ],
)
def test_a_table_is_traced_to_the_tool_that_wrote_it(images: Path, file: str, measure: str, name: str) -> None:
    labels = {"picai.json": "3=lesion", "seg_metrics.csv": "1,2,3"}.get(file, "1=liver,2=spleen,3=lesion")
    options = ScoreOptions(labels=labels)
    (found,) = explain(TABLES / file, images / "pred", images / "truth", options, measure=measure)
    assert found.share == 1, verdict(found)
    assert [one.name for one in found.explanations] == [name]
    assert not [status for status, _ in found.explanations[0].setting.absent]


def test_panoptica_says_the_same_in_both_of_its_formats() -> None:
    lines, table = (
        {
            column.measure: [(given.case, given.class_name, given.value) for given in column.numbers]
            for column in read_numbers(TABLES / f"panoptica.{kind}", WORDS)
        }
        for kind in ("jsonl", "tsv")
    )
    assert table.keys() >= {"dice", "iou", "assd", "hd", "hd95", "nsd", "pq", "rq"}
    assert lines == table
