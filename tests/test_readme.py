"""What the documents say of the measures is what the declarations say."""

from pathlib import Path

from segeval import catalogue
from segeval.cli.measure_pages import measures_page, readme_tables

ROOT = Path(__file__).parent.parent
START, END = "<!-- measures -->", "<!-- /measures -->"


def test_the_tables_of_the_readme_are_those_of_the_catalogue() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert readme.count(START) == readme.count(END) == 1
    between = readme.partition(START)[2].partition(END)[0]
    expected = readme_tables(list(catalogue.measures().values()))
    assert between.strip() == expected.strip(), f"put `segeval measures --markdown` between {START} and {END}"


def test_the_page_of_the_measures_is_that_of_the_catalogue() -> None:
    page = (ROOT / "docs" / "metrics.md").read_text(encoding="utf-8")
    assert page == measures_page(list(catalogue.measures().values())), "run `python docs/make_metrics.py`"
