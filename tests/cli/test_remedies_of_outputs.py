"""What is said of the place that results go to, of a full machine and of what it lacks leads to a known number."""

import errno
import os
import sys
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from segeval.cli import app
from segeval.files import memory
from segeval.files.locking import lock_folder, unlock_folder
from tests.cli.given import Run
from tests.cli.remedies import (
    COCO,
    FLAT,
    FLAT_PRED,
    PRED,
    SCORE,
    TRUTH,
    Way,
    coco,
    follow,
    formed,
    numbers_of,
    pair,
    printed,
    result,
    runs,
    text,
    two,
)

pytestmark = pytest.mark.slow  # of several runs each

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


def lacks(package: str, says: str, given: Callable[[], object], **more: Any) -> tuple[str, Way]:
    """What is said where an optional package is not installed, and the same command once it is."""
    return package, Way(**{"given": given, "first": DICE, "says": says, **more})


SEG = ("score", "p/seg.dcm", "t/seg.dcm", *DICE[3:])


def segments() -> None:
    pytest.importorskip("highdicom", reason="DICOM needs the extra")
    from tests.images.dicom_files import save_seg

    for side, mask in (("p", PRED), ("t", TRUTH)):
        save_seg(Path(side, "seg.dcm"), {"liver": mask == 1})


def of_polygons() -> None:
    left, top, right, bottom = 2, 4, 8, 10  # the moved box, whose columns run from 2 to 7 and whose rows from 4 to 9
    outline = [left, top, right, top, right, bottom, left, bottom]
    coco([result(segmentation=[outline])])


def in_lzw() -> None:
    pair(FLAT_PRED, FLAT, name="a.png")
    Path("pred/a.png").unlink()
    Image.fromarray(FLAT_PRED).save("pred/a.tif", compression="tiff_lzw")


LACKING = {
    "Zarr": lacks("zarr", "Run `pip install 'segeval-masks[zarr]'`", lambda: formed(".zarr", truth=".npy")),
    "COCO of polygons": lacks("pycocotools", "Run `pip install 'segeval-masks[coco]'`", of_polygons, first=COCO),
    "DICOM": lacks(
        "highdicom",
        "Run `pip install 'segeval-masks[dicom]'`",
        segments,
        first=SEG,
    ),
}


@pytest.mark.parametrize("what", LACKING)
def test_an_optional_package_that_is_installed_then_reads_the_file(
    run: Run, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    package, way = LACKING[what]
    pytest.importorskip(package)
    way.given()  # it takes the package itself
    with monkeypatch.context() as then:
        then.setitem(sys.modules, package, None)
        follow(run, replace(way, given=lambda: None, mend=then.undo))


def test_a_tiff_that_needs_a_package_is_saved_without_compression(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    library = pytest.importorskip("tifffile.tifffile")
    monkeypatch.setattr(library, "imagecodecs", pytest.importorskip("tifffile._imagecodecs"))  # what it has by itself
    monkeypatch.setattr(library.TIFF.DECOMPRESSORS, "_codecs", {})
    mend = lambda: Image.fromarray(FLAT_PRED).save("pred/a.tif")  # noqa: E731
    follow(run, Way(given=in_lzw, first=DICE, says="or save the file with deflate or without compression", mend=mend))


def unreadable(how: str, name: str, says: str, given: Callable[[], object] = pair, **more: Any) -> tuple[str, str, Way]:
    """A file that may not be read, and may be in the end."""
    return how, name, Way(**{"given": given, "first": DICE, "says": says, **more})


UNREADABLE = {
    "an image": unreadable("open", "a.nii.gz", "Check the path and its rights"),
    "a folder": unreadable("iterdir", "pred", "Mend its permissions"),
    "a DICOM file": unreadable("read_bytes", "seg.dcm", "Mend its permissions", segments, first=SEG),
    "an earlier picture": unreadable(
        "read_bytes",
        "a.png",
        "Make it writable",
        lambda: (runs(), app.run(["show", "old", "a"])),
        first=("show", "old", "a"),
        read=printed(r"(\d+) false and (\d+) missed of (\d+) true voxels"),
        right=(48, 48, 144),
    ),
    "a table of classes": unreadable(
        "read_text",
        "l.yaml",
        "Check the path",
        lambda: (two(), text("l.yaml", "1: liver\n2: spleen\n")),
        first=(*DICE, "--labels", "l.yaml"),
        right=(2 / 3, 1.0),
    ),
}


@pytest.mark.parametrize("what", UNREADABLE)
def test_a_file_that_may_be_read_again_is_scored(run: Run, monkeypatch: pytest.MonkeyPatch, what: str) -> None:
    how, name, way = UNREADABLE[what]
    reads = getattr(Path, how)

    def refuse(path: Path, *rest: Any, **more: Any) -> Any:
        if path.name == name:
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        return reads(path, *rest, **more)

    with monkeypatch.context() as then:
        then.setattr(Path, how, refuse)
        follow(run, replace(way, mend=then.undo))


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
