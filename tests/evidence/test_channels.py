"""Probability maps read what was stored, whatever it is, without a copy."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from segeval.evidence.labels import LabelClass, LabelMap
from segeval.evidence.probabilities.channels import BACKGROUND, Channels, Form, Layout, ProbMap, activated, blocks

ONE, TWO = LabelClass(name="one", ids=(1,)), LabelClass(name="two", ids=(2,))
EITHER = LabelClass(name="either", ids=(1, 2))
SOFTMAX = Layout(classes=(BACKGROUND, ONE, TWO), exclusive=True)
SIGMOIDS = Layout(classes=(ONE, TWO), exclusive=False)
SINGLE = Layout(classes=(ONE,), exclusive=True)


def channels(*maps: list[float] | np.ndarray, layout: Layout = SOFTMAX, logits: bool = False) -> Channels:
    """Channels of a row of voxels, lists in float32."""
    stored = (np.array([one], dtype=getattr(one, "dtype", np.float32)) for one in maps)
    return Channels(maps=tuple(ProbMap(stored=one, is_log_odds=logits) for one in stored), layout=layout)


@pytest.mark.parametrize("dtype", ["f2", "f4", "f8"])
def test_floats_are_read_as_they_are_and_rounding_outside_0_and_1_is_cut_off(dtype: str) -> None:
    stored = np.array([[-0.0000001, 0.25, 0.5, 1.0000001]], dtype=dtype)
    probs = ProbMap(stored=stored).probs()
    assert probs.tolist() == [[0.0, 0.25, 0.5, 1.0]]
    assert probs.dtype == np.promote_types(dtype, np.float32)
    assert ProbMap(stored=stored).at_least_half().tolist() == [[False, False, True, True]]


@pytest.mark.parametrize("dtype", ["u1", "i1", "u2", "i2"])
def test_integers_stand_for_their_levels_also_negative_ones(dtype: str) -> None:
    size = 1 << 8 * np.dtype(dtype).itemsize
    levels = np.linspace(0, 1, size, dtype=np.float32)
    stored = np.array([[0, 1, -1]]).astype(dtype)
    assert ProbMap(stored=stored, levels=levels).probs().tolist() == [[levels[0], levels[1], levels[-1]]]


def test_log_odds_are_probabilities_that_neither_overflow_nor_reach_1_too_early() -> None:
    one = ProbMap(stored=np.array([[-1000.0, -2.0, 0.0, 2.0, 30.0, 1000.0]]), is_log_odds=True)
    expected = [0.0, 1 / (1 + np.e**2), 0.5, 1 / (1 + np.e**-2), 1 / (1 + np.exp(-30.0)), 1.0]
    assert one.probs()[0] == pytest.approx(expected, rel=1e-15)
    assert one.at_least_half().tolist() == [[False, False, True, True, True, True]]


@given(hnp.arrays(np.float32, (2, 3), elements=st.floats(0, 1, width=32)))
def test_a_complement_is_what_is_left_of_1(stored: np.ndarray) -> None:
    levels = stored.ravel().copy()
    index = np.arange(6, dtype=np.uint8).reshape(2, 3)
    with np.errstate(divide="ignore"):
        odds = np.log(stored.astype(np.float64)) - np.log1p(-stored.astype(np.float64))
    for one in (ProbMap(stored=stored), ProbMap(stored=index, levels=levels), ProbMap(stored=odds, is_log_odds=True)):
        np.testing.assert_allclose(one.complement.probs(), 1 - one.probs(), atol=1e-7)


def test_each_class_has_the_map_of_its_channel_and_a_union_the_sum_of_those() -> None:
    found = channels([0.5, 0.25], [0.25, 0.5], [0.25, 0.25])
    assert found.of(TWO) is found.maps[2]
    assert found.of(EITHER).probs()[0] == pytest.approx([0.5, 0.75], rel=1e-15, abs=0)
    assert found.of(BACKGROUND).probs().tolist() == [[0.5, 0.25]]


def test_the_background_of_a_single_map_is_its_complement() -> None:
    found = channels([0.25, 1.0], layout=SINGLE)
    rest = found.of(LabelClass(name="rest", ids=(0,))).probs()
    assert rest[0] == pytest.approx([0.75, 0.0], rel=1e-15, abs=0)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_union_and_a_complement_tell_how_much_is_left_of_1(dtype: type) -> None:
    left = np.array([1e-3, 1e-10, 1e-18, 1e-30, 0.0])
    found = channels(left.astype(dtype), (0.6 * (1 - left)).astype(dtype), (0.4 * (1 - left)).astype(dtype))
    single = channels(left.astype(dtype), layout=SINGLE)
    for one in (found.of(EITHER), single.of(BACKGROUND)):
        assert one.both_sides()[1][0] == pytest.approx(left, rel=1e-6)
        assert one.complement.both_sides()[0][0] == pytest.approx(left, rel=1e-6)


def test_a_union_of_channels_that_do_not_add_up_to_1_is_their_sum() -> None:
    found = channels([0.1, 0.3], [0.5, 0.1], [0.3, 0.2])
    assert found.of(EITHER).probs()[0] == pytest.approx([0.8, 0.3], rel=1e-7)
    assert channels([0.0], [0.0], [0.0]).of(EITHER).probs().tolist() == [[0.0]]


def test_sigmoids_know_no_union_and_no_background() -> None:
    found = channels([0.5], [0.5], layout=SIGMOIDS)
    for unknown in (EITHER, BACKGROUND):
        with pytest.raises(LookupError, match="sigmoids of one, two"):
            found.of(unknown)


@given(hnp.arrays(np.float64, (3, 1, 4), elements=st.floats(-60, 60)))
def test_a_softmax_of_logits_is_a_softmax(logits: np.ndarray) -> None:
    raw = Channels(maps=tuple(ProbMap(stored=one, is_log_odds=True) for one in logits), layout=SOFTMAX)
    found = np.array([one.probs() for one in activated(raw).maps])
    parts = np.exp(logits - logits.max(axis=0))
    np.testing.assert_allclose(found, parts / parts.sum(axis=0), rtol=1e-12)
    assert found.sum(axis=0) == pytest.approx(np.ones((1, 4)))


def test_log_odds_of_a_softmax_stay_precise_where_its_probability_is_1() -> None:
    found = activated(channels([0.0], [50.0], [0.0], logits=True)).maps
    # p of the second is 1 - 2 e^-50, and the float64 next to 1 is 1 - 1.1e-16
    assert found[1].stored[0, 0] == pytest.approx(50 - np.log(2), rel=1e-6)


@pytest.mark.parametrize("layout", [SIGMOIDS, SINGLE])
def test_logits_of_sigmoids_are_log_odds_already(layout: Layout) -> None:
    raw = channels(*([[0.3]] * len(layout.classes)), layout=layout, logits=True)
    assert activated(raw).maps is raw.maps


def test_logits_far_apart_are_certain() -> None:
    assert [one.probs()[0, 0] for one in activated(channels([0.0], [9000.0], [0.0], logits=True)).maps] == [0, 1, 0]


@given(hnp.arrays(np.int8, hnp.array_shapes(min_dims=2, max_dims=3, max_side=60)), st.permutations([0, 1, 2]))
def test_blocks_cover_every_voxel_once_in_any_memory_order(array: np.ndarray, order: list[int]) -> None:
    view = array.transpose([axis for axis in order if axis < array.ndim])[::-1]
    seen = np.zeros(view.shape, dtype=int)
    for block in blocks(view):
        assert len(block) == view.ndim
        seen[block] += 1
    assert (seen == 1).all()


def test_blocks_lie_together_in_memory() -> None:
    image = np.zeros((64, 64, 64), order="F")
    assert {image[block].flags.f_contiguous for block in blocks(image)} == {True}
    assert len(list(blocks(image))) == 4


def test_channels_name_the_classes_that_the_labels_leave_open() -> None:
    wt = LabelClass(name="wt", ids=(1, 2))
    form = Form(kind="probs", layout=SOFTMAX)
    assert form.completed(LabelMap(regions=(wt,))) == LabelMap(classes=(ONE, TWO), regions=(wt,))
    assert form.completed(LabelMap(classes=(TWO,))) == LabelMap(classes=(TWO,))
    regions = Form(kind="probs", layout=Layout(classes=(wt,), exclusive=False))
    assert regions.completed(LabelMap(regions=(wt,))) == LabelMap(classes=(), regions=(wt,))
    assert Form().completed(LabelMap()) == LabelMap()


@pytest.mark.parametrize(
    ("form", "said", "overlaps"),
    [
        (Form(), "labels", False),
        (Form(kind="probs", layout=SOFTMAX), "probabilities, a softmax of background, one, two", False),
        (Form(kind="logits", layout=SIGMOIDS), "logits, sigmoids of one, two", True),
        (Form(kind="probs", layout=SINGLE), "probabilities, one map of class one", False),
    ],
)
def test_a_form_says_what_predictions_are(form: Form, said: str, overlaps: bool) -> None:
    assert (str(form), form.overlaps) == (said, overlaps)
