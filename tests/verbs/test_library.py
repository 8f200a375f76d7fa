"""`segeval.score` for programs: paths, arrays, tensors and several of them."""

import math
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import segeval
from segeval.errors import ConfigError, DataError

TRUTH = np.array([[1, 1, 0], [0, 2, 2]])
PRED = np.array([[1, 0, 0], [0, 2, 2]])
SQUARE = np.pad(np.ones((4, 4), dtype=np.uint8), 2)


def dice_of(results: segeval.Results) -> dict[tuple[str, str], float]:
    return {(row.case_id, row.of.name): row.values["dice"] for row in results.class_rows}


def test_two_arrays_are_one_case() -> None:
    results = segeval.score(PRED, TRUTH, measures=["dice"])
    assert dice_of(results) == {("case", "1"): pytest.approx(2 / 3), ("case", "2"): 1.0}


@pytest.mark.parametrize("dtype", [bool, np.int8, np.uint16, np.int64, np.uint64, np.float32, ">i4"])
def test_any_type_that_holds_whole_numbers_will_do(dtype: Any) -> None:
    results = segeval.score((PRED == 1).astype(dtype), TRUTH == 1, measures="dice")
    assert dice_of(results) == {("case", "1"): pytest.approx(2 / 3)}


@pytest.mark.parametrize(
    "view", [np.asfortranarray, lambda a: a[::-1, ::-1], lambda a: np.repeat(a, 2, axis=1)[:, ::2]]
)
def test_any_memory_layout_will_do(view: Any) -> None:
    want = segeval.score(np.ascontiguousarray(view(PRED)), np.ascontiguousarray(view(TRUTH)), measures="dice")
    assert dice_of(segeval.score(view(PRED), view(TRUTH), measures="dice")) == dice_of(want)


@pytest.mark.parametrize("engine", ["numpy", "torch"])
@pytest.mark.parametrize("sides", ["tensors", "mixed", "arrays"])
def test_tensors_and_arrays_give_the_same_on_either_engine(engine: str, sides: str) -> None:
    torch = pytest.importorskip("torch")
    pred, truth = torch.from_numpy(PRED), torch.from_numpy(TRUTH).to(torch.uint8)
    given = {"tensors": (pred, truth), "mixed": (pred, TRUTH), "arrays": (PRED, TRUTH)}[sides]
    results = segeval.score(*given, engine=engine, device="cpu", measures="dice")
    assert dice_of(results) == dice_of(segeval.score(PRED, TRUTH, measures="dice"))
    assert results.facts["device"]["engine"] == engine


def test_tensors_on_a_device_are_taken_from_there(device: str) -> None:
    torch = pytest.importorskip("torch")
    pred, truth = torch.from_numpy(PRED).to(device), torch.from_numpy(TRUTH == 1).to(device)
    for engine in ("auto", "numpy"):
        results = segeval.score(pred, truth, engine=engine, measures="dice")
        assert dice_of(results)["case", "1"] == pytest.approx(2 / 3)


def test_a_sequence_is_numbered_and_a_mapping_names_its_cases() -> None:
    several = segeval.score([PRED] * 11, [TRUTH] * 11, measures="dice")
    assert [row.case_id for row in several.case_rows] == [f"case_{i:02}" for i in range(11)]
    named = segeval.score({"b": PRED, 7: TRUTH}, {"b": TRUTH, 7: TRUTH}, measures="dice")
    assert dice_of(named)["7", "1"] == 1.0
    assert dice_of(named)["b", "1"] == pytest.approx(2 / 3)


def test_folders_and_files_are_scored_as_by_the_command(tmp_path: Path) -> None:
    for side, array in (("pred", PRED), ("truth", TRUTH)):
        (tmp_path / side).mkdir()
        np.save(tmp_path / side / "x.npy", array)
    folders = (tmp_path / "pred", str(tmp_path / "truth"))
    assert dice_of(segeval.score(*folders, measures="dice"))["x", "2"] == 1.0
    files = [tmp_path / "pred" / "x.npy"], [tmp_path / "truth" / "x.npy"]
    assert dice_of(segeval.score(*files, measures="dice"))["case_0", "2"] == 1.0
    assert dice_of(segeval.score(PRED, tmp_path / "truth" / "x.npy", measures="dice"))["case", "2"] == 1.0
    (tmp_path / "pairs.csv").write_text("case,pred,truth\ny,pred/x.npy,truth/x.npy\n")
    assert dice_of(segeval.score(pairs=str(tmp_path / "pairs.csv"), measures="dice"))["y", "2"] == 1.0


def test_nothing_is_written_until_a_folder_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    segeval.score(PRED, TRUTH)
    assert list(tmp_path.iterdir()) == []
    segeval.score(PRED, TRUTH, out="results", format="md")
    assert {one.name for one in (tmp_path / "results").iterdir()} == {
        "scores.csv",
        "cases.csv",
        "summary.csv",
        "confusion.csv",
        "run.json",
        "summary.md",
    }


def test_options_take_what_a_program_has_at_hand() -> None:
    results = segeval.score(
        np.zeros((4, 4, 4), dtype=int) + 1,
        np.ones((4, 4, 4), dtype=int),
        measures=("dice,iou", "volume_truth_ml"),
        labels={np.int64(1): "liver", 3: "gone"},
        ignore_label=np.uint8(255),
        spacing=np.array([1, 1, 2.5], dtype=np.float32),
        bootstrap=np.int64(10),
    )
    assert [one.name for one in results.classes] == ["liver", "gone"]
    assert results.class_rows[0].values["volume_truth_ml"] == pytest.approx(64 * 2.5 / 1000)
    assert results.facts["ignored_ids"] == [255]
    assert results.facts["plan_from"]["labels"] == "library call"


@pytest.mark.parametrize("labels", ["1=liver,2=spleen", [1, 2], {"liver": 1, "spleen": 2}])
def test_labels_can_be_written_in_many_ways(labels: Any) -> None:
    assert len(segeval.score(PRED, TRUTH, labels=labels, measures="dice").classes) == 2


def test_regions_are_unions() -> None:
    results = segeval.score(PRED, TRUTH, regions={"both": [1, 2]}, measures="dice")
    assert dice_of(results)["case", "both"] == pytest.approx(2 * 3 / (3 + 4))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"mesures": "dice"}, r"There is no option 'mesures'\. Did you mean 'measures'\?"),
        ({"missing": "wrost"}, "missing: 'wrost' does not fit"),
        ({"bootstrap": "many"}, "bootstrap: 'many' does not fit"),
        ({"bootstrap": -1}, r"bootstrap -1: out of range"),
        ({"spacing": (1, "a")}, "spacing: .* does not fit"),
        ({"spacing": (1, 1, 1)}, "3 lengths"),
        ({"measures": "dise"}, r"Unknown measure 'dise'\. Did you mean 'dice'\?"),
        ({"labels": 3.5}, "labels: 3.5 does not fit"),
        ({"device": "tpu"}, "Unknown device 'tpu'"),
    ],
)
def test_a_wrong_option_is_told_by_its_name(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        segeval.score(PRED, TRUTH, **options)


@pytest.mark.parametrize(
    ("pred", "truth", "message"),
    [
        (PRED, TRUTH[:, :2], r"case \(pred\): shape \(2, 3\) differs from truth \(2, 2\)"),
        (PRED[0], TRUTH[0], r"case \(truth\): int64 of shape \(3,\)\. Give class ids in two or three dimensions"),
        (PRED, TRUTH[0], r"case \(truth\): int64 of shape \(3,\)\. Give class ids in two or three dimensions"),
        (
            PRED[None, None],
            TRUTH,
            r"case \(pred\): shape \(1, 1, 2, 3\), and the truth \(2, 3\): a truth has two",
        ),
        (PRED[None, None], TRUTH[None, None], "the first axis counts cases"),
        (PRED[:0], TRUTH[:0], "one array per case"),
        (PRED.astype(str), TRUTH, "case \\(pred\\): <U"),
        (None, TRUTH, r"case \(pred\): object"),
        (PRED - 0.5, TRUTH, r"case \(pred\): values from -0\.5 to 1\.5 are n"),
        (PRED - 3, TRUTH, r"case \(pred\): holds negative ids"),
        (np.where(PRED, np.nan, 0), TRUTH, "3 voxels are NaN or infinite"),
        ({"a": PRED}, {"b": TRUTH}, "Each prediction needs its truth: a, b stand alone"),
        ([PRED, PRED], [TRUTH], "stands alone"),
    ],
)
def test_what_cannot_be_scored_is_told_with_its_case(pred: Any, truth: Any, message: str) -> None:
    with pytest.raises(DataError, match=message):
        segeval.score(pred, truth, measures="dice")


def test_a_path_that_is_not_there_is_told() -> None:
    with pytest.raises(ConfigError, match="nowhere: no such file or folder"):
        segeval.score("nowhere", "nothing")


def test_negative_ids_are_fine_where_they_are_ignored() -> None:
    truth = np.where(TRUTH == 2, -1, TRUTH)
    results = segeval.score(PRED, truth, ignore_label=-1, measures="dice")
    assert dice_of(results) == {("case", "1"): pytest.approx(2 / 3)}


@pytest.mark.parametrize("table", ["scores", "cases", "summary", "confusion"])
def test_every_table_is_a_data_frame(table: str) -> None:
    frame = segeval.score(PRED, TRUTH).to_pandas(table)
    assert len(frame)
    numbers = [name for name in ("dice", "tp", "pixel_accuracy", "mean", "ci_low", "pred 1") if name in frame]
    assert all(frame[name].dtype.kind in "if" for name in numbers)


def test_undefined_values_are_nan_in_a_data_frame() -> None:
    frame = segeval.score(TRUTH, TRUTH, labels="1,9", measures="dice").to_pandas()
    assert frame["dice"].iloc[0] == 1.0
    assert math.isnan(frame["dice"].iloc[1])


def test_an_unknown_table_is_told() -> None:
    with pytest.raises(ConfigError, match=r"There is no table 'score'\. The tables are: scores, cases"):
        segeval.score(PRED, TRUTH, measures="dice").to_pandas("score")


def test_the_library_loads_no_torch_for_arrays() -> None:
    code = (
        "import sys, numpy as np, segeval\n"
        "segeval.score(np.eye(3, dtype=int), np.eye(3, dtype=int), device='cpu')\n"
        "assert not {'torch', 'pandas', 'SimpleITK'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(segeval.__file__).parents[1])


def lesions_of(results: segeval.Results, column: str) -> list[float]:
    return [row.values[column] for row in results.class_rows]


def test_instance_maps_are_given_as_the_masks_are() -> None:
    whole, halves = np.array([[1, 1, 1, 1, 0]]), np.array([[1, 1, 2, 2, 0]])
    both = ["n_lesions_pred", "n_lesions_truth"]
    results = segeval.score(whole, whole, measures=both, pred_instances=halves)
    assert [lesions_of(results, one) for one in both] == [[2.0], [1.0]]
    results = segeval.score([whole] * 2, [whole] * 2, measures=both, truth_instances=[halves, whole])
    assert [lesions_of(results, one) for one in both] == [[1.0, 1.0], [2.0, 1.0]]
    assert results.facts["plan"]["truth_instances"] == Path("library call")


def test_instance_maps_of_folders_are_folders(tmp_path: Path) -> None:
    whole, halves = np.array([[1, 1, 1, 1, 0]]), np.array([[1, 1, 2, 2, 0]])
    for name, array in {"masks": whole, "maps": halves}.items():
        (tmp_path / name).mkdir()
        np.save(tmp_path / name / "a.npy", array)
    masks = tmp_path / "masks"
    results = segeval.score(masks, masks, measures="n_lesions_truth", truth_instances=tmp_path / "maps")
    assert lesions_of(results, "n_lesions_truth") == [2.0]


def test_every_case_needs_its_instance_map() -> None:
    mask = np.array([[1, 1, 0]])
    with pytest.raises(DataError, match="Each case needs its instance map: b stands alone"):
        segeval.score({"a": mask, "b": mask}, {"a": mask, "b": mask}, measures="lesion", pred_instances={"a": mask})
    with pytest.raises(ConfigError, match="no lesion measure is chosen"):
        segeval.score(mask, mask, measures="dice", pred_instances=mask)


def test_results_say_in_a_few_lines_what_they_hold() -> None:
    results = segeval.score(
        {"a": SQUARE, "b": SQUARE * 0}, {"a": SQUARE, "b": SQUARE}, labels={1: "<b>"}, measures=["dice"]
    )
    assert repr(results).splitlines() == [
        "2 cases; mean ± std (n)",
        "| class | dice |",
        "| --- | --- |",
        "| <b> | 0.5 ± 0.71 (n=2) |",
        "| (mean) | 0.5 (n=1) |",
    ]
    page = results._repr_html_()
    assert page.startswith("<table>")
    assert "&lt;b&gt;" in page
    assert "<b>" not in page
    assert page.count("<circle") == 2


def test_a_case_of_results_is_drawn_from_what_was_scored(tmp_path: Path) -> None:
    results = segeval.score({"a": np.roll(SQUARE, 1, 0)}, {"a": SQUARE}, labels={1: "liver"}, measures=["dice"])
    picture = results.show("a")
    assert picture._repr_png_().startswith(b"\x89PNG")
    assert "false and" in picture.caption
    for asked, says in ((("b",), "no case 'b'"), (("a", "livre"), "Did you mean 'liver'")):
        with pytest.raises(ConfigError, match=says):
            results.show(*asked)
    for side in ("pred", "gt"):
        (tmp_path / side).mkdir()
        np.save(tmp_path / side / "a.npy", SQUARE)
    assert segeval.score(tmp_path / "pred", tmp_path / "gt", measures=["dice"]).show("a").png.startswith(b"\x89PNG")
