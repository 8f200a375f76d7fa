"""What `score` says while it works and when it is done."""

import sys
from contextlib import AbstractContextManager
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from segeval.cli.screens import console
from segeval.files.paths import counted, listed, printable

if TYPE_CHECKING:  # numpy alone would take half of the time that `--help` may take
    from segeval.results import CaseRow, Results
    from segeval.scoring.plan import Plan
    from segeval.verbs.running.kept import Earlier
    from segeval.verbs.running.times import Times


N_NOTES = 5  # some notes have numbers of their own for every case


class Talk(AbstractContextManager["Talk"]):
    """Progress, problems and notes on stderr, tables on stdout."""

    def __init__(self, *, out: Path, quiet: bool, verbose: bool, color: bool) -> None:
        self.out, self.quiet, self.verbose, self.color = out, quiet, verbose, color
        self._n_cases = self._n_done = 0
        self._progress: Any = None
        self._task: Any = None

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop()
        if kind is KeyboardInterrupt and self._n_done:
            kept = f"{self._n_done} of {self._n_cases} cases are finished and kept in {self.out}, marked as incomplete"
            kept += "; the same command with --resume goes on from there"
            self._say(kept)

    def start(self, n_cases: int, plan: "Plan") -> None:
        """The run begins."""
        self._n_cases = n_cases
        what = f"{counted(n_cases, 'case')} with {counted(len(plan.measures), 'measure')}"
        self._say(f"scoring {what} ({plan.engine} on {plan.device})")
        if plan.form is not None:
            self._say(f"predictions are {plan.form}")
        if not self.quiet and sys.stderr.isatty():
            self._start_bar(n_cases)

    def on_cluster(self, where: str, n_threads: int) -> None:
        """Its cases go to a cluster."""
        said = f"on Dask, {where}: {counted(n_threads, 'case')} at a time"
        self._say(said if n_threads else f"on Dask, {where}: no worker has come yet, and cases wait for one")

    def advance(self, row: "CaseRow") -> None:
        """One more case is done."""
        self._n_done += 1
        if row.status == "failed":
            self._say(row.problem)
        elif self.verbose:
            for said in filter(None, (row.problem, *row.notes)):
                self._say(f"{printable(row.case_id)}: {said}")
        if self._progress is not None:
            speed = self._progress.tasks[0].speed
            self._progress.update(
                self._task, advance=1, case=printable(row.case_id), speed=f"{speed:.1f} cases/s" if speed else ""
            )

    def resumed(self, earlier: "Earlier") -> None:
        """Say how much of an earlier run could be used."""
        said = f"{counted(earlier.n_taken, 'case')} taken from the run before"
        if not earlier.is_same_run and earlier.journal.places:
            n = counted(len(earlier.journal.places), "case")
            said += f"; it was of another plan or version, so its {n} were not used"
        elif earlier.n_again:
            said += f", {earlier.n_again} of it scored again: their files are others now, or they had failed"
        self._say(said)

    def finish(self, results: "Results", *, as_json: bool, times: "Times | None" = None) -> None:
        """Print the tables of a run, or its JSON document, and what is to be said of it."""
        self._stop()
        if times is not None:
            self._say_times(times, len(results.case_rows))
        if results.facts["kind"] == "shard":
            self._finish_shard(results)
            return
        if as_json:
            from segeval.results.run_json import document_text, run_document

            console.put_json("".join(document_text(run_document(results))))
        elif not self.quiet:
            from segeval.cli.screens.run_tables import print_run

            with console.screen(color=self.color) as screen:
                print_run(results, screen)
        for note in (*results.facts["warnings"], *self._on_files(results)):
            self._say(f"note: {note}")
        self._say(f"tables are in {self.out}")

    def _say_times(self, times: "Times", n_cases: int) -> None:
        """A line per part of the work; on stderr, as it is no result."""
        from segeval.verbs.running.times import IN_ORDER

        total, n = sum(times.values()), max(n_cases, 1)
        self._say(f"{'seconds of a case':27}          share")
        for part in [part for part in IN_ORDER if times.get(part, 0.0) > 5e-4 * total]:
            self._say(f"{part:27}{times[part] / n:9.4f}  {times[part] / total:6.1%}")
        self._say(f"{'all, the measuring too':27}{total / n:9.4f}  as the mean of {counted(n_cases, 'case')}")

    def _finish_shard(self, results: "Results") -> None:
        """A part has no tables: its means would be taken for those of the whole."""
        shard = results.facts["shard"]
        self._say(f"shard {shard}: {counted(len(results.case_rows), 'case')} in {self.out}")
        self._say("join all shards with: segeval merge RUN... --out DIR")

    def _on_files(self, results: "Results") -> list[str]:
        """What was done to the files of cases, each thing once, unless it was said with each case."""
        cases: dict[str, list[str]] = {}
        for row in () if self.verbose else results.case_rows:
            for note in row.notes:
                cases.setdefault(note, []).append(row.case_id)
        said = [f"{note} ({listed(of_note)})" for note, of_note in cases.items()]
        return said if len(said) <= N_NOTES else [*said[:N_NOTES], f"{len(said) - N_NOTES} more are in run.json"]

    def _say(self, message: str) -> None:
        if not self.quiet:
            console.say(message)

    def _stop(self) -> None:
        if self._progress is not None:
            self._progress.stop()
            self._progress = None

    def _start_bar(self, n_cases: int) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        self._progress = Progress(
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[speed]}"),
            TimeRemainingColumn(),
            TextColumn("{task.fields[case]}", markup=False),
            console=Console(stderr=True, no_color=not self.color or None),
            transient=True,
        )
        self._task = self._progress.add_task("scoring", total=n_cases, speed="", case="")
        self._progress.start()
