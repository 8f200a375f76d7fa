"""Options of `segeval score`."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from segeval.evidence.policies import EmptyDistance, MissingPolicy, UndefinedPolicy, read_empty_distance
from segeval.files.memory import PROGRAM, read_size
from segeval.options.inputs import InputOptions
from segeval.options.option import Option, resample_count, share
from segeval.options.panels import INPUT, NUMBERS, OUTPUT, RUNNING

HOW_TO_RUN = ("out", "workers", "dask", "resume", "shard", "max_memory")  # options that leave every number as it is


def read_shard(text: str) -> tuple[int, ...]:
    """`0/10` as two numbers."""
    parts = text.split("/")
    if len(parts) != 2 or not all(part.isdecimal() and len(part) < 10 for part in parts):
        raise ValueError("no shard. Write it as 0/10")
    return tuple(map(int, parts))


def _is_cluster(value: str | None) -> bool:
    kind, _, rest = (value or "local:1").partition(":")
    return bool(kind and (rest.startswith("//") or (kind == "local" and rest.isdecimal() and 0 < int(rest) < 10_000)))


Engine = Literal["auto", "numpy", "torch"]
ExtraFormat = Literal["md", "latex", "nnunet", "xlsx", "parquet"]
OUT = Path("segeval-results")


@dataclass(frozen=True, kw_only=True)
class ScoreOptions(InputOptions):
    """Everything that `segeval score` can be told, under the long names of its options.

    Without `out` nothing is written; the command itself writes to `OUT` then. `workers=0` means one
    per core, four at most. `bootstrap=0` gives no intervals. Instance maps are a folder, a file, or a path with
    `{case}` in it; without them connected components are the lesions.
    """

    measures: Annotated[
        tuple[str, ...],
        Option(
            help="Groups and measures, such as dice,iou; +boundary adds to the default. `segeval measures` lists them.",
            panel=NUMBERS,
            flags=("-m", "--measures"),
        ),
    ] = ()
    pred_instances: Annotated[
        Path | None,
        Option(
            help="Lesions of the predictions, as maps of their ids: a folder, a file, or a path with {case}.",
            panel=INPUT,
        ),
    ] = None
    truth_instances: Annotated[
        Path | None, Option(help="The same for the truths; else connected components.", panel=INPUT)
    ] = None
    confidences: Annotated[
        Path | None,
        Option(help="How sure the prediction is of each lesion: CSV of case,class,instance,confidence.", panel=INPUT),
    ] = None
    instances: Annotated[
        bool,
        Option(help="Masks are maps of objects, as of cells: each id is one, and all are of one class.", panel=INPUT),
    ] = False
    like: Annotated[
        tuple[str, ...],
        Option(help="Measures as this tool defines them, such as medpy or monai; repeatable.", panel=NUMBERS),
    ] = ()
    missing: Annotated[
        MissingPolicy,
        Option(help="A truth without prediction: error, worst, background or skip.", panel=INPUT, doctor=True),
    ] = "error"
    keep_going: Annotated[
        bool, Option(help="Score the other cases when one is bad, and exit 3 at the end.", panel=INPUT)
    ] = False
    mixed_units: Annotated[
        bool, Option(help="Let means hold distances in mm and, without a spacing, in px.", panel=NUMBERS)
    ] = False
    undefined: Annotated[
        UndefinedPolicy,
        Option(
            help="Undefined values in means: skip, worst, best or fail. Measures that only describe skip theirs.",
            panel=NUMBERS,
        ),
    ] = "skip"
    empty_distance: Annotated[
        EmptyDistance,
        Option(
            help="Distance to a surface that is not there: inf, nan, diagonal or mm.",
            panel=NUMBERS,
            read=read_empty_distance,
            check=lambda value: isinstance(value, str) or 0 <= value < float("inf"),
            must="be inf, nan, diagonal or a length in mm",
        ),
    ] = "inf"
    ci_level: Annotated[
        float,
        Option(
            help="Level of the intervals of means.",
            panel=NUMBERS,
            check=share,
            must="lie between 0 and 1, such as 0.95",
        ),
    ] = 0.95
    bootstrap: Annotated[
        int,
        Option(
            help="Resamples for the intervals; 0 for none.",
            panel=NUMBERS,
            check=resample_count,
            must="be 0 (no intervals) or a number of resamples, ten million at most",
        ),
    ] = 1000
    case_table: Annotated[
        Path | None,
        Option(help="CSV with a row of facts per case, for --by; its column case has the ids.", panel=NUMBERS),
    ] = None
    by: Annotated[
        tuple[str, ...],
        Option(help="Columns of the case table, such as site,scanner: means of their groups.", panel=NUMBERS),
    ] = ()
    out: Annotated[
        Path | None,
        Option(help="Folder for the tables.", panel=OUTPUT, flags=("-o", "--out"), stands_in=OUT),
    ] = None
    format: Annotated[
        tuple[ExtraFormat, ...], Option(help="Extra files: md, latex, nnunet, xlsx, parquet; repeatable.", panel=OUTPUT)
    ] = ()
    engine: Annotated[Engine, Option(help="auto, numpy or torch.", panel=RUNNING)] = "auto"
    dask: Annotated[
        str | None,
        Option(
            help="Score on Dask: local:4 for four processes here, or the address of a scheduler, tcp://host:8786.",
            panel=RUNNING,
            check=_is_cluster,
            must="be local:N, or the address of a scheduler such as tcp://host:8786",
        ),
    ] = None
    resume: Annotated[
        bool,
        Option(help="Go on with a killed run: cases that it finished are taken, if all agrees.", panel=RUNNING),
    ] = False
    max_memory: Annotated[
        int | None,
        Option(
            help="Score larger images in slabs, so that all workers together take about this much: 2GiB.",
            panel=RUNNING,
            read=read_size,
            check=lambda value: value is None or value > PROGRAM,
            must=f"be more than {PROGRAM >> 20}MiB, which the program itself takes",
        ),
    ] = None
    shard: Annotated[
        tuple[int, ...] | None,
        Option(
            help="Score the cases whose place in their list is I mod N, for `segeval merge`: 0/10 to 9/10.",
            panel=RUNNING,
            read=read_shard,
            check=lambda value: value is None or (len(value) == 2 and 0 <= value[0] < value[1]),
            must="be I/N with I from 0 to N - 1, such as 0/10",
        ),
    ] = None

    @property
    def instance_sides(self) -> tuple[str, ...]:
        """The sides whose lesions are given as maps."""
        places = {"pred": self.pred_instances, "truth": self.truth_instances}
        return tuple(side for side, place in places.items() if self.instances or place is not None)
