"""Files of numbers as tools and people lay them out."""

import json
from pathlib import Path

import pytest

from segeval.errors import ConfigError, DataError
from segeval.evidence.labels import LabelClass
from segeval.verbs.explain.given.layouts import read_numbers
from segeval.verbs.explain.given.names import Vocabulary

WORDS = Vocabulary(
    case_ids=("case_01", "case_02"), classes=(LabelClass(name="liver", ids=(1,)), LabelClass(name="spleen", ids=(2,)))
)


def read(tmp_path: Path, text: str, words: Vocabulary = WORDS) -> dict[str, list[tuple[str | None, str | None, str]]]:
    path = tmp_path / "numbers"
    path.write_text(text)
    return {
        column.measure: [(given.case, given.class_name, given.text) for given in column.numbers]
        for column in read_numbers(path, words)
    }


def test_a_long_table_has_its_class_and_measure_in_columns(tmp_path: Path) -> None:
    text = "subject;organ;metric;value\ncase_01;liver;Dice;0.8\ncase_02;spleen;Dice;0.7\n"
    assert read(tmp_path, text) == {"Dice": [("case_01", "liver", "0.8"), ("case_02", "spleen", "0.7")]}


@pytest.mark.parametrize(
    "text",
    [
        "case;dice\ncase_01;0,8\ncase_02;0,75\n",
        'case,dice\ncase_01,"0,8"\ncase_02,"0,75"\n',
        "case,dice\ncase_01,np.float64(0.8)\ncase_02,tensor(0.75)\n",
        "case;dice\ncase_01;\"tensor(0.8, device='cuda:0')\"\ncase_02;0.75\n",
    ],
)
def test_decimal_commas_and_what_python_prints_around_numbers_are_read(tmp_path: Path, text: str) -> None:
    assert read(tmp_path, text) == {"dice": [("case_01", None, "0.8"), ("case_02", None, "0.75")]}


def test_a_wide_table_names_class_and_measure_in_its_headings(tmp_path: Path) -> None:
    text = "case,liver_dice,HD 95 (liver)\ncase_01,0.8,3.1\n"
    assert read(tmp_path, text) == {"dice": [("case_01", "liver", "0.8")], "hd95": [("case_01", "liver", "3.1")]}


def test_monai_numbers_the_classes_that_it_scored(tmp_path: Path) -> None:
    text = "filename,class0,class1,mean\n/data/case_01.nii.gz,0.8,0.7,0.75\n/data/case_02.nii.gz,nan,0.6,0.6\n"
    (numbers,) = read(tmp_path, text).values()
    assert numbers[:2] == [("/data/case_01.nii.gz", "liver", "0.8"), ("/data/case_01.nii.gz", "spleen", "0.7")]
    assert len(numbers) == 4


def test_panoptica_puts_group_and_metric_into_a_heading(tmp_path: Path) -> None:
    text = "subject_name\tliver-global_bin_dsc\tspleen-global_bin_dsc\ncase_01\t0.8\t0.7\n"
    assert read(tmp_path, text) == {"dice": [("case_01", "liver", "0.8"), ("case_01", "spleen", "0.7")]}


def test_seg_metrics_has_a_row_per_label(tmp_path: Path) -> None:
    text = "filename,label,dice,hd95\ncase_01.nii.gz,1,0.8,3.5\ncase_01.nii.gz,2,0.7,4.5\n"
    assert read(tmp_path, text)["dice"] == [("case_01.nii.gz", "1", "0.8"), ("case_01.nii.gz", "2", "0.7")]


def test_a_summary_of_nnunet_is_read_by_case_and_class(tmp_path: Path) -> None:
    entry = {"prediction_file": "/p/case_01.nii.gz", "metrics": {"1": {"Dice": 0.8, "IoU": 0.7, "TP": 3}}}
    found = read(tmp_path, json.dumps({"metric_per_case": [entry], "mean": {}}))
    assert found == {"Dice": [("/p/case_01.nii.gz", "1", "0.8")], "IoU": [("/p/case_01.nii.gz", "1", "0.7")]}


def test_picai_gives_the_overlap_of_a_single_lesion(tmp_path: Path) -> None:
    document = {"lesion_results": {"case_01": [[1, 0.9, 0.65]], "case_02": [[1, 0.9, 0.5], [0, 0.2, 0.0]]}}
    assert read(tmp_path, json.dumps(document)) == {"": [("case_01", None, "0.65")]}


def test_objects_in_objects_are_cases_and_classes(tmp_path: Path) -> None:
    document = {"case_01": {"liver": {"dice": 0.8}}, "case_02": {"liver": {"dice": None}}}
    assert read(tmp_path, json.dumps(document)) == {"dice": [("case_01", "liver", "0.8"), ("case_02", "liver", "nan")]}


def test_our_own_columns_are_known_with_their_knobs(tmp_path: Path) -> None:
    text = "case,class,hd95[medpy],nsd(tolerance_mm=2)\ncase_01,liver,3.5,0.9\n"
    assert [*read(tmp_path, text)] == ["hd95[medpy]", "nsd(tolerance_mm=2)"]


def test_a_class_may_be_called_as_a_column_of_classes_is(tmp_path: Path) -> None:
    words = Vocabulary(case_ids=("case_01",), classes=tuple(LabelClass(name=n, ids=(1,)) for n in ("organ", "label")))
    found = read(tmp_path, "case,organ,label\ncase_01,0.8,0.7\n", words)
    assert found == {"": [("case_01", "organ", "0.8"), ("case_01", "label", "0.7")]}


def test_a_row_that_does_not_fit_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="row 2: 3 cells under 2 headings"):
        read(tmp_path, "case,dice\ncase_01,0,5\n")


def test_a_file_without_numbers_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no column of numbers"):
        read(tmp_path, "case,remark\ncase_01,good\n")


def test_a_column_that_names_nothing_is_left_out_beside_measures_and_told(tmp_path: Path) -> None:
    path = tmp_path / "numbers.csv"
    path.write_text("case,age,liver_dice\ncase_01,57,0.8\ncase_02,61,0.7\n")
    (column,) = read_numbers(path, WORDS)
    assert [given.text for given in column.numbers] == ["0.8", "0.7"]
    assert "columns that name no measure and no class are left out: age" in column.notes


def test_a_heading_that_is_neither_measure_nor_class_is_a_measure_of_its_own(tmp_path: Path) -> None:
    text = "case,class,overlap_x,thing\ncase_01,liver,0.8,0.1\n"
    assert read(tmp_path, text) == {
        "overlap_x": [("case_01", "liver", "0.8")],
        "thing": [("case_01", "liver", "0.1")],
    }


def test_what_is_undefined_in_json_is_a_number_of_its_own(tmp_path: Path) -> None:
    assert read(tmp_path, '{"case_01": {"liver": NaN, "spleen": 0.7}}') == {
        "": [("case_01", "liver", "NaN"), ("case_01", "spleen", "0.7")]
    }
