"""Text headers of image files: lines of keys and values, and the file of voxels that they may name."""

from collections.abc import Mapping
from pathlib import Path

from segeval.errors import DataError
from segeval.files.paths import printable
from segeval.images.readers.streams import WRITE_AGAIN

LONGEST_LINE = 1 << 20  # a segmentation of 3D Slicer lists its segments in the header
MOST_LINES = 100_000


class TextHeader(dict[str, str]):
    """Keys and values of one file, with what is told of one that is missing or makes no sense."""

    def __init__(self, path: Path, values: Mapping[str, str]) -> None:
        super().__init__(values)
        self.path = path

    def __missing__(self, key: str) -> str:
        raise DataError(f"{printable(self.path)}: its header has no '{key}'. {WRITE_AGAIN}")

    def refused(self, key: str) -> DataError:
        """The error of a value that makes no sense."""
        return DataError(f"{printable(self.path)}: '{key}: {printable(self[key][:80])}' makes no sense. {WRITE_AGAIN}")

    def not_voxels(self, key: str) -> DataError:
        """The error of voxels of a type that cannot be scored."""
        return DataError(
            f"{printable(self.path)}: holds {printable(self[key][:40])} voxels, neither class ids nor probabilities. "
            "Write integers or floats."
        )

    def voxels_beside(self, key: str) -> Path:
        """The file that holds the voxels, which has to lie in the same folder.

        Raises:
            DataError: it lies elsewhere, is missing, or there are several.
        """
        name = self[key]
        if name.upper().startswith("LIST") or "%" in name:
            raise DataError(f"{printable(self.path)}: its voxels lie in several files. Save all in one file.")
        if Path(name).name != name:
            raise DataError(
                f"{printable(self.path)}: names {printable(name)} for its voxels, which is not in its own folder. "
                "Keep the two files beside each other, or save one file."
            )
        voxels = self.path.with_name(name)
        if not voxels.exists():
            raise DataError(
                f"{printable(self.path)}: {printable(name)}, which holds its voxels, is missing. "
                "Copy it beside the header."
            )
        return voxels
