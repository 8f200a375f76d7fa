"""What the Tversky paper shows, on the bundled sample: the dearer a miss, the more is found and the less is right."""

import pytest

from segeval.options import SweepOptions
from segeval.verbs.sweep.check_table import findings, rows_of
from segeval.verbs.sweep.trained.tables import spearman
from segeval.verbs.sweep.training.sweep import sweep_train


@pytest.fixture(scope="module")
def table():
    """The paper's five settings, with a budget for a test: short, on small patches, averaged over two seeds."""
    return sweep_train("tversky", None, None, SweepOptions(iterations=80, patch=(48, 48), seeds=(0, 1)))


def by_beta(table, metric):
    return [(row["beta_fn"], row[metric]) for row in table.rows]


@pytest.mark.slow
def test_all_five_settings_of_the_paper_learn_the_lesions(table):
    assert [row["beta_fn"] for row in table.rows] == [0.5, 0.6, 0.7, 0.8, 0.9]
    assert not any(row["diverged"] for row in table.rows)
    assert all(row["dsc"] > 0.5 for row in table.rows)
    assert findings(rows_of(table)) == []


@pytest.mark.slow
def test_sensitivity_rises_and_precision_falls_with_beta(table):
    sensitivity, precision = (dict(by_beta(table, name)) for name in ("sensitivity", "precision"))
    assert sensitivity[0.5] < sensitivity[0.7] < sensitivity[0.9]
    assert precision[0.5] > precision[0.7] > precision[0.9]
    assert spearman(by_beta(table, "sensitivity")) >= 0.7  # neighbouring rows may change places
    assert spearman(by_beta(table, "precision")) <= -0.7


def test_the_paper_has_such_a_table(table):
    assert list(table.paper.columns) == ["DSC", "Sensitivity", "Specificity", "F2 score", "APR score"]
