"""Read the `--pairs` file: one row per case with the paths of its two sides."""

from pathlib import Path

from segeval.errors import ConfigError
from segeval.files.csv_rows import Row, read_csv_rows
from segeval.files.paths import printable, require_existing
from segeval.images.pairing.folders import case_id_of, is_list_of_images

COLUMNS = ("case", "pred", "truth")


def read_pairs_csv(path: Path) -> dict[str, tuple[Path | None, Path | None]]:
    """The prediction and the truth of each case; an empty cell is a missing one.

    Either may be a folder with one file per class. Relative paths count from the folder of the CSV file.
    Further columns are passed over.

    Raises:
        ConfigError: the file cannot be read, lacks a column, names a case twice, or a file that is not there or holds
            many images.
    """
    sides: dict[str, tuple[Path | None, Path | None]] = {}
    for line, row in read_csv_rows(path, what="--pairs", columns=COLUMNS):
        where = f"{printable(path)}, line {line}"
        case_id = _case_id(row, where)
        if case_id in sides:
            raise ConfigError(f"{where}: case '{printable(case_id)}' stands here a second time. Keep one row per case.")
        sides[case_id] = (_file(row, "pred", path.parent, where), _file(row, "truth", path.parent, where))
    return sides


def _case_id(row: Row, where: str) -> str:
    if not row["case"].strip():
        raise ConfigError(f"{where}: the case cell is empty. Give the case a name of its own.")
    if not row["pred"].strip() and not row["truth"].strip():
        raise ConfigError(f"{where}: case '{printable(row['case'])}' has no file. Fill in pred or truth.")
    return case_id_of(row["case"])


def _file(row: Row, side: str, folder: Path, where: str) -> Path | None:
    if not row[side].strip():
        return None
    path = require_existing(folder / row[side], what=f"{where}, {side}:")
    if is_list_of_images(path):
        raise ConfigError(
            f"{where}, {side}: {printable(path)} holds the masks of many images. Name it as PRED or TRUTH, and leave "
            "--pairs out."
        )
    return path
