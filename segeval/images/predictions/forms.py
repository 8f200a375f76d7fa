"""What the predictions of a run are: labels, probabilities or logits, and which class each channel is of."""

from collections.abc import Sequence
from dataclasses import replace

from segeval.errors import DataError
from segeval.evidence.labels import LabelMap
from segeval.evidence.policies import PredKind
from segeval.evidence.probabilities.channels import Form, Layout
from segeval.files.paths import printable
from segeval.images.pairing.layouts import layout_of
from segeval.images.pairing.pairs import Pair
from segeval.images.predictions.kinds import kind_of, refuse_channels
from segeval.images.predictions.predictions import Prediction
from segeval.images.predictions.probabilities import as_kind, sums_are_one
from segeval.images.readers.reading import Agreed, Reading


def agree(pairs: Sequence[Pair], reading: Reading) -> Reading:
    """Find out from the first prediction that can be read what all of them have to be.

    Raises:
        ConfigError: background shall be scored, and sigmoids have none.
    """
    for pair in pairs:
        if pair.pred is None or pair.truth is None:
            continue
        if reading.pred_kind == "labels":
            return replace(reading, agreed=Agreed(form=Form(), first=pair.pred))
        try:
            pred = reading.look_at(pair)
            form = form_of(pred, reading)
        except DataError:  # its turn to be told will come
            continue
        reading.at_hand[pair.case_id] = pred
        return replace(reading, agreed=Agreed(form=form, first=pred.path))
    return reading


def form_of(pred: Prediction, reading: Reading) -> Form:
    """What a prediction is.

    Raises:
        ConfigError: background shall be scored, and sigmoids have none.
        DataError: it is neither labels nor probabilities, or something else than the first one of the run.
    """
    kind = kind_of(pred) if reading.pred_kind == "auto" else reading.pred_kind
    if kind == "labels":
        refuse_channels(pred)
    form = Form(kind=kind, layout=None if kind == "labels" else _layout(pred, kind, reading.labels))
    if reading.agreed is not None and form != reading.agreed.form:
        raise DataError(
            f"{printable(pred.path)}: holds {form}, and {printable(reading.agreed.first)} {reading.agreed.form}. "
            "A run has predictions of one kind: say which with --pred-kind, or score the others apart."
        )
    return form


def _layout(pred: Prediction, kind: PredKind, labels: LabelMap) -> Layout:
    images = [as_kind(one, kind) for one in pred.images]
    return layout_of(
        len(images),
        labels,
        names=pred.names,
        where=printable(pred.path),
        sums_are_one=lambda: sums_are_one(images) if kind == "probs" else not labels.regions,
    )
