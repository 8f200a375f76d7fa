"""A folder with several bad files is told in one go, and its good files are scored on request."""

from pathlib import Path

import numpy as np
import pytest

import segeval
from segeval.errors import DataError

MASK = np.eye(6, dtype=np.uint8)


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    for side in ("pred", "truth"):
        (tmp_path / side).mkdir()
        for i in range(20):
            np.save(tmp_path / side / f"{i:02}.npy", MASK)
    return tmp_path / "pred", tmp_path / "truth"


@pytest.mark.parametrize("n", [1, 3, 15])
@pytest.mark.parametrize("workers", [1, 2])
def test_damaged_files_are_listed_together_up_to_ten(folders: tuple[Path, Path], n: int, workers: int) -> None:
    for i in range(n):
        (folders[i % 2] / f"{i:02}.npy").write_bytes(b"damaged")
    with pytest.raises(DataError) as caught:
        segeval.score(*folders, measures=["dice"], workers=workers)
    lines = [line for line in str(caught.value).splitlines() if ".npy: " in line]
    assert len(lines) == min(n, 10)
    assert [Path(line.partition(":")[0]).name for line in lines] == [f"{i:02}.npy" for i in range(len(lines))]
    assert "--keep-going" in str(caught.value)
    found = segeval.score(*folders, measures=["dice"], keep_going=True)
    assert [row.status for row in found.case_rows] == ["failed"] * n + ["ok"] * (20 - n)


def test_duplicates_and_odd_files_fail_alone(folders: tuple[Path, Path]) -> None:
    np.savez(folders[1] / "03.npz", MASK)
    (folders[1] / "04.NPY").write_bytes((folders[1] / "04.npy").read_bytes())
    np.save(folders[0] / "07.npy", MASK * np.float32(0.4))
    found = segeval.score(*folders, measures=["dice"], keep_going=True)
    problems = {row.case_id: row.problem for row in found.case_rows if row.status == "failed"}
    assert problems.keys() == {"04", "07"}  # an .npz beside a mask is passed over
    assert "both belong to case '04'" in problems["04"]
    assert "holds probabilities" in problems["07"]
    with pytest.raises(DataError, match="both belong to case '04'"):
        segeval.score(*folders, measures=["dice"])
