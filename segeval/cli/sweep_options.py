"""The options of `segeval sweep`, as annotated types."""

from pathlib import Path
from typing import Annotated

import typer

from segeval.cli.options import INPUT, LABELS, OUTPUT, RUNNING, option

SETTINGS, THRESHOLDS, STATISTICS = "Settings", "Thresholds (--maps)", "Numbers"

Loss = Annotated[
    str | None,
    typer.Argument(metavar="LOSS", help="tversky, focal, exp_log or any other loss; `losses` compares several."),
]
Data = Annotated[
    Path | None,
    typer.Argument(
        metavar="INPUT",
        help="Probability maps; for --runs a folder of setting folders or a manifest; for --train images. "
        "Without INPUT and TRUTH the bundled sample.",
    ),
]
Truth = Annotated[Path | None, typer.Argument(metavar="TRUTH", help="Folder or file of true masks.")]

Mode = Annotated[
    str | None,
    option(
        "--mode",
        help="maps: what each setting makes of one set of maps. runs: what models trained with each achieved. "
        "train: train one per setting. curve: the loss as a function. cdf: which voxels carry it.",
        panel=SETTINGS,
    ),
]
Maps = Annotated[bool, typer.Option("--maps", help="Short for --mode maps, the default.", rich_help_panel=SETTINGS)]
Runs = Annotated[bool, typer.Option("--runs", help="Short for --mode runs.", rich_help_panel=SETTINGS)]
Train = Annotated[bool, typer.Option("--train", help="Short for --mode train.", rich_help_panel=SETTINGS)]
Curve = Annotated[bool, typer.Option("--curve", help="Short for --mode curve.", rich_help_panel=SETTINGS)]
Cdf = Annotated[bool, typer.Option("--cdf", help="Short for --mode cdf.", rich_help_panel=SETTINGS)]
Grid = Annotated[
    list[str] | None,
    option(
        "--grid",
        "--param",
        help="Values of a parameter, alpha=0.1:0.9:0.1 or weight=square,simple; repeatable, all combinations.",
        panel=SETTINGS,
    ),
]
Zip = Annotated[bool, option("--zip", help="Pair the values of the parameters instead.", panel=SETTINGS)]
Gamma = Annotated[str | None, option("--gamma", help="Short for --param gamma=.", panel=SETTINGS)]
SumToOne = Annotated[bool, option("--sum-to-one", help="beta = 1 - alpha; name one of them.", panel=SETTINGS)]

ClassName = Annotated[str | None, option("--class", "--class-name", help="One class against the rest.", panel=LABELS)]

SelectBy = Annotated[
    str,
    option(
        "--select-by",
        help="A threshold for the pooled voxels, for the case_mean, or oracle_per_case.",
        panel=THRESHOLDS,
    ),
]
ThresholdBy = Annotated[
    str | None,
    option(
        "--threshold-by",
        help="What thresholds are chosen by: tversky (of the row), dice, jaccard, f2 or youden.",
        panel=THRESHOLDS,
    ),
]
Select = Annotated[
    str | None, option("--select", help="Cases to choose thresholds on: case_01,case_1*.", panel=THRESHOLDS)
]
Report = Annotated[
    str | None, option("--report", help="Cases to report; all others choose the thresholds.", panel=THRESHOLDS)
]
Histogram = Annotated[
    bool, option("--histogram", help="Bin the probabilities also where sorting is quick.", panel=THRESHOLDS)
]
OperatingPoints = Annotated[
    bool, option("--operating-points", help="Write operating_points.csv to --out: every threshold.", panel=THRESHOLDS)
]

Averaging = Annotated[
    str | None,
    option(
        "--averaging",
        help="case: mean over cases (of the Tversky paper by inference). pooled: of summed counts.",
        panel=STATISTICS,
    ),
]
AprMethod = Annotated[
    str, option("--apr-method", help="Area under precision-recall by step or trapezoid.", panel=STATISTICS)
]
AprAveraging = Annotated[
    str, option("--apr-averaging", help="Mean area over cases (case) or area of all voxels (pooled).", panel=STATISTICS)
]
Bootstrap = Annotated[
    int, option("--bootstrap", help="Resamples of the cases for intervals and differences.", panel=STATISTICS)
]
Baseline = Annotated[
    str | None,
    option("--baseline", help="Row to take differences against: alpha=0.5,beta=0.5.", panel=STATISTICS),
]
EasyThreshold = Annotated[float, option("--easy-threshold", help="Voxels from this p_t on are easy.", panel=STATISTICS)]
TrainedGamma = Annotated[
    float | None, option("--trained-gamma", help="γ that the model of the maps was trained with.", panel=STATISTICS)
]
MaxVoxels = Annotated[
    int, option("--max-voxels", help="Voxels to draw per side for --cdf; 0 for all.", panel=STATISTICS)
]

Out = Annotated[Path | None, option("--out", "-o", help="Folder for tables, figures and run.json.", panel=OUTPUT)]
Format = Annotated[
    list[str] | None,
    option("--format", help="Print csv, json, md or latex; with --out write it too; repeatable.", panel=OUTPUT),
]
Layout = Annotated[str, option("--layout", help="full, or paper: the paper's columns in per cent.", panel=OUTPUT)]
WithPaper = Annotated[bool, option("--with-paper", help="Print the paper's table below, by itself.", panel=OUTPUT)]
Plot = Annotated[Path | None, option("--plot", help="Folder for the figures, SVG and PNG.", panel=OUTPUT)]
CheckTable = Annotated[
    Path | None,
    typer.Option(
        "--check-table",
        help="Check a table of metrics (CSV or Markdown) for rows that cannot be right; exits 1 if there are.",
        rich_help_panel=INPUT,
    ),
]
Config = Annotated[Path | None, option("--config", "-c", help="segeval.yaml with options under sweep:.", panel=RUNNING)]
