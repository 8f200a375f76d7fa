"""Folders in, results out: cases are read and scored a few at a time, and kept as they come."""

import os
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Protocol, runtime_checkable

from segeval import catalogue
from segeval.core.device import resolve_device
from segeval.engine.collect import collect
from segeval.engine.evaluate import as_missing, evaluate
from segeval.engine.plan import Aggregation, Plan
from segeval.errors import DataError
from segeval.io.cases import Reading, read_case
from segeval.io.labelmaps import read_label_map
from segeval.io.pairs import Pair, Pairs, find_pairs, missing_message
from segeval.io.run_folder import RunFolder
from segeval.options import ScoreOptions
from segeval.results import CaseRow, CaseScore, Results
from segeval.tasks.facts import run_facts
from segeval.tasks.stream import in_order

MAX_WORKERS = 4  # more readers than that only wait for one another


@runtime_checkable
class Watch(Protocol):
    """Who wants to see how far the run is."""

    def start(self, total: int) -> None:
        """The run has so many cases."""

    def advance(self, row: CaseRow) -> None:
        """One more case is done."""


def score_folders(
    pred: Path | None,
    truth: Path | None,
    options: ScoreOptions,
    *,
    out: Path | None = None,
    watch: Watch | None = None,
) -> Results:
    """Score two folders (or files, or a list of pairs), and write the tables to `out` where one is given.

    Raises:
        ConfigError: an option, a name or a path is wrong.
        DataError: a case cannot be scored and `keep_going` is off; then nothing is written.
        KeyboardInterrupt: the run was interrupted; the finished cases are written first.
    """
    plan = make_plan(options)
    pairs = pairs_of(pred, truth, options)
    if options.missing == "error" and pairs.missing_preds:
        raise DataError(missing_message(pairs))
    folder = RunFolder.open(out) if out is not None else None
    started, scores, complete = time.perf_counter(), list[CaseScore](), False
    try:
        for score in _scores(pairs, plan, options, watch):
            scores.append(score)
            if folder is not None:
                folder.note(score)
        complete = True
    except KeyboardInterrupt:
        if folder is not None:
            folder.write(finished(scores, plan, options, pairs.notes, started, complete=False), formats=options.format)
        raise
    finally:
        if folder is not None and not complete:
            folder.drop_journal()
    results = finished(scores, plan, options, pairs.notes, started, complete=True)
    if folder is not None:
        folder.write(results, formats=options.format)
    return results


def make_plan(options: ScoreOptions) -> Plan:
    """Turn names and texts into what the engine works with.

    Raises:
        ConfigError: a measure, a class or a device is unknown.
    """
    engine, device = resolve_device(engine=options.engine, device=options.device)
    labels = read_label_map(
        options.labels,
        regions=options.regions,
        ignore=options.ignore_label,
        include_background=options.include_background,
    )
    return Plan(
        measures=catalogue.choose(options.measures),
        shown=catalogue.headline(options.measures),
        labels=labels,
        engine=engine,
        device=device,
    )


def pairs_of(pred: Path | None, truth: Path | None, options: ScoreOptions) -> Pairs:
    """Who belongs to whom, as the options say."""
    return find_pairs(
        pred, truth, pairs_csv=options.pairs, pred_pattern=options.pred_pattern, truth_pattern=options.truth_pattern
    )


def reading_of(options: ScoreOptions, plan: Plan) -> Reading:
    """How the files of a run become cases."""
    return Reading(
        ignore=plan.labels.ignore,
        geometry_tol=options.geometry_tol,
        resample=options.resample,
        ignore_geometry=options.ignore_geometry,
        spacing_mm=options.spacing,
    )


def worker_count(options: ScoreOptions) -> int:
    """How many cases are worked on at a time."""
    return options.workers or min(MAX_WORKERS, os.cpu_count() or 1)


def _scores(pairs: Pairs, plan: Plan, options: ScoreOptions, watch: Watch | None) -> Iterator[CaseScore]:
    """Score the cases in the order of their ids, a few at a time."""
    reading = reading_of(options, plan)
    if watch is not None:
        watch.start(len(pairs.pairs))
    for score in in_order(
        lambda pair: _score(pair, plan, reading, options), pairs.pairs, workers=worker_count(options)
    ):
        if watch is not None:
            watch.advance(score.row)
        yield score


def _score(pair: Pair, plan: Plan, reading: Reading, options: ScoreOptions) -> CaseScore:
    """Score one pair; its row says what was wrong where something was."""
    row = CaseRow(case_id=pair.case_id, status="ok", pred_file=str(pair.pred or ""), truth_file=str(pair.truth or ""))
    if pair.truth is None:
        return CaseScore(row=replace(row, status="missing_truth", problem="no truth for this prediction"))
    if pair.pred is None and options.missing == "skip":
        return CaseScore(row=replace(row, status="missing_pred", problem="no prediction"))
    try:
        score = evaluate(read_case(pair, reading), plan)
    except DataError as error:
        if not options.keep_going:
            raise
        return CaseScore(row=replace(row, status="failed", problem=str(error)))
    if pair.pred is None:
        score = as_missing(score, plan, worst=options.missing == "worst")
    problem = "" if pair.pred else "no prediction"
    return replace(score, row=replace(score.row, problem=problem, pred_file=row.pred_file, truth_file=row.truth_file))


def finished(
    scores: Sequence[CaseScore],
    plan: Plan,
    options: ScoreOptions,
    notes: Sequence[str],
    started: float,
    *,
    complete: bool,
) -> Results:
    """The results of the cases scored since `started`."""
    how = Aggregation(
        undefined=options.undefined, ci_level=options.ci_level, bootstrap=options.bootstrap, seed=options.seed
    )
    facts = run_facts(options, plan, notes, seconds=time.perf_counter() - started, complete=complete)
    return collect(scores, plan, how, facts)
