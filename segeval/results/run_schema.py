"""What a `run.json` of `segeval score` must hold: published as a JSON Schema, and checked when one is read.

Version 1 had its tables under `tables`, as `columns` and `rows` of cells in their order; version 2 has each table at
the top, its rows as objects by column. Both are read.
"""

import math
from collections.abc import Iterator, Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

from segeval.errors import ConfigError

if TYPE_CHECKING:
    from pydantic import BaseModel

RUN_SCHEMA_VERSION = 2
_N_PROBLEMS = 3


def run_schema() -> dict[str, Any]:
    """The JSON Schema of `run.json`."""
    return _document_model().model_json_schema()


def checked_document(document: Mapping[str, Any], *, where: str) -> dict[str, Any]:
    """The document in the form of this version.

    Raises:
        ConfigError: its version is unknown, a part is lacking or has another type, a row stands twice, or a value lies
            outside the bounds that its definition gives.
    """
    version = document.get("schema_version")
    if version not in (1, RUN_SCHEMA_VERSION) or isinstance(version, bool):
        raise ConfigError(
            f"{where}: schema_version {str(version)[:20]} is unknown: this segeval reads 1 and {RUN_SCHEMA_VERSION}. "
            "Update segeval, or score again."
        )
    current = _from_version_1(document, where) if version == 1 else dict(document)
    problems = [*_misfits(current)] or [*_repeated(current), *_outside_bounds(current)]
    if problems:
        more = f" ({len(problems) - _N_PROBLEMS} more)" if len(problems) > _N_PROBLEMS else ""
        raise ConfigError(
            f"{where}: this is not what `segeval score` writes: {'; '.join(problems[:_N_PROBLEMS])}{more}. Score again."
        )
    return current


def _from_version_1(document: Mapping[str, Any], where: str) -> dict[str, Any]:
    """The same document with its tables at the top, and their rows as objects."""
    try:
        tables = {
            name: [dict(zip(table["columns"], row, strict=True)) for row in table["rows"]]
            for name, table in document["tables"].items()
        }
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ConfigError(f"{where}: its tables are damaged. Score again.") from error
    return {**{name: value for name, value in document.items() if name != "tables"}, **tables, "schema_version": 2}


def _misfits(document: Mapping[str, Any]) -> Iterator[str]:
    """Parts that are lacking, or of another type."""
    from pydantic import ValidationError

    try:
        _document_model().model_validate(document)
    except ValidationError as error:
        for one in error.errors(include_url=False, include_input=False):
            yield f"{'.'.join(map(str, one['loc']))}: {one['msg'][:80].lower()}"


def _repeated(document: Mapping[str, Any]) -> Iterator[str]:
    """Rows that stand twice."""
    for name, keys in (("scores", ("case", "class")), ("cases", ("case",)), ("summary", ("class", "measure"))):
        seen: set[tuple[str, ...]] = set()
        for row in document[name]:
            key = tuple(row[one] for one in keys)
            if key in seen:
                yield f"{name} has two rows of {' and '.join(key)}"
            seen.add(key)


def _outside_bounds(document: Mapping[str, Any]) -> Iterator[str]:
    """Values that their measure cannot have; a rounding step beyond an end is none."""
    for column, definition in document["definitions"].items():
        low, high = map(number_of, definition["bounds"])
        slack = 1e-9 * max([abs(end) for end in (low, high) if math.isfinite(end)], default=0.0)
        for row in (*document["scores"], *document["cases"]):
            cell = row.get(column)
            if cell is None or (cell.__class__ is float and low <= cell <= high):  # nearly all, and the rest is slower
                continue
            value = number_of(cell)
            if not math.isnan(value) and not low - slack <= value <= high + slack:
                yield f"{column} of {row['case']} is {value:g}, and it lies between {low:g} and {high:g}"


def number_of(cell: Any) -> float:
    """A cell of a table as a number: empty and null are undefined, `inf` is infinite.

    Raises:
        ValueError: it is no number.
    """
    return math.nan if cell in (None, "") else float(cell)


@cache
def _document_model() -> "type[BaseModel]":
    """The models, made when they are first needed: pydantic takes a while to import."""
    from typing import Literal

    from pydantic import BaseModel, ConfigDict, Field, NonNegativeInt

    from segeval.evidence.policies import MissingPolicy, PredKind, UndefinedPolicy
    from segeval.results.records import Status

    Number = float | Literal["inf", "-inf"] | None

    class Part(BaseModel):
        model_config = ConfigDict(strict=True, extra="allow", allow_inf_nan=False, populate_by_name=True)

    class Rated(Part):
        """A row whose further columns are measures: a number, `inf` or `-inf`; null is undefined."""

        __pydantic_extra__: dict[str, Number] = Field(init=False)

    class ScoreRow(Rated):
        """A class of a case."""

        case: str
        label: str
        class_: str = Field(alias="class")
        status: Status
        n_pred: NonNegativeInt
        n_truth: NonNegativeInt
        tp: NonNegativeInt
        fp: NonNegativeInt
        fn: NonNegativeInt
        tn: NonNegativeInt

    class CaseRecord(Rated):
        """A case; those that could not be scored have no values."""

        case: str
        status: Status
        shape: str
        spacing_mm: str
        probability_source: str

    class SummaryRecord(Rated):
        """A measure of a class over the cases; the further columns are its statistics."""

        class_: str = Field(alias="class")
        measure: str
        n: NonNegativeInt
        n_undefined: NonNegativeInt | None
        n_inf: NonNegativeInt | None
        n_missing: NonNegativeInt
        pooled: Number

    class Definition(Part):
        """What a column is."""

        measure: str
        parameters: dict[str, Any]
        bounds: list[Number] = Field(min_length=2, max_length=2)
        better: str
        unit: str

    class LabelRecord(Part):
        """A class and its ids."""

        label: str
        class_: str = Field(alias="class")
        ids: list[int]

    class PlanRecord(Part):
        """The options that the gate reads; all others stand beside them."""

        undefined: UndefinedPolicy = "skip"
        missing: MissingPolicy = "error"

    class PredictionsRecord(Part):
        """What the predictions were found to be."""

        kind: PredKind

    class RunDocument(Part):
        """What `segeval score` found, and how."""

        tool: Literal["segeval"]
        kind: Literal["score"]
        schema_version: Literal[2]
        complete: bool = Field(description="False for a run that was interrupted.")
        inputs: dict[str, str | None]
        plan: PlanRecord = Field(description="The options, so that the run can be repeated.")
        predictions: PredictionsRecord | None = None
        ignored_ids: list[int] = Field(default_factory=list)
        definitions: dict[str, Definition] = Field(description="Column -> what it is.")
        labels: list[LabelRecord]
        resamples: dict[str, dict[str, str]] = Field(
            default_factory=dict, description="Measure and class -> the score of all cases in each resample of them."
        )
        written: dict[str, str] = Field(default_factory=dict, description="File beside this one -> digest.")
        scores: list[ScoreRow]
        cases: list[CaseRecord]
        summary: list[SummaryRecord]

    return RunDocument
