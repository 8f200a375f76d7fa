"""Masks whose classes are colours: tables of colours, and palettes that agree in their colours only."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from segeval.errors import ConfigError, DataError, did_you_mean
from segeval.files.paths import printable, suggestion
from segeval.images.labels.labelsets import LABEL_SETS
from segeval.images.readers.volumes import Volume

_FORM = "Write one colour per id: {1: [255, 0, 0], 2: [0, 128, 255]}."

# Colours of labelIds, from the label table of Cordts et al. 2016, arXiv:1604.01685. Black is all that has no colour of
# its own (0 to 4); pole groups (18) share the grey of poles, and licence plates (-1) the blue of cars.
_CITYSCAPES = """
0 000000 5 6f4a00 6 510051 7 804080 8 f423e8 9 faaaa0 10 e6968c 11 464646 12 66669c 13 be9999 14 b4a5b4 15 966464
16 96785a 17 999999 19 faaa1e 20 dcdc00 21 6b8e23 22 98fb98 23 4682b4 24 dc143c 25 ff0000 26 00008e 27 000046
28 003c64 29 00005a 30 00006e 31 005064 32 0000e6 33 770b20
"""

_CITYSCAPES_SHARED = {
    0x999999: "poles and pole groups have one colour, which was read as pole",
    0x00008E: "cars and licence plates have one colour, which was read as car",
}

# Colours of ids 1 to 150 as tools draw them: Zhou et al. 2017, doi:10.1109/CVPR.2017.544. Two of them are alike.
_ADE20K = (
    "787878b4787806e6e650323204c8037878508c8c8ccc05ffe6e6e604fa07e005ffebff0796053d78784608ff33ff06528fff8c"
    "ccff04ff3307cc46030066c83de6faff06330b66ffff0747ff09e00907e6dcdcdcff095c7009ff08ffd607ffe0ffb8060aff47"
    "ff290a07ffffe0ff086608ffff3d06ffc207ff7a0800ff14ff0829ff05990633ffeb0cffa0961400a3ff8c8c8cfa0a0f14ff00"
    "1fff00ff1f00ffe00099ff000000ffff470000ebff00adff1f00ff0bc8c8ff520000fff5003dff00ff7000ff85ff0000ffa300"
    "ff6600c2ff00008fff33ff000052ff00ff2900ffad0a00ffadff0000ff99ff5c00ff00ffff00f5ff0066ffad00ff0014ffb8b8"
    "001fff00ff3d0047ffff00cc00ffc200ff52000aff0070ff3300ff00c2ff007aff00ffa3ff990000ff0aff70008fff005200ff"
    "a3ff00ffeb0008b8aa8500ff00ff5cb800ffff001f00b8ff00d6ffff00705cff0000e0ff70e0ff46b8a0a300ff9900ff47ff00"
    "ff00a3ffcc00ff008f00ffeb85ff00ff00ebf500ffff007afff5000abed4d6ff0000ccff1400ffffff000099ff0029ff00ffcc"
    "2900ff29ff00ad00ff00f5ff4700ff7a00ff00ffb8005cffb8ff000085ffffd60019c2c266ff005c00ff"
)


@dataclass(frozen=True, kw_only=True)
class ColorTable:
    """What each colour means; a colour of several ids means none, unless `shared` says which one is taken."""

    ids: Mapping[int, tuple[int, ...]]  # by 0xRRGGBB
    shared: Mapping[int, str] = field(default_factory=dict)

    def ids_of(self, colours: np.ndarray, path: Path) -> np.ndarray:
        """The ids of different colours, each 0xRRGGBB.

        Raises:
            DataError: a colour is not in the table, or stands for several ids.
        """
        unknown = [colour for colour in colours.tolist() if colour not in self.ids]
        if unknown:
            some = ", ".join(map(_text, unknown[:5]))
            raise DataError(
                f"{printable(path)}: holds {len(unknown)} colours that --colors does not list, such as {some}. "
                "Add them to the table; if they lie between the others, the image was resampled or compressed."
            )
        for colour in colours.tolist():
            if len(self.ids[colour]) > 1:
                ids = " and ".join(map(str, self.ids[colour]))
                said = f"colour {_text(colour)} stands for ids {ids} alike"
                raise DataError(f"{printable(path)}: {said}. Save the ids as grey values.")
        return np.array([self.ids[colour][0] for colour in colours.tolist()], dtype=np.int64)


def read_color_table(source: str | Path | Mapping[Any, Any] | None, *, labels: object = None) -> ColorTable | None:
    """Turn `--colors` into a table.

    Args:
        source: `cityscapes`, `voc`, `ade20k`, a YAML or JSON file, or {1: [255, 0, 0]}; None gives none.
        labels: what `--labels` says: beside `cityscapes-train` the colours of `cityscapes` are trainIds.

    Raises:
        ConfigError: the file cannot be read, or has another form.
    """
    if source is None:
        return None
    if isinstance(source, Mapping):
        return _table(source, "--colors")
    if str(source) in _KNOWN:
        table = _KNOWN[str(source)]()
        return _of_training(table, str(source)) if str(labels) == f"{source}-train" else table
    path = Path(source)
    if not path.is_file():
        hint = did_you_mean(str(source), _KNOWN) or suggestion(path)
        raise ConfigError(f"--colors {printable(path)}: no such file.{hint} Known are {', '.join(_KNOWN)}. {_FORM}")
    from segeval.files.yaml_files import read_yaml

    data = read_yaml(path).data
    if not isinstance(data, Mapping):
        raise ConfigError(f"{printable(path)}: holds no table of colours. {_FORM}")
    return _table(data, printable(path))


def with_ids_of_colours(volume: Volume, table: ColorTable) -> Volume:
    """A coloured picture, or one with a palette, as the ids of its colours; grey values are ids already.

    Raises:
        DataError: a colour is not in the table, or stands for several ids.
    """
    if volume.is_rgb:
        colours, at = np.unique(_packed(volume.array), return_inverse=True)
        array = table.ids_of(colours, volume.path)[at.reshape(volume.array.shape[:2])]
        _refuse_transparent_classes(volume, array)
        return replace(volume, array=array, is_rgb=False, white=None, notes=_with_doubts(volume, table, colours))
    if volume.palette is None:
        return volume
    used = np.unique(volume.array)
    colours = _packed(volume.palette)[used]
    lookup = np.zeros(256, dtype=np.int64)
    lookup[used] = table.ids_of(colours, volume.path)
    return replace(volume, array=lookup[volume.array], palette=None, notes=_with_doubts(volume, table, colours))


def _refuse_transparent_classes(volume: Volume, ids: np.ndarray) -> None:
    """Stop where some pixels are transparent and have the colour of a class all the same; black is left of nothing.

    Raises:
        DataError: so it is.
    """
    if volume.array.shape[-1] < 4:
        return
    hidden = (volume.array[..., 3] == 0) & (ids != 0) & volume.array[..., :3].any(axis=-1)
    if hidden.any() and volume.array[..., 3].any():
        colour = _text(int(_packed(volume.array[hidden][0])))
        raise DataError(
            f"{printable(volume.path)}: {int(hidden.sum())} of its pixels are transparent and have the colour of a "
            f"class, such as {colour}, so nobody knows whether they are of it. Save the mask without transparency."
        )


def _with_doubts(volume: Volume, table: ColorTable, colours: np.ndarray) -> tuple[str, ...]:
    shared = [table.shared[colour] for colour in colours.tolist() if colour in table.shared]
    return (*volume.notes, *shared)


def matched_palette(volume: Volume, reference: np.ndarray | None) -> Volume:
    """A palette image with the indices of another palette, where the same colours stand at other places.

    Args:
        reference: colours of the first truth that has a palette, (index, 3); palettes that share no colours with it
            are only for show.

    Raises:
        DataError: some colours stand at other places, and others are not in the reference at all, or are those of
            several indices, which nobody can tell apart by them.
    """
    if volume.palette is None or reference is None:
        return volume
    theirs = _packed(reference).tolist()
    place_of = {colour: index for index, colour in reversed([*enumerate(theirs)])}
    used = np.unique(volume.array).tolist()
    colours = _packed(volume.palette)[used].tolist()
    places = [
        index if theirs[index : index + 1] == [colour] else place_of.get(colour, -1)
        for index, colour in zip(used, colours, strict=True)
    ]
    moved = [i for i, place in enumerate(places) if place not in (-1, used[i]) and colours.count(colours[i]) == 1]
    if not moved:
        return volume
    are_shared = len({*colours}) < len(colours) or any(places[i] and theirs.count(colours[i]) > 1 for i in moved)
    if -1 in places or are_shared:
        first = moved[0]
        others = "several indices have one colour" if are_shared else "other colours are not there at all"
        raise DataError(
            f"{printable(volume.path)}: index {used[first]} of its palette has the colour {_text(colours[first])}, "
            f"which is index {places[first]} in the first truth, and {others}. "
            f"Save the ids as grey values{'' if are_shared else ', or list all colours with --colors'}."
        )
    lookup = np.zeros(256, dtype=np.uint8)
    lookup[used] = places
    note = "indices of its palette were matched to those of the first truth by their colours"
    return replace(volume, array=lookup[volume.array], palette=reference, notes=(*volume.notes, note))


def _table(colours: Mapping[Any, Any], source: str) -> ColorTable:
    ids: dict[int, tuple[int, ...]] = {}
    for label, colour in colours.items():
        try:
            packed, number = _packed_from(colour), int(label)
        except (TypeError, ValueError) as error:
            raise ConfigError(f"{source}: {label!r}: {colour!r} is no colour of an id. {_FORM}") from error
        ids[packed] = (*ids.get(packed, ()), number)
    return ColorTable(ids=ids)


def _packed_from(colour: Any) -> int:
    if isinstance(colour, str):
        digits = colour.removeprefix("#")
        if len(digits) != 6:
            raise ValueError(colour)
        return int(digits, 16)
    red, green, blue = (int(part) for part in colour)
    if not all(0 <= part <= 255 for part in (red, green, blue)):
        raise ValueError(colour)
    return red << 16 | green << 8 | blue


def _packed(colours: np.ndarray) -> np.ndarray:
    """0xRRGGBB of colours in the last axis."""
    wide = colours.astype(np.int64)
    return np.asarray(wide[..., 0] << 16 | wide[..., 1] << 8 | wide[..., 2])


def _text(colour: int) -> str:
    return f"({colour >> 16}, {colour >> 8 & 255}, {colour & 255})"


def _cityscapes() -> ColorTable:
    words = _CITYSCAPES.split()
    ids = {int(colour, 16): (int(label),) for label, colour in zip(words[::2], words[1::2], strict=True)}
    return ColorTable(ids=ids, shared=_CITYSCAPES_SHARED)


def _voc() -> ColorTable:
    """Bits of the id, spread over the high bits of the three colours: the map of the VOC development kit."""
    ids = {}
    for label in (*range(21), 255):
        red, green, blue = (
            sum((label >> 3 * bit + channel & 1) << 7 - bit for bit in range(8)) for channel in range(3)
        )
        ids[red << 16 | green << 8 | blue] = (label,)
    return ColorTable(ids=ids)


def _of_training(table: ColorTable, name: str) -> ColorTable:
    """The ids that a training numbers the classes of a data set by; what is no class of it is ignored."""
    known, trained = (LABEL_SETS[each].classes or () for each in (name, f"{name}-train"))
    moved = dict(zip((row.ids[0] for row in known), (row.ids[0] for row in trained), strict=True))
    (void,) = LABEL_SETS[f"{name}-train"].ignore
    ids = {colour: tuple(moved.get(label, void) for label in labels) for colour, labels in table.ids.items()}
    return replace(table, ids=ids)


def _ade20k() -> ColorTable:
    table = {i // 6 + 1: _ADE20K[i : i + 6] for i in range(0, len(_ADE20K), 6)}
    return _table({0: "000000", **table}, "ade20k")


_KNOWN = {"cityscapes": _cityscapes, "voc": _voc, "ade20k": _ade20k}
