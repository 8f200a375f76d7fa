"""Pictures of sweeps."""

import re
from pathlib import Path

import numpy as np
import pytest
from matplotlib.axes import Axes
from PIL import Image

from segeval.errors import ConfigError
from segeval.options import SweepOptions
from segeval.verbs.sweep.curves import focal_curve, sweep_focal_cdf
from segeval.verbs.sweep.draw import draw_pictures
from segeval.verbs.sweep.maps.tversky import sweep_tversky_maps
from segeval.verbs.sweep.table import Series, SweepPicture
from tests.sweep_maps import B, class_maps, random_map

TABLE = sweep_tversky_maps([class_maps(*(random_map(seed) for seed in range(3)))], SweepOptions())


def test_every_picture_is_an_svg_and_a_png(tmp_path: Path) -> None:
    files = draw_pictures(TABLE.pictures, tmp_path / "figures")
    assert [one.name for one in files] == [
        "tradeoff.svg",
        "tradeoff.png",
        "precision_recall.svg",
        "precision_recall.png",
    ]
    for one in files:
        assert one.stat().st_size > 1000
    with Image.open(files[1]) as image:
        assert image.width > 600


def test_the_same_picture_has_the_same_bytes_and_no_date(tmp_path: Path) -> None:
    first, again = (draw_pictures(TABLE.pictures, tmp_path / name) for name in ("a", "b"))
    for one, other in zip(first, again, strict=True):
        assert one.read_bytes() == other.read_bytes()
    assert not re.search(r"dc:date|20\d\d-", first[0].read_text())


def test_lines_differ_in_grey_and_in_their_dashes(tmp_path: Path) -> None:
    lines = tuple(Series(name=f"line {i}", x=[0, 1], y=[i, i]) for i in range(6))
    (svg, _) = draw_pictures([SweepPicture(name="a", title="", x_label="", y_label="", series=lines)], tmp_path)
    styles = set(re.findall(r'style="fill: none; (stroke[^"]*stroke-width: 1\.6[^"]*)"', svg.read_text()))
    dashes = {re.sub(r"stroke: #\w+", "", one) for one in styles}
    colours = {re.search(r"#\w+", one)[0] if "#" in one else "#000000" for one in styles}  # type: ignore[index]
    assert len(dashes) >= 6
    lightness = sorted(np.dot([int(c[i : i + 2], 16) for i in (1, 3, 5)], [0.3, 0.59, 0.11]) for c in colours)
    assert min(np.diff(lightness)) > 4


def test_undefined_points_leave_a_gap_and_no_picture_fails(tmp_path: Path) -> None:
    empty = class_maps((B[0], np.zeros(8, dtype=bool)))
    for table in (
        sweep_tversky_maps([empty], SweepOptions()),
        sweep_focal_cdf([empty], SweepOptions()),
        focal_curve(SweepOptions()),
    ):
        assert draw_pictures(table.pictures, tmp_path)


def test_a_curve_is_drawn_with_few_points_however_many_voxels() -> None:
    picture = next(one for one in TABLE.pictures if one.name == "precision_recall")
    assert len(picture.series[0].x) <= 401


def test_every_setting_is_labelled_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    prices = ",".join(f"{i / 20:g}" for i in range(1, 20))
    table = sweep_tversky_maps(
        [class_maps(random_map(7, n=60), random_map(8, n=60))], SweepOptions(grid=(f"beta={prices}",), sum_to_one=True)
    )
    picture = next(picture for picture in table.pictures if picture.name == "precision_recall")
    written: list[str] = []
    monkeypatch.setattr(Axes, "annotate", lambda axes, text, *args, **how: written.append(text))
    draw_pictures([picture], tmp_path)
    settings = [f"{row['alpha_fp']:g}/{row['beta_fn']:g}" for row in table.rows]
    assert sorted(one for text in written for one in text.partition(": ")[2].split(", ")) == sorted(settings)
    assert len(written) == len({row["threshold"] for row in table.rows}) < len(settings)


def test_a_setting_that_predicts_nothing_is_named_below() -> None:
    misleading = class_maps((np.array([0.9, 0.8, 0.1]), np.array([False, False, True])))
    grid = ("alpha=0.9", "beta=0.1")
    table = sweep_tversky_maps([misleading], SweepOptions(grid=grid, threshold_by="youden"))
    picture = next(picture for picture in table.pictures if picture.name == "precision_recall")
    assert table.rows[0]["threshold"] == np.inf
    assert "without a point: 0.9/0.1 of lesion." in picture.caption


def test_a_folder_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match="cannot be written here"):
        draw_pictures(TABLE.pictures, tmp_path / "file")
