"""A fixture for tests of models: `assert_segmentation(run, gate="segeval.yaml")`.

pytest finds it where segeval is installed. Nothing else of segeval is imported until a test uses it.
"""

from collections.abc import Callable
from os import PathLike
from pathlib import Path

import pytest


@pytest.fixture
def assert_segmentation() -> Callable[..., None]:
    """Hold a run against the rules of a gate, and fail with every rule that is not kept.

    ```python
    def test_the_model_is_good_enough(assert_segmentation):
        segeval.score("pred", "gt", measures=["dice"], out="run")
        assert_segmentation("run", gate="segeval.yaml")
    ```
    """

    def check(run: str | PathLike[str], gate: str | PathLike[str] = "segeval.yaml") -> None:
        __tracebackhide__ = True
        from segeval.verbs.gate.gating import GateOptions
        from segeval.verbs.gate.gating import gate as judge
        from segeval.verbs.gate.reports import markdown

        report = judge(Path(run), GateOptions(config=Path(gate)))
        if report.exit_code != 0:  # failed, or inconclusive
            raise AssertionError(f"{run} does not pass {gate}\n\n{markdown(report)}")

    return check
