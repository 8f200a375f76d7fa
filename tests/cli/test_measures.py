"""`segeval measures`: the catalogue as table, text, Markdown and JSON."""

import pytest

from segeval import catalogue
from tests.cli.given import Run, strict_json


def test_every_measure_is_listed_under_its_group(run: Run) -> None:
    out = run("measures", "--no-color").out
    assert [name for name in catalogue.measures() if name not in out] == []
    assert [group for group in catalogue.GROUPS if f"{group} " not in out] == []


def test_a_group_can_be_listed_alone(run: Run) -> None:
    out = run("measures", "overlap").out
    assert "dice" in out
    assert "hd95" not in out


@pytest.mark.parametrize("name", ["dice", "dsc", "f1"])
def test_one_measure_is_explained_by_name_and_alias(run: Run, name: str) -> None:
    out = run("measures", name).out
    assert out.startswith("dice (DSC)\n")
    assert [
        fact for fact in ("2TP / (2TP + FP + FN)", "higher", "0..1", "dsc, f1", "Dice 1945") if fact not in out
    ] == []


@pytest.mark.parametrize("name", sorted(catalogue.measures()))
def test_every_measure_can_be_explained(run: Run, name: str) -> None:
    done = run("measures", name)
    assert (done.code, done.err) == (0, "")
    assert catalogue.find(name).formula.split()[0] in done.out


def test_json_is_strict_and_complete(run: Run) -> None:
    facts = strict_json(run("measures", "--json").out)
    assert [one["name"] for one in facts] == list(catalogue.measures())
    assert strict_json(run("measures", "iou", "--json").out)[0]["aliases"] == ["jaccard", "jaccard_index"]


def test_markdown_has_a_row_for_every_measure(run: Run) -> None:
    lines = run("measures", "--markdown").out.splitlines()
    assert sum(line.startswith("| `") for line in lines) == len(catalogue.measures())


def test_an_unknown_name_gets_the_nearest_one_suggested(run: Run) -> None:
    done = run("measures", "dise")
    assert (done.code, done.out) == (2, "")
    assert done.err == "segeval: Unknown measure 'dise'. Did you mean 'dice'? `segeval measures` lists all of them.\n"


def test_definitions_name_every_choice_of_a_knob_and_who_makes_it(run: Run) -> None:
    facts = strict_json(run("measures", "hd95", "--definitions", "--json").out)[0]["definitions"]
    chosen_by = {knob["name"]: knob["chosen_by"] for knob in facts["knobs"]}
    assert chosen_by["pooling"]["pooled"] == ["seg-metrics", "medpy", "panoptica", "panoptica-instance"]
    assert chosen_by["pooling"]["directed_mean"] == []
    assert chosen_by["surface"]["area"] == ["surface-distance"]
    assert chosen_by["unit"]["voxel"] == ["panoptica"]


def test_definitions_say_what_each_tool_makes_of_an_absent_class(run: Run) -> None:
    facts = strict_json(run("measures", "hd95", "--definitions", "--json").out)[0]["definitions"]
    absent = {one["profile"]: one["absent"] for one in facts["profiles"]}
    assert absent["segeval"] == {"both": "undefined", "pred": "infinite", "truth": "infinite"}
    assert absent["metrics-reloaded"] == {"both": "0", "pred": "undefined", "truth": "undefined"}
    assert absent["medpy"] == {"both": "tool error", "pred": "tool error", "truth": "tool error"}


def test_definitions_on_screen_show_where_a_tool_departs_from_ours(run: Run) -> None:
    out = " ".join(run("measures", "assd", "--definitions").out.split())
    assert "panoptica ½ (mean d(P→T) + mean d(T→P)), unit=voxel tool error" in out
    assert "segeval – undefined" in out


@pytest.mark.parametrize("name", ["fbeta", "prevalence"])
def test_definitions_of_a_measure_without_profiles_say_so(run: Run, name: str) -> None:
    assert f"No profile defines {name}." in run("measures", name, "--definitions").out


@pytest.mark.parametrize("options", [(), ("hd95", "--markdown")])
def test_definitions_need_a_measure_and_are_no_markdown(run: Run, options: tuple[str, ...]) -> None:
    done = run("measures", *options, "--definitions")
    assert (done.code, done.out) == (2, "")
    assert "segeval measures NAME --definitions" in done.err


def test_a_measure_is_explained_as_it_was_asked_for(run: Run) -> None:
    assert "mean over true lesions of 2TP" in run("measures", "dice(matching=voronoi)").out
    assert "pooling=pooled" in run("measures", "hd95[medpy]").out
