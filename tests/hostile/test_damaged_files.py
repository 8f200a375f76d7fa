"""Files damaged at random: read as they were or refused in one plain line, in every format."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from segeval.errors import DataError
from segeval.images.readers.readers import read_volume, stores_integers
from tests.hostile.conftest import Tally
from tests.images.test_formats import IN_WORLD, PICTURES, blocks, write
from tests.images.test_mutated_files import FILES, mutated

CHECKED = ("b.nii.gz", "c.png", "e.npz", "labels.mgz")  # a checksum covers all that could change a value


def whole_file(folder: Path, name: str) -> Path:
    if name in FILES:
        (folder / name).write_bytes(FILES[name]())
        return folder / name
    return write(folder / name, blocks() if name in IN_WORLD else blocks()[:, :, 1])


@pytest.mark.parametrize("name", [*FILES, *IN_WORLD, *PICTURES[:-1]])
def test_a_damaged_file_is_never_silently_another(
    tmp_path: Path, tally: Tally, times: Callable[..., int], name: str
) -> None:
    path = whole_file(tmp_path, name)
    voxels, data, rng = read_volume(path).array, path.read_bytes(), np.random.default_rng(29)
    for attempt in range(times(8, 400)):
        path.write_bytes(mutated(data, rng))
        try:
            stores_integers(path)
            stood = name not in CHECKED or np.array_equal(read_volume(path).array, voxels)
        except DataError as error:
            stood = path.stem in str(error) and str(error).isprintable() and len(str(error)) < 600
        except Exception:
            stood = False
        tally.note(f"{name} {attempt}", stood=stood)
