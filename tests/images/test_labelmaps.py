"""The choice of classes, in all its forms."""

import json
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from segeval.errors import ConfigError
from segeval.evidence.labels import LabelClass, LabelMap
from segeval.images.labels.labelmaps import read_label_map


def named(**ids: int | tuple[int, ...]) -> tuple[LabelClass, ...]:
    return tuple(LabelClass(name=name, ids=one if isinstance(one, tuple) else (one,)) for name, one in ids.items())


def written(folder: Path, text: str, *, name: str = "labels.yaml") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def dataset_json(folder: Path, labels: dict[str, Any]) -> Path:
    content = {"channel_names": {"0": "CT"}, "labels": labels, "numTraining": 3, "file_ending": ".nii.gz"}
    return written(folder, json.dumps(content), name="dataset.json")


LIVER_AND_SPLEEN = LabelMap(classes=named(liver=1, spleen=2))


# ids, text and Python data


def test_nothing_means_every_id() -> None:
    assert read_label_map(None) == LabelMap()
    assert read_label_map(None).classes is None


@pytest.mark.parametrize("labels", ["1,2,30", " 1 , 2,30 ", [1, 2, 30], (1, 2, 30), np.array([1, 2, 30])])
def test_ids_alone_are_named_by_themselves(labels: Any) -> None:
    assert read_label_map(labels) == LabelMap(classes=named(**{"1": 1, "2": 2, "30": 30}))


@pytest.mark.parametrize(
    "labels",
    [
        "1=liver,2=spleen",
        " 1 = liver , 2 = spleen ",
        {1: "liver", 2: "spleen"},
        {"1": "liver", "2": "spleen"},
        {"liver": 1, "spleen": 2},
        {"liver": "1", "spleen": "2"},
        {"liver": np.int64(1), "spleen": np.uint8(2)},
    ],
)
def test_ids_and_names_are_read_in_either_order(labels: Any) -> None:
    assert read_label_map(labels) == LIVER_AND_SPLEEN


def test_classes_keep_the_order_in_which_they_are_written() -> None:
    assert read_label_map("3=c,1=a").classes == named(c=3, a=1)


def test_one_id_is_enough() -> None:
    assert read_label_map("7").classes == named(**{"7": 7})
    assert read_label_map(7).classes == named(**{"7": 7})  # type: ignore[arg-type]


def test_named_and_bare_ids_mix() -> None:
    assert read_label_map("1=liver,2").classes == named(liver=1, **{"2": 2})


@pytest.mark.parametrize("name", ["left kidney", "größer (2)", "a=b", "表", "=1+1"])
def test_names_keep_spaces_and_unicode(name: str) -> None:
    assert read_label_map(f"1={name}").classes == (LabelClass(name=name, ids=(1,)),)


def test_a_named_zero_is_a_class() -> None:
    for labels in ("0=air,1=liver", {"air": 0, "liver": 1}):
        label_map = read_label_map(labels)
        assert label_map.classes == named(air=0, liver=1)
        assert label_map.names_zero


def test_the_background_is_a_class_on_request() -> None:
    label_map = read_label_map("1=liver", include_background=True)
    assert [one.name for one in label_map.classes_among([])] == ["background", "liver"]


def test_large_ids_are_fine() -> None:
    assert read_label_map("2147483647=all").classes == named(all=2147483647)


def test_numeric_names_in_a_name_first_mapping_are_ids_too() -> None:
    assert read_label_map({"1": 1, "2": 2}).classes == named(**{"1": 1, "2": 2})


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ("1,2,1", "two classes have id 1"),
        ("1=a,2=a", "two classes or regions are called 'a'"),
        ({"a": 1, "b": 1}, "two classes have id 1"),
        ("1=", "the class with id 1 has an empty name"),
        ({1: "  "}, "the class with id 1 has an empty name"),
        ("1,,2", "'' is no label id"),
        ("1,x", "'x' is no label id"),
        ("1=a,2.5=b", "'2.5' is no label id"),
        ("-1=a", "id -1 is negative, so it cannot be a class"),
        ("1=(mean)", r"'\(mean\)' is a row of the tables"),
        ({1: "(all)"}, r"'\(all\)' is a row of the tables"),
        ({"(pooled)": 1}, r"'\(pooled\)' is a row of the tables"),
        ({}, "no class is named"),
        ([], "no class is named"),
        ({1: False}, "False is no class name. Names are text"),
        ({False: 1}, "False is no class name. Names are text"),
        ({1: 2}, "2 is no class name"),
        ({1: None}, "None is no class name"),
        ({"a": True}, "neither 'a' nor True is a label id"),
        ({"a": 1.0}, "neither 'a' nor 1.0 is a label id"),
        ({"a": None}, "neither 'a' nor None is a label id"),
        ([1.5], "1.5 is no label id"),
        ({1: "liver", "spleen": 2}, "1 is no class name"),
        (1.5, "1.5 is no label id"),
    ],
)
def test_wrong_labels_are_refused(labels: Any, message: str) -> None:
    with pytest.raises(ConfigError, match=f"--labels: {message}"):
        read_label_map(labels)


def test_a_class_called_background_clashes_with_the_background_row() -> None:
    assert read_label_map("5=background").classes == named(background=5)
    with pytest.raises(ConfigError, match="are called 'background'"):
        read_label_map("5=background", include_background=True)


# regions


@pytest.mark.parametrize("regions", ["wt=1+2+3,tc=1+3", " wt = 1 + 2 + 3 , tc=1+3", {"wt": [1, 2, 3], "tc": "1+3"}])
def test_regions_join_ids(regions: Any) -> None:
    label_map = read_label_map("1,2,3", regions=regions)
    assert label_map.regions == named(wt=(1, 2, 3), tc=(1, 3))
    assert [one.label for one in label_map.regions] == ["1+2+3", "1+3"]


def test_regions_need_no_labels() -> None:
    assert read_label_map(None, regions="wt=1+2") == LabelMap(regions=named(wt=(1, 2)))


def test_a_region_may_hold_the_background_where_that_is_a_class() -> None:
    assert read_label_map("1", regions="x=0+1", include_background=True).regions == named(x=(0, 1))
    with pytest.raises(ConfigError, match="joins id 0"):
        read_label_map("1", regions="x=0+1")


@pytest.mark.parametrize(
    ("regions", "message"),
    [
        ("wt=1+4", r"--labels: region 'wt' joins id 4, which is no class\. Known ids: 1, 2, 3\."),
        ("wt", "region 'wt' has no ids"),
        ("wt=1,", "region '' has no ids"),
        ("wt=", "'' is no label id"),
        ("wt=1+a", "'a' is no label id"),
        ("wt=1+1", r"region 'wt' names an id twice: 1\+1"),
        ("wt=1,wt=2", "two classes or regions are called 'wt'"),
        ("a=1+2", "two classes or regions are called 'a'"),
        ("=1+2", r"the class with id 1\+2 has an empty name"),
        ("(mean)=1+2", "row of the tables"),
        ({"wt": []}, "region 'wt' has no ids"),
        ({"wt": 1.5}, "1.5 is no label id"),
        ({1: [1, 2]}, "1 is no class name"),
        (["wt"], "are no regions"),
    ],
)
def test_wrong_regions_are_refused(regions: Any, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        read_label_map("1=a,2,3", regions=regions)


@pytest.mark.parametrize("regions", [None, "", {}])
def test_no_regions_are_fine(regions: Any) -> None:
    assert read_label_map("1", regions=regions).regions == ()


def test_a_region_cannot_join_negative_ids() -> None:
    with pytest.raises(ConfigError, match="id -1 is negative"):
        read_label_map(None, regions="x=1+-1")


def test_a_region_called_like_an_id_clashes_with_ids_that_name_themselves() -> None:
    with pytest.raises(ConfigError, match="region '7' is called like an id"):
        read_label_map(None, regions="7=1+2")


# ignored ids


def test_ignored_ids_are_sorted_and_single() -> None:
    assert read_label_map("1", ignore=[255, -1, 255]).ignore == (-1, 255)


def test_an_ignored_id_cannot_be_a_class() -> None:
    with pytest.raises(ConfigError, match="id 2 is a class and is ignored too"):
        read_label_map("1,2", ignore=[2])
    with pytest.raises(ConfigError, match="id 0 is a class and is ignored too"):
        read_label_map("1,2", ignore=[0], include_background=True)
    assert read_label_map("1,2", ignore=[0]).ignore == (0,)


# Cityscapes


def test_cityscapes_scores_19_label_ids_and_ignores_the_others() -> None:
    label_map = read_label_map("cityscapes")
    ids = [one.ids[0] for one in label_map.classes or ()]
    assert ids == [7, 8, 11, 12, 13, 17, *range(19, 29), 31, 32, 33]
    assert sorted([*ids, *label_map.ignore]) == list(range(-1, 35))
    names = {one.name: one.ids[0] for one in label_map.classes or ()}
    assert (names["road"], names["traffic light"], names["train"], names["bicycle"]) == (7, 19, 31, 33)


def test_cityscapes_train_scores_the_same_classes_by_train_id() -> None:
    label_map = read_label_map("cityscapes-train")
    assert [one.ids for one in label_map.classes or ()] == [(i,) for i in range(19)]
    assert [one.name for one in label_map.classes or ()] == [
        one.name for one in read_label_map("cityscapes").classes or ()
    ]
    assert label_map.ignore == (255,)
    assert label_map.names_zero


def test_cityscapes_takes_regions_and_further_ignored_ids() -> None:
    label_map = read_label_map("cityscapes", regions="flat=7+8", ignore=[255])
    assert label_map.regions == named(flat=(7, 8))
    assert {-1, 0, 34, 255} <= set(label_map.ignore)
    with pytest.raises(ConfigError, match="cityscapes: region 'flat' joins id 9"):
        read_label_map("cityscapes", regions="flat=7+9")


def test_the_background_of_cityscapes_is_ignored_and_so_no_class() -> None:
    with pytest.raises(ConfigError, match="cityscapes: id 0 is a class and is ignored too"):
        read_label_map("cityscapes", include_background=True)


# dataset.json


def test_dataset_json_version_2_has_regions_and_an_ignore_label(tmp_path: Path) -> None:
    path = dataset_json(tmp_path, {"background": 0, "a": 1, "b": 2, "whole": [1, 2], "ignore": 3})
    expected = LabelMap(classes=named(a=1, b=2), regions=named(whole=(1, 2)), ignore=(3,))
    assert read_label_map(path) == expected
    assert read_label_map(str(path)) == expected


def test_dataset_json_may_name_ids_only_within_regions(tmp_path: Path) -> None:
    path = dataset_json(tmp_path, {"background": 0, "whole tumor": [1, 2, 3], "core": [2, 3], "enhancing": 3})
    label_map = read_label_map(path, regions="edema=1")
    assert label_map.classes == named(enhancing=3)
    assert label_map.regions == named(**{"whole tumor": (1, 2, 3), "core": (2, 3), "edema": (1,)})


def test_dataset_json_with_regions_alone_has_no_further_classes(tmp_path: Path) -> None:
    label_map = read_label_map(dataset_json(tmp_path, {"background": 0, "whole": [1, 2], "core": [2]}))
    assert label_map.classes_among([1, 2, 3]) == named(whole=(1, 2), core=(2,))


def test_dataset_json_version_1_is_read(tmp_path: Path) -> None:
    path = dataset_json(tmp_path, {"0": "background", "1": "liver", "2": "spleen"})
    assert read_label_map(path) == LIVER_AND_SPLEEN


def test_the_background_of_dataset_json_is_a_class_only_on_request(tmp_path: Path) -> None:
    path = dataset_json(tmp_path, {"background": 0, "liver": 1})
    assert not read_label_map(path).names_zero
    rows = read_label_map(path, include_background=True).classes_among([])
    assert [one.name for one in rows] == ["background", "liver"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "not valid JSON"),
        ('{"labels": {"a": 1', "not valid JSON"),
        ("[" * 100_000, "not valid JSON"),
        ('{"labels": {"a": ' + "1" * 5000 + "}}", "not valid JSON"),
        ("[1, 2]", "holds no 'labels' object"),
        ('{"1": "liver"}', "holds no 'labels' object"),
        ('{"labels": {"a": 1, "a": 2}}', "'a' stands there twice"),
        ('{"labels": {"background": 0}}', "no class is named"),
        ('{"labels": {"a": 1.5}}', "neither 'a' nor 1.5 is a label id"),
        ('{"labels": {"a": null}}', "neither 'a' nor None is a label id"),
        ('{"labels": {"a": 1, "ignore": 1}}', "id 1 is a class and is ignored too"),
        ('{"labels": {"a": 1, "b": [1, 1]}}', "names an id twice"),
    ],
)
def test_a_wrong_dataset_json_is_refused_by_name(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(ConfigError, match=rf"dataset\.json: .*{message}"):
        read_label_map(written(tmp_path, text, name="dataset.json"))


# YAML


@pytest.mark.parametrize(
    "text",
    [
        "{1: liver, 2: spleen}",
        "1: liver\n2: spleen\n",
        "liver: 1\nspleen: 2\n",
        "labels: {1: liver, 2: spleen}",
        "\ufefflabels:\n  liver: 1\n  spleen: 2\nregions:\nignore:\n",
    ],
)
def test_yaml_names_ids_in_either_order(tmp_path: Path, text: str) -> None:
    assert read_label_map(written(tmp_path, text)) == LIVER_AND_SPLEEN


def test_yaml_holds_regions_and_ignored_ids(tmp_path: Path) -> None:
    text = "labels: {1: liver, 2: tumor}\nregions: {organ: [1, 2], same: 1+2}\nignore: [255, -1]\n"
    label_map = read_label_map(written(tmp_path, text), regions="t=2", ignore=[254])
    assert label_map == LabelMap(
        classes=named(liver=1, tumor=2),
        regions=named(organ=(1, 2), same=(1, 2), t=2),
        ignore=(-1, 254, 255),
    )


def test_yaml_takes_ids_alone_and_regions_alone(tmp_path: Path) -> None:
    assert read_label_map(written(tmp_path, "[1, 2]")).classes == named(**{"1": 1, "2": 2})
    assert read_label_map(written(tmp_path, "labels: [3]\nignore: 255")) == LabelMap(
        classes=named(**{"3": 3}), ignore=(255,)
    )
    assert read_label_map(written(tmp_path, "regions: {wt: [1, 2]}")) == LabelMap(regions=named(wt=(1, 2)))


def test_a_zero_in_yaml_is_a_class(tmp_path: Path) -> None:
    assert read_label_map(written(tmp_path, "{0: background, 1: liver}")).names_zero


def test_bare_words_of_yaml_stay_words(tmp_path: Path) -> None:
    path = written(tmp_path, "{1: no, 2: yes, 3: 1e3, 4: null, 5: 2024-01-01, 6: 1:30}")
    assert [one.name for one in read_label_map(path).classes or ()] == [
        "no",
        "yes",
        "1e3",
        "null",
        "2024-01-01",
        "1:30",
    ]


def test_an_id_with_a_leading_zero_is_decimal(tmp_path: Path) -> None:
    assert read_label_map(written(tmp_path, "010: liver")).classes == named(liver=10)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "no class is named"),
        ("just words", "no class is named"),
        ("labels: {}\n", "no class is named"),
        ("1: liver\n1: spleen\n", "'1' stands there twice"),
        ("labels: {1: a}\nlabels: {2: b}\n", "'labels' stands there twice"),
        ("1e-3: liver\n", "neither '1e-3' nor 'liver' is a label id"),
        ("liver: 1.5\n", "neither 'liver' nor '1.5' is a label id"),
        ("1:\n", "empty name"),
        ("{1: [a, b]}", "'a' is no label id"),
        ("{liver: [1, 2], spleen: {x: 1}}", "neither 'spleen' nor {'x': '1'} is a label id"),
        ("? [1, 2]\n: liver\n", "cannot be a key"),
        ("labels: {1: a}\nregoins: {b: [1]}\n", "unknown key 'regoins'. Known are labels, regions, ignore"),
        ("labels: {1: a}\nregions: {b: [2]}\n", "region 'b' joins id 2"),
        ("labels: {1: a}\nregions: [b]\n", "are no regions"),
        ("labels: {1: a}\nregions: {b: {1: c}}\n", "{'1': 'c'} is no label id"),
        ("labels: {1: a}\nignore: x\n", "'x' is no label id"),
        ("labels: {1: a}\nignore: 1\n", "id 1 is a class and is ignored too"),
        ("labels: &a [*a]\n", "an alias stands within itself"),
        ("labels: {1: a", "no valid YAML"),
        ("1: a\n---\n2: b\n", "no valid YAML"),
        ("1: !!python/object/apply:os.system [ls]\n", "'ls' is no label id"),
        ("1: !!int liver\n", "'liver' does not fit its tag int. Leave the tag out"),
        ("1: !!bool liver\n", "'liver' does not fit its tag bool"),
        ("!!float liver: 1\n", "'liver' does not fit its tag float"),
        ("1: !organ liver\n", "'liver' does not fit its tag !organ"),
        ("1: !!python/name:os.system\n", "'' does not fit its tag"),
    ],
)
def test_a_wrong_yaml_is_refused_by_name(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(ConfigError, match=rf"labels\.yaml(:\d+)?: .*{message}"):
        read_label_map(written(tmp_path, text))


@pytest.mark.parametrize(
    "text", ["1: liver", "1: !!str liver", "!!int 1: liver", '!!int "1": "liver"', "!!str 1: ! liver"]
)
def test_a_tag_that_fits_changes_nothing(tmp_path: Path, text: str) -> None:
    assert [(row.name, row.ids) for row in read_label_map(written(tmp_path, text)).classes or ()] == [("liver", (1,))]


def test_a_label_file_must_be_text(tmp_path: Path) -> None:
    path = tmp_path / "labels.yaml"
    path.write_bytes(b"1: caf\xe9")
    with pytest.raises(ConfigError, match=r"labels\.yaml: this label file is no UTF-8 text .* Save it as UTF-8"):
        read_label_map(path)
    path.write_bytes(b"\x1f\x8b\x08\x00")
    with pytest.raises(ConfigError, match=r"labels\.yaml"):
        read_label_map(path)


# a file that is not there


def test_a_missing_file_suggests_a_name_and_the_forms(tmp_path: Path) -> None:
    written(tmp_path, "1: liver")
    with pytest.raises(ConfigError, match=r"lables\.yaml: no such file\. Did you mean '.*labels\.yaml'\? Write 1,2,3"):
        read_label_map(tmp_path / "lables.yaml")
    with pytest.raises(ConfigError, match=r"cityscape: no such file\. Did you mean 'cityscapes'\?"):
        read_label_map("cityscape")
    with pytest.raises(ConfigError, match="this is a folder"):
        read_label_map(tmp_path)


@pytest.mark.parametrize("text", ["liver=1", "liver", "", "1.5,2", "x" * 5000, "a\0b"])
def test_text_that_is_neither_ids_nor_a_file_is_refused(
    text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigError, match=r"--labels .*Write 1,2,3 or 1=liver,2=spleen"):
        read_label_map(text)


def test_a_path_is_always_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    written(tmp_path, "1: liver", name="cityscapes")
    assert read_label_map(Path("cityscapes")).classes == named(liver=1)
    assert len(read_label_map("cityscapes").classes or ()) == 19


# whatever is written


def read_or_refused(labels: Any, regions: Any = None) -> None:
    with suppress(ConfigError):
        assert isinstance(read_label_map(labels, regions=regions), LabelMap)


@given(st.text("01-+=,a (\n", max_size=12), st.text("01-+=,a (\n", max_size=12))
def test_any_text_is_read_or_refused(labels: str, regions: str) -> None:
    read_or_refused(labels, regions)


@given(st.text("01:-{}[],&*a'\n ?", max_size=16))
def test_any_yaml_is_read_or_refused(text: str) -> None:
    with TemporaryDirectory() as folder:
        read_or_refused(written(Path(folder), text))


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers(-1, 3) | st.floats() | st.sampled_from(["", "1", "a", "ignore"]),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["1", "a", 1, None]), inner),
        max_leaves=5,
    )
)
def test_any_data_is_read_or_refused(data: Any) -> None:
    read_or_refused(data, data)
