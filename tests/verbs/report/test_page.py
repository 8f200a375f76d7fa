"""The page of a run: what it says without scripts, and what it lets no name do."""

import base64
import hashlib
import json
import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

import segeval.verbs.report.page as page_module
from segeval.cli import app
from segeval.errors import ConfigError
from segeval.verbs.report.charts import charts_of
from segeval.verbs.report.content import command_of, content_of, number_text
from segeval.verbs.report.making import ReportOptions, read_document, report, rows_of
from tests.cli.given import SAMPLE, write_cases

HOSTILE = "<script>alert(1)</script>"
VENDOR = Path(page_module.__file__).parent / "vendor"


class Texts(HTMLParser):
    """The texts of a page, and its scripts and styles."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.texts: list[str] = []
        self.inline: list[tuple[str, str]] = []
        self.tags: list[str] = []
        self._open = ""
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        self._open = tag if tag in ("script", "style") and ("type", "application/json") not in attributes else ""

    def handle_endtag(self, tag):
        self._open = ""

    def handle_data(self, data):
        self.texts.append(data)
        if self._open:
            self.inline.append((self._open, data))


@pytest.fixture(scope="module")
def run_folder(tmp_path_factory):
    """A run over the masks of the sample."""
    folder = tmp_path_factory.mktemp("run") / "out"
    labels = ("--labels", str(SAMPLE / "labels.yaml"))
    assert (
        app.run(
            ["score", str(SAMPLE / "pred"), str(SAMPLE / "gt"), *labels, "-m", "dice,hd95", "--out", str(folder), "-q"]
        )
        == 0
    )
    return folder


def score(*arguments):
    assert app.run(["score", *map(str, arguments), "-q"]) == 0


def content(folder):
    _, document = read_document(folder)
    return content_of(document, table=lambda name: rows_of(document, name))


def test_verdict_summary_and_worst_cases_are_in_the_page_itself(run_folder, tmp_path):
    rules = tmp_path / "segeval.yaml"
    rules.write_text("schema_version: 1\nrules:\n  - {id: floor, measure: dice, class: lesion, stat: mean, min: 0.9}\n")
    page = report(run_folder, ReportOptions(out=tmp_path / "a.html", gate=rules)).read_text()
    text = " ".join(Texts(page).texts)
    assert "Gate failed: 1 fail." in text
    dice = next(row for row in rows_of(read_document(run_folder)[1], "summary") if row["class"] == "lesion")
    assert number_text(dice["mean"]) == "0.538"
    assert "0.538" in text
    assert "case_07" in text
    assert "absent_pred" in text


def test_the_worst_cases_miss_the_class_first_and_then_go_by_the_first_measure(run_folder):
    lesion = content(run_folder).worst("lesion", 3)
    assert [row["case"] for row in lesion] == ["case_07", "case_10", "case_12"]
    assert lesion[0]["status"] == "absent_pred"


def test_the_page_allows_the_scripts_and_styles_that_it_holds_and_no_others(run_folder, tmp_path):
    page = report(run_folder, ReportOptions(out=tmp_path / "a.html")).read_text()
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', page)[1].replace("&#39;", "'")
    assert policy.startswith("default-src 'none'; img-src data:;")
    assert "unsafe" not in policy
    inline = Texts(page).inline
    assert [kind for kind, _ in inline] == ["style"] * 2 + ["script"] * 5
    for _, text in inline:
        assert base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() in policy
    assert not re.search(r'(?:src|href)="(?!#|data:|scores\.csv|lesions\.csv)', page)


def test_names_of_a_run_stay_text(tmp_path):
    image = np.zeros((6, 6), dtype=np.uint8)
    image[:2] = 1
    name = "x<img src=y onerror=z>"
    write_cases(tmp_path / "gt", {name: image})
    write_cases(tmp_path / "pred", {name: image})
    score(tmp_path / "pred", tmp_path / "gt", "--labels", f"1={HOSTILE}", "--out", tmp_path / "out")
    page = report(tmp_path / "out", ReportOptions()).read_text()
    parsed = Texts(page)
    assert HOSTILE not in page
    assert any(HOSTILE in text for text in parsed.texts)
    assert "img" not in parsed.tags
    data = json.loads(re.search(r'<script type="application/json" id="data">(.*?)</script>', page, re.DOTALL)[1])
    assert [row[:2] for row in data["rows"]] == [[name, HOSTILE]]


def test_a_case_without_any_class_has_a_page_too(tmp_path):
    nothing = np.zeros((6, 6), dtype=np.uint8)
    write_cases(tmp_path / "gt", {"a": nothing})
    write_cases(tmp_path / "pred", {"a": nothing})
    run = ["score", str(tmp_path / "pred"), str(tmp_path / "gt"), "-m", "dice", "--out", str(tmp_path / "out"), "-q"]
    assert app.run(run) == 4  # nothing could be judged
    page = report(tmp_path / "out", ReportOptions()).read_text()
    assert "No case has a value, so there is nothing to sum up." in page
    score(tmp_path / "pred", tmp_path / "gt", "-m", "dice,pixel_accuracy", "--out", tmp_path / "out")
    assert "Measures of all classes of a case together" in report(tmp_path / "out", ReportOptions()).read_text()


def test_what_is_no_run_is_refused_by_name(tmp_path):
    with pytest.raises(ConfigError, match="no such file"):
        report(tmp_path / "nowhere", ReportOptions())
    (tmp_path / "run.json").write_text("{}")
    with pytest.raises(ConfigError, match=r"run\.json: is no run of `segeval score`"):
        report(tmp_path, ReportOptions())


def test_the_command_repeats_what_was_set(run_folder):
    command = command_of(read_document(run_folder)[1])
    assert command.startswith("segeval score ")
    assert "--measures dice,hd95" in command
    assert "labels.yaml" in command


def test_charts_name_fields_that_the_rows_have(run_folder):
    pytest.importorskip("vl_convert")
    from segeval.verbs.report.figures import write_figures

    found = content(run_folder)
    written = write_figures(found, run_folder.parent / "figures")
    assert {path.stem for path in written} == set(charts_of(found)) == {"distribution", "size", "pair", "agreement"}
    svg = (run_folder.parent / "figures" / "distribution.svg").read_text()
    assert "lesion" in svg
    assert (run_folder.parent / "figures" / "distribution.pdf").read_bytes().startswith(b"%PDF")


def test_what_others_wrote_is_as_they_wrote_it():
    sums = dict(reversed(line.split()) for line in (VENDOR / "SHA256SUMS").read_text().splitlines())
    assert set(sums) == {path.name for path in VENDOR.iterdir()} - {"SHA256SUMS", "LICENSES.txt"}
    for name, digest in sums.items():
        assert hashlib.sha256((VENDOR / name).read_bytes()).hexdigest() == digest
    assert {"BSD-3-Clause", "MIT"} <= set(re.findall(r"BSD-3-Clause|MIT", (VENDOR / "LICENSES.txt").read_text()))
