import json
import math
import re
from dataclasses import replace
from xml.etree import ElementTree as ET

import pytest

from segeval.statistics.intervals import Interval
from segeval.verbs.gate import GateReport, Verdict, WorstCase
from segeval.verbs.gate.as_json import GateDocument, as_json, json_schema
from segeval.verbs.gate.reports import annotations, junit, markdown, step_summary

NASTY = "a|b <b>&\"'\n::error::x\x00\x1b % , \udc80 größer"
FAILED = Verdict(
    rule_id="floor",
    outcome="fail",
    reason="mean 0.91 < 0.93",
    measure="dice",
    class_name="liver",
    stat="mean",
    value=0.91,
    limit=0.93,
    n=42,
    interval=Interval(low=0.9, high=math.inf),
    worst=(WorstCase(case_id="case_7", class_name="liver", value=-math.inf),),
    notes=("fewer than 50 cases",),
    line=9,
)
PASSED = Verdict(
    rule_id="tail", outcome="pass", reason="p5 0.8 ≥ 0.7", measure="dice", class_name="liver", n=42, line=10
)
WARNED = replace(FAILED, rule_id="hd", outcome="warn", line=11)
OPEN = replace(FAILED, rule_id="no-worse", outcome="inconclusive", reason="neither shown nor excluded", p=0.3, line=12)
REPORT = GateReport(verdicts=(PASSED, WARNED, OPEN, FAILED), notes=("Only 42 cases",), source="ci/segeval.yaml")
EMPTY = GateReport(verdicts=())
WILD = GateReport(
    verdicts=(
        replace(
            FAILED, rule_id=NASTY, class_name=NASTY, worst=(WorstCase(case_id=NASTY, class_name=NASTY, value=1.0),)
        ),
    ),
    source=NASTY,
)


def test_the_headline_counts_the_gravest_first():
    assert REPORT.headline == "Gate failed: 1 fail, 1 inconclusive, 1 warn, 1 pass."
    assert EMPTY.headline == "Gate inconclusive: no rule was evaluated."
    assert GateReport(verdicts=(PASSED,)).headline == "Gate passed: 1 pass."


# JUnit, held against junit-10.xsd of the Jenkins xUnit plugin, as far as we write of it

ROOT_ATTRIBUTES = {"name", "time", "tests", "failures", "errors"}
SUITE_ATTRIBUTES = ROOT_ATTRIBUTES | {
    "group",
    "skipped",
    "timestamp",
    "hostname",
    "id",
    "package",
    "file",
    "log",
    "url",
}
CASE_ATTRIBUTES = {"name", "time", "classname", "group"}
COUNTED = {"failure": "failures", "error": "errors", "skipped": "skipped"}


def check_junit(text):
    root = ET.fromstring(text)
    assert root.tag == "testsuites"
    assert set(root.attrib) <= ROOT_ATTRIBUTES
    for suite in root:
        assert suite.tag == "testsuite"
        assert {"name", "tests", "failures", "errors"} <= set(suite.attrib) <= SUITE_ATTRIBUTES
        assert {child.tag for child in suite} <= {"testcase", "system-out", "system-err", "properties"}
        assert int(suite.get("tests")) == len(suite.findall("testcase"))
        for tag, attribute in COUNTED.items():
            assert int(suite.get(attribute)) == len(suite.findall(f"testcase/{tag}"))
        for case in suite.findall("testcase"):
            assert {"name"} <= set(case.attrib) <= CASE_ATTRIBUTES
            assert {child.tag for child in case} <= {*COUNTED, "system-out", "system-err"}
            assert all(set(child.attrib) <= {"message", "type"} for child in case)
            assert not [grandchild for child in case for grandchild in child]
    return root


@pytest.mark.parametrize("report", [REPORT, EMPTY, WILD])
def test_junit_has_the_structure_that_ci_servers_read(report):
    check_junit(junit(report))


def test_junit_has_a_case_per_verdict_with_its_finding_and_line():
    root = check_junit(junit(REPORT))
    assert root[0].get("file") == "ci/segeval.yaml"
    cases = {case.get("name"): case for case in root.iter("testcase")}
    assert list(cases) == ["tail [liver]", "hd [liver]", "no-worse [liver]", "floor [liver]"]
    floor = cases["floor [liver]"]
    assert floor.find("failure").get("message") == "mean 0.91 < 0.93"
    assert "case_7 (liver): -inf" in floor.find("failure").text
    assert floor.find("failure").text.endswith("rule: ci/segeval.yaml:9")
    assert [child.tag for child in cases["no-worse [liver]"]] == ["error"]
    assert [child.tag for child in cases["hd [liver]"]] == ["skipped"]
    assert list(cases["tail [liver]"]) == []


def test_junit_names_the_place_of_a_rule_that_has_one():
    for source, line, places in (("ci/segeval.yaml", 9, 1), ("ci/segeval.yaml", 0, 0), ("", 9, 0)):
        written = junit(GateReport(verdicts=(replace(FAILED, line=line),), source=source))
        assert written.count("rule: ci/segeval.yaml:9") == written.count("rule: ") == places


def test_a_note_cannot_smuggle_a_workflow_command_into_junit():
    notes = ("::error::x", "  ::warning::y", "##[section]z", "##vso[task.complete]")
    written = junit(GateReport(verdicts=(replace(FAILED, notes=notes),)))
    assert not re.search(r"^\s*::|##\[|##vso\[", written, re.MULTILINE)
    (failure,) = ET.fromstring(written.encode()).iter("failure")
    assert failure.text.splitlines()[-4:] == list(notes)


def test_junit_holds_no_character_that_xml_forbids():
    assert not re.search("[\x00-\x09\x0b-\x1f\ud800-\udfff]", junit(WILD))
    assert not any(line.lstrip().startswith("::") for line in junit(WILD).splitlines())


# JSON, held against its published schema


@pytest.mark.parametrize("report", [REPORT, EMPTY, WILD])
def test_json_is_strict_and_keeps_its_schema(report):
    def refuse(constant):
        raise AssertionError(f"{constant} is no strict JSON")

    document = json.loads(as_json(report), parse_constant=refuse)
    GateDocument.model_validate(document, strict=True)
    schema = json_schema()
    assert set(document) == set(schema["properties"]) == set(schema["required"])
    for verdict in document["verdicts"]:
        assert set(verdict) == set(schema["$defs"]["_Verdict"]["properties"])


def test_json_says_null_for_undefined_and_a_word_for_infinite():
    assert '"reason": "p5 0.8 ≥ 0.7"' in as_json(REPORT)  # to be read, not escaped
    document = json.loads(as_json(REPORT))
    floor = document["verdicts"][3]
    assert (floor["value"], floor["limit"], floor["p"]) == (0.91, 0.93, None)
    assert (floor["ci_low"], floor["ci_high"]) == (0.9, "inf")
    assert floor["worst_cases"] == [{"case": "case_7", "class": "liver", "value": "-inf"}]
    assert (document["outcome"], document["exit_code"], document["counts"]["fail"]) == ("failed", 1, 1)


# Markdown


def test_markdown_shows_the_gravest_first_and_the_cases_to_look_at():
    lines = markdown(REPORT).splitlines()
    assert lines[0] == "## Gate failed: 1 fail, 1 inconclusive, 1 warn, 1 pass."
    assert "> Only 42 cases" in lines
    rows = [line for line in lines if line.startswith("| ")]
    assert [row.split(" | ")[0] for row in rows[2:]] == ["| ❌ fail", "| ❔ inconclusive", "| ⚠️ warn", "| ✅ pass"]
    assert "- case\\_7 (liver): -inf" in lines


@pytest.mark.parametrize("report", [REPORT, WILD])
def test_every_row_of_the_table_has_as_many_cells_as_its_head(report):
    rows = [line for line in markdown(report).splitlines() if line.startswith("| ")]
    cells = {len(re.split(r"(?<!\\)\|", row)) for row in rows}
    assert cells == {7}


def test_names_cannot_bring_markup_or_lines_into_markdown():
    text = markdown(WILD)
    assert "\n::error" not in text
    assert not re.search(r"(?<!\\)<b>", text)
    text.encode("utf-8")


def test_an_empty_gate_is_markdown_too():
    assert markdown(EMPTY) == "## Gate inconclusive: no rule was evaluated.\n\n"


# GitHub


def test_annotations_stand_on_the_line_of_their_rule():
    assert annotations(REPORT).splitlines() == [
        "::error file=ci/segeval.yaml,line=9,title=floor%3A fail::floor [liver]: mean 0.91 < 0.93",
        "::warning file=ci/segeval.yaml,line=12,title=no-worse%3A inconclusive::"
        "no-worse [liver]: neither shown nor excluded",
        "::warning file=ci/segeval.yaml,line=11,title=hd%3A warn::hd [liver]: mean 0.91 < 0.93",
    ]
    assert annotations(GateReport(verdicts=(PASSED,))) == ""


def test_a_rule_without_a_file_has_an_annotation_without_a_place():
    found = annotations(GateReport(verdicts=(replace(FAILED, line=0),)))
    assert found.startswith("::error title=floor%3A fail::")
    of_run = Verdict(rule_id="run", outcome="inconclusive", reason="nothing was evaluated")
    assert annotations(GateReport(verdicts=(of_run,), source="rules.yaml")).startswith("::warning title=run%3A inconcl")


@pytest.mark.parametrize(("n", "lines"), [(9, 9), (10, 10), (40, 10)])
def test_at_most_nine_annotations_and_one_that_counts_the_rest(n, lines):
    verdicts = tuple(replace(FAILED, rule_id=f"rule {i}") for i in range(n))
    found = annotations(GateReport(verdicts=verdicts)).splitlines()
    assert len(found) == lines
    if n > 9:
        assert found[-1] == f"::error title=segeval gate::{n - 9} more; see the summary of the step"


def test_a_name_cannot_smuggle_in_a_workflow_command():
    found = annotations(WILD)
    assert len(found.splitlines()) == 1
    properties, _, message = found.removeprefix("::error ").partition("::")
    assert all(re.fullmatch(r"(file|line|title)=[^:,\n]*", one) for one in properties.split(","))
    assert "\\n::error" in message
    assert not re.search("[\x00-\x1f\x7f-\x9f]", found.removesuffix("\n"))
    assert "%25 ," in message
    found.encode("utf-8")


def test_a_short_summary_is_the_markdown_document():
    assert step_summary(REPORT) == markdown(REPORT)


def test_a_long_summary_is_cut_at_a_line_within_one_mebibyte():
    verdicts = tuple(replace(FAILED, rule_id=f"größer {i}", reason="ü" * 400) for i in range(2000))
    text = step_summary(GateReport(verdicts=verdicts))
    assert 1_000_000 < len(text.encode()) <= 1024 * 1024
    assert text.endswith("The JSON output has all verdicts.\n")
    assert all(line.startswith(("|", "#", ">", "-", "*")) or not line for line in text.splitlines()[:-1])
