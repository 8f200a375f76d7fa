"""DICOM files: what they are by their headers, and their data sets read with the extra `dicom`."""

import threading
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from segeval.errors import ConfigError, DataError
from segeval.files.paths import printable

SEGMENTATIONS = ("1.2.840.10008.5.1.4.1.1.66.4", "1.2.840.10008.5.1.4.1.1.66.7")  # of bits or bytes; of labels
STRUCTURES = "1.2.840.10008.5.1.4.1.1.481.3"
# value types whose lengths take four bytes
_LONG = (b"OB", b"OD", b"OF", b"OL", b"OV", b"OW", b"SQ", b"SV", b"UC", b"UN", b"UR", b"UT", b"UV")
_MARKS = b"\xfe\xff"
_ITEM, _END_OF_ITEM, _END_OF_ITEMS = (_MARKS + mark for mark in (b"\x00\xe0", b"\x0d\xe0", b"\xdd\xe0"))
_OPEN = 0xFFFFFFFF
_DEEPEST = 40
_ALONE = threading.RLock()  # filters of warnings are those of all threads
_SOP_CLASS, _TRANSFER_SYNTAX = b"\x02\x00", b"\x10\x00"
_IMPLICIT = "1.2.840.10008.1.2"
_UNUSUAL = {"1.2.840.10008.1.2.2": "big endian", "1.2.840.10008.1.2.1.99": "deflated"}
_META = 2048  # bytes, more than any header before the data set


def sop_class(path: Path) -> str:
    """What kind of object a file says it is; "" of one that is no DICOM file."""
    try:
        with path.open("rb") as file:
            return _meta(file.read(_META))[0].get(_SOP_CLASS, "")
    except OSError:
        return ""


def _meta(head: bytes) -> tuple[dict[bytes, str], int]:
    """The texts of the first group of elements, by tag, and where it ends.

    It is in one encoding for all files (part 10, section 7.1), so a folder of thousands of slices is told apart
    without a library.
    """
    at, found = 132, {}
    if head[128:at] != b"DICM":
        return {}, 0
    while head[at : at + 2] == b"\x02\x00":
        is_long = head[at + 4 : at + 6] in _LONG
        start = at + (12 if is_long else 8)
        size = int.from_bytes(head[at + (8 if is_long else 6) : start], "little")
        found[head[at + 2 : at + 4]] = head[start : start + size].decode("ascii", "replace").rstrip("\0 ")
        at = start + size
    return found, at


def _refuse_cut(path: Path) -> None:
    """Refuse a file that ends within an element.

    Raises:
        DataError: it does, or is in an encoding that has gone out of use.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise DataError(f"{printable(path)}: cannot be read ({error.strerror}). Mend its permissions.") from error
    found, start = _meta(data)
    syntax = found.get(_TRANSFER_SYNTAX, "")
    if syntax in _UNUSUAL:
        raise DataError(f"{printable(path)}: is in the encoding {_UNUSUAL[syntax]}. Save it in explicit little endian.")
    if not _is_whole(data, start=start, explicit=syntax != _IMPLICIT):
        raise DataError(f"{printable(path)}: ends within an element, so a part of it is lost. Copy it again.")


def is_dicom_mask(path: Path) -> bool:
    """Whether a file is a DICOM object that holds masks."""
    return sop_class(path) in (*SEGMENTATIONS, STRUCTURES)


def read_dataset(path: Path, *, tags: list[str] | None = None, pixels: bool = True) -> Any:
    """The data set of a file, or some of its elements.

    Raises:
        ConfigError: the extra is not installed.
        DataError: the file is damaged.
    """
    try:
        import highdicom  # noqa: F401  (both come with the extra, so that one message tells of both)
        import pydicom
    except ImportError as error:
        raise ConfigError(
            f"{printable(path)}: DICOM files need pydicom and highdicom. Run `pip install 'segeval-masks[dicom]'`."
        ) from error
    if pixels:
        _refuse_cut(path)
    with refusing_damage(path):
        return pydicom.dcmread(path, specific_tags=tags, stop_before_pixels=not pixels)


class refusing_damage:  # noqa: N801  (reads as a clause: with refusing_damage(path))
    """Whatever the libraries raise is one clear error; what they warn of does not touch masks, and is kept back."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __enter__(self) -> None:
        _ALONE.acquire()
        self.kept_back = warnings.catch_warnings()
        self.kept_back.__enter__()
        warnings.simplefilter("ignore")

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        self.kept_back.__exit__(None, None, None)
        _ALONE.release()
        if isinstance(error, Exception) and not isinstance(error, DataError | ConfigError | MemoryError):
            said = printable(str(error).splitlines()[0][:120]) if str(error) else type(error).__name__
            raise DataError(
                f"{printable(self.path)}: cannot be read as DICOM ({said}). "
                "Export it again from where it was made, or copy it again."
            ) from error


def _is_whole(data: bytes, *, start: int, explicit: bool) -> bool:
    """Whether the elements from `start` on end where the file does, in little endian.

    Libraries take a cut sequence for a shorter one, and so lose contours. A data set is a row of elements: a tag of
    four bytes, in most encodings two letters for the type, a length, a value. A length of all ones means that items
    follow, up to a mark for their end; an item is a data set of its own, again with a length or up to a mark (part 5,
    section 7).

    Args:
        explicit: whether elements name their types.
    """
    try:
        return _Elements(data=data, explicit=explicit).end_of_set(start, depth=0) == len(data)
    except (ValueError, IndexError):
        return False


@dataclass(frozen=True, kw_only=True)
class _Elements:
    data: bytes
    explicit: bool

    def end_of_set(self, at: int, *, depth: int) -> int:
        """Where a data set ends: at the mark of an item without a length, or where the file does."""
        if depth > _DEEPEST:
            raise ValueError("too deep")
        while at < len(self.data):
            tag, length, at = self._header(at, explicit=self.explicit)
            if tag == _END_OF_ITEM and depth:
                return at
            at = self._end_of_items(at, depth=depth) if length == _OPEN else at + length
        if depth or at > len(self.data):
            raise ValueError("cut")
        return at

    def _end_of_items(self, at: int, *, depth: int) -> int:
        while True:
            tag, length, at = self._header(at, explicit=False)
            if tag == _END_OF_ITEMS:
                return at
            if tag != _ITEM:
                raise ValueError("no item")
            at = self.end_of_set(at, depth=depth + 1) if length == _OPEN else at + length

    def _header(self, at: int, *, explicit: bool) -> tuple[bytes, int, int]:
        """Tag and length of the element at a place, and where its value begins."""
        tag = self.data[at : at + 4]
        after = at + 8
        field = self.data[at + 4 : after]
        if explicit and tag[:2] != _MARKS:
            if field[:2] in _LONG:
                after = at + 12
                field = self.data[at + 8 : after]
            else:
                field = field[2:]
        if after > len(self.data):
            raise ValueError("cut")
        return tag, int.from_bytes(field, "little"), after
