"""`segeval.score` for programs: paths, arrays or tensors in, results out."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields, replace
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from segeval.errors import ConfigError, DataError, did_you_mean
from segeval.evidence.case import Case
from segeval.files.paths import listed
from segeval.images.cases import case_of
from segeval.images.forms import agree
from segeval.images.input_rules import InputRules
from segeval.images.instances import with_instances
from segeval.images.labels.one_hot import share_out_one_image
from segeval.images.objects import volume_of, volumes_of
from segeval.images.pairing.pairs import Pair
from segeval.images.predictions.arrays import pair_of_arrays, refuse_classes_of_both
from segeval.images.predictions.class_masks import LabelImage
from segeval.images.predictions.predictions import Prediction
from segeval.images.readers.readers import read_volume
from segeval.images.readers.volumes import Volume
from segeval.options import ScoreOptions
from segeval.results import Results
from segeval.results.formats import EXTRA_FORMATS
from segeval.results.run_folder import RunFolder
from segeval.scoring.plan import Plan
from segeval.settings import checked
from segeval.verbs.running.job import Job
from segeval.verbs.running.scored import evaluated, is_out_of_memory
from segeval.verbs.score import (
    check_instances,
    finished,
    in_one_unit,
    input_rules_of,
    make_plan,
    plan_for,
    score_folders,
)

if TYPE_CHECKING:
    from segeval.verbs.report.overlays import Picture

Masks = Any  # a path, an array or tensor, a sequence of them, or a mapping from case id to them

_AT_HAND = "library call"  # what the record says in place of a path


def score(
    pred: Masks = None,
    truth: Masks = None,
    *,
    pred_instances: Masks = None,
    truth_instances: Masks = None,
    **options: Any,
) -> Results:
    """Score predictions against their truth.

    Args:
        pred: a folder or file; or an array or tensor of class ids, of the probability of one class, or of
            probabilities with an axis that counts classes, the first or `channel_axis="last"`; or an image of nibabel,
            SimpleITK or MONAI, which brings its spacing and place; or several of these, as a sequence or as a mapping
            from case id. A batch is no case: give `list(batch)`.
        truth: the same for the true masks, whose arrays are class ids in two or three dimensions, or one-hot.
        pred_instances: maps of lesion ids, in the manner of `pred`; without them connected components are the lesions.
        truth_instances: the same for the truth.
        options: as in `segeval.options.ScoreOptions`: `measures=["dice"]`, `labels={1: "liver"}`,
            `spacing=(0.8, 0.8, 3.0)` in mm and array axis order, `out="results"` to write the tables, and so on.

    Raises:
        ConfigError: an option, a name or a path is wrong.
        DataError: a case cannot be scored.
    """
    instances = {"pred_instances": pred_instances, "truth_instances": truth_instances}
    given = {name: one for name, one in instances.items() if one is not None}
    sources = dict.fromkeys([*given, *options], "library call")
    if all(one is None or _is_path(one) for one in (pred, truth)):
        chosen = checked(options_of(options | given))
        return to_be_shown(score_folders(pred and Path(pred), truth and Path(truth), chosen, sources=sources))
    chosen = checked(options_of(options | dict.fromkeys(given, _AT_HAND)))
    for name in chosen.format:
        EXTRA_FORMATS[name].check()
    results = _score_each(pred, truth, instances, chosen, sources)
    if chosen.out is not None:
        with RunFolder.open(chosen.out, formats=chosen.format) as folder:
            folder.write(results)
    return results


def options_of(given: Mapping[str, Any]) -> ScoreOptions:
    """Options as a program gives them, by name.

    Raises:
        ConfigError: there is no such option, or it holds no such thing.
    """
    from segeval.config import fitted

    types = {field.name: field.type for field in fields(ScoreOptions)}
    for name in given:
        if name not in types:
            help = did_you_mean(name, types) or f" The options are: {', '.join(types)}."
            raise ConfigError(f"There is no option {name!r}.{help}")
    return ScoreOptions(**{name: fitted(_plain(value), types[name], where=name) for name, value in given.items()})


def where_tensors_stay(options: ScoreOptions, plan: Plan) -> str:
    """The device whose tensors are scored there; `cpu` where all become arrays, as maps of objects do."""
    return "cpu" if options.instances or options.instance_sides else plan.device


def _plain(value: Any) -> Any:
    """Numbers of numpy as those of Python, whatever holds them."""
    match value:
        case np.ndarray() | np.generic():
            return value.tolist()
        case Mapping():
            return {_plain(key): _plain(one) for key, one in value.items()}
        case list() | tuple():
            return [_plain(one) for one in value]
    return value


def _score_each(
    pred: Masks, truth: Masks, instances: Mapping[str, Masks], options: ScoreOptions, sources: Mapping[str, str]
) -> Results:
    """Score cases that are given one by one, some of them perhaps as files."""
    preds, truths = _by_id(pred), _by_id(truth)
    if preds.keys() != truths.keys():
        raise DataError(_unpaired(preds, truths))
    if isinstance(truth, Sequence) and share_out_one_image(truth):
        raise DataError(
            f"Each voxel lies in exactly one of the {len(truth)} masks of truth, as in those of the classes of one "
            "image. Give these as one array: numpy.stack(pred), numpy.stack(truth); or cases by their ids: "
            "{'a': ..., 'b': ...}."
        )
    plan = make_plan(options)
    if options.instance_sides:
        check_instances(options.instance_sides, plan)
    maps = [_maps_by_id(side, truths) for side in instances.values()]
    pairs = [_pair(case_id, preds[case_id], truths[case_id]) for case_id in truths]

    def taken(pairs: Sequence[Pair], device: str) -> tuple[dict[str, Prediction], dict[str, Volume]]:
        at_hand: dict[str, Prediction] = {}
        known: dict[str, Volume] = {}
        for pair in pairs:
            sides = preds[pair.case_id], truths[pair.case_id]
            _take(pair, *sides, options, at_hand=at_hand, known=known, device=device)
        return at_hand, known

    def scored(device: str) -> tuple[Results, InputRules]:
        at_hand, known = taken(pairs, device)
        rules = agree(pairs, replace(input_rules_of(options, plan.labels), at_hand=at_hand))
        may_be_stack = options.spacing is None and not isinstance(truth, Mapping | Sequence)
        notes = _guess(known.get("case")) if may_be_stack else ()
        job = Job(options=options, plan=plan_for(rules, plan), rules=rules, sources=sources, notes=notes)
        cases = (_case(pair, known, [side[pair.case_id] for side in maps], rules) for pair in pairs)
        scores = (job.pool.take(evaluated(case, job.plan)) for case in cases)
        return finished(list(in_one_unit(scores, job)), job), rules

    device = where_tensors_stay(options, plan)
    try:
        results, rules = scored(device)
    except (DataError, RuntimeError) as error:
        if device == "cpu" or not (isinstance(error, DataError) or is_out_of_memory(error)):
            raise
        results, rules = scored("cpu")  # numpy says what is wrong, or reads it all the same

    def case_again(case_id: str) -> Case:
        pair = next(pair for pair in pairs if pair.case_id == case_id)
        at_hand, known = taken([pair], "cpu")
        return _case(pair, known, [side[case_id] for side in maps], replace(rules, at_hand=at_hand))

    return to_be_shown(results, case_again)


def to_be_shown(results: Results, case_again: Callable[[str], Case] | None = None) -> Results:
    """The results with what draws their cases, from the files of the run or from what `case_again` gives."""

    def draw(case_id: str, class_name: str | None) -> "Picture":
        from segeval.verbs.report.making import picture_of_results

        return picture_of_results(results, case_id, class_name, case_again)

    return replace(results, draw=draw)


def _take(
    pair: Pair,
    pred: Any,
    truth: Any,
    options: ScoreOptions,
    *,
    at_hand: dict[str, Prediction],
    known: dict[str, Volume],
    device: str,
) -> None:
    """Keep what is no path until the case has its turn; tensors of both sides stay on the device."""
    volume: Volume | None = None
    if not _is_path(pred) and not _is_path(truth):
        pred_volume, volume = volumes_of(pred, truth, pair.case_id, device=device)
        at_hand[pair.case_id], volume = pair_of_arrays(pred_volume, volume, options.channel_axis)
        if volume is not None:
            refuse_classes_of_both(at_hand[pair.case_id], volume, options.channel_axis)
    elif not _is_path(pred):
        at_hand[pair.case_id], _ = pair_of_arrays(volume_of(pred, str(pair.pred)), None, options.channel_axis)
    elif not _is_path(truth):
        volume = volume_of(truth, str(pair.truth))
    if volume is not None:
        known[pair.case_id] = volume


def _guess(truth: Volume | None) -> tuple[str, ...]:
    """What three axes of an array were taken for, where neither a spacing nor a place tells."""
    if truth is None or truth.affine is not None or truth.array.ndim != 3:
        return ()
    way = "If its first axis counts images of two axes, give list(pred) and list(truth)"
    return (f"shape {truth.grid} was taken for one volume. {way}",)


def _case(pair: Pair, known: dict[str, Volume], instances: Sequence[Any], rules: InputRules) -> Case:
    volume = known.pop(pair.case_id, None)
    truth = rules.truth_of(pair) if volume is None else LabelImage(volume=volume)
    case = case_of(pair.case_id, pred=rules.take(pair), truth=truth, rules=rules)
    pred_map, truth_map = (
        None if image is None else _volume(image, f"{pair.case_id} ({side} instances)")
        for side, image in zip(("pred", "truth"), instances, strict=True)
    )
    return with_instances(case, (pred_map, truth_map), truth.volume, rules)


def _volume(mask: Any, name: str) -> Volume:
    return read_volume(Path(mask)) if _is_path(mask) else volume_of(mask, name)


def _maps_by_id(instances: Masks, truths: Mapping[str, Any]) -> Mapping[str, Any]:
    """The instance map of each case, None where they are not given at all."""
    if instances is None:
        return dict.fromkeys(truths)
    maps = _by_id(instances)
    if maps.keys() != truths.keys():
        alone = ", ".join(sorted(maps.keys() ^ truths.keys()))
        raise DataError(f"Each case needs its instance map: {alone} stands alone.")
    return maps


def _unpaired(preds: Mapping[str, Any], truths: Mapping[str, Any]) -> str:
    lone = next((name for name, side in (("pred", preds), ("truth", truths)) if [*side] == ["case"]), None)
    if lone is not None:
        other, side = ("truth", truths) if lone == "pred" else ("pred", preds)
        return (
            f"{lone} is one image, and {other} holds {len(side)}. Give {lone} one image for each; or if they are the "
            f"classes of one image, give them as one array: numpy.stack({other})."
        )
    alone = sorted(preds.keys() ^ truths.keys())
    return (
        f"Each prediction needs its truth: {listed(alone)} {'stand' if len(alone) > 1 else 'stands'} alone. Give both "
        "sides the same number of images, or mappings with the same case ids."
    )


def _pair(case_id: str, pred: Any, truth: Any) -> Pair:
    """An array stands under a name that a message can show."""
    sides = {"pred": pred, "truth": truth}
    paths = {side: Path(mask if _is_path(mask) else f"{case_id} ({side})") for side, mask in sides.items()}
    return Pair(case_id=case_id, pred=paths["pred"], truth=paths["truth"])


def _by_id(masks: Masks) -> dict[str, Any]:
    if isinstance(masks, Mapping):
        return {str(name): one for name, one in masks.items()}
    if isinstance(masks, Sequence) and not isinstance(masks, str):
        width = len(str(max(len(masks) - 1, 0)))
        return {f"case_{i:0{width}}": one for i, one in enumerate(masks)}
    return {"case": masks}


def _is_path(mask: Any) -> bool:
    return isinstance(mask, str | PathLike)
