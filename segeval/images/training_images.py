"""Read an image to train on: one or several channels of any values, colours too."""

from dataclasses import replace

import numpy as np

from segeval.evidence.labels import LabelMap
from segeval.evidence.policies import ChannelAxis
from segeval.files.suffixes import image_suffix
from segeval.images.pairing.pairs import Pair
from segeval.images.predictions.predictions import read_prediction
from segeval.images.readers.readers import read_volume
from segeval.images.readers.volumes import Volume

_PICTURES = (".png", ".bmp", ".webp", ".tif", ".tiff")


def read_image(pair: Pair, *, channel_axis: ChannelAxis | None = None) -> tuple[Volume, ...]:
    """One volume per channel of the image that stands on the side of the prediction.

    Raises:
        DataError: the file cannot be read.
    """
    if pair.pred is not None and image_suffix(pair.pred) in _PICTURES:
        image = read_volume(pair.pred, colours=True)
        if image.is_rgb or image.array.ndim == 2:
            return tuple(replace(image, array=channel) for channel in np.moveaxis(np.atleast_3d(image.array), -1, 0))
    read = read_prediction(pair, kind="probs", channel_axis=channel_axis, labels=LabelMap())
    return tuple(image.scaled() for image in read.images)
