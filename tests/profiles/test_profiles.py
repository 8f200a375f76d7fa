"""The profiles against worked values, each of which equals what the tool printed."""

import math
from typing import Any

import numpy as np
import pytest

from docs.quirks_page import QUIRKS, Quirk, value_of_quirk
from segeval import catalogue, profiles
from segeval.choice import call_of
from segeval.errors import ConfigError
from segeval.evidence.case import Case
from segeval.evidence.labels import LabelClass, LabelMap
from segeval.evidence.overlap.counts import Counts
from segeval.evidence.surfaces.surface import Surfaces
from segeval.measure import Measure
from segeval.profiles import PROFILES
from segeval.scoring.evaluate import evaluate
from segeval.scoring.plan import Plan
from tests.conftest import golden
from tests.masks import MASKS, Masks, surfaces_of
from tests.verbs.explain import masks as explained_masks

GOLDEN = golden("boundary")
VALUES = {name: float(value) for name, value in GOLDEN["values"].items() if name.startswith("profile.")}
OTHER_NAMES = {"jaccard": "iou"}


def of(profile: str, name: str) -> Measure:
    return profiles.profile(profile).like(catalogue.find(name))


def counts_of(masks: Masks) -> Counts:
    pred, truth = masks.pred, masks.truth
    pairs = (pred & truth, pred & ~truth, ~pred & truth, ~pred & ~truth)
    return Counts(**{name: np.array([one.sum()]) for name, one in zip(("tp", "fp", "fn", "tn"), pairs, strict=True)})


def value_of(measure: Measure, masks: Masks, **knobs: Any) -> float:
    evidence = {Counts: counts_of(masks), Surfaces: masks.surfaces}
    return float(measure.at(**knobs)(*(evidence[need] for need in measure.evidence))[0])


def tolerance(text: str, measure: Measure) -> dict[str, float]:
    """The `@2` of a worked value: a tolerance, or the width of a band."""
    name = {"nsd": "tolerance_mm", "boundary_iou": "width_mm"}.get(measure.name)
    return {name: float(text)} if name and text else {}


@pytest.mark.parametrize("name", VALUES)
def test_profiles_give_the_numbers_of_the_tools(name: str) -> None:
    _, profile, masks, called = name.split(".")
    called, _, at = called.partition("@")
    measure = of(profile, called)
    assert value_of(measure, MASKS[masks], **tolerance(at, measure)) == pytest.approx(VALUES[name], rel=1e-9, abs=1e-12)


ABSENT = [
    (profile, OTHER_NAMES.get(name, name), values)
    for profile, settings in GOLDEN["profile_settings"].items()
    if isinstance(settings.get("absent"), dict)
    for name, values in settings["absent"].items()
]


@pytest.mark.parametrize(("profile", "name", "values"), ABSENT)
def test_absent_classes_get_the_values_of_the_tools(profile: str, name: str, values: list[Any]) -> None:
    if name not in catalogue.measures():
        pytest.skip(f"the catalogue has no {name} yet")
    absent = of(profile, name).absent
    wanted = [math.nan if one == "error" else float(one) for one in values]
    assert [absent.both, absent.pred, absent.truth] == pytest.approx(wanted, nan_ok=True)
    statuses = ("absent_both", "absent_pred", "absent_truth")
    errors = tuple(status for status, one in zip(statuses, values, strict=True) if one == "error")
    assert PROFILES[profile].definitions[name].errors == errors


@pytest.mark.parametrize("profile", ["panoptica", "panoptica-instance"])
def test_a_tool_that_fails_on_absent_classes_leaves_the_distances_undefined(profile: str) -> None:
    for name in ("hd", "hd95", "assd", "nsd"):
        assert math.isnan(of(profile, name).absent.pred or 0.0)
        assert PROFILES[profile].definitions[name].errors == ("absent_both", "absent_pred", "absent_truth")


@pytest.mark.parametrize("profile", PROFILES)
def test_a_profile_names_measures_of_the_catalogue_and_knobs_that_they_have(profile: str) -> None:
    pending = {"cldice"}
    assert set(PROFILES[profile].definitions) <= {*catalogue.measures(), *pending}
    for measure in PROFILES[profile].measures():
        definition = PROFILES[profile].definitions[measure.name]
        assert measure.at(**definition.knobs).knobs == dict(definition.knobs)
        assert measure.profile == profile


def test_the_column_carries_the_name_of_the_profile() -> None:
    assert of("medpy", "hd95").at().column == "hd95[medpy]"
    assert of("monai", "nsd").at(tolerance_mm=2).column == "nsd(tolerance_mm=2)[monai]"
    assert of("panoptica-instance", "nsd").at().column == "nsd(tolerance_mm=min_spacing)[panoptica-instance]"


def test_a_profile_keeps_the_summary_and_the_knobs_of_the_measure() -> None:
    measure = of("medpy", "hd95")
    assert measure.summary == catalogue.find("hd95").summary
    assert measure.knobs["pooling"] == "pooled"
    assert value_of(measure, MASKS["F"], pooling="directed_max") == value_of(catalogue.find("hd95"), MASKS["F"])


def test_our_own_profile_has_every_measure_unchanged() -> None:
    for measure in profiles.profile("segeval").measures():
        assert dict(measure.knobs) == dict(catalogue.find(measure.name).knobs)


def test_the_tolerance_of_matched_instances_is_the_smallest_spacing() -> None:
    masks = MASKS["R2"]
    by_spacing = of("panoptica-instance", "nsd")(surfaces_of(masks.pred, masks.truth, spacing_mm=masks.spacing_mm))
    assert by_spacing == of("panoptica-instance", "nsd")(masks.surfaces, tolerance_mm=0.7)


def test_an_unknown_profile_gets_a_suggestion() -> None:
    with pytest.raises(ConfigError, match=r"Unknown profile 'Medpi'\. Did you mean 'medpy'\?"):
        profiles.profile("Medpi")
    with pytest.raises(ConfigError, match="The profiles: segeval, monai"):
        profiles.profile("x")


def test_a_measure_that_the_tool_lacks_is_refused_with_those_it_has() -> None:
    with pytest.raises(ConfigError, match="nnunet has no 'hd95'"):
        of("nnunet", "hd95")


ANTS = {
    "TotalOrTargetOverlap": "sensitivity",
    "UnionOverlap": "iou",
    "MeanOverlap": "dice",
    "VolumeSimilarity": "volume_similarity",
    "FalseNegativeError": "fnr",
    "FalsePositiveError": "fpr",
}
LARGEST = 1.7976931348623157e308  # what it returns for 0/0


@pytest.mark.parametrize("called", ANTS)
def test_ants_gives_the_same_overlaps(called: str) -> None:
    measure, stored = of("ants", ANTS[called]), golden("ants")["cases"]
    for case, (pred, truth) in explained_masks.cases().items():
        for label, theirs in stored[case].items():
            plan = Plan(measures=(measure.at(),), labels=LabelMap(classes=(LabelClass(name=label, ids=(int(label),)),)))
            (row,) = evaluate(Case(case_id=case, pred=pred, truth=truth), plan).classes
            (ours,) = row.values.values()
            if theirs[called] == LARGEST and called != "FalsePositiveError":
                assert math.isnan(ours), (case, label)
            elif theirs[called] != LARGEST:
                assert ours == pytest.approx(theirs[called], rel=1e-9), (case, label)


@pytest.mark.parametrize("quirk", QUIRKS, ids=lambda quirk: f"{quirk.measure} {quirk.said[:20]}")
def test_a_quirk_that_is_told_makes_a_difference_or_is_corrected(quirk: Quirk) -> None:
    profile, ours = (value_of_quirk(name, quirk) for name in (quirk.measure, quirk.ours))
    if quirk.is_corrected:
        assert quirk.theirs != str(profile)
    else:
        assert profile != pytest.approx(ours, nan_ok=True)


@pytest.mark.parametrize("name", ["hd", "hd95", "assd", "nsd"])
def test_where_a_tool_knows_no_spacing_a_unit_is_refused(name: str) -> None:
    assert "unit" in call_of(f"{name}(matching=voronoi)").measure.knobs
    with pytest.raises(ConfigError, match=rf"{name}: unit changes nothing\. Leave it out\."):
        call_of(f"{name}(unit=voxel)[cc-metrics]")
    call_of(f"{name}[cc-metrics]")
