"""Every measure as a function of two images: `segeval.hd95(pred, truth, spacing=(0.8, 0.8, 3.0))`."""

import inspect
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

import numpy as np

from segeval import catalogue
from segeval.errors import ConfigError, did_you_mean
from segeval.evidence.labels import MEAN_OF_CLASSES
from segeval.knobs import knob_text
from segeval.measure import Measure
from segeval.options import ScoreOptions
from segeval.results import Results
from segeval.verbs.library import score

# what a single number has no place for
OF_RUNS = ("measures", "out", "format", "bootstrap", "ci_level", "pairs", "keep_going", "missing")


def function_names() -> list[str]:
    """The measures that `segeval` has as functions."""
    return list(catalogue.measures())


def function_of(name: str) -> Callable[..., Any]:
    """The function of a measure, by its name or an alias.

    Raises:
        AttributeError: there is no such measure; the message suggests the nearest name.
    """
    for measure in catalogue.measures().values():
        if name in (measure.name, *measure.aliases):
            return _function(measure.name)
    known = [name for measure in catalogue.measures().values() for name in (measure.name, *measure.aliases)]
    help = did_you_mean(name, [*known, "score", "losses", "metrics"])
    raise AttributeError(f"segeval has no {name!r}.{help} `segeval measures` lists every measure.")


@cache
def _function(name: str) -> Callable[..., Any]:
    measure = catalogue.measures()[name]

    def measured(pred: Any, truth: Any, **options: Any) -> Any:
        return _value(measure, pred, truth, options)

    knobs = [one for one in inspect.signature(measure.function).parameters.values() if one.kind is one.KEYWORD_ONLY]
    sides = [inspect.Parameter(side, inspect.Parameter.POSITIONAL_OR_KEYWORD) for side in ("pred", "truth")]
    options = inspect.Parameter("options", inspect.Parameter.VAR_KEYWORD)
    measured.__name__ = measured.__qualname__ = measure.name
    measured.__module__ = "segeval"
    measured.__signature__ = inspect.Signature([*sides, *knobs, options])  # type: ignore[attr-defined]
    measured.__doc__ = f"""{measure.summary}

    {measure.formula}

    Args:
        pred: class ids, a mask, probabilities, or a file, as `segeval.score` takes one case.
        truth: the same for the true mask.
        options: parameters of the measure ({", ".join(measure.knobs) or "it has none"}), and options of
            `segeval.score` such as `spacing=(0.8, 0.8, 3.0)` and `labels={{1: "liver"}}`.

    Returns:
        The value of a mask of one class or of the whole case; of several classes a dictionary by class.
        What is undefined is nan.

    Raises:
        ConfigError: a keyword is neither a parameter nor an option.
        DataError: the two do not fit together.
    """
    return measured


def _value(measure: Measure, pred: Any, truth: Any, given: Mapping[str, Any]) -> Any:
    knobs = {name: value for name, value in given.items() if name in measure.knobs}
    options = {name: value for name, value in given.items() if name not in knobs}
    _refuse_unknown(measure, options)
    measure.at(**knobs)  # refuses what does not fit, in the words of the one who gave it
    written = ",".join(f"{name}={_knob_text(value)}" for name, value in knobs.items())
    options |= {"measures": [f"{measure.name}({written})" if written else measure.name], "bootstrap": 0}
    if "labels" not in options and all(getattr(side, "dtype", None) == np.bool_ for side in (pred, truth)):
        options["labels"] = (1,)  # so that a mask that is empty on both sides has its class
    results = score(pred, truth, **options)
    if len(results.case_rows) != 1:
        raise ConfigError(
            f"{measure.name} takes one case, and these are {len(results.case_rows)}. "
            "Use segeval.score, which takes many."
        )
    return _of_case(measure, results)


def _knob_text(value: Any) -> str:
    if isinstance(value, Mapping):  # one value for each class
        return ";".join(f"{name}:{knob_text(number)}" for name, number in value.items())
    return repr(value) if isinstance(value, float) else knob_text(value)


def _of_case(measure: Measure, results: Results) -> Any:
    if "class" not in measure.levels:
        (value,) = results.case_rows[0].values.values()
        return float(value)
    if measure.of_data_set:  # the one case is all there is
        values = {row.name: row.pooled for row in results.summary if row.name != MEAN_OF_CLASSES}
    else:
        values = {row.of.name: float(next(iter(row.values.values()))) for row in results.class_rows}
    if not values:
        raise ConfigError(f"{measure.name}: every mask holds only id 0. Name the classes, such as labels=[1].")
    return next(iter(values.values())) if len(values) == 1 else values


def _refuse_unknown(measure: Measure, options: Mapping[str, Any]) -> None:
    known = [name for name in ScoreOptions.__dataclass_fields__ if name not in OF_RUNS]
    known += ["pred_instances", "truth_instances"]
    for name in options:
        if name in OF_RUNS:
            raise ConfigError(f"{measure.name} gives one number and takes no {name!r}. Use segeval.score for a run.")
        if name not in known:
            every = [*measure.knobs, *known]
            help = did_you_mean(name, every) or f" It takes {', '.join(every)}."
            raise ConfigError(f"{measure.name} has no parameter or option {name!r}.{help}")
