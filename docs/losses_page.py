"""The page docs/losses.md, made from the declarations; `docs/make.py` writes it."""

import inspect
import re
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from segeval.evidence.probabilities.soft import ProbVoxels, two_channels
from segeval.knobs import parse_call
from segeval.losses import FORMULAS
from segeval.measure import Measure

NOTES = Path(__file__).with_name("losses_notes.yaml")

INTRO = """# Losses

Every loss as `segeval score` evaluates it and as a `torch.nn.Module` trains with it: one formula each. This page is
made from the declarations by `python docs/make.py`.

**Symbols.** p: predicted probability of the class; y: truth, 0 or 1; N: voxels; TP = Σpy, FP = Σp(1-y), FN = Σ(1-p)y,
soft counts; I = TP, S = Σp + Σy; V: volume of a class in truth; p_t: the probability given to the true side; l(i): the
true class of voxel i; z: logit; s = 2y - 1.

**Per class and per case.** Each loss has a value per class, against everything else. Those that look across channels
also have one per case, over all channels with the background; their value per class is that of two channels.

**Hard masks** have p = 0 or 1, and every loss but the two with a weight map follows from the counts of the confusion
matrix: `bce_loss` is 100 (FP + FN)/N and `lovasz_hinge_loss` 101 (1 - IoU), since ln p is floored at -100.

**Gradients.** What a loss pulls on each voxel, by probability and by logit, is a table that `docs/gradients.py` makes.

**In training** the modules take logits or probabilities, (B, C, ...) or (B, ...), and say themselves what else they
take (`help(segeval.losses.TverskyLoss)`); [training.md](training.md) shows them at work. Each is named after its loss:
`tversky_loss` is `TverskyLoss`.

**Worked values** are of y = [1, 1, 1, 0, 0, 0, 0, 0] and p = [.9, .4, .3, .6, .2, .1, .1, .05], the class against the
rest; for losses with a value per case, of labels [0, 0, 0, 0, 1, 1, 2] and the rows of p [.8 .1 .1] [.6 .3 .1]
[.5 .2 .3] [.2 .3 .5] [.2 .7 .1] [.5 .4 .1] [.1 .3 .6].

**What sources say differently** is marked S1 (a note on Dice loss after arXiv:1707.03237), S2 ("3 common loss functions
for image segmentation"), S3 (a survey of losses with code), P (papers) and L (libraries).
"""

_Y = np.array([1, 1, 1, 0, 0, 0, 0, 0], dtype=bool)
_P = np.array([0.9, 0.4, 0.3, 0.6, 0.2, 0.1, 0.1, 0.05])
_LABELS = np.array([0, 0, 0, 0, 1, 1, 2])
_ROWS = "811 631 523 235 271 541 136"


def losses_page() -> str:
    """The whole page as Markdown."""
    notes = yaml.safe_load(NOTES.read_text(encoding="utf-8"))
    parts = [INTRO]
    for name in FORMULAS:
        module = import_module(f"segeval.losses.{name}")
        parts.append(f"\n## {(module.__doc__ or '').partition(':')[0]}\n")
        parts += [_section(one, notes[one.name]) for one in declared_in(module)]
    parts.append("\n## Other remarks on the sources\n\n" + _bullets(notes["general"]))
    return "".join(parts)


def declared_in(module: Any) -> list[Measure]:
    """The losses of a module, in the order of their declarations."""
    own = [one for one in vars(module).values() if isinstance(one, Measure)]
    return [one for one in own if one.function.__module__ == module.__name__]


def _section(loss: Measure, notes: dict[str, Any]) -> str:
    parts = [f"\n### {loss.name}\n\n{loss.summary}\n\n    {loss.symbol} = {loss.formula}\n\n", _facts(loss)]
    parts.append(_parameters(loss))
    if notes["worked"]:
        parts.append("\nWorked: " + "; ".join(_worked(loss, knobs) for knobs in notes["worked"]) + ".\n")
    if notes["notes"]:
        parts.append("\n" + _bullets(notes["notes"]))
    if notes["errata"]:
        parts.append("\nSources:\n\n" + _bullets(notes["errata"]))
    return "".join(parts)


def _facts(loss: Measure) -> str:
    low, high = loss.bounds
    facts = [
        f"From {low:g} to {high:g}" if np.isfinite(high) else f"From {low:g} up",
        f"per {' and per '.join(loss.levels)}",
        f"also called {', '.join(f'`{alias}`' for alias in loss.aliases)}" if loss.aliases else "",
    ]
    return ", ".join(filter(None, facts)) + f". Reference: {loss.reference}.\n"


def _parameters(loss: Measure) -> str:
    if not loss.knobs:
        return ""
    said = dict(_said_of_parameters(loss))
    rows = [f"| `{name}` | `{_text(default)}` | {said[name]} |\n" for name, default in loss.knobs.items()]
    return "\n| parameter | default | |\n|---|---|---|\n" + "".join(rows)


def _said_of_parameters(loss: Measure) -> Iterator[tuple[str, str]]:
    """Name and description of each entry under `Args:`."""
    block = inspect.cleandoc(loss.notes.partition("Args:")[2])
    for entry in re.split(r"\n(?=\S)", block):
        name, _, text = entry.partition(":")
        yield name, " ".join(text.split())


def _text(value: Any) -> str:
    return "none" if value is None else f"{value:g}" if isinstance(value, float) else str(value).lower()


def _worked(loss: Measure, knobs: str) -> str:
    call = loss.at(**parse_call(f"{loss.name}({knobs})")[1])
    of_case = "case" in loss.levels
    voxels = _example_of_three() if of_case else _example()
    needs: tuple[Any, ...] = loss.needs
    value = call(*(need(two_channels(voxels) if need.per_channel and not of_case else voxels) for need in needs))
    return f"{f'`{knobs}`' if knobs else 'as by default'} {float(value):.10g}"


def _example() -> ProbVoxels:
    return _voxels(_P, _Y)


def _example_of_three() -> ProbVoxels:
    p = np.array([[int(digit) / 10 for digit in row] for row in _ROWS.split()]).T
    return _voxels(p, np.arange(3)[:, None] == _LABELS)


def _voxels(p: np.ndarray, truth: np.ndarray) -> ProbVoxels:
    return ProbVoxels(
        truth=truth, count=np.ones(p.shape), hit=np.where(truth, p, 1 - p), miss=np.where(truth, 1 - p, p)
    )


def _bullets(lines: list[str]) -> str:
    return "".join(f"- {line}\n" for line in lines)
