"""`segeval sweep`: what a parameter of a loss does to a segmentation."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from segeval.cli import options as o
from segeval.cli.screens import console
from segeval.errors import ConfigError
from segeval.options import SweepOptions, declared
from segeval.options.panels import INPUT, SETTINGS

if TYPE_CHECKING:
    from segeval.settings import Given

Loss = Annotated[
    str | None,
    typer.Argument(metavar="LOSS", help="tversky, focal, exp_log or any other loss; `losses` compares several."),
]
Data = Annotated[
    Path | None,
    typer.Argument(
        metavar="INPUT",
        help="Probability maps; for --runs a folder of setting folders or a manifest; for --train images. "
        "Without INPUT and TRUTH the bundled sample.",
    ),
]
Maps = Annotated[bool, typer.Option("--maps", help="Short for --mode maps, the default.", rich_help_panel=SETTINGS)]
Runs = Annotated[bool, typer.Option("--runs", help="Short for --mode runs.", rich_help_panel=SETTINGS)]
Train = Annotated[bool, typer.Option("--train", help="Short for --mode train.", rich_help_panel=SETTINGS)]
Curve = Annotated[bool, typer.Option("--curve", help="Short for --mode curve.", rich_help_panel=SETTINGS)]
Cdf = Annotated[bool, typer.Option("--cdf", help="Short for --mode cdf.", rich_help_panel=SETTINGS)]
CheckTable = Annotated[
    Path | None,
    typer.Option(
        "--check-table",
        help="Check a table of metrics (CSV or Markdown) for rows that cannot be right; exits 1 if there are.",
        rich_help_panel=INPUT,
    ),
]


@o.takes(SweepOptions)
def sweep(
    given: "Mapping[str, Given]",
    *,
    loss: Loss = None,
    data: Data = None,
    truth: o.TruthPath = None,
    maps: Maps = False,
    runs: Runs = False,
    train: Train = False,
    curve: Curve = False,
    cdf: Cdf = False,
    gamma: o.Gamma = None,
    check_table: CheckTable = None,
    quiet: o.Quiet = False,
    no_color: o.NoColor = False,
    config: o.SweepConfig = None,
) -> int:
    """Tabulate what a parameter of a loss does to a segmentation; without paths on the bundled sample."""
    from segeval.cli.screens.sweep_output import show_findings, show_sweep
    from segeval.cli.screens.train_talk import TrainTalk
    from segeval.settings import HERE, resolve_sweep
    from segeval.verbs.sweep.run import run_sweep

    if check_table is not None:
        _refuse_beside_check(given)
        return show_findings(check_table, pooled="averaging" in given and given["averaging"].value == "pooled")
    flags = {"maps": maps, "runs": runs, "train": train, "curve": curve, "cdf": cdf}
    settings = resolve_sweep(_with_gamma(_with_mode(given, flags), gamma), config)
    if not quiet:
        console.tell_of_file(settings.sources, HERE)
    with TrainTalk(quiet=quiet, color=not no_color) as watch:
        outcome = run_sweep(loss, data, truth, settings.options, sources=settings.sources, watch=watch)
    show_sweep(outcome, quiet=quiet, color=not no_color)
    return 0


def _refuse_beside_check(given: "Mapping[str, Given]") -> None:
    """Refuse what changes nothing in the check of a table; what the environment sets is meant for sweeps."""
    from segeval.settings import COMMAND_LINE

    written = {name: option.written(COMMAND_LINE) for name, option in declared(SweepOptions).items()}
    written |= {"loss": "LOSS", "data": "INPUT", "truth": "TRUTH"}
    for name, typed in given.items():
        if typed.source == COMMAND_LINE and name not in ("check_table", "averaging", "quiet", "no_color"):
            raise ConfigError(f"{written.get(name, '--' + name)} changes nothing beside --check-table. Leave it out.")


def _with_mode(given: "Mapping[str, Given]", flags: Mapping[str, bool]) -> "Mapping[str, Given]":
    """The options with `--mode` said by its short form."""
    from segeval.settings import COMMAND_LINE, Given

    named = [mode for mode, is_set in flags.items() if is_set]
    if not named:
        return given
    modes = {*named} | ({given["mode"].value} if "mode" in given else set())
    if len(modes) > 1:
        raise ConfigError(f"A sweep has one mode, and {' and '.join(sorted(modes))} were asked for. Keep one of them.")
    return {**given, "mode": Given(value=named[0], source=COMMAND_LINE)}


def _with_gamma(given: "Mapping[str, Given]", gamma: str | None) -> "Mapping[str, Given]":
    """The options with `--gamma` among the values of parameters."""
    if gamma is None:
        return given
    from segeval.settings import Given

    grid = given["grid"].value if "grid" in given else []
    return {**given, "grid": Given(value=[*grid, f"gamma={gamma}"], source=given["gamma"].source)}
