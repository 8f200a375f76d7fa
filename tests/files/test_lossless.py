"""Records as text: every bit comes back, and nothing but records of this package does."""

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from segeval.evidence.additive import ByClass
from segeval.evidence.labels import LabelClass
from segeval.evidence.lesions.lesions import LesionCounts
from segeval.evidence.probabilities.class_maps import Areas
from segeval.evidence.probabilities.histogram import ProbHistogram
from segeval.files.journal import Journal
from segeval.files.lossless import record_of_text, text_of_record

LIVER = LabelClass(name="liver\t\n\udc80", ids=(1, 2))


def back(record: Any) -> Any:
    text = text_of_record(record)
    assert text.isascii()
    assert "\n" not in text
    return record_of_text(text)


@pytest.mark.parametrize(
    "value",
    [
        *(None, True, 3, -(2**70), 0.1, 5e-324, math.inf, "\udc80\x00", [1, [2.0]], (), ((1,), [2]), {}),
        {1: "a", "1": "b", (2, None): (3,), LIVER: Path("a/b")},
        *(LIVER, LabelClass, ("class", (LesionCounts, ("strict", True)))),
    ],
    ids=repr,
)
def test_a_value_comes_back_with_its_type(value: Any) -> None:
    found = back(value)
    assert found == value
    assert type(found) is type(value)
    assert repr(found) == repr(value)


@pytest.mark.parametrize(
    "value",
    [
        lambda i: (i, True, -0.0),
        lambda i: ((i,), ()) if i % 2 else (),
        lambda i: (i,) if i % 2 else ((i,),),
        lambda i: ("a", None),
        lambda i: [i, (i,)],
    ],
)
def test_many_records_of_one_kind_come_back_as_each_alone(value: Callable[[int], Any]) -> None:
    records = tuple(Journal(path=Path(f"{i}"), header=value(i)) for i in range(150))
    assert repr(back(records)) == repr(records) == repr(tuple(map(back, records)))
    assert len(text_of_record(records)) < sum(map(len, map(text_of_record, records)))


def test_zeros_keep_their_sign_and_what_is_undefined_stays_so() -> None:
    assert math.copysign(1, back(-0.0)) == -1
    assert math.isnan(back(math.nan))


@pytest.mark.parametrize(
    "array",
    [
        np.array([0.1, -0.0, math.nan, math.inf]),
        np.array([[2**62 + 1, -1]], dtype=np.int64),
        np.zeros((0, 3), dtype=np.float32),
        np.array([True, False]),
        np.asfortranarray(np.arange(6.0).reshape(2, 3)),
        np.float64(0.1),
        np.int64(2**53 + 1),
        np.array(7, dtype=np.uint8),
    ],
    ids=repr,
)
def test_an_array_comes_back_to_the_last_bit(array: Any) -> None:
    found = back(array)
    assert type(found) is type(array)
    assert (found.dtype, found.shape, found.tobytes()) == (array.dtype, array.shape, array.tobytes())


def test_states_add_up_to_the_same_after_their_way_through_text() -> None:
    def histogram(seed: int) -> ProbHistogram:
        rng = np.random.default_rng(seed)
        return ProbHistogram.of_values(rng.random(500), rng.random(500) < 0.5)

    def state(seed: int) -> ByClass:
        return ByClass({LIVER: Areas(histograms=np.array([histogram(seed)], dtype=object))})

    direct, told = state(1) + state(2), back(state(1)) + back(state(2))
    for name, column in vars(direct.rows[LIVER].histograms[0]).items():
        found = getattr(told.rows[LIVER].histograms[0], name)
        if isinstance(column, np.ndarray):
            assert (found.dtype, found.tobytes()) == (column.dtype, column.tobytes()), name
        else:
            assert found == column, name
    kept = back(ByClass({("histogram", LIVER): histogram(1)}) + ByClass({("histogram", LIVER): histogram(2)}))
    assert list(kept.rows) == [("histogram", LIVER)]


@pytest.mark.parametrize(
    "text",
    [
        *("{", "", '{"record": 1}', '{"unknown": []}', '{"tuple": 1, "map": []}', '{"array": ["<f8", [3], "AAAA"]}'),
        json.dumps({"record": ["os:system", {"command": "true"}]}),
        json.dumps({"record": ["subprocess:Popen", {"args": "true"}]}),
        json.dumps({"type": "segeval.files.lossless:json"}),
        json.dumps({"record": ["segeval.errors:ConfigError", {}]}),
        json.dumps({"record": ["segeval.evidence.labels:LabelClass", {"title": "x"}]}),
        json.dumps({"record": ["segeval.nowhere:Thing", {}]}),
    ],
)
def test_what_is_no_record_of_ours_is_refused_and_never_run(text: str) -> None:
    with pytest.raises(ValueError, match="no record of this version"):
        record_of_text(text)


def test_what_cannot_come_back_is_not_written() -> None:
    with pytest.raises(TypeError, match="cannot be stored"):
        text_of_record({"made by": print})
