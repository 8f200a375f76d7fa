"""`segeval sweep LOSS --train`: train a small network with each setting, and see what that does to the masks."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from segeval.errors import ConfigError, DataError
from segeval.evidence.device import resolve_device
from segeval.files.outputs import OutputFolder
from segeval.files.paths import listed
from segeval.images.pairing.pairs import missing_message
from segeval.options import SweepOptions
from segeval.sample import sample_folder
from segeval.verbs.score import input_rules_of, label_map_of, pairs_of
from segeval.verbs.sweep.grid import PRICES, Setting, read_grid, settings_of, tversky_settings
from segeval.verbs.sweep.maps.cases import ClassOverCases
from segeval.verbs.sweep.maps.focal import sweep_focal_maps
from segeval.verbs.sweep.maps.tversky import sweep_tversky_maps
from segeval.verbs.sweep.table import Series, SweepPicture, SweepTable
from segeval.verbs.sweep.trained.layouts import baseline_row, table_of
from segeval.verbs.sweep.trained.schema import LOSS, SettingSchema, schema_of, setting_text
from segeval.verbs.sweep.trained.sweep import chosen_classes
from segeval.verbs.sweep.trained.tables import TrainedReport
from segeval.verbs.sweep.training.campaign import FACTS, Campaign, FinishedTraining, TrainWatch, achieved, run_campaign
from segeval.verbs.sweep.training.cases import (
    Fold,
    TrainingCase,
    hold_out,
    k_folds,
    read_training_case,
    require_disjoint,
)
from segeval.verbs.sweep.training.recipe import recipe_of

POINTS, DRAWN = 100, 30  # of a loss curve, in tables and in pictures
# arXiv 1708.02002, Tables 1a and 1b
_FOCAL: Mapping[str | None, Mapping[str, Sequence[Any]]] = {
    "alpha": {"gamma": (0.0,), "alpha_pos": (0.1, 0.25, 0.5, 0.75, 0.9, 0.99, 0.999)},
    "gamma": {"gamma": (0.0, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0), "alpha_pos": (0.25, 0.5, 0.75)},
    None: {"gamma": (0.0, 0.5, 1.0, 2.0, 5.0), "alpha_pos": (0.25,)},
}
_LOSSES = ("bce_loss", "dice_loss", "tversky_loss", "focal_loss")
_NOT_COMPARABLE = "Losses of different settings are not comparable in size."
_THEN_MAPS: Mapping[str, Callable[[Sequence[ClassOverCases], SweepOptions], SweepTable]] = {
    "tversky_loss": sweep_tversky_maps,
    "focal_loss": sweep_focal_maps,
}


def sweep_train(
    loss: str,
    images: Path | None,
    truth: Path | None,
    options: SweepOptions,
    *,
    watch: TrainWatch | None = None,
    folder: OutputFolder | None = None,
) -> SweepTable:
    """Train a network with every setting of a loss, and tabulate their masks of cases that they never saw.

    Network, first weights, order of the data and budget are the same in all rows. With a folder every finished
    training is kept there: a sweep that was broken off goes on where it stopped, and `maps` in it can be read by
    `--runs` and `--maps`.

    Args:
        loss: the loss whose parameters are turned; `losses` to compare whole losses, `exp_log` for its paper's rows.
        images: a folder of NIfTI, PNG or NPY images; with neither images nor truth the bundled sample.
        truth: their true masks.
        watch: is told of every iteration.
        folder: where trainings are kept; without one nothing is.

    Raises:
        ConfigError: an option, a setting or a path is wrong, or there are too few cases.
        DataError: a file cannot be used, or a class has no voxel to learn from.
    """
    schema = schema_of(loss)
    if images is None and truth is None and options.pairs is None:
        images, truth, options = _sample(options, every_class=schema.compares_losses)
    settings = settings_to_train(schema, options)
    baseline = baseline_row(settings, schema, options)
    if options.then_maps and schema.loss not in _THEN_MAPS:
        raise ConfigError(
            f"{schema.loss} has no sweep over maps, so --then-maps cannot follow. It is for {', '.join(_THEN_MAPS)}."
        )
    recipe = recipe_of(options)
    cases, classes, notes = _read(images, truth, options)
    campaign = Campaign(
        schema=schema,
        settings=settings,
        cases={case.case_id: case for case in cases},
        classes=classes,
        folds=_folds([case.case_id for case in cases], options),
        recipe=recipe,
        device=resolve_device(engine="torch", device=options.device)[1],
        options=options,
        row_with_maps=(baseline or 0) if options.then_maps else None,
    )
    trainings = run_campaign(campaign, watch, folder)
    report = TrainedReport(
        mode="train",
        schema=schema,
        options=options,
        rows=achieved(campaign, trainings),
        classes=classes,
        case_ids=campaign.predicted,
        baseline=baseline,
        facts=FACTS,
        title="A small network trained with each setting",
        split=_split_text(campaign),
        caption=_caption(campaign, trainings),
        notes=notes,
    )
    table = table_of(report)
    extras = {**table.extras, "loss_curves": _loss_curves(trainings)}
    if options.then_maps:
        extras["then_maps"] = _then_maps(campaign, trainings)
    return replace(table, pictures=(*table.pictures, _picture(trainings)), extras=extras)


def settings_to_train(schema: SettingSchema, options: SweepOptions) -> list[Setting]:
    """The settings of a training sweep, sorted by parameter; one that is asked for twice is trained twice.

    Raises:
        ConfigError: a parameter is unknown or out of range, or the rows would differ in more than what is varied.
    """
    settings = [schema.setting(given, where="--grid") for given in _settings(schema, options)]
    schema.check_varied(settings, options)
    return sorted(settings, key=schema.order)


def _settings(schema: SettingSchema, options: SweepOptions) -> Sequence[Mapping[str, Any]]:
    """What is asked for, and of what is not those of the papers."""
    if schema.loss == "tversky_loss" and not options.losses and read_grid(options.grid).keys() <= PRICES.keys():
        return tversky_settings(options)
    asked = schema.asked(options)
    if schema.compares_losses:
        return [{LOSS: name} for name in asked.get(LOSS) or tuple(schema.rows) or _LOSSES]
    usual: Mapping[str, Sequence[Any]] = {}
    if schema.loss == "focal_loss":
        vary = schema.columns.get(options.vary or "", options.vary)
        usual = _FOCAL["alpha" if vary == "alpha_pos" else vary if vary == "gamma" else None]
    grid = {**usual, **asked}
    if not grid:
        raise ConfigError(
            f"Say which settings of {schema.loss} to train, such as --grid {next(iter(schema.columns))}=1,2."
        )
    return settings_of(grid, paired=options.zip)


def _sample(options: SweepOptions, *, every_class: bool) -> tuple[Path, Path, SweepOptions]:
    """The bundled sample with its labels, where the lesions are meant unless losses are compared."""
    sample = sample_folder()
    name = options.class_name or (None if every_class else "lesion")
    options = replace(options, labels=options.labels or sample / "labels.yaml", class_name=name)
    return sample / "images", sample / "gt", options


def _read(
    images: Path | None, truth: Path | None, options: SweepOptions
) -> tuple[list[TrainingCase], tuple[str, ...], tuple[str, ...]]:
    """All cases in memory, the names of the classes that are trained, and notes."""
    labels = label_map_of(options)
    pairs = pairs_of(images, truth, options)
    if pairs.missing_preds and not options.allow_missing:
        raise DataError(missing_message(pairs, what="image", way="pass --allow-missing to train on the others"))
    whole = [pair for pair in pairs.pairs if pair.pred is not None and pair.truth is not None]
    classes = chosen_classes([pair.truth for pair in whole], labels, options)
    require_disjoint(classes)
    rules = input_rules_of(options, labels)
    cases = [read_training_case(pair, classes, rules, dimensions=options.dimensions) for pair in whole]
    unused = [f"images without a mask are left out: {listed(pairs.missing_truths)}"] if pairs.missing_truths else []
    return cases, tuple(label.name for label in classes), (*pairs.notes, *unused)


def _folds(case_ids: Sequence[str], options: SweepOptions) -> tuple[Fold, ...]:
    k = options.folds or (2 if options.protocol == "paper" else 0)
    if k and options.optimise:
        raise ConfigError("--optimise chooses on cases that are held out, so it goes with --holdout, not with folds.")
    if k:
        return k_folds(case_ids, k=k, seed=options.seed)
    share = options.holdout * (2 if options.optimise else 1)  # one half to choose on, the other to report
    return hold_out(case_ids, share=share, seed=options.seed)


def _split_text(campaign: Campaign) -> str:
    """Which cases were trained on, and which are reported."""
    if len(campaign.folds) > 1:
        return f"{len(campaign.folds)} folds, each of {len(campaign.predicted)} cases reported once"
    (fold,) = campaign.folds
    return f"hold-out: {len(fold.train)} cases trained on, {len(fold.predict)} others predicted"


def _caption(campaign: Campaign, trainings: Sequence[FinishedTraining]) -> dict[str, str]:
    """Everything that was held the same in all rows."""
    recipe, case = campaign.recipe, next(iter(campaign.cases.values()))
    outputs = campaign.classes if len(campaign.classes) == 1 else ("background", *campaign.classes)
    network = {"unet": "compact U-Net", "monai": "monai.networks.nets.UNet"}[recipe.network]
    starts = [f"fold {it.plan.fold.number} seed {it.plan.seed} {it.start}" for it in trainings]
    return {
        "network": f"{network}, {recipe.n_space}-D, width {recipe.width}, {case.image.shape[1]} "
        f"channel(s) in, {', '.join(outputs)} out, output bias at the prior",
        "parameters": str(trainings[0].n_parameters),
        "initial_weights": ", ".join(dict.fromkeys(starts)),
        **recipe.caption,
        "loss_over": "a batch as one image",
        "data_order": "drawn from the seed alone, the same in all rows",
        "model_selection": "none, the last iterate is scored",
        "train_loss": "mean over the first and the last tenth of the iterations",
        "device": _device_text(campaign.device),
    }


def _device_text(device: str) -> str:
    import torch

    if device == "cpu":
        return "cpu, deterministic"
    return f"{device} ({torch.cuda.get_device_name(device)}), deterministic where torch can be"


def _loss_curves(trainings: Sequence[FinishedTraining]) -> SweepTable:
    """The loss of every training, thinned to means over equal stretches."""
    rows = [
        {
            **training.plan.setting,
            "fold": training.plan.fold.number,
            "seed": training.plan.seed,
            "iteration": at,
            "train_loss": loss,
        }
        for training in trainings
        for at, loss in thinned(training.losses)
    ]
    return SweepTable(
        loss=trainings[0].plan.call.measure.name,
        mode="train",
        title="Training loss",
        settings=(*trainings[0].plan.setting, "fold", "seed", "iteration"),
        columns=("train_loss",),
        rows=tuple(rows),
        notes=(_NOT_COMPARABLE,),
    )


def _picture(trainings: Sequence[FinishedTraining]) -> SweepPicture:
    """One line per setting: its first fold and seed."""
    lines: dict[str, list[tuple[int, float]]] = {}
    for training in trainings:
        lines.setdefault(setting_text(training.plan.setting), thinned(training.losses, most=DRAWN))
    return SweepPicture(
        name="training",
        title="Training loss",
        x_label="iteration",
        y_label="loss",
        series=tuple(
            Series(name=name, x=[at for at, _ in line], y=[loss for _, loss in line]) for name, line in lines.items()
        ),
        caption=f"First fold and seed, means over up to {DRAWN} stretches. {_NOT_COMPARABLE}",
    )


def thinned(losses: Sequence[float], *, most: int = POINTS) -> list[tuple[int, float]]:
    """Up to `most` points: the last iteration of a stretch, and the mean loss over it."""
    ends = np.unique(np.linspace(0, len(losses), min(most, len(losses)) + 1).astype(int))
    return [(int(end), float(np.mean(losses[start:end]))) for start, end in pairwise(ends)]


def _then_maps(campaign: Campaign, trainings: Sequence[FinishedTraining]) -> SweepTable:
    """What thresholds alone would do: the maps of one row, predicted by the networks of its first seed."""
    case_maps = {case_id: maps for training in trainings for case_id, maps in training.case_maps.items()}
    classes = tuple(
        ClassOverCases(name=name, cases=tuple(case_maps[case_id][i] for case_id in campaign.predicted))
        for i, name in enumerate(campaign.classes)
    )
    table = _THEN_MAPS[campaign.schema.loss](classes, campaign.options)
    trained = setting_text(campaign.settings[campaign.row_with_maps or 0])
    return replace(table, notes=(f"The maps are those of the networks trained with {trained}.", *table.notes))
