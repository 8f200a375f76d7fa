"""Which ids are classes: named ones, or all that occur; background first, regions last."""

import pytest

from segeval.evidence.labels import LabelClass, LabelMap

LIVER, SPLEEN = LabelClass(name="liver", ids=(1,)), LabelClass(name="spleen", ids=(2,))
ROAD = LabelClass(name="road", ids=(0,))
BOTH = LabelClass(name="both", ids=(1, 2))
BACKGROUND = LabelClass(name="background", ids=(0,))


def test_the_label_column_shows_one_id_or_the_ids_of_a_region() -> None:
    assert LIVER.label == "1"
    assert LabelClass(name="tumour", ids=(3, 1, 2)).label == "3+1+2"


def test_without_names_every_id_that_occurs_is_a_class_called_by_itself() -> None:
    classes = LabelMap().classes_among([7, 0, 3, 3])
    assert [(one.name, one.ids) for one in classes] == [("3", (3,)), ("7", (7,))]


def test_ids_are_sorted_as_numbers() -> None:
    assert [one.name for one in LabelMap().classes_among([10, 9, 100])] == ["9", "10", "100"]


def test_an_ignored_id_is_no_class_even_where_it_was_predicted() -> None:
    assert [one.name for one in LabelMap(ignore=(255, -1)).classes_among([0, 1, 255, -1])] == ["1"]


def test_named_classes_stand_in_their_order_whatever_occurs() -> None:
    assert LabelMap(classes=(SPLEEN, LIVER)).classes_among([5]) == (SPLEEN, LIVER)
    assert LabelMap(classes=()).classes_among([5]) == ()


@pytest.mark.parametrize("named", [None, (LIVER, SPLEEN)])
def test_background_comes_first_and_regions_last(named: tuple[LabelClass, ...] | None) -> None:
    labels = LabelMap(classes=named, regions=(BOTH,), include_background=True)
    classes = labels.classes_among([0, 1, 2])
    assert classes[0] == BACKGROUND
    assert [one.ids for one in classes[1:]] == [(1,), (2,), (1, 2)]


def test_a_map_that_names_zero_has_no_background() -> None:
    cityscapes = LabelMap(classes=(ROAD, LIVER), include_background=True)
    assert cityscapes.names_zero
    assert cityscapes.classes_among([0, 1]) == (ROAD, LIVER)


def test_a_map_that_names_nothing_or_only_a_region_with_zero_has_a_background() -> None:
    assert not LabelMap().names_zero
    assert not LabelMap(classes=(LIVER,)).names_zero
    assert not LabelMap(classes=(LIVER,), regions=(LabelClass(name="all", ids=(0, 1)),)).names_zero
