"""Predictions with one file per class: in a folder of the case, or named by a pattern."""

import re
import unicodedata
from collections.abc import Collection
from dataclasses import replace
from pathlib import Path, PurePosixPath

from segeval.errors import ConfigError, DataError
from segeval.files.paths import printable
from segeval.files.suffixes import IMAGE_SUFFIXES, image_suffix, stem
from segeval.images.pairing.folders import CaseFiles, PassedOver, case_id_of, sorted_out

ClassFiles = dict[str, Path]  # the file of each class, by the name or the id of the class


def with_class_folders(preds: CaseFiles, case_ids: Collection[str]) -> CaseFiles:
    """Join the files in folders that are called like a case: `case_01/liver.nii.gz` is a channel of `case_01`."""
    folders: dict[str, dict[str, Path]] = {}
    for one, path in preds.files.items():
        case_id = PurePosixPath(one).parent.as_posix()
        if one not in case_ids and case_id in case_ids:
            folders.setdefault(case_id, {})[one] = path
    joined = {case_id: found for case_id, found in folders.items() if len(found) > 1}
    channels = {case_id: _by_class(found.values(), case_id) for case_id, found in joined.items()}
    gone = {one for found in joined.values() for one in found}
    files = {one: path for one, path in preds.files.items() if one not in gone}
    return replace(preds, files=files | _folders_of(channels), channels=channels)


def find_class_files(folder: Path, *, pattern: str, case_ids: Collection[str]) -> CaseFiles:
    """Look through a folder for files named like `{case}_{class}.nii.gz`, where `*` is any text within one name.

    Args:
        case_ids: which text may stand for `{case}`, so that either part may hold underscores.

    Raises:
        ConfigError: the pattern cannot be used.
        DataError: no file is named like it, or two are of one class.
    """
    regex = _compiled(pattern, case_ids)
    channels: dict[str, ClassFiles] = {}
    images, others = sorted_out(folder)
    for image in images:
        match = regex.fullmatch(case_id_of(image.relative_to(folder).as_posix()))
        if match is None:
            others.append((f"not named like {pattern}", image))
        else:
            _add(channels.setdefault(match["case"], {}), match["class"], image)
    if not channels:
        raise DataError(_nothing_like(pattern, folder, others))
    return CaseFiles(folder=folder, files=_folders_of(channels), others=tuple(others), channels=channels)


def class_files_in(folder: Path, case_id: str) -> ClassFiles:
    """The files of the classes of one case, all of them in one folder.

    Raises:
        DataError: the folder cannot be read or holds no image, or two files are of one class.
    """
    images, others = sorted_out(folder)
    if not images:
        raise DataError(_nothing_like("{class}.nii.gz", folder, others))
    return _by_class(images, case_id)


def _by_class(paths: Collection[Path], case_id: str) -> ClassFiles:
    """The name of each class, which the name of the case may precede."""
    files: ClassFiles = {}
    for path in sorted(paths):
        _add(files, stem(path).removeprefix(f"{PurePosixPath(case_id).name}_"), path)
    return files


def _add(files: ClassFiles, name: str, path: Path) -> None:
    if name in files:
        raise DataError(
            f"{printable(files[name])} and {printable(path)} are both of class '{printable(name)}'. Keep one of them."
        )
    files[name] = path


def _folders_of(channels: dict[str, ClassFiles]) -> dict[str, Path]:
    return {case_id: next(iter(files.values())).parent for case_id, files in channels.items()}


def _compiled(pattern: str, case_ids: Collection[str]) -> re.Pattern[str]:
    if set(re.findall(r"\{.*?\}", pattern)) != {"{case}", "{class}"} or pattern.count("{class}") != 1:
        raise ConfigError(
            f"--channel-files {pattern!r}: write {{case}}, and {{class}} once, as in '{{case}}_{{class}}.nii.gz'."
        )
    if image_suffix(PurePosixPath(pattern)) is None:
        raise ConfigError(f"--channel-files {pattern!r}: it must end like an image file: {', '.join(IMAGE_SUFFIXES)}.")
    known = "|".join(re.escape(one) for one in sorted(case_ids, key=len, reverse=True))
    text = re.escape(unicodedata.normalize("NFC", pattern)).replace(r"\*", "[^/]*?")
    text = text.replace(re.escape("{class}"), "(?P<class>[^/]+)").replace(re.escape("{case}"), f"(?P<case>{known})", 1)
    return re.compile(text.replace(re.escape("{case}"), "(?P=case)"))


def _nothing_like(pattern: str, folder: Path, others: list[PassedOver]) -> str:
    said = f", but {printable(others[0][1].relative_to(folder))}" if others else ""
    return f"{printable(folder)}: no file is named like {pattern} with the id of a truth{said}. Check the pattern."
