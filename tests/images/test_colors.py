"""Colours, palettes and greys: read as the ids they stand for, or refused with a way that is right."""

import io
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from PIL import Image

import segeval
from segeval.errors import ConfigError, DataError
from segeval.images.labels.colors import read_color_table
from segeval.images.readers.readers import read_volume
from segeval.images.slabs.tiff_slabs import tiff_slabs

TRUTH = np.zeros((20, 30), np.uint8)
TRUTH[2:10, 3:14], TRUTH[11:18, 3:14], TRUTH[4:16, 18:28] = 1, 2, 3
PRED = np.roll(TRUTH, 2, axis=1)
COLOURS = np.zeros((256, 3), np.uint8)
COLOURS[:4] = [[0, 0, 0], [128, 0, 0], [0, 128, 0], [128, 128, 0]]


def dice(folder: Path, pred: Image.Image, truth: Image.Image, suffix: str = ".png", **options: Any) -> dict[str, float]:
    for side, image in (("pred", pred), ("truth", truth)):
        (folder / side).mkdir(exist_ok=True)
        image.save(folder / side / f"a{suffix}")
    found = segeval.score(folder / "pred", folder / "truth", measures=["dice"], bootstrap=0, **options)
    return {row.of.label: row.values["dice"] for row in found.class_rows}


def refusal(folder: Path, pred: Image.Image, truth: Image.Image, **options: Any) -> str:
    with pytest.raises(DataError) as caught:
        dice(folder, pred, truth, **options)
    return str(caught.value)


def grey(labels: np.ndarray) -> Image.Image:
    return Image.fromarray(labels.astype(np.uint8))


def rgb(labels: np.ndarray, colours: np.ndarray = COLOURS) -> Image.Image:
    return Image.fromarray(colours[labels])


def paletted(indices: np.ndarray, colours: np.ndarray = COLOURS) -> Image.Image:
    image = Image.fromarray(indices.astype(np.uint8), mode="P")
    image.putpalette(colours.ravel().tolist())
    return image


@pytest.fixture
def right(tmp_path: Path) -> dict[str, float]:
    (tmp_path / "right").mkdir()
    return dice(tmp_path / "right", grey(PRED), grey(TRUTH))


# colours


@pytest.mark.parametrize("suffix", [".png", ".bmp"])
@pytest.mark.parametrize("sides", ["pred", "truth", "both"])
def test_a_table_makes_ids_of_colours(tmp_path: Path, right: dict[str, float], sides: str, suffix: str) -> None:
    table = {label: COLOURS[label].tolist() for label in range(4)}
    pred = rgb(PRED) if sides != "truth" else grey(PRED)
    truth = rgb(TRUTH) if sides != "pred" else grey(TRUTH)
    assert dice(tmp_path, pred, truth, suffix, colors=table) == right
    (tmp_path / "colors.yaml").write_text("0: [0, 0, 0]\n1: '#800000'\n2: '008000'\n3: [128, 128, 0]\n")
    assert dice(tmp_path, pred, truth, suffix, colors=str(tmp_path / "colors.yaml")) == right
    assert dice(tmp_path, pred, truth, suffix, colors="voc") == right


def test_the_refusal_of_colours_leads_to_the_right_number(tmp_path: Path, right: dict[str, float]) -> None:
    assert "Pass --colors with their table (cityscapes, voc, ade20k or a file)" in refusal(
        tmp_path, rgb(PRED), grey(TRUTH)
    )
    assert dice(tmp_path, rgb(PRED), grey(TRUTH), colors="voc") == right


def test_transparent_pixels_in_the_colour_of_a_class_are_refused(tmp_path: Path, right: dict[str, float]) -> None:
    painted = np.where(PRED[..., None] == 0, COLOURS[1], COLOURS[PRED])  # behind the objects, where nobody sees it
    seen = np.uint8(255) * (PRED[..., None] > 0).astype(np.uint8)
    message = refusal(tmp_path, Image.fromarray(np.dstack([painted, seen])), grey(TRUTH), colors="voc")
    assert f"{int((PRED == 0).sum())} of its pixels are transparent and have the colour of a class" in message
    assert "Save the mask without transparency" in message
    cleared = Image.fromarray(np.dstack([COLOURS[PRED], seen]))
    assert dice(tmp_path, cleared, grey(TRUTH), colors="voc") == right
    assert dice(tmp_path, cleared.convert("RGB"), grey(TRUTH), colors="voc") == right


def test_a_colour_that_no_table_lists_is_told(tmp_path: Path, right: dict[str, float]) -> None:
    table: dict[int, Any] = {0: "000000", 1: "800000", 2: [0, 128, 0]}
    message = refusal(tmp_path, rgb(PRED), grey(TRUTH), colors=table)
    assert "holds 1 colours that --colors does not list, such as (128, 128, 0). Add them to the table" in message
    assert dice(tmp_path, rgb(PRED), grey(TRUTH), colors=table | {3: [128, 128, 0]}) == right


@pytest.mark.parametrize(
    ("name", "colours"),
    [
        ("voc", {0: (0, 0, 0), 1: (128, 0, 0), 15: (192, 128, 128), 20: (0, 64, 128), 255: (224, 224, 192)}),
        ("cityscapes", {0: (0, 0, 0), 7: (128, 64, 128), 17: (153, 153, 153), 26: (0, 0, 142), 33: (119, 11, 32)}),
        ("ade20k", {0: (0, 0, 0), 1: (120, 120, 120), 3: (6, 230, 230), 150: (92, 0, 255)}),
    ],
)
def test_known_tables_have_the_colours_of_their_datasets(name: str, colours: dict[int, tuple[int, ...]]) -> None:
    table = read_color_table(name)
    assert table is not None
    for label, (red, green, blue) in colours.items():
        assert table.ids[red << 16 | green << 8 | blue] == (label,)
    assert sum(len(ids) for ids in table.ids.values()) == {"voc": 22, "cityscapes": 29, "ade20k": 151}[name]


def test_colours_that_two_classes_of_cityscapes_share_are_told(tmp_path: Path) -> None:
    colours = np.array([[0, 0, 0], [153, 153, 153], [0, 0, 142], [128, 64, 128]], np.uint8)
    for side, labels in (("pred", PRED), ("truth", TRUTH)):
        (tmp_path / side).mkdir()
        rgb(labels, colours).save(tmp_path / side / "a.png")
    found = segeval.score(tmp_path / "pred", tmp_path / "truth", measures=["dice"], bootstrap=0, colors="cityscapes")
    assert {row.of.label for row in found.class_rows} == {"7", "17", "26"}
    assert found.case_rows[0].notes == (
        "cars and licence plates have one colour, which was read as car",
        "poles and pole groups have one colour, which was read as pole",
    )


@pytest.mark.parametrize("truth_is", ["coloured", "ids"])
@pytest.mark.parametrize(
    ("name", "colours", "trained"),
    [
        ("cityscapes", [(0, 0, 0), (128, 64, 128), (0, 0, 142), (70, 130, 180)], {"road": 0, "car": 13, "sky": 10}),
        ("ade20k", [(0, 0, 0), (120, 120, 120), (180, 120, 120), (6, 230, 230)], {"wall": 0, "building": 1, "sky": 2}),
    ],
)
def test_colours_are_the_ids_of_a_training_where_labels_say_so(
    tmp_path: Path, name: str, colours: list[tuple[int, ...]], trained: dict[str, int], truth_is: str
) -> None:
    """Classes bear their names, and what is no class of the training is ignored, as its id 255 is."""
    ids, table = np.array([255, *trained.values()], np.uint8), np.array(colours, np.uint8)
    truth = rgb(TRUTH, table) if truth_is == "coloured" else grey(ids[TRUTH])
    found = dice(tmp_path, rgb(PRED, table), truth, colors=name, labels=f"{name}-train")
    kept = TRUTH > 0
    for number, label in enumerate(trained.values(), start=1):
        pred, of = (number == PRED) & kept, number == TRUTH
        assert found[str(label)] == pytest.approx(2 * (pred & of).sum() / (pred.sum() + of.sum()))


def test_a_colour_of_two_ids_means_neither(tmp_path: Path) -> None:
    image = Image.fromarray(np.full((4, 4, 3), 140, np.uint8))
    assert "colour (140, 140, 140) stands for ids 7 and 49 alike" in refusal(
        tmp_path, image, grey(TRUTH[:4, :4]), colors="ade20k"
    )


@pytest.mark.parametrize(
    ("colors", "message"),
    [
        ("cityscape", "Did you mean 'cityscapes'"),
        ({1: "red"}, "'red' is no colour of an id"),
        ({1: [1, 2]}, "is no colour of an id"),
        ({1: [1, 2, 300]}, "is no colour of an id"),
    ],
)
def test_a_wrong_table_is_told(colors: Any, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        read_color_table(colors)


# palettes


@pytest.mark.parametrize("suffix", [".png", ".bmp", ".tif"])
def test_palettes_that_agree_in_their_colours_only_are_matched_by_them(
    tmp_path: Path, right: dict[str, float], suffix: str
) -> None:
    turned = COLOURS.copy()
    turned[:4] = COLOURS[[0, 3, 1, 2]]
    indices = np.array([0, 2, 3, 1])[PRED]
    assert dice(tmp_path, paletted(indices, turned), paletted(TRUTH), suffix) == right


@pytest.mark.parametrize("suffix", [".png", ".bmp", ".tif"])
def test_palettes_are_matched_to_the_first_truth_that_has_one(tmp_path: Path, suffix: str) -> None:
    turned = COLOURS.copy()
    turned[:4] = COLOURS[[0, 3, 1, 2]]
    indices = np.array([0, 2, 3, 1])
    sides = {
        "pred": {"a": grey(PRED), "b": paletted(indices[PRED], turned), "c": paletted(PRED)},
        "truth": {"a": grey(TRUTH), "b": paletted(TRUTH), "c": paletted(indices[TRUTH], turned)},
    }
    for side, images in sides.items():
        (tmp_path / side).mkdir()
        for name, image in images.items():
            image.save(tmp_path / side / f"{name}{suffix}")
    found = segeval.score(tmp_path / "pred", tmp_path / "truth", measures="dice")
    a, b, c = ([row.values["dice"] for row in found.class_rows if row.case_id == case] for case in "abc")
    assert a == b == c
    assert len(a) == 3


@pytest.mark.parametrize("suffix", [".png", ".bmp", ".tif"])
def test_classes_of_one_colour_stay_apart_where_the_palettes_are_alike(tmp_path: Path, suffix: str) -> None:
    shared = COLOURS.copy()
    shared[2] = shared[1]
    only = np.where(TRUTH == 2, 2, 0)
    assert [*dice(tmp_path, paletted(np.roll(only, 2, axis=1), shared), paletted(only, shared), suffix)] == ["2"]
    swapped = COLOURS.copy()
    swapped[[1, 2, 3]] = COLOURS[[2, 1, 1]]
    swapped[3] = swapped[0]
    message = refusal(tmp_path, paletted(PRED, swapped), paletted(TRUTH), suffix=suffix)
    assert "which is index 2 in the first truth, and several indices have one colour. Save the ids as grey" in message


@pytest.mark.parametrize("suffix", [".png", ".bmp", ".tif"])
def test_palettes_with_other_colours_are_for_show(tmp_path: Path, right: dict[str, float], suffix: str) -> None:
    other = np.arange(768, dtype=np.int64).reshape(256, 3)[::-1].astype(np.uint8) | 1
    assert dice(tmp_path, paletted(PRED, other), paletted(TRUTH), suffix) == right
    assert dice(tmp_path, paletted(PRED), grey(TRUTH), suffix) == right


@pytest.mark.parametrize("suffix", [".png", ".bmp", ".tif"])
def test_palettes_that_contradict_each_other_are_refused_and_the_way_is_right(
    tmp_path: Path, right: dict[str, float], suffix: str
) -> None:
    mixed = COLOURS.copy()
    mixed[:4] = [[0, 0, 0], [0, 128, 0], [128, 0, 0], [9, 9, 9]]
    indices = np.array([0, 2, 1, 3])[PRED]
    message = refusal(tmp_path, paletted(indices, mixed), paletted(TRUTH), suffix=suffix)
    assert "index 1 of its palette has the colour (0, 128, 0), which is index 2 in the first truth" in message
    table = {0: "000000", 1: "800000", 2: "008000", 3: [9, 9, 9]}
    assert dice(tmp_path, paletted(indices, mixed), grey(TRUTH), suffix, colors=table) == right
    assert dice(tmp_path, grey(PRED), paletted(TRUTH), suffix) == right


@pytest.mark.parametrize("compressed", [False, True])
def test_palettes_of_tiff_are_looked_at_in_slabs_too(tmp_path: Path, compressed: bool) -> None:
    path = tmp_path / "a.tif"
    paletted(TRUTH).save(path, compression="tiff_adobe_deflate" if compressed else None)
    slabs = tiff_slabs(path)
    (part, *_) = slabs.volumes([0, *TRUTH.shape[:1]])
    for volume in (slabs.head, part):
        assert volume.palette is not None
        assert volume.palette[:4].tolist() == COLOURS[:4].tolist()


# headers that say that 0 is white


@pytest.mark.parametrize("packed", [{}, {"compression": "deflate"}, {"compression": "deflate", "rowsperstrip": 7}])
@pytest.mark.parametrize("n_pages", [1, 4])
def test_bits_of_tiff_are_read_as_they_are_shown(tmp_path: Path, packed: dict[str, Any], n_pages: int) -> None:
    path, black = tmp_path / "a.tif", np.stack([TRUTH == 0] * n_pages)
    tifffile.imwrite(path, black if n_pages > 1 else black[0], photometric="miniswhite", software="fax", **packed)
    wanted = np.squeeze(~black)
    with Image.open(path) as first:
        assert (np.array(first) == ~black[0]).all()
    slabs = tiff_slabs(path)
    parts = np.concatenate([part.array for part in slabs.volumes([0, slabs.n // 2, slabs.n])])
    volume = read_volume(path)
    assert (volume.array == wanted).all()
    assert (parts == wanted).all()
    assert volume.notes == slabs.head.notes
    assert "0 is white: white counts as 1" in volume.notes[0]


def test_larger_ids_of_tiff_are_read_as_they_are_stored_with_a_note(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "a.tif", TRUTH, photometric="miniswhite", software="fax")
    volume = read_volume(tmp_path / "a.tif")
    assert (volume.array == TRUTH).all()
    assert "0 is white: its ids are as stored" in volume.notes[0]


# greys


def jpeg(labels: np.ndarray) -> Image.Image:
    data = io.BytesIO()
    Image.fromarray(labels).save(data, format="JPEG")
    return Image.open(data)


BINARY = ((TRUTH > 0) * 255).astype(np.uint8)
SHIFTED = np.roll(BINARY, 1, axis=1)


def test_a_mask_that_went_through_jpeg_is_refused_and_the_way_is_right(tmp_path: Path) -> None:
    wanted = dice(tmp_path, grey(SHIFTED), grey(BINARY))
    message = refusal(tmp_path, jpeg(SHIFTED), grey(BINARY))
    assert "these are not class ids: they look like a mask of two values that went through JPEG" in message
    way = re.search(r"Pass --pred-kind (\w+) --labels (\d+=\w+)", message)
    assert way is not None
    assert dice(tmp_path, jpeg(SHIFTED), grey(BINARY), pred_kind=way[1], labels=way[2]) == wanted
    assert "these are not class ids" in refusal(tmp_path, jpeg(SHIFTED), grey(BINARY), labels="255=fg")


def test_a_truth_that_went_through_jpeg_is_refused_and_the_way_is_right(tmp_path: Path) -> None:
    for labels in (None, "255=fg"):
        message = refusal(tmp_path, grey(SHIFTED), jpeg(BINARY), labels=labels)
        assert "Threshold it at half its range, and save it as PNG" in message
        assert "--pred-kind" not in message
    mended = grey((np.array(jpeg(BINARY)) > 127) * 255)
    assert dice(tmp_path, grey(SHIFTED), mended) == dice(tmp_path, grey(SHIFTED), grey(BINARY))


def test_a_map_saved_as_greys_is_refused_and_the_way_is_right(tmp_path: Path) -> None:
    x, y = np.meshgrid(np.linspace(-1, 1, 64), np.linspace(-1, 1, 64))
    levels = (255 * np.exp(-2 * (x**2 + y**2))).astype(np.uint8)
    truth = (x**2 + y**2 < 0.3).astype(np.uint8)
    message = refusal(tmp_path, grey(levels), grey(truth))
    assert "they look like the grey levels of one map. Pass --pred-kind probs to cut it at one half" in message
    assert dice(tmp_path, grey(levels), grey(truth), pred_kind="probs") == dice(
        tmp_path, grey(levels >= 127.5), grey(truth)
    )


def test_many_classes_are_no_greys(tmp_path: Path) -> None:
    rng = np.random.default_rng(2)
    blocks = np.kron(rng.integers(0, 151, (12, 12)), np.ones((5, 5), int)).astype(np.uint8)
    dice(tmp_path, grey(np.roll(blocks, 1, axis=0)), grey(blocks))
    dice(tmp_path, grey(np.roll(blocks, 9, axis=0)), grey(blocks))
    void = np.where(rng.random(blocks.shape) < 0.1, 255, blocks)
    dice(tmp_path, grey(blocks), grey(void))
    one = np.where(blocks == 7, 7, 0)
    dice(tmp_path, grey(blocks), grey(one), labels=",".join(map(str, range(1, 151))))
