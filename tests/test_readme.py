"""What the documents say of the measures is what the declarations say."""

import pytest

from docs.make import PAGES, ROOT


@pytest.mark.parametrize("name", list(PAGES))
def test_a_generated_page_is_what_the_declarations_say(name: str) -> None:
    assert (ROOT / name).read_text(encoding="utf-8") == PAGES[name](), "run `uv run --group dev python docs/make.py`"
