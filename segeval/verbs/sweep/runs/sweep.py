"""`segeval sweep LOSS --runs`: what models achieved that were trained with each setting."""

from pathlib import Path

from segeval.errors import ConfigError
from segeval.options import SweepOptions
from segeval.verbs.score import label_map_of
from segeval.verbs.sweep.output.table import SweepTable
from segeval.verbs.sweep.runs.folders import find_runs
from segeval.verbs.sweep.runs.kept import kept_runs
from segeval.verbs.sweep.runs.pairs import find_run_files
from segeval.verbs.sweep.runs.scores import score_runs
from segeval.verbs.sweep.trained.classes import chosen_classes
from segeval.verbs.sweep.trained.layouts import THRESHOLD, baseline_row, how_of, table_of
from segeval.verbs.sweep.trained.report import Report
from segeval.verbs.sweep.trained.words import words_for

MASKS = "masks as they are"
_NO_APR = "apr is empty: masks have no probabilities to draw a curve from."


def sweep_runs(loss: str, runs: Path | None, truth: Path | None, options: SweepOptions) -> SweepTable:
    """Tabulate the predictions of models that were trained with different settings of a loss.

    Args:
        loss: the loss whose parameters differ; `losses` where whole losses do, `exp_log` for its paper's rows.
        runs: a folder with a folder of predictions for each setting (`alpha=0.3_beta=0.7`), or a CSV file with the
            columns `path`, one per parameter, and where needed `fold` and `seed`.
        truth: the true masks.

    Raises:
        ConfigError: an option, a setting or a path is wrong.
        DataError: a file cannot be used, or settings have different cases.
    """
    if runs is None:
        raise ConfigError("--runs needs a folder with a folder of predictions for each setting, or a CSV file of them.")
    if truth is None:
        raise ConfigError("--runs needs the folder of true masks beside the predictions. Name it as TRUTH.")
    words = words_for(loss)
    found, notes = find_runs(runs, words)
    chosen = kept_runs(found, words, options)
    files = find_run_files(chosen, truth, options)
    labels = label_map_of(options)
    truths = [next(files.pairs_of(case_id)).truth for case_id in files.case_ids]
    classes = chosen_classes(truths, labels, options)
    scores = score_runs(files, classes, labels, options)
    report = Report(
        mode="runs",
        words=words,
        rows=scores.rows,
        classes=tuple(one.name for one in classes),
        how=how_of(files.case_ids, options),
        baseline=baseline_row([row.setting for row in scores.rows], words, options),
        title="What models achieved that were trained with each setting",
        threshold_rule=THRESHOLD if scores.from_maps else MASKS,
        split="predictions as given",
        notes=(*notes, *files.notes, *(() if scores.from_maps else (_NO_APR,))),
    )
    return table_of(report, options)
