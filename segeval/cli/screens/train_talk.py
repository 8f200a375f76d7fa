"""What `sweep --train` says while it trains."""

import sys
from contextlib import AbstractContextManager
from types import TracebackType
from typing import TYPE_CHECKING, Any

from segeval.cli.screens import console

if TYPE_CHECKING:
    from segeval.verbs.sweep.training.campaign import Step


class TrainTalk(AbstractContextManager["TrainTalk"]):
    """A bar with the time left where stderr is a terminal, else a line per training."""

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
        if not total:
            self._say("every training is kept from an earlier sweep")
        elif not self.quiet and sys.stderr.isatty():
            self._start_bar(total)

    def advance(self, step: "Step") -> None:
        """One more iteration is done."""
        if self._bar is not None:
            self._bar.update(self._task, completed=step.done, training=step.training, loss=f"loss {step.loss:.3g}")
        elif step.training != self._training:
            left = "" if step.seconds_left is None else f", {step.seconds_left:.0f} s left"
            self._say(f"training {step.training}: step {step.done} of {step.total}{left}")
        self._training = step.training

    def _say(self, message: str) -> None:
        if not self.quiet:
            console.say(message)

    def _start_bar(self, total: int) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        self._bar = Progress(
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            TextColumn("{task.fields[training]}  {task.fields[loss]}", markup=False),
            console=Console(stderr=True, no_color=not self.color or None),
            transient=True,
        )
        self._task = self._bar.add_task("training", total=total, training="", loss="")
        self._bar.start()
