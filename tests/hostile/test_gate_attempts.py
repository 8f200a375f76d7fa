"""Attempts to get a run through a gate that it fails: edits of its file, each refused or still failing."""

import copy
import json
import math
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.cli.given import Run, write_image
from tests.hostile.conftest import Tally

VALUES = (None, True, "x", "", -1, 2, 1e9, math.inf, math.nan, [], {}, [1], "inf", "ok", 10**30)


@pytest.fixture
def document(run: Run) -> Any:
    rng = np.random.default_rng(5)
    for i in range(4):
        truth = np.zeros((12, 12), np.uint8)
        truth[2:9, 2:9] = 1
        write_image(Path("truth", f"{i}.npy"), truth)
        write_image(Path("pred", f"{i}.npy"), truth * (rng.random(truth.shape) < 0.5).astype(np.uint8))
    assert run("score", "pred", "truth", "-m", "dice,hd95", "-o", "run").code == 0
    return json.loads(Path("run/run.json").read_text())


def places(part: Any, here: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every key and item of a document."""
    items = part.items() if isinstance(part, dict) else enumerate(part) if isinstance(part, list) else ()
    for key, value in items:
        yield (*here, key)
        yield from places(value, (*here, key))


def edited(document: Any, place: tuple[Any, ...], rng: np.random.Generator) -> Any:
    """The document with one part taken out, doubled or set to something else."""
    new = copy.deepcopy(document)
    part = new
    for key in place[:-1]:
        part = part[key]
    match rng.integers(0, 6):
        case 0:
            del part[place[-1]]
        case 1 if isinstance(part, list):
            part.append(copy.deepcopy(part[place[-1]]))
        case _:
            part[place[-1]] = VALUES[rng.integers(0, len(VALUES))]
    return new


def test_no_single_edit_gets_a_bad_run_through(
    run: Run, document: Any, tally: Tally, times: Callable[..., int]
) -> None:
    rng, all_places = np.random.default_rng(12), [*places(document)]
    for _ in range(times(60, 2000)):
        place = all_places[rng.integers(0, len(all_places))]
        Path("edited.json").write_text(json.dumps(edited(document, place, rng)))
        done = run("gate", "edited.json", "--fail-under", "dice:mean=0.99")
        tally.note(f"{place}: {done.code} {done.err[-200:]}", stood=done.code in (1, 2, 3, 4))


@pytest.mark.parametrize("bounds", [[0, 9], ["-inf", "inf"], [None, None]])
def test_a_value_edited_together_with_its_bounds_is_refused(
    run: Run, document: Any, tally: Tally, bounds: list[Any]
) -> None:
    document["definitions"]["dice"]["bounds"] = bounds
    for row in document["scores"]:
        row["dice"] = 5.0
    Path("edited.json").write_text(json.dumps(document))
    done = run("gate", "edited.json", "--fail-under", "dice:mean=0.99")
    tally.note(done.err, stood=done.code == 2)


def test_a_baseline_of_other_truths_is_refused(run: Run, document: Any, tally: Tally) -> None:
    for row in document["scores"]:
        other = copy.deepcopy(document)
        changed = next(one for one in other["scores"] if one["case"] == row["case"])
        changed["n_truth"] += 1
        Path("other.json").write_text(json.dumps(other))
        done = run("gate", "run", "--baseline", "other.json", "--fail-under", "dice:mean=0.1")
        tally.note(done.err, stood=done.code == 2 and "the truth of case" in done.err)


def test_no_edited_table_gets_a_bad_run_through(
    run: Run, document: Any, tally: Tally, times: Callable[..., int]
) -> None:
    rng, data = np.random.default_rng(13), Path("run/scores.csv").read_bytes()
    for attempt in range(times(40, 600)):
        at = int(rng.integers(0, len(data)))
        put = bytes(rng.integers(0, 256, int(rng.integers(0, 4)), dtype=np.uint8))
        Path("scores.csv").write_bytes(data[:at] + put + data[at + int(rng.integers(0, 4)) :])
        done = run("gate", "scores.csv", "--fail-under", "dice:mean=0.99")
        tally.note(f"{attempt}: {done.code} {done.err[-200:]}", stood=done.code in (1, 2, 3, 4))
