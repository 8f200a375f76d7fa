"""`segeval score` where there is little to be detected, or where it is said oddly."""

from pathlib import Path

import numpy as np
import pytest

from tests.cli.given import Done, Run, cell, number, rows_of, write_cases

EMPTY = np.zeros((8, 8), dtype=np.uint8)
SURE = ("--labels", "1=lesion", "--pred-kind", "probs")


def spots(*places: tuple[int, int, float], dtype: type = np.float32) -> np.ndarray:
    """Squares of 2 × 2 pixels, each with a value."""
    image = np.zeros((8, 8), dtype=dtype)
    for y, x, value in places:
        image[y : y + 2, x : x + 2] = value
    return image


def detected(run: Run, maps: dict[str, np.ndarray], truths: dict[str, np.ndarray], *more: str) -> Done:
    write_cases(Path("maps"), maps)
    write_cases(Path("gt"), truths)
    return run("score", "maps", "gt", *SURE, "--out", "out", *(more or ("-m", "detection")))


def pooled(measure: str) -> str:
    return cell(Path("out/summary.csv"), "pooled", measure=measure, class_="lesion")


def test_without_a_lesion_anywhere_scores_are_undefined_and_a_note_says_why(run: Run) -> None:
    done = detected(run, {"a": spots((1, 1, 0.7)), "b": 0.0 * EMPTY}, {"a": EMPTY, "b": EMPTY})
    assert done.code == 0, done.err
    assert "no truth holds lesion, so no lesion can be found" in " ".join(done.err.split())
    for measure in ("froc_score", "lesion_average_precision", "case_auroc", "picai_score"):
        assert pooled(measure) == ""
    (row,) = rows_of(Path("out/froc.csv"))
    assert (row["tp"], row["fp"], row["fp_per_case"], row["sensitivity"]) == ("0", "1", "0.5", "")
    assert run("report", "out", "-q").code == 0
    assert run("gate", "out", "--fail-under", "froc_score:pooled=0").code != 0  # undefined is never a pass


def test_without_a_candidate_anywhere_nothing_is_found(run: Run) -> None:
    done = detected(run, {"a": 0.0 * EMPTY, "b": 0.0 * EMPTY}, {"a": spots((1, 1, 1), dtype=np.uint8), "b": EMPTY})
    assert done.code == 0, done.err
    assert [pooled(name) for name in ("froc_score", "lesion_average_precision", "case_auroc")] == ["0.0", "0.0", "0.5"]
    assert rows_of(Path("out/froc.csv")) == []


def test_equal_confidences_enter_together_whatever_the_order_of_cases(run: Run) -> None:
    truth, hit, miss = spots((1, 1, 1), dtype=np.uint8), spots((1, 1, 1)), spots((5, 5, 1))
    for maps, truths in (
        ({"a": hit, "b": miss}, {"a": truth, "b": EMPTY}),
        ({"a": miss, "b": hit}, {"a": EMPTY, "b": truth}),
    ):
        measures = ("lesion_average_precision", "instance_average_precision", "case_auroc")
        assert detected(run, maps, truths, "-m", ",".join(measures)).code == 0
        assert [pooled(name) for name in (measures[0], f"{measures[1]}(iou_threshold=0.5)")] == ["0.5", "0.5"]
        assert pooled("case_auroc") == "0.5"  # both cases have the same score
    assert [(row["threshold"], row["tp"], row["fp"]) for row in rows_of(Path("out/froc.csv"))] == [("1.0", "1", "1")]


def test_candidates_without_a_map_need_another_rule_than_their_most_probable_voxel(run: Run) -> None:
    mask = spots((1, 1, 1), dtype=np.uint8)
    for folder in ("pred", "gt"):
        write_cases(Path(folder), {"a": mask})
    Path("sure.csv").write_text("case,class,instance,confidence\na,1,1,0.7\n")
    asked = ("score", "pred", "gt", "--confidences", "sure.csv", "--out", "out", "-m")
    done = run(*asked, "froc_score(hit=peak)")
    assert (done.code, "Take hit=centroid, or score the maps" in " ".join(done.err.split())) == (2, True), done.err
    assert run(*asked, "froc_score(hit=centroid)").code == 0
    assert number(Path("out/summary.csv"), "pooled", class_="1") == 1


HIGH = np.zeros((6, 6), dtype=np.int64)
HIGH[:2, :2], HIGH[3:5, 3:5] = 2**31 + 5, 2**40


@pytest.mark.parametrize("form", ["masks are maps", "maps beside masks"])
def test_instances_beyond_31_bits_are_found_and_called_by_their_ids(run: Run, form: str) -> None:
    for side in ("pred", "gt"):
        write_cases(Path(side), {"a": (HIGH > 0).astype(np.uint8)})
        write_cases(Path(f"{side}-ids"), {"a": HIGH})
    sides = ("pred-ids", "gt-ids", "--instances") if form == "masks are maps" else ("pred", "gt")
    given = () if form == "masks are maps" else ("--pred-instances", "pred-ids", "--truth-instances", "gt-ids")
    done = run("score", *sides, *given, "-m", "instance_accuracy", "--out", "out")
    assert done.code == 0, done.err
    rows = [row["lesion_id"] for row in rows_of(Path("out/lesions.csv")) if row["side"] == "pred"]
    assert rows == ["2147483653", "1099511627776"]
    name = "object" if form == "masks are maps" else "1"
    Path("sure.csv").write_text(
        f"case,class,instance,confidence\na,{name},2147483653,0.3\na,{name},1099511627776,0.9\n"
    )
    done = run("score", *sides, *given, "-m", "lesion_ap", "--confidences", "sure.csv", "--out", "out")
    assert (done.code, number(Path("out/summary.csv"), "pooled", class_=name)) == (0, 1), done.err


@pytest.mark.parametrize(
    ("ids", "said"),
    [
        (HIGH.astype(np.float32), "float32 tells whole numbers apart up to 16777216"),
        (HIGH.astype(np.uint64) + np.uint64(2**63) * (HIGH > 0).astype(np.uint64), "is the highest there is"),
    ],
    ids=["float", "64 bits"],
)
def test_ids_that_may_have_become_one_are_refused(run: Run, ids: np.ndarray, said: str) -> None:
    for side in ("pred", "gt"):
        write_cases(Path(side), {"a": ids})
    done = run("score", "pred", "gt", "--instances", "-m", "instance_accuracy")
    assert (done.code, said in " ".join(done.err.split())) == (3, True), done.err
    assert "Number the instances anew, and save integers" in " ".join(done.err.split())


def test_what_is_defined_beside_what_is_not_is_shown(run: Run) -> None:
    truth = spots((1, 1, 1), dtype=np.uint8)
    done = detected(run, {"a": spots((1, 1, 0.9)), "b": spots((1, 1, 0.8))}, {"a": truth, "b": truth})
    lines = {line.split()[1]: line.split()[2] for line in done.out.splitlines() if line.startswith("lesion ")}
    assert (lines["froc_score"], lines["case_auroc"], lines["picai_score"]) == ("1.000", "–", "–")
