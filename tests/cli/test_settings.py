"""Where an option gets its value: command line, environment, config file, ./segeval.yaml, default."""

from pathlib import Path

import pytest

from tests.cli.given import Run, columns_of, strict_json

OUT = Path("segeval-results")


def measures() -> list[str]:
    return columns_of(OUT / "scores.csv")[10:]


def run_json() -> dict[str, object]:
    document: dict[str, object] = strict_json((OUT / "run.json").read_text())
    return document


def test_each_layer_gives_way_to_the_one_above(
    run: Run, folders: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    run("score", *folders)
    assert len(measures()) > 20
    Path("segeval.yaml").write_text("score: {measures: [iou]}\n")
    run("score", *folders)
    assert measures() == ["iou"]
    Path("mine.yaml").write_text("score: {measures: [dice]}\n")
    run("score", *folders, "--config", "mine.yaml")
    assert measures() == ["dice"]
    monkeypatch.setenv("SEGEVAL_MEASURES", "precision")
    run("score", *folders, "--config", "mine.yaml")
    assert measures() == ["precision"]
    run("score", *folders, "--config", "mine.yaml", "-m", "npv")
    assert measures() == ["npv"]


def test_layers_meet_option_by_option_and_run_json_says_which_won(
    run: Run, folders: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("segeval.yaml").write_text("score:\n  measures: [dice, iou]\n  seed: 1\n  labels: {1: liver}\n")
    Path("mine.yaml").write_text("score:\n  seed: 2\n  bootstrap: 10\n  ci_level: 0.9\n")
    monkeypatch.setenv("SEGEVAL_BOOTSTRAP", "20")
    monkeypatch.setenv("SEGEVAL_KEEP_GOING", "1")
    assert run("score", *folders, "-c", "mine.yaml", "--ci-level", "0.8").code == 0
    document = run_json()
    plan = document["plan"]
    assert isinstance(plan, dict)
    assert {name: plan[name] for name in ("measures", "seed", "bootstrap", "ci_level", "keep_going", "missing")} == {
        "measures": ["dice", "iou"],
        "seed": 2,
        "bootstrap": 20,
        "ci_level": 0.8,
        "keep_going": True,
        "missing": "error",
    }
    assert document["plan_from"] == {
        "measures": "segeval.yaml",
        "labels": "segeval.yaml",
        "seed": "mine.yaml",
        "bootstrap": "environment",
        "ci_level": "command line",
        "keep_going": "environment",
    }


def test_every_kind_of_option_can_stand_in_a_file(run: Run, folders: tuple[Path, Path]) -> None:
    Path("segeval.yaml").write_text(
        "score:\n  labels: {1: liver, 2: no}\n  regions: {both: [1, 2]}\n  ignore_label: 255\n  spacing: [0.5, 2]\n"
        "  format: [md]\n  out: elsewhere\n  undefined: worst\n  measures: dice\n"
    )
    assert run("score", *folders).code == 0
    document = strict_json(Path("elsewhere/run.json").read_text())
    assert [one["class"] for one in document["labels"]] == ["liver", "no", "both"]
    assert document["ignored_ids"] == [255]
    assert document["plan"]["spacing"] == [0.5, 2.0]
    assert Path("elsewhere/summary.md").exists()
    assert not OUT.exists()


def test_out_can_come_from_the_environment(
    run: Run, folders: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SEGEVAL_OUT", "there")
    run("score", *folders, "-m", "dice")
    assert Path("there/run.json").exists()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("score:\n  mesures: [dice]\n", "segeval.yaml:2: score.mesures: unknown key. Did you mean 'measures'?"),
        ("scor: {}\n", "segeval.yaml:1: scor: unknown key. Did you mean 'score'?"),
        ("score:\n  missing: wrost\n", "segeval.yaml:2: score.missing: 'wrost' does not fit"),
        ("score:\n  bootstrap: many\n", "segeval.yaml:2: score.bootstrap: 'many' does not fit"),
        ("score:\n  bootstrap: -5\n", "segeval.yaml: bootstrap -5: out of range."),
        ("score:\n  measures: [dise]\n", "Unknown measure 'dise'. Did you mean 'dice'?"),
        ("score: [dice]\n", "segeval.yaml:1: score: ['dice'] does not fit"),
        ("score: {measures: [dice\n", "segeval.yaml"),
    ],
)
def test_a_wrong_file_is_told_with_its_line(run: Run, folders: tuple[Path, Path], text: str, message: str) -> None:
    Path("segeval.yaml").write_text(text)
    done = run("score", *folders)
    assert (done.code, done.out) == (2, "")
    assert message in done.err
    assert not OUT.exists()


def test_a_config_file_that_is_not_there_is_told(run: Run, folders: tuple[Path, Path]) -> None:
    done = run("score", *folders, "--config", "mine.yaml")
    assert done.code == 2
    assert "mine.yaml: there is no such file" in done.err


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("SEGEVAL_MISSING", "wrost", "SEGEVAL_MISSING wrost: not one of error, worst, background, skip."),
        ("SEGEVAL_WORKERS", "x", "Invalid value for SEGEVAL_WORKERS: 'x' is not a valid int."),
        ("SEGEVAL_SPACING", "a", "SEGEVAL_SPACING a: no list of lengths in mm."),
    ],
)
def test_a_wrong_variable_is_told_by_its_name(
    run: Run, folders: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch, name: str, value: str, message: str
) -> None:
    monkeypatch.setenv(name, value)
    done = run("score", *folders)
    assert done.code == 2
    assert message in done.err


@pytest.mark.parametrize("command", ["score", "doctor"])
def test_a_mistyped_variable_is_told_like_any_typo(
    run: Run, folders: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    monkeypatch.setenv("SEGEVAL_MESURES", "iou")
    done = run(command, *folders)
    assert (done.code, done.out) == (2, "")
    assert "SEGEVAL_MESURES: this variable sets no option. Did you mean SEGEVAL_MEASURES?" in done.err
    assert not OUT.exists()


def test_a_gate_report_without_a_gate_is_refused(run: Run, folders: tuple[Path, Path]) -> None:
    done = run("score", *folders, "--output", "json")
    assert (done.code, done.out) == (2, "")
    assert "--output is where the report of a gate goes, and there is no --gate." in done.err
    assert not OUT.exists()


def test_the_doctor_listens_to_the_same_files(run: Run, folders: tuple[Path, Path]) -> None:
    Path("segeval.yaml").write_text("score: {labels: {1: liver, 2: spleen}}\n")
    assert "spleen" in run("doctor", *folders).out
