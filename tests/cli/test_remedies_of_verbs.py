"""Remedies of the other verbs: gate, compare, merge, report, explain, sweep, each followed to a known number."""

import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.cli.given import Run, rows_of, strict_json, write_image
from tests.cli.remedies import (
    EVEN,
    FOUND,
    NEARER,
    NEW,
    OLD,
    ON_DICE,
    PRED,
    ROW,
    Way,
    follow,
    images,
    numbers_of,
    printed,
    rules,
    score,
    soft,
    text,
)

QUIET = ("--bootstrap", 0)


def nothing() -> None:
    """The runs are there already."""


def gate(first: str, then: str, says: str, *, right: tuple[float, ...], more: tuple[Any, ...] = ()) -> Way:
    """A rule that is wrong, and the one that the message names."""
    return Way(
        given=lambda: rules(first),
        first=("gate", "old", "-c", "g.yaml", *more),
        says=says,
        mend=lambda: rules(then),
        then=(("gate", "old", "-c", "g.yaml", *more),),
        read=printed(r"pass r0 \[\S+\] \w+ .*? ([-\d.]+) [≥≤]"),
        right=right,
    )


HD = "measure: hd, class: '1'"

GATES = {
    "a limit on the wrong side": gate(
        f"{ON_DICE}, stat: mean, max: 0.6", f"{ON_DICE}, stat: mean, min: 0.6", "Write min", right=(0.667,)
    ),
    "a limit of a distance on the wrong side": gate(
        f"{HD}, stat: mean, min: 3", f"{HD}, stat: mean, max: 3", "Write max", right=(2.0,)
    ),
    "a median of means": gate(
        "measure: dice, class: (mean), stat: median, min: 0.5",
        "measure: dice, class: '*', stat: median, min: 0.5",
        'Write class: "*", or stat: mean',
        right=(0.667,),
    ),
    "a median of means, by its mean": gate(
        "measure: dice, class: (mean), stat: median, min: 0.5",
        "measure: dice, class: (mean), stat: mean, min: 0.5",
        "or stat: mean",
        right=(0.667,),
    ),
    "a bound of a pooled value": gate(
        f"{ON_DICE}, stat: pooled, min: 0.5, bound: ci_lower",
        f"{ON_DICE}, stat: pooled, min: 0.5",
        "Leave out bound",
        right=(0.667,),
    ),
    "a rule without a limit": gate(
        f"{ON_DICE}, stat: mean", f"{ON_DICE}, stat: mean, min: 0.5", "Give one of: min", right=(0.667,)
    ),
    "a rule without a measure": gate(
        "class: '1', min: 0.5", f"{ON_DICE}, min: 0.5", "Name one, such as measure: dice", right=(0.667,)
    ),
    "a rule with two limits": gate(
        f"{ON_DICE}, min: 0.5, max_regression: 0.1", f"{ON_DICE}, min: 0.5", "Write one rule for each", right=(0.667,)
    ),
    "a rule of a measure with a slip": gate(
        "measure: dise, class: '1', min: 0.5", f"{ON_DICE}, min: 0.5", "Did you mean 'dice'", right=(0.667,)
    ),
    "a bound of a regression": gate(
        f"{ON_DICE}, max_regression: 0.1, bound: ci_lower",
        f"{ON_DICE}, max_regression: 0.1",
        "Leave out bound",
        right=(0.0,),
        more=("--baseline", "old"),
    ),
    "a share of cases with a statistic": gate(
        f"{ON_DICE}, stat: median, max_fraction: {{worse_by: 0.05, of_cases: 0.9}}",
        f"{ON_DICE}, max_fraction: {{worse_by: 0.05, of_cases: 0.9}}",
        "Leave out stat",
        right=(0.0,),
        more=("--baseline", "old"),
    ),
}

OTHERS = {
    "no rule": Way(
        given=nothing,
        first=("gate", "old"),
        says="or pass --fail-under",
        then=(("gate", "old", "--fail-under", "dice:mean=0.5"),),
        read=printed(FOUND),
        right=(0.667,),
    ),
    "a short rule that says no statistic": Way(
        given=nothing,
        first=("gate", "old", "--fail-under", "dice=0.5"),
        says="write MEASURE:STATISTIC=LIMIT",
        then=(("gate", "old", "--fail-under", "dice:mean=0.5"),),
        read=printed(FOUND),
        right=(0.667,),
    ),
    "a measure that the run has not": Way(
        given=nothing,
        first=("gate", "old", "--fail-under", "iou:mean=0.4"),
        says="the run has no iou; score it with -m '+iou'",
        then=(
            ("score", "pred", "truth", "-m", "+iou", "-o", "old", *QUIET),
            ("gate", "old", "--fail-under", "iou:mean=0.4"),
        ),
        read=printed(FOUND),
        right=(0.5,),
        refused=False,
    ),
    "no baseline, one is named": Way(
        given=lambda: rules(f"{HD}, stat: mean, max_regression: 0.1"),
        first=("gate", "new", "-c", "g.yaml"),
        says="there is no baseline: name a run with --baseline",
        then=(("gate", "new", "-c", "g.yaml", "--baseline", "old"),),
        read=printed(r"pass r0 \[1\] hd change of mean ([-+\d.]+)"),
        right=(1.0,),
        refused=False,
    ),
    "no baseline, the first one": Way(
        given=lambda: rules(f"{ON_DICE}, stat: mean, max_regression: 0.1"),
        first=("gate", "old", "-c", "g.yaml"),
        says="--baseline DIR --update-baseline DIR",
        then=(
            ("gate", "old", "-c", "g.yaml", "--baseline", "base", "--update-baseline", "base"),
            ("gate", "new", "-c", "g.yaml", "--baseline", "base"),
        ),
        read=printed(r"pass r0 \[1\] dice change of mean \+?([-\d.]+)"),
        right=(0.167,),
        refused=False,
    ),
    "a report of a kind that is none": Way(
        given=nothing,
        first=("gate", "old", "--fail-under", "dice:mean=0.5", "--output", "xml"),
        says="Use json, junit, markdown, github, and =PATH for a file",
        then=(("gate", "old", "--fail-under", "dice:mean=0.5", "--output", "json=g.json"),),
        read=lambda _: [strict_json(Path("g.json").read_text())["verdicts"][0]["value"]],
    ),
    "one run to compare": Way(
        given=nothing,
        first=("compare", "old"),
        says="Name two runs, the old one first",
        then=(("compare", "old", "new", "-m", "dice"),),
        read=printed(r"1 dice ([\d.]+) ([\d.]+) \+([\d.]+)"),
        right=(0.667, 0.833, 0.167),
    ),
    "a measure that two runs do not share": Way(
        given=nothing,
        first=("compare", "old", "new", "-m", "iou"),
        says="They share: dice, hd",
        then=(("compare", "old", "new", "-m", "hd"),),
        read=printed(r"1 hd ([\d.]+) ([\d.]+) \+([\d.]+)"),
        right=(2.0, 1.0, 1.0),
    ),
    "groups of two runs without a table": Way(
        given=lambda: text("t.csv", "case,site\na,x\nb,y\n"),
        first=("compare", "old", "new", "-m", "dice", "--by", "site"),
        says="Pass --case-table FILE, too",
        then=(("compare", "old", "new", "-m", "dice", "--by", "site", "--case-table", "t.csv"),),
        read=printed(r"x 1 dice ([\d.]+) ([\d.]+) \+([\d.]+)"),
        right=(0.667, 0.833, 0.167),
    ),
    "a folder without a run": Way(
        given=nothing,
        first=("compare", "old", "pred"),
        says="Name the folder that a run wrote to",
        then=(("compare", "old", "new", "-m", "dice"),),
        read=printed(r"1 dice ([\d.]+) ([\d.]+) \+([\d.]+)"),
        right=(0.667, 0.833, 0.167),
    ),
    "a page of a folder without a run": Way(
        given=nothing,
        first=("report", "pred"),
        says="pred: this folder holds no run.json. Name the folder that a run wrote to",
        then=(("report", "old", "-o", "page.html"),),
        read=lambda _: [float("0.667" in Path("page.html").read_text())],
        right=(1.0,),
    ),
    "a run that is no shard": Way(
        given=nothing,
        first=("merge", "old", "new", "-o", "whole"),
        says="Name folders that `segeval score --shard I/N` wrote",
        then=(
            *(score(f"s{i}", "--shard", f"{i}/2") for i in (0, 1)),
            ("merge", "s0", "s1", "-o", "whole"),
        ),
        read=numbers_of("whole/scores.csv", "dice"),
        right=(2 / 3, 2 / 3),
    ),
    "a lone shard": Way(
        given=nothing,
        first=("gate", "s0", "--fail-under", "dice:mean=0.5"),
        says="Join them with `segeval merge RUN... --out DIR`, and name that folder",
        then=(("merge", "s0", "s1", "--out", "whole"), ("gate", "whole", "--fail-under", "dice:mean=0.5")),
        read=printed(FOUND),
        right=(0.667,),
    ),
    "a shard that is missing": Way(
        given=nothing,
        first=("merge", "s0", "-o", "whole"),
        says="Shard 1/2 is missing: 1 of 2 are named. Name all of them",
        then=(("merge", "s0", "s1", "-o", "whole"),),
        read=numbers_of("whole/scores.csv", "dice"),
        right=(2 / 3, 2 / 3),
    ),
    "a shard that is named twice": Way(
        given=nothing,
        first=("merge", "s0", "s1", "s0", "-o", "whole"),
        says="whose cases would count twice. Name one of them",
        then=(("merge", "s0", "s1", "-o", "whole"),),
        read=numbers_of("whole/scores.csv", "dice"),
        right=(2 / 3, 2 / 3),
    ),
    "numbers that are not named": Way(
        given=nothing,
        first=("explain", "pred", "truth"),
        says="segeval explain NUMBERS PRED TRUTH",
        then=(("explain", "old/scores.csv", "pred", "truth", "-m", "dice"),),
        read=printed(r"dice \(\d+ numbers?\): (\d) of (\d) are dice"),
        right=(2.0, 2.0),
    ),
    "images that are not named": Way(
        given=nothing,
        first=("explain", "pred", "--value", "0.667"),
        says="segeval explain PRED TRUTH --value 0.83",
        then=(("explain", "pred", "truth", "--value", "0.667", "-m", "dice"),),
        read=printed(r"value \((\d) number\): (\d) of 1 are dice"),
        right=(1.0, 1.0),
    ),
    "a value and a file": Way(
        given=nothing,
        first=("explain", "old/scores.csv", "pred", "truth", "--value", "0.667"),
        says="Name predictions and truth alone, or leave it out",
        then=(("explain", "old/scores.csv", "pred", "truth", "-m", "dice"),),
        read=printed(r"dice \(\d+ numbers?\): (\d) of (\d) are dice"),
        right=(2.0, 2.0),
    ),
    "cases of other names": Way(
        given=lambda: text("n.csv", "case,dice\np7,0.66667\np8,0.66667\n"),
        first=("explain", "n.csv", "pred", "truth"),
        says="Name the cases of NUMBERS as the files are",
        mend=lambda: text("n.csv", "case,dice\na,0.66667\nb,0.66667\n"),
        read=printed(r"dice \(\d+ numbers?\): (\d) of (\d) are dice"),
        right=(2.0, 2.0),
    ),
    "a class of another name": Way(
        given=lambda: text("n.csv", "case,class,dice\na,liver,0.66667\nb,spleen,0.66667\n"),
        first=("explain", "n.csv", "pred", "truth"),
        says="Give them the names of the file: --labels 1=liver",
        mend=lambda: text("n.csv", "case,class,dice\na,liver,0.66667\nb,liver,0.66667\n"),
        then=(("explain", "n.csv", "pred", "truth", "--labels", "1=liver"),),
        read=printed(r"dice \(\d+ numbers?\): (\d) of (\d) are dice"),
        right=(2.0, 2.0),
    ),
}


MAPS = ("sweep", "tversky", "maps", "truth")


def maps() -> None:
    for name in "ab":
        write_image(Path("maps", f"{name}.nii.gz"), soft())


def models(*cases: str) -> None:
    """Predictions of two settings, one of which has these cases only."""
    for name in "ab":
        write_image(Path("models", "alpha=0.3,beta=0.7", f"{name}.nii.gz"), NEARER)
    for name in cases:
        write_image(Path("models", "alpha=0.7,beta=0.3", f"{name}.nii.gz"), PRED)


def sweep(
    first: tuple[str, ...], then: tuple[str, ...], says: str, right: tuple[float, ...] = (0.5, 0.5, 0.667)
) -> Way:
    """Options of a sweep over maps that do not go together, and those that the message names."""
    return Way(given=maps, first=(*MAPS, *first), says=says, then=((*MAPS, *then),), read=printed(ROW), right=right)


TRAINED = ("sweep", "tversky", "--runs", "models", "truth")
TRAINED_ROWS = r"0\.7 0\.3 ([\d.]+) .*?0\.3 0\.7 ([\d.]+) "

SWEEPS = {
    "a price without the other": sweep(
        ("--grid", "alpha=0.3"),
        ("--grid", "alpha=0.3", "--grid", "beta=0.7"),
        "Set alpha and beta",
        right=(0.3, 0.7, 0.667),
    ),
    "a price and its rest": sweep(
        ("--grid", "alpha=0.3"),
        ("--grid", "alpha=0.3", "--sum-to-one"),
        "or pass --sum-to-one",
        right=(0.3, 0.7, 0.667),
    ),
    "a price that is given and taken": sweep(
        (*EVEN, "--grid", "beta=0.5"), EVEN, "--sum-to-one gives beta = 1 - alpha. Set one of them in --grid"
    ),
    "a parameter named twice": sweep(
        ("--grid", "alpha=0.5", "--grid", "alpha=0.6", "--sum-to-one"), EVEN, "List all its values in one"
    ),
    "a range without steps": sweep(
        ("--grid", "alpha=0.5:0.6", "--sum-to-one"),
        ("--grid", "alpha=0.5:0.6:0.5", "--sum-to-one"),
        "Write start:stop:step",
    ),
    "differences without intervals": sweep(
        (*EVEN, "--baseline", "alpha=0.5,beta=0.5"),
        (*EVEN, "--baseline", "alpha=0.5,beta=0.5", "--bootstrap", "20"),
        "Add --bootstrap 1000",
    ),
    "a baseline that is no row": sweep(
        (*EVEN, "--baseline", "alpha=0.3,beta=0.7", "--bootstrap", "20"),
        ("--grid", "alpha=0.3,0.5", "--sum-to-one", "--baseline", "alpha=0.3,beta=0.7", "--bootstrap", "20"),
        "Add it to --grid",
        right=(0.5, 0.5, 0.667),
    ),
    "two formats and one screen": Way(
        given=maps,
        first=(*MAPS, *EVEN, "--format", "csv", "--format", "json"),
        says="Name --out",
        then=((*MAPS, *EVEN, "--format", "csv", "--format", "json", "-o", "s"),),
        read=lambda _: [float(row["dsc"]) for row in rows_of(next(Path("s").glob("*.csv")))],
    ),
    "operating points without a folder": sweep(
        (*EVEN, "--operating-points"), (*EVEN, "--operating-points", "--out", "s"), "Name a folder with --out"
    ),
    "a class that there is not": sweep((*EVEN, "--class", "9"), (*EVEN, "--class", "1"), "There are 1"),
    "a case on both sides": sweep(
        (*EVEN, "--select", "a", "--report", "a,b"),
        (*EVEN, "--select", "a", "--report", "b"),
        "A case can be on one side only",
    ),
    "a part that another loss has": sweep((*EVEN, "--cdf"), EVEN, "It is for focal_loss"),
    "maps that overshoot": Way(
        given=lambda: [write_image(Path("maps", f"{name}.nii.gz"), soft() * 1.3 - 0.15) for name in "ab"],
        first=(*MAPS, *EVEN),
        says="Pass --clip-probs",
        then=((*MAPS, *EVEN, "--clip-probs"),),
        read=printed(r"0\.5 0\.5 [\d.]+ [\d.]+ 0\.333 ([\d.]+) "),
        right=(0.667,),
    ),
    "a map that is missing": Way(
        given=lambda: (maps(), Path("maps/b.nii.gz").unlink()),
        first=(*MAPS, *EVEN),
        says="Add the maps, or name the whole pairs alone with --pairs",
        mend=lambda: text("p.csv", "case,pred,truth\na,maps/a.nii.gz,truth/a.nii.gz\n"),
        then=(("sweep", "tversky", "--pairs", "p.csv", *EVEN),),
        read=printed(ROW),
        right=(0.5, 0.5, 0.667),
    ),
    "masks in place of maps": Way(
        given=maps,
        first=("sweep", "tversky", "pred", "truth", *EVEN),
        says="Export the probabilities",
        then=((*MAPS, *EVEN),),
        read=printed(ROW),
        right=(0.5, 0.5, 0.667),
    ),
    "masks of trained models": Way(
        given=lambda: models("a", "b"),
        first=("sweep", "tversky", "pred", "truth", *EVEN),
        says="or compare the masks of several trained models with --runs",
        then=(TRAINED,),
        read=printed(TRAINED_ROWS),
        right=(0.667, 0.833),
    ),
    "runs without a truth": Way(
        given=lambda: models("a", "b"),
        first=TRAINED[:-1],
        says="Name it as TRUTH",
        then=(TRAINED,),
        read=printed(TRAINED_ROWS),
        right=(0.667, 0.833),
    ),
    "a run that lacks a case": Way(
        given=lambda: models("a"),
        first=TRAINED,
        says="or pass --allow-missing",
        then=((*TRAINED, "--allow-missing"),),
        read=printed(TRAINED_ROWS),
        right=(0.667, 0.833),
    ),
    "a run that lacks a case, which is added": Way(
        given=lambda: models("a"),
        first=TRAINED,
        says="add them",
        mend=lambda: models("a", "b"),
        read=printed(TRAINED_ROWS),
        right=(0.667, 0.833),
    ),
    "folders that name no setting": Way(
        given=lambda: write_image(Path("models", "best", "a.nii.gz"), PRED),
        first=TRAINED,
        says="Name the folder of each setting like alpha=0.3_beta=0.7",
        mend=lambda: models("a", "b"),
        read=printed(TRAINED_ROWS),
        right=(0.667, 0.833),
    ),
    "a value that is none": Way(
        given=lambda: (models("a", "b"), Path("models", "alpha=0.3_beta=(1,2").mkdir()),
        first=TRAINED,
        says="Write it like alpha=0.3_beta=0.7",
        mend=lambda: Path("models", "alpha=0.3_beta=(1,2").rmdir(),
        read=printed(TRAINED_ROWS),
        right=(0.667, 0.833),
    ),
    "losses without runs": Way(
        given=nothing,
        first=("sweep", "losses"),
        says="Pass --runs or --train",
        mend=lambda: [write_image(Path("all", "dice_loss", f"{name}.nii.gz"), PRED) for name in "ab"],
        then=(("sweep", "losses", "--runs", "all", "truth"),),
        read=printed(r"dice_loss ([\d.]+) "),
        right=(0.667,),
    ),
}


@pytest.fixture
def _runs(run: Run, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """The runs that the ways start from, scored once and copied for each test."""
    made = tmp_path_factory.getbasetemp() / "runs-of-verbs"
    if not made.exists():
        made.mkdir()
        monkeypatch.chdir(made)
        images()
        for command in (OLD, NEW, *(score(f"s{i}", "--shard", f"{i}/2") for i in (0, 1))):
            assert run(*command).code == 0
        monkeypatch.chdir(tmp_path)
    shutil.copytree(made, tmp_path, dirs_exist_ok=True)


@pytest.mark.parametrize("what", GATES | OTHERS | SWEEPS)
@pytest.mark.usefixtures("_runs")
def test_what_a_verb_offers_leads_to_the_right_number(run: Run, what: str) -> None:
    follow(run, (GATES | OTHERS | SWEEPS)[what])
