"""Every format gives the voxels and the place that NIfTI gives, and a damaged file of it one clear error."""

import nibabel
import numpy as np
import pytest
import SimpleITK
from PIL import Image

from segeval.errors import DataError
from segeval.images.readers.nifti import read_nifti
from segeval.images.readers.readers import read_volume, stores_integers

OBLIQUE = np.array([[0.0, 0.9, -0.1, 5.0], [-1.5, 0.2, 0.0, -7.0], [0.1, 0.3, 2.5, 11.0], [0, 0, 0, 1]])
IN_WORLD = [
    "labels.mha",
    "packed.mha",
    "labels.mhd",
    "labels.nrrd",
    "packed.nrrd",
    "labels.mgh",
    "labels.mgz",
    "labels.hdr",
]
PICTURES = ["labels.bmp", "labels.webp", "labels.tif", "packed.tif", "lzw.tif"]


def blocks() -> np.ndarray:
    """Four ids in a small volume, with no symmetry that could hide a swapped or turned axis."""
    array = np.zeros((7, 6, 5), dtype=np.uint8)
    array[1:4, 2:5, 1:3], array[5:, :2, 3:], array[0, 0, 0] = 1, 2, 3
    return array


def orthogonal(affine: np.ndarray) -> np.ndarray:
    """The nearest affine without shear, which ITK can write."""
    steps = np.linalg.norm(affine[:3, :3], axis=0)
    u, _, vt = np.linalg.svd(affine[:3, :3] / steps)
    turned = affine.copy()
    turned[:3, :3] = (u @ vt) * steps
    return turned


def write(path, array: np.ndarray, affine: np.ndarray = OBLIQUE):
    """An image in the format that its name asks for, written by another library."""
    affine = orthogonal(affine)
    match path.suffix:
        case ".mha" | ".mhd" | ".nrrd":
            image = SimpleITK.GetImageFromArray(array.T)
            image.SetSpacing(np.linalg.norm(affine[:3, :3], axis=0).tolist())
            flipped = np.diag([-1, -1, 1]) @ affine[:3, :3] / np.linalg.norm(affine[:3, :3], axis=0)
            image.SetDirection(flipped.ravel().tolist())
            image.SetOrigin((np.diag([-1, -1, 1]) @ affine[:3, 3]).tolist())
            SimpleITK.WriteImage(image, str(path), useCompression=path.stem == "packed")
        case ".mgh" | ".mgz":
            nibabel.save(nibabel.MGHImage(array, affine), path)
        case ".gz":
            nibabel.save(nibabel.Nifti1Image(array, affine), path)
        case ".hdr":
            nibabel.Nifti1Pair(array, affine).to_filename(path)
        case ".tif":
            import tifffile

            how = {"packed": "deflate", "lzw": "lzw"}.get(path.stem)
            if how == "lzw":
                Image.fromarray(array).save(path, compression="tiff_lzw")
            else:
                tifffile.imwrite(path, array, compression=how)
        case ".webp":
            Image.fromarray(array).convert("RGB").save(path, lossless=True, exact=True)
        case _:
            Image.fromarray(array).save(path)
    return path


def read_or_refused(path) -> np.ndarray | None:
    """The voxels, or None where the file was refused in one line."""
    try:
        return read_volume(path).array
    except DataError as error:
        if not str(error).isprintable() or path.stem not in str(error):
            raise
        return None


@pytest.mark.parametrize("name", IN_WORLD)
def test_a_medical_format_gives_what_nifti_gives(tmp_path, name):
    nibabel.save(nibabel.Nifti1Image(blocks(), orthogonal(OBLIQUE)), tmp_path / "same.nii.gz")
    same, read = read_nifti(tmp_path / "same.nii.gz"), read_volume(write(tmp_path / name, blocks()))
    assert read.array.dtype == np.uint8
    assert np.array_equal(read.array, same.array)
    assert read.affine == pytest.approx(same.affine, abs=1e-5)
    assert read.spacing_mm == pytest.approx(same.spacing_mm, rel=1e-6)
    assert read.notes == same.notes == ()


@pytest.mark.parametrize("name", PICTURES)
def test_a_picture_format_gives_the_ids_as_rows_and_columns(tmp_path, name):
    if name == "lzw.tif":
        pytest.importorskip("imagecodecs", reason="LZW needs imagecodecs")
    flat = blocks()[:, :, 1]
    assert np.array_equal(read_volume(write(tmp_path / name, flat)).array, flat)


@pytest.mark.parametrize("dtype", ["int8", "uint16", "int16", "int32", "uint32", "float32", "float64"])
@pytest.mark.parametrize("name", ["a.mha", "packed.nrrd"])
def test_every_type_of_voxel_is_read(tmp_path, name, dtype):
    array = (blocks() * 30).astype(dtype) - (2 if dtype.startswith(("int", "float")) else 0)
    read = read_volume(write(tmp_path / name, array)).array
    assert read.dtype == dtype
    assert np.array_equal(read, array)


@pytest.mark.parametrize("suffix", [".mha", ".nrrd"])
def test_channels_come_last(tmp_path, suffix):
    maps = np.random.default_rng(3).random((6, 5, 4, 3)).astype(np.float32)
    image = SimpleITK.GetImageFromArray(np.ascontiguousarray(maps.transpose(2, 1, 0, 3)), isVector=True)
    SimpleITK.WriteImage(image, str(tmp_path / f"a{suffix}"))
    volume = read_volume(tmp_path / f"a{suffix}")
    assert np.array_equal(volume.array, maps)
    assert volume.grid == (6, 5, 4)


@pytest.mark.parametrize("suffix", [".mha", ".nrrd"])
def test_a_flat_image_of_itk_has_two_axes(tmp_path, suffix):
    flat = blocks()[:, :, 1]
    image = SimpleITK.GetImageFromArray(flat.T)
    image.SetSpacing([0.5, 2.0])
    SimpleITK.WriteImage(image, str(tmp_path / f"a{suffix}"))
    volume = read_volume(tmp_path / f"a{suffix}")
    assert np.array_equal(volume.array, flat)
    assert volume.spacing_mm == (0.5, 2.0)


def test_pages_of_a_tiff_are_slices_and_ome_says_how_large_voxels_are(tmp_path):
    import tifffile

    said = {"axes": "ZYX", "PhysicalSizeX": 500, "PhysicalSizeY": 250, "PhysicalSizeZ": 1, "PhysicalSizeZUnit": "mm"}
    tifffile.imwrite(tmp_path / "a.ome.tif", blocks(), metadata=said)
    volume = read_volume(tmp_path / "a.ome.tif")
    assert np.array_equal(volume.array, blocks())
    assert volume.spacing_mm == (1.0, 0.25, 0.5)


def pages_of(path, array: np.ndarray) -> None:
    """A TIFF of several pages, as the tools of its name write it."""
    import tifffile

    match path.name:
        case "pillow.tif":
            first, *others = map(Image.fromarray, array)
            first.save(path, save_all=True, append_images=others)
        case "one_by_one.tif":
            with tifffile.TiffWriter(path) as file:
                for page in array:
                    file.write(page, contiguous=False, metadata=None)
        case "imagej.tif":
            tifffile.imwrite(path, array, imagej=True, metadata={"axes": "ZYX"})
        case "big.tif":
            tifffile.imwrite(path, array, bigtiff=True, compression="deflate")
        case "deflate.ome.tif":
            tifffile.imwrite(path, array, metadata={"axes": "ZYX"}, compression="deflate")
        case _:
            tifffile.imwrite(path, array, compression="deflate" if path.stem == "deflate" else None)


@pytest.mark.parametrize(
    "name", ["pillow.tif", "one_by_one.tif", "imagej.tif", "big.tif", "deflate.tif", "plain.tif", "deflate.ome.tif"]
)
def test_a_cut_file_of_pages_is_never_one_of_fewer(tmp_path, name):
    path = tmp_path / name
    pages_of(path, blocks())
    assert np.array_equal(read_volume(path).array, blocks())
    data = path.read_bytes()
    for end in range(8, len(data), 23):  # behind its last byte nothing is lost
        path.write_bytes(data[:end])
        read = read_or_refused(path)
        assert read is None or np.array_equal(read, blocks()), end


def test_a_pair_with_compressed_voxels_and_one_without_any(tmp_path):
    path = write(tmp_path / "a.hdr", blocks())
    voxels = path.with_suffix(".img")
    data = voxels.read_bytes()
    voxels.unlink()
    with pytest.raises(DataError, match=r"a\.img, which holds its voxels, is missing"):
        read_volume(path)
    import gzip

    (tmp_path / "a.img.gz").write_bytes(gzip.compress(data))
    assert np.array_equal(read_volume(path).array, blocks())


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("a.mhd", r"a\.raw, which holds its voxels, is missing"),
        ("lossy.webp", "WebP with loss changes ids"),
        ("colours.bmp", "colours are no class ids"),
        ("colours.tif", "holds colours"),
        ("jpeg.tif", "compression changes ids"),
    ],
)
def test_what_cannot_be_scored_is_named(tmp_path, name, says):
    path, noise = tmp_path / name, np.random.default_rng(0).integers(0, 256, (32, 32, 3)).astype(np.uint8)
    match name:
        case "a.mhd":
            write(path, blocks()).with_suffix(".raw").unlink()
        case "lossy.webp":
            Image.fromarray(noise).save(path, quality=50)
        case "jpeg.tif":
            Image.fromarray(noise[..., 0]).save(path, compression="jpeg")
        case _:
            Image.fromarray(noise).save(path)
    with pytest.raises(DataError, match=says):
        read_volume(path)


@pytest.mark.parametrize("name", [*IN_WORLD, *PICTURES[:-1]])
def test_a_cut_file_is_refused(tmp_path, name):
    path = write(tmp_path / name, blocks() if name in IN_WORLD else blocks()[:, :, 1])
    beside = next(
        (tmp_path / f"{path.stem}{end}" for end in (".raw", ".img") if (tmp_path / f"{path.stem}{end}").exists()), path
    )
    data = beside.read_bytes()
    for share in (0.3, 0.6, 0.95):
        beside.write_bytes(data[: int(len(data) * share)])
        assert read_or_refused(path) is None, share


@pytest.mark.parametrize("name", ["packed.mha", "packed.nrrd", "labels.mgz"])
def test_no_flipped_byte_of_compressed_voxels_gives_wrong_ones(tmp_path, name):
    path = write(tmp_path / name, blocks())
    whole, data = read_volume(path).array, path.read_bytes()
    start = {"packed.mha": data.find(b"LOCAL\n") + 6, "packed.nrrd": data.find(b"\n\n") + 2, "labels.mgz": 10}[name]
    for at in range(start, len(data)):
        path.write_bytes(data[:at] + bytes([data[at] ^ 0x55]) + data[at + 1 :])
        read = read_or_refused(path)
        assert read is None or np.array_equal(read, whole), at


@pytest.mark.parametrize("name", [*IN_WORLD, *PICTURES[:-1]])
def test_a_mutated_file_gives_an_image_or_one_clear_error(tmp_path, name):
    path = write(tmp_path / name, blocks() if name in IN_WORLD else blocks()[:, :, 1])
    rng, data = np.random.default_rng(5), path.read_bytes()
    for _ in range(60):
        changed = bytearray(data)
        for at in rng.integers(0, min(len(data), 600), rng.integers(1, 6)):
            changed[at] = rng.integers(0, 256)
        path.write_bytes(bytes(changed[: rng.integers(1, len(data) + 1)] if rng.random() < 0.2 else changed))
        read_or_refused(path)


@pytest.mark.parametrize("name", IN_WORLD)
def test_the_header_alone_tells_integers_from_floats(tmp_path, name):
    write(tmp_path / name, blocks())
    assert stores_integers(tmp_path / name)
    write(tmp_path / name, blocks().astype(np.float32))
    assert not stores_integers(tmp_path / name)
    (tmp_path / name).write_bytes(b"damaged")
    assert not stores_integers(tmp_path / name)
