"""What to compute: measures, classes and policies, all checked."""

from dataclasses import dataclass, fields
from typing import Literal

from segeval.evidence.labels import LabelMap
from segeval.evidence.policies import EmptyDistance, UndefinedPolicy
from segeval.evidence.probabilities.channels import Form
from segeval.evidence.shapes import TYPE_CHECKING
from segeval.measure import Level, MeasureCall

if TYPE_CHECKING:
    from segeval.evidence.detection.hits import AnewRule
    from segeval.evidence.lesions.matching import MatchRule


@dataclass(frozen=True, kw_only=True)
class Plan:
    """How every case of a run is scored.

    `form` is what the predictions are, where that is known. `shown` are the columns for a screen, `notes` what a
    user should know of the choice. `empty_distance` stands for the distance to a surface that is not there. `device`
    is `cpu` for the numpy engine, else the torch device that builds the evidence.
    """

    measures: tuple[MeasureCall, ...]
    shown: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    labels: LabelMap = LabelMap()
    empty_distance: EmptyDistance = "inf"
    form: Form | None = None
    engine: Literal["numpy", "torch"] = "numpy"
    device: str = "cpu"

    @property
    def overlaps(self) -> bool:
        """Whether predicted classes may share voxels, so that no value speaks of all classes together."""
        return self.form is not None and self.form.overlaps

    @property
    def _first_of_lesions(self) -> MeasureCall | None:
        of_lesions = (call for call in self.measures if call.measure.reads("Lesions", "LesionCells", "CaseCandidates"))
        return next(of_lesions, None)

    @property
    def lesion_rule(self) -> "MatchRule | None":
        """How the table of lesions is made: as the first lesion measure does it; None without such a measure."""
        first = self._first_of_lesions
        if first is None:
            return None
        from segeval.evidence.lesions.matching import MatchRule

        known = {field.name for field in fields(MatchRule)}
        asked = {name: value for name, value in first.all_knobs.items() if name in known}
        if first.measure.reads("LesionCells", "CaseCandidates"):  # which match in ways of their own, or not at all
            asked = {name: value for name, value in asked.items() if name not in ("matching", "iou_threshold")}
        return MatchRule(**asked)

    @property
    def detection_rule(self) -> "AnewRule | None":
        """How the table of lesions is one of candidates: where a measure of them comes before those of lesions."""
        first = self._first_of_lesions
        if first is None or not first.measure.reads("Detections"):
            return None
        from segeval.evidence.detection.hits import AnewRule

        return AnewRule(**first.measure.settings(first.measure.needs[0], first.knobs))

    def at(self, level: Level) -> tuple[MeasureCall, ...]:
        """The measures that give one value per class, or one per case."""
        return tuple(call for call in self.measures if level in call.measure.levels)


@dataclass(frozen=True, kw_only=True)
class Aggregation:
    """How the values of the cases become a summary; `bootstrap=0` gives no intervals."""

    undefined: UndefinedPolicy = "skip"
    ci_level: float = 0.95
    bootstrap: int = 1000
    seed: int = 0
