"""The options of a run: one record, whose defaults are the program's defaults.

The command line, the environment, config files and the library all end here.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from segeval.core.policies import ChannelAxis, EmptyDistance, MissingPolicy, PredKind, UndefinedPolicy

Engine = Literal["auto", "numpy", "torch"]
ExtraFormat = Literal["md", "latex", "nnunet"]
OUT = Path("segeval-results")


@dataclass(frozen=True, kw_only=True)
class ScoreOptions:
    """Everything that `segeval score` can be told, under the long names of its options.

    Without `out` nothing is written; the command itself writes to `OUT` then. `workers=0` means one
    per core, four at most. `bootstrap=0` gives no intervals.
    """

    measures: tuple[str, ...] = ()
    like: tuple[str, ...] = ()
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
    missing: MissingPolicy = "error"
    keep_going: bool = False
    geometry_tol: float = 1e-3
    resample: bool = False
    ignore_geometry: bool = False
    spacing: tuple[float, ...] | None = None
    undefined: UndefinedPolicy = "skip"
    empty_distance: EmptyDistance = "inf"
    ci_level: float = 0.95
    bootstrap: int = 1000
    seed: int = 0
    out: Path | None = None
    format: tuple[ExtraFormat, ...] = ()
    device: str = "auto"
    engine: Engine = "auto"
    workers: int = 0
