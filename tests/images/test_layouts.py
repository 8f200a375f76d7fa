"""Channels find their classes by the label map."""

from typing import Any

import pytest

from segeval.errors import ConfigError, DataError
from segeval.evidence.labels import LabelMap
from segeval.evidence.probabilities.channels import Layout
from segeval.images.labels.labelmaps import read_label_map
from segeval.images.pairing.layouts import layout_of

BRATS = "wt=1+2+3,tc=1+3"


def found(n: int, labels: LabelMap, *, ones: bool = True, names: tuple[str, ...] = ()) -> Layout:
    return layout_of(n, labels, names=names, where="x.nii.gz", sums_are_one=lambda: ones)


def said(n: int, labels: Any = None, regions: str | None = None, **more: Any) -> str:
    return str(found(n, read_label_map(labels, regions=regions), **more))


@pytest.mark.parametrize(
    ("n", "labels", "regions", "expected"),
    [
        (1, None, None, "one map of class 1"),
        (2, None, None, "a softmax of background, 1"),
        (4, None, None, "a softmax of background, 1, 2, 3"),
        (1, "255=cell", None, "one map of class cell"),
        (1, None, "wt=1+2", "one map of class wt"),
        (1, "0=rest,1=cell", None, "one map of class cell"),
        (2, "0=rest,1=cell", None, "a softmax of rest, cell"),
        (2, "1=cell,0=rest", None, "a softmax of rest, cell"),
        (3, "1=liver,2=spleen", None, "a softmax of background, liver, spleen"),
        (3, "2=spleen,1=liver", None, "a softmax of background, liver, spleen"),
        (2, "2=spleen,1=liver", None, "sigmoids of liver, spleen"),
        (3, {2: "spleen", 1: "liver"}, None, "a softmax of background, liver, spleen"),
        (3, {"spleen": 2, "liver": 1}, None, "a softmax of background, liver, spleen"),
        (3, "1=liver,7=spleen", None, "a softmax of background, liver, spleen"),
        (2, "1=liver,2=spleen", None, "sigmoids of liver, spleen"),
        (2, None, BRATS, "sigmoids of wt, tc"),
        (4, "1,2,3", BRATS, "a softmax of background, 1, 2, 3"),
        (5, "1,2,3", BRATS, "sigmoids of 1, 2, 3, wt, tc"),
    ],
)
def test_the_number_of_channels_tells_a_softmax_from_sigmoids(
    n: int, labels: Any, regions: str | None, expected: str
) -> None:
    assert said(n, labels, regions, ones=False) == expected


@pytest.mark.parametrize(
    ("n", "labels", "regions", "softmax", "sigmoids"),
    [
        (3, "1,2", "both=1+2", "a softmax of background, 1, 2", "sigmoids of 1, 2, both"),
        (2, None, "wt=1+2,tc=2", "a softmax of background, 1", "sigmoids of wt, tc"),
    ],
)
def test_where_both_fit_the_values_decide(
    n: int, labels: str | None, regions: str, softmax: str, sigmoids: str
) -> None:
    assert said(n, labels, regions, ones=True) == softmax
    assert said(n, labels, regions, ones=False) == sigmoids


def test_label_sets_without_background_are_a_softmax_of_their_classes() -> None:
    for name in ("cityscapes", "cityscapes-train"):
        layout = found(19, read_label_map(name))
        assert (layout.exclusive, layout.classes[0].name, len(layout.classes)) == (True, "road", 19)
    assert not found(19, read_label_map("cityscapes"), ones=False).exclusive


def test_channels_of_nnunet_follow_the_ids_and_its_regions_the_file(tmp_path: Any) -> None:
    path = tmp_path / "dataset.json"
    path.write_text('{"labels": {"background": 0, "spleen": 2, "liver": 1, "ignore": 3}}')
    assert said(3, path) == "a softmax of background, liver, spleen"
    path.write_text('{"labels": {"background": 0, "wt": [1, 2, 3], "et": 3, "tc": [2, 3]}}')
    assert said(3, path, ones=False) == "sigmoids of wt, et, tc"


def test_a_single_region_is_not_exclusive_since_it_has_no_id_of_its_own() -> None:
    assert not found(1, read_label_map(None, regions="wt=1+2")).exclusive
    assert found(1, read_label_map("3")).exclusive


@pytest.mark.parametrize(
    ("n", "labels", "message"),
    [
        (5, "1=a,2=b,3=c", r"has 5 channels, and should have 4 \(a softmax of background, a, b, c\) or 3 \(sigmoids"),
        (1, "1=a,2=b", "has 1 channel, and should have 3"),
        (3, "0=a,1=b", r"should have 2 \(a softmax of a, b\)\. Name the classes of the channels with --labels"),
    ],
)
def test_another_number_of_channels_is_refused(n: int, labels: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        said(n, labels)


def test_sigmoids_have_no_background_to_be_scored() -> None:
    labels = read_label_map("1=a,2=b", include_background=True)
    assert found(3, labels).exclusive
    assert found(1, read_label_map("1", include_background=True)).exclusive
    with pytest.raises(ConfigError, match="--include-background: sigmoids of a, b have no background"):
        found(2, labels)


@pytest.mark.parametrize(
    ("names", "labels", "expected"),
    [
        (("background", "liver", "spleen"), "1=liver,2=spleen", "a softmax of background, liver, spleen"),
        (("spleen", "0", "1"), "1=liver,2=spleen", "a softmax of background, liver, spleen"),
        (("spleen", "liver"), "1=liver,2=spleen", "sigmoids of liver, spleen"),
        (("2", "10"), None, "sigmoids of 2, 10"),
        (("2", "0", "10"), None, "a softmax of background, 2, 10"),
        (("7",), None, "one map of class 7"),
        (("liver",), "1=liver", "one map of class liver"),
    ],
)
def test_files_of_classes_are_found_by_name_or_id(names: tuple[str, ...], labels: str | None, expected: str) -> None:
    assert said(len(names), labels, names=names) == expected


@pytest.mark.parametrize("names", [("liver",), ("liver", "kidney"), ("liver", "spleen", "kidney"), ("1", "liver")])
def test_a_class_without_file_or_a_file_without_class_is_refused(names: tuple[str, ...]) -> None:
    with pytest.raises(DataError, match=f"has files for {', '.join(names)}, and should have 3"):
        said(len(names), "1=liver,2=spleen", names=names)


def test_names_without_a_label_map_are_refused() -> None:
    with pytest.raises(DataError, match="has files for liver, spleen, and should have names of --labels, or ids"):
        said(2, None, names=("liver", "spleen"))


@pytest.mark.parametrize("labels", ["7=spleen,1=liver", {5: "b", 3: "a"}, "3=c,1=a,2=b,9=d,8=e"])
@pytest.mark.parametrize("extra", [0, 1])
def test_ids_that_neither_rise_nor_count_do_not_order_channels_and_the_way_does(labels: Any, extra: int) -> None:
    label_map = read_label_map(labels)
    n = len(label_map.classes or ()) + extra
    with pytest.raises(ConfigError, match="Say it with --channels, such as --channels background,") as caught:
        found(n, label_map)
    order = str(caught.value).rpartition("--channels ")[2].removesuffix(".").split(",")
    layout = layout_of(len(order), label_map, order=order, where="x.nii.gz", sums_are_one=lambda: True)
    assert [row.name for row in layout.classes] == order
    assert layout.exclusive


def test_the_order_of_channels_may_be_said() -> None:
    labels = read_label_map("1=liver,2=spleen")

    def said_by(*order: str, n: int = 0) -> Layout:
        return layout_of(n or len(order), labels, order=order, where="x.nii.gz", sums_are_one=lambda: True)

    assert str(said_by("background", "spleen", "liver")) == "a softmax of background, spleen, liver"
    assert str(said_by("2", "0", "1")) == "a softmax of spleen, background, liver"
    assert str(said_by("spleen", "liver")) == "sigmoids of spleen, liver"
    for wrong in (("background", "liver", "kidney"), ("liver", "liver")):
        with pytest.raises(ConfigError, match=r"--channels .*Classes are liver, spleen, background"):
            said_by(*wrong)
    with pytest.raises(DataError, match="has 4 channels, and --channels names 2"):
        said_by("spleen", "liver", n=4)


def test_logits_that_are_a_softmax_as_well_as_sigmoids_have_their_channels_named() -> None:
    labels = read_label_map("1=a,2=b,3=c", regions="whole=1+2+3")
    with pytest.raises(ConfigError) as caught:
        layout_of(4, labels, where="x.nii.gz", sums_are_one=lambda: None)
    for names, layout in (
        ("background,a,b,c", "a softmax of background, a, b, c"),
        ("a,b,c,whole", "sigmoids of a, b, c, whole"),
    ):
        assert f"--channels {names}" in str(caught.value)
        order = names.split(",")
        assert str(layout_of(4, labels, order=order, where="x.nii.gz", sums_are_one=lambda: None)) == layout
