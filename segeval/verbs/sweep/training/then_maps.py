"""What thresholds alone would do: the maps that one setting's networks predict, swept over thresholds."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from segeval.errors import ConfigError
from segeval.options import SweepOptions
from segeval.verbs.sweep.evidence.maps import ClassMaps
from segeval.verbs.sweep.maps.focal import sweep_focal_maps
from segeval.verbs.sweep.maps.tversky import sweep_tversky_maps
from segeval.verbs.sweep.output.table import SweepTable
from segeval.verbs.sweep.trained.words import setting_text
from segeval.verbs.sweep.training.campaign import Campaign, Training

_SWEEPS: Mapping[str, Callable[[Sequence[ClassMaps], SweepOptions], SweepTable]] = {
    "tversky_loss": sweep_tversky_maps,
    "focal_loss": sweep_focal_maps,
}


def check_then_maps(loss: str, options: SweepOptions) -> None:
    """Refuse `--then-maps` before any training where there is no such sweep.

    Raises:
        ConfigError: the loss has no sweep over maps.
    """
    if options.then_maps and loss not in _SWEEPS:
        raise ConfigError(
            f"{loss} has no sweep over maps, so --then-maps cannot follow. It is for {', '.join(_SWEEPS)}."
        )


def then_maps_table(campaign: Campaign, trainings: Sequence[Training], row: int) -> SweepTable:
    """The sweep over the maps of one row, predicted by the networks of its first seed."""
    case_maps = {case_id: maps for one in trainings for case_id, maps in one.case_maps.items()}
    classes = tuple(
        ClassMaps(name=name, cases=tuple(case_maps[case_id][i] for case_id in campaign.predicted))
        for i, name in enumerate(campaign.classes)
    )
    table = _SWEEPS[campaign.words.loss](classes, campaign.options)
    trained = setting_text(campaign.settings[row])
    return replace(table, notes=(f"The maps are those of the networks trained with {trained}.", *table.notes))
