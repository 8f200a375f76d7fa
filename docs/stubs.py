"""What type checkers and editors see of `segeval`: stubs made from the declarations, which runtime reads lazily."""

import inspect
import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin

from segeval import catalogue, losses
from segeval.knobs import PerClass
from segeval.losses.training import modules
from segeval.measure import Measure
from segeval.options import ScoreOptions
from segeval.options.option import declared
from segeval.verbs.measured import OF_RUNS

_HEAD = '"""Made from the declarations by `python docs/make.py`."""\n\n'
_PLAIN = {
    Path: "str | PathLike[str]",
    NoneType: "None",
    PerClass: "Mapping[str, float]",
    inspect.Parameter.empty: "Any",
}


def package_stub() -> str:
    """`segeval`: `score` with its options, and every measure as a function of two images."""
    options = {name: type_text(option.type) for name, option in declared(ScoreOptions).items()}
    options |= {"pred_instances": "Any", "truth_instances": "Any"}
    shared = {name: text for name, text in options.items() if name not in OF_RUNS}
    parts = [
        _HEAD,
        "from collections.abc import Mapping, Sequence\n",
        "from os import PathLike\n",
        "from typing import Any, Literal, SupportsFloat, TypedDict, Unpack\n\n",
        "from segeval import losses as losses\nfrom segeval import metrics as metrics\n",
        *(f"from segeval.errors import {name} as {name}\n" for name in ("ConfigError", "DataError", "SegevalError")),
        "from segeval.results import Results as Results\n\n__version__: str\n\n",
        _typed_dict("_OneCase", "TypedDict, total=False", shared),
        _typed_dict(
            "_Run", "_OneCase, total=False", {name: text for name, text in options.items() if name not in shared}
        ),
        "def score(pred: Any = None, truth: Any = None, **options: Unpack[_Run]) -> Results: ...\n",
    ]
    for measure in catalogue.measures().values():
        knobs = [knob for knob in _knobs(measure.function) if knob.name not in shared]
        star = [f"*, {', '.join(map(_parameter, knobs))}"] if knobs else []
        inner = ", ".join(["pred: Any, truth: Any", *star, "**options: Unpack[_OneCase]"])
        parts.append(f"def {measure.name}({inner}) -> float | Any: ...\n")
        parts += [f"{alias} = {measure.name}\n" for alias in measure.aliases if alias.isidentifier()]
    return "".join(parts)


def metrics_stub() -> str:
    """`segeval.metrics`: every metric under its plain name."""
    found = [measure for measure in catalogue.measures().values() if measure.kind == "metric"]
    return _HEAD + _exports(found)


def losses_stub() -> str:
    """`segeval.losses`: formulas, and modules with the parameters that each takes."""
    helpers = "".join(f"from segeval.losses.{home} import {name} as {name}\n" for name, home in losses._HELPERS.items())
    parts = [
        _HEAD,
        "from collections.abc import Mapping, Sequence\nfrom typing import Any, Literal\n\n",
        _exports(modules.DECLARED),
        helpers,
        "from segeval.losses.training.loss_module import LossModule as LossModule\n",
        "from segeval.losses.training.modules import DeepSupervision as DeepSupervision\n",
        "from segeval.losses.training.modules import Sum as Sum\n\nFORMULAS: tuple[str, ...]\n\n",
    ]
    for name, module in modules.MODULES.items():
        inner = ", ".join(map(_parameter, inspect.signature(module).parameters.values()))
        parts.append(f"class {name}(LossModule):\n    def __init__(self, *, {inner}) -> None: ...\n\n")
    parts += [f"{alias} = {name}\n" for alias, name in modules.ALIASES.items()]
    return "".join(parts)


def type_text(annotation: Any) -> str:
    """An annotation as a stub writes it; a tuple may be any sequence there, and a path any text."""
    origin, arguments = get_origin(annotation), get_args(annotation)
    if annotation in _PLAIN:
        return _PLAIN[annotation]
    if origin in (Union, UnionType):
        return " | ".join(dict.fromkeys(part for kind in arguments for part in type_text(kind).split(" | ")))
    if origin is Literal:
        return f"Literal[{', '.join(map(repr, arguments))}]"
    if origin in (tuple, list) or (inspect.isclass(origin) and origin is Sequence):
        inner = "SupportsFloat" if arguments[0] is float and origin is tuple else type_text(arguments[0])
        return f"Sequence[{inner}]"
    if inspect.isclass(origin) and issubclass(origin, Mapping):
        return f"Mapping[Any, {type_text(arguments[1])}]"
    return annotation.__name__ if annotation in (str, int, float, bool) else "Any"


def _knobs(function: Any) -> list[inspect.Parameter]:
    return [one for one in inspect.signature(function).parameters.values() if one.kind is one.KEYWORD_ONLY]


def _parameter(parameter: inspect.Parameter) -> str:
    default = parameter.default
    plain = isinstance(default, str | int | NoneType) or (isinstance(default, float) and math.isfinite(default))
    text = type_text(parameter.annotation).replace("SupportsFloat", "float")
    return f"{parameter.name}: {text}" + (
        "" if default is parameter.empty else f" = {default!r}" if plain else " = ..."
    )


def _typed_dict(name: str, bases: str, fields: Mapping[str, str]) -> str:
    return f"class {name}({bases}):\n" + "".join(f"    {field}: {text}\n" for field, text in fields.items()) + "\n"


def _exports(measures: Iterable[Measure]) -> str:
    return "".join(f"from {one.function.__module__} import {one.name} as {one.name}\n" for one in measures)
