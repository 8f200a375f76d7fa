"""One pair of files, scored; with what goes wrong in its row."""

import math
from collections.abc import Iterator
from concurrent.futures import CancelledError
from dataclasses import dataclass, replace
from threading import Event

from segeval.errors import DataError
from segeval.evidence.case import Case, Tile, TiledCase
from segeval.files.memory import at_most, give_back
from segeval.files.paths import printable
from segeval.images.cases import read_case
from segeval.images.input_rules import InputRules
from segeval.images.pairing.pairs import Pair
from segeval.images.readers.streams import opened_files
from segeval.images.tiles import tiled_case
from segeval.options import ScoreOptions
from segeval.results import CaseRow, CaseScore
from segeval.scoring.evaluate import as_missing, evaluate
from segeval.scoring.plan import Plan
from segeval.scoring.slabs.tiles import evaluate_tiles
from segeval.verbs.running.kept import KeptCase
from segeval.verbs.running.times import Times, timed

NO_PREDICTION = "no prediction"


@dataclass(frozen=True, kw_only=True)
class ScoredPair:
    """The score of a case, what a later run needs to take it over, and where the time went if that was asked for."""

    score: CaseScore
    kept: KeptCase | None = None
    is_taken: bool = False
    times: Times | None = None


def score_pair(
    pair: Pair,
    plan: Plan,
    rules: InputRules,
    options: ScoreOptions,
    *,
    keep: bool,
    profile: bool,
    given_up: Event | None = None,
) -> ScoredPair:
    """Score one pair.

    Args:
        keep: for a later run, too.
        profile: look where the time goes.
        given_up: set where nobody wants the score any more.

    Raises:
        CancelledError: it was given up amid its slabs.
    """
    times = Times() if profile else None
    with timed(times):
        with opened_files() as opened:
            score = _score(pair, plan, rules, options, given_up)
        kept = KeptCase.of_score(pair, opened | rules.opened.get(pair.case_id, {}), score) if keep else None
    return ScoredPair(score=score if kept is None else kept.score, kept=kept, times=times)


def deadly(pair: Pair) -> ScoredPair:
    """The score of a case that no worker survives; to be tried again with `--resume`, as all that failed."""
    problem = (
        f"{printable(pair.case_id)}: the worker that scored it died, and so did a second one that scored nothing else. "
        "It may need more memory than a worker has, or a file of it may be damaged: look with `segeval doctor`."
    )
    return ScoredPair(score=CaseScore(row=replace(_row_of(pair), status="failed", problem=problem)))


def _score(pair: Pair, plan: Plan, rules: InputRules, options: ScoreOptions, given_up: Event | None) -> CaseScore:
    """Score one pair; its row says what was wrong where something was."""
    row = _row_of(pair)
    if pair.truth is None:
        return CaseScore(row=replace(row, status="missing_truth", problem="no truth for this prediction"))
    if pair.pred is None and options.missing in ("skip", "error"):
        return CaseScore(row=replace(row, status="missing_pred", problem=NO_PREDICTION))
    try:
        score = _evaluated(pair, plan, rules, options, given_up)
    except DataError as error:
        if not options.keep_going:
            raise
        return CaseScore(row=replace(row, status="failed", problem=str(error)))
    if pair.pred is None:
        score = as_missing(score, plan, worst=options.missing == "worst")
    problem = "" if pair.pred else NO_PREDICTION
    return replace(score, row=replace(score.row, problem=problem, pred_file=row.pred_file, truth_file=row.truth_file))


def _row_of(pair: Pair) -> CaseRow:
    return CaseRow(case_id=pair.case_id, status="ok", pred_file=str(pair.pred or ""), truth_file=str(pair.truth or ""))


def _evaluated(pair: Pair, plan: Plan, rules: InputRules, options: ScoreOptions, given_up: Event | None) -> CaseScore:
    try:
        tiled = tiled_case(pair, rules)
        if tiled is not None:
            score = evaluate_tiles(tiled if given_up is None else _until(given_up, tiled), plan)
            give_back()
            return score
        with at_most(rules.slab_bytes or math.inf):
            case = read_case(pair, rules)
        return evaluated(case, plan)
    except (MemoryError, RuntimeError) as error:
        if not is_out_of_memory(error):
            raise
        remedy = (
            "Pass --workers 1, or --max-memory 2GiB for what can be scored in slabs"
            if options.dask is None
            else "Give each worker more, or leave out --dask"
        )
        raise DataError(
            f"{printable(pair.case_id)}: needs more memory than {plan.device} has left. {remedy}."
        ) from error


def _until(given_up: Event, case: TiledCase) -> TiledCase:
    """The case, whose slabs end where it is given up: all of them may take minutes."""

    def tiles(halo: int, thinner: int) -> Iterator[Tile]:
        for tile in case.tiles(halo, thinner):
            if given_up.is_set():
                raise CancelledError
            yield tile
            del tile  # there is room for one

    return replace(case, tiles=tiles)


def evaluated(case: Case, plan: Plan) -> CaseScore:
    """Score a case; where the device has too little memory for it, on the CPU and with a note."""
    try:
        return evaluate(case, plan)
    except RuntimeError as error:
        if plan.device == "cpu" or not is_out_of_memory(error):
            raise
        score = evaluate(case.on_host(), replace(plan, engine="numpy", device="cpu"))
        note = f"{plan.device} ran out of memory, so this case was scored on the CPU"
        return replace(score, row=replace(score.row, notes=(*score.row.notes, note)))


def is_out_of_memory(error: Exception) -> bool:
    """Whether memory was lacking, of the machine or of a device."""
    return isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError"  # torch's, unimported
