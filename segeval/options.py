"""The options of a run: one record per command, whose defaults are the program's defaults.

The command line, the environment, config files and the library all end here.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from segeval.evidence.policies import ChannelAxis, EmptyDistance, MissingPolicy, PredKind, UndefinedPolicy

Engine = Literal["auto", "numpy", "torch"]
ExtraFormat = Literal["md", "latex", "nnunet"]
SweepMode = Literal["maps", "runs", "train", "curve", "cdf"]
SweepFormat = Literal["csv", "json", "md", "latex"]
Averaging = Literal["case", "pooled"]
OUT = Path("segeval-results")


@dataclass(frozen=True, kw_only=True)
class InputOptions:
    """Which files are read, who belongs to whom, and what their ids mean."""

    labels: str | Path | tuple[int, ...] | Mapping[int | str, str | int | list[int]] | None = None
    regions: str | Mapping[str, str | list[int]] | None = None
    ignore_label: tuple[int, ...] = ()
    include_background: bool = False
    pairs: Path | None = None
    pred_pattern: str | None = None
    truth_pattern: str | None = None
    pred_kind: PredKind | Literal["auto"] = "auto"
    channel_axis: ChannelAxis | None = None
    channel_files: str | None = None
    truth_files: str | None = None
    colors: str | Path | Mapping[int, str | list[int]] | None = None
    channels: str | tuple[str, ...] | None = None
    pred_ids: str | Mapping[int, int] | None = None
    round_labels: bool = False
    clip_probs: bool = False
    geometry_tol: float = 1e-3
    resample: bool = False
    ignore_geometry: bool = False
    spacing: tuple[float, ...] | None = None
    seed: int = 0
    out: Path | None = None
    device: str = "auto"
    workers: int = 0


@dataclass(frozen=True, kw_only=True)
class ScoreOptions(InputOptions):
    """Everything that `segeval score` can be told, under the long names of its options.

    Without `out` nothing is written; the command itself writes to `OUT` then. `workers=0` means one
    per core, four at most. `bootstrap=0` gives no intervals. Instance maps are a folder, a file, or a path with
    `{case}` in it; without them connected components are the lesions.
    """

    measures: tuple[str, ...] = ()
    pred_instances: Path | None = None
    truth_instances: Path | None = None
    like: tuple[str, ...] = ()
    missing: MissingPolicy = "error"
    keep_going: bool = False
    undefined: UndefinedPolicy = "skip"
    empty_distance: EmptyDistance = "inf"
    ci_level: float = 0.95
    bootstrap: int = 1000
    format: tuple[ExtraFormat, ...] = ()
    engine: Engine = "auto"

    @property
    def instance_sides(self) -> tuple[str, ...]:
        """The sides whose lesions are given as maps."""
        places = {"pred": self.pred_instances, "truth": self.truth_instances}
        return tuple(side for side, place in places.items() if place is not None)


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

    mode: SweepMode | None = None
    grid: tuple[str, ...] = ()
    zip: bool = False
    sum_to_one: bool = False
    class_name: str | None = None
    averaging: Averaging | None = None
    apr_method: Literal["step", "trapezoid"] = "step"
    apr_averaging: Averaging = "case"
    select: str | None = None
    report: str | None = None
    select_by: Literal["pooled", "case_mean", "oracle_per_case"] = "pooled"
    threshold_by: Literal["tversky", "dice", "jaccard", "f2", "youden"] | None = None
    histogram: bool = False
    operating_points: bool = False
    easy_threshold: float = 0.5
    trained_gamma: float | None = None
    max_voxels: int = 0
    losses: tuple[str, ...] = ()
    vary: str | None = None
    optimise: str | None = None
    by: Literal["dsc", "sensitivity", "specificity", "precision", "f2", "apr", "iou"] = "dsc"
    allow_missing: bool = False
    holdout: float = 0.25
    folds: int = 0
    seeds: tuple[int, ...] = (0,)
    dimensions: int = 2
    patch: tuple[int, ...] | None = None
    iterations: int | None = None
    batch: int | None = None
    learning_rate: float | None = None
    network: Literal["unet", "monai"] = "unet"
    width: int = 8
    protocol: Literal["quick", "paper"] = "quick"
    then_maps: bool = False
    bootstrap: int = 0
    baseline: str | None = None
    format: tuple[SweepFormat, ...] = ()
    layout: Literal["full", "paper"] = "full"
    with_paper: bool = False
    plot: Path | None = None
