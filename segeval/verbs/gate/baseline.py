"""Make a run the baseline."""

import shutil
from pathlib import Path

from segeval.errors import ConfigError
from segeval.files.ours import RUN_FILE, files_of_run
from segeval.files.outputs import OutputFolder
from segeval.files.paths import printable


def copy_run(run: Path, target: Path) -> None:
    """Copy the tables of a run, `run.json` last, to a folder that is empty or holds an earlier run.

    Raises:
        ConfigError: the run is no folder, or the target holds something else or cannot be written.
    """
    if not (run / RUN_FILE).is_file():
        raise ConfigError(f"{printable(run)}: only the folder of a run can become a baseline.")
    with OutputFolder.open(target, kind="score") as folder, folder.stage() as stage:
        for name in files_of_run(run):
            if (run / name).is_file():
                shutil.copyfile(run / name, stage / name)
