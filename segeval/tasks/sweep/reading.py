"""Files of probability maps and their truths, as cases for a sweep."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from segeval.core.labels import LabelMap
from segeval.errors import ConfigError, DataError
from segeval.io.cases import read_case
from segeval.io.forms import agree
from segeval.io.pairs import Pair, missing_message
from segeval.io.paths import printable
from segeval.io.reading import Reading
from segeval.options import InputOptions
from segeval.sample import sample_folder
from segeval.tasks.score import label_map_of, pairs_of, reading_of, worker_count
from segeval.tasks.stream import in_order
from segeval.tasks.sweep.maps import MapCase

Used = TypeVar("Used")


def read_maps(
    maps: Path | None, truth: Path | None, options: InputOptions, use: Callable[[MapCase], Used]
) -> Iterator[Used]:
    """Read maps and truths, a few cases at a time; without paths, those of the bundled sample.

    Args:
        use: what becomes of a case before it is let go.

    Raises:
        ConfigError: a path or an option is wrong.
        DataError: a file cannot be read, holds a mask, or has no partner.
    """
    if maps is None and truth is None and options.pairs is None:
        sample = sample_folder()
        maps, truth = sample / "probs", sample / "gt"
        options = replace(options, labels=options.labels or sample / "labels.yaml")
    elif options.pairs is None and (maps is None or truth is None):
        raise ConfigError("Name both INPUT and TRUTH (two folders or two files), or a CSV file with --pairs.")
    pairs = pairs_of(maps, truth, options)
    if pairs.missing_preds:
        raise DataError(missing_message(pairs))
    both = [one for one in pairs.pairs if one.truth is not None]
    reading = agree(both, reading_of(options, label_map_of(options)))
    labels = _labels_of_maps(reading)
    return in_order(lambda pair: use(_read(pair, reading, labels)), both, workers=worker_count(options))


def _labels_of_maps(reading: Reading) -> LabelMap:
    """The label map with the classes of the channels.

    Raises:
        ConfigError: the predictions are masks.
    """
    if reading.agreed is None:
        raise ConfigError("No prediction has a truth, so there is nothing to sweep over.")
    form = reading.agreed.form
    if form.layout is None:
        raise ConfigError(
            f"{printable(reading.agreed.first)}: holds a mask, and --maps needs probability maps. Export the "
            "probabilities, or compare the masks of several trained models with --runs."
        )
    return form.completed(reading.labels)


def _read(pair: Pair, reading: Reading, labels: LabelMap) -> MapCase:
    return MapCase(case=read_case(pair, reading), classes=labels.classes_among(()), ignore=labels.ignore)
