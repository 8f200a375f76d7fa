"""What commands take: the declared options of a run, and those of the screen."""

import inspect
import os
from collections.abc import Callable, Iterator, Mapping
from functools import wraps
from pathlib import Path
from types import NoneType
from typing import TYPE_CHECKING, Annotated, Any, get_args, get_origin

import typer

from segeval.errors import ConfigError, nearest
from segeval.options import COMMAND_LINE, ENVIRONMENT, PREFIX, Declared, ScoreOptions, SweepOptions, declared, panels
from segeval.options.option import variables_of
from segeval.options.panels import OUTPUT, RUNNING

if TYPE_CHECKING:
    from segeval.settings import Given

_SOURCES = {"COMMANDLINE": COMMAND_LINE, "ENVIRONMENT": ENVIRONMENT}


def option(*flags: str, help: str, panel: str, **more: Any) -> Any:
    """An option that the environment can set too, under `SEGEVAL_` and its long flags."""
    variables = variables_of(flags)
    _VARIABLES.update(variables)
    return typer.Option(*flags, help=help, rich_help_panel=panel, envvar=variables, show_envvar=False, **more)


_VARIABLES = {
    variable
    for record in (ScoreOptions, SweepOptions)
    for declaration in declared(record).values()
    for variable in variables_of(declaration.flags)
}

PredPath = Annotated[Path | None, typer.Argument(metavar="PRED", help="Folder or file of predicted masks.")]
TruthPath = Annotated[Path | None, typer.Argument(metavar="TRUTH", help="Folder or file of true masks.")]

AsJson = Annotated[bool, option("--json", help="Print run.json instead of tables.", panel=OUTPUT)]
Quiet = Annotated[bool, option("--quiet", "-q", help="Print nothing.", panel=OUTPUT)]
Verbose = Annotated[bool, option("--verbose", "-v", help="Say more on stderr.", panel=OUTPUT)]
NoColor = Annotated[bool, option("--no-color", help="Plain text.", panel=OUTPUT)]

Config = Annotated[Path | None, option("--config", "-c", help="segeval.yaml with options under score:.", panel=RUNNING)]
SweepConfig = Annotated[
    Path | None, option("--config", "-c", help="segeval.yaml with options under sweep:.", panel=RUNNING)
]
Gate = Annotated[
    Path | None, option("--gate", help="Hold the run against the rules of this segeval.yaml.", panel=RUNNING)
]
Html = Annotated[bool, option("--html", help="Write report.html beside the tables.", panel=OUTPUT)]
Plot = Annotated[
    Path | None, option("--plot", help="Folder for the charts of the report as SVG, PNG and PDF.", panel=OUTPUT)
]
Profile = Annotated[bool, option("--profile", help="Show where the time of a case goes.", panel=RUNNING)]
GateOutput = Annotated[
    list[str] | None,
    option("--output", help="Report of the gate: json, junit, markdown, github, and =PATH; repeatable.", panel=RUNNING),
]
Seed = Annotated[int, option("--seed", help="Seed of the resamples.", panel=panels.NUMBERS)]
Gamma = Annotated[str | None, option("--gamma", help="Short for --param gamma=.", panel=panels.SETTINGS)]


def takes(
    record: type, *, only: Callable[[Declared], bool] = lambda _: True
) -> Callable[[Callable[..., int]], Callable[..., int]]:
    """Give a command the options of a record, beside those of its own signature.

    The command gets what the user set, on the command line or in the environment, as its first argument `given`, by
    name; its own parameters come as Typer knows them.

    Args:
        only: which of the options the command has.
    """
    options = {name: declaration for name, declaration in declared(record).items() if only(declaration)}

    def decorate(command: Callable[..., int]) -> Callable[..., int]:
        @wraps(command)
        def parsed(ctx: typer.Context, **values: Any) -> int:
            refuse_unknown_variables(os.environ)
            own = {name: value for name, value in values.items() if name not in options}
            return command(_given(ctx, values), **own)

        parameters = [*_context(), *_in_order([*_parameters_of(command), *map(_parameter, options.values())])]
        parsed.__signature__ = inspect.Signature(parameters, return_annotation=int)  # type: ignore[attr-defined]
        parsed.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
        return parsed

    return decorate


def _context() -> Iterator[inspect.Parameter]:
    yield inspect.Parameter("ctx", inspect.Parameter.POSITIONAL_OR_KEYWORD, annotation=typer.Context)


def _parameters_of(command: Callable[..., int]) -> list[inspect.Parameter]:
    """Its own, without the options that it is given."""
    own = inspect.signature(command).parameters.values()
    return [parameter.replace(kind=parameter.POSITIONAL_OR_KEYWORD) for parameter in own if parameter.name != "given"]


def _in_order(parameters: list[inspect.Parameter]) -> list[inspect.Parameter]:
    """Arguments first, then the options by their boxes: `--help` shows them in this order."""

    def place(parameter: inspect.Parameter) -> int:
        panel = getattr(get_args(parameter.annotation)[1], "rich_help_panel", None)
        return panels.IN_ORDER.index(panel) if panel in panels.IN_ORDER else -1

    return sorted(parameters, key=place)


def _parameter(declaration: Declared) -> inspect.Parameter:
    """A declared option as Typer wants it."""
    default = declaration.default if declaration.option.stands_in is None else declaration.option.stands_in
    known = option(*declaration.flags, help=declaration.option.help, panel=declaration.option.panel)
    return inspect.Parameter(
        declaration.name,
        inspect.Parameter.POSITIONAL_OR_KEYWORD,
        default=None if isinstance(default, tuple) else default,
        annotation=Annotated[_as_parsed(declaration), known],
    )


def _as_parsed(declaration: Declared) -> Any:
    """The type that the parser makes: text where the value is read of text, and lists where a flag may be repeated."""
    kinds = {declaration.type, *get_args(declaration.type)}
    optional = NoneType in kinds or isinstance(declaration.default, tuple)
    if declaration.option.read is None and get_origin(declaration.type) is tuple:
        plain: Any = list[int] if int in kinds else list[str]
    elif declaration.option.read is not None or str in kinds:
        plain = str
    else:
        plain = next((kind for kind in (bool, int, float, Path) if kind in kinds), str)
    return plain | None if optional else plain


def _given(ctx: typer.Context, values: Mapping[str, Any]) -> "dict[str, Given]":
    """The options that the user set on the command line or in the environment, by name."""
    from segeval.settings import Given

    sources = {name: ctx.get_parameter_source(name) for name in values}
    return {
        name: Given(value=values[name], source=_SOURCES[source.name])
        for name, source in sources.items()
        if source is not None and source.name in _SOURCES
    }


def refuse_unknown_variables(environment: Mapping[str, str]) -> None:
    """Refuse a variable that looks like an option of ours and is none: whoever set it expects something.

    Raises:
        ConfigError: there is one.
    """
    for variable in sorted(environment):
        if variable.startswith(PREFIX) and variable not in _VARIABLES:
            near = nearest(variable.removeprefix(PREFIX), [known.removeprefix(PREFIX) for known in _VARIABLES])
            remedy = f"Did you mean {PREFIX}{near}? Else unset it." if near else "Unset it, or give it another name."
            raise ConfigError(f"{variable}: this variable sets no option. {remedy}")
