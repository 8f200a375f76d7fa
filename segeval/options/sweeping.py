"""Options of `segeval sweep`, each with the sweeps that read it."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from segeval.options.inputs import InputOptions
from segeval.options.option import Declared, Option, declared, not_negative, numbers, resample_count, share
from segeval.options.panels import CLASSES, MAPS_OF_FOCAL, NUMBERS, OUTPUT, SETTINGS, THRESHOLDS, TRAINED, TRAINING

SweepMode = Literal["maps", "runs", "train", "curve", "cdf"]
SweepFormat = Literal["csv", "json", "md", "latex"]
Averaging = Literal["case", "pooled"]

# A sweep is a mode, and for maps also what it answers: `tversky`, `focal` and `cdf` have tables of their own, `any`
# is every other loss, `any_thresholds` the same with --threshold-by. `curve` and `exp_log` read no option of these.
TRAIN = frozenset({"train"})
MODELS = frozenset({"runs", "train"})
FOCAL = frozenset({"focal"})
CDF = frozenset({"cdf"})
ANY_LOSS = frozenset({"any", "any_thresholds"})
CHOOSE_THRESHOLDS = frozenset({"tversky", "any_thresholds"})
ARE_BINNED = frozenset({"tversky", "focal", "cdf"}) | ANY_LOSS


@dataclass(frozen=True, kw_only=True)
class SweepOptions(InputOptions):
    """Everything that `segeval sweep` can be told, under the long names of its options.

    None leaves the choice to the mode.

    Attributes:
        grid: `alpha=0.1:0.9:0.1` or `gamma=0,1,2`, one text per parameter; empty for the grid of the paper.
        select: ids of the cases that thresholds are chosen on, with `*` for any characters; None for all.
        report: ids of the cases that are reported; None for all that are not selected on.
        baseline: the row that differences are taken against, such as `alpha=0.5,beta=0.5`.
        max_voxels: voxels drawn per side for `cdf`; 0 takes all.
        losses: whole losses to compare, such as `tversky_loss(alpha=0.3,beta=0.7)`; empty for all that were run.
        vary: the one parameter that rows differ in.
        optimise: a parameter of which each row takes its best value, by `by` on the cases to select on.
        allow_missing: compare trained models on the cases that all of them have.
        holdout: share of the cases that networks are judged by, where there are no `folds`.
        seeds: each setting is trained once per seed.
        dimensions: 2 trains on slices of volumes, 3 on whole ones.
        patch: voxels of a training patch along each axis.
        protocol: `paper` trains as arXiv 1706.05721 did, for longer and with Adam.
        then_maps: also tabulate thresholds of the maps that the baseline's networks predict.
    """

    mode: Annotated[
        SweepMode | None,
        Option(
            help="maps: what each setting makes of one set of maps. runs: what models trained with each achieved. "
            "train: train one per setting. curve: the loss as a function. cdf: which voxels carry it.",
            panel=SETTINGS,
        ),
    ] = None
    grid: Annotated[
        tuple[str, ...],
        Option(
            help="Values of a parameter, alpha=0.1:0.9:0.1 or weight=square,simple; repeatable, all combinations.",
            panel=SETTINGS,
            flags=("--grid", "--param"),
        ),
    ] = ()
    zip: Annotated[
        bool,
        Option(
            help="Pair the values of the parameters instead.",
            panel=SETTINGS,
            sweeps=frozenset({"tversky", "focal"}) | ANY_LOSS | TRAIN,
        ),
    ] = False
    sum_to_one: Annotated[
        bool,
        Option(help="beta = 1 - alpha; name one of them.", panel=SETTINGS, sweeps=frozenset({"tversky"}) | TRAIN),
    ] = False
    class_name: Annotated[
        str | None,
        Option(
            help="One class against the rest.",
            panel=CLASSES,
            flags=("--class", "--class-name"),
            sweeps=ARE_BINNED | MODELS,
        ),
    ] = None
    averaging: Annotated[
        Averaging | None,
        Option(
            help="case: mean over cases (of the Tversky paper by inference). pooled: of summed counts.",
            panel=NUMBERS,
            sweeps=CHOOSE_THRESHOLDS | FOCAL | MODELS,
        ),
    ] = None
    apr_method: Annotated[
        Literal["step", "trapezoid"],
        Option(
            help="Area under precision-recall by step or trapezoid.",
            panel=NUMBERS,
            sweeps=CHOOSE_THRESHOLDS | MODELS,
        ),
    ] = "step"
    apr_averaging: Annotated[
        Averaging,
        Option(
            help="Mean area over cases (case) or area of all voxels (pooled).",
            panel=NUMBERS,
            sweeps=CHOOSE_THRESHOLDS | MODELS,
        ),
    ] = "case"
    select: Annotated[
        str | None,
        Option(
            help="Cases to choose thresholds on: case_01,case_1*.",
            panel=THRESHOLDS,
            sweeps=CHOOSE_THRESHOLDS | MODELS,
        ),
    ] = None
    report: Annotated[
        str | None,
        Option(
            help="Cases to report; all others choose the thresholds.",
            panel=THRESHOLDS,
            sweeps=CHOOSE_THRESHOLDS | MODELS,
        ),
    ] = None
    select_by: Annotated[
        Literal["pooled", "case_mean", "oracle_per_case"],
        Option(
            help="A threshold for the pooled voxels, for the case_mean, or oracle_per_case.",
            panel=THRESHOLDS,
            sweeps=CHOOSE_THRESHOLDS,
        ),
    ] = "pooled"
    threshold_by: Annotated[
        Literal["tversky", "dice", "jaccard", "f2", "youden"] | None,
        Option(
            help="What thresholds are chosen by: tversky (of the row), dice, jaccard, f2 or youden.",
            panel=THRESHOLDS,
            sweeps=CHOOSE_THRESHOLDS | ANY_LOSS,
        ),
    ] = None
    histogram: Annotated[
        bool,
        Option(help="Bin the probabilities also where sorting is quick.", panel=THRESHOLDS, sweeps=ARE_BINNED),
    ] = False
    operating_points: Annotated[
        bool,
        Option(
            help="Write operating_points.csv to --out: every threshold.", panel=THRESHOLDS, sweeps=CHOOSE_THRESHOLDS
        ),
    ] = False
    easy_threshold: Annotated[
        float,
        Option(
            help="Voxels from this p_t on are easy.",
            panel=MAPS_OF_FOCAL,
            check=share,
            must="lie between 0 and 1, such as 0.5",
            sweeps=FOCAL | ANY_LOSS,
        ),
    ] = 0.5
    trained_gamma: Annotated[
        float | None,
        Option(help="γ that the model of the maps was trained with.", panel=MAPS_OF_FOCAL, sweeps=CDF),
    ] = None
    max_voxels: Annotated[
        int,
        Option(
            help="Voxels to draw per side for --cdf; 0 for all.",
            panel=MAPS_OF_FOCAL,
            check=not_negative,
            must="be 0 (all) or a number of voxels",
            sweeps=CDF,
        ),
    ] = 0
    losses: Annotated[
        tuple[str, ...],
        Option(
            help="Of `sweep losses`: a loss such as tversky_loss(alpha=0.3,beta=0.7); repeatable.",
            panel=TRAINED,
            flags=("--loss",),
            sweeps=MODELS,
        ),
    ] = ()
    vary: Annotated[
        str | None, Option(help="The one parameter that rows may differ in.", panel=TRAINED, sweeps=MODELS)
    ] = None
    optimise: Annotated[
        str | None,
        Option(
            help="A parameter whose best value each row takes, chosen on other cases.", panel=TRAINED, sweeps=MODELS
        ),
    ] = None
    by: Annotated[
        Literal["dsc", "sensitivity", "specificity", "precision", "f2", "apr", "iou"],
        Option(help="The metric that --optimise chooses by.", panel=TRAINED, sweeps=MODELS),
    ] = "dsc"
    allow_missing: Annotated[
        bool, Option(help="Compare on the cases that all rows have.", panel=TRAINED, sweeps=MODELS)
    ] = False
    holdout: Annotated[
        float,
        Option(
            help="Share of the cases that are not trained on.",
            panel=TRAINING,
            check=share,
            must="lie between 0 and 1, such as 0.25",
            sweeps=TRAIN,
        ),
    ] = 0.25
    folds: Annotated[
        int,
        Option(
            help="Train in K folds instead, and report every case.",
            panel=TRAINING,
            check=lambda value: value == 0 or value >= 2,
            must="be 0 (a hold-out) or 2 or more",
            sweeps=TRAIN,
        ),
    ] = 0
    seeds: Annotated[
        tuple[int, ...],
        Option(
            help="Train each setting once per seed: 0,1,2.",
            panel=TRAINING,
            read=numbers(int, "whole numbers. Write it as 0,1,2"),
            check=lambda value: min(value, default=-1) >= 0 and len(set(value)) == len(value),
            must="be different whole numbers",
            sweeps=TRAIN,
        ),
    ] = (0,)
    dimensions: Annotated[
        int,
        Option(
            help="2: slices of volumes. 3: volumes.",
            panel=TRAINING,
            check=lambda value: value in (2, 3),
            must="be 2 or 3",
            sweeps=TRAIN,
        ),
    ] = 2
    patch: Annotated[
        tuple[int, ...] | None,
        Option(
            help="Size of a patch in voxels: 96,96, or in 3-D 48,48,16.",
            panel=TRAINING,
            read=numbers(int, "voxels along each axis. Write it as 64,64 or 64,64,16"),
            sweeps=TRAIN,
        ),
    ] = None
    iterations: Annotated[
        int | None,
        Option(
            help="Steps of every training; 300.",
            panel=TRAINING,
            check=lambda value: value is None or value >= 10,
            must="be 10 or more",
            sweeps=TRAIN,
        ),
    ] = None
    batch: Annotated[
        int | None,
        Option(
            help="Patches in a step; 8.",
            panel=TRAINING,
            check=lambda value: value is None or value >= 2,
            must="be 2 or more",
            sweeps=TRAIN,
        ),
    ] = None
    learning_rate: Annotated[
        float | None,
        Option(
            help="At the start; 0.01.",
            panel=TRAINING,
            check=lambda value: value is None or value > 0,
            must="be above 0",
            sweeps=TRAIN,
        ),
    ] = None
    network: Annotated[
        Literal["unet", "monai"],
        Option(help="unet, or monai (needs segeval\\[train]).", panel=TRAINING, sweeps=TRAIN),
    ] = "unet"
    width: Annotated[
        int,
        Option(
            help="Features of the network's first level.",
            panel=TRAINING,
            check=lambda value: value >= 1,
            must="be 1 or more",
            sweeps=TRAIN,
        ),
    ] = 8
    protocol: Annotated[
        Literal["quick", "paper"],
        Option(help="quick, or paper: 5000 steps of Adam in two folds.", panel=TRAINING, sweeps=TRAIN),
    ] = "quick"
    then_maps: Annotated[
        bool, Option(help="Also sweep thresholds of the baseline's own maps.", panel=TRAINING, sweeps=TRAIN)
    ] = False
    bootstrap: Annotated[
        int,
        Option(
            help="Resamples of the cases for intervals and differences.",
            panel=NUMBERS,
            check=resample_count,
            must="be 0 (no intervals) or a number of resamples, ten million at most",
            sweeps=CHOOSE_THRESHOLDS | MODELS,
        ),
    ] = 0
    baseline: Annotated[
        str | None,
        Option(
            help="Row to take differences against: alpha=0.5,beta=0.5.",
            panel=NUMBERS,
            sweeps=CHOOSE_THRESHOLDS | MODELS,
        ),
    ] = None
    out: Annotated[
        Path | None, Option(help="Folder for tables, figures and run.json.", panel=OUTPUT, flags=("-o", "--out"))
    ] = None
    format: Annotated[
        tuple[SweepFormat, ...],
        Option(help="Print csv, json, md or latex; with --out write it too; repeatable.", panel=OUTPUT),
    ] = ()
    layout: Annotated[
        Literal["full", "paper"], Option(help="full, or paper: the paper's columns in per cent.", panel=OUTPUT)
    ] = "full"
    with_paper: Annotated[bool, Option(help="Print the paper's table below, by itself.", panel=OUTPUT)] = False
    plot: Annotated[Path | None, Option(help="Folder for the figures, SVG and PNG.", panel=OUTPUT)] = None


def idle(options: SweepOptions, sweep: str) -> Declared | None:
    """The first option that is set although it changes nothing in this sweep: whoever set it expects something else."""
    return next((option for option in declared(SweepOptions).values() if _is_idle(option, options, sweep)), None)


def _is_idle(option: Declared, options: SweepOptions, sweep: str) -> bool:
    value: Any = getattr(options, option.name)
    sweeps = option.option.sweeps
    return sweeps is not None and sweep not in sweeps and value != option.default
