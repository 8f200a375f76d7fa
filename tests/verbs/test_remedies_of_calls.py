"""What a message of the library offers is done, and the number that comes of it is the right one."""

import re
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pytest

import segeval
from tests.cli.given import rows_of
from tests.verbs.offers import PLACED, PRED, RIGHT, SOFT, SOFTMAX, TRUTH, Offer, evaluated, follow, score

CALLS = {
    "a batch": Offer(
        wrong=lambda: score(np.stack([SOFTMAX] * 2), np.stack([TRUTH] * 2)),
        says="Give one case at a time: segeval.score(list(pred), list(truth))",
        does=lambda: score(list(np.stack([SOFTMAX] * 2)), list(np.stack([TRUTH] * 2))),
        right=[RIGHT] * 2,
    ),
    "a batch with a channel of the truth": Offer(
        wrong=lambda: score(np.stack([SOFTMAX] * 2), np.stack([TRUTH[None]] * 2)),
        says="with ids for the truth (truth[:, 0])",
        does=lambda: score(list(np.stack([SOFTMAX] * 2)), list(np.stack([TRUTH[None]] * 2)[:, 0])),
        right=[RIGHT] * 2,
    ),
    "channels at the end": Offer(
        wrong=lambda: score(np.moveaxis(SOFTMAX, 0, -1), TRUTH),
        says="Pass channel_axis='last'",
        does=lambda: score(np.moveaxis(SOFTMAX, 0, -1), TRUTH, channel_axis="last"),
    ),
    "an axis that may be either": Offer(
        wrong=lambda: score(SOFTMAX[:, :2, 2:4, 3] * 0 + 0.5, TRUTH[:2, 2:4, 3]),
        says="Pass channel_axis='first' if it counts classes",
        does=lambda: score(SOFTMAX[:, 4:6, 4:6, 3], TRUTH[4:6, 4:6, 3], channel_axis="first"),
        right=[1.0],
    ),
    "masked voxels": Offer(
        wrong=lambda: score(PRED, np.ma.masked_array(TRUTH, mask=np.broadcast_to(np.arange(8) == 7, TRUTH.shape))),
        says="Fill them with an id, such as 255, and pass ignore_label=255",
        does=lambda: score(PRED, np.where(np.arange(8) == 7, 255, TRUTH).astype(np.uint8), ignore_label=255),
    ),
    "no array": Offer(
        wrong=lambda: score(TRUTH[0, 0], TRUTH[0, 0]),
        says="Give class ids in two or three dimensions, one array per case",
        does=lambda: score(PRED, TRUTH),
    ),
    "a stack of images": Offer(
        wrong=lambda: score(PRED, TRUTH, spacing=(1.0, 1.0)),
        says="or each case alone where the first axis counts cases",
        does=lambda: score(list(PRED[4:6]), list(TRUTH[4:6]), spacing=(1.0, 1.0)),
        right=[1.0, 1.0],
    ),
    "an image with a place and one without": Offer(
        wrong=lambda: score(PLACED, TRUTH),
        says="pass --ignore-geometry to compare the arrays as they are",
        does=lambda: score(PLACED, TRUTH, ignore_geometry=True),
    ),
    "sides of other lengths": Offer(
        wrong=lambda: score([PRED, PRED], [TRUTH]),
        says="Give both sides the same number of images",
        does=lambda: score([PRED, PRED], [TRUTH, TRUTH]),
        right=[RIGHT] * 2,
    ),
    "sides of other ids": Offer(
        wrong=lambda: score({"a": PRED}, {"b": TRUTH}),
        says="or mappings with the same case ids",
        does=lambda: score({"a": PRED}, {"a": TRUTH}),
    ),
    "an option with a slip": Offer(
        wrong=lambda: score(PRED, TRUTH, ignore_lable=255),
        says="Did you mean 'ignore_label'",
        does=lambda: score(PRED, TRUTH, ignore_label=255),
    ),
    "shares for a truth": Offer(
        wrong=lambda: score(PRED, np.where(TRUTH == 1, 0.8, 0.2)),
        says="Pass --round-labels to take values of 0.5 and more for id 1",
        does=lambda: score(PRED, np.where(TRUTH == 1, 0.8, 0.2), round_labels=True),
    ),
    "ids out of order": Offer(
        wrong=lambda: score(
            SOFTMAX.repeat(2, 0)[:3] / [[[[1.0]]], [[[1.0]]], [[[1.0]]]], TRUTH, labels={7: "a", 5: "b"}
        ),
        says="such as --channels background,b,a",
        does=lambda: score(SOFTMAX, TRUTH, labels={1: "a"}, channels="background,a"),
    ),
    "one case for a function": Offer(
        wrong=lambda: segeval.dice([PRED, PRED], [TRUTH, TRUTH]),
        says="Use segeval.score, which takes many",
        does=lambda: score([PRED, PRED], [TRUTH, TRUTH]),
        right=[RIGHT] * 2,
    ),
    "a function of empty masks": Offer(
        wrong=lambda: segeval.dice(0 * PRED, 0 * TRUTH),
        says="Name the classes, such as labels=[1]",
        does=lambda: [segeval.dice(PRED, TRUTH, labels=[1])],
    ),
    "a function that writes": Offer(
        wrong=lambda: segeval.dice(PRED, TRUTH, out="here"),
        says="Use segeval.score for a run",
        does=lambda: score(PRED, TRUTH),
    ),
    "files for an evaluator": Offer(
        wrong=lambda: segeval.Evaluator(pred_pattern="{case}.png"),
        says="Leave it out",
        does=lambda: evaluated(PRED[None], TRUTH[None], ["a"]),
    ),
    "a batch without names": Offer(
        wrong=lambda: evaluated(PRED[None], TRUTH[None], None),
        says="Give one id for each case of the batch",
        does=lambda: evaluated(PRED[None], TRUTH[None], ["a"]),
    ),
    "a batch with a name twice": Offer(
        wrong=lambda: evaluated(np.stack([PRED] * 2), np.stack([TRUTH] * 2), ["a", "a"]),
        says="Give each case an id of its own",
        does=lambda: evaluated(np.stack([PRED] * 2), np.stack([TRUTH] * 2), ["a", "b"]),
        right=[RIGHT] * 2,
    ),
    "lengths of other cases": Offer(
        wrong=lambda: evaluated(np.stack([PRED] * 2), np.stack([TRUTH] * 2), ["a", "b"], spacing=[(1.0, 1.0, 1.0)] * 3),
        says="Give one for each, or one for all",
        does=lambda: evaluated(np.stack([PRED] * 2), np.stack([TRUTH] * 2), ["a", "b"], spacing=(1.0, 1.0, 1.0)),
        right=[RIGHT] * 2,
    ),
    "no case yet": Offer(
        wrong=lambda: segeval.Evaluator(measures="dice").compute(),
        says="Call update() first",
        does=lambda: evaluated(PRED[None], TRUTH[None], ["a"]),
    ),
    "masks of the classes of one image": Offer(
        wrong=lambda: score(list(BOTH_PRED), list(BOTH)),
        says="Give these as one array: numpy.stack(pred), numpy.stack(truth)",
        does=lambda: score(np.stack(list(BOTH_PRED)), np.stack(list(BOTH))),
    ),
    "masks that share out a space": Offer(
        wrong=lambda: score(list(BOTH_PRED), list(BOTH)),
        says="or cases by their ids: {'a': ..., 'b': ...}",
        does=lambda: score(dict(zip("ab", BOTH_PRED, strict=True)), dict(zip("ab", BOTH, strict=True))),
        right=[1 - 96 / (2 * 1008), RIGHT],
    ),
    "one image beside several": Offer(
        wrong=lambda: score(PRED, list(BOTH)),
        says="Give pred one image for each; or if they are the classes of one image, give them as one array",
        does=lambda: [*score([PRED, PRED], [TRUTH, TRUTH]), *score(PRED, np.stack(list(BOTH)))],
        right=[RIGHT] * 3,
    ),
    "a map of lesions for one case alone": Offer(
        wrong=lambda: lesions({"a": PRED}),
        says="Each case needs its instance map: b stands alone",
        does=lambda: lesions({"a": PRED, "b": PRED}),
        right=[1.0, 1.0],
    ),
    "an option of a function with a slip": Offer(
        wrong=lambda: segeval.fbeta(PRED, TRUTH, betta=1),
        says="Did you mean 'beta'",
        does=lambda: [segeval.fbeta(PRED, TRUTH, beta=1)],
    ),
    "an option that no function has": Offer(
        wrong=lambda: segeval.dice(PRED, TRUTH, quality=1),
        says="It takes labels, ",
        does=lambda: [segeval.dice(PRED, TRUTH, labels=[1])],
    ),
    "a profile with a slip": Offer(
        wrong=lambda: score(PRED, TRUTH, "dice[monay]"),
        says="Did you mean 'monai'",
        does=lambda: score(PRED, TRUTH, "dice[monai]"),
    ),
    "a profile without the measure": Offer(
        wrong=lambda: score(PRED, TRUTH, "fbeta[medpy]"),
        says="Its measures: dice, ",
        does=lambda: score(PRED, TRUTH, "dice[medpy]"),
    ),
    "a folder for an evaluator": Offer(
        wrong=lambda: segeval.Evaluator("dice", out="here"),
        says="Call .write(folder)",
        does=lambda: written(),
    ),
    "a path for a batch": Offer(
        wrong=lambda: evaluated("pred", TRUTH[None], ["a"]),
        says="Give an array or tensor whose first axis counts cases, or a list of them",
        does=lambda: [*evaluated(PRED[None], TRUTH[None], ["a"]), *evaluated([PRED], [TRUTH], ["a"])],
        right=[RIGHT] * 2,
    ),
    "a batch with a case too many": Offer(
        wrong=lambda: evaluated(np.stack([PRED] * 2), np.stack([TRUTH] * 2), ["a"]),
        says="Give one id for each case of the batch",
        does=lambda: evaluated(np.stack([PRED] * 2), np.stack([TRUTH] * 2), ["a", "b"]),
        right=[RIGHT] * 2,
    ),
    "lengths below zero": Offer(
        wrong=lambda: evaluated(PRED[None], TRUTH[None], ["a"], spacing=(-1.0, 1.0, 1.0)),
        says="Give positive numbers, in array axis order",
        does=lambda: evaluated(PRED[None], TRUTH[None], ["a"], spacing=(1.0, 1.0, 1.0)),
    ),
    "a case of another epoch": Offer(
        wrong=lambda: epochs(reset=False),
        says="call reset() before a new epoch",
        does=lambda: epochs(reset=True),
        right=[1.0],
    ),
    "two cases of one name": Offer(
        wrong=lambda: epochs(reset=False),
        says="Give each case an id of its own",
        does=lambda: epochs(reset=False, name="b"),
        right=[RIGHT, 1.0],
    ),
    "evaluators of other options": Offer(
        wrong=lambda: merged({}, {"include_background": True}),
        says="These evaluators differ in include_background. Give all the same options",
        does=lambda: merged({}, {}),
        right=[RIGHT] * 2,
    ),
    "evaluators of other predictions": Offer(
        wrong=lambda: merged({}, {}, SOFT),
        says="say which with pred_kind",
        does=lambda: merged({"pred_kind": "probs"}, {"pred_kind": "probs"}, SOFT),
        right=[RIGHT] * 2,
    ),
    "a state that is none": Offer(
        wrong=lambda: segeval.Evaluator("dice").load_state_dict({"scores": "00"}),
        says="Take one with .state_dict()",
        does=lambda: loaded(),
    ),
    "a run to go on with, without a folder": Offer(
        wrong=lambda: of_folder(resume=True),
        says="are about the folder of a run. Name it with --out",
        does=lambda: of_folder(resume=True, out=True),
    ),
    "numbers alone": Offer(
        wrong=lambda: computed().show("a"),
        says="Score the masks again, and show a case of that",
        does=lambda: caption(segeval.score({"a": PRED}, {"a": TRUTH}, measures="dice", bootstrap=0).show("a")),
        right=[48, 48, 144],
    ),
    "a case of results with a slip": Offer(
        wrong=lambda: segeval.score({"a": PRED}, {"a": TRUTH}, measures="dice", bootstrap=0).show("A"),
        says="Did you mean 'a'",
        does=lambda: caption(segeval.score({"a": PRED}, {"a": TRUTH}, measures="dice", bootstrap=0).show("a")),
        right=[48, 48, 144],
    ),
    "a result by a name alone": Offer(
        wrong=lambda: computed()["dice"],  # type: ignore[index]
        says='as in results["dice", "liver"]',
        does=lambda: [computed()["dice", "1"].mean],
    ),
    "a result that there is not": Offer(
        wrong=lambda: computed()["dice", "liver"],
        says="There are: 1",
        does=lambda: [computed()["dice", "1"].mean],
    ),
    "a result with a slip": Offer(
        wrong=lambda: computed()["dise", "1"],
        says="Did you mean 'dice'",
        does=lambda: [computed()["dice", "1"].mean],
    ),
    "a table that there is not": Offer(
        wrong=lambda: computed().to_pandas("score"),
        says="The tables are: scores, ",
        does=lambda: computed().to_pandas("scores")["dice"].tolist(),
    ),
}
BOTH, BOTH_PRED = (np.stack([1 - mask, mask]) for mask in (TRUTH, PRED))


def of_folder(*, out: bool = False, **options: Any) -> list[float]:
    """The score of files, and where they are written to."""
    with TemporaryDirectory() as folder:
        for side, mask in (("pred", PRED), ("truth", TRUTH)):
            Path(folder, side).mkdir()
            np.save(Path(folder, side, "a.npy"), mask)
        where = {"out": Path(folder, "run")} if out else {}
        return score(Path(folder, "pred"), Path(folder, "truth"), **options, **where)


def lesions(maps: dict[str, Any]) -> list[float]:
    cases = {"a": PRED, "b": PRED}, {"a": TRUTH, "b": TRUTH}
    return score(*cases, "n_lesions_pred", pred_instances=maps)


def computed() -> Any:
    evaluator = segeval.Evaluator("dice", bootstrap=0)
    evaluator.update(PRED, TRUTH, case_id="a")
    return evaluator.compute()


def caption(picture: Any) -> list[float]:
    """How many voxels the picture says are false, missed and true."""
    said = re.search(r"(\d+) false and (\d+) missed of (\d+)", picture.caption)
    assert said, picture.caption
    return [float(n) for n in said.groups()]


def written() -> list[float]:
    evaluator = segeval.Evaluator("dice", bootstrap=0)
    evaluator.update(PRED, TRUTH, case_id="a")
    with TemporaryDirectory() as folder:
        evaluator.write(folder)
        return [float(rows_of(Path(folder, "scores.csv"))[0]["dice"])]


def epochs(*, reset: bool, name: str = "a") -> list[float]:
    """The same case twice, and the second time without a fault."""
    evaluator = segeval.Evaluator("dice", bootstrap=0)
    evaluator.update(PRED, TRUTH, case_id="a")
    if reset:
        evaluator.reset()
    evaluator.update(TRUTH, TRUTH, case_id=name)
    return [row.values["dice"] for row in evaluator.compute().class_rows]


def merged(one: dict[str, Any], other: dict[str, Any], pred: Any = PRED) -> list[float]:
    """Two evaluators with a case each, of which the second may know probabilities."""
    first, second = (segeval.Evaluator("dice", bootstrap=0, **options) for options in (one, other))
    first.update(PRED if pred is PRED else PRED.astype(np.float32), TRUTH, case_id="a")
    second.update(pred, TRUTH, case_id="b")
    first.merge(second)
    return [row.values["dice"] for row in first.compute().class_rows]


def loaded() -> list[float]:
    first, second = (segeval.Evaluator("dice", bootstrap=0) for _ in "ab")
    first.update(PRED, TRUTH, case_id="a")
    second.load_state_dict(first.state_dict())
    return [row.values["dice"] for row in second.compute().class_rows]


@pytest.mark.parametrize("what", CALLS)
def test_what_a_message_offers_a_program_leads_to_the_right_number(what: str) -> None:
    follow(CALLS[what])


@pytest.mark.parametrize(("module", "name"), [(segeval, "dise"), (segeval.metrics, "dise")])
def test_a_measure_with_a_slip_is_named(module: Any, name: str) -> None:
    with pytest.raises(AttributeError, match="Did you mean 'dice'"):
        getattr(module, name)
    assert segeval.dice(PRED, TRUTH) == pytest.approx(RIGHT)


def test_a_stack_that_was_taken_for_a_volume_is_given_as_a_list() -> None:
    """Of two images the first is right and the second is missed."""
    pred, truth = (np.stack([mask[4], mask[3]]) for mask in (PRED, TRUTH))
    volume = segeval.score(pred, truth, measures="dice", bootstrap=0)
    (note,) = [one for one in volume.facts["warnings"] if "was taken for one volume" in one]
    assert "If its first axis counts images of two axes, give list(pred) and list(truth)" in note
    assert score(list(pred), list(truth)) == [1.0, 0.0]  # the second prediction is empty
