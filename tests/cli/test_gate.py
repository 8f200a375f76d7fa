"""`segeval gate` and `score --gate` on real runs of the bundled sample: verdicts, exit codes, reports."""

import json
import shutil
import xml.etree.ElementTree as ET
from itertools import product
from pathlib import Path

import nibabel
import numpy as np
import pytest
import yaml

from tests.cli.given import ROOT, SAMPLE, Run, rows_of, write_image

LABELS = SAMPLE / "labels.yaml"
CONFIG = ROOT / "configs" / "lesions-ci.yaml"


def degraded_sample(folder: Path, *, shift: int) -> Path:
    """The predictions of the sample, moved by some voxels along their first axis."""
    for file in sorted((SAMPLE / "pred").glob("*.nii.gz")):
        image = nibabel.load(file)
        moved = np.roll(np.asarray(image.dataobj), shift, axis=0)
        write_image(folder / file.name, moved.astype(np.uint8), affine=image.affine)
    return folder


@pytest.fixture
def scored(run: Run, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of the sample, which is scored once and copied for each test."""
    made = tmp_path_factory.getbasetemp() / "sample-run"
    if not made.exists():
        sides = (SAMPLE / "pred", SAMPLE / "gt", "--labels", LABELS)
        assert run("score", *sides, "-m", "dice,hd95", "-o", made).code == 0
    return Path(shutil.copytree(made, "run"))


def rules(text: str, *, name: str = "rules.yaml") -> Path:
    file = Path(name)
    file.write_text(f"schema_version: 1\n{text}")
    return file


def test_the_sample_passes_its_gate_and_degraded_predictions_fail_it(run: Run) -> None:
    good = run("score", SAMPLE / "pred", SAMPLE / "gt", "--gate", CONFIG, "-o", "good")
    assert (good.code, "Gate passed" in good.err) == (0, True)
    bad = run("score", degraded_sample(Path("moved"), shift=5), SAMPLE / "gt", "--gate", CONFIG, "-o", "bad")
    assert (bad.code, "Gate failed" in bad.err) == (1, True)
    assert "open first: " in bad.out


def test_a_starter_file_passes_its_own_run_and_can_fail(run: Run, scored: Path) -> None:
    assert run("gate", scored, "--init", "start.yaml").code == 0
    made = yaml.safe_load(Path("start.yaml").read_text())["rules"]
    # 2 % worse than 0.90631, 0.76830, 2.50236 and 4.92389, and away from them to three digits
    assert [(rule["stat"], rule.get("min"), rule.get("max")) for rule in made[:4]] == [
        *(("mean", 0.888, None), ("p5", 0.752, None)),
        *(("mean", None, 2.553), ("p95", None, 5.023)),
    ]
    assert run("gate", scored, "-c", "start.yaml").code == 0
    tested = run("gate", scored, "-c", "start.yaml", "--selftest")
    assert tested.code == 0
    assert "can fail" in tested.out
    again = run("gate", scored, "--init", "start.yaml")
    assert (again.code, "is there already" in again.err) == (2, True)


def test_a_gate_that_cannot_fail_is_reported(run: Run, scored: Path) -> None:
    loose = rules("rules:\n  - {id: loose, measure: dice, class: organ, min: 0.0}\n")
    tested = run("gate", scored, "-c", loose, "--selftest")
    assert tested.code == 1
    assert "too loose" in tested.out


def test_a_rule_in_short_gates_every_class_on_its_worse_side(run: Run, scored: Path) -> None:
    assert run("gate", scored, "--fail-under", "dice:mean=0.5").code == 0
    assert run("gate", scored, "--fail-under", "dice:mean=0.9").code == 1
    assert run("gate", scored, "--fail-under", "hd95:median=20").code == 0
    assert run("gate", scored, "--fail-under", "hd95:median=1").code == 1


def test_a_score_of_all_cases_is_gated_by_its_pooled_value(run: Run) -> None:
    assert run("score", SAMPLE / "probs", SAMPLE / "gt", "--labels", LABELS, "-m", "froc_score", "-o", "run").code == 0
    done = run("gate", "run", "--fail-under", "froc_score:mean=0.5")
    assert (done.code, "no case has a value. Write stat: pooled" in " ".join(done.out.split())) == (1, True)
    assert run("gate", "run", "--fail-under", "froc_score:pooled=0.5").code == 0
    assert run("gate", "run", "--fail-under", "froc_score:pooled=0.99").code == 1


PROFILES = "hd95[medpy],nsd[panoptica],dice[simpleitk]"


def test_rules_on_the_definitions_of_other_tools_are_judged(run: Run) -> None:
    assert run("score", SAMPLE / "pred", SAMPLE / "gt", "--labels", LABELS, "-m", PROFILES, "-o", "run").code == 0
    loose = rules(
        "rules:\n"
        "  - {id: hd, measure: 'hd95[medpy]', stat: median, max: 50}\n"
        "  - {id: nsd, measure: 'nsd[panoptica]', stat: median, min: 0.01}\n"
        "  - {id: dice, measure: 'dsc[simpleitk]', min: 0.01}\n"
    )
    assert run("gate", "run", "-c", loose).code == 0
    assert run("gate", "run", "--fail-under", "hd95[medpy]:median=0.1").code == 1
    assert run("gate", "run", "--fail-under", "nsd[panoptica]:median=0.9999").code == 1
    assert run("gate", "run", "--fail-under", "nsd[monai]:median=0.9").code == 4
    assert run("gate", "run", "--init", "start.yaml").code == 0
    assert run("gate", "run", "-c", "start.yaml").code == 0


def test_a_tolerance_may_differ_between_classes(run: Run) -> None:
    config = rules(
        "score: {measures: ['nsd(tolerance_mm=organ:2;vessel:1;lesion:0.5)', nsd]}\n"
        "rules:\n  - {id: nsd, measure: nsd(tolerance_mm=per_class), stat: median, min: 0.1}\n"
    )
    inputs = (SAMPLE / "pred", SAMPLE / "gt", "--labels", LABELS)
    assert run("score", *inputs, "-c", config, "--gate", config, "-o", "run").code == 0
    means = {(row["class"], row["measure"]): row["mean"] for row in rows_of(Path("run", "summary.csv"))}
    of_each, same = "nsd(tolerance_mm=per_class)", "nsd(tolerance_mm=1)"
    assert means["vessel", of_each] == means["vessel", same]
    assert float(means["organ", of_each]) > float(means["organ", same])
    lacking = run("score", *inputs, "-m", "nsd(tolerance_mm=organ:2)", "-o", "other")
    assert (lacking.code, "tolerance_mm has no value for class" in lacking.err) == (2, True)


@pytest.mark.parametrize("short", ["dice", "dice:mean", "dice:mean=high", "dice:middle=0.5", "dise:mean=0.5"])
def test_a_short_rule_that_cannot_be_read_is_a_usage_error(run: Run, scored: Path, short: str) -> None:
    done = run("gate", scored, "--fail-under", short)
    assert done.code == 2
    assert done.err.startswith("segeval: ")
    assert "Traceback" not in done.err


def test_the_reports_are_written_where_they_were_asked_for(run: Run, scored: Path) -> None:
    failing = rules("rules:\n  - {id: high, measure: dice, class: organ, min: 0.99}\n")
    outputs = [f"--output={name}={name}.out" for name in ("json", "junit", "markdown")]
    assert run("gate", scored, "-c", failing, *outputs).code == 1
    verdicts = json.loads(Path("json.out").read_text())
    assert [one["verdict"] for one in verdicts["verdicts"]] == ["fail"]
    assert ET.parse("junit.out").getroot().get("failures") == "1"
    assert "high" in Path("markdown.out").read_text()


def test_json_on_stdout_is_data_only(run: Run, scored: Path) -> None:
    done = run("gate", scored, "--fail-under", "dice:mean=0.5", "--output", "json")
    assert json.loads(done.out)["verdicts"]


def test_github_gets_annotations_and_a_summary_by_itself(
    run: Run, scored: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", "summary.md")
    failing = rules("rules:\n  - {id: high, measure: dice, class: organ, min: 0.99}\n")
    done = run("gate", scored, "-c", failing)
    assert done.code == 1
    assert "::error file=rules.yaml,line=3," in done.out
    assert Path("summary.md").read_text().startswith("## Gate failed")


def test_a_run_is_held_against_its_baseline(run: Run, scored: Path) -> None:
    config = rules(
        "baseline: {path: base}\nrules:\n  - {id: no-worse, measure: dice, class: organ, max_regression: 0.01}\n"
    )
    assert run("gate", scored, "--fail-under", "dice:mean=0.1", "--update-baseline", "base").code == 0
    assert run("gate", scored, "-c", config).code == 0
    moved = degraded_sample(Path("moved"), shift=3)
    assert run("score", moved, SAMPLE / "gt", "--labels", LABELS, "-m", "dice,hd95", "-o", "worse").code == 0
    worse = run("gate", "worse", "-c", config)
    assert (worse.code, "a regression is shown" in worse.out) == (1, True)


def test_a_baseline_that_is_not_there_is_made_as_the_message_says(run: Run, scored: Path) -> None:
    config = rules("baseline: {path: first}\nrules:\n  - {id: a, measure: dice, class: organ, max_regression: 0.01}\n")
    refused = run("gate", scored, "-c", config)
    assert (refused.code, "pass --update-baseline first." in refused.err) == (2, True)
    assert run("gate", scored, "-c", config, "--update-baseline", "first").code == 0
    again = run("gate", scored, "-c", config)
    assert (again.code, "change of mean" in again.out) == (0, True)


def test_a_run_that_fails_does_not_become_the_baseline(run: Run, scored: Path) -> None:
    done = run("gate", scored, "--fail-under", "dice:mean=0.99", "--update-baseline", "base")
    assert done.code == 1
    assert not Path("base").exists()


def test_a_baseline_with_other_definitions_is_refused_with_the_difference(run: Run, scored: Path) -> None:
    other = ("score", SAMPLE / "pred", SAMPLE / "gt", "--labels", LABELS, "-m", "dice", "--undefined", "worst")
    assert run(*other, "-o", "base").code == 0
    config = rules("baseline: {path: base}\nrules:\n  - {id: a, measure: dice, class: organ, max_regression: 0.01}\n")
    done = run("gate", scored, "-c", config)
    assert done.code == 2
    assert "--undefined is skip here and worst in the baseline" in done.err


def test_a_baseline_of_other_cases_is_refused_unless_pairs_are_enough(run: Run, scored: Path) -> None:
    for file in sorted((SAMPLE / "pred").glob("*.nii.gz"))[:8]:
        Path("some").mkdir(exist_ok=True)
        Path("some", file.name).symlink_to(file)
    few = ("score", "some", SAMPLE / "gt", "--labels", LABELS, "-m", "dice,hd95", "--missing", "skip")
    assert run(*few, "-o", "base").code == 0
    rule = "rules:\n  - {id: a, measure: dice, class: organ, max_regression: 0.01}\n"
    done = run("gate", scored, "-c", rules(f"baseline: {{path: base}}\n{rule}"))
    assert (done.code, "4 cases are only here" in done.err) == (2, True)


def test_a_baseline_may_be_the_summary_of_nnunet(run: Run, scored: Path) -> None:
    assert run("score", SAMPLE / "pred", SAMPLE / "gt", "--labels", LABELS, "--format", "nnunet", "-o", "nn").code == 0
    config = rules(
        "baseline: {path: nn/summary.json}\n"
        "rules:\n  - {id: no-worse, measure: dice, class: lesion, max_regression: 0.01}\n"
    )
    assert run("gate", scored, "-c", config).code == 0


@pytest.mark.parametrize(
    ("text", "code", "said"),
    [
        ("rules:\n  - {id: a, measure: dice, class: kidney, min: 0.5}\n", 4, "kidney"),
        ("rules:\n  - {id: a, measure: iou, class: organ, min: 0.5}\n", 4, "has no iou"),
        ("rules:\n  - {id: a, measure: dice, class: organ, max: 0.5}\n", 2, "higher dice is better"),
        ("rules:\n  - {id: a, measure: dise, class: organ, min: 0.5}\n", 2, "Did you mean 'dice'?"),
        ("rules:\n  - {id: a, measure: dice, clas: organ, min: 0.5}\n", 2, "Did you mean 'class'?"),
        ("rules:\n  - {id: a, measure: dice, class: organ, max_regression: 0.1}\n", 4, "no baseline"),
        ("baseline: {path: gone}\nrules:\n  - {id: a, measure: dice, max_regression: 0.1}\n", 2, "no such file"),
        ("rules: []\n", 2, "no rule"),
        ("cases: {min_cases: 50}\nrules:\n  - {id: a, measure: dice, min: 0.0}\n", 4, "at least 50"),
    ],
)
def test_what_cannot_be_judged_never_passes(run: Run, scored: Path, text: str, code: int, said: str) -> None:
    done = run("gate", scored, "-c", rules(text))
    assert done.code == code
    assert said in done.out + done.err


def test_an_infinite_mean_fails_a_ceiling(run: Run, scored: Path) -> None:
    ceiling = rules("rules:\n  - {id: far, measure: hd95, class: lesion, stat: mean, max: 50}\n")
    assert run("gate", scored, "-c", ceiling).code == 1


def test_slices_come_from_a_table_of_the_cases(run: Run, scored: Path) -> None:
    lines = [f"case_{i:02},{'A' if i < 7 else 'B'}" for i in range(1, 13)]
    Path("cases.csv").write_text("\n".join(["case,site", *lines, ""]))
    sliced = rules(
        "cases: {table: cases.csv}\n"
        "rules:\n  - {id: site, measure: dice, class: organ, stat: mean, min: 0.9, by: site}\n"
    )
    done = run("gate", scored, "-c", sliced)
    assert done.code == 1
    assert "site=A" in done.out
    assert "site=B" in done.out


def test_an_interrupted_run_is_inconclusive(run: Run, scored: Path) -> None:
    document = json.loads((scored / "run.json").read_text())
    (scored / "run.json").write_text(json.dumps(document | {"complete": False}))
    assert run("gate", scored, "--fail-under", "dice:mean=0.1").code == 4


@pytest.mark.parametrize("config", sorted((ROOT / "configs").glob("*.yaml")), ids=lambda path: path.name)
def test_every_example_config_holds_against_schema_and_catalogue(config: Path) -> None:
    from segeval.config import read_section
    from segeval.options import ScoreOptions
    from segeval.verbs.gate.gating import GateOptions, checked_config

    assert checked_config(GateOptions(config=config)).rules
    assert read_section(config, "score", ScoreOptions)["measures"]


def test_the_organ_example_runs_against_a_baseline(run: Run) -> None:
    config = ROOT / "configs" / "organs-vs-baseline.yaml"
    assert run("score", SAMPLE / "pred", SAMPLE / "gt", "-c", config, "-o", "base", "-q").code == 0
    assert run("score", SAMPLE / "pred", SAMPLE / "gt", "-c", config, "-o", "new", "-q").code == 0
    assert run("gate", "new", "-c", config, "--baseline", "base").code == 0


def test_the_street_example_runs_on_train_ids(run: Run) -> None:
    rng = np.random.default_rng(0)
    for i in range(3):
        truth = rng.integers(0, 19, (32, 48)).astype(np.uint8)
        truth[:2] = 255
        pred = np.where(rng.random(truth.shape) < 0.95, truth, 0).astype(np.uint8)
        write_image(Path(f"gt/town/scene_{i}_gtFine_labelTrainIds.png"), truth)
        write_image(Path(f"pred/town/scene_{i}_pred.png"), np.where(pred == 255, 0, pred).astype(np.uint8))
    done = run("score", "pred", "gt", "--gate", ROOT / "configs" / "cityscapes.yaml")
    assert done.code == 0, done.err


def test_the_schema_is_published(run: Run) -> None:
    schema = json.loads(run("gate", "--schema").out)
    assert {"rules", "cases", "baseline", "score"} <= schema["properties"].keys()


def test_a_baseline_in_csv_has_the_names_of_its_cases_without_the_guard(run: Run) -> None:
    for side in ("pred", "truth"):
        write_image(Path(side, "=a.npy"), np.array([[0, 1], [0, 1]], dtype=np.uint8))
        write_image(Path(side, "b.npy"), np.array([[1, 1], [0, 1]], dtype=np.uint8))
    assert run("score", "pred", "truth", "-m", "dice", "-o", "run").code == 0
    regression = rules("rules:\n  - {id: no-worse, measure: dice, max_regression: 0.01}\n")
    done = run("gate", "run", "-c", regression, "--baseline", "run/scores.csv")
    assert (done.code, "only here" in done.err) == (0, False), done.err


# a model, or a set of cases, that became worse never passes


def disk(*, lesion: bool) -> np.ndarray:
    """An image with an organ (1), and a lesion (2) in it or not."""
    image = np.zeros((12, 12), dtype=np.uint8)
    image[2:10, 2:10] = 1
    if lesion:
        image[4:7, 4:7] = 2
    return image


def score_lesions(run: Run, out: str, *, missed: tuple[int, ...] = (), more: tuple[str, ...] = ()) -> None:
    """A run of twenty cases whose lesion is found but for some."""
    for i in range(20):
        pred = disk(lesion=i not in missed)
        pred[2, 2 : 2 + i % 4] = 0
        write_image(Path(out + "-pred", f"case_{i:02}.npy"), pred)
        write_image(Path("truth", f"case_{i:02}.npy"), disk(lesion=True))
    measures = "precision,sq,dice,hd95"
    done = run("score", out + "-pred", "truth", "-m", measures, "--spacing", "1,1", "-o", out, "-q", *more)
    assert done.code == 0, done.err


def test_a_model_that_misses_the_lesion_in_four_more_cases_does_not_pass(run: Run) -> None:
    score_lesions(run, "base")
    score_lesions(run, "new", missed=(3, 8, 12, 15))
    limits = ("max_regression: 0.01", "max_fraction: {worse_by: 0.01, of_cases: 0.2}")
    for measure, limit in product(("precision", "sq"), limits):
        rule = f"{{id: no-worse, measure: {measure}, class: '2', {limit}}}"
        config = rules(f"baseline: {{path: base}}\nrules:\n  - {rule}\n")
        assert run("gate", "base", "-c", config).code == 0, rule
        done = run("gate", "new", "-c", config)
        assert done.code == 4, rule
        assert "4 value(s) of the baseline are undefined now" in " ".join(done.out.split()), rule
        assert "open first: case_03" in done.out, rule


def test_the_remedy_for_undefined_values_shows_the_regression(run: Run) -> None:
    score_lesions(run, "base", more=("--undefined", "worst"))
    score_lesions(run, "new", missed=(3, 8, 12, 15), more=("--undefined", "worst"))
    config = rules(
        "baseline: {path: base}\nrules:\n  - {id: no-worse, measure: precision, class: '2', max_regression: 0.01}\n"
    )
    assert run("gate", "new", "-c", config).code == 1


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (("--undefined", "worst"), "--undefined is skip here and worst in the baseline"),
        (("--empty-distance", "diagonal"), "hd95: empty_distance is inf here and diagonal in the baseline"),
        (("--ignore-label", "2"), "ignored ids are none here and 2 in the baseline"),
        (("--ignore-geometry",), "--ignore-geometry is False here and True in the baseline"),
        (("--resample",), "--resample is False here and True in the baseline"),
        (("--spacing", "2,2"), "--spacing is [1.0, 1.0] here and [2.0, 2.0] in the baseline"),
        (("--missing", "worst"), "--missing is error here and worst in the baseline"),
        (("--labels", "1=2,2=1"), "class 2: ids 2 here and 1 in the baseline"),
    ],
)
def test_a_baseline_agrees_in_every_setting_that_moves_a_number(run: Run, more: tuple[str, ...], said: str) -> None:
    score_lesions(run, "new")
    score_lesions(run, "base", more=more)
    config = rules("baseline: {path: base}\nrules:\n  - {id: no-worse, measure: hd95, max_regression: 9}\n")
    done = run("gate", "new", "-c", config)
    assert (done.code, said in done.err) == (2, True), done.err
    compared = run("compare", "base", "new", "-m", "hd95")
    assert (compared.code, said in compared.err) == (2, True), compared.err


def test_a_loss_of_hard_masks_is_not_compared_with_one_of_probabilities(run: Run) -> None:
    truth, maps = np.zeros((8, 8), dtype=np.uint8), np.full((8, 8), 0.1, dtype=np.float32)
    truth[2:6, 2:6], maps[2:6, 2:5] = 1, 0.9
    for i in range(3):
        write_image(Path("gt", f"{i}.npy"), truth)
        write_image(Path("soft", f"{i}.npy"), maps)
        write_image(Path("hard", f"{i}.npy"), (maps > 0.5).astype(np.uint8))
    for name in ("soft", "hard"):
        assert run("score", name, "gt", "-m", "dice,dice_loss", "-o", f"run-{name}", "-q").code == 0
    done = run("compare", "run-soft", "run-hard", "-m", "dice_loss")
    assert (done.code, "dice_loss: it reads predictions that are labels here and probs" in done.err) == (2, True)
    assert run("compare", "run-soft", "run-hard", "-m", "dice").code == 0


def test_an_interrupted_run_is_no_baseline_and_is_not_compared(run: Run, scored: Path) -> None:
    document = json.loads((scored / "run.json").read_text())
    Path("part").mkdir()
    Path("part/run.json").write_text(json.dumps(document | {"complete": False}))
    config = rules("baseline: {path: part}\nrules:\n  - {id: a, measure: dice, class: organ, max_regression: 0.01}\n")
    done = run("gate", scored, "-c", config)
    assert (done.code, "nothing can be concluded from the baseline: it was interrupted" in done.out) == (4, True)
    for runs in (("part", scored), (scored, "part"), (scored, "part", scored)):
        compared = run("compare", *runs)
        assert (compared.code, compared.out) == (4, "")
        assert "part/run.json: nothing can be concluded from this run: it was interrupted" in compared.err


def test_cases_whose_truth_was_deleted_are_missing(run: Run) -> None:
    score_lesions(run, "new", missed=(3, 8))
    floor = rules("rules:\n  - {id: worst, measure: dice, class: '2', stat: min, min: 0.5}\n")
    assert run("gate", "new", "-c", floor).code == 1
    for case in ("03", "08"):
        Path("truth", f"case_{case}.npy").unlink()
    assert run("score", "new-pred", "truth", "-m", "dice", "-o", "new", "-q").code == 0
    done = run("gate", "new", "-c", floor)
    assert (done.code, "2 case(s) without a score, at most 0 allowed: case_03, case_08" in done.out) == (1, True)


def test_cases_of_the_baseline_that_are_gone_leave_the_gate_open(run: Run) -> None:
    score_lesions(run, "base")
    score_lesions(run, "new", missed=(3, 8))
    for case in ("03", "08"):
        Path("truth", f"case_{case}.npy").unlink()
        Path("new-pred", f"case_{case}.npy").unlink()
    assert run("score", "new-pred", "truth", "-m", "dice", "--spacing", "1,1", "-o", "new", "-q").code == 0
    config = rules(
        "baseline: {path: base, min_paired: 10}\n"
        "rules:\n  - {id: no-worse, measure: dice, class: '2', max_regression: 0.01}\n"
    )
    done = run("gate", "new", "-c", config)
    assert done.code == 4
    assert "2 case(s) of the baseline have no score here, at most 0 allowed: case_03, case_08" in done.out


def test_a_rule_on_no_measure_is_told_with_its_file(run: Run, scored: Path) -> None:
    done = run("gate", scored, "-c", rules("rules:\n  - {id: a, measure: dise, class: organ, min: 0.1}\n"))
    assert (done.code, "rules.yaml" in done.err, "dice" in done.err) == (2, True, True), done.err


def test_what_a_config_names_lies_beside_it(run: Run) -> None:
    for out in ("ci/base", "ci/new"):
        score_lesions(run, out)
    Path("ci/cases.csv").write_text("case,site\n" + "".join(f"case_{i:02},A\n" for i in range(20)))
    config = rules(
        "baseline: {path: base}\ncases: {table: cases.csv}\n"
        "rules:\n  - {id: a, measure: dice, class: '2', max_regression: 0.01, by: site}\n",
        name="ci/rules.yaml",
    )
    done = run("gate", "ci/new", "-c", config)
    assert (done.code, "site=A" in done.out) == (0, True), done.err


def test_cases_may_differ_where_no_rule_compares_them(run: Run) -> None:
    score_lesions(run, "base")
    for folder in ("truth", "base-pred"):
        Path(folder, "case_03.npy").unlink()
    assert run("score", "base-pred", "truth", "-m", "dice", "--spacing", "1,1", "-o", "new", "-q").code == 0
    rule = "rules:\n  - {id: a, measure: dice, class: '2', %s}\n"
    for named in (("baseline: {path: base}\n",), ("", "--baseline", "base")):
        compared = run("gate", "new", "-c", rules(named[0] + rule % "max_regression: 0.01"), *named[1:])
        assert (compared.code, "(baseline.min_paired allows that)" in compared.err) == (2, True)
    beside = rules("baseline: {path: base}\ncases: {max_missing: 1}\n" + rule % "min: 0.1")
    assert run("gate", "new", "-c", beside).code == 0


# which rules hold, and who may change what they judge


def test_a_rule_in_short_stands_beside_those_of_the_file_here(run: Run, scored: Path) -> None:
    rules("rules:\n  - {id: high, measure: dice, class: organ, min: 0.99}\n", name="segeval.yaml")
    done = run("gate", scored, "--fail-under", "dice:mean=0.1")
    assert done.code == 1
    assert "high" in done.out
    assert "the rules of segeval.yaml hold beside --fail-under" in done.err
    other = rules("rules:\n  - {id: low, measure: dice, class: organ, min: 0.1}\n", name="other.yaml")
    assert run("gate", scored, "-c", other, "--fail-under", "dice:mean=0.1").code == 0


GATED = "score: {missing: worst, labels: {1: liver, 2: spleen}}\nrules:\n  - {id: floor, measure: dice, min: 0.1}\n"


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("MISSING", "skip", "SEGEVAL_MISSING skip: would change the numbers that rules.yaml judges, which sets worst"),
        ("UNDEFINED", "best", "SEGEVAL_UNDEFINED best: would change the numbers that rules.yaml judges."),
        ("IGNORE_LABEL", "2", "SEGEVAL_IGNORE_LABEL"),
    ],
)
def test_the_environment_does_not_loosen_a_gate(
    run: Run, folders: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch, name: str, value: str, said: str
) -> None:
    monkeypatch.setenv(f"SEGEVAL_{name}", value)
    done = run("score", *folders, "--gate", rules(GATED), "-o", "run")
    assert (done.code, said in done.err) == (2, True), done.err
    assert not Path("run").exists()


def test_what_cannot_loosen_a_gate_may_come_from_the_environment(
    run: Run, folders: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in (("WORKERS", "1"), ("OUT", "there"), ("MISSING", "worst"), ("MEASURES", "dice")):
        monkeypatch.setenv(f"SEGEVAL_{name}", value)
    assert run("score", *folders, "--gate", rules(GATED)).code == 0
    assert Path("there/run.json").exists()


def test_a_config_beside_a_gate_does_not_drop_the_options_of_the_gate(run: Run, folders: tuple[Path, Path]) -> None:
    other = rules("score: {measures: [dice]}\n", name="other.yaml")
    done = run("score", *folders, "-c", other, "--gate", rules(GATED), "-o", "run")
    assert done.code == 2
    assert "rules.yaml judges, which sets worst" in done.err
    by_hand = ("--missing", "worst", "--labels", "1=liver,2=spleen")
    assert run("score", *folders, *by_hand, "-c", other, "--gate", rules(GATED), "-o", "run").code == 0


# the gate believes nothing unchecked


def test_a_folder_that_a_killed_run_left_is_inconclusive_for_gate_and_compare(run: Run, scored: Path) -> None:
    (scored / ".segeval-journal.jsonl").write_text("")
    done = run("gate", scored, "--fail-under", "dice:mean=0.1")
    assert (done.code, "its tables may be of two runs" in " ".join(done.out.split())) == (
        4,
        True,
    )
    compared = run("compare", scored, scored)
    assert (compared.code, "its tables may be of two runs" in compared.err) == (4, True)


def test_a_folder_that_a_killed_run_left_without_tables_is_unfinished_until_it_is_resumed(
    run: Run, scored: Path
) -> None:
    left = Path("left")
    left.mkdir()
    (left / ".segeval-journal.jsonl").write_text("")
    done = run("gate", left, "--fail-under", "dice:mean=0.1")
    assert (done.code, "no table is written yet. Score again with --resume" in done.err) == (4, True)
    sample = (SAMPLE / "pred", SAMPLE / "gt", "--labels", LABELS)
    assert run("score", *sample, "-m", "dice", "-o", left, "--resume").code == 0
    assert run("gate", left, "--fail-under", "dice:mean=0.1").code == 0


FLOOR = "rules:\n  - {id: floor, measure: dice, class: organ, min: 0.1}\n"


def test_a_baseline_that_is_not_there_is_an_error_even_where_no_rule_compares(run: Run, scored: Path) -> None:
    named = rules(f"baseline: {{path: gone}}\n{FLOOR}")
    assert run("gate", scored, "-c", named).code == 2
    done = run("gate", scored, "--fail-under", "dice:mean=0.1", "--baseline", "gone")
    assert (done.code, "gone: no such file" in done.err) == (2, True)


def test_a_limit_beyond_the_range_of_its_measure_is_an_error(run: Run, scored: Path) -> None:
    for short in ("dice:mean=-1", "dice:mean=85", "hd95:median=-2"):
        done = run("gate", scored, "--fail-under", short)
        assert (done.code, "everything" in done.err) == (2, True), done.err


def test_a_gate_of_warnings_says_loudly_that_it_cannot_fail(run: Run, scored: Path) -> None:
    soft = rules(FLOOR.replace("min: 0.1", "min: 0.1, severity: warning"))
    done = run("gate", scored, "-c", soft)
    assert (done.code, "Beware: every rule is a warning, and no warning can fail this gate." in done.err) == (0, True)
    document = json.loads(run("gate", scored, "-c", soft, "--output", "json").out)
    assert document["beware"].startswith("every rule is a warning")
    assert "Beware: every rule" in run("gate", scored, "-c", soft, "--output", "markdown").out
    assert "Beware" not in run("gate", scored, "-c", rules(FLOOR)).err


def test_a_gate_on_a_single_case_says_so_loudly(run: Run) -> None:
    for side in ("pred", "truth"):
        write_image(Path(side, "a.npy"), disk(lesion=True))
    assert run("score", "pred", "truth", "-m", "dice", "-o", "run", "-q").code == 0
    short = rules("rules:\n  - {id: floor, measure: dice, min: 0.5}\n")
    assert "Beware: a single case was judged" in run("gate", "run", "-c", short).err
    asked = rules("cases: {min_cases: 1}\nrules:\n  - {id: floor, measure: dice, min: 0.5}\n")
    assert "Beware" not in run("gate", "run", "-c", asked).err


def test_a_row_says_on_which_side_its_limit_is_and_what_it_shows(run: Run, scored: Path) -> None:
    config = rules(
        "rules:\n"
        "  - {id: floor, measure: dice, class: organ, min: 0.5}\n"
        "  - {id: sure, measure: dice, class: organ, min: 0.5, bound: ci_lower}\n"
        "  - {id: far, measure: hd95, class: organ, stat: median, max: 90}\n"
        "  - {id: no-worse, measure: dice, class: organ, max_regression: 0.01}\n"
        "  - {id: few, measure: dice, class: organ, max_fraction: {worse_by: 0.1, of_cases: 0.5}}\n"
    )
    done = run("gate", scored, "-c", config, "--baseline", scored)
    rows = {
        line.split()[1]: " ".join(line.split()) for line in done.out.splitlines() if "dice" in line or "hd95" in line
    }
    assert " mean 0." in rows["floor"]
    assert rows["floor"].endswith("≥ 0.500 12")
    assert "lower bound of mean 0." in rows["sure"]
    assert rows["far"].endswith("≤ 90.000 12")
    assert "change of mean 0.000 ≥ -0.010 12" in rows["no-worse"]
    assert "share of cases 0.000 ≤ 0.500 12" in rows["few"]
    document = json.loads(run("gate", scored, "-c", config, "--baseline", scored, "--output", "json").out)
    said = [(verdict["shows"], verdict["side"]) for verdict in document["verdicts"]]
    assert said == [("value", ">="), ("lower bound", ">="), ("value", "<="), ("change", ">="), ("share", "<=")]


def test_a_first_baseline_is_made_from_rules_that_need_one(run: Run, scored: Path) -> None:
    config = rules(
        "baseline: {path: base}\n"
        "rules:\n"
        "  - {id: floor, measure: dice, class: organ, min: 0.1}\n"
        "  - {id: no-worse, measure: dice, class: organ, max_regression: 0.01}\n"
    )
    assert run("gate", scored, "-c", config).code == 2
    assert run("gate", scored, "-c", config, "--update-baseline", "other").code == 2
    first = run("gate", scored, "-c", config, "--update-baseline", "base")
    assert (first.code, "base is the baseline now" in first.err) == (0, True), first.err
    assert "no-worse [organ]: there is no baseline yet, and this run becomes the first" in first.out.replace(
        "[*]", "[organ]"
    )
    again = run("gate", scored, "-c", config, "--update-baseline", "base")
    assert (again.code, "2 pass" in again.err) == (0, True)


def test_a_first_run_that_fails_does_not_become_the_baseline(run: Run, scored: Path) -> None:
    config = rules(
        "baseline: {path: base}\n"
        "rules:\n"
        "  - {id: floor, measure: dice, class: organ, min: 0.99}\n"
        "  - {id: no-worse, measure: dice, class: organ, max_regression: 0.01}\n"
    )
    assert run("gate", scored, "-c", config, "--update-baseline", "base").code == 1
    assert not Path("base").exists()


def test_a_baseline_without_settings_is_noted(run: Run, scored: Path) -> None:
    config = rules("rules:\n  - {id: a, measure: dice, class: organ, max_regression: 0.01}\n")
    done = run("gate", scored, "-c", config, "--baseline", scored / "scores.csv")
    assert "run/scores.csv does not say how it was scored" in " ".join(done.out.split())
    assert "does not say how" not in run("gate", scored, "-c", config, "--baseline", scored).out


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("case,site\nübung,1\n".encode("latin-1"), "cannot be read as CSV in UTF-8"),
        (b"case,site\ncase_01\n", "1 cells under 2 headings"),
        (b"name,site\ncase_01,A\n", "must name the columns case"),
        (b"case,site\n", "holds no case"),
        (b"case,site\nx,A\nx,B\n", "case x has two rows"),
    ],
)
def test_a_case_table_that_cannot_be_read_is_an_error(run: Run, scored: Path, content: bytes, said: str) -> None:
    Path("cases.csv").write_bytes(content)
    sliced = rules("rules:\n  - {id: site, measure: dice, class: organ, min: 0.1, by: site}\n")
    done = run("gate", scored, "-c", sliced, "--case-table", "cases.csv")
    assert (done.code, said in done.err) == (2, True), done.err
    folder = run("gate", scored, "-c", sliced, "--case-table", scored)
    assert (folder.code, "this is a folder" in folder.err) == (2, True)


def test_a_run_that_was_edited_in_value_and_definition_is_refused(run: Run, scored: Path) -> None:
    document = json.loads((scored / "run.json").read_text())
    document["definitions"]["dice"]["bounds"] = [-5.0, 5.0]
    for value in (4, -0.5):
        document["scores"][0]["dice"] = value
        Path("edited.json").write_text(json.dumps(document))
        done = run("gate", "edited.json", "--fail-under", "dice:mean=0.1")
        assert done.code == 2
        assert f"is {value}, and it lies between 0 and 1" in done.err
    document["scores"][0]["dice"] = 1 + 1e-10  # as another order of adding may leave it
    Path("edited.json").write_text(json.dumps(document))
    assert run("gate", "edited.json", "--fail-under", "dice:mean=0.1").code == 0


@pytest.mark.parametrize("verb", ["gate", "compare"])
def test_a_truth_that_changed_under_the_name_of_its_case_is_refused(run: Run, verb: str) -> None:
    image = np.zeros((9, 9), np.uint8)
    image[2:6, 2:6] = 1
    for name, stop in (("old", 7), ("new", 6)):
        truth = np.zeros_like(image)
        truth[2:stop, 2:6] = 1
        write_image(Path(name, "truth", "a.npy"), truth)
        write_image(Path(name, "pred", "a.npy"), image)
        run("score", f"{name}/pred", f"{name}/truth", "-o", f"{name}/run")
    told = {
        "gate": ("gate", "new/run", "--baseline", "old/run", "--fail-under", "dice:mean=0.1"),
        "compare": ("compare", "old/run", "new/run"),
    }
    done = run(*told[verb])
    assert done.code == 2
    assert "the truth of case a has 16 voxels of 1 here and 20 in the baseline" in done.err
