"""Small runs for the gate."""

import numpy as np
import pytest

from segeval.config import Config, Rule
from segeval.verbs.gate import Column, Resampling, RunTable, judge


def case_names(n):
    return tuple(f"case_{i:03d}" for i in range(n))


@pytest.fixture
def table():
    """A run from `{class: values}` or `{(class, measure): values}`."""

    def table(values, *, measure="dice", better="higher", pooled=None, cases=None, absent_in=(), **facts):
        columns = {}
        for key, of_class in values.items():
            class_name, name = key if isinstance(key, tuple) else (key, measure)
            numbers = np.asarray(of_class, dtype=np.float64)
            columns[class_name, name] = Column(
                class_name=class_name,
                measure=name,
                better=better,
                case_ids=cases or case_names(numbers.size),
                values=numbers,
                pooled=(pooled or {}).get(class_name, float("nan")),
                absent_in=frozenset(absent_in),
            )
        return RunTable(columns=columns, **facts)

    return table


@pytest.fixture
def rule():
    def rule(**facts):
        return Rule(**{"id": "rule", "measure": "dice", **facts})

    return rule


@pytest.fixture
def verdicts():
    """Judge some rules with few resamples."""

    def verdicts(run, *rules, baseline=None, case_table=None, **config):
        how = Resampling(resamples=999)
        return judge(run, Config(rules=rules, **config), baseline=baseline, case_table=case_table, how=how)

    return verdicts


@pytest.fixture
def verdict(verdicts):
    """Judge one rule on one class, whatever is said of the run as a whole."""

    def verdict(run, rule, **more):
        (one,) = [one for one in verdicts(run, rule, **more) if one.rule_id == rule.id]
        return one

    return verdict
