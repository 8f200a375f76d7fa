"""Files that cannot be scored: each gets one clear message, exit code 3, and nothing is written."""

import gzip
import os
import struct
from collections.abc import Callable
from pathlib import Path

import nibabel
import numpy as np
import pytest
from PIL import Image

from tests.cli.given import IS_ROOT, Run, files_in, ids, rows_of, write_cases, write_image

OUT = Path("segeval-results")
Damage = Callable[[Path], None]


def blob(dtype: str = "uint8") -> np.ndarray:
    array = np.zeros((8, 8, 8), dtype=dtype)
    array[2:5, 2:5, 2:5] = 1
    return array


def write_bytes(data: bytes) -> Damage:
    return lambda path: path.write_bytes(data) and None


def cut_short(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-20])


def flip_a_bit(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[-6] ^= 0b100  # in the checksum
    path.write_bytes(data)


def claim_a_huge_image(path: Path) -> None:
    header = bytearray(gzip.decompress(path.read_bytes()))
    header[40:56] = struct.pack("<8h", 3, 32000, 32000, 32000, 1, 1, 1, 1)
    path.write_bytes(gzip.compress(bytes(header)))


def store(array: np.ndarray, dtype: type | None = None) -> Damage:
    return lambda path: nibabel.save(nibabel.Nifti1Image(array, np.eye(4), dtype=dtype), path)


def with_value(value: float) -> np.ndarray:
    array = blob("float32")
    array[0, 0, 0] = value
    return array


BAD_NIFTI = {
    "cut short": (cut_short, "copy or write it again"),
    "a flipped bit": (flip_a_bit, "copy or write it again"),
    "no bytes": (write_bytes(b""), "is empty (0 bytes). Write it again."),
    "text": (write_bytes(b"case,pred,truth\n"), "is cut short, damaged or not what its name says"),
    "text in gzip": (write_bytes(gzip.compress(b"0123456789" * 50)), "is no NIfTI file, it begins with b'0123'"),
    "a huge image": (claim_a_huge_image, "more than the file can hold"),
    "floats that are no ids": (store(with_value(2.5)), "values from 0 to 2.5 are n"),
    "NaN": (store(with_value(np.nan)), "1 voxels are NaN or infinite"),
    "infinity": (store(with_value(np.inf)), "1 voxels are NaN or infinite"),
    "negative ids": (store(-blob("int16")), "holds negative ids (-1). Ids start at 0; pass --ignore-label"),
    "too many ids": (
        store(100_000 + np.arange(5832).reshape(18, 18, 18).astype(np.int32)),
        "more than 4096 different values",
    ),
    "channels": (store(np.zeros((8, 8, 8, 3), dtype=np.uint8)), "has channels, and labels are one id per voxel"),
}


@pytest.mark.parametrize("side", ["pred", "truth"])
@pytest.mark.parametrize("damage", BAD_NIFTI)
def test_a_bad_nifti_stops_the_run_with_its_name_the_fact_and_a_remedy(run: Run, damage: str, side: str) -> None:
    do_damage, message = BAD_NIFTI[damage]
    for folder in ("pred", "truth"):
        write_image(Path(folder, "x.nii.gz"), blob())
    do_damage(Path(side, "x.nii.gz"))
    done = run("score", "pred", "truth")
    assert (done.code, done.out) == (3, "")
    assert f"segeval: {side}/x.nii.gz: " in done.err
    assert message in done.err
    assert "Traceback" not in done.err
    assert not OUT.exists()


@pytest.mark.parametrize("damage", BAD_NIFTI)
def test_the_doctor_finds_it_too(run: Run, damage: str) -> None:
    do_damage, message = BAD_NIFTI[damage]
    for folder in ("pred", "truth"):
        write_image(Path(folder, "x.nii.gz"), blob())
    do_damage(Path("pred", "x.nii.gz"))
    done = run("doctor", "pred", "truth")
    assert done.code == 3
    assert message in done.out.replace("\n", " ")
    assert "score would stop: 1 of 1 case cannot be scored." in done.out


def test_with_keep_going_all_bad_files_are_listed_and_the_good_one_is_scored(run: Run) -> None:
    for name in (*BAD_NIFTI, "good"):
        for folder in ("pred", "truth"):
            write_image(Path(folder, f"{name}.nii.gz"), blob())
        if name != "good":
            BAD_NIFTI[name][0](Path("pred", f"{name}.nii.gz"))
    done = run("score", "pred", "truth", "--keep-going", "-m", "dice")
    assert done.code == 3
    assert [message for _, message in BAD_NIFTI.values() if message not in done.err] == []
    statuses = {row["case"]: row["status"] for row in rows_of(OUT / "cases.csv")}
    assert statuses == {**dict.fromkeys(BAD_NIFTI, "failed"), "good": "ok"}
    assert [row["case"] for row in rows_of(OUT / "scores.csv")] == ["good"]


def test_floats_that_are_whole_numbers_are_ids(run: Run) -> None:
    write_image(Path("pred/x.nii.gz"), blob("float32"))
    write_image(Path("truth/x.nii.gz"), blob())
    assert run("score", "pred", "truth", "-m", "dice").code == 0


def test_colours_are_no_ids(run: Run) -> None:
    for side in ("pred", "truth"):
        Path(side).mkdir()
        Image.new("RGB", (4, 4), "red").save(Path(side, "x.png"))
    done = run("score", "pred", "truth")
    assert done.code == 3
    assert "pred/x.png: its colour mode is RGB" in done.err or "truth/x.png: its colour mode is RGB" in done.err


def test_an_image_without_a_place_does_not_meet_one_with_a_place(run: Run) -> None:
    write_image(Path("pred/x.png"), np.zeros((8, 8), dtype=np.uint8))
    write_image(Path("truth/x.nii.gz"), np.zeros((8, 8, 1), dtype=np.uint8))
    done = run("score", "pred", "truth")
    assert done.code == 3
    assert "--ignore-geometry" in done.err


@pytest.mark.skipif(IS_ROOT, reason="root may read everything")
def test_a_file_that_may_not_be_read_is_told(run: Run, folders: tuple[Path, Path]) -> None:
    (folders[0] / "a.npy").chmod(0)
    done = run("score", *folders)
    assert done.code == 3
    assert "a.npy: cannot be read (Permission denied)" in done.err


def test_a_broken_link_is_told(run: Run, folders: tuple[Path, Path]) -> None:
    (folders[0] / "a.npy").unlink()
    (folders[0] / "a.npy").symlink_to("nowhere.npy")
    done = run("score", *folders)
    assert done.code == 3
    assert "a.npy: cannot be read (No such file or directory)" in done.err


def test_links_in_a_circle_end(run: Run, folders: tuple[Path, Path]) -> None:
    (folders[0] / "round").symlink_to(folders[0], target_is_directory=True)
    (folders[0] / "self.npy").symlink_to("self.npy")
    (folders[1] / "self.npy").symlink_to("self.npy")
    done = run("score", *folders)
    assert done.code == 3
    assert "self.npy: cannot be read (Too many levels of symbolic links)" in done.err


def test_two_files_for_one_case_are_told_apart_by_nobody(run: Run, folders: tuple[Path, Path]) -> None:
    write_image(folders[0] / "a.png", ids("1110"))
    done = run("score", *folders)
    assert done.code == 3
    assert "a.npy" in done.err
    assert "both belong to case 'a'" in done.err


@pytest.mark.parametrize("inside", [None, "notes.txt"])
def test_a_folder_without_masks_is_told(run: Run, folders: tuple[Path, Path], inside: str | None) -> None:
    Path("none").mkdir()
    if inside:
        Path("none", inside).touch()
    done = run("score", "none", folders[1])
    assert done.code == 3
    assert ("only other files (1), such as notes.txt" if inside else "this folder is empty") in done.err


def test_files_that_are_no_cases_are_passed_over_and_told(run: Run, folders: tuple[Path, Path]) -> None:
    (folders[0] / "dataset.json").write_text("{}")
    done = run("score", *folders, "-m", "dice")
    assert done.code == 0
    assert "note: " in done.err
    assert "pred: passed over 1 (no image): dataset.json" in done.err


NAMES = ["with space", "größe", "line\nbreak", "=1+1", "-dash", "+plus", "@at", 'quo"te', "comma,s", "%s{case}", "'tis"]


def test_any_name_is_a_name(run: Run) -> None:
    for side in ("pred", "truth"):
        write_cases(Path(side), dict.fromkeys(NAMES, ids("0110")))
    done = run("score", "pred", "truth", "-m", "dice", "--format", "md,latex,nnunet")
    assert done.code == 0
    cases = [row["case"] for row in rows_of(OUT / "scores.csv")]
    assert cases == [f"'{name}" if name[0] in "=-+@" else name for name in sorted(NAMES)]
    assert run("doctor", "pred", "truth").code == 0


def test_a_folder_whose_name_begins_with_a_dash_stands_after_two_dashes(run: Run) -> None:
    for side in ("-pred", "-truth"):
        write_cases(Path(side), {"x": ids("01")})
    assert run("score", "-m", "dice", "--", "-pred", "-truth").code == 0


@pytest.mark.skipif(os.name == "nt", reason="names are bytes on POSIX only")
def test_a_name_that_is_no_utf_8_breaks_nothing(run: Run) -> None:
    for side in ("pred", "truth"):
        path = write_cases(Path(side), {"x": ids("01")}) / "x.npy"
        os.rename(path, os.fsencode(path.parent) + b"/caf\xe9.npy")  # noqa: PTH104
    done = run("score", "pred", "truth", "-m", "dice", "--json")
    assert done.code == 0
    assert r"caf\\udce9" in done.out
    assert rows_of(OUT / "cases.csv")[0]["case"] == r"caf\udce9"


def test_a_bad_file_in_an_earlier_run_s_place_changes_nothing(run: Run, folders: tuple[Path, Path]) -> None:
    run("score", *folders, "-m", "dice")
    before = files_in(OUT)
    (folders[0] / "c.npy").write_bytes(b"\x93NUMPY")
    assert run("score", *folders, "-m", "dice").code == 3
    assert files_in(OUT) == before
