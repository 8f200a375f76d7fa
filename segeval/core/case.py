"""One prediction with its truth, on one voxel grid: what the engine works on."""

from dataclasses import dataclass

from segeval.core.shapes import Labels, Probs, SpacingMm


@dataclass(frozen=True, kw_only=True)
class Case:
    """Two label images of one shape, and what is known of their grid.

    `spacing_mm` is in array axis order; None means pixels without a size. `probs` has one map per
    channel, background first when there is one more channel than classes.
    """

    case_id: str
    pred: Labels
    truth: Labels
    spacing_mm: SpacingMm | None = None
    probs: Probs | None = None
    notes: tuple[str, ...] = ()

    @property
    def shape(self) -> tuple[int, ...]:
        return tuple(self.truth.shape)
