"""The folder that results are written to."""

import json
import tempfile
from pathlib import Path

from segeval.errors import ConfigError
from segeval.files.paths import printable
from segeval.files.writing import PRIVATE_PREFIX, cannot_write

RUN_FILE = "run.json"


def prepare_output_folder(path: Path) -> Path:
    """Create the folder, or take over one that holds an earlier run.

    Raises:
        ConfigError: it holds something that is not ours, is a file, or cannot be written.
    """
    try:
        if path.is_file():
            raise ConfigError(f"{printable(path)}: this is a file, and results need a folder. Name another with --out.")
        path.mkdir(parents=True, exist_ok=True)
        foreign = _foreign_entry(path)
        tempfile.TemporaryFile(dir=path).close()
    except OSError as error:
        raise cannot_write(path, error) from error
    if foreign is not None:
        raise ConfigError(
            f"{printable(path)}: this folder holds something else, such as {printable(foreign)}. "
            "Results go into a folder of their own: name a new or an empty one with --out."
        )
    return path


def _foreign_entry(folder: Path) -> str | None:
    """A file that shows that the folder is not ours; None for an empty folder or one with a run, finished or killed."""
    names = sorted(one.name for one in folder.iterdir())
    if any(name.startswith(PRIVATE_PREFIX) for name in names) or _is_our_run(folder / RUN_FILE):
        return None
    return names[0] if names else None


def _is_our_run(path: Path) -> bool:
    try:
        run = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return False
    return isinstance(run, dict) and run.get("tool") == "segeval"
