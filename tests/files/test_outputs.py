"""Results only go where nothing else is, one run at a time, and only to files of their own."""

import json
import os
from pathlib import Path

import pytest

from segeval.errors import ConfigError
from segeval.files.locking import LOCK
from segeval.files.ours import KEPT, STAGE
from segeval.files.outputs import OutputFolder

OLD_RUN = '{"tool": "segeval", "kind": "score", "tables": {"scores": {}}}'


def take(path: Path, kind: str = "score") -> None:
    """Have the folder for a moment."""
    OutputFolder.open(path, kind=kind).close()


def publish(path: Path, *names: str, kind: str = "score") -> None:
    """Write a run of these files."""
    with OutputFolder.open(path, kind=kind) as folder, folder.stage() as stage:
        for name in names:
            (stage / name).write_text(name)
        document = {"tool": "segeval", "kind": kind, "written": dict.fromkeys(names, "")}
        (stage / "run.json").write_text(json.dumps(document))


def names_in(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_a_new_folder_is_made_with_its_parents_and_goes_if_nothing_came_of_it(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b c"
    with OutputFolder.open(path, kind="score"):
        assert names_in(path) == {LOCK}
    assert not path.exists()
    publish(path, "scores.csv")
    assert names_in(path) == {"scores.csv", "run.json"}


def test_an_empty_folder_and_a_link_to_one_are_taken(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real", target_is_directory=True)
    publish(tmp_path / "link", "scores.csv")
    assert names_in(tmp_path / "real") == {"scores.csv", "run.json"}
    take(tmp_path / "real")


def test_a_folder_with_an_earlier_run_is_taken_and_left_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "run.json").write_text(OLD_RUN)
    (tmp_path / "scores.csv").touch()
    take(tmp_path)
    assert names_in(tmp_path) == {"run.json", "scores.csv"}


def test_what_a_killed_run_left_is_cleaned_up(tmp_path: Path) -> None:
    for name in (".segeval-journal.jsonl", LOCK, f"{STAGE}x/scores.csv", ".segeval-scores.csv.1.tmp"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    take(tmp_path)
    assert names_in(tmp_path) == set()


def test_a_run_that_was_killed_between_two_moves_is_known_by_its_stage(tmp_path: Path) -> None:
    stage = tmp_path / f"{STAGE}x"
    stage.mkdir()
    stage.joinpath("run.json").write_text('{"tool": "segeval", "kind": "score", "written": {"scores.csv": ""}}')
    tmp_path.joinpath("scores.csv").touch()
    publish(tmp_path, "scores.csv")
    assert names_in(tmp_path) == {"scores.csv", "run.json"}


@pytest.mark.parametrize("name", ["thesis.docx", ".git/config", "scores.csv", "pred/a.nii.gz"])
@pytest.mark.parametrize("leftover", [None, ".segeval-journal.jsonl"])
def test_a_folder_that_holds_something_else_is_refused(tmp_path: Path, name: str, leftover: str | None) -> None:
    for one in (name, leftover or name):
        (tmp_path / one).parent.mkdir(exist_ok=True)
        (tmp_path / one).touch()
    with pytest.raises(ConfigError, match=rf"holds something else, such as {name.split('/')[0]}.*--out"):
        take(tmp_path)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"tool": "other"}', '{"results": {"tool": "segeval"}}', "\udcff"])
def test_the_run_of_another_tool_is_not_ours(tmp_path: Path, text: str) -> None:
    (tmp_path / "run.json").write_text(text, errors="surrogateescape")
    with pytest.raises(ConfigError, match=r"holds something else, such as run\.json"):
        take(tmp_path)


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ConfigError, match="this is a file, and results need a folder"):
        take(tmp_path / "file")
    with pytest.raises(ConfigError, match="cannot be written"):
        take(tmp_path / "file" / "below")


def test_a_link_that_leads_nowhere_is_refused(tmp_path: Path) -> None:
    (tmp_path / "circle").symlink_to("circle")
    with pytest.raises(ConfigError, match="cannot be written"):
        take(tmp_path / "circle")


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may write everywhere")
@pytest.mark.parametrize("name", ["", "new"])
def test_a_read_only_folder_is_refused(tmp_path: Path, name: str) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(ConfigError, match=r"cannot be written \(Permission denied\)"):
        take(tmp_path / name)


@pytest.mark.parametrize(("there", "coming"), [("score", "compare"), ("training", "score"), ("sweep", "training")])
def test_one_kind_of_run_does_not_take_the_place_of_another(tmp_path: Path, there: str, coming: str) -> None:
    publish(tmp_path, "scores.csv", kind=there)
    with pytest.raises(ConfigError, match=f"holds a {there} run, and a {coming} run must not take its place"):
        take(tmp_path, kind=coming)
    assert names_in(tmp_path) == {"scores.csv", "run.json"}


def test_a_training_that_was_broken_off_is_no_place_for_a_score(tmp_path: Path) -> None:
    with OutputFolder.open(tmp_path, kind="training") as folder:
        folder.claim("maps/a.npy").parent.mkdir()
    with pytest.raises(ConfigError, match="holds a training run"):
        take(tmp_path)


@pytest.mark.parametrize("listed", [True, False])
def test_a_file_that_no_record_speaks_of_is_neither_replaced_nor_deleted(tmp_path: Path, listed: bool) -> None:
    publish(tmp_path, "scores.csv", *(["summary.md"] if listed else []))
    (tmp_path / "summary.md").write_text("my notes")
    if listed:
        publish(tmp_path, "scores.csv")
        assert names_in(tmp_path) == {"scores.csv", "run.json"}, "an extra file of ours goes, it would contradict"
        return
    publish(tmp_path, "scores.csv")
    with pytest.raises(ConfigError, match=r"summary\.md: is in the way, and nothing says that segeval wrote it"):
        publish(tmp_path, "scores.csv", "summary.md")
    assert (tmp_path / "summary.md").read_text() == "my notes"
    assert names_in(tmp_path) == {"scores.csv", "run.json", "summary.md"}


def test_no_list_makes_a_file_elsewhere_ours(tmp_path: Path) -> None:
    out, outside = tmp_path / "out", tmp_path / "thesis.docx"
    publish(out, "scores.csv")
    outside.touch()
    run = {"tool": "segeval", "kind": "score", "written": {"../thesis.docx": "", str(outside): "", "scores.csv": ""}}
    (out / "run.json").write_text(json.dumps(run))
    publish(out, "scores.csv")
    assert outside.exists()


def test_a_link_in_the_place_of_a_table_is_replaced_and_its_target_stays(tmp_path: Path) -> None:
    out, outside = tmp_path / "out", tmp_path / "precious.csv"
    publish(out, "scores.csv", "cases.csv")
    outside.write_text("precious")
    for name in ("scores.csv", "cases.csv"):
        (out / name).unlink()
        (out / name).symlink_to(outside)
    publish(out, "scores.csv")
    assert outside.read_text() == "precious"
    assert (out / "scores.csv").read_text() == "scores.csv"


@pytest.mark.parametrize("name", ["../a.npy", "/tmp/a.npy", "a/../../b.npy", "..", "away/a.npy", "link.npy"])
def test_no_file_is_claimed_outside_the_folder(tmp_path: Path, name: str) -> None:
    out, outside = tmp_path / "out", tmp_path / "outside"
    outside.mkdir()
    with OutputFolder.open(out, kind="training") as folder:
        (out / "away").symlink_to(outside)
        (out / "link.npy").symlink_to(outside / "a.npy")
        with pytest.raises(ConfigError, match="leads out of"):
            folder.claim(name)


def test_claimed_files_outlive_a_run_and_only_they_are_dropped(tmp_path: Path) -> None:
    with OutputFolder.open(tmp_path, kind="training") as folder:
        for name in ("a.npy", "b.npy"):
            folder.claim(f"maps/{name}").parent.mkdir(exist_ok=True)
            (tmp_path / "maps" / name).touch()
        (tmp_path / "maps" / "mine.npy").touch()
        with pytest.raises(ConfigError, match=r"mine\.npy: is in the way"):
            folder.claim("maps/mine.npy")
    with (tmp_path / KEPT / "files.jsonl").open("a") as claims:
        claims.write('"maps/half a li')  # a killed run
    (tmp_path / "maps" / ".segeval-c.npy").touch()
    with OutputFolder.open(tmp_path, kind="training") as folder:
        assert not (tmp_path / "maps" / ".segeval-c.npy").exists()
        folder.claim("maps/c.npy").touch()
    with OutputFolder.open(tmp_path, kind="training") as folder:
        for name in ("maps/a.npy", "maps/c.npy", "maps/mine.npy"):
            folder.drop(name)
    assert names_in(tmp_path / "maps") == {"b.npy", "mine.npy"}


def test_nothing_is_deleted_through_a_link(tmp_path: Path) -> None:
    out, outside = tmp_path / "out", tmp_path / "outside"
    with OutputFolder.open(out, kind="training") as folder:
        folder.claim("maps/a.npy").parent.mkdir()
        (out / "maps").rename(outside)
        (outside / "a.npy").touch()
        (out / "maps").symlink_to(outside)
        with pytest.raises(ConfigError, match="leads out of"):
            folder.drop("maps/a.npy")
    assert (outside / "a.npy").exists()


def test_a_second_run_is_refused_while_the_first_lives(tmp_path: Path) -> None:
    out = tmp_path / "out"
    with OutputFolder.open(out, kind="score") as first:
        with pytest.raises(ConfigError, match=rf"another run \(process {os.getpid()}\) is writing there"):
            take(out)
        with first.stage() as stage:
            (stage / "run.json").write_text(OLD_RUN)
    assert names_in(out) == {"run.json"}
    take(out)
