"""`segeval merge`: join the shards of a run."""

from pathlib import Path
from typing import Annotated

import typer

from segeval.cli import options as o

Runs = Annotated[
    list[Path], typer.Argument(metavar="RUN...", help="Folders that `segeval score --shard I/N` wrote: all N of them.")
]
Out = Annotated[Path, typer.Option("--out", "-o", help="Folder for the tables of the whole run.")]


def merge(
    runs: Runs,
    out: Out,
    as_json: Annotated[bool, typer.Option("--json", help="Print run.json instead of tables.")] = False,
    quiet: o.Quiet = False,
    no_color: o.NoColor = False,
) -> int:
    """Join shards: the same tables as if one run had scored all cases."""
    from segeval.cli.score import exit_code_of
    from segeval.cli.screens.talk import Talk
    from segeval.verbs.merge import merge as merge_shards

    with Talk(out=out, quiet=quiet, verbose=False, color=not no_color) as talk:
        results = merge_shards(runs, out=out)
        talk.finish(results, as_json=as_json)
    return exit_code_of(results)
