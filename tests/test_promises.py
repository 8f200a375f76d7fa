"""Every promise in the docs names a test that is there."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "docs" / "promises.md").read_text()


def test_every_promise_names_a_test_that_exists() -> None:
    rows = [
        line for line in TEXT.splitlines() if line.startswith("| ") and "---" not in line and "| test |" not in line
    ]
    assert len(rows) > 20
    for row in rows:
        named = re.fullmatch(r"\| .+ \| `(tests/[\w/]+\.py)::(test_\w+)` \|", row)
        assert named, row
        assert f"def {named[2]}(" in (ROOT / named[1]).read_text(), row
