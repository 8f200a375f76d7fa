"""`--max-memory`: a case in slabs has the values that it has as a whole, or is refused by name."""

import math
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pytest
import tifffile
from PIL import Image

import segeval
from segeval.errors import ConfigError, DataError
from segeval.evidence.case import TiledCase
from segeval.files.memory import PROGRAM, read_size
from segeval.images.readers.volumes import even_cuts
from segeval.images.tiles import tiled_case
from segeval.results import Results

AFFINE = np.diag([1.0, 0.7, 2.0, 1.0])
LABELS = ("overlap", "losses", "nsd", "boundary_f1", "nsd(tolerance_mm=3,surface=voxel,edge=none)", "boundary_iou")


def smooth(shape: tuple[int, ...], seed: int) -> np.ndarray:
    """Noise without sharp edges: what gives classes of some thickness."""
    found = np.random.default_rng(seed).normal(size=shape).astype(np.float32)
    for axis in range(len(shape)):
        for _ in range(4):
            found = found + np.roll(found, 1, axis) + np.roll(found, -1, axis)
    return found / found.std()


def scores(shape: tuple[int, ...]) -> np.ndarray:
    """A score of each of four classes, classes last."""
    return np.stack([smooth(shape, seed) for seed in range(4)], axis=-1)


def labels_of(raw: np.ndarray) -> np.ndarray:
    return raw.argmax(axis=-1).astype(np.uint8)


def noisy(raw: np.ndarray) -> np.ndarray:
    """The scores of a network that is right most of the time."""
    return (4 * raw + np.random.default_rng(9).normal(size=raw.shape)).astype(np.float32)


def softmax(raw: np.ndarray) -> np.ndarray:
    found = np.exp(raw - raw.max(axis=-1, keepdims=True))
    return (found / found.sum(axis=-1, keepdims=True)).astype(np.float32)


def write(path: Path, array: np.ndarray, affine: np.ndarray = AFFINE) -> Path:
    path.parent.mkdir(exist_ok=True)
    match path.suffix:
        case ".png":
            Image.fromarray(array).save(path)
        case ".npy":
            np.save(path, array)
        case ".tif":
            tifffile.imwrite(path, array, compression="zlib", rowsperstrip=5)
        case _:
            nibabel.save(nibabel.Nifti1Image(array, affine), path)
    return path


@pytest.fixture
def n_tiles(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many slabs were read in each pass over a case."""
    passes: list[int] = []

    def counted(*args: Any) -> TiledCase | None:
        case = tiled_case(*args)
        if case is None:
            return None

        def tiles(halo: int, thinner: int) -> Iterator[Any]:
            passes.append(0)
            for tile in case.tiles(halo, thinner):
                passes[-1] += 1
                yield tile

        return TiledCase(**{**vars(case), "tiles": tiles})

    monkeypatch.setattr("segeval.verbs.running.scored.tiled_case", counted)
    return passes


def scored(pred: Path | None, truth: Path, measures: tuple[str, ...], **options: Any) -> Results:
    return segeval.score(pred, truth, measures=measures, bootstrap=0, workers=1, **options)


def agree(left: float, right: float, tolerance: float) -> bool:
    return left == right or (math.isnan(left) and math.isnan(right)) or abs(left - right) <= tolerance * abs(left)


def hold_equal(whole: Results, tiled: Results, tolerance: float = 1e-12) -> None:
    """All counts are the same, and all values of classes, cases and all cases together."""
    for mine, other in zip(whole.class_rows, tiled.class_rows, strict=True):
        facts = [(row.of, row.status, row.tp, row.fp, row.fn, row.tn) for row in (mine, other)]
        assert facts[0] == facts[1]
        assert {c for c, value in mine.values.items() if not agree(value, other.values[c], tolerance)} == set()
    for mine, other in zip(whole.case_rows, tiled.case_rows, strict=True):
        assert {c for c, value in mine.values.items() if not agree(value, other.values[c], tolerance)} == set()
        for fact in ("shape", "spacing_mm", "probability_source", "approx", "notes", "status"):
            assert getattr(mine, fact) == getattr(other, fact)
    for one, same in zip(whole.summary, tiled.summary, strict=True):
        assert agree(one.pooled, same.pooled, tolerance), one.column
    assert (whole.confusion is None) == (tiled.confusion is None)
    if whole.confusion is not None and tiled.confusion is not None:
        assert np.array_equal(whole.confusion.n, tiled.confusion.n)


def compare(pred: Path | None, truth: Path, measures: tuple[str, ...], room: int, **options: Any) -> Results:
    whole = scored(pred, truth, measures, **options)
    tiled = scored(pred, truth, measures, max_memory=PROGRAM + room, **options)
    hold_equal(whole, tiled)
    return tiled


@pytest.mark.parametrize("suffix", [".png", ".tif", ".npy", ".nii.gz"])
def test_labels_in_slabs_have_the_values_of_the_whole(tmp_path: Path, n_tiles: list[int], suffix: str) -> None:
    raw = scores((37, 26, 41) if suffix == ".nii.gz" else (211, 190))  # primes, so that the last slab is ragged
    truth, pred = write(tmp_path / f"t{suffix}", labels_of(raw)), write(tmp_path / f"p{suffix}", labels_of(noisy(raw)))
    compare(pred, truth, LABELS, room=300_000)
    assert n_tiles[0] > 2


def test_counts_and_losses_of_labels_are_the_same_to_the_last_bit(tmp_path: Path, n_tiles: list[int]) -> None:
    raw = scores((37, 26, 41))
    truth, pred = write(tmp_path / "t.nii", labels_of(raw)), write(tmp_path / "p.nii", labels_of(noisy(raw)))
    measures = ("overlap", "losses")
    hold_equal(scored(pred, truth, measures), scored(pred, truth, measures, max_memory=PROGRAM + 30_000), tolerance=0)
    assert n_tiles[0] > 8


def test_a_label_that_is_cut_counts_once(tmp_path: Path, n_tiles: list[int]) -> None:
    truth, pred = np.zeros((40, 50), np.uint8), np.zeros((40, 50), np.uint8)
    truth[5:35, 10:20] = 1
    pred[6:36, 10:20] = 1
    found = compare(write(tmp_path / "p.png", pred), write(tmp_path / "t.png", truth), LABELS, room=2 * 50 * 8 * 4 * 3)
    assert n_tiles == [7]
    (row,) = found.class_rows
    assert (row.tp, row.fp, row.fn, row.tn) == (290, 10, 10, 1690)
    assert row.values["dice"] == pytest.approx(580 / 600)
    assert row.values["nsd(tolerance_mm=1)"] == 1.0  # one pixel apart is within the tolerance, across every cut


def test_a_class_whose_surface_is_met_by_another_slab_keeps_its_corners(tmp_path: Path) -> None:
    truth = np.zeros((24, 30), np.uint8)
    pred = truth.copy()
    for row in range(2, 22, 3):  # thin lines, one class each, so that many end where a slab ends
        truth[row, 3:25], pred[row, 5:27] = row, row
    files = write(tmp_path / "p.png", pred), write(tmp_path / "t.png", truth)
    for rows in (4, 5, 6):
        compare(*files, ("nsd", "boundary_f1"), room=rows * 4 * 30 * 8)


def test_ignored_voxels_regions_and_background_are_as_in_the_whole(tmp_path: Path) -> None:
    raw = scores((37, 26, 41))
    truth, pred = write(tmp_path / "t.nii.gz", labels_of(raw)), write(tmp_path / "p.nii.gz", labels_of(noisy(raw)))
    compare(pred, truth, LABELS, room=200_000, ignore_label=(2,))
    compare(pred, truth, LABELS, room=120_000, labels="1=a,3=b", regions="both=1+3", include_background=True)
    compare(pred, truth, ("overlap", "volume_pred_ml"), room=120_000, pred_ids="1=2,2=1")


def test_a_missing_prediction_is_background_in_slabs_too(tmp_path: Path) -> None:
    raw = scores((37, 26, 41))
    write(tmp_path / "t" / "a.nii.gz", labels_of(raw))
    write(tmp_path / "t" / "b.nii.gz", labels_of(raw))
    write(tmp_path / "p" / "b.nii.gz", labels_of(noisy(raw)))
    for missing in ("background", "worst"):
        compare(tmp_path / "p", tmp_path / "t", ("overlap", "nsd"), room=200_000, missing=missing)


def test_floats_that_are_nearly_ids_are_rounded_with_one_note(tmp_path: Path) -> None:
    raw = scores((37, 26, 41))
    off = labels_of(raw) + np.linspace(0, 9e-4, 41)
    truth, pred = write(tmp_path / "t.nii.gz", off), write(tmp_path / "p.nii.gz", labels_of(noisy(raw)).astype("f4"))
    found = compare(pred, truth, ("dice",), room=400_000)
    assert found.case_rows[0].notes == ("values were up to 0.0009 off whole numbers, and were rounded to ids",)


def test_axes_that_run_the_other_way_are_turned_unless_slabs_run_along_them(tmp_path: Path) -> None:
    raw = scores((37, 26, 41))
    turned = np.diag([-1.0, 0.7, 2.0, 1.0])
    turned[0, 3] = 36.0
    truth = write(tmp_path / "t.nii.gz", labels_of(raw))
    compare(write(tmp_path / "p.nii.gz", labels_of(noisy(raw))[::-1], turned), truth, LABELS, room=120_000)
    turned = np.diag([1.0, 0.7, -2.0, 1.0])
    turned[2, 3] = 80.0
    pred = write(tmp_path / "q.nii.gz", labels_of(noisy(raw))[:, :, ::-1], turned)
    with pytest.raises(
        DataError, match=r"in another order \(RAI, the other way round\) than those of the truth \(RAS, "
    ):
        scored(pred, truth, LABELS, max_memory=PROGRAM + 120_000)


@pytest.fixture(scope="module")
def stored_maps(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("maps")
    raw = scores((26, 24, 27))
    logits = noisy(raw)
    write(folder / "truth.nii.gz", labels_of(raw))
    write(folder / "one_truth.nii.gz", (labels_of(raw) == 1).astype(np.uint8))
    write(folder / "softmax.nii", softmax(logits))
    write(folder / "logits.nii", logits)
    write(folder / "one.nii", softmax(logits)[..., 1])
    write(folder / "sigmoids.nii", (1 / (1 + np.exp(-logits[..., 1:]))).astype(np.float32))
    write(folder / "double.nii", softmax(logits).astype(np.float64)[..., 1])
    np.savez(folder / "case.npz", probabilities=np.ascontiguousarray(np.transpose(softmax(logits), (3, 2, 1, 0))))
    return folder


@pytest.fixture
def maps(stored_maps: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Probabilities of more voxels than are told apart without being asked to."""
    monkeypatch.setattr("segeval.evidence.probabilities.histogram.EXACT_UP_TO", 1 << 13)
    for module in ("evidence.probabilities.scored_map", "scoring.slabs.settled_maps"):
        monkeypatch.setattr(f"segeval.{module}.FEW", 1 << 9)
    return stored_maps


ROOM = 640_000  # for slabs of a third of the maps


@pytest.mark.parametrize(
    ("pred", "options"),
    [
        ("softmax.nii", {}),
        ("softmax.nii", {"ignore_label": (7,)}),
        ("logits.nii", {"pred_kind": "logits"}),
        ("sigmoids.nii", {"labels": "1=a,2=b,3=c"}),
        ("case.npz", {}),
    ],
    ids=str,
)
def test_maps_in_slabs_have_the_values_of_the_whole(maps: Path, n_tiles: list[int], pred: str, options: dict) -> None:
    measures = ("overlap", "dice_loss", "cross_entropy_loss", "generalized_dice_loss", "lovasz_softmax_loss")
    compare(maps / pred, maps / "truth.nii.gz", (*measures, "ece", "brier", "nll"), ROOM, **options)
    assert n_tiles[0] > 2


TOLD_APART = ("overlap", "dice_loss", "auc_roc", "average_precision", "best_dice", "adaptive_ece", "brier", "ece")


@pytest.fixture(scope="module")
def crowded(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A map of more voxels than are told apart without being asked to, many of them in one bin."""
    folder, raw = tmp_path_factory.mktemp("crowded"), smooth((1060, 1010), seed=1)
    logits = 4 * (raw - 1) + smooth(raw.shape, seed=2)
    probs = np.where(np.abs(raw - 1) < 0.01, 0.3 + 1e-5 * logits, 1 / (1 + np.exp(-logits)))
    return write(folder / "p.npy", probs.astype(np.float32)), write(folder / "t.npy", (raw > 1).astype(np.uint8))


def test_voxels_that_have_to_be_told_apart_are_read_once_more(crowded: tuple[Path, Path], n_tiles: list[int]) -> None:
    found = compare(*crowded, ("auc_roc", "adaptive_ece", "brier"), room=36 << 20)
    assert n_tiles[0] > 1
    assert len(n_tiles) == 2
    assert "auc_roc" in found.case_rows[0].approx


@pytest.mark.slow
@pytest.mark.parametrize(
    ("asked", "of_one"),
    [
        (("auc_roc", "average_precision"), 2048),  # bytes of each of 5,180 voxels
        (("topk_ce_loss", "lovasz_hinge_loss"), 104),  # of 147,024
    ],
    ids=str,
)
def test_what_there_is_no_room_to_tell_apart_is_within_the_bound(
    crowded: tuple[Path, Path],
    n_tiles: list[int],
    monkeypatch: pytest.MonkeyPatch,
    asked: tuple[str, ...],
    of_one: int,
) -> None:
    monkeypatch.setattr("segeval.scoring.slabs.settled_maps._TOLD_APART", of_one)
    exact = scored(*crowded, tuple(f"{measure}(exact=true)" for measure in asked))
    found = scored(*crowded, asked, max_memory=PROGRAM + 20_000_000)
    assert len(n_tiles) == 2
    (wanted,), (row,) = exact.class_rows, found.class_rows
    assert [*row.values.values()] == pytest.approx([*wanted.values.values()], rel=0, abs=1e-5)
    assert {*found.case_rows[0].approx} == {*asked}


@pytest.mark.slow
def test_too_many_voxels_to_be_told_apart_name_what_is_enough(
    crowded: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("segeval.scoring.slabs.settled_maps._TOLD_APART", 2048)
    said = r"for adaptive_ece\(bins=2000\)\. Leave these measures out, or pass --workers 1 and --max-memory"
    with pytest.raises(DataError, match=said) as refused:
        scored(*crowded, ("adaptive_ece(bins=2000)",), max_memory=PROGRAM + (4 << 20))
    enough = read_size(str(refused.value).split("--max-memory ")[1].split()[0])
    found = scored(*crowded, ("adaptive_ece(bins=2000)",), max_memory=enough)
    assert found.class_rows[0].values == pytest.approx(
        dict(scored(*crowded, ("adaptive_ece(bins=2000)",)).class_rows[0].values)
    )
    with pytest.raises(DataError, match=r"for ohem_ce_loss\. Leave these measures out, or raise --max-memory until"):
        scored(*crowded, ("ohem_ce_loss",), max_memory=PROGRAM + (4 << 20))
    as_whole = scored(*crowded, ("ohem_ce_loss",), max_memory=PROGRAM + (200 << 20))
    assert as_whole.class_rows[0].values == scored(*crowded, ("ohem_ce_loss",)).class_rows[0].values


@pytest.mark.slow
def test_too_many_ranked_costs_name_what_is_enough_for_all_cells(
    tmp_path: Path, n_tiles: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Logits that differ by less than the bound share a cell, so that noise needs no room for each of its voxels."""
    monkeypatch.setattr("segeval.scoring.slabs.settled_maps._TOLD_APART", 104)
    rng = np.random.default_rng(0)
    probs = rng.uniform(0.4, 0.6, (1500, 1400)).astype(np.float32)
    pair = write(tmp_path / "p.npy", probs), write(tmp_path / "t.npy", (rng.random(probs.shape) < 0.3).astype(np.uint8))
    asked = ("topk_ce_loss", "lovasz_hinge_loss")
    with pytest.raises(DataError, match=r"for topk_ce_loss, lovasz_hinge_loss\. Leave .* --max-memory") as refused:
        scored(*pair, asked, max_memory=PROGRAM + (8 << 20))
    enough = read_size(str(refused.value).split("--max-memory ")[1].split()[0])
    assert enough < PROGRAM + (24 << 20)
    n_tiles.clear()
    found = scored(*pair, asked, max_memory=enough)
    assert len(n_tiles) == 2
    exact = scored(*pair, tuple(f"{measure}(exact=true)" for measure in asked))
    (wanted,), (row,) = exact.class_rows, found.class_rows
    assert [*row.values.values()] == pytest.approx([*wanted.values.values()], rel=0, abs=1e-5)


@pytest.mark.parametrize("pred", ["one.nii", "double.nii"])
def test_all_voxels_are_told_apart_where_bins_hold_few(
    maps: Path, n_tiles: list[int], monkeypatch: pytest.MonkeyPatch, pred: str
) -> None:
    monkeypatch.setattr("segeval.scoring.slabs.settled_maps._TOLD_APART", 8)  # as if there were room for all
    compare(maps / pred, maps / "one_truth.nii.gz", TOLD_APART, 600_000)
    assert n_tiles[0] > 1
    assert len(n_tiles) == 2


def test_few_voxels_are_told_apart_all_of_them(
    tmp_path: Path, n_tiles: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("segeval.scoring.slabs.settled_maps._TOLD_APART", 8)  # as if there were room for all
    raw = scores((24, 20, 22))
    truth, pred = write(tmp_path / "t.nii.gz", labels_of(raw)), write(tmp_path / "p.nii.gz", softmax(noisy(raw)))
    found = compare(pred, truth, ("overlap", "dice_loss", "brier", "nll", "lovasz_softmax_loss"), room=1_000_000)
    assert n_tiles[0] > 1
    assert found.case_rows[0].approx == ()


def test_greys_that_are_probabilities_come_in_slabs(tmp_path: Path, n_tiles: list[int]) -> None:
    raw = scores((211, 190))
    pred = write(tmp_path / "p.png", (softmax(noisy(raw))[..., 1] * 255).astype(np.uint8))
    truth = write(tmp_path / "t.png", (labels_of(raw) == 1).astype(np.uint8))
    compare(pred, truth, ("overlap", "losses", "ohem_ce_loss"), room=300_000, pred_kind="probs")
    assert n_tiles[0] > 2


def test_a_map_per_file_comes_in_slabs(tmp_path: Path, n_tiles: list[int]) -> None:
    raw = scores((37, 26, 41))
    write(tmp_path / "t" / "a.nii.gz", labels_of(raw))
    for index, name in enumerate(["background", "x", "y", "z"]):
        write(tmp_path / "p" / f"a_{name}.nii.gz", softmax(noisy(raw))[..., index])
    options = {"channel_files": "{case}_{class}.nii.gz", "labels": "1=x,2=y,3=z"}
    compare(tmp_path / "p", tmp_path / "t", ("overlap", "dice_loss", "brier"), room=2_000_000, **options)
    assert n_tiles[0] > 1


def test_slabs_are_thinner_than_the_tiles_of_a_file(tmp_path: Path, n_tiles: list[int]) -> None:
    raw = scores((260, 250))
    files = tmp_path / "p.tif", tmp_path / "t.tif"
    for path, labels in zip(files, (labels_of(noisy(raw)), labels_of(raw)), strict=True):
        tifffile.imwrite(path, labels, tile=(128, 128), compression="zlib")
    compare(*files, ("dice", "cross_entropy_loss"), room=100_000)
    assert n_tiles == [15]  # of 18 rows: 64 kB are two rows of tiles
    said = (
        r"of 2 of its 260 rows, beside the 128 that its files pack together. Pass --workers 1 and --max-memory 151MiB"
    )
    with pytest.raises(DataError, match=said):
        scored(*files, ("dice",), max_memory=PROGRAM + 60_000)


def refusal(tmp_path: Path, measures: tuple[str, ...] = ("dice",), room: int = 120_000, **options: Any) -> str:
    raw = scores((37, 26, 41))
    truth, pred = write(tmp_path / "t.nii.gz", labels_of(raw)), write(tmp_path / "p.nii.gz", labels_of(noisy(raw)))
    with pytest.raises(DataError) as refused:
        scored(pred, truth, measures, max_memory=PROGRAM + room, **options)
    return str(refused.value)


@pytest.mark.parametrize("measure", ["hd95", "lesion_f1", "cldice", "boundary_loss"])
def test_measures_of_the_whole_image_are_refused_by_name(tmp_path: Path, measure: str) -> None:
    said = refusal(tmp_path, ("dice", measure))
    assert f"these measures need the whole image at once: {measure}." in said.replace("(tolerance_mm=1)", "")
    assert "-m overlap,losses,probability,nsd,boundary_f1,boundary_iou" in said
    if measure == "hd95":  # what it offers works
        others = ("overlap", "losses", "probability", "nsd", "boundary_f1", "boundary_iou")
        assert scored(tmp_path / "p.nii.gz", tmp_path / "t.nii.gz", others, max_memory=PROGRAM + 200_000).class_rows


def test_surfaces_on_a_sheared_grid_are_refused_in_slabs(tmp_path: Path) -> None:
    sheared = AFFINE.copy()
    sheared[0, 2] = 0.5
    raw = scores((37, 26, 41))
    files = [write(tmp_path / f"{side}.nii.gz", labels_of(raw), sheared) for side in "pt"]
    with pytest.raises(DataError, match=r"whole image at once: nsd\(tolerance_mm=1\). Choose others, such as -m overl"):
        scored(files[0], files[1], ("nsd",), max_memory=PROGRAM + 120_000)
    compare(files[0], files[1], ("overlap",), room=120_000)


def test_too_little_memory_names_what_is_enough(tmp_path: Path) -> None:
    said = refusal(tmp_path, room=1_000)
    assert "has no room for slabs of 2 of its 41 rows. Pass --workers 1 and --max-memory 151MiB or more." in said
    scored(tmp_path / "p.nii.gz", tmp_path / "t.nii.gz", ("dice",), max_memory=read_size("151MiB"))
    said = refusal(tmp_path, ("nsd(tolerance_mm=20)",), room=200_000)
    assert "has no room for slabs of 12 of its 41 rows, as 12 are needed around each for a tolerance or a band" in said


def test_other_kinds_of_files_are_refused_with_what_to_do(tmp_path: Path) -> None:
    import SimpleITK

    raw = scores((37, 26, 41))
    write(tmp_path / "t.nii.gz", labels_of(raw), np.diag([-1.0, -1.0, 1.0, 1.0]))
    SimpleITK.WriteImage(SimpleITK.GetImageFromArray(labels_of(noisy(raw)).T), str(tmp_path / "p.nrrd"))
    with pytest.raises(DataError, match=r"p.nrrd: is larger than --max-memory, and this kind of file is not read in s"):
        scored(tmp_path / "p.nrrd", tmp_path / "t.nii.gz", ("dice",), max_memory=PROGRAM + 120_000)
    with pytest.raises(DataError, match=r"p.nrrd: its header describes 39442 bytes .* more than there is memory"):
        scored(tmp_path / "p.nrrd", tmp_path / "p.nrrd", ("dice",), max_memory=PROGRAM + 30_000)


def test_a_file_that_has_no_slabs_is_read_as_a_whole_where_it_fits(tmp_path: Path) -> None:
    probs = np.moveaxis(softmax(noisy(scores((64, 50)))), -1, 0)
    tifffile.imwrite(tmp_path / "p.ome.tif", probs, metadata={"axes": "CYX"})
    files = tmp_path / "p.ome.tif", write(tmp_path / "t.png", labels_of(scores((64, 50))))
    assert scored(*files, ("dice",), max_memory=PROGRAM + (1 << 20)).class_rows
    with pytest.raises(DataError, match=r"its axes CYX are not read in slabs\. .* Or raise --max-memory\."):
        scored(*files, ("dice",), max_memory=PROGRAM + 100_000)


@pytest.mark.parametrize("option", ["clip_probs", "instances"])
def test_options_that_need_the_whole_image_are_refused_by_name(tmp_path: Path, option: str) -> None:
    measures = ("lesion_f1",) if option == "instances" else ("dice",)
    assert f"and --{option.replace('_', '-')} needs the whole image at once" in refusal(
        tmp_path, measures, **{option: True}
    )


def test_grids_that_differ_are_refused_before_anything_is_read(tmp_path: Path, n_tiles: list[int]) -> None:
    raw = scores((37, 26, 41))
    write(tmp_path / "t.nii.gz", labels_of(raw))
    write(tmp_path / "p.nii.gz", labels_of(raw)[:36])
    files = tmp_path / "p.nii.gz", tmp_path / "t.nii.gz"
    with pytest.raises(DataError, match=r"shape \(36, 26, 41\) differs from truth \(37, 26, 41\)"):
        scored(*files, ("dice",), max_memory=PROGRAM + 120_000)
    with pytest.raises(DataError, match=r"--resample needs the whole image at once"):
        scored(*files, ("dice",), max_memory=PROGRAM + 120_000, resample=True)
    assert n_tiles == []


def test_what_is_wrong_is_told_with_its_slab(tmp_path: Path) -> None:
    raw = scores((37, 26, 41))
    odd = labels_of(raw).astype(np.int16)
    odd[3, 4, 30] = -7
    write(tmp_path / "t.nii.gz", odd)
    write(tmp_path / "p.nii.gz", labels_of(raw))
    with pytest.raises(
        DataError, match=r"negative ids \(-7\)\. .* It is so in the slab from \d+ to \d+ along axis 2\."
    ):
        scored(tmp_path / "p.nii.gz", tmp_path / "t.nii.gz", ("dice",), max_memory=PROGRAM + 120_000)


def test_masks_that_went_through_jpeg_are_found_when_all_slabs_were_seen(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    mask = np.where(labels_of(scores((211, 190))) == 1, 255, 0)
    blurred = np.clip(mask + rng.integers(-8, 9, mask.shape), 0, 255).astype(np.uint8)
    write(tmp_path / "p.png", blurred)
    write(tmp_path / "t.png", (mask > 0).astype(np.uint8))
    for room in ({}, {"max_memory": PROGRAM + 120_000}):
        with pytest.raises(DataError, match=r"look like a mask of two values that went through JPEG"):
            scored(tmp_path / "p.png", tmp_path / "t.png", ("dice",), **room)


def test_many_ids_over_all_slabs_are_too_many(tmp_path: Path) -> None:
    ids = np.arange(72 * 72, dtype=np.uint16).reshape(72, 72)
    files = write(tmp_path / "p.png", ids), write(tmp_path / "t.png", ids)
    with pytest.raises(DataError, match=r"p: \d+ distinct ids; 4096 is the most that can be classes"):
        scored(*files, ("dice",), max_memory=PROGRAM + 20_000)


def test_an_image_larger_than_memory_names_the_option_and_the_option_works(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    raw = scores((37, 26, 41))
    files = write(tmp_path / "p.nii.gz", labels_of(noisy(raw))), write(tmp_path / "t.nii.gz", labels_of(raw))
    monkeypatch.setattr("segeval.images.readers.streams.memory_left", lambda: 30_000.0)
    with pytest.raises(DataError, match=r"more than there is memory. `segeval score --max-memory 2GiB` scores NIfTI"):
        scored(*files, ("dice",))
    assert scored(*files, ("dice",), max_memory=PROGRAM + 30_000).class_rows


def test_cases_in_slabs_are_pooled_with_the_others(tmp_path: Path, n_tiles: list[int]) -> None:
    for name, shape in {"a": (37, 26, 41), "b": (12, 10, 9)}.items():
        write(tmp_path / "t" / f"{name}.nii.gz", labels_of(scores(shape)))
        write(tmp_path / "p" / f"{name}.nii.gz", softmax(noisy(scores(shape))))
    compare(tmp_path / "p", tmp_path / "t", ("overlap", "dice_loss", "brier", "ece"), room=2_000_000)
    assert len(n_tiles) == 1


def test_a_slab_is_all_that_is_held(tmp_path: Path) -> None:
    truth = np.zeros((2400, 2000), np.uint8)
    truth[300:2000, 400:1500] = 1
    files = write(tmp_path / "p.png", np.roll(truth, 3, axis=0)), write(tmp_path / "t.png", truth)
    options = {"measures": ("overlap", "losses"), "bootstrap": 0, "workers": 1, "max_memory": PROGRAM + (8 << 20)}
    segeval.score(*files, **options)  # what is imported and kept for good
    tracemalloc.start()
    try:
        segeval.score(*files, **options)
        assert tracemalloc.get_traced_memory()[1] < 16 << 20  # 8 of slabs, and 8 of pieces that are unpacked
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    ("text", "size"), [("2GiB", 2 << 30), ("500MB", 500_000_000), ("1.5g", 1_500_000_000), ("7", 7), ("3 KiB", 3072)]
)
def test_sizes_are_read_with_their_units(text: str, size: int) -> None:
    assert read_size(text) == size


@pytest.mark.parametrize("text", ["", "GiB", "-1", "2 gigs", "1e9", "nan"])
def test_what_is_no_size_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"no size\. Write it as 2GiB or 500MB"):
        read_size(text)


def test_less_than_the_program_takes_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"max_memory 1000000: out of range. It must be more than 150MiB"):
        segeval.score(tmp_path, tmp_path, max_memory=1_000_000)


def test_slabs_are_cut_evenly() -> None:
    assert even_cuts(41, 10) == [0, 8, 16, 24, 32, 41]
    assert even_cuts(41, 3, least=3) == [41 * i // 13 for i in range(14)]
