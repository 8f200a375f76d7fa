import json
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pytest
from pydantic import ValidationError

from segeval.config import Config, config_schema, read_config, read_section
from segeval.errors import ConfigError

WHOLE = """\
schema_version: 1
score:
  measures: [default, hd95, "nsd(tolerance_mm=2)"]
  labels: {1: liver, 2: no}
  missing: background
cases: {min_cases: 30, max_missing: 0}
baseline: {path: baselines/main, min_paired: 30}
rules:
  - {id: liver-floor, measure: dice, class: liver, stat: mean, min: 0.93, bound: ci_lower}
  - {id: tail,        measure: dice, class: "*",   stat: p5,   min: 0.70}
  - {id: hd,          measure: hd95, class: "*",   stat: median, max: 5.0, severity: warning}
  - {id: no-worse,    measure: dice, class: "*",   stat: mean, max_regression: 0.01, test: paired_bootstrap}
  - {id: rare-fail,   measure: dice, class: "*",   max_fraction: {worse_by: 0.05, of_cases: 0.03}}
on_inconclusive: report
"""


@dataclass(frozen=True, kw_only=True)
class Options:
    """Some options of every kind."""

    measures: tuple[str, ...] = ()
    missing: Literal["error", "background"] = "error"
    labels: str | Path | dict[int | str, str | int] | None = None
    seed: int = 0
    quiet: bool = False


@pytest.fixture
def written(tmp_path):
    def written(text):
        path = tmp_path / "segeval.yaml"
        path.write_text(text)
        return path

    return written


def one_rule(rule):
    return f"rules:\n  - {{id: a, measure: dice, {rule}}}\n"


def test_a_whole_file_is_read_with_the_line_of_every_rule(written):
    config = read_config(written(WHOLE))
    assert [rule.id for rule in config.rules] == ["liver-floor", "tail", "hd", "no-worse", "rare-fail"]
    assert [rule.line for rule in config.rules] == [9, 10, 11, 12, 13]
    assert config.rules[0].bound == "ci_lower"
    assert config.rules[4].max_fraction.of_cases == 0.03
    assert (config.cases.min_cases, config.baseline.path) == (30, "baselines/main")


def test_an_empty_file_holds_the_defaults(written):
    assert read_config(written("")) == Config()
    assert (Config().on_inconclusive, Config().cases.max_missing, Config().rules) == ("report", 0, ())


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("rule: []", r":1: rule: unknown key\. Did you mean 'rules'\?"),
        (one_rule("min: 0.5, stats: mean"), r":2: rules\[0\]\.stats: unknown key\. Did you mean 'stat'\?"),
        (one_rule("min: 0.5, metric: dice"), r"rules\[0\]\.metric: unknown key\. Did you mean 'measure'\?"),
        (one_rule("min: 0.5, clas: liver"), r"rules\[0\]\.clas: unknown key\. Did you mean 'class'\?"),
        (one_rule("max_fraction: {worse_by: 1, of: 0.1}"), r"rules\[0\]\.max_fraction\.of: unknown key"),
        ("cases: {max_mising: 3}", r"cases\.max_mising: unknown key\. Did you mean 'max_missing'\?"),
        ("zzz: 1", r"zzz: unknown key\. Known keys: schema_version, score, sweep, cases"),
        ("rules:\n  - measure: dice\n    min: 1", r":2: rules\[0\]: the key 'id' is missing"),
        (one_rule("min: high"), r":2: rules\[0\]\.min: 'high' does not fit"),
        (one_rule("min: true"), r"rules\[0\]\.min: True does not fit"),
        (one_rule("min: .nan"), r"rules\[0\]\.min: nan does not fit"),
        (one_rule("min: 0.5, stat: average"), r"rules\[0\]\.stat: 'average' does not fit\. Input should be 'mean'"),
        (one_rule("min: 0.5, class: true"), r"rules\[0\]\.class: True does not fit"),
        (one_rule("max_regression: -0.1"), r"rules\[0\]\.max_regression: -0\.1 does not fit"),
        (one_rule("stat: mean"), r":2: rules\[0\]: the rule has no limit\. Give one of: min, max, max_regression"),
        (one_rule("min: 0.5, max_regression: 0.1"), r"has several limits \(min, max_regression\)"),
        (one_rule("min: 0.5, max: 0.4"), r"min 0\.5 lies above max 0\.4"),
        (one_rule("min: 0.5, max: 0.9, bound: ci_lower"), r"bound ci_lower needs one side"),
        (one_rule("min: 0.5, stat: pooled, bound: ci_lower"), r"a pooled value has no interval"),
        (one_rule("max_regression: 0.1, bound: ci_lower"), r"judged by its own interval"),
        (one_rule("max_fraction: {worse_by: 1, of_cases: 0.1}, stat: p5"), r"max_fraction counts cases"),
        ("schema_version: 2", r":1: schema_version: 2 does not fit"),
        ("- a\n- b", r"segeval\.yaml:1: \['a', 'b'\] does not fit"),
        (
            "rules:\n  - {id: a, measure: dice, min: 1}\n  - {id: a, measure: iou, min: 1}",
            r":3: rules\[1\]\.id: 'a' is the rule of line 2 already",
        ),
    ],
)
def test_a_wrong_file_is_an_error_that_names_line_path_and_fact(written, text, message):
    with pytest.raises(ConfigError, match=message):
        read_config(written(text))


def test_all_findings_are_named_at_once(written):
    with pytest.raises(ConfigError) as caught:
        read_config(written("rules:\n  - {id: a, measure: dice, mim: 1}\n  - {id: b, measur: dice, min: 1}\n"))
    assert len(str(caught.value).splitlines()) == 2  # an unknown key in each rule


@pytest.mark.parametrize(
    ("written_class", "name"), [("1", "1"), ('"1"', "1"), ("no", "no"), ("on", "on"), ("010", "010")]
)
def test_class_names_that_look_like_something_else_stay_names(written, written_class, name):
    assert read_config(written(one_rule(f"class: {written_class}, min: 0.5"))).rules[0].class_name == name


def test_a_limit_may_be_written_with_an_exponent(written):
    assert read_config(written(one_rule("max_regression: 1e-3"))).rules[0].max_regression == 0.001


def test_a_rule_cannot_be_changed(written):
    rule = read_config(written(WHOLE)).rules[0]
    with pytest.raises(ValidationError):
        rule.min = 0.1


def test_a_section_gives_the_options_it_sets_and_no_other(written):
    options = read_section(written(WHOLE), "score", Options)
    assert options == {
        "measures": ("default", "hd95", "nsd(tolerance_mm=2)"),
        "labels": {1: "liver", 2: "no"},
        "missing": "background",
    }
    assert Options(**options).missing == "background"
    assert read_section(written(WHOLE), "sweep", Options) == {}


def test_a_list_of_one_may_be_written_without_brackets(written):
    assert read_section(written("score: {measures: dice}"), "score", Options) == {"measures": ("dice",)}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("score:\n  mesures: [dice]", r":2: score\.mesures: unknown key\. Did you mean 'measures'\?"),
        ("score:\n  seed: many", r":2: score\.seed: 'many' does not fit"),
        ("score:\n  missing: never", r":2: score\.missing: 'never' does not fit\. Input should be 'error' or 'backg"),
        ("score: 3", r":1: score: 3 does not fit"),
        ("score: {seed: 1}\nrulez: []", r":2: rulez: unknown key"),
    ],
)
def test_a_wrong_option_is_an_error_that_names_its_line(written, text, message):
    with pytest.raises(ConfigError, match=message):
        read_section(written(text), "score", Options)


def test_the_schema_lists_every_key_and_forbids_others():
    schema = json.loads(json.dumps(config_schema()))
    assert set(schema["properties"]) == set(Config.model_fields)
    rule = schema["$defs"]["Rule"]
    assert "class" in rule["properties"]
    assert rule["additionalProperties"] is False
    assert set(rule["required"]) == {"id"}  # a rule on the marks of a review has no measure
