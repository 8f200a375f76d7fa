"""Probability maps of all cases as sweeps read them: voxels per probability, class by class."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, reduce
from operator import add
from pathlib import Path
from typing import TypeVar

from segeval.errors import ConfigError, DataError
from segeval.evidence.case import Case
from segeval.evidence.device import resolve_device
from segeval.evidence.labels import LabelClass, LabelMap
from segeval.evidence.probabilities.histogram import ProbHistogram
from segeval.evidence.probabilities.prob_maps import ProbMaps
from segeval.evidence.probabilities.scored_map import ScoredMap
from segeval.evidence.probabilities.soft import ProbVoxels
from segeval.files.paths import listed, printable
from segeval.images.cases import read_case
from segeval.images.forms import agree, form_of
from segeval.images.input_rules import InputRules
from segeval.images.pairing.pairs import Pair, missing_message
from segeval.options import InputOptions
from segeval.sample import sample_folder
from segeval.verbs.running.stream import in_order
from segeval.verbs.running.workers import worker_count
from segeval.verbs.score import input_rules_of, label_map_of, pairs_of
from segeval.verbs.sweep.maps.curve import Curve

MOST_LEVELS = 1 << 24  # different probabilities that all cases together may keep of a class, half a gigabyte
Used = TypeVar("Used")


def scored_classes(
    case: Case, classes: Sequence[LabelClass], *, ignore: Sequence[int], device: str | None = None
) -> Iterator[ScoredMap]:
    """The voxels of a case that count: for each class its probability, and whether it is true; one class at a time.

    Raises:
        LookupError: the case has masks only, or no channel speaks of a class.
    """
    if case.probs is None:
        raise LookupError(f"{case.case_id} has no probability maps.")
    maps = ProbMaps.of_channels(case.probs, case.truth, classes=classes, ignore=ignore, device=device)
    for label, channel in zip(classes, maps.of_classes, strict=True):
        if channel is None:
            raise LookupError(f"No channel is of {label.name}: they are {case.probs.layout}.")
        yield maps.scored(channel)


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
            histogram = histogram.binned(alone=True)
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

    def read(self, use: Callable[[Case], Used]) -> Iterator[Used]:
        """What `use` makes of every case, in order; a case is let go once it is used.

        Raises:
            DataError: a file cannot be read, or is of another kind than the first.
        """
        return in_order(lambda pair: use(read_case(pair, self.rules)), self.pairs, workers=self.workers)

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

        def count(case: Case) -> list[ClassOfCase]:
            maps = scored_classes(case, chosen, ignore=self.labels.ignore, device=self.device)
            return [ClassOfCase.count(case.case_id, scored, most_levels=most_levels) for scored in maps]

        of_classes = zip(*self.read(count), strict=True)
        return tuple(
            ClassOverCases(name=label.name, cases=cases) for label, cases in zip(chosen, of_classes, strict=True)
        )


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
        raise DataError(missing_message(pairs, what="map", way="name the whole pairs alone with --pairs"))
    both = tuple(pair for pair in pairs.pairs if pair.truth is not None)
    rules = agree(both, input_rules_of(options, label_map_of(options)))
    alone = pairs.missing_truths
    left_out = [f"maps without a truth are left out: {listed(alone)}"] if alone else []
    return MapFiles(
        pairs=both,
        rules=rules,
        labels=_labels_of_maps(rules, both),
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


def _labels_of_maps(rules: InputRules, pairs: Sequence[Pair]) -> LabelMap:
    if rules.first_prediction is None:
        for pair in pairs:
            form_of(rules.look_at(pair), rules)  # says why it is none
        raise ConfigError("No prediction has a truth, so there is nothing to sweep over.")
    form = rules.first_prediction.form
    if form.layout is None:
        raise ConfigError(
            f"{printable(rules.first_prediction.path)}: holds a mask, and --maps needs probability maps. Export the "
            "probabilities, or compare the masks of several trained models with --runs."
        )
    return form.completed(rules.labels)
