"""What `sweep --train` says while it works."""

import sys
from contextlib import AbstractContextManager
from types import TracebackType
from typing import TYPE_CHECKING, Any

from segeval.cli import console

if TYPE_CHECKING:
    from segeval.tasks.sweep.training.progress import Step


class SweepTalk(AbstractContextManager["SweepTalk"]):
    """A bar where stderr is a terminal, else a line for each training."""

    def __init__(self, *, quiet: bool, color: bool) -> None:
        self.quiet, self.color = quiet, color
        self._training = ""
        self._bar: Any = None
        self._task: Any = None

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.stop()

    def start(self, total: int) -> None:
        """So many iterations lie ahead."""
        if self.quiet or not sys.stderr.isatty():
            return
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        self._bar = Progress(
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            TextColumn("{task.fields[said]}", markup=False),
            console=Console(stderr=True, no_color=not self.color or None),
            transient=True,
        )
        self._task = self._bar.add_task("training", total=total, said="")
        self._bar.start()

    def advance(self, step: "Step") -> None:
        """One more iteration is done."""
        if self._bar is not None:
            self._bar.update(self._task, completed=step.done, said=f"{step.training}: loss {step.loss:.3f}")
        elif not self.quiet and step.training != self._training:
            left = "" if step.seconds_left is None else f", about {step.seconds_left:.0f} s left"
            console.say(f"training {step.training}{left}")
        self._training = step.training
