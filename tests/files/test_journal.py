"""The journal: whatever a kill leaves of its last line, the lines before are whole."""

from pathlib import Path

import pytest

from segeval.files.journal import Journal


def journal_of(path: Path) -> Journal:
    journal = Journal.start(path, {"plan": 1})
    for name in ("a", "b", "a"):
        journal.add(name, [name, len(path.read_bytes())])
    return journal


def test_the_later_of_two_records_counts(tmp_path: Path) -> None:
    journal_of(tmp_path / "journal")
    found = Journal.read(tmp_path / "journal")
    assert found.header == {"plan": 1}
    assert list(found.places) == ["a", "b"]
    assert found.get("a")[1] > found.get("b")[1]
    assert found.get("c") is None


def test_a_journal_that_is_cut_off_anywhere_gives_its_whole_lines_and_can_be_gone_on_with(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    journal_of(path)
    whole = path.read_bytes()
    ends = [i for i, byte in enumerate(whole, start=1) if byte == ord("\n")]
    for size in range(len(whole)):
        path.write_bytes(whole[:size])
        n_lines = sum(end - 1 <= size for end in ends)  # the line end itself may be lacking
        found = Journal.read(path)
        assert (found.header is not None) == (n_lines > 0)
        assert len(found.places) == min(max(n_lines - 1, 0), 2)
        found.add("new", size)
        again = Journal.read(path)
        assert again.get("new") == size
        assert {name: again.get(name) for name in found.places} == {name: found.get(name) for name in found.places}


@pytest.mark.parametrize("at", [0, 20, -5])
def test_a_line_with_a_wrong_bit_was_never_written(tmp_path: Path, at: int) -> None:
    path = tmp_path / "journal"
    Journal.start(path, None).add("a", "x" * 20)
    data = bytearray(path.read_bytes())
    start = data.index(b"\n") + 1
    data[start + at if at >= 0 else at] ^= 1
    path.write_bytes(data)
    assert not Journal.read(path).places
