"""Remedies about measures and options of `score`, each followed to a number that is known by hand."""

from pathlib import Path

import numpy as np
import pytest

from tests.cli.given import Run, write_image
from tests.cli.remedies import (
    PRED,
    SCORE,
    TRUTH,
    TWO,
    TWO_PRED,
    VOXELS_MM,
    Way,
    boxes,
    follow,
    numbers_of,
    pair,
    scores,
    soft,
    text,
    two,
)

BOTH_UNITS = (*SCORE, "-m", "hd")
NO_SPACING = (*SCORE, "-m", "volume_truth_ml,nsd(tolerance_mm=1)")
GATE = "schema_version: 1\nrules:\n  - {id: a, measure: dice, class: '*', stat: mean, min: 0.5}\n"
TABLE = "case,site\na,x\n"


def mixed_units() -> None:
    pair(mm=True)
    pair(name="b.npy")


MEASURES = {
    "px beside mm, lengths given": Way(
        given=mixed_units,
        first=BOTH_UNITS,
        says="pass --spacing for the files without one",
        then=((*BOTH_UNITS, "--spacing", "2,1,1"),),
        read=scores("hd"),
        right=(1.0, 4.0),
    ),
    "px beside mm, wanted": Way(
        given=mixed_units,
        first=BOTH_UNITS,
        says="or --mixed-units to get it",
        then=((*BOTH_UNITS, "--mixed-units"),),
        read=scores("hd"),
        right=(1.0, 2.0),
    ),
    "no volumes without a spacing": Way(
        given=lambda: pair(name="a.npy"),
        first=NO_SPACING,
        says="these are undefined: volume_truth_ml. Pass --spacing",
        then=((*NO_SPACING, "--spacing", "1,1,2"),),
        read=scores("volume_truth_ml"),
        right=(144 * 2 / 1000,),
        refused=False,
    ),
    "tolerances in pixels": Way(
        given=lambda: pair(name="a.npy"),
        first=NO_SPACING,
        says="tolerance_mm counts pixels in nsd(tolerance_mm=1). Pass --spacing",
        then=((*NO_SPACING, "--spacing", "0.5,0.5,0.5"),),
        read=scores("nsd(tolerance_mm=1)"),
        right=(1.0,),  # two voxels are one millimetre then
        refused=False,
    ),
    "lengths of files that have their own": Way(
        given=lambda: pair(mm=True),
        first=(*SCORE, "-m", "hd", "--spacing", "9,9,9"),
        says="--spacing is for files without one, and these have their own, which counts: a",
        read=scores("hd"),
        right=(1.0,),
        refused=False,
    ),
    "curves of labels": Way(
        given=pair,
        first=(*SCORE, "-m", "auc_roc"),
        says="labels have no probabilities, so these are undefined: auc_roc. Score the maps instead",
        mend=lambda: write_image(Path("pred", "a.nii.gz"), soft()),
        read=scores("auc_roc"),
        right=((96 / 144 + 960 / 1008) / 2,),  # two values of probability: the mean of sensitivity and specificity
        refused=False,
    ),
    "candidates of labels": Way(
        given=boxes,
        first=(*SCORE, "-m", "lesion_average_precision"),
        says="give a confidence for each predicted lesion with --confidences",
        mend=lambda: text("c.csv", "case,class,instance,confidence\na,x,1,0.9\na,x,2,0.5\n"),
        then=((*SCORE, "-m", "lesion_average_precision", "--labels", "1=x", "--confidences", "c.csv"),),
        read=numbers_of("summary.csv", "pooled", class_="x", measure="lesion_average_precision"),
        right=(0.5,),  # the first candidate hits one of two at precision 1, and no more is found
        refused=False,
    ),
    "losses that only logits tell": Way(
        given=lambda: pair(soft()),
        first=(*SCORE, "-m", "nacl_loss,dice"),
        says="undefined, since only logits tell it. Score these with --pred-kind logits",
        mend=lambda: pair(np.where(PRED == 1, 3.0, -3.0).astype(np.float32)),
        then=((*SCORE, "-m", "nacl_loss,dice", "--pred-kind", "logits"),),
        refused=False,
    ),
    "logits that are resampled": Way(
        given=lambda: pair(np.where(PRED == 1, 3.0, -3.0).astype(np.float32)),
        first=(*SCORE, "-m", "nacl_loss,dice", "--pred-kind", "logits", "--resample"),
        says="leave --resample out",
        then=((*SCORE, "-m", "nacl_loss,dice", "--pred-kind", "logits"),),
        refused=False,
    ),
    "categories without groups": Way(
        given=two,
        first=(*SCORE, "-m", "category_mean_iou"),
        says="name groups of classes with --regions",
        then=((*SCORE, "-m", "category_mean_iou", "--regions", "x=1,y=2"),),
        read=numbers_of("summary.csv", "mean", measure="category_mean_iou"),
        right=(0.75,),
        refused=False,
    ),
    "a measure that a tool lacks": Way(
        given=pair,
        first=(*SCORE, "--like", "medpy", "-m", "cldice"),
        says="Pass -m all for all of these",
        then=((*SCORE, "--like", "medpy", "-m", "all"),),
        read=scores("hd[medpy]"),
        right=(2.0,),
    ),
    "a name with a slip": Way(
        given=pair, first=(*SCORE, "-m", "dise"), says="Did you mean 'dice'?", then=((*SCORE, "-m", "dice"),)
    ),
    "an option of others": Way(
        given=pair, first=(*SCORE, "--metrics", "dice"), says="Did you mean -m", then=((*SCORE, "-m", "dice"),)
    ),
    "a share for a percentage": Way(
        given=pair,
        first=(*SCORE, "-m", "hdp(percent=0.95)"),
        says="percent is 0 to 100. Did you mean percent=95?",
        then=((*SCORE, "-m", "hdp(percent=95)"),),
        read=scores("hdp(percent=95)"),
        right=(2.0,),
    ),
    "a knob without effect": Way(
        given=boxes,
        first=(*SCORE, "-m", "lesion_f1(matching=any_overlap,iou_threshold=0.9)"),
        says="Leave it out, or set matching to hungarian",
        then=((*SCORE, "-m", "lesion_f1(matching=any_overlap)"),),
        read=scores("lesion_f1(matching=any_overlap)"),
        right=(0.5,),
    ),
    "a knob without effect, another setting": Way(
        given=boxes,
        first=(*SCORE, "-m", "lesion_f1(matching=any_overlap,iou_threshold=0.9)"),
        says="set matching to hungarian",
        then=((*SCORE, "-m", "lesion_f1(matching=hungarian,iou_threshold=0.9)"),),
        read=scores("lesion_f1(matching=hungarian,iou_threshold=0.9)"),
        right=(0.5,),
    ),
    "edges in a plane": Way(
        given=boxes,
        first=(*SCORE, "-m", "lesion_f1(connectivity=edge)"),
        says="such as lesion_f1(connectivity=full)",
        then=((*SCORE, "-m", "lesion_f1(connectivity=full)"),),
        read=scores("lesion_f1(connectivity=full)"),
        right=(0.5,),
    ),
    "a class without a tolerance": Way(
        given=two,
        first=(*SCORE, "-m", "nsd(tolerance_mm=1:2)"),
        says="no value for class '2', only for: 1. Add one",
        then=((*SCORE, "-m", "nsd(tolerance_mm=1:2;2:2)"),),
        read=scores("nsd(tolerance_mm=per_class)"),
        right=(1.0, 1.0),
    ),
    "an undefined value that stops": Way(
        given=two,
        first=(*SCORE, "-m", "dice", "--labels", "1,2,3", "--undefined", "fail"),
        says="skip, worst or best would go on",
        then=((*SCORE, "-m", "dice", "--labels", "1,2,3", "--undefined", "skip"),),
        read=numbers_of("summary.csv", "mean", class_="(mean)"),
        right=(5 / 6,),
    ),
    "confidences that are no probabilities": Way(
        given=lambda: (boxes(), text("c.csv", "case,class,instance,confidence\na,x,1,7\na,x,2,5\n")),
        first=(*SCORE, "-m", "case_auroc(case_score=noisy_or)", "--labels", "1=x", "--confidences", "c.csv"),
        says="Use case_score=max, or give probabilities",
        then=((*SCORE, "-m", "lesion_average_precision,case_auroc", "--labels", "1=x", "--confidences", "c.csv"),),
        read=numbers_of("summary.csv", "pooled", class_="x", measure="lesion_average_precision"),
        right=(0.5,),
    ),
    "thresholds of what has none": Way(
        given=lambda: (boxes(), text("c.csv", "case,class,instance,confidence\na,x,1,0.9\na,x,2,0.5\n")),
        first=(
            *(*SCORE, "-m", "sensitivity_at_fp(candidates=per_threshold,fp=1)"),
            *("--labels", "1=x", "--confidences", "c.csv"),
        ),
        says="Use candidates=threshold",
        then=(
            (
                *(*SCORE, "-m", "sensitivity_at_fp(candidates=threshold,fp=1)"),
                *("--labels", "1=x", "--confidences", "c.csv"),
            ),
        ),
        read=numbers_of("summary.csv", "pooled", class_="x"),
        right=(0.5,),
    ),
}

TILTED = VOXELS_MM.copy()
TILTED[1, 2] = 0.5


def tilted() -> None:
    for side, array in (("pred", PRED), ("truth", TRUTH)):
        write_image(Path(side, "a.nii.gz"), array, affine=TILTED)


MEASURES |= {
    "a loss along axes that are not at right angles": Way(
        given=tilted,
        first=(*SCORE, "-m", "dice,hausdorff_dt_loss"),
        says="a: hausdorff_dt_loss: the axes are not at right angles, and this loss measures along them",
        then=((*SCORE, "-m", "dice,hausdorff_dt_loss(units=voxel)"),),
    ),
    "such a loss among others that look at images too": Way(
        given=tilted,
        first=(*SCORE, "-m", "dice,weight_map,shape_losses"),
        says="right angles, and this loss measures along them. Take units=voxel; where a group has brought it, name",
        then=((*SCORE, "-m", "dice,weight_map,boundary_loss(units=voxel),boundary_dou_loss"),),
    ),
}

ALONE = {
    "maps of lesions that nobody reads": Way(
        given=pair,
        first=(*SCORE, "-m", "dice", "--pred-instances", "pred"),
        says="Add -m +lesion",
        then=((*SCORE, "-m", "dice", "-m", "+lesion", "--pred-instances", "pred"),),
        read=scores("n_lesions_pred"),
        right=(1.0,),
    ),
    "confidences that nobody reads": Way(
        given=lambda: (boxes(), text("c.csv", "case,class,instance,confidence\na,x,1,0.9\na,x,2,0.5\n")),
        first=(*SCORE, "-m", "dice", "--labels", "1=x", "--confidences", "c.csv"),
        says="Add -m +detection",
        then=((*SCORE, "-m", "dice", "-m", "+detection", "--labels", "1=x", "--confidences", "c.csv"),),
        read=numbers_of("summary.csv", "pooled", class_="x", measure="lesion_average_precision"),
        right=(0.5,),
    ),
    "an instance map of one file": Way(
        given=lambda: (pair(), pair(name="b.nii.gz"), write_image(Path("one.nii.gz"), PRED)),
        first=(*SCORE, "-m", "n_lesions_pred", "--pred-instances", "one.nii.gz"),
        says="Name a folder, or a path with {case} in it",
        then=((*SCORE, "-m", "n_lesions_pred", "--pred-instances", "pred/{case}.nii.gz"),),
        read=scores("n_lesions_pred"),
        right=(1.0, 1.0),
    ),
    "an instance map that is not there": Way(
        given=lambda: (pair(), Path("maps").mkdir(), write_image(Path("maps/b.nii.gz"), PRED)),
        first=(*SCORE, "-m", "n_lesions_pred", "--pred-instances", "maps/{case}.nii.gz"),
        says="Add the file, or leave out the option",
        mend=lambda: write_image(Path("maps/a.nii.gz"), PRED * np.uint8(7)),
        read=scores("n_lesions_pred"),
        right=(1.0,),
    ),
    "an instance of two classes": Way(
        given=lambda: (two(), write_image(Path("maps/a.nii.gz"), (TWO_PRED > 0).astype(np.uint8))),
        first=(*SCORE, "-m", "n_lesions_pred", "--pred-instances", "maps"),
        says="Give each class instances of its own",
        mend=lambda: write_image(Path("maps/a.nii.gz"), TWO_PRED),
        read=scores("n_lesions_pred"),
        right=(1.0, 1.0),
    ),
    "groups without a table": Way(
        given=lambda: (pair(), text("t.csv", TABLE)),
        first=(*SCORE, "-m", "dice", "--by", "site"),
        says="Pass --case-table FILE, too",
        then=((*SCORE, "-m", "dice", "--by", "site", "--case-table", "t.csv"),),
        read=numbers_of("groups.csv", "mean", measure="dice", class_="1"),
    ),
    "a table without groups": Way(
        given=lambda: (pair(), text("t.csv", TABLE)),
        first=(*SCORE, "-m", "dice", "--case-table", "t.csv"),
        says="is read for --by alone. Name its columns, too",
        then=((*SCORE, "-m", "dice", "--by", "site", "--case-table", "t.csv"),),
        read=numbers_of("groups.csv", "mean", measure="dice", class_="1"),
    ),
    "a case that the table lacks": Way(
        given=lambda: (pair(), text("t.csv", "case,site\nb,x\n")),
        first=(*SCORE, "-m", "dice", "--by", "site", "--case-table", "t.csv"),
        says="first 'a'. Add a row",
        mend=lambda: text("t.csv", TABLE),
        read=numbers_of("groups.csv", "mean", measure="dice", class_="1"),
    ),
    "a report without a gate": Way(
        given=lambda: (pair(), text("g.yaml", GATE)),
        first=(*SCORE, "-m", "dice", "--output", "json"),
        says="there is no --gate. Name its file, too",
        then=((*SCORE, "-m", "dice", "--gate", "g.yaml", "--output", "json=gate.json"),),
    ),
    "a gate on a part": Way(
        given=lambda: (pair(), pair(name="b.nii.gz"), text("g.yaml", GATE)),
        first=(*SCORE, "-m", "dice", "--shard", "0/2", "--gate", "g.yaml", "-o", "s0"),
        says="Judge what `segeval merge` joins",
        then=(
            *((*SCORE, "-m", "dice", "--shard", f"{i}/2", "-o", f"s{i}") for i in (0, 1)),
            ("merge", "s0", "s1", "--out", "whole"),
            ("gate", "whole", "-c", "g.yaml"),
        ),
        read=numbers_of("whole/scores.csv", "dice"),
        right=(2 / 3, 2 / 3),
    ),
    "a folder of other files": Way(
        given=pair,
        first=(*SCORE, "-m", "dice", "-o", "pred"),
        says="name a new or an empty one with --out",
        then=((*SCORE, "-m", "dice", "--out", "new"),),
        read=numbers_of("new/scores.csv", "dice"),
    ),
    "one side": Way(
        given=lambda: (pair(), text("p.csv", "case,pred,truth\na,pred/a.nii.gz,truth/a.nii.gz\n")),
        first=("score", "pred"),
        says="Name both PRED and TRUTH (two folders or two files), or a CSV file with --pairs",
        then=(("score", "--pairs", "p.csv", "-m", "dice", "--bootstrap", 0),),
    ),
    "two rows of a case": Way(
        given=lambda: (pair(), text("p.csv", "case,pred,truth\n" + 2 * "a,pred/a.nii.gz,truth/a.nii.gz\n")),
        first=("score", "--pairs", "p.csv", "-m", "dice", "--bootstrap", 0),
        says="Keep one row per case",
        mend=lambda: text("p.csv", "case,pred,truth\na,pred/a.nii.gz,truth/a.nii.gz\n"),
    ),
    "pairs beside folders": Way(
        given=lambda: (pair(), text("p.csv", "case,pred,truth\na,pred/a.nii.gz,truth/a.nii.gz\n")),
        first=(*SCORE, "-m", "dice", "--pairs", "p.csv"),
        says="Leave out one or the other",
        then=(("score", "--pairs", "p.csv", "-m", "dice", "--bootstrap", 0),),
    ),
    "background of sigmoids": Way(
        given=lambda: pair(np.stack([soft(), soft(TWO_PRED == 2)], axis=-1), TWO),
        first=(*SCORE, "-m", "dice", "--labels", "1=x,2=y", "--include-background"),
        says="have no background. Leave it out",
        then=((*SCORE, "-m", "dice", "--labels", "1=x,2=y"),),
        right=(2 / 3, 1.0),
    ),
    "an empty folder": Way(
        given=lambda: (pair(), Path("none").mkdir()),
        first=("score", "none", "truth", "-m", "dice", "--bootstrap", 0),
        says="this folder is empty. Name the folder that holds the masks",
        then=((*SCORE, "-m", "dice"),),
    ),
    "a place of more cases": Way(
        given=pair,
        first=(*SCORE, "-m", "dice", "--pred-pattern", "a.nii.gz"),
        says="Write {case} alone",
        then=((*SCORE, "-m", "dice", "--pred-pattern", "{case}.nii.gz"),),
    ),
    "objects beside classes": Way(
        given=two,
        first=(*SCORE, "-m", "n_lesions_truth", "--instances", "--labels", "1=x,2=y"),
        says="give the objects with --pred-instances and --truth-instances",
        then=(
            (
                *(*SCORE, "-m", "n_lesions_truth", "--labels", "1=x,2=y"),
                *("--pred-instances", "pred", "--truth-instances", "truth"),
            ),
        ),
        read=scores("n_lesions_truth"),
        right=(1.0, 1.0),
    ),
    "two sizes of one class": Way(
        given=two,
        first=(*SCORE, "-m", "dice", "--labels", "1=x,2=(mean)"),
        says="is a row of the tables. Give the class another name",
        then=((*SCORE, "-m", "dice", "--labels", "1=x,2=y"),),
        right=(2 / 3, 1.0),
    ),
    "a union of nothing": Way(
        given=two,
        first=(*SCORE, "-m", "dice", "--labels", "1=x,2=y", "--regions", "whole"),
        says="Write wt=1+2+3",
        then=((*SCORE, "-m", "dice", "--labels", "1=x,2=y", "--regions", "whole=1+2"),),
        right=(2 / 3, 1.0, 2 * (96 + 192) / (144 + 144 + 2 * 192)),
    ),
    "an id moved twice": Way(
        given=lambda: pair(PRED * np.uint8(5)),
        first=(*SCORE, "-m", "dice", "--pred-ids", "5=1,5=2"),
        says="Name each id of predictions once",
        then=((*SCORE, "-m", "dice", "--pred-ids", "5=1"),),
    ),
    "logits that are probabilities": Way(
        given=lambda: pair(soft()),
        first=(*SCORE, "-m", "dice", "--pred-kind", "logits"),
        says="all logits lie between 0 and 1: pass --pred-kind probs if they are probabilities",
        then=((*SCORE, "-m", "dice", "--pred-kind", "probs"),),
        refused=False,
    ),
    "one of another kind amid labels": Way(
        given=lambda: (pair(), pair(name="b.nii.gz"), pair(soft() * 9 - 4, name="c.nii.gz")),
        first=(*SCORE, "-m", "dice"),
        says="Other predictions hold class ids: write ids here too, or score this one apart",
        mend=lambda: pair(name="c.nii.gz"),
        right=(2 / 3,) * 3,
    ),
}


@pytest.mark.parametrize("what", MEASURES | ALONE)
def test_what_a_message_offers_leads_to_the_right_number(run: Run, what: str) -> None:
    follow(run, (MEASURES | ALONE)[what])


def test_a_variable_with_a_slip_is_named_rightly(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    pair()
    monkeypatch.setenv("SEGEVAL_MESURES", "dice")
    refused = run(*SCORE)
    assert (refused.code, "Did you mean SEGEVAL_MEASURES? Else unset it" in refused.err) == (2, True)
    monkeypatch.delenv("SEGEVAL_MESURES")
    monkeypatch.setenv("SEGEVAL_MEASURES", "dice")
    assert run(*SCORE).code == 0
    assert scores()(refused) == [pytest.approx(2 / 3)]


@pytest.mark.parametrize("before", ["weight_map", "boundary_dou_loss", "rare_losses", "soft_cldice_loss"])
def test_a_loss_that_cannot_be_had_is_named_whichever_was_asked_for_first(before: str, run: Run) -> None:
    """All losses that look at an image are had at once."""
    tilted()
    done = run(*SCORE, "-m", f"{before},hausdorff_dt_loss,dice")
    assert "a: hausdorff_dt_loss: the axes are not at right angles" in done.err
