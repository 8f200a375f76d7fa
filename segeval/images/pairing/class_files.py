"""One file per class, on either side: in a folder of the case, or named by a pattern."""

import re
import unicodedata
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath

from segeval.errors import ConfigError, DataError
from segeval.evidence.labels import LabelClass, LabelMap
from segeval.files.paths import printable
from segeval.files.suffixes import IMAGE_SUFFIXES, image_suffix, stem
from segeval.images.labels.labelspecs import is_id
from segeval.images.pairing.folders import CaseFiles, PassedOver, case_id_of, sorted_out
from segeval.images.pairing.layouts import name_of

ClassFiles = dict[str, Path]  # the file of each class, by the name or the id of the class

# names that only a part of a body has: what tells the organs of a single folder from its cases
_ANATOMY = re.compile(
    r"(?<![a-z])(adrenal|aorta|artery|bladder|bowel|brain|bronch\w*|cartilage|clavicula|colon|cord|duodenum|"
    r"edema|femur|gallbladder|gland|heart|hip|humerus|kidneys?|lesions?|liver|lobe|lungs?|muscle|myocardium|"
    r"necrosis|nerve|oesophagus|esophagus|pancreas|prostate|ribs?|sacrum|scapula|skull|spine|spleen|sternum|stomach|"
    r"thyroid|trachea|tumou?r|ureter|vein|vena|ventricle|vertebrae?|vessels?)(?![a-z])",
    re.IGNORECASE,
)


def with_class_folders(side: CaseFiles, case_ids: Collection[str], *, class_names: Collection[str] = ()) -> CaseFiles:
    """Join the files in folders that are called like a case: `case_01/liver.nii.gz` is a part of `case_01`.

    Args:
        case_ids: of the other side.
        class_names: what classes are called; a single file in a folder is one of classes only if it bears one.
    """
    folders: dict[str, dict[str, Path]] = {}
    for file_id, path in side.files.items():
        above = (parent.as_posix() for parent in PurePosixPath(file_id).parents)
        case_id = next((parent for parent in above if parent in case_ids), None)
        if file_id not in case_ids and case_id is not None:
            folders.setdefault(case_id, {})[file_id] = path
    known = {*class_names}
    joined = {
        case_id: found
        for case_id, found in folders.items()
        if len(found) > 1 or any(stem(path) in known for path in found.values())
    }
    return _joined(side, joined)


def with_classes_on_both_sides(
    pred: CaseFiles, truth: CaseFiles, *, class_names: Collection[str]
) -> tuple[CaseFiles, CaseFiles, str]:
    """Join `case/organ.nii.gz` of both sides where the names are those of classes, with a note; else leave all be.

    Names that the labels know decide. Without them, names that come back in every folder and are words, not numbers,
    are classes; in a single folder, names that are mostly those of parts of the body.
    """
    preds, truths = _by_folder(pred), _by_folder(truth)
    if all(_are_folders_of_classes(files, class_names) for files in (preds, truths)):
        example = next(iter(truth.files.values()))
        said = f"each folder is a class ({', '.join(sorted(truths)[:5])}), and its files are cases"
        note = f"{said}. If each file is a case, {remedy_for_cases(example)}"
        return _of_class_folders(pred, preds), _of_class_folders(truth, truths), note
    if preds.keys() == truths.keys() == {"."}:
        apart = [_of_flat_folder(files["."], class_names) for files in (preds, truths)]
        preds, truths = (cases or files for cases, files in zip(apart, (preds, truths), strict=True))
    shared = preds.keys() & truths.keys()
    names = [[{*_by_class(files[folder].values(), folder)} for folder in sorted(shared)] for files in (preds, truths)]
    if not shared or not all(_are_classes(folders, class_names) for folders in names):
        return pred, truth, ""
    said = ", ".join(sorted(set.union(*names[1]))[:5])
    first = next(iter(truths[min(shared)].values()))
    what = "each folder is" if {*shared} <= {*_by_folder(truth)} else "files that begin alike are"
    note = f"{what} one case with a file per class ({said}). If each file is a case, {remedy_for_cases(first)}"
    name = truth.folder.name
    return (
        _joined(pred, {_named(folder, name): preds[folder] for folder in sorted(shared)}),
        _joined(truth, {_named(folder, name): truths[folder] for folder in sorted(shared)}),
        note,
    )


def remedy_for_cases(path: Path) -> str:
    """What to pass where files that look like classes of one case are cases, such as this one."""
    pattern = f"'{{case}}{image_suffix(path)}'"
    return f"pass --pred-pattern {pattern} --truth-pattern {pattern}"


def _by_folder(side: CaseFiles) -> dict[str, dict[str, Path]]:
    folders: dict[str, dict[str, Path]] = {}
    for file_id, path in side.files.items():
        if image_suffix(path) in (".dcm", ".seg.nrrd"):
            continue  # which hold all classes of a case
        folders.setdefault(PurePosixPath(file_id).parent.as_posix(), {})[file_id] = path
    return folders


def _are_folders_of_classes(folders: Mapping[str, Collection[str]], class_names: Collection[str]) -> bool:
    """Whether the cases lie in folders that are called like organs or classes, and come back from one to the other."""
    known = all(folder in class_names or _ANATOMY.search(folder.replace("_", " ")) for folder in folders)
    names = [{PurePosixPath(file_id).name for file_id in files} for files in folders.values()]
    return known and len(folders) > 1 and bool(set.intersection(*names))


def _of_class_folders(side: CaseFiles, folders: Mapping[str, Mapping[str, Path]]) -> CaseFiles:
    channels: dict[str, ClassFiles] = {}
    for folder, files in folders.items():
        for file_id, path in files.items():
            channels.setdefault(PurePosixPath(file_id).name, {})[folder] = path
    return replace(side, files=_folders_of(channels), channels=channels)


def _of_flat_folder(files: Mapping[str, Path], class_names: Collection[str]) -> dict[str, dict[str, Path]]:
    """The files of each case in a folder of `case_class.nii.gz`; none where the names tell no two cases."""
    first, *_ = names = sorted(files)
    for at in (place.start() for place in re.finditer("_", first)):
        classes = sorted((name[at + 1 :] for name in names if name.startswith(first[: at + 1])), key=len, reverse=True)
        cases: dict[str, dict[str, Path]] = {}
        for name in names:
            ending = next((one for one in classes if name.endswith(f"_{one}")), None)
            if ending is None or not ending:
                break
            cases.setdefault(name[: -len(ending) - 1], {})[name] = files[name]
        else:
            words = {name for name in class_names if not is_id(name)}
            known = any(one in words or _ANATOMY.search(one.replace("_", " ")) for one in classes)
            if known and len(classes) > 1 and len(cases) > 1:
                return cases
    return {}


def _named(folder: str, root: str) -> str:
    """The case of a folder; files that lie in none are one case, called like the folder that was given."""
    return case_id_of(root or "case") if folder == "." else folder


def _are_classes(folders: Sequence[set[str]], class_names: Collection[str]) -> bool:
    words = {name for name in class_names if not is_id(name)}
    if words:
        return any(words & names for names in folders)
    if len(folders) == 1:
        n_known = sum(bool(_ANATOMY.search(name.replace("_", " "))) for name in folders[0])
        return n_known > 1 and 2 * n_known >= len(folders[0])
    everywhere = set.intersection(*folders)
    return len({re.sub(r"[0-9]+", "", name) for name in everywhere}) > 1


def _joined(side: CaseFiles, folders: Mapping[str, Mapping[str, Path]]) -> CaseFiles:
    """The files of each of these cases as its classes."""
    channels = {case_id: _by_class(found.values(), case_id) for case_id, found in folders.items()}
    gone = {file_id for found in folders.values() for file_id in found}
    if doubles := gone & {*side.doubles}:
        raise DataError("\n".join(side.doubles[file_id] for file_id in sorted(doubles)))
    files = {file_id: path for file_id, path in side.files.items() if file_id not in gone}
    return replace(side, files=files | _folders_of(channels), channels=side.channels | channels)


def chosen_files(files: ClassFiles, labels: LabelMap, folder: Path) -> ClassFiles:
    """The files of the classes that the labels name, and of background; all where they name none.

    Raises:
        DataError: a class has no file, although others have.
    """
    rows = labels.in_order
    kept = {name: path for name, path in files.items() if any(name_of(row, [name]) for row in rows)}
    if not kept:
        return files
    kept |= {name: path for name, path in files.items() if name in ("0", "background")}
    lacking = [row.name for row in labels.classes or rows if row.ids != (0,) and name_of(row, [*files]) is None]
    if lacking:
        some = "class" if len(lacking) == 1 else "classes"
        case = f" If each file is a case, {remedy_for_cases(next(iter(files.values())))}." if len(files) == 1 else ""
        raise DataError(
            f"{printable(folder)}: has no file of {some} {', '.join(map(printable, lacking[:5]))}. "
            f"Write a mask without voxels where a class is absent, or name the others alone with --labels.{case}"
        )
    return {name: path for name, path in files.items() if name in kept}


def named_by_files(sides: Sequence[ClassFiles], labels: LabelMap, *, beside_ids: bool) -> LabelMap:
    """The label map with the classes that only file names tell: ids are themselves, words are numbered by the alphabet.

    Args:
        sides: the files of every case and side.
        labels: as the user gave them.
        beside_ids: whether there are label images too, whose ids no alphabet knows.

    Raises:
        ConfigError: files are named by words, label images are beside them, and nothing tells which id is which.
    """
    if labels.classes is not None or labels.regions:
        return labels
    names = sorted({name for files in sides for name in files} - {"0", "background"})
    if beside_ids and not all(map(is_id, names)):
        raise ConfigError(
            f"The files of classes are named {', '.join(map(printable, names[:5]))}, and the predictions hold ids. "
            "Say which class has which id with --labels, such as 1=liver,2=spleen."
        )
    ids = {name: int(name) if all(map(is_id, names)) else i for i, name in enumerate(names, start=1)}
    found = tuple(LabelClass(name=name, ids=(label,)) for name, label in sorted(ids.items(), key=lambda item: item[1]))
    return replace(labels, classes=found) if found else labels


def find_class_files(
    folder: Path, *, pattern: str, option: str, case_ids: Collection[str] | None, class_names: Collection[str] = ()
) -> CaseFiles:
    """Look through a folder for files named like `{case}_{class}.nii.gz`, where `*` is any text within one name.

    Args:
        option: the option that gave the pattern, for messages.
        case_ids: which text may stand for `{case}`, so that either part may hold underscores; None where neither side
            tells.
        class_names: which text may stand for `{class}` then.

    Raises:
        ConfigError: the pattern cannot be used.
        DataError: no file is named like it, or two are of one class.
    """
    regex = _compiled(pattern, option, case_ids, class_names)
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


def proposed_class_files(pred: CaseFiles, truth: CaseFiles) -> str:
    """What to pass where both sides have files of the same classes in other places; nothing where they have not."""
    templates = []
    for side in (pred, truth):
        names = Counter(re.split(r"[/_]", file_id)[-1] for file_id in side.files)
        classes = [name for name, n in names.items() if n > 1 and not is_id(name)] or (
            [name for name in names if _ANATOMY.search(name)]
        )
        found = {_template(file_id, classes, path) for file_id, path in side.files.items()}
        templates.append(found.pop() if len(found) == 1 else "")
    if not all(templates) or templates[0] == templates[1]:
        return ""
    return f"--channel-files '{templates[0]}' --truth-files '{templates[1]}'"


def _template(file_id: str, classes: Sequence[str], path: Path) -> str:
    """`s1/segmentations/liver` as `{case}/segmentations/{class}.nii.gz`; empty where it ends with no class."""
    match = re.fullmatch(r"([^/]+?)((?:/[^/]+)*[/_])([^/]+)", file_id)
    if match is None or match[3] not in classes:
        return ""
    return f"{{case}}{match[2]}{{class}}{image_suffix(path)}"


def class_files_in(folder: Path, case_id: str) -> ClassFiles:
    """The files of the classes of one case, all of them in one folder.

    Raises:
        DataError: the folder cannot be read or holds no image, or two files are of one class.
    """
    images, _ = sorted_out(folder)
    if not images:
        raise DataError(f"{printable(folder)}: holds no mask. Write one per class there, such as liver.nii.gz.")
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


def _compiled(
    pattern: str, option: str, case_ids: Collection[str] | None, class_names: Collection[str]
) -> re.Pattern[str]:
    if set(re.findall(r"\{.*?\}", pattern)) != {"{case}", "{class}"} or pattern.count("{class}") != 1:
        raise ConfigError(
            f"{option} {pattern!r}: write {{case}}, and {{class}} once, as in '{{case}}_{{class}}.nii.gz'."
        )
    if image_suffix(PurePosixPath(pattern)) is None:
        raise ConfigError(f"{option} {pattern!r}: it must end like an image file: {', '.join(IMAGE_SUFFIXES)}.")
    cases, classes = "[^/]+?", "[^/]+"
    if case_ids is not None:
        cases = "|".join(re.escape(case_id) for case_id in sorted(case_ids, key=len, reverse=True))
    elif class_names:
        classes = "|".join(re.escape(name) for name in sorted(class_names, key=len, reverse=True))
    elif re.search(r"\{case\}[^/{]*\{class\}|\{class\}[^/{]*\{case\}", pattern):
        raise ConfigError(
            f"{option} {pattern!r}: nothing tells where the case ends and the class begins. "
            "Name the classes with --labels."
        )
    text = re.escape(unicodedata.normalize("NFC", pattern)).replace(r"\*", "[^/]*?")
    text = text.replace(re.escape("{class}"), f"(?P<class>{classes})")
    text = text.replace(re.escape("{case}"), f"(?P<case>{cases})", 1)
    return re.compile(text.replace(re.escape("{case}"), "(?P=case)"))


def _nothing_like(pattern: str, folder: Path, others: list[PassedOver]) -> str:
    said = f", but {printable(others[0][1].relative_to(folder))}" if others else ""
    return f"{printable(folder)}: no file is named like {pattern} with the id of a truth{said}. Check the pattern."
