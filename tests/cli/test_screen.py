"""What a person sees: terminals of any width, colours and their absence, quiet runs, and readers that leave early."""

import io
import json
import os
import re
import struct
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest

from segeval.cli import app
from tests.cli.given import SAMPLE, Run, columns_of, ids, rows_of, strict_json, write_image

Start = Callable[..., "subprocess.Popen[str]"]
ESCAPE = "\x1b["
SIDES = (SAMPLE / "pred", SAMPLE / "gt")
SAMPLE_RUN = ("score", *SIDES, "-m", "dice,iou,sensitivity,precision", "--bootstrap", "0")


class Terminal(io.TextIOWrapper):
    """A stdout that is a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """Run a command line in this process before a terminal of some width, and return what that shows."""

    def run_it(*arguments: object, columns: int = 80, env: dict[str, str] | None = None) -> str:
        for name, value in {"TERM": "xterm-256color", "COLUMNS": str(columns), **(env or {})}.items():
            monkeypatch.setenv(name, value)
        screen = Terminal(io.BytesIO(), encoding="utf-8")
        monkeypatch.setattr(sys, "stdout", screen)
        assert app.run([str(one) for one in arguments]) == 0
        screen.seek(0)
        return screen.read()

    return run_it


def without_escapes(text: str) -> str:
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", text)


@pytest.mark.parametrize("columns", [40, 80, 140])
@pytest.mark.parametrize("command", [SAMPLE_RUN, ("doctor", *SIDES), ("measures",), ("measures", "dice")])
def test_no_line_is_wider_than_the_terminal(
    terminal: Callable[..., str], command: tuple[object, ...], columns: int
) -> None:
    lines = without_escapes(terminal(*command, columns=columns)).splitlines()
    assert max(map(len, lines)) <= columns


def test_measures_that_do_not_fit_get_a_table_of_their_own(terminal: Callable[..., str]) -> None:
    lines = without_escapes(terminal(*SAMPLE_RUN, columns=40)).splitlines()
    headers = [line.split() for line in lines if line.startswith("class ")]
    assert headers == [
        *(["class", "cases", name] for name in ("dice", "iou", "sensitivity", "precision")),
        ["class", "dice", "status", "dice"],  # the heading `worst by dice` has two lines
    ]
    assert lines[2].split() == ["1", "12", "0.906", "±", "0.076"]


def test_a_true_terminal_gets_bold_headings_as_wide_as_it_is(start: Start) -> None:
    pty, fcntl, termios = (pytest.importorskip(name) for name in ("pty", "fcntl", "termios"))
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 60, 0, 0))
    process = start(*SAMPLE_RUN, stdout=theirs, stderr=theirs, env={"TERM": "xterm-256color"})
    os.close(theirs)
    said = ""
    with suppress(OSError):  # how Linux tells that the other end is closed
        while chunk := os.read(ours, 65536):
            said += chunk.decode()
    os.close(ours)
    assert process.wait(timeout=60) == 0
    assert f"{ESCAPE}1m" in said
    assert re.search(r"class +cases +dice +pooled +iou\r\n", without_escapes(said))


@pytest.mark.parametrize(("arguments", "env"), [(("--no-color",), {}), ((), {"NO_COLOR": "1"}), ((), {"TERM": "dumb"})])
def test_tables_are_plain_where_that_is_wanted(
    terminal: Callable[..., str], arguments: tuple[str, ...], env: dict[str, str]
) -> None:
    assert ESCAPE in terminal(*SAMPLE_RUN)
    assert ESCAPE not in terminal(*SAMPLE_RUN, *arguments, env=env)


def test_a_pipe_gets_plain_text_of_one_width(program: Run) -> None:
    texts = {program(*SAMPLE_RUN, env={"COLUMNS": columns}).out for columns in ("40", "200")}
    assert len(texts) == 1
    text = texts.pop()
    assert ESCAPE not in text
    assert not any(line.endswith(" ") for line in text.splitlines())


def test_quiet_prints_nothing(run: Run) -> None:
    done = run(*SAMPLE_RUN, "--quiet")
    assert (done.code, done.out, done.err) == (0, "", "")
    assert Path("segeval-results/scores.csv").exists()


def test_quiet_json_is_json_alone(run: Run) -> None:
    done = run(*SAMPLE_RUN, "--quiet", "--json")
    assert done.err == ""
    assert strict_json(done.out)["complete"] is True


def test_quiet_errors_are_still_told(run: Run) -> None:
    assert "no such file or folder" in run("score", "nowhere", "nothing", "--quiet").err


def test_talk_tells_engine_and_device(run: Run) -> None:
    assert run(*SAMPLE_RUN).err == (
        "segeval: scoring 12 cases with 4 measures (numpy on cpu)\n"
        "segeval: predictions are labels\n"
        "segeval: tables are in segeval-results\n"
    )


@pytest.mark.parametrize(("command", "n_lines"), [(SAMPLE_RUN, 0), ((*SAMPLE_RUN, "--json"), 1), (("--help",), 0)])
def test_a_reader_may_leave_early(start: Start, command: tuple[str, ...], n_lines: int) -> None:
    process = start(*command)
    assert process.stdout is not None
    for _ in range(n_lines):
        process.stdout.readline()
    process.stdout.close()
    assert process.wait(timeout=60) == 0
    assert process.stderr is not None
    assert "Error" not in process.stderr.read()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
@pytest.mark.parametrize("command", [SAMPLE_RUN, ("--help",)])
def test_a_full_disk_behind_stdout_is_told(start: Start, command: tuple[str, ...]) -> None:
    with Path("/dev/full").open("w") as full:
        process = start(*command, stdout=full)
        _, err = process.communicate(timeout=60)
    assert process.returncode == 2
    assert err.endswith("segeval: stdout cannot be written: no space is left. Send it to another place.\n")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_talk_that_nobody_can_hear_stops_nothing(start: Start) -> None:
    with Path("/dev/full").open("w") as full:
        process = start(*SAMPLE_RUN, stderr=full)
        process.communicate(timeout=60)
    assert process.returncode == 0


def test_an_old_encoding_breaks_nothing(program: Run) -> None:
    done = program(*SAMPLE_RUN, env={"PYTHONIOENCODING": "ascii"})
    assert done.code == 0
    assert "0.906" in done.out


def test_names_that_look_like_markup_stay_as_they_are(run: Run, folders: tuple[Path, Path]) -> None:
    for side in folders:
        (side / "a.npy").rename(side / "[bold]a[-bold]:smile:.npy")
        (side / "b.npy").rename(side / "line\nbreak.npy")
    done = run("score", *folders, "-m", "dice", "--labels", "1=[red]x,2=y")
    assert done.code == 0
    for name in ("[bold]a[-bold]:smile:", r"line\nbreak", "[red]x"):
        assert name in done.out


def test_the_worst_cases_of_each_class_are_those_with_the_worst_values(run: Run, folders: tuple[Path, Path]) -> None:
    out = run("score", *folders, "-m", "fnr").out
    rows = [row.split() for row in out[out.index("worst by fnr") :].splitlines()[2:] if row]
    # case b misses class 2, and a predicts two of three pixels of class 1; c has neither class 2 nor a fault in 1
    assert rows[0][:4] == ["1", "a", "ok", "0.250"]
    assert rows[2][:4] == ["2", "b", "absent_pred", "1.000"]


def test_missed_and_invented_classes_come_first_also_where_their_value_is_undefined(run: Run, tmp_path: Path) -> None:
    pair = {"bad": ("1000", "0111"), "invented": ("0110", "0000"), "missed": ("0000", "0100"), "good": ("0110", "0110")}
    for case, (pred, truth) in pair.items():
        write_image(tmp_path / "pred" / f"{case}.npy", ids(pred, "0000"))
        write_image(tmp_path / "truth" / f"{case}.npy", ids(truth, "0000"))
    out = run("score", "pred", "truth", "-m", "precision").out
    rows = [row.split() for row in out[out.index("worst by precision") :].splitlines()[2:] if row]
    assert [row[-3:] for row in rows[:4]] == [
        ["missed", "absent_pred", "–"],
        ["invented", "absent_truth", "0.000"],
        ["bad", "ok", "0.000"],
        ["good", "ok", "1.000"],
    ]


def test_the_first_measure_has_its_interval_and_its_pooled_value(run: Run, folders: tuple[Path, Path]) -> None:
    lines = run("score", *folders, "-m", "dice,iou", "--ci-level", "0.9").out.splitlines()
    assert re.split("  +", lines[0]) == ["class", "cases", "dice", "90 % interval", "pooled", "iou"]
    # pooled: 2 · 5 / (2 · 5 + 1); of one case each bound lies within its own values
    assert lines[2].split()[5:9] == ["0.857", "..", "1.000", "0.909"]
    plain = run("score", *folders, "-m", "dice", "--bootstrap", "0").out.splitlines()
    assert re.split("  +", plain[0]) == ["class", "cases", "dice", "pooled"]


def test_losses_of_label_maps_are_shown_only_where_they_are_named(run: Run, folders: tuple[Path, Path]) -> None:
    assert "dice_loss" not in run("score", *folders).out
    assert "dice_loss" not in run("score", *folders, "-m", "+assd").out
    assert "dice_loss" in run("score", *folders, "-m", "dice,dice_loss").out
    assert "dice_loss" in run("score", *folders, "-m", "losses").out


def test_losses_of_probabilities_are_on_the_first_screen(run: Run) -> None:
    out = run("score", SAMPLE / "probs", SAMPLE / "gt", "--bootstrap", "0").out
    assert "bce_loss" in out


def test_a_data_set_with_a_custom_of_its_own_gets_its_miou(run: Run, tmp_path: Path) -> None:
    for case, pred, truth in (("a", "1112", "1112"), ("b", "1100", "0011")):
        write_image(tmp_path / "pred" / f"{case}.npy", ids(pred, "0000"))
        write_image(tmp_path / "truth" / f"{case}.npy", ids(truth, "0000"))
    out = run("score", "pred", "truth", "--labels", "voc", "--include-background").out
    # all pixels together: background 8 of 12, class 1 has 3 of 7, class 2 has 1 of 1
    expected = (8 / 12 + 3 / 7 + 1) / 3
    assert out.splitlines()[0] == f"mIoU of the data set (voc): {expected:.3f}, over 3 classes with all pixels pooled"
    without = run("score", "pred", "truth", "--labels", "voc").out.splitlines()
    assert without[0].endswith("over 2 classes with all pixels pooled")
    assert without[1] == "Papers on it count the background too: pass --include-background."
    assert "mIoU of the data set" not in run("score", "pred", "truth").out


@pytest.mark.parametrize(("spacing", "unit"), [((), "px"), (("--spacing", "0.5,0.25"), "mm")])
def test_a_distance_stands_under_its_unit(
    run: Run, folders: tuple[Path, Path], spacing: tuple[str, ...], unit: str
) -> None:
    assert f"hd95 ({unit})" in run("score", *folders, "-m", "dice,hd95", *spacing).out


def test_pixels_are_told_where_a_tolerance_is_in_mm(run: Run, folders: tuple[Path, Path]) -> None:
    asked = ("-m", "nsd(tolerance_mm=2)")
    assert "tolerance_mm counts pixels in nsd(tolerance_mm=2)" in run("score", *folders, *asked).err
    assert "counts pixels" not in run("score", *folders, *asked, "--spacing", "1,1").err


def test_a_file_that_lies_here_and_changed_the_run_is_named(run: Run, folders: tuple[Path, Path]) -> None:
    Path("segeval.yaml").write_text("score: {measures: [iou], seed: 1}\n")
    assert "segeval: ./segeval.yaml sets measures, seed\n" in run("score", *folders).err
    assert "segeval: ./segeval.yaml sets seed\n" in run("score", *folders, "-m", "dice").err
    assert run("score", *folders, "--quiet").err == ""
    assert "./segeval.yaml sets measures, seed" in run("doctor", *folders).err


def test_regions_and_classes_keep_the_order_of_their_file(run: Run, folders: tuple[Path, Path]) -> None:
    Path("labels.yaml").write_text("both: [1, 2]\nsecond: 2\nfirst: 1\n")
    assert run("score", *folders, "-m", "dice", "--labels", "labels.yaml").code == 0
    names = [row["class"] for row in rows_of(Path("segeval-results/summary.csv"))]
    assert names == ["both", "second", "first", "(mean)"]


def test_the_word_of_other_programs_for_measures_leads_to_ours(
    run: Run, folders: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("m.yaml").write_text("score: {metrics: [dice]}\n")
    for given, said in (
        (("--metrics", "dice"), "There is no option --metrics. Did you mean -m, --measures?"),
        (("--metric", "dice"), "There is no option --metric. Did you mean -m, --measures?"),
        (("-c", "m.yaml"), "score.metrics: unknown key. Did you mean 'measures'?"),
    ):
        done = run("score", *folders, *given)
        assert (done.code, said in done.err) == (2, True)
    monkeypatch.setenv("SEGEVAL_METRICS", "dice")
    assert "Did you mean SEGEVAL_MEASURES?" in run("score", *folders).err


@pytest.mark.parametrize(
    ("typed", "column"),
    [
        ("Dice", "dice"),
        ("HD95", "hd95"),
        ("hausdorff95", "hd95"),
        ("jaccard_index", "iou"),
        ("AUC", "auc_roc"),
        ("asd", "asd_pred_to_truth"),
    ],
)
def test_names_that_people_type_are_known(run: Run, folders: tuple[Path, Path], typed: str, column: str) -> None:
    assert run("score", *folders, "-m", f"dice,{typed}", "-q").code == 0
    assert column in columns_of(Path("segeval-results/scores.csv"))


@pytest.mark.parametrize("measure", ["hd95", "nsd", "assd", "auc_roc"])
def test_definitions_break_no_word(terminal: Callable[..., str], measure: str) -> None:
    lines = without_escapes(terminal("measures", measure, "--definitions", columns=80)).splitlines()
    assert max(map(len, lines)) <= 80
    words = {word for line in lines for word in line.split()}
    for tool in ("surface-distance", "metrics-reloaded", "panoptica-instance"):
        assert all(word not in words for word in (tool[:-1], tool[:-2]))


def test_measures_that_describe_have_no_worst_cases(run: Run, folders: tuple[Path, Path]) -> None:
    assert "worst by" not in run("score", *folders, "-m", "prevalence").out


def test_case_level_measures_have_a_table_of_their_own(run: Run, folders: tuple[Path, Path]) -> None:
    out = run("score", *folders, "-m", "pixel_accuracy").out.splitlines()
    assert re.split("  +", out[0].strip()) == ["cases", "pixel_accuracy", "95 % interval", "pooled"]
    assert re.split("  +", out[2]) == ["(all)", "3", "0.875 ± 0.000", "0.875 .. 0.875", "0.875"]


def test_version_and_help_answer(program: Run) -> None:
    assert program("--version").out.startswith("segeval 0.")
    done = program("--help")
    assert done.code == 0
    assert [name for name in ("score", "doctor", "measures") if name not in done.out] == []


def test_the_name_alone_shows_the_help(run: Run) -> None:
    done = run()
    assert (done.code, done.err) == (0, "")
    assert done.out == run("--help").out


def test_every_option_of_score_has_a_help(run: Run) -> None:
    text = run("score", "--help").out
    for option in ("--missing", "--keep-going", "--resample", "--undefined", "--ci-level", "--format", "--workers"):
        assert option in text


NASTY = "x\n::error::live\r##[error]y\x1b[31m"


@pytest.mark.parametrize("width", [80, 40, 24])
def test_no_name_gives_orders_to_a_ci_server_or_to_the_terminal(
    run: Run, monkeypatch: pytest.MonkeyPatch, width: int
) -> None:
    monkeypatch.setattr("segeval.cli.screens.console.PLAIN_WIDTH", width)
    truth = np.array([[1, 1, 0, 0], [2, 2, 0, 0]], dtype=np.uint8)
    for side in ("pred", "truth"):
        write_image(Path(side, f"{NASTY}.npy"), truth if side == "truth" else truth[:, ::-1].copy())
    Path("labels.yaml").write_text(json.dumps({1: f"organ {NASTY}", 2: "::warning::class"}))
    Path("rules.yaml").write_text(
        "rules:\n  - " + json.dumps({"id": f"rule {NASTY}", "measure": "dice", "class": f"organ {NASTY}", "min": 1})
    )
    inputs = ("pred", "truth", "--labels", "labels.yaml", "--format", "md", "--format", "latex", "-o", "run")
    done = [run("score", *inputs, "--gate", "rules.yaml")]
    done += [run("gate", "run", "-c", "rules.yaml", "--output", name) for name in ("junit", "markdown")]
    done += [run("compare", "run", "run")]
    assert [one.code for one in done] == [1, 1, 1, 0]
    texts = [text for one in done for text in (one.out, one.err)]
    texts += [Path("run", name).read_text() for name in ("summary.md", "summary.tex")]
    for text in texts:
        assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f]", text)
        assert not [line for line in text.split("\n") if line.lstrip().startswith("::")]
    assert not [text for text in (*texts[:2], *texts[6:8]) if "##[" in text]


@pytest.mark.parametrize("form", ["json", "junit"])
def test_documents_on_stdout_give_no_orders_to_a_ci_server_and_keep_their_names(
    run: Run, monkeypatch: pytest.MonkeyPatch, form: str
) -> None:
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    for side in ("pred", "truth"):
        write_image(Path(side, "##[error]case.npy"), np.array([[1, 1, 0], [0, 0, 2 * (side == "truth")]], np.uint8))
    Path("labels.yaml").write_text(json.dumps({1: "::error::live", 2: "::warning::##vso[task.x]"}))
    rules = [{"id": f"::error::{stat}", "measure": "dice", "stat": stat, "min": 1} for stat in ("mean", "min")]
    Path("rules.yaml").write_text(json.dumps({"rules": rules}))
    inputs = ("pred", "truth", "--labels", "labels.yaml", "-o", "run")
    scored = run("score", *inputs, "--json", "--quiet")
    gated = run("gate", "run", "-c", "rules.yaml", "--output", form)
    own = [line for line in gated.out.splitlines() if line.startswith(("::error title=", "::error file="))]
    for text in (scored.out, gated.out):
        lines = [line for line in text.splitlines() if line not in own]
        assert not [line for line in lines if line.lstrip().startswith("::") or "##[" in line or "##vso" in line]
    assert strict_json(scored.out)["cases"][0]["case"] == "##[error]case"
