"""The only list of measures: names, aliases, groups, and what a choice stands for."""

import re
from collections import Counter
from typing import Any

import pytest

from segeval import catalogue
from segeval.choice import choose
from segeval.errors import ConfigError
from segeval.knobs import parse_call


def columns(*asked: str) -> list[str]:
    return [call.column for call in choose(asked).calls]


OVERLAP = [one.name for one in catalogue.measures_of("overlap")]


def test_no_name_or_alias_is_used_twice() -> None:
    names = [name for one in catalogue.measures().values() for name in (one.name, *one.aliases)]
    assert [name for name, n in Counter(names).items() if n > 1] == []
    assert not set(names) & {*catalogue.GROUPS, "all", "default"}


def test_every_loss_ends_in_loss_and_no_metric_does() -> None:
    for one in catalogue.measures().values():
        assert one.name.endswith("_loss") == (one.kind == "loss")


@pytest.mark.parametrize("name", catalogue.measures())
def test_every_measure_says_what_a_reader_needs(name: str) -> None:
    one = catalogue.find(name)
    assert one.summary.endswith("."), "the first line of the docstring is a sentence"
    assert one.symbol
    assert one.formula
    assert one.bounds[0] < one.bounds[1]
    assert one.needs
    assert one.levels


@pytest.mark.parametrize(
    ("alias", "name"),
    [("dsc", "dice"), ("jaccard", "iou"), ("recall", "sensitivity"), ("for_rate", "false_omission_rate")],
)
def test_an_alias_finds_its_measure(alias: str, name: str) -> None:
    assert catalogue.find(alias) is catalogue.find(name)


def test_a_name_may_be_typed_in_any_case() -> None:
    assert catalogue.find("Dice") is catalogue.find("DSC") is catalogue.find("dice")


def test_an_unknown_measure_gets_the_nearest_name_suggested() -> None:
    with pytest.raises(ConfigError) as caught:
        catalogue.find("dise")
    assert str(caught.value) == "Unknown measure 'dise'. Did you mean 'dice'? `segeval measures` lists all of them."
    with pytest.raises(ConfigError, match=r"^Unknown measure 'qqqqqq'\. `segeval"):
        catalogue.find("qqqqqq")


def test_the_group_of_a_measure_is_known() -> None:
    assert catalogue.group_of("kappa") == "overlap"


def test_nothing_asked_for_is_the_default() -> None:
    assert columns() == columns("default") == columns("")
    assert columns()[: len(OVERLAP)] == OVERLAP


def test_names_and_groups_may_be_mixed_and_repeated() -> None:
    assert columns("iou,dice", "fbeta(beta=2)") == ["iou", "dice", "fbeta(beta=2)"]
    assert columns("dice", "overlap") == ["dice", *(name for name in OVERLAP if name != "dice")]


def test_the_same_column_asked_for_twice_comes_once() -> None:
    assert columns("dice,dsc,f1,dice()") == ["dice"]
    assert columns("fbeta(beta=2),fbeta(beta=2.0)") == ["fbeta(beta=2)"]
    assert columns("tversky_index(alpha=0.3,beta=0.7)", "tversky_index(beta=0.7,alpha=0.3)") == [
        "tversky_index(alpha=0.3,beta=0.7)"
    ]


def test_a_default_spelled_out_is_a_column_of_its_own() -> None:
    assert columns("fbeta,fbeta(beta=1)") == ["fbeta", "fbeta(beta=1)"]


def test_two_calls_that_look_alike_in_a_column_are_refused() -> None:
    with pytest.raises(ConfigError, match=r"would both be called 'fbeta\(beta=0\.3\)'"):
        columns("fbeta(beta=0.30000001),fbeta(beta=0.30000002)")


def test_a_plus_adds_to_the_default() -> None:
    assert columns("+fbeta(beta=3)") == [*columns(), "fbeta(beta=3)"]
    assert columns("+dice") == columns()


def test_all_is_every_measure_once() -> None:
    assert [name.partition("(")[0] for name in columns("all")] == list(catalogue.measures())


@pytest.mark.parametrize("asked", ["dise", "dice(smooth=1)", "dice(", "dice,,iou(2)"])
def test_a_choice_that_cannot_be_read_is_refused(asked: str) -> None:
    with pytest.raises(ConfigError):
        choose([asked])


def test_the_screen_shows_what_was_named() -> None:
    assert choose(["kappa,iou"]).shown == ("kappa", "iou")


def test_of_a_group_the_screen_shows_the_well_known_measures_in_their_order() -> None:
    assert choose(["overlap"]).shown == ("dice", "iou", "sensitivity", "precision")
    assert choose(["overlap", "kappa"]).shown == ("kappa", "dice", "iou", "sensitivity", "precision")
    assert choose([]).shown[:2] == ("dice", "iou")


def test_everything_shown_is_computed() -> None:
    for asked in ([], ["all"], ["+kappa"], ["overlap,fbeta(beta=3)"]):
        assert set(choose(asked).shown) <= set(columns(*asked))


@pytest.mark.parametrize(
    ("measure", "knobs", "message"),
    [
        (
            "rq",
            {"matching": "any_overlap", "iou_threshold": 0.1},
            "iou_threshold=0.1 changes nothing with matching=any",
        ),
        (
            "rq",
            {"matching": "any_overlap", "forgive_extra": True},
            "forgive_extra=true changes nothing with matching=any_overlap. Leave it out, or set",
        ),
        ("pq", {"matching": "any_overlap"}, "matching takes hungarian, greedy or merge"),
        ("lesion_recall", {"forgive_extra": True}, "lesion_recall: forgive_extra changes nothing. Leave it out"),
        (
            "nsd",
            {"neighbours": "full"},
            "neighbours=full changes nothing with surface=area. Leave it out, or set surface",
        ),
        ("hd", {"surface": "set", "edge": "none"}, "edge=none changes nothing with surface=set"),
        ("boundary_iou", {"band": "background", "neighbours": "full"}, "nothing with band=background"),
        (
            "dice_loss",
            {"empty": "nan"},
            "empty=nan changes nothing with smooth=1e-06. Leave it out, or set smooth to 0.",
        ),
        ("focal_loss", {"alpha": 0.5, "class_alpha": (1, 2)}, "alpha=0.5 changes nothing with class_alpha=1;2"),
        (
            "weighted_bce_loss",
            {"weight_grad": True},
            "with weight=target_ratio. Leave it out, or set weight to pred_ratio",
        ),
        ("generalized_dice_loss", {"weight": (1, 2), "absent": "zero"}, "absent=zero changes nothing with weight=1;2"),
    ],
)
def test_a_knob_that_would_change_nothing_is_refused(measure: str, knobs: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(message)):
        catalogue.find(measure).at(**knobs)


def test_a_knob_counts_once_the_remedy_is_followed() -> None:
    assert catalogue.find("rq").at(matching="any_overlap").column == "rq(matching=any_overlap)"
    assert catalogue.find("rq").at(iou_threshold=0.1, forgive_extra=True).all_knobs["forgive_extra"]
    assert catalogue.find("nsd").at(neighbours="full", surface="voxel").knobs["neighbours"] == "full"


@pytest.mark.parametrize(
    "call", ["focal_loss(detach_modulator=true)", "weighted_bce_loss(weight=pred_ratio,weight_grad=true)"]
)
def test_a_knob_of_training_is_refused_by_a_score(call: str) -> None:
    with pytest.raises(
        ConfigError, match=r"changes the gradient alone.*Leave it out; a training takes it from segeval"
    ):
        choose([call])
    name, knobs = parse_call(call)
    assert catalogue.find(name).at(**knobs).knobs == knobs  # as the losses for training do


def test_a_share_instead_of_a_percentage_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"percent=0.95 is refused; percent is 0 to 100. Did you mean percent=95\?"):
        catalogue.find("hdp").at(percent=0.95)
