"""Tables in every format, and the honesty of their captions."""

import csv
import io
import json
import re

import numpy as np
import pytest

from segeval.errors import ConfigError
from segeval.options import SweepFormat, SweepOptions
from segeval.verbs.sweep.maps.focal import sweep_focal_maps
from segeval.verbs.sweep.maps.tversky import sweep_tversky_maps
from segeval.verbs.sweep.papers import FOCAL_GAMMA, TVERSKY, papers_of
from segeval.verbs.sweep.sheet import Bold, csv_text, json_text, paper_sheet, render, screen_sheet
from segeval.verbs.sweep.table import SweepTable
from tests.sweep_maps import B, class_maps, random_map

EMPTY = (B[0], np.zeros(8, dtype=bool))
TABLE = sweep_tversky_maps([class_maps(*(random_map(seed) for seed in range(4)))], SweepOptions())
SEVERAL = sweep_tversky_maps([class_maps(B, name="organ_a"), class_maps(EMPTY)], SweepOptions())


def rows_of(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def test_csv_and_json_have_the_same_columns_in_full_precision() -> None:
    of_csv, of_json = rows_of(csv_text(TABLE)), json.loads(json_text(TABLE))
    assert list(of_csv[0]) == of_json["columns"] == list(TABLE.header)
    for first, second in zip(of_csv, of_json["rows"], strict=True):
        assert list(second) == of_json["columns"]
        assert float(first["dsc"]) == second["dsc"]


def test_undefined_values_are_empty_null_or_a_dash() -> None:
    row = next(row for row in rows_of(csv_text(SEVERAL)) if row["class"] == "lesion")
    assert row["threshold"] == row["dsc"] == ""
    of_json = next(row for row in json.loads(json_text(SEVERAL))["rows"] if row["class"] == "lesion")
    assert of_json["threshold"] is None
    assert of_json["dsc"] is None
    assert "| – |" in render(SEVERAL, "md")


@pytest.mark.parametrize("form", ["md", "latex"])
def test_the_best_value_is_bold_with_all_that_print_alike(form: SweepFormat) -> None:
    text = render(TABLE, form, layout="paper")
    best = max(100 * row["dsc"] for row in TABLE.rows)
    bold = re.findall(r"\*\*([\d.]+)\*\*" if form == "md" else r"\\textbf\{([\d.]+)\}", text)
    assert f"{best:.2f}" in bold
    assert len(bold) >= 4


def test_equal_rows_are_all_best() -> None:
    twice = sweep_tversky_maps([class_maps(B)], SweepOptions(grid=("alpha=0.3,0.3", "beta=0.7,0.7"), zip=True))
    assert all(isinstance(row["DSC"], Bold) for row in paper_sheet(twice).rows)


def test_losses_of_different_settings_are_never_called_best() -> None:
    sheet = screen_sheet(TABLE)
    bold = {name for row in sheet.rows for name, text in row.items() if isinstance(text, Bold)}
    assert bold
    assert not bold & {"soft_loss", "hard_loss", "threshold"}


def test_the_layout_of_the_paper_has_its_titles_in_per_cent() -> None:
    sheet = paper_sheet(TABLE)
    assert sheet.columns == TVERSKY.header[:-1]
    assert sheet.rows[0]["Penalties"] == "α = 0.5, β = 0.5"
    assert sheet.rows[0]["DSC"] == f"{100 * TABLE.rows[0]['dsc']:.2f}"
    assert sheet.notes[0].startswith("APR score is the same in every row")
    assert "per cent" in sheet.caption


def test_several_classes_are_told_apart_in_the_layout_of_the_paper() -> None:
    assert paper_sheet(SEVERAL).columns[:2] == ("class", "Penalties")


def test_a_table_without_a_paper_has_no_such_layout() -> None:
    with pytest.raises(ConfigError, match="no paper prints a table like focal_loss --maps"):
        paper_sheet(sweep_focal_maps([class_maps(B)], SweepOptions()))


@pytest.mark.parametrize("form", ["md", "latex"])
def test_every_caption_says_what_the_numbers_are(form: SweepFormat) -> None:
    for layout in ("full", "paper"):
        text = render(TABLE, form, layout=layout)
        for part in ("mode: maps", "averaged over cases, 4 cases", "smallest Tversky loss", "step, case", "same cases"):
            assert part in text
        assert "says nothing about training" in text


@pytest.mark.parametrize("form", ["md", "latex", "json"])
def test_the_table_of_the_paper_stands_apart_with_its_standing(form: SweepFormat) -> None:
    text = render(TABLE, form, papers=papers_of("tversky_loss", "maps"))
    assert "verified" in text
    ours, theirs = text.index("says nothing about training"), text.index("56.42")
    assert ours < theirs
    assert "56.42" not in csv_text(TABLE)


def test_papers_do_not_call_detection_averages_ours() -> None:
    assert "no equivalent" in FOCAL_GAMMA.about
    assert papers_of("focal_loss", "curve") == ()
    assert papers_of("dice_loss", "maps") == ()


def test_latex_escapes_what_it_must() -> None:
    text = render(SEVERAL, "latex")
    assert r"organ\_a" in text
    assert r"$\alpha$" in text
    assert "α" not in text
    assert r"-{}-select" in text
    assert text.count(r"\begin{") == text.count(r"\end{") == 2


def test_a_screen_says_once_what_no_setting_can_change() -> None:
    sheet = screen_sheet(SEVERAL)
    assert "apr" not in sheet.columns
    assert sheet.notes[0].startswith("apr is the same in every row")
    assert "no voxel of lesion in the cases that thresholds are chosen on." in sheet.notes
    assert len(sheet.notes) == len(set(sheet.notes))


def test_a_single_class_stands_at_the_end_and_several_in_front() -> None:
    assert TABLE.header[:7] == (
        *("alpha_fp", "beta_fn", "soft_loss", "threshold", "threshold_low", "hard_loss", "dsc"),
    )
    assert "class" in TABLE.header
    assert SEVERAL.header[0] == "class"


def test_the_same_table_gives_the_same_bytes() -> None:
    again = sweep_tversky_maps([class_maps(*(random_map(seed) for seed in range(4)))], SweepOptions())
    for form in ("csv", "json", "md", "latex"):
        assert render(TABLE, form) == render(again, form)  # type: ignore[arg-type]


def test_names_that_look_like_formulas_are_made_harmless() -> None:
    table: SweepTable = sweep_tversky_maps([class_maps(B, name="=1+1"), class_maps(B)], SweepOptions())
    assert rows_of(csv_text(table))[0]["class"] == "'=1+1"
