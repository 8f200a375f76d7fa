"""Pages and pictures replace earlier ones of ours and nothing else."""

import io

import numpy as np
import pytest
from PIL import Image

from segeval.errors import ConfigError
from segeval.files.marked import write_marked


def png() -> bytes:
    stored = io.BytesIO()
    Image.fromarray(np.arange(64, dtype=np.uint8).reshape(8, 8)).save(stored, format="PNG")
    return stored.getvalue()


CONTENTS = {"a.png": png(), "a.svg": b"<svg></svg>\n", "a.html": b"<!DOCTYPE html>\n", "a.pdf": b"%PDF-1.4\n%%EOF\n"}


@pytest.mark.parametrize("name", list(CONTENTS))
def test_ours_is_replaced_and_a_users_file_is_not(tmp_path, name):
    path = tmp_path / name
    write_marked(path, CONTENTS[name])
    first = path.read_bytes()
    write_marked(path, CONTENTS[name])
    assert path.read_bytes() == first
    path.write_bytes(CONTENTS[name])
    with pytest.raises(ConfigError, match="is there already, and segeval did not make it"):
        write_marked(path, CONTENTS[name])
    assert path.read_bytes() == CONTENTS[name]
    assert [file.name for file in tmp_path.iterdir()] == [name]


def test_a_link_is_not_followed(tmp_path):
    (tmp_path / "mine.png").write_bytes(b"kept, made by segeval or not")
    (tmp_path / "a.png").symlink_to(tmp_path / "mine.png")
    with pytest.raises(ConfigError, match="is there already"):
        write_marked(tmp_path / "a.png", png())
    assert (tmp_path / "mine.png").read_bytes().startswith(b"kept")


def test_a_marked_picture_is_still_the_picture(tmp_path):
    write_marked(tmp_path / "a.png", png())
    with Image.open(tmp_path / "a.png") as image:
        image.load()
        assert image.info["Comment"] == "made by segeval"
        assert np.array_equal(np.array(image), np.arange(64, dtype=np.uint8).reshape(8, 8))
