"""Options of every command that reads images."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from segeval.evidence.policies import LONGEST_MM, SHORTEST_MM, ChannelAxis, Orientation, PredKind
from segeval.options.option import Option, not_negative, numbers
from segeval.options.panels import CLASSES, GEOMETRY, INPUT, NUMBERS, OUTPUT, RUNNING

Ids = Mapping[str, str | list[int]]


@dataclass(frozen=True, kw_only=True)
class InputOptions:
    """Which files are read, who belongs to whom, and what their ids mean."""

    labels: Annotated[
        str | Path | tuple[int, ...] | Mapping[int | str, str | int | list[int]] | None,
        Option(
            help="1,2,3 or 1=liver,2=spleen or a file (dataset.json, YAML), or cityscapes, cityscapes-train.",
            panel=CLASSES,
            doctor=True,
        ),
    ] = None
    regions: Annotated[str | Ids | None, Option(help="Unions of ids: wt=1+2+3,tc=1+3.", panel=CLASSES, doctor=True)] = (
        None
    )
    ignore_label: Annotated[
        tuple[int, ...], Option(help="Leave out voxels with this truth id; repeatable.", panel=CLASSES, doctor=True)
    ] = ()
    include_background: Annotated[bool, Option(help="Score id 0 as a class too.", panel=CLASSES, doctor=True)] = False
    pairs: Annotated[
        Path | None, Option(help="CSV with columns case,pred,truth instead of two folders.", panel=INPUT, doctor=True)
    ] = None
    pred_pattern: Annotated[
        str | None, Option(help="Name of a prediction, such as {case}_pred.nii.gz.", panel=INPUT, doctor=True)
    ] = None
    truth_pattern: Annotated[
        str | None, Option(help="Name of a truth, such as {case}_gt.nii.gz.", panel=INPUT, doctor=True)
    ] = None
    pred_kind: Annotated[
        PredKind | Literal["auto"],
        Option(help="What predictions hold: auto, labels, probs or logits.", panel=INPUT, doctor=True),
    ] = "auto"
    channel_axis: Annotated[
        ChannelAxis | None,
        Option(help="Axis of probability files that counts classes: first or last.", panel=INPUT, doctor=True),
    ] = None
    channel_files: Annotated[
        str | None,
        Option(help="Name of a file that holds one class, such as {case}_{class}.nii.gz.", panel=INPUT, doctor=True),
    ] = None
    truth_files: Annotated[
        str | None, Option(help="The same for true masks, such as {case}/{class}.nii.gz.", panel=INPUT, doctor=True)
    ] = None
    colors: Annotated[
        str | Path | Mapping[int, str | list[int]] | None,
        Option(
            help="Ids of coloured masks: cityscapes, voc, ade20k or a file {1: [255, 0, 0]}.",
            panel=CLASSES,
            doctor=True,
        ),
    ] = None
    channels: Annotated[
        str | tuple[str, ...] | None,
        Option(help="Class of each channel, in their order: background,liver,spleen.", panel=CLASSES, doctor=True),
    ] = None
    pred_ids: Annotated[
        str | Mapping[int, int] | None,
        Option(help="What ids of predictions are in the truth: 1=2,2=1.", panel=CLASSES, doctor=True),
    ] = None
    round_labels: Annotated[
        bool, Option(help="Take the nearest id where masks do not hold whole numbers.", panel=INPUT, doctor=True)
    ] = False
    clip_probs: Annotated[
        bool, Option(help="Clip probabilities that overshoot 0 or 1 by less than 0.05.", panel=INPUT, doctor=True)
    ] = False
    series: Annotated[
        Path | None, Option(help="Folder with the DICOM images that RTSTRUCT refers to.", panel=GEOMETRY, doctor=True)
    ] = None
    geometry_tol: Annotated[
        float,
        Option(
            help="Largest misplacement of a corner, in voxels.",
            panel=GEOMETRY,
            doctor=True,
            check=not_negative,
            must="be 0 or more voxels",
        ),
    ] = 1e-3
    resample: Annotated[
        bool,
        Option(help="Put predictions on the grid of the truth (nearest neighbour).", panel=GEOMETRY, doctor=True),
    ] = False
    ignore_geometry: Annotated[
        bool, Option(help="Compare the arrays, wherever they lie.", panel=GEOMETRY, doctor=True)
    ] = False
    orientation: Annotated[
        Orientation | None, Option(help="Form of NIfTI headers to take: sform or qform.", panel=GEOMETRY, doctor=True)
    ] = None
    spacing: Annotated[
        tuple[float, ...] | None,
        Option(
            help="Spacing in mm, in array axis order, where files have none: 0.5,0.5.",
            panel=GEOMETRY,
            doctor=True,
            read=numbers(float, "lengths in mm. Write it as 0.5,0.5,3"),
            check=lambda value: all(SHORTEST_MM <= length <= LONGEST_MM for length in value or ()),
            must=f"hold lengths in mm between {SHORTEST_MM:g} and {LONGEST_MM:g}",
        ),
    ] = None
    seed: Annotated[
        int, Option(help="Seed of the resamples.", panel=NUMBERS, check=not_negative, must="be 0 or more")
    ] = 0
    out: Annotated[Path | None, Option(help="Folder for the tables.", panel=OUTPUT, flags=("-o", "--out"))] = None
    device: Annotated[str, Option(help="auto, cpu, cuda or cuda:1.", panel=RUNNING)] = "auto"
    workers: Annotated[
        int,
        Option(
            help="Cases read at a time; 0 for one per core.",
            panel=RUNNING,
            doctor=True,
            check=not_negative,
            must="be 0 (one per core) or a number of workers",
        ),
    ] = 0
