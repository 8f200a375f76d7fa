"""Tables to stdout, talk to stderr."""

import sys
import traceback
from contextlib import AbstractContextManager
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # numpy alone would take half of the time that `--help` may take
    from segeval.results import CaseRow, Results

PLAIN_WIDTH = 120  # where stdout is no terminal, the width must not depend on one


def complain(message: str) -> None:
    """Print an error for the user."""
    print(f"segeval: {message}", file=sys.stderr)


def report_bug(error: Exception) -> None:
    """Print a fault of the program, with what to report."""
    traceback.print_exception(error, file=sys.stderr)
    complain(
        f"this is a bug of segeval, not of your data ({type(error).__name__}).\n"
        "Please report it with the lines above and the command you ran."
    )


def stdout(*, color: bool = True) -> Any:
    """A rich console for stdout: plain text of fixed width where stdout is no terminal."""
    from rich.console import Console

    width = None if sys.stdout.isatty() else PLAIN_WIDTH
    return Console(width=width, no_color=not color or None, highlight=False, soft_wrap=False)


class Talk(AbstractContextManager["Talk"]):
    """What a command says while it works and when it is done."""

    def __init__(self, *, quiet: bool, verbose: bool, color: bool) -> None:
        self.quiet, self.verbose, self.color = quiet, verbose, color
        self._progress: Any = None
        self._task: Any = None

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._progress is not None:
            self._progress.stop()

    def start(self, total: int) -> None:
        """Show a progress bar on stderr, where that is a terminal."""
        if self.quiet or not sys.stderr.isatty():
            return
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        self._progress = Progress(
            TextColumn("scoring"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[speed]}"),
            TimeRemainingColumn(),
            TextColumn("{task.fields[case]}"),
            console=Console(stderr=True, no_color=not self.color or None),
            transient=True,
        )
        self._task = self._progress.add_task("scoring", total=total, speed="", case="")
        self._progress.start()

    def advance(self, row: "CaseRow") -> None:
        """One more case is done."""
        if row.problem and not self.quiet:
            complain(f"{row.case_id}: {row.problem}" if row.status != "failed" else row.problem)
        elif row.notes and self.verbose:
            complain(f"{row.case_id}: {'; '.join(row.notes)}")
        if self._progress is not None:
            speed = self._progress.tasks[0].speed
            self._progress.update(
                self._task, advance=1, case=row.case_id, speed=f"{speed:.1f} cases/s" if speed else ""
            )

    def show_run(self, results: "Results", *, out: Path, as_json: bool) -> None:
        """Print the tables of a run, or its JSON document."""
        if self._progress is not None:
            self._progress.stop()
        if as_json:
            self._print_json(results)
        elif not self.quiet:
            from segeval.cli.run_tables import print_run

            print_run(results, stdout(color=self.color))
            complain(f"tables are in {out}: scores.csv, cases.csv, summary.csv, confusion.csv, run.json")

    def _print_json(self, results: "Results") -> None:
        import json

        from segeval.io.run_json import run_document
        from segeval.io.tables import jsonable

        json.dump(jsonable(run_document(results)), sys.stdout, indent=1, allow_nan=False, ensure_ascii=False)
        sys.stdout.write("\n")
