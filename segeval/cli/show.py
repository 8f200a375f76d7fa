"""`segeval show`: one case as a picture."""

from pathlib import Path
from typing import Annotated

import typer

from segeval.cli import options as o
from segeval.cli.report import Images, Run, Window, window_of
from segeval.cli.screens import console


def show(
    run: Run,
    case: Annotated[str, typer.Argument(metavar="CASE", help="Which case of the run.")],
    class_name: Annotated[str | None, typer.Option("--class", help="Which class; by default the worst one.")] = None,
    out: Annotated[Path | None, typer.Option("--out", "-o", help="The picture; by default CASE.png here.")] = None,
    images: Images = None,
    window: Window = None,
    distances: Annotated[
        bool, typer.Option("--distances", help="Colour the predicted contour by its distance to the true surface.")
    ] = False,
    quiet: o.Quiet = False,
) -> int:
    """Draw one case: three planes, false alarms, misses and both contours, as a PNG."""
    from segeval.verbs.report.making import show as draw
    from segeval.verbs.report.pictures import PictureOptions

    target = out or Path(f"{case.replace('/', '_')}.png")
    options = PictureOptions(images=images, window=window_of(window))
    caption = draw(run, case, class_name, out=target, options=options, distances=distances)
    if not quiet:
        console.say(f"{target}: {caption}")
    return 0
