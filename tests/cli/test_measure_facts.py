"""What `segeval measures` says of one measure: facts, knobs, absent classes."""

import json

import pytest

from segeval import catalogue
from segeval.cli.screens.measure_pages import overview_tables
from tests.cli.given import Run


@pytest.mark.parametrize("name", ["iou", "jaccard"])
def test_one_measure_is_explained_by_its_name_or_alias(run: Run, name: str) -> None:
    out = run("measures", name).out
    assert out.startswith("iou (IoU)\nOverlap of the two masks, relative to their union.\n")
    facts = dict(line.split(maxsplit=1) for line in out.splitlines()[3:])
    assert facts["formula"] == "TP / (TP + FP + FN)"
    assert facts["range"] == "0..1"
    assert facts["aliases"] == "jaccard, jaccard_index"
    assert facts["absent"] == "from  both: undefined; pred: 0; truth: 0"


def test_knobs_are_explained_with_their_defaults(run: Run) -> None:
    out = run("measures", "nsd").out
    assert "tolerance_mm=1.0" in out
    assert "take what two experts differ by" in out


def test_json_holds_every_declaration(run: Run) -> None:
    found = {one["name"]: one for one in json.loads(run("measures", "--json").out)}
    assert list(found) == list(catalogue.measures())
    hausdorff = found["hd95"]
    assert hausdorff["bounds"] == [0.0, "inf"]
    assert hausdorff["absent"] == {"both": "undefined", "pred": "infinite", "truth": "infinite"}
    assert found["gce"]["parameters"] == {"variant": "martin"}
    assert found["accuracy"]["absent"]["pred"] == "varies"


def test_markdown_is_what_the_readme_shows(run: Run) -> None:
    out = run("measures", "--markdown").out
    assert out == overview_tables(list(catalogue.measures().values()))
    assert "| `dice` (dsc, f1, dice_score, dice_coefficient)<br>Overlap of the two masks" in out
    assert out.count("### ") == len(catalogue.GROUPS)


def test_bars_in_formulas_do_not_break_the_table(run: Run) -> None:
    table = run("measures", "volume_similarity", "--markdown").out.splitlines()[2:]
    assert {line.replace("\\|", "").count("|") for line in table} == {5}
