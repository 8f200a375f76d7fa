"""The parts of a `segeval.yaml`, as pydantic models: the one schema for options and gate."""

from typing import Annotated, Any, Literal, get_args, get_origin

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PrivateAttr, create_model, model_validator

from segeval.options import ScoreOptions, SweepOptions, declared

Statistic = Literal["mean", "median", "p5", "p95", "min", "max", "std", "pooled"]
Bound = Literal["point", "ci_lower", "ci_upper"]
Severity = Literal["error", "warning"]
ClassName = Annotated[str, BeforeValidator(lambda name: str(name) if type(name) is int else name)]
Number = Annotated[float, Field(strict=True, allow_inf_nan=False)]  # strict, or `true` would be the limit 1.0
Count = Annotated[int, Field(strict=True, ge=0)]

LIMITS = ("min", "max", "max_regression", "max_regression_pct", "max_fraction")


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Cases(_Part):
    """What the run must bring before any rule is believed, and what is resampled."""

    min_cases: Count = Field(default=0, description="With fewer scored cases the verdict is inconclusive.")
    max_missing: Count = Field(default=0, description="More cases without a score fail the gate.")
    table: str | None = Field(
        default=None, description="CSV with a row per case, for `unit` and `by`; its column `case` has the ids."
    )
    unit: str | None = Field(
        default=None, description="Column of the table whose values are resampled whole, such as patient."
    )


class Baseline(_Part):
    """The run that regressions are measured against."""

    path: str = Field(description="A run folder, its scores.csv, or a summary.json of nnU-Net.")
    min_paired: Count = Field(default=0, description="With fewer cases in both runs the verdict is inconclusive.")


class MaxFraction(_Part):
    """How many cases may be worse than in the baseline by so much, or have a mark of a review."""

    worse_by: Annotated[Number, Field(ge=0)] | None = None
    reviewed: Literal["pass", "fail", "unsure"] | None = Field(
        default=None, description="A mark in the column `reviewed` of the case table, which a report's review.csv is."
    )
    of_cases: Annotated[Number, Field(ge=0, lt=1)]

    @model_validator(mode="after")
    def _counts_one_thing(self) -> "MaxFraction":
        if (self.worse_by is None) == (self.reviewed is None):
            raise ValueError("max_fraction counts cases by worse_by or by reviewed. Give one of them")
        return self


class Rule(_Part):
    """One sentence of the gate: a statistic of a measure of a class, and its limit."""

    id: Annotated[str, Field(min_length=1)]
    measure: str = Field(default="", description="What is judged; none for the marks of a review.")
    class_name: ClassName = Field(
        default="*", alias="class", description='A class, "*" for each, or "(mean)" for their mean.'
    )
    stat: Statistic = "mean"
    min: Number | None = None
    max: Number | None = None
    max_regression: Annotated[Number, Field(ge=0)] | None = None
    max_regression_pct: Annotated[Number, Field(ge=0)] | None = None
    max_fraction: MaxFraction | None = None
    bound: Bound | None = Field(
        default=None, description="What must keep the limit: the value (point) or an end of its interval."
    )
    test: Literal["paired_bootstrap"] = "paired_bootstrap"
    severity: Severity = "error"
    by: str | None = Field(
        default=None, description="Column of the case table: each of its values is judged for itself."
    )
    _line: int = PrivateAttr(0)

    @property
    def line(self) -> int:
        """The line of the file in which the rule begins; 0 where it comes from no file."""
        return self._line

    @property
    def needs_baseline(self) -> bool:
        return self.min is None and self.max is None and not self.reads_review

    @property
    def reads_review(self) -> bool:
        """Whether the rule counts marks, and no values of a measure."""
        return self.max_fraction is not None and self.max_fraction.reviewed is not None

    @model_validator(mode="after")
    def _names_what_it_judges(self) -> "Rule":
        if not self.reads_review and not self.measure:
            raise ValueError("the rule has no measure. Name one, such as measure: dice")
        if self.reads_review and (self.measure or self.class_name != "*"):
            raise ValueError("a review marks cases, not their measures and classes. Leave out measure and class")
        return self

    @model_validator(mode="after")
    def _has_one_limit(self) -> "Rule":
        given = [name for name in LIMITS if getattr(self, name) is not None]
        if not given:
            raise ValueError(f"the rule has no limit. Give one of: {', '.join(LIMITS)}")
        if len(given) > 1 and given != ["min", "max"]:
            raise ValueError(f"the rule has several limits ({', '.join(given)}). Write one rule for each")
        if self.min is not None and self.max is not None and self.min > self.max:
            raise ValueError(f"min {self.min:g} lies above max {self.max:g}, so nothing can pass. Swap them")
        return self

    @model_validator(mode="after")
    def _bound_fits_limit(self) -> "Rule":
        if self.bound not in (None, "point") and self.max_fraction is None:
            if self.needs_baseline:
                raise ValueError("a regression is judged by its own interval. Leave out bound")
            if self.min is not None and self.max is not None:
                raise ValueError(f"bound {self.bound} needs one side. Write one rule for min and one for max")
            if self.stat == "pooled":
                raise ValueError("a pooled value has no interval. Leave out bound, or gate another stat")
        if self.max_fraction is not None and (self.stat != "mean" or self.bound == "ci_lower"):
            raise ValueError("max_fraction counts cases. Leave out stat, and bound ci_lower")
        if self.by is not None and self.stat == "pooled":
            raise ValueError("pooled values exist for all cases only. Leave out by, or gate another stat")
        return self


class Config(_Part):
    """A whole `segeval.yaml`."""

    schema_version: Literal[1] = 1
    score: dict[str, Any] = Field(
        default_factory=dict, description="Options of `segeval score` under their long names."
    )
    sweep: dict[str, Any] = Field(
        default_factory=dict, description="Options of `segeval sweep` under their long names."
    )
    cases: Cases = Cases()
    baseline: Baseline | None = None
    rules: tuple[Rule, ...] = ()
    on_inconclusive: Literal["report", "fail"] = "report"


def config_schema() -> dict[str, Any]:
    """The JSON Schema of `segeval.yaml`."""
    schema = Config.model_json_schema(by_alias=True)
    for part, record in (("score", ScoreOptions), ("sweep", SweepOptions)):
        schema["properties"][part] = _schema_of(record, schema["properties"][part]["description"])
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}


def _schema_of(record: type, description: str) -> dict[str, Any]:
    """The options of a record as keys of a file; a single value may stand for a list of one."""
    keys: dict[str, Any] = {
        name: (_or_single(option.type), Field(default=option.default, description=option.option.help))
        for name, option in declared(record).items()
    }
    schema = create_model(record.__name__, __config__=ConfigDict(extra="forbid"), **keys).model_json_schema()
    return {**schema, "description": description}


def _or_single(annotation: Any) -> Any:
    return annotation | get_args(annotation)[0] if get_origin(annotation) is tuple else annotation
