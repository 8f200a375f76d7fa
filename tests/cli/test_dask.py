"""Cases on Dask: the bytes of a local run, whatever happens to the workers."""

import os
import pickle
import re
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import dask
import numpy as np
import pytest
from distributed import LocalCluster

from segeval.errors import ConfigError
from segeval.verbs.running import cluster
from tests.cli.given import ROOT, Run, files_in, large_cases, strict_json, write_image

Start = Callable[..., "Any"]
SCORE = ["score", "pred", "truth", "-m", "dice,hd95,lesion,mean_iou", "--format", "md"]
# loaded by workers: ends the process that opens a deadly file, as the system does where memory runs out
DEADLY = """
import os, pathlib, sys, time
def hook(event, arguments):
    if event == "open" and isinstance(arguments[0], (str, bytes, os.PathLike)):
        name = pathlib.Path(os.fsdecode(arguments[0])).name
        first = pathlib.Path(__file__).with_name("died")
        if name == "poison.npy" or (name == "once.npy" and not first.exists()):
            first.touch()
            os.kill(os.getpid(), 9)
        if name == "slow.npy":
            first.with_name("at_it").write_text(str(os.getpid()))
            while not first.with_name("go").exists():
                time.sleep(0.02)
sys.addaudithook(hook)
"""


@pytest.fixture(scope="module")
def deadly(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A folder for the path of Python, by which a process dies of the files named above."""
    folder = tmp_path_factory.mktemp("deadly")
    (folder / "sitecustomize.py").write_text(DEADLY)
    return str(folder)


@contextmanager
def workers_with(path: str) -> Iterator[LocalCluster]:
    """Two workers, each of which gets a case only when it has none."""
    environment = {"PYTHONPATH": path, "OMP_NUM_THREADS": 1}
    with (
        dask.config.set({"distributed.nanny.pre-spawn-environ": environment}),
        dask.config.set({"distributed.scheduler.worker-saturation": 1.0}),
        LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=":0", silence_logs=60) as running,
    ):
        yield running


@pytest.fixture(scope="module")
def scheduler(deadly: str) -> Iterator[str]:
    """The address of a scheduler with two worker processes."""
    with workers_with(os.pathsep.join([deadly, str(ROOT)])) as running:
        yield running.scheduler_address


@pytest.fixture
def cases() -> Callable[..., None]:
    def write(*names: str) -> None:
        rng = np.random.default_rng(3)
        for name in names:
            truth = rng.integers(0, 3, (6, 8, 5)).astype(np.uint8)
            write_image(Path("truth", f"{name}.npy"), truth)
            write_image(Path("pred", f"{name}.npy"), np.where(rng.random(truth.shape) < 0.2, 1, truth))

    return write


def tables_in(folder: Path) -> dict[str, Any]:
    """All files of a run, without what may differ from one computer to the next."""
    found: dict[str, Any] = dict(files_in(folder))
    document = strict_json(found.pop("run.json").decode())
    for name in ("timings", "versions"):
        del document[name]
    document["plan"].pop("out")
    return found | {"run.json": document}


def n_in_journal() -> int:
    journal = Path("there/.segeval-journal.jsonl")
    return max(journal.read_bytes().count(b"\n") - 1, 0) if journal.exists() else 0


def wait_for(fact: Callable[[], bool], *, seconds: float = 150) -> None:
    until = time.monotonic() + seconds
    while not fact():
        assert time.monotonic() < until
        time.sleep(0.02)


def test_a_run_that_loses_a_worker_leaves_the_bytes_of_a_local_one(
    run: Run, cases: Callable[..., None], scheduler: str, deadly: str
) -> None:
    cases(*"abcdefg", "once")
    assert run(*SCORE, "-o", "here").code == 0
    done = run(*SCORE, "-o", "there", "--dask", scheduler, "--profile")
    assert done.code == 0, done.err
    assert "segeval: surfaces and distances " in done.err
    assert f"on Dask, {scheduler}: 2 cases at a time\n" in done.err
    assert Path(deadly, "died").exists()
    assert tables_in(Path("here")) == tables_in(Path("there"))


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["labels", "probs"])
def test_cases_in_slabs_leave_the_bytes_of_a_local_run(run: Run, scheduler: str, kind: str) -> None:
    asked = large_cases(kind)
    assert run(*asked, "--workers", "1", "-o", "here").code == 0
    done = run(*asked, "-o", "there", "--dask", scheduler)
    assert done.code == 0, done.err
    here, there = (tables_in(Path(folder)) for folder in ("here", "there"))
    for found in (here, there):
        del found["run.json"]["plan"]["workers"], found["run.json"]["plan_from"]
    assert here == there


def test_a_file_that_kills_two_workers_is_a_failed_row_and_all_others_are_scored(
    run: Run, cases: Callable[..., None], scheduler: str
) -> None:
    cases(*"abcdefg", "poison", "z")
    done = run(*SCORE, "-o", "there", "--dask", scheduler)
    assert done.code == 3
    assert "poison: the worker that scored it died, and so did a second one that scored nothing else." in done.err
    status = {row["case"]: row["status"] for row in strict_json(Path("there/run.json").read_text())["cases"]}
    assert status.pop("poison") == "failed"
    assert set(status.values()) == {"ok"}
    assert len(status) == 8


@pytest.mark.slow
def test_ctrl_c_keeps_what_is_finished_and_resume_goes_on_with_a_worker_killed(
    run: Run, start: Start, cases: Callable[..., None], deadly: str
) -> None:
    cases(*"abcdefgh", "slow")
    asked = [*SCORE, "-o", "there", "--dask", "local:2", "--resume"]
    more: dict[str, Any] = {"env": {"PYTHONPATH": os.pathsep.join([deadly, str(ROOT)])}, "start_new_session": True}
    at_it, go = (Path(deadly, name) for name in ("at_it", "go"))
    for left_by_others in (at_it, go):
        left_by_others.unlink(missing_ok=True)
    process = start(*asked, **more)
    wait_for(lambda: n_in_journal() >= 4 and at_it.exists())  # else no worker may have come to the slow case yet
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does, which knows nothing of workers
    _, said = process.communicate(timeout=150)
    assert process.returncode == 130, said
    told = re.search(r"(\d) of 9 cases are finished and kept in there", said)
    assert told
    assert 4 <= int(told[1]) <= 8
    assert strict_json(Path("there/run.json").read_text())["complete"] is False
    at_it.unlink()
    process = start(*asked, **more)
    wait_for(lambda: at_it.exists() and bool(at_it.read_text()))
    os.kill(int(at_it.read_text()), signal.SIGKILL)
    go.touch()
    _, said = process.communicate(timeout=150)
    assert process.returncode == 0, said
    assert f"{told[1]} cases taken from the run before" in said
    assert run(*SCORE, "-o", "here").code == 0
    assert tables_in(Path("here")) == tables_in(Path("there"))


@pytest.mark.slow
def test_a_scheduler_that_goes_leaves_what_is_finished(
    run: Run, start: Start, cases: Callable[..., None], deadly: str
) -> None:
    cases(*"abcdef", "slow")
    Path(deadly, "go").unlink(missing_ok=True)  # of the test before
    with workers_with(os.pathsep.join([deadly, str(ROOT)])) as running:
        patience = {"DASK_DISTRIBUTED__COMM__TIMEOUTS__CONNECT": "1s"}
        process = start(*SCORE, "-o", "there", "--dask", running.scheduler_address, env=patience)
        wait_for(lambda: n_in_journal() >= 4)
    _, said = process.communicate(timeout=150)
    assert process.returncode == 4, said
    assert "the scheduler is gone. Start it again, and give the same command with --resume." in said
    assert re.search("[456] cases taken from the run before", run(*SCORE, "-o", "there", "--resume").err)


def test_the_script_of_the_docs_scores_on_the_cluster_that_it_starts(
    cases: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    class Jobs(LocalCluster):  # in place of a queue
        def __init__(self, *, cores: int, memory: str, walltime: str) -> None:
            super().__init__(n_workers=0, threads_per_worker=cores, memory_limit=memory, dashboard_address=":0")

        def adapt(self, *, maximum_jobs: int) -> None:
            super().adapt(minimum=0, maximum=min(maximum_jobs, 1))

    cases("a", "b")
    Path("truth").rename("gt")
    monkeypatch.setitem(sys.modules, "dask_jobqueue", SimpleNamespace(SLURMCluster=Jobs))
    (code,) = re.findall(r"^```python\n(.*?)^```", (ROOT / "docs/cluster.md").read_text(), re.DOTALL | re.MULTILINE)
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    exec(code, {})
    assert {row["status"] for row in strict_json(Path("results/run.json").read_text())["cases"]} == {"ok"}


def test_an_address_that_does_not_answer_is_refused_with_what_to_do(
    run: Run, cases: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("segeval.verbs.running.cluster._SECONDS", 0.2)
    cases("a")
    done = run(*SCORE, "--dask", "tcp://127.0.0.1:9")
    assert done.code == 2
    assert "no scheduler of Dask answers there. Start one with `dask scheduler`" in done.err


@pytest.mark.parametrize("where", ["local", "local:0", "local:x", "4", "host:8786", "://"])
def test_what_is_no_address_is_refused(run: Run, cases: Callable[..., None], where: str) -> None:
    cases("a")
    done = run(*SCORE, "--dask", where)
    assert (done.code, done.out) == (2, "")
    assert "must be local:N, or the address of a scheduler such as tcp://host:8786" in done.err


def test_without_dask_the_message_names_the_extra(
    run: Run, cases: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    cases("a")
    monkeypatch.delitem(sys.modules, "segeval.verbs.running.cluster", raising=False)
    monkeypatch.setitem(sys.modules, "distributed", None)
    done = run(*SCORE, "--dask", "local:2")
    assert done.code == 2
    assert "pip install 'segeval-masks[dask]'" in done.err


def test_workers_of_threads_are_not_those_of_a_cluster(run: Run, cases: Callable[..., None]) -> None:
    cases("a")
    done = run(*SCORE, "--dask", "local:2", "--workers", "2")
    assert (done.code, done.out) == (2, "")
    assert "--workers 2: not beside --dask" in done.err


@pytest.mark.slow
def test_a_worker_of_another_version_or_without_the_folder_is_told_by_its_host() -> None:
    def blob(folder: str, version: str) -> bytes:
        return pickle.dumps((folder, version, pickle.dumps((2,))))

    assert cluster._on_worker(pow, 3, blob(str(Path.cwd()), cluster.this_version())) == 9
    with pytest.raises(ConfigError, match=r"has segeval .* Install segeval 99 there"):
        cluster._on_worker(pow, 3, blob(str(Path.cwd()), "segeval 99"))
    with pytest.raises(ConfigError, match=r"has no folder /nowhere .* Mount it there under the same path"):
        cluster._on_worker(pow, 3, blob("/nowhere", cluster.this_version()))
