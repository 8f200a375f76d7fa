"""Results only go where nothing else is."""

import errno
import os
import tempfile
from pathlib import Path

import pytest

from segeval.errors import ConfigError
from segeval.files.outputs import prepare_output_folder


def test_a_new_folder_is_made_with_its_parents(tmp_path: Path) -> None:
    folder = tmp_path / "a" / "b c"
    assert prepare_output_folder(folder) == folder
    assert folder.is_dir()
    assert list(folder.iterdir()) == []


def test_an_empty_folder_and_a_link_to_one_are_taken(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real", target_is_directory=True)
    assert prepare_output_folder(tmp_path / "real").is_dir()
    assert prepare_output_folder(tmp_path / "link").is_dir()


def test_a_folder_with_an_earlier_run_is_taken_and_left_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "run.json").write_text('{"schema_version": 1, "tool": "segeval"}')
    (tmp_path / "scores.csv").touch()
    prepare_output_folder(tmp_path)
    assert {one.name for one in tmp_path.iterdir()} == {"run.json", "scores.csv"}


@pytest.mark.parametrize("names", [[".segeval-journal.jsonl"], [".segeval-journal.jsonl", "scores.csv"]])
def test_a_folder_with_the_journal_of_a_killed_run_is_taken(tmp_path: Path, names: list[str]) -> None:
    for name in names:
        (tmp_path / name).touch()
    assert prepare_output_folder(tmp_path) == tmp_path


@pytest.mark.parametrize("name", ["thesis.docx", ".git/config", "scores.csv", "pred/a.nii.gz"])
def test_a_folder_that_holds_something_else_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).touch()
    with pytest.raises(ConfigError, match=rf"holds something else, such as {name.split('/')[0]}.*--out"):
        prepare_output_folder(tmp_path)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"tool": "other"}', '{"results": {"tool": "segeval"}}', "\udcff"])
def test_the_run_of_another_tool_is_not_ours(tmp_path: Path, text: str) -> None:
    (tmp_path / "run.json").write_text(text, errors="surrogateescape")
    with pytest.raises(ConfigError, match=r"holds something else, such as run\.json"):
        prepare_output_folder(tmp_path)


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ConfigError, match="this is a file, and results need a folder"):
        prepare_output_folder(tmp_path / "file")
    with pytest.raises(ConfigError, match="cannot be written"):
        prepare_output_folder(tmp_path / "file" / "below")


def test_a_link_that_leads_nowhere_is_refused(tmp_path: Path) -> None:
    (tmp_path / "circle").symlink_to("circle")
    with pytest.raises(ConfigError, match="cannot be written"):
        prepare_output_folder(tmp_path / "circle")


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may write everywhere")
@pytest.mark.parametrize("name", ["", "new"])
def test_a_read_only_folder_is_refused(tmp_path: Path, name: str) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(ConfigError, match=r"cannot be written \(Permission denied\)"):
        prepare_output_folder(tmp_path / name)


def test_a_read_only_disk_is_noticed_before_the_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def read_only(**_: object) -> None:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    monkeypatch.setattr(tempfile, "TemporaryFile", read_only)
    with pytest.raises(ConfigError, match=r"cannot be written \(Read-only file system\)\. Make it writable"):
        prepare_output_folder(tmp_path)
