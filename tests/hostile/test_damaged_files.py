"""Files damaged at random: read as they were or refused in one plain line, in every format."""

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from segeval.errors import ConfigError, DataError
from segeval.evidence.labels import LabelClass, LabelMap
from segeval.images.named.coco import image_paths
from segeval.images.named.reading import has_names
from segeval.images.named.series import SeriesFinder
from segeval.images.predictions.named_masks import join_named_masks
from segeval.images.readers.readers import read_volume, stores_integers
from tests.hostile.conftest import Tally
from tests.images.coco_files import an_object, write_data_set, write_panoptic
from tests.images.every_format import save_mask
from tests.images.test_formats import IN_WORLD, PICTURES, blocks, write
from tests.images.test_mutated_files import FILES, mutated

COCO = ("coco.json", "results.json", "panoptic.json")
OTHERS = (".nhdr", ".tif", ".ome.tif", ".zarr", ".seg.nrrd", "SEG", "LABELMAP", "rtstruct")
EVERY = (*FILES, *IN_WORLD, *PICTURES[:-1], *OTHERS, *COCO)
# a checksum covers all that could change a value
CHECKED = ("b.nii.gz", "c.png", "e.npz", "labels.mgz")
CLASSES = {1: "liver", 2: "spleen", 3: "lesion"}
LABELS = LabelMap(classes=tuple(LabelClass(name=name, ids=(number,)) for number, name in CLASSES.items()))
CARS = LabelMap(classes=(LabelClass(name="car", ids=(1,)), LabelClass(name="traffic light", ids=(2,))))


def whole_file(folder: Path, name: str) -> Path:
    """A case of one format, with whatever belongs to it, in a folder of its own."""
    flat = blocks()[:, :, 1]
    boxes = [an_object(1, 7, flat == 1, score=0.5), an_object(1, 9, flat == 2, score=0.25)]
    match name:
        case "coco.json":
            return write_data_set(folder / name, {"a.jpg": flat.shape}, boxes)
        case "results.json":
            write_data_set(folder / "truth.json", {"a.jpg": flat.shape}, [])
            (folder / name).write_text(json.dumps(boxes))
            return folder / name
        case "panoptic.json":
            segments = [{"id": int(label), "category_id": 7} for label in np.unique(flat) if label]
            return write_panoptic(folder / name, {"a.jpg": flat.astype(np.int64)}, [segments])
    if name in FILES:
        (folder / name).write_bytes(FILES[name]())
        return folder / name
    if name in OTHERS:
        return save_mask(folder, name, blocks(), CLASSES, "labels")
    return write(folder / name, blocks() if name in IN_WORLD else flat)


def read(path: Path) -> Iterator[np.ndarray]:
    """What a run reads of a case: its voxels, and its objects where it has some."""
    if path.suffix == ".json":
        truth = path.with_name("truth.json")
        beside = truth if truth.exists() else None
        for image in image_paths(path, beside):
            found = join_named_masks(image, CARS, SeriesFinder(), side="truth", beside=beside)
            yield found.volume.array
            if found.instances is not None:
                yield found.instances.ids
    elif has_names(path):
        yield join_named_masks(path, LABELS, SeriesFinder(), side="truth").volume.array
    else:
        stores_integers(path)
        yield read_volume(path).array


@pytest.mark.parametrize("name", EVERY)
def test_a_damaged_file_is_never_silently_another(
    tmp_path: Path, tally: Tally, times: Callable[..., int], name: str
) -> None:
    whole, here = tmp_path / "whole", tmp_path / "damaged"
    whole.mkdir()
    case = whole_file(whole, name)
    voxels, rng = list(read(case)), np.random.default_rng(29)
    files = sorted(path.relative_to(whole) for path in whole.rglob("*") if path.is_file())
    of_case = [file for file in files if (whole / file).is_relative_to(case) or (whole / file).stem == case.stem]
    shutil.copytree(whole, here)
    for attempt in range(times(8, 400)):
        # mostly the file itself, sometimes one that lies beside it
        choice = of_case if rng.random() < 0.8 else files
        file = choice[int(rng.integers(len(choice)))]
        data = (whole / file).read_bytes()
        (here / file).write_bytes(mutated(data, rng))
        try:
            found = list(read(here / case.relative_to(whole)))
            stood = name not in CHECKED or all(map(np.array_equal, found, voxels))
        except (DataError, ConfigError) as error:
            said = str(error)
            stood = any(part.stem in said for part in files) and said.isprintable() and len(said) < 700
        except Exception:
            stood = False
        (here / file).write_bytes(data)
        tally.note(f"{name} {file} {attempt}", stood=stood)
