"""Write `metrics.md` from the declarations of the measures.

python docs/make_metrics.py
"""

from pathlib import Path

from segeval import catalogue
from segeval.cli.measure_pages import measures_page

if __name__ == "__main__":
    page = measures_page(list(catalogue.measures().values()))
    Path(__file__).with_name("metrics.md").write_text(page, encoding="utf-8")
