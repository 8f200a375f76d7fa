"""`segeval report`: one HTML file that leads from the verdict to the worst voxel."""

from pathlib import Path
from typing import Annotated, Any

import typer

from segeval.cli import options as o
from segeval.cli.screens import console
from segeval.errors import ConfigError

Run = Annotated[Path, typer.Argument(metavar="RUN", help="Folder that `segeval score` wrote.")]
Runs = Annotated[
    list[Path],
    typer.Argument(
        metavar="RUN...", help="Folder that `segeval score` or `sweep` wrote; or several runs, the old one first."
    ),
]
Images = Annotated[
    Path | None, typer.Option("--images", help="Folder of what the masks were drawn on, called like the cases.")
]
Window = Annotated[
    str | None, typer.Option("--window", help="Greys from black to white, such as -160,240; else percentiles.")
]


def report(
    runs: Runs,
    out: Annotated[Path | None, typer.Option("--out", "-o", help="The page; by default report.html in RUN.")] = None,
    title: Annotated[str, typer.Option("--title", help="Title of the page.")] = "Segmentation report",
    gate: Annotated[Path | None, typer.Option("--gate", help="Open with the verdict of this segeval.yaml.")] = None,
    review: Annotated[
        Path | None, typer.Option("--review", help="The review.csv of an earlier page: its marks and comments again.")
    ] = None,
    case_table: Annotated[
        Path | None, typer.Option("--case-table", help="CSV with a row of facts per case, for --by.")
    ] = None,
    by: Annotated[
        list[str] | None, typer.Option("--by", help="Columns of the case table, such as site,scanner, to group by.")
    ] = None,
    worst: Annotated[int, typer.Option("--worst", help="Pictures of so many worst cases of each class.")] = 0,
    images: Images = None,
    window: Window = None,
    figures: Annotated[
        Path | None, typer.Option("--figures", "--plot", help="Folder for the charts as SVG, PNG and PDF.")
    ] = None,
    quiet: o.Quiet = False,
) -> int:
    """Write one self-contained HTML file: verdict, summary, charts, worst cases with pictures, and how to repeat it."""
    from segeval.verbs.report.making import ReportOptions, report_runs, sweep_document
    from segeval.verbs.report.making import report as write
    from segeval.verbs.report.pictures import PictureOptions

    if len(runs) > 1 or sweep_document(runs[0]) is not None:
        told: dict[str, Any] = {"--gate": gate, "--review": review}
        told |= {"--worst": worst, "--images": images, "--window": window, "--figures": figures}
        if len(runs) != 2:
            told |= {"--case-table": case_table, "--by": by}
        refused = [flag for flag, value in told.items() if value]
        if refused:
            what = "a sweep" if len(runs) == 1 else f"{len(runs)} runs"
            raise ConfigError(f"{', '.join(refused)}: has no place on the page of {what}. Leave it out here.")
        page = report_runs(runs, out=out, title=title, case_table=case_table, by=by or ())
        if not quiet:
            console.say(f"the report is {page}")
        return 0
    if worst < 0:
        raise ConfigError(f"--worst {worst}: out of range. It must be 0 (no pictures) or a number of cases.")
    pictures = PictureOptions(worst=worst, images=images, window=window_of(window))
    asked = ReportOptions(
        out=out,
        title=title,
        gate=gate,
        review=review,
        pictures=pictures,
        figures=figures,
        case_table=case_table,
        by=tuple(by or ()),
    )
    page = write(runs[0], asked)
    if not quiet:
        console.say(f"the report is {page}")
    return 0


def window_of(text: str | None) -> tuple[float, float] | None:
    """`-160,240` as two numbers.

    Raises:
        ConfigError: it is something else.
    """
    if text is None:
        return None
    try:
        low, high = (float(part) for part in text.split(","))
    except ValueError:
        low, high = 0.0, 0.0
    if not low < high:
        raise ConfigError(f"--window {text}: write the lowest and the highest grey, such as -160,240.")
    return low, high
