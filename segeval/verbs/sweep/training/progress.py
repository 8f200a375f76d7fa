"""How far the trainings are, and how long the rest will take."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable


@dataclass(frozen=True, kw_only=True)
class Step:
    """One iteration is done.

    Attributes:
        training: which one, such as `alpha_fp=0.3, beta_fn=0.7, fold 1, seed 0`.
        done, total: iterations of all trainings.
        seconds_left: at the pace so far; None until there is one.
    """

    training: str
    done: int
    total: int
    loss: float
    seconds_left: float | None


@runtime_checkable
class TrainWatch(Protocol):
    """Who wants to see how far the trainings are."""

    def start(self, total: int) -> None:
        """So many iterations lie ahead; those of trainings that were read back are not among them."""

    def advance(self, step: Step) -> None:
        """One more iteration is done."""


@dataclass(kw_only=True)
class Pace:
    """Counts iterations for a watch, and says what is left."""

    total: int
    watch: TrainWatch | None = None
    done: int = 0
    started: float = field(default_factory=time.perf_counter)

    def __post_init__(self) -> None:
        if self.watch is not None:
            self.watch.start(self.total)

    def counter(self, training: str, iterations: int) -> Callable[[float], None]:
        """What a training calls after every iteration; one that breaks off early counts as done at the next call."""
        self.done = -(-self.done // iterations) * iterations

        def on_step(loss: float) -> None:
            self.done += 1
            if self.watch is not None:
                self.watch.advance(
                    Step(training=training, done=self.done, total=self.total, loss=loss, seconds_left=self._left())
                )

        return on_step

    def _left(self) -> float | None:
        if self.done < 2:
            return None
        return (time.perf_counter() - self.started) / self.done * (self.total - self.done)
