"""A Zarr store is one image: plain arrays and OME-Zarr of versions 2 and 3, whatever the order of their axes."""

import shutil

import numpy as np
import pytest

from segeval.errors import DataError
from segeval.images.pairing.pairs import find_pairs
from segeval.images.readers.readers import read_volume, stores_integers
from tests.images.test_formats import blocks, read_or_refused

zarr = pytest.importorskip("zarr", reason="Zarr needs the extra")
MM = [{"name": name, "type": "space", "unit": "micrometer"} for name in "zyx"]


def save_array(path, array: np.ndarray, version: int = 3, **more):
    node = zarr.create_array(store=str(path), data=array, chunks=(4, 4, 4)[: array.ndim], zarr_format=version, **more)
    assert node.nchunks > 1
    return path


def save_ome(path, array: np.ndarray, *, version: int = 3, axes=MM, scale=(2000.0, 500.0, 250.0), label: str = ""):
    """The array and a smaller copy; as a label image it lies in `labels/LABEL`, beside the image it was drawn on."""
    root = zarr.open_group(str(path), mode="w", zarr_format=version)
    group = root
    if label:
        labels = root.require_group("labels")
        labels.attrs.update({"labels": [label]} if version == 2 else {"ome": {"labels": [label]}})
        group = labels.require_group(label)
    sizes = [("0", array, scale), ("1", array[tuple(slice(None, None, 2) for _ in array.shape)], np.multiply(scale, 2))]
    datasets = []
    for name, data, lengths in sizes:
        group.create_array(name, data=data, chunks=data.shape)
        steps = [{"type": "scale", "scale": list(map(float, lengths))}]
        datasets.append({"path": name, "coordinateTransformations": steps})
    scales = [{"version": "0.4", "axes": list(axes), "datasets": datasets}]
    group.attrs.update({"multiscales": scales} if version == 2 else {"ome": {"version": "0.5", "multiscales": scales}})
    return path


@pytest.mark.parametrize("version", [2, 3])
def test_a_plain_array_is_read_as_it_is_stored(tmp_path, version):
    path = save_array(tmp_path / "a.zarr", blocks(), version)
    volume = read_volume(path)
    assert np.array_equal(volume.array, blocks())
    assert volume.array.dtype == np.uint8
    assert (volume.spacing_mm, stores_integers(path)) == (None, True)


@pytest.mark.parametrize("version", [2, 3])
@pytest.mark.parametrize("label", ["", "nuclei"])
def test_of_an_image_of_several_sizes_the_largest_is_read_in_mm(tmp_path, version, label):
    volume = read_volume(save_ome(tmp_path / "a.ome.zarr", blocks(), version=version, label=label))
    assert np.array_equal(volume.array, blocks())
    assert volume.spacing_mm == pytest.approx((2.0, 0.5, 0.25))


def test_channels_come_last_and_a_lone_time_is_left_out(tmp_path):
    maps = np.random.default_rng(0).random((1, 3, 5, 4, 6), dtype=np.float32)
    axes = [{"name": "t", "type": "time"}, {"name": "c", "type": "channel"}, *MM]
    volume = read_volume(save_ome(tmp_path / "a.zarr", maps, axes=axes, scale=(1, 1, 1000, 1000, 1000)))
    assert np.array_equal(volume.array, np.moveaxis(maps[0], 0, -1))
    assert volume.spacing_mm == (1.0, 1.0, 1.0)
    assert not stores_integers(tmp_path / "a.zarr")


def test_chunks_that_are_not_stored_are_noted(tmp_path):
    path = save_array(tmp_path / "a.zarr", blocks())
    shutil.rmtree(path / "c" / "0")  # two others hold nothing but 0, and were never stored
    (note,) = read_volume(path).notes
    assert note == "6 of 8 chunks are not stored: all of their voxels are 0"


def test_a_store_beside_files_is_one_case_of_its_name(tmp_path):
    for side in ("pred", "truth"):
        save_array(tmp_path / side / "case_1.zarr", blocks())
        save_ome(tmp_path / side / "case_2.ome.zarr", blocks())
    pairs = find_pairs(tmp_path / "pred", tmp_path / "truth").pairs
    assert [pair.case_id for pair in pairs] == ["case_1", "case_2"]


def test_it_must_be_clear_which_array_is_meant(tmp_path):
    root = zarr.open_group(str(tmp_path / "a.zarr"), mode="w")
    for name in ("one", "two"):
        root.create_array(name, data=blocks())
    with pytest.raises(DataError, match=r"not clear which array is meant; there are one, two\. Keep one"):
        read_volume(tmp_path / "a.zarr")
    assert np.array_equal(read_volume(tmp_path / "a.zarr" / "two").array, blocks())  # the remedy
    save_ome(tmp_path / "b.zarr", blocks(), label="nuclei")
    zarr.open_group(str(tmp_path / "b.zarr" / "labels")).attrs.update({"ome": {"labels": ["nuclei", "cells"]}})
    with pytest.raises(DataError, match=r"holds 2 label images \(nuclei, cells\)\. Name the folder of one"):
        read_volume(tmp_path / "b.zarr")
    assert np.array_equal(read_volume(tmp_path / "b.zarr" / "labels" / "nuclei").array, blocks())


@pytest.mark.parametrize(
    ("array", "says"),
    [
        (np.zeros((2, 3, 4, 4, 4), np.uint8), r"is no 2-D or 3-D image\. Save one image per store"),
        (np.zeros((4, 4), np.complex64), "holds values of type complex64"),
        (np.zeros((0, 4), np.uint8), "has no voxels"),
    ],
)
def test_what_is_no_image_is_refused(tmp_path, array, says):
    zarr.create_array(store=str(tmp_path / "a.zarr"), data=array, chunks=tuple(max(n, 1) for n in array.shape))
    with pytest.raises(DataError, match=says):
        read_volume(tmp_path / "a.zarr")


@pytest.mark.parametrize("version", [2, 3])
def test_damaged_chunks_and_metadata_are_refused_or_read_as_they_were(tmp_path, version):
    rng, refused = np.random.default_rng(version), 0
    save_array(tmp_path / "whole.zarr", blocks(), version)
    files = sorted(path.relative_to(tmp_path / "whole.zarr") for path in (tmp_path / "whole.zarr").rglob("*"))
    files = [name for name in files if (tmp_path / "whole.zarr" / name).is_file()]
    for turn in range(40):
        copy = tmp_path / f"{turn}.zarr"
        shutil.copytree(tmp_path / "whole.zarr", copy)
        file = copy / files[turn % len(files)]
        data = file.read_bytes()
        at = int(rng.integers(len(data)))
        file.write_bytes(data[:at] if turn % 2 else data[:at] + bytes([data[at] ^ 0x55]) + data[at + 1 :])
        refused += read_or_refused(copy) is None  # which holds the message to a name and one line
    assert refused > 20
