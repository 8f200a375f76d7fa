"""What the predictions of a run are: labels, probabilities or logits, and which class each channel is of."""

import math
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import reduce
from operator import or_
from pathlib import Path

import numpy as np

from segeval.errors import DataError
from segeval.evidence.policies import PredKind
from segeval.evidence.probabilities.channels import Form, Layout
from segeval.files.memory import at_most
from segeval.files.paths import printable
from segeval.files.suffixes import image_suffix
from segeval.images.input_rules import FirstPrediction, InputRules
from segeval.images.named.coco import is_panoptic
from segeval.images.named.matching import with_names_as_classes
from segeval.images.named.reading import has_names, named_maps, names_in
from segeval.images.pairing.class_files import named_by_files
from segeval.images.pairing.layouts import layout_of
from segeval.images.pairing.pairs import Pair
from segeval.images.predictions.class_masks import VOID
from segeval.images.predictions.kinds import Range, is_zero, kind_of, range_of, refuse_channels, verdict_on
from segeval.images.predictions.predictions import Prediction
from segeval.images.predictions.probabilities import as_kind, sums_are_one
from segeval.images.readers.readers import read_palette, stores_integers
from segeval.images.readers.streams import opened_files
from segeval.images.slabs.prediction_slabs import PredictionSlabs, open_prediction

_MOST_OPEN = 8  # maps that hold only 0 and 1, read before that is taken for what all of them are
_COPIES = 3  # of an image, while it is looked at


def agree(pairs: Sequence[Pair], rules: InputRules) -> InputRules:
    """Find out what all predictions of a run have to be.

    The headers tell which files hold integers, and so labels. Where floats are among them, the first that holds more
    than zeros and ones says what floats are here; of labels and maps in one run, the fewer are the odd ones.

    Raises:
        ConfigError: background shall be scored, and sigmoids have none.
    """
    sides = [files for pair in pairs for files in (pair.channels, pair.truth_channels) if files]
    if any(pair.truth_channels for pair in pairs):
        beside_ids = any(pair.pred is not None and not pair.channels for pair in pairs)
        rules = replace(rules, labels=named_by_files(sides, rules.labels, beside_ids=beside_ids))
    tables, beside_ids = _names(pairs, rules)
    rules = replace(rules, labels=with_names_as_classes(tables, rules.labels, beside_ids=beside_ids))
    if any(pair.truth is not None and is_panoptic(pair.truth) for pair in pairs):
        rules = replace(rules, labels=replace(rules.labels, ignore=(*rules.labels.ignore, VOID)))
    if rules.colors is None:
        rules = replace(rules, palette=_first_palette(pairs))
    found = _found(pairs, rules)
    if found is None:
        return rules
    form = replace(found[0], may_overlap=bool(sides) or not all(map(is_panoptic, tables)))
    return replace(rules, first_prediction=FirstPrediction(form=form, path=found[1]))


def _names(pairs: Sequence[Pair], rules: InputRules) -> tuple[dict[Path, tuple[str, ...]], bool]:
    """The names of the masks in each file that has names, truths first, and whether other files hold ids."""
    files = [(pair.truth, pair.pred) for pair in pairs if pair.truth and not pair.truth_channels]
    files += [
        (pair.pred, pair.truth)
        for pair in pairs
        if pair.pred and not pair.channels and pair.case_id not in rules.at_hand
    ]
    tables: dict[Path, tuple[str, ...]] = {}
    have_names = {path: has_names(path) for path, _ in files}
    for path, beside in [file for file in files if have_names[file[0]]]:
        try:
            tables[path] = names_in(path, beside)
        except DataError:  # its turn to be told will come
            continue
    # a DICOM file without names holds no ids either, and is refused when its turn comes
    beside_ids = any(not named and image_suffix(path) != ".dcm" for path, named in have_names.items())
    return tables, beside_ids or bool(rules.at_hand)


def _first_palette(pairs: Sequence[Pair]) -> np.ndarray | None:
    """The palette of the first truth that has one; those in grey have ids, which tell no colours."""
    for pair in pairs:
        if pair.truth is not None and pair.truth.is_file():
            with suppress(DataError):  # its turn to be told will come
                palette = read_palette(pair.truth)
                if palette is not None:
                    return palette
    return None


def _found(pairs: Sequence[Pair], rules: InputRules) -> tuple[Form, Path] | None:
    """What the predictions are, and the first of them."""
    scored = [pair for pair in pairs if pair.pred and pair.truth and not pair.problem]
    if rules.pred_kind == "labels":
        return (Form(), scored[0].pred) if scored and scored[0].pred is not None else None
    whole: list[Pair] = []
    others = scored
    if rules.pred_kind == "auto":
        whole, others = _by_type(scored, rules)
    is_labels = bool(whole) and len(whole) >= len(others)
    found = None if is_labels else _first_that_tells(others, rules)
    if whole and whole[0].pred is not None and (found is None or found[0].layout is None):
        return Form(), whole[0].pred
    return found


def _by_type(pairs: Sequence[Pair], rules: InputRules) -> tuple[list[Pair], list[Pair]]:
    """Those of one file of integers, and the others; what is left when one side has more than half may be of either."""
    whole: list[Pair] = []
    others: list[Pair] = []
    for pair in pairs:
        (whole if _holds_integers(pair, rules) else others).append(pair)
        if len(whole) * 2 > len(pairs):
            break
    return whole, others


def _holds_integers(pair: Pair, rules: InputRules) -> bool:
    at_hand = rules.at_hand.get(pair.case_id)
    if at_hand is not None:
        first = at_hand.images[0]
        return len(at_hand.images) == 1 and first.levels is None and first.is_integer
    if pair.pred is None or pair.channels:
        return False
    if has_names(pair.pred):
        try:
            return not named_maps(pair.pred)
        except DataError:
            return False
    return stores_integers(pair.pred)


def _first_that_tells(pairs: Sequence[Pair], rules: InputRules) -> tuple[Form, Path] | None:
    """The form of the first prediction that is more than zeros and ones, else of the first."""
    doubtful: tuple[Form, Path] | None = None
    n_open = 0
    for pair in pairs:
        try:
            slabs = large_prediction(pair, rules)
            if slabs is not None:
                form, found = look_at_slabs(slabs, rules)
                rules.forms[pair.case_id] = form
                if not _is_open(slabs.head, rules, found):
                    return form, slabs.path
                doubtful = doubtful or (form, slabs.path)
                n_open += found is None or not found.is_zero
                if n_open == _MOST_OPEN:
                    break
                continue
            with opened_files() as opened, at_most(rules.slab_bytes or math.inf):
                pred = rules.look_at(pair)
            form, is_open = form_of(pred, rules), is_binary(pred, rules)
        except DataError:  # its turn to be told will come
            continue
        if not is_open:
            if rules.slab_bytes is None:  # else there may be no room for it beside its truth
                rules.at_hand[pair.case_id] = pred
                rules.opened.setdefault(pair.case_id, opened)
            return form, pred.path
        doubtful = doubtful or (form, pred.path)
        n_open += not is_zero(pred)
        if n_open == _MOST_OPEN:
            break
    return doubtful


def form_of(pred: Prediction, rules: InputRules) -> Form:
    """What a prediction is.

    Raises:
        ConfigError: background shall be scored, and sigmoids have none.
        DataError: it is neither labels nor probabilities, or something else than the others of the run.
    """
    beside = None if rules.first_prediction is None else rules.first_prediction.form.kind
    kind = _kind(pred, beside, rules)
    return _form(pred, kind, rules, lambda kind: sums_are_one([as_kind(one, kind) for one in pred.images]))


def _form(pred: Prediction, kind: PredKind, rules: InputRules, are_one: Callable[[PredKind], bool]) -> Form:
    """The form of a prediction, which has to be that of the others.

    Args:
        are_one: whether its channels add up to 1.
    """
    if kind == "labels":
        refuse_channels(pred)
    form = Form(kind=kind, layout=None if kind == "labels" else _layout(pred, kind, rules, are_one))
    first = rules.first_prediction
    if first is not None and form != first.form:
        raise DataError(
            f"{printable(pred.path)}: holds {form}, and {printable(first.path)} {first.form}. "
            "A run has predictions of one kind: say which with --pred-kind, or score the others apart."
        )
    return form


def large_prediction(pair: Pair, rules: InputRules) -> PredictionSlabs | None:
    """A prediction that is larger than what one may take, where it can be read in slabs."""
    slabs = None if rules.slab_bytes is None else open_prediction(pair, rules)
    if slabs is None or rules.slab_bytes is None:
        return None
    size = slabs.bytes_of_row * slabs.files[0].n
    if any(file.refused for file in slabs.files):
        return None  # at its turn it is told, or fits after all
    return slabs if size * _COPIES > rules.slab_bytes else None


def look_at_slabs(pred: PredictionSlabs, rules: InputRules) -> tuple[Form, Range | None]:
    """What a prediction in slabs is, see `form_of`, and the range of its values where that tells.

    Raises:
        DataError: as there.
    """
    head, first = pred.head, pred.head.images[0]
    cuts = pred.cuts((rules.slab_bytes or 0) / _COPIES)
    found = None
    tells_itself = (first.levels is None and first.is_integer) or len(head.images) > 1
    if rules.pred_kind == "auto" and not tells_itself:
        found = reduce(or_, (range_of(part.images[0]) for part in pred.parts(cuts)), Range())
    beside = None if rules.first_prediction is None else rules.first_prediction.form.kind
    kind = _kind(head, beside, rules, found)

    def sums_of_all_are_one(kind: PredKind) -> bool:
        return all(sums_are_one([as_kind(image, kind) for image in part.images]) for part in pred.parts(cuts))

    return _form(head, kind, rules, sums_of_all_are_one), found


def _is_open(pred: Prediction, rules: InputRules, found: Range | None) -> bool:
    if rules.pred_kind != "auto":
        return False
    return verdict_on(pred, round_labels=rules.round_labels, clip_probs=rules.clip_probs, found=found) == "open"


def is_binary(pred: Prediction, rules: InputRules) -> bool:
    """Whether it holds only zeros and ones in floats, and so may be labels as well as a map."""
    return _is_open(pred, rules, None)


def _kind(pred: Prediction, beside: PredKind | None, rules: InputRules, found: Range | None = None) -> PredKind:
    if rules.pred_kind != "auto":
        return rules.pred_kind
    return kind_of(pred, beside=beside, round_labels=rules.round_labels, clip_probs=rules.clip_probs, found=found)


def _layout(pred: Prediction, kind: PredKind, rules: InputRules, are_one: Callable[[PredKind], bool]) -> Layout:
    return layout_of(
        len(pred.images),
        rules.labels,
        names=pred.names,
        order=rules.channels,
        where=printable(pred.path),
        sums_are_one=lambda: are_one(kind) if kind == "probs" else None if rules.labels.regions else True,
    )
