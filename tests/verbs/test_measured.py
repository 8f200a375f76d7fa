"""Every measure as a function of two images, and results as people take values from them."""

import math
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import segeval
from segeval import catalogue
from segeval.errors import ConfigError, DataError

ROOT = Path(__file__).parents[2]
TRUTH = np.zeros((8, 8), dtype=np.uint8)
TRUTH[2:6, 2:6] = 1
PRED = np.roll(TRUTH, 1, axis=0)  # one row off: 12 of 16 pixels overlap, and every row of the edge lies 0 or 1 px away


def test_a_measure_is_a_function_of_two_arrays() -> None:
    assert segeval.dice(PRED, TRUTH) == 24 / 32
    assert segeval.f1(PRED, TRUTH) == 24 / 32
    assert segeval.hd(PRED, TRUTH, spacing=(2.0, 1.0)) == 2.0
    assert segeval.nsd(PRED, TRUTH, spacing=(2.0, 1.0), tolerance_mm=2) == 1.0
    assert segeval.tversky_loss(PRED, TRUTH, alpha=1.0, beta=0.0) == pytest.approx(1 - 12 / 16)
    assert segeval.mean_iou(PRED, TRUTH) == pytest.approx((12 / 20 + 44 / 52) / 2)


def test_several_classes_give_a_dictionary() -> None:
    two = np.where(TRUTH, 1, 0) + 2 * (np.indices(TRUTH.shape)[0] == 7)
    assert segeval.dice(two, two, labels={1: "liver", 2: "spleen"}) == {"liver": 1.0, "spleen": 1.0}


def test_what_is_undefined_is_nan_also_for_two_empty_masks() -> None:
    nothing = np.zeros((4, 4), dtype=bool)
    assert math.isnan(segeval.dice(nothing, nothing))
    assert segeval.dice(nothing, ~nothing) == 0.0
    with pytest.raises(ConfigError, match=r"only id 0. Name the classes, such as labels=\[1\]"):
        segeval.dice(nothing.astype(int), nothing.astype(int))
    assert math.isnan(segeval.dice(nothing.astype(int), nothing.astype(int), labels=[1]))


@pytest.mark.parametrize("name", list(catalogue.measures()))
def test_every_measure_has_its_function(name: str) -> None:
    function = getattr(segeval, name)
    assert function.__name__ == name
    assert name in dir(segeval)
    assert callable(function)
    assert not isinstance(function, type(sys))  # no module of the package has the name of a measure


@pytest.mark.parametrize("module", [segeval, segeval.metrics])
def test_an_unknown_measure_is_an_attribute_error_with_the_nearest_name(module: object) -> None:
    with pytest.raises(AttributeError, match=r"has no 'hausdorf95'|has no 'balanced_hausdorf'"):
        _ = module.hausdorf95
    with pytest.raises(AttributeError, match="Did you mean 'precision'"):
        _ = module.precisoin
    assert not hasattr(module, "__nothing_of_this_name__")


def test_metrics_have_all_plain_names() -> None:
    assert segeval.metrics.hd95 is catalogue.find("hd95")
    assert segeval.metrics.lesion_f1 is catalogue.find("lesion_f1")
    assert {"hd95", "dice", "lesion_f1", "auroc"} & {*dir(segeval.metrics)} >= {"hd95", "dice", "lesion_f1"}


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"spacng": (1.0, 1.0)}, "hd95 has no parameter or option 'spacng'. Did you mean 'spacing'?"),
        ({"out": "x"}, "takes no 'out'. Use segeval.score"),
        ({"unit": "parsec"}, "unit"),
    ],
)
def test_a_wrong_keyword_is_told(options: dict[str, object], said: str) -> None:
    with pytest.raises(ConfigError) as found:
        segeval.hd95(PRED, TRUTH, **options)
    assert said in str(found.value)


def test_arrays_of_different_shape_and_several_cases_are_told() -> None:
    with pytest.raises(DataError, match="shape"):
        segeval.dice(PRED, TRUTH[:4])
    with pytest.raises(ConfigError, match=r"takes one case, and these are 2. Use segeval\.score"):
        segeval.dice([PRED, PRED], [TRUTH, TRUTH])


def test_results_are_found_by_measure_and_class() -> None:
    results = segeval.score(
        {"a": PRED, "b": TRUTH}, {"a": TRUTH, "b": TRUTH}, labels={1: "liver"}, measures=["dice", "mean_iou"]
    )
    assert results["dice", "liver"].mean == (0.75 + 1) / 2
    assert results["dice", "liver"].ci == (0.75, 1.0)
    assert results["mean_iou", "(all)"].n == 2
    assert results.cases["a"]["liver"] == {"dice": 0.75}
    assert results.cases["b"]["(all)"] == {"mean_iou": 1.0}
    assert results.to_dict()["scores"][0]["dice"] == 0.75
    flat = results.flat()
    assert flat["dice/liver/mean"] == 0.875
    assert flat["dice/liver/n"] == 2
    assert all(math.isfinite(value) for value in flat.values())
    with pytest.raises(ConfigError, match=r"no class 'livr' in these results\. Did you mean 'liver'"):
        _ = results["dice", "livr"]
    with pytest.raises(ConfigError, match=r'results\["dice", "liver"\]'):
        _ = results["dice"]  # type: ignore[index]


WRONG = """
import numpy as np
import segeval

mask = np.zeros((4, 4), dtype=np.uint8)
results = segeval.score(mask, mask, measures=["dice"], spacing=(1.0, 1.0), labels={1: "liver"})
mean: float = results["dice", "liver"].mean
distance: float = segeval.hd95(mask, mask, spacing=(1.0, 1.0))
segeval.score(mask, mask, mesures=["dice"])
segeval.hd95(mask, mask, spacng=(1.0, 1.0))
segeval.hausdorf95(mask, mask)
segeval.losses.TverskyLoss(alpha=0.3, beta=0.7)
segeval.losses.TverskyLoss(alhpa=0.3)
"""


@pytest.mark.slow
def test_a_type_checker_finds_a_mistyped_name_in_a_script_of_a_user(tmp_path: Path) -> None:
    pytest.importorskip("mypy")
    script = tmp_path / "script.py"
    script.write_text(WRONG)
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--no-error-summary", str(script)],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env={**os.environ, "MYPYPATH": str(ROOT), "MYPY_CACHE_DIR": str(ROOT / ".mypy_cache" / "scripts")},
        check=False,
    )
    lines = WRONG.splitlines()
    wrong = {i for i, line in enumerate(lines, 1) if any(name in line for name in ("mesur", "spacng", "alhpa", "dorf"))}
    found = {int(line.split(":")[1]) for line in done.stdout.splitlines() if "script.py" in line and "error" in line}
    assert found == wrong, done.stdout
