"""Probability maps of all cases as sweeps read them: voxels per probability, class by class."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, reduce
from operator import add
from pathlib import Path
from typing import TypeVar

import numpy as np

from segeval.errors import ConfigError, DataError
from segeval.evidence.arrays import is_one_of
from segeval.evidence.case import Case
from segeval.evidence.device import resolve_device
from segeval.evidence.labels import LabelClass, LabelMap
from segeval.evidence.probabilities.channels import BACKGROUND, Channels
from segeval.evidence.probabilities.histogram import ProbHistogram
from segeval.evidence.probabilities.scored_map import ScoredMap
from segeval.evidence.probabilities.soft import ProbVoxels
from segeval.files.paths import printable
from segeval.images.cases import read_case
from segeval.images.forms import agree
from segeval.images.input_rules import InputRules
from segeval.images.pairing.pairs import Pair, missing_message
from segeval.options import InputOptions
from segeval.sample import sample_folder
from segeval.verbs.running.stream import in_order
from segeval.verbs.score import input_rules_of, label_map_of, pairs_of, worker_count
from segeval.verbs.sweep.maps.curve import Curve

MOST_LEVELS = 1 << 24  # different probabilities that all cases together may keep of a class, half a gigabyte
Used = TypeVar("Used")


@dataclass(frozen=True, kw_only=True)
class MapCase:
    """The probability maps of one case beside its truth.

    Attributes:
        classes: the classes of the tables.
        ignore: ids of the truth whose voxels count nowhere.
        device: the torch device that counts; None for numpy.
    """

    case: Case
    classes: tuple[LabelClass, ...]
    ignore: tuple[int, ...] = ()
    device: str | None = None

    @property
    def channels(self) -> Channels:
        if self.case.probs is None:
            raise LookupError(f"{self.case.case_id} has no probability maps.")
        return self.case.probs

    @property
    def partition(self) -> tuple[LabelClass, ...]:
        """The classes that share out the whole probability of a voxel, background first; none where they overlap."""
        layout = self.channels.layout
        if not layout.exclusive:
            return ()
        zero = any(0 in label.ids for label in layout.classes)
        return layout.classes if zero else (BACKGROUND, *layout.classes)

    def scored(self, wanted: LabelClass) -> ScoredMap:
        """The voxels that count: the probability of a class, and whether it is true."""
        probs = self.channels.of(wanted)
        return ScoredMap(
            map=replace(probs, stored=self._counted(probs.stored)),
            truth=self._counted(self._is_true(wanted)),
            device=self.device,
        )

    def _is_true(self, wanted: LabelClass) -> np.ndarray:
        """Voxels of a class; background is every id that no channel has."""
        if wanted in self.partition and 0 in wanted.ids:
            others = [label_id for label in self.partition if label != wanted for label_id in label.ids]
            return ~is_one_of(self.case.truth, others)
        return is_one_of(self.case.truth, wanted.ids)

    def _counted(self, image: np.ndarray) -> np.ndarray:
        if self.ignore:
            return image[~is_one_of(self.case.truth, self.ignore)]
        return image.reshape(-1, order="F" if self.case.truth.flags.f_contiguous else "C")


@dataclass(frozen=True, kw_only=True)
class ClassOfCase:
    """One class of one case: how many voxels have which probability.

    What can be made of that is made when asked for and not kept, since there may be many cases.

    Attributes:
        moments: where the histogram is in bins, entries that have the exact sums of the voxels.
    """

    case_id: str
    histogram: ProbHistogram
    moments: ProbVoxels | None = None

    @classmethod
    def count(cls, case_id: str, scored: ScoredMap, *, most_levels: int = MOST_LEVELS) -> "ClassOfCase":
        """Count the voxels of one map.

        Args:
            most_levels: different probabilities that are told apart; where there are more, they are counted in bins.
        """
        histogram = scored.histogram()
        if len(histogram.thresholds) > most_levels:
            histogram = histogram.binned()
        return cls(case_id=case_id, histogram=histogram, moments=scored.condensed() if histogram.approx else None)

    @property
    def curve(self) -> Curve:
        """All masks that thresholds can make of the map."""
        return Curve.of(self.histogram)

    @property
    def voxels(self) -> ProbVoxels:
        """The voxels as few entries that losses sum over."""
        return self.moments or self.histogram.voxels()


@dataclass(frozen=True, kw_only=True)
class ClassOverCases:
    """One class over the cases."""

    name: str
    cases: tuple[ClassOfCase, ...]

    @property
    def case_ids(self) -> tuple[str, ...]:
        return tuple(case.case_id for case in self.cases)

    @cached_property
    def pooled(self) -> ProbHistogram:
        """The voxels of all cases as one set."""
        return reduce(add, (case.histogram for case in self.cases))

    @cached_property
    def curve(self) -> Curve:
        """All masks of the pooled voxels."""
        return Curve.of(self.pooled)

    def only(self, case_ids: Sequence[str]) -> "ClassOverCases":
        """The same class over some of the cases."""
        cases = tuple(case for case in self.cases if case.case_id in case_ids)
        return self if cases == self.cases else replace(self, cases=cases)  # what was pooled is kept


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

    def classes(self, *, only: str | None, binned: bool) -> tuple[ClassOverCases, ...]:
        """The voxels of every class over all cases, or of the class that is named.

        Raises:
            ConfigError: there is no class of that name.
        """
        known = self.labels.classes_among(())
        chosen = [label for label in known if only in (None, label.name)]
        if not chosen:
            raise ConfigError(f"--class {only}: no such class. There are {', '.join(label.name for label in known)}.")
        most_levels = 0 if binned else MOST_LEVELS // max(len(self.pairs), 1)

        def count(case: MapCase) -> list[ClassOfCase]:
            case_id = case.case.case_id
            return [ClassOfCase.count(case_id, case.scored(label), most_levels=most_levels) for label in chosen]

        of_classes = zip(*self.read(count), strict=True)
        return tuple(
            ClassOverCases(name=label.name, cases=cases) for label, cases in zip(chosen, of_classes, strict=True)
        )

    def _case(self, pair: Pair) -> MapCase:
        classes = self.labels.classes_among(())
        case = read_case(pair, self.rules)
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
    both = tuple(pair for pair in pairs.pairs if pair.truth is not None)
    rules = agree(both, input_rules_of(options, label_map_of(options)))
    alone = pairs.missing_truths
    more = " ..." if len(alone) > 5 else ""
    left_out = [f"{len(alone)} maps have no truth and are left out: {', '.join(alone[:5])}{more}"] if alone else []
    return MapFiles(
        pairs=both,
        rules=rules,
        labels=_labels_of_maps(rules),
        workers=worker_count(options),
        device=device,
        notes=(*pairs.notes, *left_out),
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
