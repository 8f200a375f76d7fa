"""What is said beside numbers that do not stop, in verdicts, notes and audits, leads to a known number."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.cli.given import Run, write_image
from tests.cli.remedies import (
    PRED,
    SCORE,
    TRUTH,
    Way,
    boxes,
    follow,
    numbers_of,
    pair,
    printed,
    score,
    scores,
    text,
)

pytestmark = pytest.mark.slow  # of several runs each

APART = "lesion_average_precision"
SURE = "case,class,instance,confidence\na,1,1,0.9\na,1,2,0.5\n"


def rules(content: str) -> None:
    text("g.yaml", f"schema_version: 1\n{content}\n")


def judged(
    says: str,
    first: str,
    then: str,
    right: float,
    *,
    run: str = "old",
    mend: Callable[[], object] = lambda: None,
    again: tuple[tuple[Any, ...], ...] = (),
    found: str = r"([-+\d.]+) [≥≤]",
    **more: Any,
) -> Way:
    """Rules whose verdict is open or says nothing, and the rules or the run that the verdict names."""
    asked = ("gate", run, "-c", "g.yaml")
    return Way(
        **{
            "given": lambda: rules(first),
            "first": asked,
            "says": says,
            "mend": lambda: (rules(then), mend()),
            "then": (*again, asked),
            "read": printed(found),
            "right": (right,),
            "refused": False,
            **more,
        }
    )


def reviewed(*marks: str) -> None:
    rows = "".join(f"{case},{mark},\n" for case, mark in zip("ab", marks, strict=True))
    text("review.csv", f"case,reviewed,comment\n{rows}")


def fraction(of_cases: float, more: str = "") -> str:
    rule = f"rules: [{{id: r, max_fraction: {{reviewed: fail, of_cases: {of_cases}}}{more}}}]"
    return f"{rule}\ncases: {{table: review.csv}}"


PASSED = r"pass r .*? ([\d.]+) ≤"
KEPT = "rules: [{id: r, measure: dice, class: '1', stat: mean, max_regression: 0.1}]"
PAIRED = f"{KEPT}\nbaseline: {{path: old, min_paired: 1}}"
CHANGED = r"dice change of mean \+?([-\d.]+)"
PROVEN = f"rules: [{{id: r, measure: {APART}, class: '1', stat: %s, min: 0.4}}]"
VERDICTS = {
    "a share of nothing": judged(
        "allow a small one, or set bound: point", fraction(0), fraction(0, ", bound: point"), 0.0, found=PASSED
    ),
    "a share of nothing, a small one": judged(
        "allow a small one", fraction(0), fraction(0.95), 0.0, found=PASSED, mend=lambda: reviewed("pass", "pass")
    ),
    "cases that nobody marked": judged(
        "Mark them, and judge again",
        fraction(0.6, ", bound: point"),
        fraction(0.6, ", bound: point"),
        0.5,
        found=PASSED,
        given=lambda: (rules(fraction(0.6, ", bound: point")), reviewed("fail", "")),
        mend=lambda: reviewed("fail", "pass"),
    ),
    "a case of the baseline that is lacking": judged(
        "Score them, renew the baseline, or raise cases.max_missing",
        PAIRED,
        PAIRED,
        0.167,
        run="one",
        again=(score("one", pred="nearer"),),
        found=CHANGED,
    ),
    "a case of the baseline that is lacking, and may": judged(
        "or raise cases.max_missing",
        PAIRED,
        f"{PAIRED}\ncases: {{max_missing: 1}}",
        0.167,
        run="one",
        found=CHANGED,
        code=4,  # one case tells nothing
    ),
    "a case of the baseline that is lacking there, too": judged(
        "renew the baseline",
        PAIRED,
        PAIRED.replace("old", "old-one"),
        0.167,
        run="one",
        again=(("score", "--pairs", "old.csv", "-m", "dice,hd", "-o", "old-one", "--bootstrap", 0),),
        found=CHANGED,
        code=4,  # one case tells nothing
    ),
    "means alone": judged(
        "Add a rule on p5",
        "rules: [{id: r, measure: dice, class: '1', stat: mean, min: 0.6}]",
        "rules: [{id: r, measure: dice, class: '1', stat: p5, min: 0.6}]",
        0.667,
        found=r"pass r \[1\] dice p5 ([\d.]+) ≥",
    ),
}


@pytest.mark.parametrize("what", VERDICTS)
@pytest.mark.usefixtures("scored_runs")
def test_what_a_verdict_says_leads_to_the_right_number(run: Run, what: str) -> None:
    reviewed("pass", "pass")
    for name, pred in (("one", "nearer"), ("old", "pred")):
        text(f"{name}.csv", f"case,pred,truth\na,{pred}/a.nii.gz,truth/a.nii.gz\n")
    assert run("score", "--pairs", "one.csv", "-m", "dice,hd", "-o", "one", "--bootstrap", 0).code == 0
    follow(run, VERDICTS[what])


def test_a_score_of_all_cases_is_judged_by_its_pooled_value(run: Run) -> None:
    boxes()
    text("c.csv", SURE)
    assert run(*SCORE, "-m", APART, "--confidences", "c.csv", "-o", "old").code == 0
    way = judged("Write stat: pooled", PROVEN % "mean", PROVEN % "pooled", 0.5, refused=True)
    follow(run, way)


def note(says: str, given: Callable[[], object], first: tuple[Any, ...], then: tuple[Any, ...], **more: Any) -> Way:
    """A score with a note, and one as the note says."""
    return Way(
        **{
            "given": given,
            "first": (*SCORE, *first),
            "says": says,
            "then": ((*SCORE, *then),),
            "refused": False,
            **more,
        }
    )


def touching() -> None:
    """A map of detections of which two touch: the surer one hits one of two boxes."""
    boxes()
    found = np.zeros((20, 20), np.float32)
    found[2:6, 2:6], found[6:8, 2:6] = 0.9, 0.5
    Path("pred/a.png").unlink()
    np.save("pred/a.npy", found)


def apart() -> None:
    """The two, told apart by their ids."""
    ids = np.zeros((20, 20), np.uint8)
    ids[2:6, 2:6], ids[6:8, 2:6] = 1, 2
    write_image(Path("ids", "a.png"), ids)
    text("c.csv", SURE)


def two_spacings() -> None:
    pair(mm=True)
    pair(name="b.npy")


MIXED = ("-m", "hd", "--keep-going")
NOTES = {
    "candidates that touch": note(
        "Give them apart as --pred-instances with --confidences",
        touching,
        ("-m", f"{APART}(candidates=map)"),
        ("-m", APART, "--pred-instances", "ids", "--confidences", "c.csv"),
        mend=apart,
        read=numbers_of("summary.csv", "pooled", class_="1", measure=APART),
        right=(0.5,),
    ),
    "an id that no truth holds": note(
        "no truth holds id 2 (a): false alarms, unless --labels leaves them out",
        lambda: pair(np.where(TRUTH == 1, PRED, 2 * (np.arange(12)[:, None, None] > 10)).astype(np.uint8)),
        ("-m", "n_lesions_pred"),
        ("-m", "n_lesions_pred", "--labels", "1"),
        read=scores("n_lesions_pred"),
        right=(1.0,),
    ),
    "an id that no prediction holds": note(
        "no prediction holds id 2: missed everywhere, or to be ignored with --ignore-label",
        lambda: pair(PRED, np.where(np.arange(12)[:, None, None] > 10, 2, TRUTH).astype(np.uint8)),
        ("-m", "dice"),
        ("-m", "dice", "--ignore-label", 2),
    ),
    "a class that no mask holds": note(
        "no mask holds liver: check the ids in --labels",
        pair,
        ("-m", "dice", "--labels", "2=liver"),
        ("-m", "dice", "--labels", "1=liver"),
    ),
    "resamples that are not there": Way(
        given=lambda: (boxes(), text("c.csv", SURE)),
        first=("compare", "x0", "x1"),
        says="score it again, with --bootstrap above 0",
        then=(
            *((*SCORE[:-1], 20, "-m", APART, "--confidences", "c.csv", "-o", name) for name in ("x0", "x1")),
            ("compare", "x0", "x1"),
        ),
        read=printed(rf"{APART} ([\d.]+) ([\d.]+) \+?([\d.]+)"),
        right=(0.5, 0.5, 0.0),
        refused=False,
    ),
}


@pytest.mark.parametrize("what", NOTES)
def test_what_a_note_says_leads_to_the_right_number(run: Run, what: str) -> None:
    way = NOTES[what]
    if what == "resamples that are not there":
        way.given()
        for name in ("x0", "x1"):
            assert run(*SCORE, "-m", APART, "--confidences", "c.csv", "-o", name).code == 0
    follow(run, way)


def audited(says: str, given: Callable[[], object], *then: Any, **more: Any) -> Way:
    """An audit of files, and the score that it offers."""
    return Way(
        **{"given": given, "first": ("doctor", "pred", "truth"), "says": says, "then": ((*SCORE, *then),), **more}
    )


def missing() -> None:
    pair()
    write_image(Path("truth/b.nii.gz"), TRUTH)


AUDITS = {
    "a prediction that is missing": audited(
        "score would stop. Add it", missing, "-m", "dice", mend=lambda: pair(name="b.nii.gz"), right=(2 / 3, 2 / 3)
    ),
    "a prediction that is missing, at worst": audited(
        "or pass --missing worst|background|skip", missing, "-m", "dice", "--missing", "worst", right=(2 / 3, 0.0)
    ),
    "a prediction that is missing, as background": audited(
        "or pass --missing worst|background|skip", missing, "-m", "dice", "--missing", "background", right=(2 / 3, 0.0)
    ),
    "a prediction that is missing, skipped": audited(
        "or pass --missing worst|background|skip", missing, "-m", "dice", "--missing", "skip"
    ),
    "two spacings": audited(
        "unless you pass --spacing",
        two_spacings,
        *("-m", "hd", "--spacing", "0.5,1,1"),
        read=scores("hd"),
        right=(1.0, 1.0),
        refused=False,
    ),
    "two spacings, both": audited(
        "or --mixed-units",
        two_spacings,
        *("-m", "hd", "--mixed-units"),
        read=scores("hd"),
        right=(1.0, 2.0),
        refused=False,
    ),
}


@pytest.mark.parametrize("what", AUDITS)
def test_what_an_audit_says_leads_to_the_right_number(run: Run, what: str) -> None:
    follow(run, AUDITS[what])
