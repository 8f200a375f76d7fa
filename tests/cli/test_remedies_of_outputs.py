"""What is said of the place that results go to, and of a machine that is full, leads to a known number."""

import errno
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from segeval.files import memory
from segeval.files.locking import lock_folder, unlock_folder
from tests.cli.given import Run
from tests.cli.remedies import SCORE, Way, follow, numbers_of, pair, printed, text, two
from tests.cli.test_remedies_of_commands import runs

DICE = (*SCORE, "-m", "dice")
INTO = (*DICE, "-o", "out")
ELSEWHERE = (*DICE, "--out", "new")
THERE, NEW = numbers_of("out/scores.csv", "dice"), numbers_of("new/scores.csv", "dice")
JUDGED = ("gate", "old", "--fail-under", "dice:mean=0.5")
FOUND = printed(r"pass \S+ (?:\[\S+\] )?\w+ .*? ([-\d.]+) [≥≤]")
_locks: list[int] = []


def busy() -> None:
    """Another run writes there."""
    pair()
    _locks.append(lock_folder(Path("out")))


def ends() -> None:
    unlock_folder(Path("out"), _locks.pop())


def with_notes(command: tuple[Any, ...]) -> None:
    """The run of a command, and a file of the user that has the name of one of its tables."""
    from segeval.cli import app

    pair()
    assert app.run([str(one) for one in command]) == 0
    text("out/summary.md", "mine")


def place(says: str, given: Callable[[], object], **more: Any) -> Way:
    """A folder that this run may not have."""
    return Way(**{"given": given, "first": INTO, "says": says, "then": (ELSEWHERE,), "read": NEW, **more})


MD = ("--format", "md")
PLACES = {
    "another run that ends": place("Wait until it ends", busy, mend=ends, then=(INTO,), read=THERE),
    "another run that goes on": place("or name another folder with --out", busy),
    "a file in the way, moved": place(
        "Move it",
        lambda: with_notes(INTO),
        first=(*INTO, *MD),
        mend=lambda: Path("out/summary.md").rename("mine.md"),
        then=((*INTO, *MD),),
        read=THERE,
    ),
    "a file in the way": place(
        "or name another folder with --out",
        lambda: with_notes(INTO),
        first=(*INTO, *MD),
        then=((*ELSEWHERE, *MD),),
    ),
    "a run of another kind": place(
        "holds a shard run, and a score run must not take its place. Name another folder with --out",
        lambda: with_notes((*INTO, "--shard", "0/1")),
    ),
    "a folder within a file": place(
        "Make it writable, or choose another place", lambda: (pair(), text("out", "")), first=(*DICE, "-o", "out/deep")
    ),
    "a journal that is a link": place(
        "Remove this link",
        lambda: (pair(), Path("out").mkdir(), Path("out/.segeval-journal.jsonl").symlink_to("/dev/null")),
        first=(*INTO, "--resume"),
        mend=lambda: Path("out/.segeval-journal.jsonl").unlink(missing_ok=True),
        then=((*INTO, "--resume"),),
        read=THERE,
    ),
    "a journal that is a folder": place(
        "or score again",
        lambda: (pair(), Path("out/.segeval-journal.jsonl").mkdir(parents=True)),
        first=(*INTO, "--resume"),
        then=(INTO,),
        read=THERE,
    ),
    "a picture in the way, moved": Way(
        given=lambda: (runs(), text("a.png", "mine")),
        first=("show", "old", "a"),
        says="is there already, and segeval did not make it. Move it",
        mend=lambda: Path("a.png").rename("mine.png"),
        read=printed(r"(\d+) false and (\d+) missed of (\d+) true voxels"),
        right=(48, 48, 144),
    ),
    "a picture in the way": Way(
        given=lambda: (runs(), text("a.png", "mine")),
        first=("show", "old", "a"),
        says="or name another place",
        then=(("show", "old", "a", "-o", "b.png"),),
        read=printed(r"(\d+) false and (\d+) missed of (\d+) true voxels"),
        right=(48, 48, 144),
    ),
    "a picture in a folder that there is not": Way(
        given=runs,
        first=("show", "old", "a", "-o", "none/b.png"),
        says="choose another place",
        then=(("show", "old", "a", "-o", "b.png"),),
        read=printed(r"(\d+) false and (\d+) missed of (\d+) true voxels"),
        right=(48, 48, 144),
    ),
    "rules in a folder that there is not": Way(
        given=runs,
        first=("gate", "old", "--init", "none/g.yaml"),
        says="choose another place",
        then=(("gate", "old", "--init", "g.yaml"), ("gate", "old", "-c", "g.yaml")),
        read=FOUND,
        right=(0.667,),
    ),
    "a folder for a config": Way(
        given=lambda: (two(), Path("c").mkdir(), text("c/c.yaml", "score: {measures: [dice], bootstrap: 0}\n")),
        first=("score", "pred", "truth", "-c", "c"),
        says="Check the path",
        then=(("score", "pred", "truth", "-c", "c/c.yaml"),),
        right=(2 / 3, 1.0),
    ),
}


@pytest.mark.parametrize("what", PLACES)
def test_what_is_said_of_a_place_leads_to_the_right_number(run: Run, what: str) -> None:
    follow(run, PLACES[what])


def full(*_: Any, **__: Any) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def full_for(name: str, modes: str) -> Callable[..., Any]:
    opened = Path.open

    def open_it(path: Path, mode: str = "r", *rest: Any, **more: Any) -> Any:
        return full() if path.name == name and mode in modes else opened(path, mode, *rest, **more)

    return open_it


FULL: dict[str, tuple[Any, str, Callable[..., Any]]] = {
    "tables": (os, "fsync", full),
    "the place beside the tables": (tempfile, "mkdtemp", full),
    "the journal": (Path, "open", full_for(".segeval-journal.jsonl", "a")),
}


@pytest.mark.parametrize("what", FULL)
def test_a_disk_with_space_again_takes_the_run(run: Run, monkeypatch: pytest.MonkeyPatch, what: str) -> None:
    with monkeypatch.context() as then:
        then.setattr(*FULL[what])
        follow(run, place("Free some space there", pair, mend=then.undo, then=(INTO,), read=THERE))


def test_a_summary_of_a_runner_goes_to_another_place(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", ".")
    told = (*JUDGED, "--output", "github")
    way = Way(
        given=runs,
        first=told,
        says="choose another place",
        then=((*told[:-1], "github=s.md"), JUDGED),
        read=FOUND,
        right=(0.667,),
    )
    follow(run, way)


def test_a_limit_on_addresses_is_raised(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as then:
        then.setattr(memory, "_address_limit", lambda: 1e6)
        follow(run, Way(given=pair, first=DICE, says="Raise the limit, as by `ulimit -v unlimited`", mend=then.undo))


def test_fewer_workers_take_less_memory(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Addresses are left for one thread, and not for two."""
    monkeypatch.setattr(memory, "_addresses_left", lambda: 1.5 * memory._PER_THREAD)

    def given() -> None:
        pair()
        pair(name="b.nii.gz")

    way = Way(
        given=given,
        first=(*DICE, "--workers", 2),
        says="Pass --workers 1",
        then=((*DICE, "--workers", 1),),
        right=(2 / 3, 2 / 3),
    )
    follow(run, way)
