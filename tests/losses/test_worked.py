"""The worked values of the losses beyond the first set, as `score` and as the modules give them."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from segeval.catalogue import find as find_loss
from segeval.errors import ConfigError
from segeval.evidence.case import Case
from segeval.evidence.grid import Lattice
from segeval.evidence.labels import LabelClass, LabelMap
from segeval.evidence.probabilities.prob_maps import ProbMaps
from segeval.evidence.probabilities.probabilities import ProbEvidence
from segeval.losses.training.modules import MODULES, module_name
from segeval.measure import Measure
from segeval.scoring.evaluate import evaluate
from segeval.scoring.plan import Plan

GOLDEN = json.loads((Path(__file__).parent.parent / "golden" / "losses2.json").read_text(encoding="utf-8"))
FIXTURES, ENTRIES = GOLDEN["fixtures"], {entry["name"]: entry for entry in GOLDEN["entries"]}
ONE = (LabelClass(name="one", ids=(1,)), LabelClass(name="two", ids=(2,)))
KNOBS = {"jaccard_metric_loss": {"variant": int}, "dice_semimetric_loss": {"variant": int}}
IGNORED = ("value", "n", "ce", "penalty", "note", "logits", "units_note", "alpha_used", "C", "S", "dist", "part")
PLAIN = (
    "boundary_loss",
    "hausdorff_dt_loss",
    "log_hausdorff_dt_loss",
    "distance_penalized_ce_loss",
    "boundary_dou_loss",
    "soft_cldice_loss",
    "dice_cldice_loss",
    "hausdorff_er_loss",
    "cbdice_loss",
    "blob_loss",
    "mcc_loss",
    "asymmetric_similarity_loss",
    "jaccard_metric_loss",
    "dice_semimetric_loss",
    "generalized_wasserstein_dice_loss",
    "poly1_ce_loss",
    "poly1_focal_loss",
    "topk_ce_loss",
    "dice_ce_loss",
    "dice_topk_loss",
    "asymmetric_unified_focal_loss",
    "unified_focal_loss",
    "focal_loss",
    "cross_entropy_loss",
    "weighted_cross_entropy_loss",
    "nacl_loss",
    "ohem_ce_loss",
)

SHAPES = PLAIN[:10]


def knobs_of(entry: dict[str, Any], measure: Measure) -> dict[str, Any]:
    """The parameters of an entry as those of the loss."""
    given = dict(entry["params"])
    if "include_background" in given:
        given["classes"] = "all" if given["include_background"] else "foreground"
    if entry["name"].startswith("focal.class_alpha"):
        given["class_alpha"] = tuple(given["class_alpha"])
    if "weight" in given and isinstance(given["weight"], list):
        given["weight"] = tuple(given["weight"])
    given.pop("kernel", None)  # its side, which is always 3
    if "dist" in given:
        rows = given["dist"]
        given["dist"] = None if isinstance(rows, str) else tuple(float(number) for row in rows for number in row)
        given["weighting"] = given["weighting"].partition(" ")[0]
    return {name: value for name, value in given.items() if name in measure.knobs and name != "reduction"} | (
        {"reduction": "weight_mean"} if given.get("reduction") == "weight_mean" else {}
    )


def is_plain(entry: dict[str, Any]) -> bool:
    """Whether the value is that of one case with a hard truth, in the loss's own form."""
    skipped = ("hardmask", "grad_p", "ignore", "deep_supervision")
    parts = ("part", "note", "reduce_over", "batch_dice", "hard", "log")
    return (
        entry["loss"] in PLAIN
        and entry["fixture"] in ("F2", "F3", "F4", "F5", "F7")
        and not entry["name"].startswith(skipped)
        and entry["params"].get("smooth_in", "denominator") == "denominator"
        and not (entry["fixture"] == "F3" and entry["cls"] is None and entry["loss"] in SHAPES)
        and not any(part in entry["params"] for part in parts)
    )


def case_of(fixture: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Logits, probabilities with the background first, and ids."""
    facts = FIXTURES[fixture]
    truth = np.array(facts["y"]).astype(np.uint8)
    if "p" in facts:
        p = np.array(facts["p"], dtype=np.float64)
        both = np.stack([1 - p, p])
        with np.errstate(divide="ignore"):
            return np.log(both), both, truth
    logits = np.array(facts["logits"], dtype=np.float64)
    grown = np.exp(logits - logits.max(0))
    return logits, grown / grown.sum(0), truth


@pytest.mark.parametrize("name", [name for name, entry in ENTRIES.items() if is_plain(entry)])
def test_a_worked_value_is_what_score_writes_and_what_the_module_gives(name: str) -> None:
    entry = ENTRIES[name]
    measure = find_loss(entry["loss"])
    logits, probs, truth = case_of(entry["fixture"])
    call = measure.at(**knobs_of(entry, measure))
    n = len(probs)
    maps = ProbMaps.of_array(probs, truth=truth, channels=(None, *ONE[: n - 1]), partition=n, logits=tuple(logits))
    evidence = ProbEvidence.of_maps(maps, classes=range(n))
    of_class = 1 if entry["fixture"] != "F3" else entry["cls"]
    level: Any = "case" if of_class is None else "class"
    spacing = tuple(FIXTURES[entry["fixture"]]["spacing"])
    evidence.lattice = Lattice(spacing)
    found = evidence.values(call, level)
    assert float(found if of_class is None else found[of_class]) == pytest.approx(entry["value"], rel=1e-9, abs=1e-12)
    options: dict[str, Any] = {**call.knobs}
    ids = torch.from_numpy(truth).long()[None]
    if of_class is None:
        module = MODULES[module_name(measure)](activation="softmax", **options)
        value = module(torch.from_numpy(logits)[None], ids)
    else:
        options.pop("class_weights", None)
        pred, activation = torch.from_numpy(probs)[None, of_class : of_class + 1], "none"
        if measure.name == "nacl_loss":
            pred, activation = torch.logit(pred), "sigmoid"
        loss = MODULES[module_name(measure)](activation=activation, has_channels=True, spacing=spacing, **options)
        value = loss(pred, (ids == of_class)[:, None])
    assert float(value) == pytest.approx(entry["value"], rel=1e-9, abs=1e-12)


HARD = [
    name
    for name, entry in ENTRIES.items()
    if name.startswith("hardmask") and entry["loss"] in PLAIN and "published" not in name
]


@pytest.mark.parametrize("name", HARD)
def test_a_worked_value_of_masks_is_what_score_writes(name: str) -> None:
    entry = ENTRIES[name]
    pred, truth = (np.array(entry["params"][side]).astype(np.uint8) for side in ("pred", "truth"))
    smooth = {"smooth": 1e-5} if entry["params"]["setting"].endswith(".s1e-5") else {}
    call = find_loss(entry["loss"]).at(**smooth)
    case = Case(case_id="x", pred=pred, truth=truth, spacing_mm=(1.0, 1.0))
    plan = Plan(measures=(call,), labels=LabelMap(classes=ONE[:1]))
    assert evaluate(case, plan).classes[0].values[call.column] == pytest.approx(entry["value"], rel=1e-9, abs=1e-12)


@pytest.mark.parametrize("name", [name for name in ENTRIES if name.startswith("grad_p")])
def test_a_worked_slope_is_that_of_the_module(name: str) -> None:
    entry = ENTRIES[name]
    measure = find_loss(entry["loss"])
    knobs: dict[str, Any] = {"variant": 2, "smooth": 0.0} if "variant" in measure.knobs else {}
    _, probs, truth = case_of("F2")
    p = torch.from_numpy(probs)[None, 1:].requires_grad_()
    MODULES[module_name(measure)](activation="none", **knobs)(p, torch.from_numpy(truth)[None]).backward()
    assert p.grad is not None
    row, column = entry["params"]["voxel"]
    assert float(p.grad[0, 0, row, column]) == pytest.approx(entry["value"], rel=1e-9, abs=1e-12)


DISTANCES = (0.0, 1.0, 0.6, 1.0, 0.0, 0.5, 0.6, 0.5, 0.0)


def test_mistakes_between_classes_are_the_same_from_masks_maps_cases_together_and_a_batch() -> None:
    # truth 0 0 1 2 2, prediction 0 1 2 2 1: E = 1 + 0.5 + 0.5 = 2, G = 1 (1-0.5) + 0.6 (1 + 0.5) = 1.4
    call = find_loss("gwdl").at(dist=DISTANCES)
    truth, pred = np.array([[0, 0, 1, 2, 2]], np.uint8), np.array([[0, 1, 2, 2, 1]], np.uint8)
    expected = 1 - 2.8 / 4.8
    plan = Plan(measures=(call,), labels=LabelMap(classes=ONE))
    scores = evaluate(Case(case_id="x", pred=pred, truth=truth, spacing_mm=(1.0, 1.0)), plan)
    assert scores.row.values[call.column] == pytest.approx(expected, rel=1e-12)
    probs = np.stack([pred == c for c in range(3)]).astype(np.float64)
    maps = [
        ProbMaps.of_array(probs[..., part], truth=truth[..., part], channels=(None, *ONE), partition=3)
        for part in (slice(0, 2), slice(2, 5), slice(0, 5))
    ]
    for single in maps:
        ProbEvidence.of_maps(single, classes=range(3)).values(call, "case")
    together = maps[0].sums + maps[1].sums
    for found in (maps[2], together):
        assert ProbEvidence.of_maps(found, classes=range(3)).values(call, "case") == pytest.approx(expected, rel=1e-12)
    table = np.reshape(DISTANCES, (3, 3))
    for given in (table, table.tolist(), torch.tensor(table)):
        module = MODULES["GeneralizedWassersteinDiceLoss"](dist=given, activation="none", has_channels=True)
        value = module(torch.from_numpy(probs)[None], torch.from_numpy(truth).long()[None])
        assert float(value) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(
    "dist",
    [
        *((0.0, 1.0, 1.0), (1.0, 1.0, 1.0, 1.0), (0.0, 0.0, 0.0, 0.0), (0.0, -1.0, 1.0, 0.0)),
        (0.0, float("inf"), 1.0, 0.0),
    ],
)
def test_a_table_of_distances_that_is_none_is_refused(dist: tuple[float, ...]) -> None:
    with pytest.raises(ConfigError, match="dist"):
        find_loss("gwdl").at(dist=dist)
    with pytest.raises(ConfigError, match="dist"):
        MODULES["GeneralizedWassersteinDiceLoss"](dist=dist)
