"""Files are written whole or not at all."""

import errno
import os
import stat
from pathlib import Path

import pytest

from segeval.errors import ConfigError
from segeval.files.writing import whole_file, write_text_atomically


def no_space(*_: object) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_text_is_written_as_it_is(tmp_path: Path) -> None:
    write_text_atomically(tmp_path / "a.txt", "größer\r\n表\n")
    assert (tmp_path / "a.txt").read_bytes() == "größer\r\n表\n".encode()
    assert [one.name for one in tmp_path.iterdir()] == ["a.txt"]


def test_the_old_file_stays_until_the_new_one_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    write_text_atomically(path, "old")
    with whole_file(path) as file:
        file.write("new")
        file.flush()
        assert path.read_text() == "old"
    assert path.read_text() == "new"


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_a_failure_while_writing_keeps_the_old_file_and_leaves_no_other(
    tmp_path: Path, error: type[BaseException]
) -> None:
    path = tmp_path / "a.txt"
    write_text_atomically(path, "old")
    with pytest.raises(error):
        write_half(path, error)
    assert path.read_text() == "old"
    assert [one.name for one in tmp_path.iterdir()] == ["a.txt"]


def write_half(path: Path, error: type[BaseException]) -> None:
    with whole_file(path) as file:
        file.write("half")
        raise error


def test_a_full_disk_is_said_and_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.txt"
    monkeypatch.setattr(os, "fsync", no_space)
    with pytest.raises(ConfigError, match=r"a\.txt: cannot be written \(No space left on device\)\. Free some space"):
        write_text_atomically(path, "x")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_a_device_is_written_in_place(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"/dev/full: cannot be written \(No space left on device\)"):
        write_text_atomically(Path("/dev/full"), "x" * 100_000)
    assert stat.S_ISCHR(Path("/dev/full").stat().st_mode)


def test_a_folder_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(
        ConfigError, match=r"a\.txt: cannot be written \(No such file or directory\)\. Make it writable"
    ):
        write_text_atomically(tmp_path / "nowhere" / "a.txt", "x")
    with pytest.raises(ConfigError, match="cannot be written"):
        write_text_atomically(tmp_path, "x")


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may write everywhere")
def test_a_read_only_folder_is_said(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(ConfigError, match=r"cannot be written \(Permission denied\)"):
        write_text_atomically(tmp_path / "a.txt", "x")


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "real.txt").write_text("old")
    (tmp_path / "link.txt").symlink_to("real.txt")
    write_text_atomically(tmp_path / "link.txt", "new")
    assert (tmp_path / "link.txt").is_symlink()
    assert (tmp_path / "real.txt").read_text() == "new"


@pytest.mark.skipif(os.name != "posix", reason="permission bits are a thing of POSIX")
def test_others_may_read_as_the_umask_says(tmp_path: Path) -> None:
    before = os.umask(0o022)
    try:
        write_text_atomically(tmp_path / "a.txt", "x")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "a.txt").stat().st_mode) == 0o644


def test_a_name_that_is_no_utf_8_can_be_written(tmp_path: Path) -> None:
    write_text_atomically(tmp_path / "a.txt", os.fsdecode(b"caf\xe9"))
    assert (tmp_path / "a.txt").read_text() == r"caf\udce9"
