"""Files of probability maps and their truths, as cases for a sweep."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

from segeval.errors import ConfigError, DataError
from segeval.evidence.device import resolve_device
from segeval.evidence.labels import LabelMap
from segeval.files.paths import printable
from segeval.images.cases import read_case
from segeval.images.forms import agree
from segeval.images.input_rules import InputRules
from segeval.images.pairing.pairs import Pair, Pairs, missing_message
from segeval.options import InputOptions
from segeval.sample import sample_folder
from segeval.verbs.score import input_rules_of, label_map_of, pairs_of, worker_count
from segeval.verbs.stream import in_order
from segeval.verbs.sweep.evidence.maps import MapCase

Used = TypeVar("Used")


@dataclass(frozen=True, kw_only=True)
class MapFiles:
    """Maps and truths that belong together, yet to be read.

    Attributes:
        labels: with the classes that the channels name.
        workers: how many cases are read at a time.
        device: the torch device that counts; None for numpy.
        notes: what was passed over.
    """

    pairs: tuple[Pair, ...]
    rules: InputRules
    labels: LabelMap
    workers: int
    device: str | None = None
    notes: tuple[str, ...] = ()

    def read(self, use: Callable[[MapCase], Used]) -> Iterator[Used]:
        """What `use` makes of every case, in order; a case is let go once it is used.

        Raises:
            DataError: a file cannot be read, or is of another kind than the first.
        """
        return in_order(lambda pair: use(self._case(pair)), self.pairs, workers=self.workers)

    def _case(self, pair: Pair) -> MapCase:
        case = read_case(pair, self.rules)
        classes = self.labels.classes_among(())
        return MapCase(case=case, classes=classes, ignore=self.labels.ignore, device=self.device)


def find_maps(maps: Path | None, truth: Path | None, options: InputOptions) -> MapFiles:
    """Find maps and truths; without paths, those of the bundled sample.

    Raises:
        ConfigError: a path or an option is wrong, or the predictions are masks.
        DataError: a truth has no map.
    """
    if maps is None and truth is None and options.pairs is None:
        sample = sample_folder()
        maps, truth = sample / "probs", sample / "gt"
        options = replace(options, labels=options.labels or sample / "labels.yaml")
    elif options.pairs is None and (maps is None or truth is None):
        raise ConfigError("Name both INPUT and TRUTH (two folders or two files), or a CSV file with --pairs.")
    device = counting_device(options)
    pairs = pairs_of(maps, truth, options)
    if pairs.missing_preds:
        raise DataError(missing_message(pairs))
    both = tuple(one for one in pairs.pairs if one.truth is not None)
    rules = agree(both, input_rules_of(options, label_map_of(options)))
    return MapFiles(
        pairs=both,
        rules=rules,
        labels=_labels_of_maps(rules),
        workers=worker_count(options),
        device=device,
        notes=(*pairs.notes, *_without_truth(pairs)),
    )


def counting_device(options: InputOptions) -> str | None:
    """The torch device that is asked for by name; numpy counts as fast where none is.

    Raises:
        ConfigError: there is no such device.
    """
    if options.device == "auto":
        return None
    engine, device = resolve_device(engine="auto", device=options.device)
    return device if engine == "torch" else None


def _labels_of_maps(rules: InputRules) -> LabelMap:
    if rules.first_prediction is None:
        raise ConfigError("No prediction has a truth, so there is nothing to sweep over.")
    form = rules.first_prediction.form
    if form.layout is None:
        raise ConfigError(
            f"{printable(rules.first_prediction.path)}: holds a mask, and --maps needs probability maps. Export the "
            "probabilities, or compare the masks of several trained models with --runs."
        )
    return form.completed(rules.labels)


def _without_truth(pairs: Pairs) -> list[str]:
    names = pairs.missing_truths
    more = " ..." if len(names) > 5 else ""
    return [f"{len(names)} maps have no truth and are left out: {', '.join(names[:5])}{more}"] if names else []
