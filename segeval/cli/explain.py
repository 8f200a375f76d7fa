"""`segeval explain`: which definition gives somebody's numbers."""

import json
import sys
import textwrap
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from segeval.cli import options as o
from segeval.cli.screens import console
from segeval.errors import ConfigError
from segeval.options import ScoreOptions

if TYPE_CHECKING:
    from segeval.settings import Given
    from segeval.verbs.explain import Against, Explained

    Answer = Against | Explained

WIDTH = 80

NumbersPath = Annotated[
    Path | None, typer.Argument(metavar="NUMBERS", help="Table or JSON with somebody's values; not with --value.")
]
Value = Annotated[str | None, typer.Option("--value", help="One published mean in place of NUMBERS, as 0.83.")]
MeasureName = Annotated[str | None, typer.Option("-m", "--measure", help="What the numbers are called, as hd95.")]
AgainstFile = Annotated[
    Path | None, typer.Option("--against", help="Another tool's numbers of the same cases: say why the two differ.")
]
Markdown = Annotated[bool, typer.Option("--markdown", help="Print Markdown, for pasting into a thread.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@o.takes(ScoreOptions, only=lambda declared: declared.option.doctor)
def explain(
    given: "Mapping[str, Given]",
    *,
    numbers: NumbersPath = None,
    pred: o.PredPath = None,
    truth: o.TruthPath = None,
    value: Value = None,
    measure: MeasureName = None,
    against: AgainstFile = None,
    markdown: Markdown = False,
    as_json: AsJson = False,
    quiet: o.Quiet = False,
    config: o.Config = None,
) -> int:
    """Say which definition, convention or tool gives somebody's numbers. "Nothing matches" is an answer too."""
    from segeval.settings import HERE, resolve

    settings = resolve(given, config)
    if not quiet:
        console.tell_of_file(settings.sources, HERE)
    if value is not None:
        if truth is not None:
            raise ConfigError("--value stands in place of NUMBERS. Name predictions and truth alone, or leave it out.")
        numbers, pred, truth = None, numbers, pred
    show(
        answers_of(numbers, pred, truth, settings.options, against, value=value, measure=measure, quiet=quiet),
        markdown=markdown,
        as_json=as_json,
    )
    return 0


def answers_of(
    numbers: Path | None,
    pred: Path | None,
    truth: Path | None,
    options: ScoreOptions,
    against: Path | None,
    *,
    value: str | None = None,
    measure: str | None = None,
    quiet: bool = False,
) -> "tuple[Answer, ...]":
    """Explain one file, or two against each other."""
    from segeval.verbs.explain import explain as find
    from segeval.verbs.explain import explain_against

    progress = _Progress(quiet=quiet)
    if against is None:
        return find(numbers, pred, truth, options, value=value, measure=measure, progress=progress)
    if numbers is None:
        raise ConfigError("--against compares two files of numbers: segeval explain A.csv PRED TRUTH --against B.csv.")
    return explain_against(numbers, against, pred, truth, options, measure=measure, progress=progress)


def show(answers: "tuple[Answer, ...]", *, markdown: bool = False, as_json: bool = False) -> None:
    """Print answers as sentences, for a thread, or as JSON."""
    from segeval.files.paths import printable
    from segeval.results.csv_tables import jsonable
    from segeval.verbs.explain import pages

    if as_json:
        text = json.dumps(jsonable(pages.document(answers)), ensure_ascii=False, indent=1, allow_nan=False)
        console.put_json(f"{text}\n")
        return
    if markdown:
        console.put(console.harmless(pages.markdown_page(answers)))
        return
    for i, answer in enumerate(answers):
        lines = [pages.verdict(answer), *(f"  {text}" for text in pages.sentences(answer))]
        wrapped = [
            textwrap.fill(printable(line), WIDTH, subsequent_indent=" " * (len(line) - len(line.lstrip()) + 2))
            for line in lines
        ]
        console.put(console.harmless("\n".join(wrapped if i == 0 else ["", *wrapped]) + "\n"))


class _Progress:
    """How far the search is, on a terminal in one line that it overwrites."""

    def __init__(self, *, quiet: bool) -> None:
        self._is_heard = not quiet and sys.stderr.isatty()
        self._started = 0.0

    def __call__(self, what: str, done: int, of: int) -> None:
        if not self._is_heard:
            return
        from time import monotonic

        if done == 0:
            self._started = monotonic()
        left = f", {(monotonic() - self._started) / done * (of - done):.0f} s left" if done else ""
        sys.stderr.write(f"\r{what}: {done} of {of}{left}\x1b[K" if done < of else "\r\x1b[K")
        sys.stderr.flush()
