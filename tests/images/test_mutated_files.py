"""Damaged files are read as they were or refused in plain words: 500 seeded mutations per format."""

import gzip
import io
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from PIL import Image

from segeval.errors import DataError
from segeval.images.labels.label_ids import labelled
from segeval.images.readers.readers import read_volume, stores_integers

N = 500
IDS = np.random.default_rng(6).integers(0, 5, (5, 6, 7)).astype(np.uint8)


def nii() -> bytes:
    return bytes(nib.Nifti1Image(IDS.astype(np.int16), np.diag([1.0, 2, 3, 1])).to_bytes())


def saved(save: object, *arrays: np.ndarray) -> bytes:
    data = io.BytesIO()
    save(data, *arrays)  # type: ignore[operator]
    return data.getvalue()


def png() -> bytes:
    data = io.BytesIO()
    Image.fromarray(IDS[0]).save(data, "png")
    return data.getvalue()


FILES = {
    "a.nii": nii,
    "b.nii.gz": lambda: gzip.compress(nii(), mtime=0),
    "c.png": png,
    "d.npy": lambda: saved(np.save, IDS),
    "e.npz": lambda: saved(np.savez_compressed, IDS),
}


def mutated(data: bytes, rng: np.random.Generator) -> bytes:
    """A few bytes changed, a stretch cut out, doubled or zeroed, or the end cut off; mostly in the header."""
    array = bytearray(data)
    at = int(rng.integers(0, min(len(array), 400) if rng.random() < 0.7 else len(array)))
    length = int(rng.integers(1, 40))
    match int(rng.integers(0, 6)):
        case 0:
            for place in rng.integers(0, len(array), size=int(rng.integers(1, 5))):
                array[place] = int(rng.integers(0, 256))
        case 1:
            array[at] ^= 1 << int(rng.integers(0, 8))
        case 2:
            del array[at : at + length]
        case 3:
            array[at:at] = array[at : at + length]
        case 4:
            array[at : at + length] = bytes(len(array[at : at + length]))
        case 5:
            del array[at:]
    return bytes(array)


@pytest.mark.parametrize("name", FILES)
def test_no_mutation_is_met_with_anything_but_a_plain_refusal(tmp_path: Path, name: str) -> None:
    rng, data, path = np.random.default_rng(17), FILES[name](), tmp_path / name
    n_refused = 0
    for _ in range(N):
        path.write_bytes(mutated(data, rng))
        try:
            stores_integers(path)
            labelled(read_volume(path), side="truth")
        except DataError as error:
            n_refused += 1
            message = str(error)
            assert path.name in message
            assert len(message) < 600
            assert not any(word in message for word in ("allow_pickle", " at 0x", "Traceback", "max_header_size"))
    assert n_refused > N // 10
