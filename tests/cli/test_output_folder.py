"""The folder of results: whose it may be, and that it is always a whole run or nothing."""

import errno
import os
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.cli.given import IS_ROOT, Run, files_in, write_image

OUT = Path("segeval-results")


def test_a_folder_of_its_own_is_made_with_its_parents(run: Run, folders: tuple[Path, Path]) -> None:
    assert run("score", *folders, "-m", "dice", "--out", "new/deep folder").code == 0
    assert Path("new/deep folder/run.json").exists()


def test_a_second_run_takes_the_place_of_the_first(run: Run, folders: tuple[Path, Path]) -> None:
    run("score", *folders, "-m", "dice")
    first = files_in(OUT)
    assert run("score", *folders, "-m", "iou").code == 0
    second = files_in(OUT)
    assert set(first) == set(second)
    assert first["scores.csv"] != second["scores.csv"]


@pytest.mark.parametrize(
    ("out", "message"),
    [
        ("pred", "pred: this folder holds something else, such as a.npy."),
        ("pred/a.npy", "pred/a.npy: this is a file, and results need a folder."),
        ("pred/a.npy/x", "pred/a.npy/x: cannot be written (Not a directory)."),
        ("x" * 300, "cannot be written (File name too long)."),
    ],
)
def test_a_place_that_cannot_be_ours_is_refused(run: Run, folders: tuple[Path, Path], out: str, message: str) -> None:
    before = files_in(folders[0])
    done = run("score", *folders, "--out", out)
    assert (done.code, done.out) == (2, "")
    assert message in done.err
    assert files_in(folders[0]) == before


@pytest.mark.skipif(IS_ROOT, reason="root may write everywhere")
def test_a_folder_that_may_not_be_written_is_refused(run: Run, folders: tuple[Path, Path]) -> None:
    OUT.mkdir(mode=0o500)
    done = run("score", *folders)
    assert done.code == 2
    assert "segeval-results: cannot be written (Permission denied). Make it writable" in done.err


@pytest.mark.parametrize("fails_at", [1, 3, 5])
def test_a_disk_that_fills_up_leaves_the_previous_results_whole(
    run: Run, folders: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch, fails_at: int
) -> None:
    run("score", *folders, "-m", "dice")
    before = files_in(OUT)
    calls: list[int] = []

    def fsync(_: int) -> None:
        calls.append(1)
        if len(calls) == fails_at:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", fsync)
    done = run("score", *folders, "-m", "iou")
    assert (done.code, done.out) == (2, "")
    assert "cannot be written (No space left on device). Free some space there" in done.err
    assert files_in(OUT) == before, "the old tables as they were, and nothing beside them"


def test_a_disk_that_is_full_during_the_run_is_told(
    run: Run, folders: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = Path.open

    def full(path: Path, mode: str = "r", **how: Any) -> Any:
        if path.name == ".segeval-journal.jsonl" and mode == "a":  # where each finished case is noted
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return opened(path, mode, **how)

    monkeypatch.setattr(Path, "open", full)
    done = run("score", *folders, "-m", "dice")
    assert (done.code, done.out) == (2, "")
    assert ".segeval-journal.jsonl: cannot be written (No space left on device)" in done.err
    assert not OUT.exists()


def test_a_journal_that_is_a_link_is_not_written_through(run: Run, folders: tuple[Path, Path]) -> None:
    OUT.mkdir()
    Path("precious.txt").write_text("precious")
    (OUT / ".segeval-journal.jsonl").symlink_to(Path("precious.txt").resolve())
    assert run("score", *folders, "-m", "dice").code == 0
    assert Path("precious.txt").read_text() == "precious"


def test_a_file_of_the_user_in_the_folder_of_a_run_is_never_replaced(run: Run, folders: tuple[Path, Path]) -> None:
    run("score", *folders, "-m", "dice")
    (OUT / "summary.md").write_text("my notes")
    before = files_in(OUT)
    done = run("score", *folders, "-m", "dice", "--format", "md")
    assert (done.code, done.out) == (2, "")
    assert "segeval-results/summary.md: is in the way, and nothing says that segeval wrote it." in done.err
    assert files_in(OUT) == before
    assert run("score", *folders, "-m", "iou").code == 0, "what it would not write is no business of it"
    assert (OUT / "summary.md").read_text() == "my notes"


def test_an_extra_file_of_an_earlier_run_goes_with_it(run: Run, folders: tuple[Path, Path]) -> None:
    run("score", *folders, "-m", "dice", "--format", "md")
    run("score", *folders, "-m", "iou")
    assert not (OUT / "summary.md").exists()


def test_a_comparison_does_not_replace_a_run_that_it_read(run: Run, folders: tuple[Path, Path]) -> None:
    run("score", *folders, "-m", "dice", "--out", "old")
    run("score", *folders, "-m", "dice", "--out", "new")
    before = files_in(Path("new"))
    done = run("compare", "old", "new", "--out", "new")
    assert done.code == 2
    assert "new: holds a score run, and a compare run must not take its place. Name another folder" in done.err
    assert files_in(Path("new")) == before
    assert run("compare", "old", "new", "--out", "both").code == 0
    assert run("compare", "new", "old", "--out", "both").code == 0


TRAIN = ("sweep", "tversky", "--train", "--holdout", "0.4", "--iterations", "10", "--patch", "8,8", "--width", "2")
TRAIN += ("--grid", "alpha=0.5", "--grid", "beta=0.5", "--workers", "1", "--quiet")


@pytest.fixture
def images() -> tuple[Path, Path]:
    """Three images of noise with their masks."""
    noise = np.random.default_rng(0)
    for name in "abc":
        mask = np.zeros((12, 12), dtype=np.uint8)
        mask[3:8, 4:9] = 1
        mask[9:11, 1:11] = 2
        write_image(Path("images") / f"{name}.npy", noise.normal(mask, 0.1).astype(np.float32))
        write_image(Path("truth") / f"{name}.npy", mask)
    return Path("images"), Path("truth")


def test_a_case_that_is_called_by_its_path_is_not_written_there(run: Run, images: tuple[Path, Path]) -> None:
    truths = [path.resolve() for path in sorted(images[1].iterdir())]
    lines = [f"{path.with_suffix('')},images/{path.name},{path}" for path in truths]
    Path("pairs.csv").write_text("\n".join(["case,pred,truth", *lines]))
    before = files_in(Path())
    assert run(*TRAIN, "--pairs", "pairs.csv", "--class", "1", "--out", "out").code == 0
    after = files_in(Path())
    assert {name: data for name, data in after.items() if not name.startswith("out/")} == before
    assert len([name for name in after if name.startswith("out/maps/")]) == 1
    assert run(*TRAIN, "--pairs", "pairs.csv", "--class", "1", "--out", "out").code == 0, "and it is found again"


def test_a_class_cannot_name_a_folder_outside(run: Run, images: tuple[Path, Path]) -> None:
    Path("labels.yaml").write_text('"../../../X": 1\n"/tmp/segeval-outside": 2\n')
    before = files_in(Path())
    assert run(*TRAIN, *images, "--labels", "labels.yaml", "--out", "a/b/out").code == 0
    after = files_in(Path())
    assert {name: data for name, data in after.items() if not name.startswith("a/b/out/")} == before
    assert not Path("/tmp/segeval-outside").exists()
    assert sorted(path.name for path in Path("a/b/out/maps").iterdir()) == [
        "%2E.%2F..%2F..%2FX",
        "%2Ftmp%2Fsegeval-outside",
    ]


def test_maps_of_the_user_are_left_alone_by_a_training(run: Run, images: tuple[Path, Path]) -> None:
    arguments = [*TRAIN, *images, "--class", "1", "--out", "out"]
    assert run(*arguments).code == 0
    (setting,) = Path("out/maps").iterdir()
    mine = setting / "mine.npy"
    mine.write_text("precious")
    (written,) = set(setting.iterdir()) - {mine}
    outside = Path("outside.npy")
    written.rename(outside)
    written.symlink_to(outside.resolve())
    data = outside.read_bytes()
    done = run(*arguments, "--seed", "1")
    assert mine.read_text() == "precious"
    assert outside.read_bytes() == data
    assert done.code in (0, 2)


def test_a_score_does_not_take_the_folder_of_trainings(run: Run, images: tuple[Path, Path]) -> None:
    assert run(*TRAIN, *images, "--class", "1", "--out", "out").code == 0
    before = files_in(Path("out"))
    done = run("score", images[1], images[1], "-m", "dice", "--out", "out")
    assert done.code == 2
    assert "out: holds a training run, and a score run must not take its place" in done.err
    assert files_in(Path("out")) == before


def test_a_damaged_record_of_a_training_is_told_with_its_remedy(run: Run, images: tuple[Path, Path]) -> None:
    arguments = [*TRAIN, *images, "--class", "1", "--out", "out"]
    assert run(*arguments).code == 0
    (record,) = Path("out/.segeval-cells").glob("*.json")
    for damaged in ("{", "[]", '{"key": 1}', "[" * 5000, record.read_text().replace('"losses": [', '"losses": [[], ')):
        record.write_text(damaged)
        done = run(*arguments)
        assert done.code == 3
        assert f"{record}: this record of a training is damaged. Delete it, and it is trained again." in done.err
    record.unlink()
    assert run(*arguments).code == 0


def test_an_interrupted_update_leaves_the_baseline_whole(
    run: Run, folders: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    run("score", *folders, "-m", "dice", "--out", "base")
    run("score", *folders, "-m", "dice,iou", "--out", "new")
    before = files_in(Path("base"))
    copied: list[Any] = []

    def interrupt(source: Any, target: Any) -> None:
        copied.append(source)
        Path(target).write_bytes(b"half")
        if len(copied) == 2:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(shutil, "copyfile", interrupt)
        done = run("gate", "new", "--fail-under", "dice:mean=0.0", "--update-baseline", "base")
    assert done.code == 130
    assert files_in(Path("base")) == before
    assert run("gate", "new", "--fail-under", "dice:mean=0.0", "--update-baseline", "base").code == 0
    assert files_in(Path("base")) == files_in(Path("new"))


def test_nothing_private_stays_after_a_run(run: Run, folders: tuple[Path, Path]) -> None:
    run("score", *folders, "-m", "dice")
    assert not [name for name in files_in(OUT) if name.startswith(".")]
