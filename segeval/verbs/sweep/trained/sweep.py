"""`segeval sweep LOSS --runs`: what models achieved that were trained with each setting."""

from collections.abc import Sequence
from pathlib import Path

from segeval.errors import ConfigError, DataError
from segeval.evidence.labels import LabelClass, LabelMap
from segeval.files.paths import printable
from segeval.images.labels.label_ids import distinct, to_labels
from segeval.images.named.reading import has_names, names_in
from segeval.images.readers.readers import read_volume
from segeval.options import SweepOptions
from segeval.verbs.score import label_map_of
from segeval.verbs.sweep.table import SweepTable
from segeval.verbs.sweep.trained.layouts import baseline_row, table_of
from segeval.verbs.sweep.trained.runs import asked_runs, find_runs, pair_runs
from segeval.verbs.sweep.trained.schema import schema_of
from segeval.verbs.sweep.trained.scores import PredictionScorer, score_runs
from segeval.verbs.sweep.trained.tables import THRESHOLD, TrainedReport

_MASKS = "masks as they are"
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
    schema = schema_of(loss)
    found, notes = find_runs(runs, schema)
    paired = pair_runs(asked_runs(found, schema, options), truth, options)
    labels = label_map_of(options)
    some_files = next(iter(paired.files[0].values()))
    classes = chosen_classes([some_files[case_id].truth for case_id in paired.case_ids], labels, options)
    rows = score_runs(paired, PredictionScorer(classes=classes, labels=labels, options=options))
    from_maps = rows[0].all_predictions[0].is_map
    report = TrainedReport(
        mode="runs",
        schema=schema,
        options=options,
        rows=rows,
        classes=tuple(label.name for label in classes),
        case_ids=paired.case_ids,
        baseline=baseline_row([row.setting for row in rows], schema, options),
        title="What models achieved that were trained with each setting",
        threshold_rule=THRESHOLD if from_maps else _MASKS,
        split="predictions as given",
        notes=(*notes, *paired.notes, *(() if from_maps else (_NO_APR,))),
    )
    return table_of(report)


def chosen_classes(truths: Sequence[Path | None], labels: LabelMap, options: SweepOptions) -> tuple[LabelClass, ...]:
    """The classes to report, or the one that `--class` names; without labels every id of the truths.

    Raises:
        ConfigError: there is no such class, or the truths have names and nobody says which are classes.
        DataError: the truths hold no class at all.
    """
    ids: set[int] = set()
    if labels.classes is None:
        for path in truths:
            if path is not None and has_names(path):
                numbered = enumerate(names_in(path)[:5], start=1)
                said = ",".join(f"{number}={printable(name)}" for number, name in numbered)
                raise ConfigError(f"{printable(path)}: holds masks by names. Say which are classes: --labels {said}.")
            if path is not None:
                ids |= set(distinct(to_labels(read_volume(path), ignore=labels.ignore).ravel(order="K")).tolist())
    classes = labels.classes_among(ids)
    chosen = tuple(label for label in classes if options.class_name in (None, label.name))
    if not classes:
        raise DataError("The true masks are empty, so there is no class to report.")
    if not chosen:
        names = ", ".join(label.name for label in classes)
        raise ConfigError(f"--class {options.class_name}: no such class. There are {names}.")
    return chosen
