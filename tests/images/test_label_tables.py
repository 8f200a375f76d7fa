"""The label tables of other programs, and the label maps that are known by name."""

import pytest

from segeval.errors import ConfigError
from segeval.images.labels.labelmaps import read_label_map

SLICER = "# Color table file\n0 Background 0 0 0 0\n1 liver 221 130 101 255\n2 left_kidney 185 102 83 255\n"
SNAP = """################
# ITK-SnAP Label Description File
################
    0     0    0    0        0  0  0    "Clear Label"
    1   255    0    0        1  1  1    "liver"
    2     0  255    0        1  1  1    "left kidney"
"""
FREESURFER = """#$Id: FreeSurferColorLUT.txt $
#No. Label Name:                R   G   B   A

0   Unknown                     0   0   0   0
4   Left-Lateral-Ventricle      120 18  134 0
17  Left-Hippocampus            220 216 20  0
"""


@pytest.mark.parametrize(
    ("name", "text", "names"),
    [
        ("liver.ctbl", SLICER, {1: "liver", 2: "left_kidney"}),
        ("liver.label", SNAP, {1: "liver", 2: "left kidney"}),
        ("FreeSurferColorLUT.txt", FREESURFER, {4: "Left-Lateral-Ventricle", 17: "Left-Hippocampus"}),
    ],
)
def test_a_table_names_the_ids_that_occur(tmp_path, name, text, names):
    (tmp_path / name).write_text(text)
    label_map = read_label_map(tmp_path / name)
    assert dict(label_map.names) == names
    seen = [0, *names, 99]
    assert [row.name for row in label_map.classes_among(seen)] == [*names.values(), "99"]


def test_names_that_stand_for_two_ids_are_told_apart(tmp_path):
    (tmp_path / "a.ctbl").write_text("1 tissue 1 2 3 255\n2 tissue 4 5 6 255\n")
    assert dict(read_label_map(tmp_path / "a.ctbl").names) == {1: "tissue 1", 2: "tissue 2"}


@pytest.mark.parametrize(
    ("row", "says"),
    [("2 spleen red green blue", "'2 spleen red green blue' is no row of a label table"), ("1 twice 0 0 0 0", "id 1")],
)
def test_a_table_with_a_wrong_row_is_refused(tmp_path, row, says):
    (tmp_path / "a.ctbl").write_text(f"1 liver 221 130 101 255\n{row}\n")
    with pytest.raises(ConfigError, match=says):
        read_label_map(tmp_path / "a.ctbl")


@pytest.mark.parametrize(
    ("name", "n", "first", "last", "ignored"),
    [
        ("voc", 20, "aeroplane", "tvmonitor", (255,)),
        ("ade20k", 150, "wall", "flag", (0,)),
        ("ade20k-train", 150, "wall", "flag", (255,)),
        ("totalsegmentator", 117, "spleen", "costal_cartilages", ()),
        ("totalsegmentator-mr", 50, "spleen", "brain", ()),
    ],
)
def test_a_known_set_has_its_classes(name, n, first, last, ignored):
    label_map = read_label_map(name)
    assert len(label_map.classes) == n
    assert (label_map.classes[0].name, label_map.classes[-1].name) == (first, last)
    assert label_map.ignore == ignored


def test_ids_of_known_sets_are_those_that_their_makers_give():
    ids = {row.name: row.ids[0] for row in read_label_map("totalsegmentator").classes}
    assert (ids["vertebrae_L5"], ids["vertebrae_C1"], ids["heart"], ids["skull"], ids["rib_right_12"]) == (
        27,
        50,
        51,
        91,
        115,
    )
    assert {row.name: row.ids[0] for row in read_label_map("ade20k-train").classes}["road"] == 6
