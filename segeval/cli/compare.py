"""`segeval compare`: what got better and worse, how sure that is, and which cases to open."""

import json
from pathlib import Path
from typing import Annotated

import typer

from segeval.cli import options as o
from segeval.cli.screens import console
from segeval.errors import ConfigError

Runs = Annotated[list[Path], typer.Argument(metavar="RUN RUN...", help="Folders that `segeval score` wrote: old, new.")]
Measures = Annotated[
    list[str] | None, typer.Option("-m", "--measures", help="What to compare by; the headline measures by default.")
]
CaseTable = Annotated[
    Path | None, typer.Option("--case-table", help="CSV with a row of facts per case, for --by; two runs only.")
]
By = Annotated[
    list[str] | None, typer.Option("--by", help="Columns of the case table, such as site,scanner, to group by.")
]
Images = Annotated[
    tuple[Path, Path] | None,
    typer.Option(
        "--images", metavar="PRED TRUTH", help="Two tables of other tools in place of runs: why their numbers differ."
    ),
]
Out = Annotated[Path | None, typer.Option("--out", "-o", help="Folder for the tables.")]


def compare(
    runs: Runs,
    measures: Measures = None,
    out: Out = None,
    case_table: CaseTable = None,
    by: By = None,
    images: Images = None,
    seed: o.Seed = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of tables.")] = False,
    quiet: o.Quiet = False,
    no_color: o.NoColor = False,
) -> int:
    """Compare two runs case by case, or rank three and more."""
    from segeval.cli.screens.compare_tables import print_comparison, print_ranking
    from segeval.results.csv_tables import jsonable
    from segeval.verbs.compare import Comparison, rank
    from segeval.verbs.compare import compare as compare_two
    from segeval.verbs.compare.files import document, write_comparison

    if images is not None or all(run.is_file() for run in runs):
        return _why_they_differ(runs, images, measures, as_json=as_json, quiet=quiet)
    if len(runs) < 2:
        raise ConfigError("Name two runs, the old one first, or more of them to rank.")
    asked, groups = tuple(measures or ()), tuple(by or ())
    if len(runs) > 2 and (groups or case_table):
        raise ConfigError(f"--by and --case-table: for two runs, and these are {len(runs)}. Compare them two by two.")
    found = (
        compare_two(runs[0], runs[1], measures=asked, seed=seed, case_table=case_table, by=groups)
        if len(runs) == 2
        else rank(runs, measures=asked, seed=seed)
    )
    if out is not None:
        write_comparison(found, out)
    if as_json:
        console.put_json(json.dumps(jsonable(document(found)), ensure_ascii=False, indent=1, allow_nan=False) + "\n")
    elif not quiet:
        with console.screen(color=not no_color) as screen:
            print_comparison(found, screen) if isinstance(found, Comparison) else print_ranking(found, screen)
    return 0


def _why_they_differ(
    files: list[Path], images: tuple[Path, Path] | None, measures: list[str] | None, *, as_json: bool, quiet: bool
) -> int:
    """Explain two tools' tables against each other."""
    from segeval.cli.explain import answers_of, show
    from segeval.options import ScoreOptions

    if images is None or len(files) != 2 or len(measures or ()) > 1:
        raise ConfigError(
            "Tables of other tools are compared two by two, by one measure or all, beside the images they are of: "
            "segeval compare A.csv B.csv --images PRED TRUTH."
        )
    asked = measures[0] if measures else None
    show(answers_of(files[0], *images, ScoreOptions(), files[1], measure=asked, quiet=quiet), as_json=as_json)
    return 0
