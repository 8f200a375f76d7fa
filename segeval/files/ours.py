"""What tells which files of a result folder are ours.

`run.json` lists under `written` the files of the last run. A stage that a killed run left behind holds a `run.json`
too, so a run that broke off between two moves is known. Files that outlive a run, such as the maps of trainings, are
claimed in a list of their own before they are written.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Any

from segeval.files.writing import PRIVATE_PREFIX

RUN_FILE = "run.json"
WRITTEN = "written"  # in run.json: file name -> digest of everything that was written beside it
STAGE = f"{PRIVATE_PREFIX}new-"
KEPT = f"{PRIVATE_PREFIX}cells"  # what a training keeps for the next one
CLAIMS = "files.jsonl"
# runs of an earlier form have no list: these they wrote, besides a file per table
_WITHOUT_LIST = ("summary.md", "summary.tex", "summary.json", "differences.csv", "changes.csv", "ranking.csv")


def digests(folder: Path) -> dict[str, str]:
    """Name and digest of every file that lies right in a folder, `run.json` apart."""
    files = sorted(file for file in folder.iterdir() if file.is_file() and file.name != RUN_FILE)
    return {file.name: digest(file) for file in files}


def digest(path: Path) -> str:
    """The digest of a file's bytes as `run.json` has it."""
    with path.open("rb") as file:
        return f"sha256:{hashlib.file_digest(file, 'sha256').hexdigest()}"


@dataclass(frozen=True, kw_only=True)
class Ours:
    """What earlier runs left in a folder.

    Attributes:
        kind: of the run that it holds; None where there is none, or it came to nothing.
        published: names of the files that `run.json` lists.
        claimed: files that were claimed one by one, as paths relative to the folder.
    """

    kind: str | None
    published: frozenset[str]
    claimed: frozenset[str]

    @classmethod
    def read(cls, folder: Path) -> "Ours":
        """Read the records of a folder, those of killed runs too."""
        run = _run_in(folder)
        runs = [run, *(_run_in(stage) for stage in folder.glob(f"{STAGE}*"))]
        return cls(
            kind="training" if (folder / KEPT).is_dir() else _kind(run),
            published=frozenset(name for one in runs if one is not None for name in _published(one)),
            claimed=frozenset(_claimed(folder)),
        )


def _run_in(folder: Path) -> dict[str, Any] | None:
    """The `run.json` of ours in a folder."""
    try:
        run = json.loads((folder / RUN_FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return None
    return run if isinstance(run, dict) and run.get("tool") == "segeval" else None


def _kind(run: Mapping[str, Any] | None) -> str | None:
    if run is None:
        return None
    kind, plan = str(run.get("kind")), run.get("plan")
    if kind == "sweep" and isinstance(plan, dict) and plan.get("mode") == "train":
        return "training"
    return "compare" if kind == "ranking" else kind


def _published(run: Mapping[str, Any]) -> Iterator[str]:
    written, tables = run.get(WRITTEN), run.get("tables")
    of_tables = [f"{name}.csv" for name in tables] if isinstance(tables, dict) else []
    yield RUN_FILE
    for name in written if isinstance(written, dict) else (*_WITHOUT_LIST, *of_tables):
        if PurePath(name).name == name and not name.startswith("."):
            yield name


def _claimed(folder: Path) -> Iterator[str]:
    """A line that a killed run cut off speaks of no file that was written."""
    try:
        lines = (folder / KEPT / CLAIMS).read_text(encoding="utf-8", errors="replace").split("\n")
    except FileNotFoundError:
        return
    for line in lines:
        with suppress(ValueError):
            name = json.loads(line)
            if isinstance(name, str):
                yield name


def files_of_run(folder: Path) -> frozenset[str]:
    """Names of the files that the run in a folder lists as its own."""
    return Ours.read(folder).published
