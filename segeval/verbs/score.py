"""Folders in, results out: cases are read and scored a few at a time, and kept as they come."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Protocol, runtime_checkable

from segeval.choice import choose
from segeval.errors import ConfigError, DataError, UnfinishedError
from segeval.evidence.device import resolve_device
from segeval.evidence.labels import LabelClass, LabelMap
from segeval.files.memory import PROGRAM
from segeval.files.paths import printable
from segeval.images.cases import read_case
from segeval.images.confidences import read_confidences, refuse_strange
from segeval.images.forms import agree
from segeval.images.input_rules import InputRules
from segeval.images.labels.colors import read_color_table
from segeval.images.labels.labelmaps import read_label_map
from segeval.images.labels.labelspecs import channel_names, moved_ids
from segeval.images.named.series import series_finder
from segeval.images.pairing.pairs import Pair, Pairs, find_pairs, missing_message
from segeval.images.tiles import tiled_case
from segeval.options import InputOptions, ScoreOptions
from segeval.results import CaseRow, CaseScore, Results
from segeval.results.run_folder import RunFolder
from segeval.scoring.collect import collect
from segeval.scoring.plan import Aggregation, Plan
from segeval.verbs.running.case_table import asked_parts
from segeval.verbs.running.facts import run_facts
from segeval.verbs.running.job import Job
from segeval.verbs.running.kept import Earlier, RunRecord
from segeval.verbs.running.notes import notes_on_pooled, notes_on_scores, refuse_mixed_units
from segeval.verbs.running.scored import ScoredPair
from segeval.verbs.running.stream import in_order
from segeval.verbs.running.times import Times, add, timed
from segeval.verbs.running.workers import worker_count, workers_of

OBJECT = LabelClass(name="object", ids=(1,))
_MOST_PROBLEMS = 10
_MOST_LOOKED_AT = 100  # cases, since reading them takes a while and nothing is scored any more
OTHER_CASES = "\nPass --keep-going to score the other cases, or let `segeval doctor` look at all of them."


@runtime_checkable
class Watch(Protocol):
    """Who wants to see how far the run is."""

    def start(self, n_cases: int, plan: Plan) -> None:
        """The run begins."""

    def on_cluster(self, where: str, n_threads: int) -> None:
        """Its cases go to a cluster that scores so many at a time now."""

    def advance(self, row: CaseRow) -> None:
        """One more case is done."""

    def resumed(self, earlier: Earlier) -> None:
        """All cases are done, some of them by an earlier run."""


def score_folders(
    pred: Path | None,
    truth: Path | None,
    options: ScoreOptions,
    *,
    sources: Mapping[str, str] | None = None,
    watch: Watch | None = None,
    times: Times | None = None,
) -> Results:
    """Score two folders (or files, or a list of pairs), and write the tables to `options.out` where that is given.

    Args:
        sources: where the options were set, for the record.
        times: takes up where the time goes.

    Raises:
        ConfigError: an option, a name or a path is wrong.
        DataError: a case cannot be scored and `keep_going` is off; then nothing is written.
        KeyboardInterrupt: the run was interrupted; the finished cases are written first.
    """
    if options.out is None and (options.resume or options.shard):
        raise ConfigError("--resume and --shard are about the folder of a run. Name it with --out.")
    job, pairs = make_job(pred, truth, options, sources=sources)
    job = replace(job, times=times)
    if options.out is None:
        scores = (job.pool.take(score) for score in _scores(pairs, job, watch))
        return finished(list(in_one_unit(scores, job)), job)
    header = RunRecord.of_job(job, [pair.case_id for pair in pairs.pairs])
    with RunFolder.open(
        options.out,
        formats=options.format,
        resume=options.resume,
        is_shard=options.shard is not None,
        header=header,
    ) as folder:
        return _journalled(_of_shard(pairs, options.shard), job, folder, watch)


def _of_shard(pairs: Pairs, shard: tuple[int, ...] | None) -> Pairs:
    """The pairs whose place in the list is that of the shard."""
    return pairs if shard is None else replace(pairs, pairs=pairs.pairs[shard[0] :: shard[1]])


def make_job(
    pred: Path | None, truth: Path | None, options: ScoreOptions, *, sources: Mapping[str, str] | None = None
) -> tuple[Job, Pairs]:
    """What is to be done, and the pairs to do it with.

    Raises:
        ConfigError: an option, a name or a path is wrong.
        DataError: predictions are missing, or of different kinds.
    """
    plan = make_plan(options)
    pairs = _with_instances(pairs_of(pred, truth, options), plan, options)
    if options.missing == "error" and pairs.missing_preds and not options.keep_going:
        raise DataError(missing_message(pairs))
    asked_parts(options.case_table, options.by, [pair.case_id for pair in pairs.pairs])  # before hours of scoring
    rules = replace(input_rules_of(options, plan.labels), slab_bytes=_slab_bytes(options, len(pairs.pairs)))
    rules = agree(pairs.pairs, rules)
    check_confidences(rules, plan, [pair.case_id for pair in pairs.pairs])
    job = Job(
        options=options,
        plan=plan_for(rules, plan),
        rules=rules,
        pred=pred,
        truth=truth,
        sources=sources or {},
        notes=pairs.notes,
    )
    return job, pairs


def _journalled(pairs: Pairs, job: Job, folder: RunFolder, watch: Watch | None) -> Results:
    """Score the cases, note each, and write the tables; on Ctrl-C, write those that are finished."""
    scores: list[CaseScore] = []
    try:
        for score in in_one_unit(_scores(pairs, job, watch, folder), job):
            scores.append(job.pool.take(score))
    except (KeyboardInterrupt, UnfinishedError):
        folder.keeps_journal = bool(scores)
        if scores and job.options.shard is None:
            folder.write(finished(scores, job, complete=False))
        raise
    if job.options.shard is None:
        with timed(job.times):
            results = finished(scores, job)
            folder.write(results)
        return results
    results = finished(scores, replace(job, options=replace(job.options, bootstrap=0)), complete=False)
    folder.write_shard(results.facts)
    return results


def make_plan(options: ScoreOptions) -> Plan:
    """Turn names and texts into what the engine works with.

    Raises:
        ConfigError: a measure, a class or a device is unknown.
    """
    engine, device = resolve_device(engine=options.engine, device=options.device)
    choice = choose(options.measures, like=options.like)
    return Plan(
        measures=choice.calls,
        shown=choice.shown,
        notes=choice.notes,
        empty_distance=options.empty_distance,
        labels=label_map_of(options),
        engine=engine,
        device=device,
    )


def label_map_of(options: InputOptions) -> LabelMap:
    """Which ids are classes, as the options say."""
    if getattr(options, "instances", False):
        _refuse_beside_instances(options)
        return LabelMap(classes=(OBJECT,))
    return read_label_map(
        options.labels,
        regions=options.regions,
        ignore=options.ignore_label,
        include_background=options.include_background,
    )


def _refuse_beside_instances(options: InputOptions) -> None:
    """Refuse what speaks of ids as classes: they are objects."""
    named = {
        "--labels": options.labels,
        "--regions": options.regions,
        "--ignore-label": options.ignore_label,
        "--include-background": options.include_background,
        "--channels": options.channels,
        "--pred-ids": options.pred_ids,
        "--colors": options.colors,
        "--pred-kind": options.pred_kind not in ("auto", "labels"),
        "--pred-instances": getattr(options, "pred_instances", None),
        "--truth-instances": getattr(options, "truth_instances", None),
    }
    given = [name for name, value in named.items() if value]
    if given:
        raise ConfigError(
            f"{given[0]}: not beside --instances, by which every id is an object of one class. Where objects have "
            "classes, score masks of classes, and give the objects with --pred-instances and --truth-instances."
        )


def plan_for(rules: InputRules, plan: Plan) -> Plan:
    """The plan with what the predictions were found to be, and with the classes that their channels name."""
    if rules.first_prediction is None:
        return replace(plan, labels=rules.labels)
    form = rules.first_prediction.form
    return replace(plan, form=form, labels=form.completed(rules.labels))


def pairs_of(pred: Path | None, truth: Path | None, options: InputOptions) -> Pairs:
    """Who belongs to whom, as the options say."""
    return find_pairs(
        pred,
        truth,
        pairs_csv=options.pairs,
        pred_pattern=options.pred_pattern,
        truth_pattern=options.truth_pattern,
        channel_files=options.channel_files,
        truth_files=options.truth_files,
        keep_going=getattr(options, "keep_going", False),
        class_names=[row.name for row in label_map_of(options).in_order],
        wants_probs=options.pred_kind in ("probs", "logits"),
    )


def _with_instances(pairs: Pairs, plan: Plan, options: ScoreOptions) -> Pairs:
    """The pairs with the instance maps that the options name."""
    if not options.instance_sides:
        return pairs
    check_instances(options.instance_sides, plan)
    if options.instances:
        return pairs
    from segeval.images.instances import with_instance_files

    return with_instance_files(
        pairs,
        pred=options.pred_instances,
        truth=options.truth_instances,
        pred_pattern=options.pred_pattern,
        truth_pattern=options.truth_pattern,
    )


def check_instances(sides: Sequence[str], plan: Plan) -> None:
    """Refuse instance maps that no measure reads."""
    if plan.lesion_rule is None:
        said = " and ".join(f"--{side}-instances" for side in sides)
        raise ConfigError(f"{said}: no lesion measure is chosen that would read the maps. Add -m +lesion.")


def check_confidences(rules: InputRules, plan: Plan, case_ids: Sequence[str]) -> None:
    """Refuse confidences that no measure reads, or of what nobody scores."""
    if rules.confidences is not None and not any(call.measure.reads("CaseCandidates") for call in plan.measures):
        raise ConfigError("--confidences: no measure is chosen that would read them. Add -m +detection.")
    refuse_strange(rules.confidences, case_ids, [row.name for row in rules.labels.classes or ()])


def input_rules_of(options: InputOptions, labels: LabelMap) -> InputRules:
    """How the files of a run become cases."""
    return InputRules(
        labels=labels,
        pred_kind="labels" if getattr(options, "instances", False) else options.pred_kind,
        instances=getattr(options, "instances", False),
        channel_axis=options.channel_axis,
        geometry_tol=options.geometry_tol,
        resample=options.resample,
        ignore_geometry=options.ignore_geometry,
        spacing_mm=options.spacing,
        orientation=options.orientation,
        finder=series_finder(options.series),
        colors=read_color_table(options.colors, labels=options.labels),
        channels=channel_names(options.channels),
        pred_ids=moved_ids(options.pred_ids, source="--pred-ids"),
        round_labels=options.round_labels,
        clip_probs=options.clip_probs,
        confidences=read_confidences(getattr(options, "confidences", None)),
    )


def _slab_bytes(options: ScoreOptions, n_cases: int) -> int | None:
    """What is left for each worker of the memory that all of them may take; one of a cluster may take it all."""
    workers = 1 if options.dask else max(1, min(worker_count(options), n_cases))
    return None if options.max_memory is None else (options.max_memory - PROGRAM) // workers


def in_one_unit(scores: Iterator[CaseScore], job: Job) -> Iterator[CaseScore]:
    """The scores, which may not mix distances in px and in mm unless that was asked for."""
    return scores if job.options.mixed_units else refuse_mixed_units(scores, job.plan)


def _scores(pairs: Pairs, job: Job, watch: Watch | None, folder: RunFolder | None = None) -> Iterator[CaseScore]:
    """Score the cases in the order of their ids, a few at a time; with a folder, note each, and take what is there."""
    if watch is not None:
        watch.start(len(pairs.pairs), job.plan)
    earlier = None
    if folder is not None and folder.earlier is not None:
        earlier = Earlier(journal=folder.earlier, is_same_run=folder.journal is folder.earlier)

    n_scored = 0
    try:
        with workers_of(job, keep=folder is not None) as workers:
            if watch is not None and job.options.dask is not None:
                watch.on_cluster(job.options.dask, workers.n_threads)

            def work(pair: Pair) -> ScoredPair:
                taken = earlier.score_of(pair) if earlier is not None else None
                return workers.do(pair) if taken is None else ScoredPair(score=taken, is_taken=True)

            for done in in_order(work, pairs.pairs, workers=workers.n_handed_out, give_up=workers.give_up):
                n_scored += 1
                row = done.score.row
                if folder is not None and done.kept is not None:
                    with timed(job.times):
                        folder.journal.add(row.case_id, done.kept)
                if job.times is not None:
                    add(job.times, done.times or {})
                if earlier is not None:
                    earlier.count(row.case_id, taken=done.is_taken)
                if watch is not None:
                    watch.advance(row)
                yield done.score
        if watch is not None and earlier is not None:
            watch.resumed(earlier)
    except UnfinishedError:
        raise
    except DataError as error:
        others = _problems_of(pairs.pairs[n_scored + 1 :], job.rules) if job.options.dask is None else []
        said = "\n".join([str(error), *others])
        raise DataError(f"{said}{OTHER_CASES if len(pairs.pairs) > 1 else ''}") from error


def _problems_of(pairs: Sequence[Pair], rules: InputRules) -> list[str]:
    """What else is wrong with the next cases, so that a folder of damaged files is mended in one go."""
    problems: list[str] = []
    for pair in pairs[:_MOST_LOOKED_AT]:
        if pair.truth is None or len(problems) + 1 == _MOST_PROBLEMS:
            continue
        try:
            if tiled_case(pair, rules) is None:
                read_case(pair, rules)
        except (DataError, MemoryError) as error:
            problems.append(str(error) or f"{printable(pair.case_id)}: needs more memory than there is.")
    return problems


def finished(scores: Sequence[CaseScore], job: Job, *, complete: bool = True) -> Results:
    """The results of the cases scored so far.

    Raises:
        DataError: a value is undefined and the policy is `fail`, or there are too many different ids.
    """
    options = job.options
    how = Aggregation(
        undefined=options.undefined, ci_level=options.ci_level, bootstrap=options.bootstrap, seed=options.seed
    )
    parts = asked_parts(options.case_table, options.by, [score.row.case_id for score in scores])
    results = collect(scores, job.plan, how, facts={}, pool=job.pool, parts=parts)
    on_scores = (
        *notes_on_scores(scores, job.plan, options, is_sure=job.is_sure),
        *notes_on_pooled(results, job.plan),
    )
    notes = (*job.notes, *job.plan.notes, *on_scores)
    return replace(results, facts=run_facts(job, notes, results.case_rows, complete=complete))
