"""Options shared by commands, as annotated types. Names, flags and helps stand here once."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from segeval.settings import Given


def option(*flags: str, help: str, panel: str, **more: Any) -> Any:
    """An option that the environment can set too, under `SEGEVAL_` and its longest flag."""
    name = max(flags, key=len).partition("/")[0].lstrip("-").replace("-", "_").upper()
    return typer.Option(*flags, help=help, rich_help_panel=panel, envvar=f"SEGEVAL_{name}", show_envvar=False, **more)


INPUT, LABELS, GEOMETRY, NUMBERS, OUTPUT, RUNNING = "Input", "Classes", "Geometry", "Numbers", "Output", "Running"

PredPath = Annotated[Path | None, typer.Argument(metavar="PRED", help="Folder or file of predicted masks.")]
TruthPath = Annotated[Path | None, typer.Argument(metavar="TRUTH", help="Folder or file of true masks.")]

Pairs = Annotated[
    Path | None, option("--pairs", help="CSV with columns case,pred,truth instead of two folders.", panel=INPUT)
]
PredPattern = Annotated[
    str | None, option("--pred-pattern", help="Name of a prediction, such as {case}_pred.nii.gz.", panel=INPUT)
]
TruthPattern = Annotated[
    str | None, option("--truth-pattern", help="Name of a truth, such as {case}_gt.nii.gz.", panel=INPUT)
]
PredKind = Annotated[
    str, option("--pred-kind", help="What predictions hold: auto, labels, probs or logits.", panel=INPUT)
]
ChannelAxis = Annotated[
    str | None,
    option("--channel-axis", help="Axis of probability files that counts classes: first or last.", panel=INPUT),
]
ChannelFiles = Annotated[
    str | None,
    option("--channel-files", help="Name of a file that holds one class, such as {case}_{class}.nii.gz.", panel=INPUT),
]
TruthFiles = Annotated[
    str | None,
    option("--truth-files", help="The same for true masks, such as {case}/{class}.nii.gz.", panel=INPUT),
]
ChannelNames = Annotated[
    str | None,
    option("--channels", help="Class of each channel, in their order: background,liver,spleen.", panel=LABELS),
]
PredIds = Annotated[
    str | None, option("--pred-ids", help="What ids of predictions are in the truth: 1=2,2=1.", panel=LABELS)
]
Colors = Annotated[
    str | None,
    option("--colors", help="Ids of coloured masks: cityscapes, voc, ade20k or a file {1: [255, 0, 0]}.", panel=LABELS),
]
RoundLabels = Annotated[
    bool, option("--round-labels", help="Take the nearest id where masks do not hold whole numbers.", panel=INPUT)
]
ClipProbs = Annotated[
    bool, option("--clip-probs", help="Clip probabilities that overshoot 0 or 1 by less than 0.05.", panel=INPUT)
]
PredInstances = Annotated[
    Path | None,
    option(
        "--pred-instances",
        help="Lesions of the predictions, as maps of their ids: a folder, a file, or a path with {case}.",
        panel=INPUT,
    ),
]
TruthInstances = Annotated[
    Path | None,
    option("--truth-instances", help="The same for the truths; else connected components.", panel=INPUT),
]
Missing = Annotated[
    str, option("--missing", help="A truth without prediction: error, worst, background or skip.", panel=INPUT)
]
KeepGoing = Annotated[
    bool, option("--keep-going", help="Score the other cases when one is bad, and exit 3 at the end.", panel=INPUT)
]

Labels = Annotated[
    str | None,
    option(
        "--labels",
        help="1,2,3 or 1=liver,2=spleen or a file (dataset.json, YAML), or cityscapes, cityscapes-train.",
        panel=LABELS,
    ),
]
Regions = Annotated[str | None, option("--regions", help="Unions of ids: wt=1+2+3,tc=1+3.", panel=LABELS)]
IgnoreLabel = Annotated[
    list[int] | None, option("--ignore-label", help="Leave out voxels with this truth id; repeatable.", panel=LABELS)
]
IncludeBackground = Annotated[bool, option("--include-background", help="Score id 0 as a class too.", panel=LABELS)]

GeometryTol = Annotated[
    float, option("--geometry-tol", help="Largest misplacement of a corner, in voxels.", panel=GEOMETRY)
]
Resample = Annotated[
    bool, option("--resample", help="Put predictions on the grid of the truth (nearest neighbour).", panel=GEOMETRY)
]
IgnoreGeometry = Annotated[
    bool, option("--ignore-geometry", help="Compare the arrays, wherever they lie.", panel=GEOMETRY)
]
Spacing = Annotated[
    str | None,
    option("--spacing", help="Spacing in mm, in array axis order, where files have none: 0.5,0.5.", panel=GEOMETRY),
]

Measures = Annotated[
    list[str] | None,
    option(
        "-m",
        "--measures",
        help="Groups and measures, such as dice,iou; +boundary adds to the default. `segeval measures` lists them.",
        panel=NUMBERS,
    ),
]
Like = Annotated[
    list[str] | None,
    option("--like", help="Measures as this tool defines them, such as medpy or monai; repeatable.", panel=NUMBERS),
]
EmptyDistance = Annotated[
    str,
    option(
        "--empty-distance", help="Distance to a surface that is not there: inf, nan, diagonal or mm.", panel=NUMBERS
    ),
]
Undefined = Annotated[
    str,
    option(
        "--undefined",
        help="Undefined values in means: skip, worst, best or fail. Measures that only describe skip theirs.",
        panel=NUMBERS,
    ),
]
CiLevel = Annotated[float, option("--ci-level", help="Level of the intervals of means.", panel=NUMBERS)]
Bootstrap = Annotated[int, option("--bootstrap", help="Resamples for the intervals; 0 for none.", panel=NUMBERS)]
Seed = Annotated[int, option("--seed", help="Seed of the resamples.", panel=NUMBERS)]

Out = Annotated[Path, option("--out", "-o", help="Folder for the tables.", panel=OUTPUT)]
Format = Annotated[
    list[str] | None, option("--format", help="Extra files: md, latex, nnunet; repeatable.", panel=OUTPUT)
]
AsJson = Annotated[bool, option("--json", help="Print run.json instead of tables.", panel=OUTPUT)]
Quiet = Annotated[bool, option("--quiet", "-q", help="Print nothing.", panel=OUTPUT)]
Verbose = Annotated[bool, option("--verbose", "-v", help="Say more on stderr.", panel=OUTPUT)]
NoColor = Annotated[bool, option("--no-color", help="Plain text.", panel=OUTPUT)]

Config = Annotated[Path | None, option("--config", "-c", help="segeval.yaml with options under score:.", panel=RUNNING)]
Gate = Annotated[
    Path | None, option("--gate", help="Hold the run against the rules of this segeval.yaml.", panel=RUNNING)
]
GateOutput = Annotated[
    list[str] | None,
    option("--output", help="Report of the gate: json, junit, markdown, github, and =PATH; repeatable.", panel=RUNNING),
]
Device = Annotated[str, option("--device", help="auto, cpu, cuda or cuda:1.", panel=RUNNING)]
Engine = Annotated[str, option("--engine", help="auto, numpy or torch.", panel=RUNNING)]
Workers = Annotated[int, option("--workers", help="Cases read at a time; 0 for one per core.", panel=RUNNING)]


def given(ctx: typer.Context, values: Mapping[str, Any]) -> "dict[str, Given]":
    """The options that the user set on the command line or in the environment, by name.

    Args:
        ctx: knows who set each of them.
        values: the command's own parameters; the context holds some of them as plain text still.
    """
    from segeval.settings import COMMAND_LINE, ENVIRONMENT, Given

    words = {"COMMANDLINE": COMMAND_LINE, "ENVIRONMENT": ENVIRONMENT}
    sources = {name: ctx.get_parameter_source(name) for name in ctx.params}
    return {
        name: Given(value=values[name], source=words[source.name])
        for name, source in sources.items()
        if source is not None and source.name in words
    }
