"""Where the time of a run goes."""

import re
import time
from pathlib import Path
from typing import Any

import pytest

from segeval.verbs.running.times import Times, timed
from tests.cli.given import Run, files_in, strict_json


@pytest.mark.parametrize("workers", ["1", "3"])
def test_a_profile_is_shown_and_leaves_no_trace_in_the_tables(
    run: Run, folders: tuple[Path, Path], workers: str
) -> None:
    asked = ["score", *folders, "-m", "dice,hd95", "--workers", workers]
    assert "share" not in run(*asked, "-o", "plain").err
    done = run(*asked, "-o", "timed", "--profile")
    assert done.code == 0
    table = dict(re.findall(r"^segeval: ([a-z, ]+?) +(\d+\.\d{4})  ", done.err, re.MULTILINE))
    assert {"reading and decompressing", "surfaces and distances", "formulas", "writing"} <= {*table}
    total = float(table.pop("all, the measuring too"))
    assert 0.98 * total - 0.002 < sum(map(float, table.values())) < total + 0.002
    plain, measured = files_in(Path("plain")), files_in(Path("timed"))
    documents = [strict_json(files.pop("run.json").decode()) for files in (plain, measured)]
    assert plain == measured
    assert documents[0]["plan"] | {"out": ""} == documents[1]["plan"] | {"out": ""}
    assert max(len(line) for line in done.err.splitlines()) <= 80


def written_in(module: str, code: str, **names: Any) -> Any:
    """The function `do` of a module with this name."""
    namespace = {"__name__": module, **names}
    exec(code, namespace)
    return namespace["do"]


def test_time_is_that_of_the_room_that_works_or_lets_others_work() -> None:
    surfaces = written_in("segeval.evidence.surfaces.x", "def do(): sleep(0.03)", sleep=time.sleep)
    numpy = written_in("numpy.x", "def do(): sleep(0.02)", sleep=time.sleep)
    formula = written_in("segeval.metrics.x", "def do(): surfaces(); numpy()", surfaces=surfaces, numpy=numpy)
    times: Times = {}
    with timed(times):
        formula()
        numpy()
    assert times["surfaces and distances"] >= 0.03
    assert times["formulas"] >= 0.02
    assert times["the rest"] >= 0.02
    assert {*times} == {"surfaces and distances", "formulas", "the rest"}
