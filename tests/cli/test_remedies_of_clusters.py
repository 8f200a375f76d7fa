"""Remedies of runs on Dask and of runs that were cut off, each followed to a known number."""

import shutil
import threading
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.cli.given import Run
from tests.cli.remedies import DICE as SCORES
from tests.cli.remedies import SCORE, Way, follow, numbers_of, pair, printed

pytestmark = pytest.mark.slow  # of several runs each

distributed = pytest.importorskip("distributed")
cluster = pytest.importorskip("segeval.verbs.running.cluster")
DICE = (*SCORE, "-m", "dice")
DASK = {
    "no address": Way(
        given=pair,
        first=(*DICE, "--dask", "2"),
        says="must be local:N, or the address of a scheduler",
        then=((*DICE, "--dask", "local:1"),),
    ),
    "no scheduler, and none is needed": Way(
        given=pair,
        first=(*DICE, "--dask", "tcp://127.0.0.1:9"),
        says="--dask local:4 needs none",
        then=((*DICE, "--dask", "local:1"),),
    ),
    "workers of two kinds": Way(
        given=pair,
        first=(*DICE, "--dask", "local:1", "--workers", 1),
        says="Leave --workers out",
        then=((*DICE, "--dask", "local:1"),),
    ),
}


@pytest.mark.parametrize("what", DASK)
def test_what_is_said_of_dask_leads_to_the_right_number(run: Run, what: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster, "_SECONDS", 0.2)
    follow(run, DASK[what])


@pytest.fixture
def scheduler() -> Iterator[str]:
    """A scheduler with a worker, at an address of its own."""
    with distributed.LocalCluster(
        n_workers=1, threads_per_worker=1, processes=False, dashboard_address=":0", protocol="tcp"
    ) as running:
        yield running.scheduler_address


def test_a_scheduler_that_is_started_scores(run: Run, scheduler: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster, "_SECONDS", 0.2)
    pair()
    refused = run(*DICE, "--dask", "tcp://127.0.0.1:9")
    assert "Start one with `dask scheduler`, and pass the address that it prints" in " ".join(refused.err.split())
    done = run(*DICE, "--dask", scheduler)
    assert list(SCORES(done)) == pytest.approx([2 / 3])


def test_without_processes_of_dask_the_run_goes_on_here(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(**_: Any) -> None:
        raise OSError("Cannot allocate memory")

    monkeypatch.setattr(cluster, "LocalCluster", refuse)
    pair()
    assert "Ask for fewer, or leave out --dask" in run(*DICE, "--dask", "local:2").err
    assert list(SCORES(run(*DICE))) == pytest.approx([2 / 3])


def in_a_worker() -> bool:
    """Whether this is a thread of a worker, and not the one that a command runs in."""
    return "Dask" in threading.current_thread().name


def of_another_version(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(cluster, "this_version", lambda: "segeval 0.0.1" if in_a_worker() else "segeval 9.9")


def without_the_folder(patch: pytest.MonkeyPatch) -> None:
    class Elsewhere:
        """A worker that was started in a folder of its own, and sees no other."""

        def __init__(self, path: str) -> None:
            self.path = path

        @staticmethod
        def cwd() -> Path:
            return Path("/") if in_a_worker() else Path.cwd()

    def refuse(folder: str) -> None:
        raise FileNotFoundError(2, "No such file or directory", folder)

    patch.setattr(cluster, "Path", Elsewhere)
    patch.setattr(cluster, "os", SimpleNamespace(chdir=refuse))


def without_the_package(patch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise ModuleNotFoundError("No module named 'segeval'", name="segeval")

    patch.setattr(cluster.Client, "register_plugin", refuse)


def gone_after_a_case(patch: pytest.MonkeyPatch) -> None:
    submit, calls = cluster.Client.submit, count()

    class Lost:
        def result(self) -> None:
            raise cluster.CancelledError

    def some(client: Any, *given: Any, **options: Any) -> Any:
        return submit(client, *given, **options) if next(calls) < 2 else Lost()

    patch.setattr(cluster.Client, "submit", some)  # the settings, and one case


CLUSTERS = {
    "a worker of another version": (of_another_version, "Install segeval 9.9 there", ()),
    "a worker without the folder": (without_the_folder, "Mount it there under the same path", ()),
    "a scheduler without the package": (without_the_package, "where its scheduler and its workers run", ()),
    "a scheduler that goes": (
        gone_after_a_case,
        "Start it again, and give the same command with --resume",
        ("--resume",),
    ),
}


@pytest.mark.parametrize("what", CLUSTERS)
def test_a_cluster_that_is_mended_scores(run: Run, scheduler: str, what: str) -> None:
    """What other computers lack is taken away here, and then given back."""
    lacking, says, then = CLUSTERS[what]
    for name in ("a", "b", "c"):
        pair(name=f"{name}.nii.gz")
    asked = (*DICE, "-o", "run", "--dask", scheduler)
    with pytest.MonkeyPatch.context() as patch:
        lacking(patch)
        refused = run(*asked)
    assert refused.code in (2, 4)
    assert says in " ".join(refused.err.split())
    assert run(*asked, *then).code == 0
    assert list(numbers_of("run/scores.csv", "dice")(refused)) == pytest.approx([2 / 3] * 3)


def test_a_run_that_was_killed_goes_on(run: Run) -> None:
    """What a kill leaves of a run is what is there before its tables are written."""
    from segeval.results.run_folder import RunFolder

    write = RunFolder.write

    def copied(folder: Any, results: Any) -> None:
        shutil.copytree(folder.output.path, "killed")
        write(folder, results)

    pair()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(RunFolder, "write", copied)
        assert run(*DICE, "-o", "run").code == 0
    judged = ("gate", "killed", "--fail-under", "dice:mean=0.5")
    asked = Way(
        given=lambda: None,
        first=judged,
        says="Score again with --resume, which goes on from its finished cases",
        then=((*DICE, "-o", "killed", "--resume"), judged),
        read=printed(r"pass \S+ (?:\[\S+\] )?\w+ .*? ([-\d.]+) [≥≤]"),
        right=(0.667,),
        refused=False,  # nothing can be concluded
    )
    follow(run, asked)


def test_a_shard_that_was_killed_goes_on(run: Run) -> None:
    from segeval.verbs import score as scoring

    def stop(scores: Iterator[Any], _: Any) -> Iterator[Any]:
        yield next(scores)
        raise KeyboardInterrupt

    for name in ("a", "b"):
        pair(name=f"{name}.nii.gz")
    asked = (*DICE, "--shard", "0/1", "-o", "s0")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(scoring, "in_one_unit", stop)
        run(*asked)
    way = Way(
        given=lambda: None,
        first=("merge", "s0", "-o", "whole"),
        says="one that was killed goes on with --resume",
        then=((*asked, "--resume"), ("merge", "s0", "-o", "whole")),
        read=numbers_of("whole/scores.csv", "dice"),
        right=(2 / 3, 2 / 3),
    )
    follow(run, way)
