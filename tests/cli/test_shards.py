"""A run in parts, or gone on with after a kill: the same bytes as in one go."""

import json
import os
import shutil
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from segeval.results.run_folder import RunFolder
from segeval.scoring.slabs.tiles import _Sums
from tests.cli.given import Done, Run, files_in, large_cases, strict_json, write_image

Start = Callable[..., "Any"]
OUT = Path("segeval-results")
JOURNAL = ".segeval-journal.jsonl"
MEASURES = "dice,mean_iou,hd95,nsd,lesion,cross_entropy_loss,lovasz_hinge_loss,auc_roc,ece"
KINDS = ["labels", "probs"]


@pytest.fixture(params=KINDS)
def asked(request: pytest.FixtureRequest) -> list[str]:
    """Seven cases of masks or of maps, in which class 3 is in the last alone, and one side lacks a file."""
    rng = np.random.default_rng(7)
    for place, name in enumerate("abcdefg"):
        truth = rng.integers(0, 3, (4, 6, 5)).astype(np.uint8)
        if name == "g":
            truth[0, 0] = 3
        write_image(Path("truth", f"{name}.nii.gz"), truth)
        if request.param == "probs":
            logits = rng.normal(size=(4, 6, 5, 4)) + 2 * np.eye(4)[truth]
            probs = np.exp(logits) / np.exp(logits).sum(axis=-1, keepdims=True)
            write_image(Path("pred", f"{name}.nii.gz"), probs.astype(np.float32))
        elif name != "c":
            write_image(Path("pred", f"{name}.nii.gz"), np.where(rng.random(truth.shape) < 0.3, place % 3, truth))
    command = ["score", "pred", "truth", "-o", str(OUT), "-m", MEASURES, "--missing", "worst"]
    return [*command, "--format", "md", "--format", "nnunet"]


def same_but_for_times(folder: Path) -> dict[str, Any]:
    """The files of a run, without what may differ from one computer to the next."""
    found: dict[str, Any] = dict(files_in(folder))
    document = strict_json(found.pop("run.json").decode())
    del document["timings"], document["versions"]
    return found | {"run.json": json.dumps(document)}


def in_one_go(run: Run, asked: list[str]) -> dict[str, Any]:
    """What the run leaves in its folder, which is empty again then."""
    assert run(*asked).code == 0
    whole = same_but_for_times(OUT)
    shutil.rmtree(OUT)
    return whole


def shards(run: Run, asked: list[str], n: int) -> list[Path]:
    folders = [Path(f"shard{index}") for index in range(n)]
    for index, folder in enumerate(folders):
        done = run(*asked, "--shard", f"{index}/{n}", "-o", folder)
        assert (done.code, done.out) == (0, "")
        assert set(files_in(folder)) == {"cases.jsonl", "run.json"}
    return folders


@pytest.mark.slow
@pytest.mark.parametrize("n", [1, 3, 9])
def test_shards_join_to_the_bytes_of_the_whole_run(run: Run, asked: list[str], n: int) -> None:
    whole = in_one_go(run, asked)
    parts = shards(run, asked, n)
    assert run("merge", *reversed(parts), "-o", OUT).code == 0
    assert same_but_for_times(OUT) == whole
    pooled = [row["pooled"] for row in strict_json((OUT / "run.json").read_text())["summary"]]
    assert sum(value is not None for value in pooled) > 50


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_cases_in_slabs_join_and_resume_to_the_bytes_of_one_go(
    run: Run, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    asked = [*large_cases(kind), "--workers", "1", "-o", str(OUT)]
    slabs: list[Any] = []
    take = _Sums.take
    monkeypatch.setattr(_Sums, "take", lambda sums, tile: (slabs.append(tile.case.case_id), take(sums, tile)))
    whole = in_one_go(run, asked)
    assert all(slabs.count(name) > 2 for name in "ab")
    assert run("merge", *shards(run, asked, 2), "-o", OUT).code == 0
    assert same_but_for_times(OUT) == whole
    shutil.rmtree(OUT)
    with monkeypatch.context() as patch:
        patch.setattr(RunFolder, "close", lambda folder: folder.output.close())
        assert run(*asked).code == 0
    journal = OUT / JOURNAL
    os.truncate(journal, journal.stat().st_size - 30)
    done = run(*asked, "--resume")
    assert "segeval: 1 case taken from the run before\n" in done.err
    assert same_but_for_times(OUT) == whole


def refused(done: Done, *said: str) -> None:
    assert (done.code, done.out) == (2, "")
    for words in said:
        assert words in done.err


def score_abc(run: Run, folders: tuple[Path, Path], *more: Any) -> None:
    assert run("score", *folders, "-m", "dice", "-q", *more).code == 0


def test_shards_that_are_not_those_of_one_run_are_refused_by_name(run: Run, folders: tuple[Path, Path]) -> None:
    for index in range(3):
        score_abc(run, folders, "--shard", f"{index}/3", "-o", f"s{index}")
    score_abc(run, folders, "--shard", "1/2", "-o", "half")
    score_abc(run, folders, "--shard", "1/3", "-o", "iou", "-m", "iou")
    score_abc(run, folders, "--shard", "1/3", "-o", "seed", "--seed", "1")
    score_abc(run, folders, "-o", "whole")
    refused(run("merge", "s0", "s2", "-o", "m"), "Shard 1/3 is missing: 2 of 3 are named. Name all of them.")
    refused(run("merge", "s0", "s1", "s2", "s1", "-o", "m"), "s1 and s1: both are shard 1/3, whose cases would count")
    refused(run("merge", "s0", "half", "s2", "-o", "m"), "half: its number of shards (2, not 3) is not that of s0")
    refused(run("merge", "s0", "iou", "s2", "-o", "m"), "iou: its option measures is not that of s0", "same way")
    refused(run("merge", "s0", "seed", "s2", "-o", "m"), "seed: its option seed is not that of s0")
    refused(run("merge", "s0", "whole", "s2", "-o", "m"), "whole: is no finished shard. Name folders that")
    refused(run("merge", "s0", "nowhere", "-o", "m"), "shard nowhere: no such file or folder")
    write_image(folders[0] / "d.npy", np.zeros((2, 8), np.uint8))
    write_image(folders[1] / "d.npy", np.zeros((2, 8), np.uint8))
    score_abc(run, folders, "--shard", "1/3", "-o", "more")
    refused(run("merge", "s0", "more", "s2", "-o", "m"), "more: its list of cases is not that of s0")
    assert not Path("m").exists()


def test_a_shard_of_another_version_or_with_a_damaged_case_is_refused(
    run: Run, folders: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    score_abc(run, folders, "--shard", "0/1", "-o", "s0")
    cases = Path("s0/cases.jsonl")
    whole = cases.read_bytes()
    cases.write_bytes(whole.replace(b'"ok"', b'"no"', 1))
    refused(run("merge", "s0", "-o", "m"), "s0: has no case a, which is of its shard. Score it again")
    cases.write_bytes(whole)
    monkeypatch.setattr("segeval.__version__", "99.0")
    refused(run("merge", "s0", "-o", "m"), "s0: was scored by segeval ", ", and this is segeval 99.0 with numpy")


def test_a_lone_shard_is_no_run_for_gate_compare_and_report(run: Run, folders: tuple[Path, Path]) -> None:
    score_abc(run, folders, "-o", "whole")
    score_abc(run, folders, "--shard", "0/2", "-o", "s0")
    Path("segeval.yaml").write_text("schema_version: 1\nrules:\n  - {id: any, measure: dice, min: 0}\n")
    for command in (["gate", "s0"], ["compare", "whole", "s0"], ["report", "s0"]):
        refused(run(*command), "s0: holds shard 0/2 of a run", "Join them with `segeval merge RUN... --out DIR`")


@pytest.mark.parametrize("text", ["3/3", "-1/3", "1", "1/0", "a/b", "1/2/3", "1/2147483648999"])
def test_a_shard_that_is_none_is_refused(run: Run, folders: tuple[Path, Path], text: str) -> None:
    refused(run("score", *folders, f"--shard={text}"), "--shard")


def test_a_gate_has_no_say_on_a_shard(run: Run, folders: tuple[Path, Path]) -> None:
    Path("rules.yaml").write_text("schema_version: 1\nrules:\n  - {id: any, measure: dice, min: 0}\n")
    refused(run("score", *folders, "--shard", "0/2", "--gate", "rules.yaml"), "--shard scores a part", "segeval merge")


@pytest.fixture
def journal(run: Run, asked: list[str], monkeypatch: pytest.MonkeyPatch) -> bytes:
    """The journal of the run as it was right before its end."""
    with monkeypatch.context() as patch:
        patch.setattr(RunFolder, "close", lambda folder: folder.output.close())
        assert run(*asked).code == 0
    found = (OUT / JOURNAL).read_bytes()
    shutil.rmtree(OUT)
    return found


@pytest.mark.slow
def test_a_run_that_was_killed_anywhere_resumes_to_the_bytes_of_an_undisturbed_one(
    run: Run, asked: list[str], journal: bytes
) -> None:
    whole = in_one_go(run, asked)
    rng = np.random.default_rng(int.from_bytes(os.urandom(4), "little"))
    for size in [0, len(journal), *rng.integers(1, len(journal), 5).tolist()]:
        OUT.mkdir()
        (OUT / JOURNAL).write_bytes(journal[:size])
        done = run(*asked, "--resume")
        n_whole = max(journal[:size].count(b"\n") - 1, 0)
        assert done.code == 0
        assert any(
            f"segeval: {n} case{'s' * (n != 1)} taken from the run before\n" in done.err for n in (n_whole, n_whole + 1)
        )
        assert same_but_for_times(OUT) == whole, f"killed after {size} bytes of {len(journal)}"
        shutil.rmtree(OUT)


@pytest.mark.parametrize("asked", ["labels"], indirect=True)
def test_what_does_not_agree_is_scored_again_and_counted(run: Run, asked: list[str], journal: bytes) -> None:
    def resumed(*more: str) -> str:
        OUT.mkdir()
        (OUT / JOURNAL).write_bytes(journal)
        err = run(*asked, *more, "--resume").err
        shutil.rmtree(OUT)
        return err

    assert "7 cases taken from the run before\n" in resumed("--bootstrap", "10", "--seed", "3")
    assert "0 cases taken from the run before; it was of another plan or version, so its 7" in resumed("-m", "dice")
    os.utime("truth/a.nii.gz", (1, 1))
    assert "7 cases taken" in resumed(), "the bytes tell, and a copy of a folder has other times"
    times = Path("truth/b.nii.gz").stat()
    data = bytearray(Path("truth/b.nii.gz").read_bytes())
    write_image(Path("truth/b.nii.gz"), np.ones((4, 6, 5), np.uint8))
    padding = Path("truth/b.nii.gz").read_bytes()
    assert padding != data
    os.utime("truth/b.nii.gz", ns=(times.st_atime_ns, times.st_mtime_ns))
    shutil.copy("pred/a.nii.gz", "pred/c.nii.gz")
    assert "5 cases taken from the run before, 2 of it scored again" in resumed()
    expected = in_one_go(run, asked)
    OUT.mkdir()
    (OUT / JOURNAL).write_bytes(journal)
    assert run(*asked, "--resume").code == 0
    assert same_but_for_times(OUT) == expected


def test_voxels_in_a_file_of_their_own_count_as_well(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    for side in ("pred", "truth"):
        Path(side).mkdir()
        header = "NDims = 2\nDimSize = 4 2\nElementType = MET_UCHAR\nElementDataFile = a.raw\n"
        Path(side, "a.mhd").write_text(f"ObjectType = Image\n{header}")
        Path(side, "a.raw").write_bytes(bytes([0, 1, 1, 0, 0, 1, 1, 0]))
    with monkeypatch.context() as patch:
        patch.setattr(RunFolder, "close", lambda folder: folder.output.close())
        assert run("score", "pred", "truth", "-m", "dice").code == 0
    Path("pred", "a.raw").write_bytes(bytes([0, 1, 1, 0, 0, 0, 0, 0]))
    done = run("score", "pred", "truth", "-m", "dice", "--resume")
    assert "0 cases taken from the run before, 1 of it scored again" in done.err
    assert strict_json((OUT / "run.json").read_text())["scores"][0]["dice"] == 2 / 3


@pytest.mark.slow
@pytest.mark.parametrize("asked", ["labels"], indirect=True)
def test_a_process_that_is_killed_or_stopped_goes_on_where_it_was(run: Run, start: Start, asked: list[str]) -> None:
    for side in ("pred", "truth"):
        for i in range(40):
            shutil.copy(f"{side}/a.nii.gz", f"{side}/a{i:02}.nii.gz")
    whole = in_one_go(run, asked)
    rng = np.random.default_rng(int.from_bytes(os.urandom(4), "little"))
    for name in ("SIGKILL", "SIGTERM", "SIGKILL"):
        process = start(*asked, "--resume", "--workers", "2", start_new_session=True)
        before = (OUT / JOURNAL).stat().st_size if (OUT / JOURNAL).exists() else 0
        until = before + int(rng.integers(1, 50_000))
        while process.poll() is None and not ((OUT / JOURNAL).exists() and (OUT / JOURNAL).stat().st_size > until):
            time.sleep(0.005)
        os.killpg(process.pid, getattr(signal, name)) if process.poll() is None else None
        process.communicate(timeout=60)
    done = run(*asked, "--resume")
    assert done.code == 0
    assert same_but_for_times(OUT) == whole


def test_a_shard_resumes_too(run: Run, folders: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(RunFolder, "close", lambda folder: folder.output.close())
        score_abc(run, folders, "--shard", "0/2", "-o", "s0")
    left = Path("s0", JOURNAL).read_bytes()
    shutil.rmtree("s0")
    Path("s0").mkdir()
    Path("s0", JOURNAL).write_bytes(left[:-30])
    done = run("score", *folders, "-m", "dice", "--shard", "0/2", "-o", "s0", "--resume")
    assert "1 case taken from the run before" in done.err
    score_abc(run, folders, "--shard", "1/2", "-o", "s1")
    assert run("merge", "s0", "s1", "-o", OUT).code == 0


def test_a_case_that_failed_is_tried_again(
    run: Run, folders: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = (folders[0] / "b.npy").read_bytes()
    (folders[0] / "b.npy").write_bytes(b"damaged")
    with monkeypatch.context() as patch:
        patch.setattr(RunFolder, "close", lambda folder: folder.output.close())
        assert run("score", *folders, "-m", "dice", "--keep-going").code == 3
    (folders[0] / "b.npy").write_bytes(whole)
    done = run("score", *folders, "-m", "dice", "--resume")
    assert done.code == 0
    assert "2 cases taken from the run before, 1 of it scored again" in done.err


def test_without_resume_what_a_killed_run_left_is_cleaned(
    run: Run, folders: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(RunFolder, "close", lambda folder: folder.output.close())
        score_abc(run, folders)
    assert (OUT / JOURNAL).exists()
    done = run("score", *folders, "-m", "dice")
    assert "taken from" not in done.err
    assert not (OUT / JOURNAL).exists()
