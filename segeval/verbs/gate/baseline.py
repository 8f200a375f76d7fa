"""Make a run the baseline."""

import shutil
from pathlib import Path

from segeval.errors import ConfigError
from segeval.files.outputs import RUN_FILE, prepare_output_folder
from segeval.files.paths import printable
from segeval.files.writing import cannot_write


def copy_run(run: Path, target: Path) -> None:
    """Copy the tables of a run, `run.json` last, to a folder that is empty or holds an earlier run.

    Raises:
        ConfigError: the run is no folder, or the target holds something else or cannot be written.
    """
    if not (run / RUN_FILE).is_file():
        raise ConfigError(f"{printable(run)}: only the folder of a run can become a baseline.")
    prepare_output_folder(target)
    try:
        for file in sorted(run.iterdir(), key=lambda file: file.name == RUN_FILE):
            if file.is_file():
                shutil.copyfile(file, target / file.name)
    except OSError as error:
        raise cannot_write(target, error) from error
