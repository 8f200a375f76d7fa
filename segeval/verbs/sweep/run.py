"""Which function answers which sweep, what it is told, and the folder that it leaves, with `run.json` written last."""

import time
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

from segeval.errors import ConfigError
from segeval.files.ours import RUN_FILE, WRITTEN, digests
from segeval.files.outputs import OutputFolder
from segeval.files.paths import safe_name
from segeval.files.writing import write_text_atomically
from segeval.options import COMMAND_LINE, SweepMode, SweepOptions, idle
from segeval.results.csv_tables import write_json_atomically
from segeval.verbs.running.facts import SCHEMA_VERSION, versions
from segeval.verbs.sweep.check_table import findings, rows_of
from segeval.verbs.sweep.curves import exp_log_curve, focal_curve, sweep_focal_cdf
from segeval.verbs.sweep.draw import draw_pictures
from segeval.verbs.sweep.grid import EXP_LOG, FOCAL, PRICES, SEVERAL, find_loss, read_grid
from segeval.verbs.sweep.maps.any_loss import sweep_any_maps
from segeval.verbs.sweep.maps.cases import ClassOverCases, MapFiles, find_maps
from segeval.verbs.sweep.maps.exp_log import SoftmaxEntries, sweep_exp_log_maps
from segeval.verbs.sweep.maps.focal import sweep_focal_maps
from segeval.verbs.sweep.maps.tversky import sweep_tversky_maps
from segeval.verbs.sweep.papers import PaperTable, papers_of
from segeval.verbs.sweep.sheet import SUFFIX, csv_text, markdown, render
from segeval.verbs.sweep.table import SweepTable
from segeval.verbs.sweep.trained.sweep import sweep_runs
from segeval.verbs.sweep.training.campaign import TrainWatch
from segeval.verbs.sweep.training.sweep import sweep_train


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """A finished sweep, and what `run.json` says of it besides its tables.

    Attributes:
        papers: tables of papers that go beside ours, never into them.
        sources: where each option was set.
    """

    table: SweepTable
    options: SweepOptions
    papers: Sequence[PaperTable] = ()
    sources: Mapping[str, str] = field(default_factory=dict)
    inputs: Mapping[str, Path | None] = field(default_factory=dict)
    seconds: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Answer:
    """A sweep with a table of its own.

    Attributes:
        parameters: the ones it knows; a grid that names another goes to the sweep of any parameter.
        reads: the name under which options say that it reads them.
    """

    parameters: Collection[str]
    reads: str
    of_classes: Callable[[Sequence[ClassOverCases], SweepOptions], SweepTable]


_ANSWERS: Mapping[tuple[str, SweepMode], Answer] = {
    ("tversky_loss", "maps"): Answer(parameters=PRICES, reads="tversky", of_classes=sweep_tversky_maps),
    ("focal_loss", "maps"): Answer(parameters=FOCAL, reads="focal", of_classes=sweep_focal_maps),
    ("focal_loss", "cdf"): Answer(parameters=FOCAL, reads="cdf", of_classes=sweep_focal_cdf),
}
_CURVES: Mapping[str, Callable[[SweepOptions], SweepTable]] = {"focal_loss": focal_curve, "exp_log_loss": exp_log_curve}


def run_sweep(
    loss: str | None,
    data: Path | None,
    truth: Path | None,
    options: SweepOptions,
    *,
    sources: Mapping[str, str] | None = None,
    watch: TrainWatch | None = None,
) -> Outcome:
    """Sweep, and write what the options ask to be written.

    Args:
        watch: is told how far trainings are.

    Raises:
        ConfigError: an option, a name or a path is wrong, or the loss has no such mode.
        DataError: a file cannot be used.
    """
    started = time.perf_counter()
    if loss is None:
        raise ConfigError("Name the loss to sweep: tversky, focal, exp_log, or any that `segeval measures` lists.")
    _check_output(options)
    with open_folder(options) as folder:
        table = sweep(loss, data, truth, options, watch=watch, folder=folder)
        outcome = Outcome(
            table=table,
            options=options,
            papers=papers_of(table.loss, table.mode) if options.with_paper else (),
            sources=sources or {},
            inputs={"data": data, "truth": truth},
            seconds=time.perf_counter() - started,
        )
        if folder is not None:
            _write_folder(folder, outcome)
    if options.plot is not None:
        draw_pictures(table.pictures, options.plot)
    return outcome


def sweep(
    loss: str,
    data: Path | None,
    truth: Path | None,
    options: SweepOptions,
    *,
    watch: TrainWatch | None = None,
    folder: OutputFolder | None = None,
) -> SweepTable:
    """Tabulate a loss over settings of its parameters.

    Args:
        loss: name or alias, or `losses` to compare several.
        data: probability maps, a folder of runs or a manifest, or images to train on, as the mode wants; with
            neither data nor truth the bundled sample.
        folder: where trainings are kept.

    Raises:
        ConfigError: an option, a name or a path is wrong, or the loss has no such mode.
        DataError: a file cannot be used.
    """
    mode = options.mode or "maps"
    name = loss if loss == SEVERAL and mode in ("runs", "train") else find_loss(loss).name
    match mode:
        case "curve":
            table = _curve(name, data, options)
        case "maps" | "cdf":
            table = _of_maps(name, mode, data, truth, options)
        case "runs":
            _refuse_idle(options, "runs", f"{name} --runs")
            table = sweep_runs(name, data, truth, options)
        case "train":
            _refuse_idle(options, "train", f"{name} --train")
            table = sweep_train(name, data, truth, options, watch=watch, folder=folder)
    wrong = findings(rows_of(table))
    if wrong:
        raise RuntimeError(f"a table of ours contradicts itself: {' '.join(wrong)}")
    return table


def _of_maps(loss: str, mode: SweepMode, data: Path | None, truth: Path | None, options: SweepOptions) -> SweepTable:
    table_of = _table_of_maps(loss, mode, options)
    files = find_maps(data, truth, options)
    table = table_of(files)
    return replace(table, notes=(*table.notes, *files.notes))


def _table_of_maps(loss: str, mode: SweepMode, options: SweepOptions) -> Callable[[MapFiles], SweepTable]:
    """How the table is made, once the options are known to fit it."""

    def classes(files: MapFiles) -> tuple[ClassOverCases, ...]:
        return files.classes(only=options.class_name, binned=options.histogram)

    named, said = read_grid(options.grid).keys(), f"{loss} --{mode}"
    if mode == "cdf" and loss != "focal_loss":
        raise ConfigError(f"{loss} has no --cdf. It is for focal_loss.")
    if (loss, mode) == ("exp_log_loss", "maps") and named <= {*EXP_LOG}:
        _refuse_idle(options, "exp_log", said)
        return lambda files: sweep_exp_log_maps(
            files.read(partial(SoftmaxEntries.of_case, ignore=files.labels.ignore)), options
        )
    answer = _ANSWERS.get((loss, mode))
    if answer is not None and named <= {*answer.parameters}:
        _refuse_idle(options, answer.reads, said)
        return lambda files: answer.of_classes(classes(files), options)
    _refuse_idle(options, "any_thresholds" if options.threshold_by else "any", said)
    return lambda files: sweep_any_maps(find_loss(loss), classes(files), options)


def _curve(loss: str, data: Path | None, options: SweepOptions) -> SweepTable:
    if loss not in _CURVES:
        raise ConfigError(f"{loss} has no --curve: it is no function of one number. It is for {', '.join(_CURVES)}.")
    if data is not None:
        raise ConfigError(f"--curve needs no data, and {data} was named. Leave it out.")
    if options.device != SweepOptions().device:
        raise ConfigError(f"--device changes nothing in `sweep {loss} --curve`. Leave it out.")
    _refuse_idle(options, "curve", f"{loss} --curve")
    return _CURVES[loss](options)


def _refuse_idle(options: SweepOptions, sweep: str, said: str) -> None:
    """Refuse an option that would change nothing here: whoever set it expects something else."""
    option = idle(options, sweep)
    if option is not None:
        raise ConfigError(f"{option.written(COMMAND_LINE)} changes nothing in `sweep {said}`. Leave it out.")


def _check_output(options: SweepOptions) -> None:
    """Refuse before any work what could not be shown after it."""
    if options.out is None and options.operating_points:
        raise ConfigError("--operating-points writes a file. Name a folder with --out.")
    if options.out is None and len(options.format) > 1:
        raise ConfigError(
            f"--format {', '.join(options.format)}: one can be printed, several need a folder. Name --out."
        )


def open_folder(options: SweepOptions) -> AbstractContextManager[OutputFolder | None]:
    """The folder that the options name, for this sweep alone; None where they name none."""
    if options.out is None:
        return nullcontext()
    return OutputFolder.open(options.out, kind="training" if options.mode == "train" else "sweep")


def _write_folder(folder: OutputFolder, outcome: Outcome) -> None:
    """Write `sweep.csv`, a CSV file for each further table, the formats asked for, the figures and `run.json`."""
    table, options = outcome.table, outcome.options
    with folder.stage() as stage:
        for name, written in {"sweep": table, **table.extras}.items():
            write_text_atomically(stage / f"{safe_name(name)}.csv", csv_text(written))
        for form in options.format:
            if form != "csv":
                text = render(table, form, layout=options.layout, papers=outcome.papers)
                write_text_atomically(stage / f"sweep{SUFFIX[form]}", text)
        if outcome.papers:
            write_text_atomically(stage / "papers.md", "\n".join(markdown(paper.sheet) for paper in outcome.papers))
        draw_pictures(table.pictures, stage)
        write_json_atomically(stage / RUN_FILE, _document(outcome) | {WRITTEN: digests(stage)}, indent=1)


def _document(outcome: Outcome) -> dict[str, Any]:
    table = outcome.table
    return {
        "tool": "segeval",
        "kind": "sweep",
        "schema_version": SCHEMA_VERSION,
        "complete": True,
        "inputs": dict(outcome.inputs),
        "plan": asdict(outcome.options),
        "plan_from": dict(outcome.sources),
        "versions": versions(),
        "timings": {"seconds": round(outcome.seconds, 3)},
        "warnings": list(table.notes),
        "tables": {name: written.document for name, written in {"sweep": table, **table.extras}.items()},
        "papers": [paper.document for paper in outcome.papers],
    }
