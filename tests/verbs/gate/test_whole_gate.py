"""A gate from its file to its reports."""

import json

import numpy as np
import pytest

from segeval.config import check_rules, read_config
from segeval.verbs.gate import GateReport, Resampling, gate_notes, judge
from segeval.verbs.gate.as_json import as_json
from segeval.verbs.gate.reports import annotations, junit, markdown

GATE = """\
schema_version: 1
cases: {min_cases: 30, max_missing: 0}
baseline: {path: baselines/main, min_paired: 30}
rules:
  - {id: liver-floor, measure: dsc,  class: liver, stat: mean, min: 0.88, bound: ci_lower}
  - {id: tail,        measure: dice, class: "*",   stat: p5,   min: 0.70}
  - {id: spread,      measure: dice, class: "*",   stat: std,  max: 0.01, severity: warning}
  - {id: no-worse,    measure: dice, class: "*",   stat: mean, max_regression: 0.01, test: paired_bootstrap}
  - {id: rare-fail,   measure: dice, class: "*",   max_fraction: {worse_by: 0.05, of_cases: 0.03}}
"""
GOOD = np.random.default_rng(0).normal(0.9, 0.02, size=(120, 2))


@pytest.fixture
def gate(tmp_path, table):
    def gate(values):
        path = tmp_path / "segeval.yaml"
        path.write_text(GATE)
        config = read_config(path)
        config = config.model_copy(update={"rules": check_rules(config.rules, source=str(path))})
        run, baseline = (table({"liver": one[:, 0], "spleen": one[:, 1]}) for one in (values, GOOD))
        verdicts = judge(run, config, baseline=baseline, how=Resampling(resamples=499))
        return GateReport(verdicts=verdicts, notes=gate_notes(run, config), source="segeval.yaml")

    return gate


def test_a_good_run_passes_with_a_warning(gate):
    report = gate(GOOD)
    assert report.headline == "Gate passed: 2 warn, 7 pass."
    assert report.exit_code == 0
    assert json.loads(as_json(report))["outcome"] == "passed"


def test_a_run_that_lost_an_organ_in_some_cases_fails(gate):
    bad = GOOD.copy()
    bad[:20, 1] = 0.0
    report = gate(bad)
    assert report.exit_code == 1
    failed = {verdict.name for verdict in report.verdicts if verdict.outcome == "fail"}
    assert failed == {"tail [spleen]", "no-worse [spleen]", "rare-fail [spleen]"}
    assert "line=6," in annotations(report)
    assert "segeval.yaml:9" in junit(report)
    assert "case\\_000 (spleen)" in markdown(report)


@pytest.mark.parametrize("damage", [lambda v: v - 0.05, lambda v: v * np.nan, lambda v: v[:10]])
def test_no_damage_passes(gate, damage):
    assert gate(damage(GOOD)).exit_code != 0
