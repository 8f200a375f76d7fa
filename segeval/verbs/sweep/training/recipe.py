"""How every network of a sweep is trained: one record, equal for all rows."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from segeval.errors import ConfigError
from segeval.options import SweepOptions

STRIDE = 4  # the network halves its grid twice
_PATCHES = {2: (96, 96), 3: (48, 48, 16)}


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """Network, optimiser and budget.

    Attributes:
        patch: voxels of a training patch along each axis, multiples of `STRIDE`.
        with_class: how many patches of a batch are placed on a voxel of the class.
        step_every, step_factor: of the schedule `steps`, which lowers the rate in steps.
    """

    iterations: int = 300
    batch: int = 8
    patch: tuple[int, ...] = (96, 96)
    network: Literal["unet", "monai"] = "unet"
    width: int = 8
    optimiser: Literal["adamw", "adam"] = "adamw"
    learning_rate: float = 1e-2
    schedule: Literal["cosine", "steps"] = "cosine"
    step_every: int = 1000
    step_factor: float = 0.9

    @property
    def n_space(self) -> int:
        return len(self.patch)

    @property
    def with_class(self) -> int:
        return self.batch // 2

    @property
    def beta2(self) -> float:
        """Memory of squared gradients; a short one, since a region loss of an empty prediction has hardly any gradient.

        With the usual 0.999 a network that once predicts nothing stays there for a thousand steps.
        """
        return 0.95 if self.optimiser == "adamw" else 0.999

    @property
    def caption(self) -> dict[str, str]:
        """What captions say of it."""
        falls = {
            "cosine": "falling to 0 along a cosine",
            "steps": f"times {self.step_factor:g} every {self.step_every} iterations",
        }
        names = {"adamw": "AdamW", "adam": "Adam"}
        return {
            "optimiser": f"{names[self.optimiser]} (beta2 {self.beta2:g}), learning rate {self.learning_rate:g} "
            f"{falls[self.schedule]}",
            "iterations": str(self.iterations),
            "batch": f"{self.batch} patches of {' x '.join(map(str, self.patch))}, {self.with_class} on the class",
            "augmentation": "none",
            "dtype": "float32",
        }


def recipe_of(options: SweepOptions) -> Recipe:
    """The recipe that options ask for; the paper's is that of arXiv 1706.05721, section 3.

    Raises:
        ConfigError: the patch does not fit the network or the dimensions.
    """
    patch = options.patch or _PATCHES[options.dimensions]
    if len(patch) != options.dimensions or any(side < STRIDE or side % STRIDE for side in patch):
        sides = ",".join(map(str, patch))
        raise ConfigError(
            f"--patch {sides}: give {options.dimensions} sizes, one for each axis, that are multiples of {STRIDE}."
        )
    chosen: Mapping[str, int | float | None] = {
        "iterations": options.iterations,
        "batch": options.batch,
        "learning_rate": options.learning_rate,
    }
    given = {name: value for name, value in chosen.items() if value is not None}
    usual = _PAPER if options.protocol == "paper" else {}
    return Recipe(patch=tuple(patch), network=options.network, width=options.width, **{**usual, **given})  # type: ignore[arg-type]


_PAPER = {"iterations": 5000, "optimiser": "adam", "learning_rate": 1e-4, "schedule": "steps"}
