"""`segeval report` and `segeval show` on real files."""

import json
import os

import nibabel
import numpy as np
import pytest

from tests.cli.given import SAMPLE, Run, rows_of, write_image


@pytest.fixture
def scored(run: Run, tmp_path):
    labels = ("--labels", SAMPLE / "labels.yaml")
    assert run("score", SAMPLE / "pred", SAMPLE / "gt", *labels, "-m", "dice", "--out", tmp_path / "run").code == 0
    return tmp_path / "run"


def test_a_report_is_written_beside_its_run(run: Run, scored):
    done = run("report", scored, "--worst", 1, "--images", SAMPLE / "images")
    assert done.code == 0, done.err
    page = (scored / "report.html").read_text()
    assert f"the report is {scored / 'report.html'}" in done.err
    assert page.count("data:image/png;base64,") >= 3
    assert "case_07, lesion: slice" in page


def test_a_picture_shows_the_class_that_went_worst_or_the_one_that_is_named(run: Run, scored, tmp_path):
    done = run("show", scored, "case_10", "--images", SAMPLE / "images")
    assert (done.code, "case_10.png: case_10, lesion: slice" in done.err) == (0, True)
    done = run("show", scored, "case_10", "--class", "organ", "--distances", "-o", "b.png")
    assert "b.png: case_10, organ" in done.err
    assert (tmp_path / "b.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (("show", "{}", "case_99"), 2, "no case 'case_99' with both sides. Did you mean 'case_"),
        (("show", "{}", "case_01", "--class", "liver"), 2, "no class 'liver'"),
        (("report", "{}", "--window", "5"), 2, "--window 5: write the lowest and the highest grey"),
        (("report", "{}", "--worst", "-1"), 2, "out of range"),
        (("report", "{}", "--images", "nowhere", "--worst", "1"), 2, "--images nowhere: no such file or folder"),
        (("report", "nowhere"), 2, "run nowhere: no such file or folder"),
    ],
)
def test_what_cannot_be_shown_is_told(run: Run, scored, arguments, code, says):
    done = run(*(str(scored) if word == "{}" else word for word in arguments))
    assert (done.code, says in done.err) == (code, True), done.err


def test_a_file_that_changed_since_the_run_is_told_in_place_of_its_picture(run: Run, tmp_path):
    import shutil

    for side in ("pred", "gt"):
        shutil.copytree(SAMPLE / side, tmp_path / side)
    run("score", "pred", "gt", "--labels", "3=lesion", "-m", "dice", "--out", "run")
    later = (tmp_path / "run" / "run.json").stat().st_mtime + 10
    os.utime(tmp_path / "pred" / "case_07.nii.gz", (later, later))
    assert run("show", "run", "case_07").code == 0  # touched, and the same
    image = nibabel.load(tmp_path / "gt" / "case_07.nii.gz")
    nibabel.save(image, tmp_path / "pred" / "case_07.nii.gz")
    os.utime(tmp_path / "pred" / "case_07.nii.gz", (0, 0))
    assert run("report", "run", "--worst", 1).code == 0
    assert "holds other bytes now than those that were scored" in (tmp_path / "run" / "report.html").read_text()
    done = run("show", "run", "case_07")
    assert (done.code, "Score again first" in done.err) == (3, True)


def test_a_review_stops_a_gate_and_stands_in_the_next_page(run: Run, scored, tmp_path):
    (tmp_path / "review.csv").write_text('case,reviewed,comment\ncase_07,fail,"missed, all of it"\ncase_10,pass,\n')
    (tmp_path / "rules.yaml").write_text(
        "rules:\n  - {id: by eye, max_fraction: {reviewed: fail, of_cases: 0.05}, bound: point}\n"
    )
    done = run("gate", scored, "-c", "rules.yaml", "--case-table", "review.csv")
    assert done.code == 1, done.err
    assert "1 of 12 cases are reviewed as fail: share 0.08333 > 0.05" in " ".join(done.out.split())
    done = run("report", scored, "--review", "review.csv", "--gate", "rules.yaml")
    assert done.code == 0, done.err
    page = (scored / "report.html").read_text()
    assert "missed, all of it" in page.partition('id="reviewed"')[2].partition("</section>")[0]
    assert "1 of 12 cases are reviewed as fail" in page


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("case,reviewed\ncase_07,bad\n", "case_07 is marked 'bad'. Write one of pass, fail, unsure"),
        ("case,reviewed\nanother,fail\n", "marks no case of this run"),
        ("case,mark\ncase_07,fail\n", "must name the columns case,reviewed"),
        ("case,reviewed\n", "holds no case"),
    ],
)
def test_a_review_that_is_none_is_refused(run: Run, scored, tmp_path, text, says):
    (tmp_path / "review.csv").write_text(text)
    done = run("report", scored, "--review", "review.csv")
    assert (done.code, says in done.err) == (2, True), done.err


def test_groups_in_a_page_are_those_that_scoring_would_have_made(run: Run, scored, tmp_path):
    cases = [f"case_{i:02d}" for i in range(1, 13)]
    (tmp_path / "cases.csv").write_text(
        "case,site\n" + "".join(f"{name},{'AB'[i % 2]}\n" for i, name in enumerate(cases))
    )
    by_site = ("--case-table", "cases.csv", "--by", "site")
    masks = (SAMPLE / "pred", SAMPLE / "gt", "--labels", SAMPLE / "labels.yaml", "-m", "dice")
    assert run("score", *masks, *by_site, "--out", "grouped").code == 0
    assert run("report", "grouped", "--out", "a.html").code == 0
    assert run("report", scored, *by_site, "--out", "b.html").code == 0
    sections = [(tmp_path / f"{name}.html").read_text().partition("<h3>By site</h3>")[2] for name in "ab"]
    tables = [section.partition("</table>")[0] for section in sections]
    assert tables[0] == tables[1]
    assert "Worst: <strong>" in tables[0]
    assert tables[0].count('class="worst"') == 3  # one of each class


def test_scoring_can_write_the_page_too_and_again(run: Run, tmp_path):
    (tmp_path / "rules.yaml").write_text("rules:\n  - {id: floor, measure: dice, class: lesion, min: 0.9}\n")
    masks = (SAMPLE / "pred", SAMPLE / "gt", "--labels", "3=lesion", "-m", "dice", "--html", "--out", "out")
    done = run("score", *masks)
    assert done.code == 0, done.err
    assert "the report is out/report.html" in done.err
    done = run("score", *masks, "--gate", "rules.yaml")
    assert done.code == 1, done.err
    assert "Gate failed: 1 fail." in (tmp_path / "out" / "report.html").read_text()


def test_a_page_of_ones_own_is_found_out_before_scoring(run: Run, tmp_path):
    (tmp_path / "out").mkdir()
    masks = (SAMPLE / "pred", SAMPLE / "gt", "--labels", "3=lesion", "-m", "dice", "--out", "out")
    assert run("score", *masks).code == 0
    (tmp_path / "out" / "report.html").write_text("my own notes")
    done = run("score", *masks, "--html")
    assert (done.code, "segeval did not make it" in done.err) == (2, True), done.err
    assert "scoring" not in done.err
    assert (tmp_path / "out" / "report.html").read_text() == "my own notes"


def test_two_runs_are_a_page_of_differences_and_three_one_of_ranks(run: Run, scored, tmp_path):
    labels = ("--labels", SAMPLE / "labels.yaml", "-m", "dice")
    assert run("score", SAMPLE / "gt", SAMPLE / "gt", *labels, "--out", "perfect").code == 0
    done = run("report", scored, "perfect")
    assert (done.code, "the report is report.html" in done.err) == (0, True), done.err
    page = (tmp_path / "report.html").read_text()
    cells = page.partition("<td>lesion</td>")[2].partition("</tr>")[0]
    assert ">0.538<" in cells  # the old mean, as in the summary of that run
    assert ">0.462<" in cells  # and what is lacking to 1
    done = run("report", scored, "perfect", scored, "--out", "ranks.html")
    assert done.code == 0, done.err
    assert "Rank of each run" in (tmp_path / "ranks.html").read_text()
    done = run("report", scored, "perfect", "--worst", "2")
    assert (done.code, "--worst: has no place on the page of 2 runs" in done.err) == (2, True)


def test_two_runs_are_compared_by_groups_of_cases_too(run: Run, scored, tmp_path):
    labels = ("--labels", SAMPLE / "labels.yaml", "-m", "dice")
    assert run("score", SAMPLE / "gt", SAMPLE / "gt", *labels, "--out", "perfect").code == 0
    (tmp_path / "cases.csv").write_text("case,site\n" + "".join(f"case_{i:02},{'AB'[i % 2]}\n" for i in range(1, 13)))
    by_site = ("--case-table", "cases.csv", "--by", "site")
    assert run("report", scored, "perfect", *by_site).code == 0
    section = (tmp_path / "report.html").read_text().partition("<h2>By site</h2>")[2].partition("</section>")[0]
    assert "Least gained or most lost: organ: " in section
    assert section.count("<td>lesion</td>") == 2  # one row for each site
    done = run("report", scored, "perfect", scored, *by_site)
    assert (done.code, "--case-table, --by: has no place on the page of 3 runs" in done.err) == (2, True), done.err


def test_a_sweep_is_a_page_of_its_tables(run: Run, tmp_path):
    done = run("sweep", "tversky", SAMPLE / "probs", SAMPLE / "gt", "--out", "swept")
    assert done.code == 0, done.err
    done = run("report", "swept")
    assert (done.code, "swept/report.html" in done.err) == (0, True), done.err
    page = (tmp_path / "swept" / "report.html").read_text()
    assert all(f"<h2>{file.stem}</h2>" in page for file in (tmp_path / "swept").glob("*.csv"))


def test_curves_are_drawn_where_no_case_has_a_score_of_its_own(run: Run, tmp_path):
    pytest.importorskip("vl_convert")
    for side, values in (("pred", (0.9, 0.7)), ("gt", (1, 1))):
        for i, value in enumerate(values):
            image = np.zeros((6, 6), dtype=np.float32 if side == "pred" else np.uint8)
            image[1:3, 1 : 3 + i] = value
            image[4, 4] = 0.6 if side == "pred" else 0
            write_image(tmp_path / side / f"{i}.npy", image)
    masks = ("pred", "gt", "--labels", "1=spot", "--pred-kind", "probs")
    done = run("score", *masks, "-m", "froc_score(min_overlap=0.2)", "--plot", "figures", "--html", "-o", "run")
    assert (done.code, "3 charts are in figures" in done.err) == (0, True), done.err
    svg = (tmp_path / "figures" / "curve-froc.svg").read_text()
    assert "false alarms per case" in svg
    page = (tmp_path / "run" / "report.html").read_text()
    assert "FROC (2 cases, 0 without a lesion; candidates=threshold, t=0.5," in page
    assert "min_overlap=0.2, assign=confidence, duplicates=fp" in page
    assert '<th scope="row">froc_score(min_overlap=0.2)</th><td>spot</td><td class="num">1.000</td>' in page


def test_charts_of_a_shard_are_refused(run: Run):
    masks = (SAMPLE / "pred", SAMPLE / "gt", "-m", "dice")
    done = run("score", *masks, "--shard", "0/2", "--plot", "figures", "-o", "run")
    assert (done.code, "--plot is for a whole run" in done.err) == (2, True)


def test_a_report_counts_the_lesions_of_their_file_and_says_where_it_cannot(run: Run, tmp_path):
    labels, folder = ("--labels", SAMPLE / "labels.yaml"), tmp_path / "run"
    run("score", SAMPLE / "pred", SAMPLE / "gt", *labels, "-m", "lesion_f1", "--bootstrap", 0, "--out", folder)

    def page() -> str:
        done = run("report", folder)
        assert done.code == 0, done.err
        return (folder / "report.html").read_text()

    rows = rows_of(folder / "lesions.csv")
    found = [row["outcome"] for row in rows if (row["class"], row["side"]) == ("lesion", "truth")]
    cells = f'<td class="num">{len(found)}</td><td class="num">{found.count("tp")}</td>'
    with_file, document = page(), json.loads((folder / "run.json").read_text())
    assert f'<th scope="row">lesion</th>{cells}' in with_file

    table = (folder / "lesions.csv").read_bytes()
    (folder / "lesions.csv").write_bytes(table.replace(b",fn,", b",tp,", 1))
    assert "lesions.csv was changed after the run, or is of another one, so that this page has no lesions." in page()
    (folder / "lesions.csv").unlink()
    assert "lesions.csv is not beside run.json, so that this page has no lesions." in page()
    (folder / "run.json").write_text(json.dumps(document | {"lesions": rows}))  # as it was written before
    assert page() == with_file
