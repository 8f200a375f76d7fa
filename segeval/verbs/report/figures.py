"""The charts of a page as files for papers: the same specifications, drawn without a browser."""

from pathlib import Path
from typing import Any

from segeval.errors import ConfigError, not_installed
from segeval.files.marked import write_marked
from segeval.verbs.report.charts import chart_rows, charts_of, with_data
from segeval.verbs.report.content import RunContent

WIDTH = 420  # points


def drawing() -> Any:
    """The package that draws.

    Raises:
        ConfigError: it is not installed.
    """
    try:
        import vl_convert
    except ImportError as error:
        raise not_installed("vl_convert") from error
    return vl_convert


def write_figures(content: RunContent, folder: Path) -> list[Path]:
    """Write every chart as SVG, PNG (300 dpi) and PDF, and say where.

    Raises:
        ConfigError: the package that draws is not installed, or a file cannot be written.
    """
    vl_convert = drawing()
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(f"{folder}: cannot be made ({error.strerror}). Name another folder.") from error
    written, rows = [], chart_rows(content)
    for name, chart in charts_of(content).items():
        sized = {**chart.spec, "width": WIDTH}
        alone = sized if "values" in chart.spec["data"] else with_data(sized, rows)
        drawn = {
            "svg": vl_convert.vegalite_to_svg(alone).encode(),
            "png": vl_convert.vegalite_to_png(alone, ppi=300),
            "pdf": vl_convert.vegalite_to_pdf(alone),
        }
        for suffix, data in drawn.items():
            written.append(folder / f"{name}.{suffix}")
            write_marked(written[-1], data)
    return written
