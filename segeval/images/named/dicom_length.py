"""Whether a DICOM file is there to its end. Libraries take a cut sequence for a shorter one, and so lose contours.

A data set is a row of elements: a tag of four bytes, in most encodings two letters for the type, a length, a value.
A length of all ones means that items follow, up to a mark for their end; an item is a data set of its own, again with
a length or up to a mark (part 5, section 7).
"""

from dataclasses import dataclass

_LONG = (b"OB", b"OD", b"OF", b"OL", b"OV", b"OW", b"SQ", b"SV", b"UC", b"UN", b"UR", b"UT", b"UV")
_MARKS = b"\xfe\xff"
_ITEM, _END_OF_ITEM, _END_OF_ITEMS = (_MARKS + mark for mark in (b"\x00\xe0", b"\x0d\xe0", b"\xdd\xe0"))
_OPEN = 0xFFFFFFFF
_DEEPEST = 40


def is_whole(data: bytes, *, start: int, explicit: bool) -> bool:
    """Whether the elements from `start` on end where the file does, in little endian.

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
