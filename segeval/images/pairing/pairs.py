"""Which prediction belongs to which truth."""

import os
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath

from segeval.errors import ConfigError, DataError
from segeval.files.paths import listed, printable, require_existing
from segeval.files.suffixes import is_store, stem
from segeval.images.pairing.class_files import (
    ClassFiles,
    class_files_in,
    find_class_files,
    proposed_class_files,
    with_class_folders,
    with_classes_on_both_sides,
)
from segeval.images.pairing.folders import (
    CaseFiles,
    case_id_of,
    find_case_files,
    find_listed_cases,
    is_list_of_images,
)
from segeval.images.pairing.pairs_csv import read_pairs_csv
from segeval.images.pairing.proposals import proposed_patterns


@dataclass(frozen=True, kw_only=True)
class Pair:
    """The two files of one case; None for a side that is missing.

    Where `channels` has one file per class, `pred` is the folder they lie in, and so it is with `truth_channels` and
    `truth`. Instance maps are files of their own. A `problem` says why nobody knows which file is meant.
    """

    case_id: str
    pred: Path | None
    truth: Path | None
    channels: ClassFiles = field(default_factory=dict)
    truth_channels: ClassFiles = field(default_factory=dict)
    pred_instances: Path | None = None
    truth_instances: Path | None = None
    problem: str = ""


@dataclass(frozen=True, kw_only=True)
class Pairs:
    """All cases sorted by id, and notes on the files that were passed over."""

    pairs: tuple[Pair, ...]
    notes: tuple[str, ...] = ()

    @property
    def missing_preds(self) -> tuple[str, ...]:
        """Ids of the cases that have a truth but no prediction."""
        return tuple(pair.case_id for pair in self.pairs if pair.pred is None)

    @property
    def missing_truths(self) -> tuple[str, ...]:
        """Ids of the cases that have a prediction but no truth; they are never scored."""
        return tuple(pair.case_id for pair in self.pairs if pair.truth is None)


def find_pairs(
    pred: Path | None,
    truth: Path | None,
    *,
    pairs_csv: Path | None = None,
    pred_pattern: str | None = None,
    truth_pattern: str | None = None,
    channel_files: str | None = None,
    truth_files: str | None = None,
    class_names: Collection[str] = (),
    wants_probs: bool = False,
    keep_going: bool = False,
) -> Pairs:
    """Pair the files of two folders, two single files, or the rows of a CSV file.

    In folders the case id is the path without its suffix, or what `{case}` stands for in a pattern;
    of two single files it is the name of the prediction.

    Args:
        channel_files: how predictions are called that have one file per class, such as `{case}_{class}.nii.gz`.
        truth_files: the same for truths.
        class_names: what classes are called, and so what their files may be called.
        wants_probs: of a mask and the `.npz` beside it, take the latter for the prediction.
        keep_going: let cases with two files on one side fail alone.

    Raises:
        ConfigError: a path is not there, or the options do not go together.
        DataError: a folder cannot be read, two files belong to one case, or nothing pairs at all.
    """
    patterns = {
        "--pred-pattern": pred_pattern,
        "--truth-pattern": truth_pattern,
        "--channel-files": channel_files,
        "--truth-files": truth_files,
    }
    found = _all_pairs(pred, truth, pairs_csv, patterns, class_names, wants_probs=wants_probs)
    doubles = [pair.problem for pair in found.pairs if pair.problem]
    if doubles and not keep_going:
        raise DataError("\n".join(doubles[:10]))
    return replace(found, notes=(*_same_on_both_sides(found.pairs), *found.notes))


def _all_pairs(
    pred: Path | None,
    truth: Path | None,
    pairs_csv: Path | None,
    patterns: Mapping[str, str | None],
    class_names: Collection[str],
    *,
    wants_probs: bool,
) -> Pairs:
    pred_pattern, truth_pattern, channel_files, truth_files = patterns.values()
    if pairs_csv is not None:
        _refuse({"PRED": pred, "TRUTH": truth, **patterns}, "not beside --pairs, which names the files by itself")
        return _pairs_of_csv(pairs_csv)
    if pred is None or truth is None:
        raise ConfigError("Name both PRED and TRUTH (two folders or two files), or a CSV file with --pairs.")
    if not _are_folders(pred, truth):
        _refuse(patterns, "patterns are for folders, and PRED and TRUTH are files")
        return _pair_of_files(pred, truth)
    if channel_files is not None:
        _refuse({"--pred-pattern": pred_pattern}, "not beside --channel-files, which names the predictions")
    if truth_files is not None:
        _refuse({"--truth-pattern": truth_pattern}, "not beside --truth-files, which names the truths")
    preds = _NamedFolder(
        pred, option="--pred-pattern", pattern=pred_pattern, by_class=channel_files, wants_probs=wants_probs
    )
    truths = _NamedFolder(truth, option="--truth-pattern", pattern=truth_pattern, by_class=truth_files)
    return _pairs_of_folders(*_found(preds, truths, class_names))


@dataclass(frozen=True)
class _NamedFolder:
    """One of the two folders, and how its files are called."""

    folder: Path
    option: str = field(kw_only=True)
    pattern: str | None = field(kw_only=True)
    by_class: str | None = field(kw_only=True)
    wants_probs: bool = field(default=False, kw_only=True)

    def cases(self, beside: Path) -> CaseFiles:
        if is_list_of_images(self.folder):
            return find_listed_cases(self.folder, beside=beside, option=self.option, pattern=self.pattern)
        return find_case_files(self.folder, pattern=self.pattern, option=self.option, wants_probs=self.wants_probs)

    def classes(self, case_ids: Collection[str] | None, class_names: Collection[str]) -> CaseFiles:
        option = "--channel-files" if self.option == "--pred-pattern" else "--truth-files"
        pattern = self.by_class or ""
        return find_class_files(self.folder, pattern=pattern, option=option, case_ids=case_ids, class_names=class_names)


def _found(pred: _NamedFolder, truth: _NamedFolder, class_names: Collection[str]) -> tuple[CaseFiles, CaseFiles, str]:
    """The files of both sides, with the files of classes put together, and a note where that was a guess."""
    for side in (pred, truth):
        if side.by_class and is_list_of_images(side.folder):
            option = "--channel-files" if side is pred else "--truth-files"
            raise ConfigError(f"{option}: {printable(side.folder)} holds all classes of its images. Leave it out.")
    if pred.by_class and truth.by_class:
        return pred.classes(None, class_names), truth.classes(None, class_names), ""
    if pred.by_class:
        truths = truth.cases(pred.folder)
        preds = pred.classes(_cases_or_folders(truths), class_names)
        if truth.pattern is None:
            truths = with_class_folders(truths, preds.files, class_names=class_names)
        return preds, truths, ""
    preds = pred.cases(truth.folder)
    if truth.by_class:
        truths = truth.classes(_cases_or_folders(preds), class_names)
        return with_class_folders(preds, truths.files, class_names=class_names), truths, ""
    truths = truth.cases(pred.folder)
    if is_list_of_images(pred.folder) or is_list_of_images(truth.folder):
        return preds, truths, ""
    joined_preds, joined_truths = preds, truths
    if pred.pattern is None:
        joined_preds = with_class_folders(preds, truths.files, class_names=class_names)
    if truth.pattern is None:
        joined_truths = with_class_folders(truths, preds.files, class_names=class_names)
    if joined_preds.channels or joined_truths.channels or pred.pattern or truth.pattern:
        return joined_preds, joined_truths, ""
    return with_classes_on_both_sides(preds, truths, class_names=class_names)


def _cases_or_folders(side: CaseFiles) -> set[str]:
    """What may be a case id: of a file, or of a folder with files of classes."""
    ids = [PurePosixPath(file_id) for file_id in side.files]
    return {parent.as_posix() for file_id in ids for parent in (file_id, *file_id.parents)} - {"."}


def _same_on_both_sides(pairs: Sequence[Pair]) -> Iterator[str]:
    """A note on cases whose prediction is the very file of their truth."""
    same = [pair.case_id for pair in pairs if pair.pred and pair.truth and _is_one_file(pair.pred, pair.truth)]
    if same:
        yield f"prediction and truth are the same file, so everything is perfect: {listed(same)}"


def _is_one_file(pred: Path, truth: Path) -> bool:
    try:
        return pred == truth or pred.samefile(truth)
    except OSError:  # its reader will say what is wrong with it
        return False


_COUNTED = "say how such cases count: pass --missing worst|background|skip"


def missing_message(pairs: Pairs, *, what: str = "prediction", way: str = _COUNTED) -> str:
    """Say which truths have no prediction, all of them, and what can be done.

    Args:
        what: the other side is called.
        way: what a user can do but to add them.
    """
    missing = pairs.missing_preds
    n_truths = len(pairs.pairs) - len(pairs.missing_truths)
    have = "truths has" if len(missing) == 1 else "truths have"
    return (
        f"{len(missing)} of {n_truths} {have} no {what}: {', '.join(map(printable, missing))}.\n"
        f"Add the {what}s, or {way}."
    )


def _refuse(given: Mapping[str, object], why: str) -> None:
    extra = [name for name, value in given.items() if value is not None]
    if extra:
        raise ConfigError(f"{', '.join(extra)}: {why}. Leave out one or the other.")


def _are_folders(pred: Path, truth: Path) -> bool:
    sides = {"PRED": pred, "TRUTH": truth}
    kinds = {name: _kind(require_existing(path, what=name), what=name) for name, path in sides.items()}
    if (kinds["PRED"] == "file") != (kinds["TRUTH"] == "file"):
        said = " and ".join(f"{name} {printable(sides[name])} is a {kind}" for name, kind in kinds.items())
        raise ConfigError(f"{said}. Name two folders or two files.")
    return kinds["PRED"] != "file"


def _kind(path: Path, *, what: str) -> str:
    if path.is_dir() and not is_store(path):
        return "folder"
    if is_list_of_images(path):
        return "file of many images"
    if path.is_file() or is_store(path):
        return "file"
    raise ConfigError(f"{what} {printable(path)}: neither a file nor a folder. Name an image file or a folder of them.")


def _pair_of_files(pred: Path, truth: Path) -> Pairs:
    return Pairs(pairs=(Pair(case_id=case_id_of(stem(pred)), pred=pred, truth=truth),))


def _pairs_of_csv(path: Path) -> Pairs:
    sides = read_pairs_csv(path)
    if not any(pred and truth for pred, truth in sides.values()):
        raise DataError(
            f"{printable(path)}: no row has both a prediction and a truth, so there is nothing to score. Fill in both."
        )
    return Pairs(pairs=tuple(_pair_of_row(case_id, p, t) for case_id, (p, t) in sorted(sides.items())))


def _pair_of_row(case_id: str, pred: Path | None, truth: Path | None) -> Pair:
    channels, truth_channels = (
        class_files_in(side, case_id) if side is not None and side.is_dir() and not is_store(side) else {}
        for side in (pred, truth)
    )
    return Pair(case_id=case_id, pred=pred, truth=truth, channels=channels, truth_channels=truth_channels)


def _pairs_of_folders(pred: CaseFiles, truth: CaseFiles, note: str) -> Pairs:
    pred_files, truth_files = _left_to(pred, truth), _left_to(truth, pred)
    if not pred_files.keys() & truth_files.keys():
        raise DataError(_nothing_pairs(pred, truth))
    case_ids = sorted(pred_files.keys() | truth_files.keys())
    pairs = (
        Pair(
            case_id=case_id,
            pred=pred_files.get(case_id),
            truth=truth_files.get(case_id),
            channels=pred.channels.get(case_id, {}),
            truth_channels=truth.channels.get(case_id, {}),
            problem=pred.doubles.get(case_id, "") or truth.doubles.get(case_id, ""),
        )
        for case_id in case_ids
    )
    return Pairs(pairs=tuple(pairs), notes=(*filter(None, [note]), *_notes(pred), *_notes(truth)))


def _left_to(mine: CaseFiles, other: CaseFiles) -> dict[str, Path]:
    """My files without those that the other side names more closely.

    So PRED may lie inside TRUTH, and both may be one folder: `a_pred.nii.gz` is the prediction of `a`
    there, not the truth of a case `a_pred`.
    """
    theirs = {place: case_id for case_id, places in _places(other).items() for place in places}
    return {
        case_id: mine.files[case_id]
        for case_id, places in _places(mine).items()
        if all(len(case_id) <= len(theirs.get(place, case_id)) for place in places)
    }


def _places(side: CaseFiles) -> dict[str, list[Path]]:
    """Where the files of each case really lie."""
    root = Path(os.path.realpath(side.folder))
    files = {case_id: list(side.channels.get(case_id, {}).values()) or [path] for case_id, path in side.files.items()}
    return {case_id: [root / path.relative_to(side.folder) for path in paths] for case_id, paths in files.items()}


def _nothing_pairs(pred: CaseFiles, truth: CaseFiles) -> str:
    sides = (
        f"{len(side.files)} {what} such as '{printable(min(side.files))}' in {printable(side.folder)}"
        for side, what in ((pred, "predictions"), (truth, "truths"))
    )
    both = [printable(path) for side in (pred, truth) for path in side.files.values()]
    alone = f" If they are one case, name the files themselves: {' '.join(both)}." if len(both) == 2 else ""
    no_prediction = f"No prediction has the name of a truth: {' and '.join(sides)}."
    if files := proposed_class_files(pred, truth):
        return f"{no_prediction} If they are files of classes, say where case and class stand in their names: {files}."
    if is_list_of_images(pred.folder) or is_list_of_images(truth.folder):
        return f"{no_prediction} Name the images alike on both sides; those of a COCO file have their `file_name`."
    return (
        f"{no_prediction} Name them alike, or say where the "
        f"case id stands in each name{proposed_patterns(pred, truth)}.{alone}"
    )


def _notes(side: CaseFiles) -> list[str]:
    """One note per reason, with the first few names."""
    reasons: dict[str, list[str]] = {}
    for reason, path in side.others:
        reasons.setdefault(reason, []).append(str(path.relative_to(side.folder)))
    return [
        f"{printable(side.folder)}: passed over {len(names)} ({reason}): {listed(names)}"
        for reason, names in reasons.items()
    ]
