"""`segeval sweep LOSS --train`: train a small network with each setting, and see what that does to the masks."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from segeval.errors import ConfigError, DataError
from segeval.evidence.device import resolve_device
from segeval.evidence.labels import LabelMap
from segeval.images.pairing.pairs import missing_message
from segeval.options import SweepOptions
from segeval.sample import sample_folder
from segeval.verbs.notes import named
from segeval.verbs.score import label_map_of, pairs_of, reading_of
from segeval.verbs.sweep.output.table import SweepTable
from segeval.verbs.sweep.trained.classes import chosen_classes
from segeval.verbs.sweep.trained.layouts import THRESHOLD, baseline_row, how_of, table_of
from segeval.verbs.sweep.trained.report import Report
from segeval.verbs.sweep.trained.words import words_for
from segeval.verbs.sweep.training.campaign import Campaign, Training, run_campaign
from segeval.verbs.sweep.training.cases import TrainingCase, read_training_case, require_disjoint
from segeval.verbs.sweep.training.grids import settings_to_train
from segeval.verbs.sweep.training.progress import TrainWatch
from segeval.verbs.sweep.training.recipe import recipe_of
from segeval.verbs.sweep.training.rows import FACTS, achieved
from segeval.verbs.sweep.training.said import caption_of, curves_of, split_text
from segeval.verbs.sweep.training.splits import Fold, hold_out, k_folds
from segeval.verbs.sweep.training.then_maps import check_then_maps, then_maps_table


@dataclass(frozen=True, kw_only=True)
class Inputs:
    """Where the images and masks are, and which class of them is meant."""

    images: Path | None
    truth: Path | None
    options: SweepOptions


def sweep_train(
    loss: str, images: Path | None, truth: Path | None, options: SweepOptions, *, watch: TrainWatch | None = None
) -> SweepTable:
    """Train a network with every setting of a loss, and tabulate their masks of cases that they never saw.

    Network, first weights, order of the data and budget are the same in all rows. With `options.out` every finished
    training is kept there: a sweep that was broken off goes on where it stopped, and `out/maps` can be read by
    `--runs` and `--maps`.

    Args:
        loss: the loss whose parameters are turned; `losses` to compare whole losses, `exp_log` for its paper's rows.
        images: a folder of NIfTI, PNG or NPY images; with neither images nor truth the bundled sample.
        truth: their true masks.
        watch: is told of every iteration.

    Raises:
        ConfigError: an option, a setting or a path is wrong, or there are too few cases.
        DataError: a file cannot be used, or a class has no voxel to learn from.
    """
    words = words_for(loss)
    inputs = _inputs(images, truth, options, whole=words.compares_losses)
    options = inputs.options
    settings = settings_to_train(words, options)
    baseline = baseline_row(settings, words, options)
    check_then_maps(words.loss, options)
    recipe = recipe_of(options)
    labels = label_map_of(options)
    cases, classes, notes = _read(inputs, labels)
    campaign = Campaign(
        words=words,
        settings=settings,
        cases={one.case_id: one for one in cases},
        classes=classes,
        folds=_folds([one.case_id for one in cases], options),
        recipe=recipe,
        device=resolve_device(engine="torch", device=options.device)[1],
        options=options,
        row_with_maps=(baseline or 0) if options.then_maps else None,
    )
    trainings = run_campaign(campaign, watch)
    return _table(campaign, trainings, baseline, notes)


def _table(
    campaign: Campaign, trainings: Sequence[Training], baseline: int | None, notes: tuple[str, ...]
) -> SweepTable:
    """The table, with the loss curves and what thresholds would do as further ones."""
    report = Report(
        mode="train",
        words=campaign.words,
        rows=achieved(campaign, trainings),
        classes=campaign.classes,
        how=how_of(campaign.predicted, campaign.options),
        baseline=baseline,
        facts=FACTS,
        title="A small network trained with each setting",
        threshold_rule=THRESHOLD,
        split=split_text(campaign),
        caption=caption_of(campaign, trainings),
        notes=notes,
    )
    table = table_of(report, campaign.options)
    curves, picture = curves_of(trainings)
    extras = {**table.extras, "loss_curves": curves}
    if campaign.row_with_maps is not None:
        extras["then_maps"] = then_maps_table(campaign, trainings, campaign.row_with_maps)
    return replace(table, pictures=(*table.pictures, picture), extras=extras)


def _inputs(images: Path | None, truth: Path | None, options: SweepOptions, *, whole: bool) -> Inputs:
    """The paths, or those of the sample with its labels, where the lesions are meant unless losses are compared."""
    if images is None and truth is None and options.pairs is None:
        sample = sample_folder()
        labels = options.labels or sample / "labels.yaml"
        name = options.class_name or (None if whole else "lesion")
        options = replace(options, labels=labels, class_name=name)
        return Inputs(images=sample / "images", truth=sample / "gt", options=options)
    return Inputs(images=images, truth=truth, options=options)


def _read(inputs: Inputs, labels: LabelMap) -> tuple[list[TrainingCase], tuple[str, ...], tuple[str, ...]]:
    """All cases in memory, and the names of the classes that are trained."""
    options = inputs.options
    pairs = pairs_of(inputs.images, inputs.truth, options)
    if pairs.missing_preds and not options.allow_missing:
        raise DataError(missing_message(pairs))
    whole = [one for one in pairs.pairs if one.pred is not None and one.truth is not None]
    classes = chosen_classes([one.truth for one in whole if one.truth is not None], labels, options)
    require_disjoint(classes)
    reading = reading_of(options, labels)
    cases = [read_training_case(one, classes, reading, dimensions=options.dimensions) for one in whole]
    unused = [f"images without a mask are left out: {named(pairs.missing_truths)}"] if pairs.missing_truths else []
    return cases, tuple(one.name for one in classes), (*pairs.notes, *unused)


def _folds(case_ids: Sequence[str], options: SweepOptions) -> tuple[Fold, ...]:
    k = options.folds or (2 if options.protocol == "paper" else 0)
    if k and options.optimise:
        raise ConfigError("--optimise chooses on cases that are held out, so it goes with --holdout, not with folds.")
    if k:
        return k_folds(case_ids, k=k, seed=options.seed)
    share = options.holdout * (2 if options.optimise else 1)  # one half to choose on, the other to report
    return hold_out(case_ids, share=share, seed=options.seed)
