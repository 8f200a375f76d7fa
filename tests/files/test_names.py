"""File names made of names that somebody else chose."""

from pathlib import PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from segeval.files.paths import safe_name, safe_path

ODD = st.text("ab./\\%:~ \n\u2028é", max_size=4) | st.text(max_size=300)


@pytest.mark.parametrize("name", ["case_01", "liver (left)", "alpha_fp=0.3_beta_fn=0.7_seed=1", "größe 表", "a.b"])
def test_usual_names_stay_as_they_are(name: str) -> None:
    assert safe_name(name) == name


@given(ODD, ODD)
def test_different_names_never_share_a_file(first: str, second: str) -> None:
    assert (safe_name(first) == safe_name(second)) == (first == second)
    assert (safe_path(first) == safe_path(second)) == (first == second)


@given(ODD)
def test_no_name_leaves_its_folder(name: str) -> None:
    safe = safe_name(name)
    assert safe not in ("", ".", "..")
    assert not {"/", "\\", "\0"} & {*safe}
    assert safe.isprintable()
    assert len(safe.encode()) <= 180
    path = PurePosixPath(safe_path(name))
    assert not path.is_absolute()
    assert ".." not in path.parts


def test_the_slashes_of_a_case_stay_folders() -> None:
    assert safe_path("site/patient") == "site/patient"
    assert safe_path("/data/gt/a.nii.gz") == "%/data/gt/a.nii.gz"
    assert safe_path("../../x") == "%2E%2E/%2E%2E/x"
