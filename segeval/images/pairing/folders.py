"""Find the image files below a folder, and name the case each belongs to."""

import re
import stat
import unicodedata
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from segeval.errors import ConfigError, DataError
from segeval.files.paths import printable
from segeval.files.suffixes import IMAGE_SUFFIXES, JPEG_SUFFIXES, image_suffix, is_store, stem
from segeval.images.named.coco import image_paths
from segeval.images.named.dicom import is_dicom_mask

_PREVIEW = re.compile(r"preview_[^/]*\.png", re.IGNORECASE)  # as TotalSegmentator leaves beside its masks

Inode = tuple[int, int]
Candidate = tuple[str, Path]  # a case id and its file
PassedOver = tuple[str, Path]  # a reason and the file


@dataclass(frozen=True, kw_only=True)
class CaseFiles:
    """The file of each case below one folder, and why the other files are no cases.

    A case with one file per class has them in `channels`, by their names, and their folder in `files`. `doubles` says
    which cases have two files, of which none is better than the other.
    """

    folder: Path
    files: dict[str, Path]
    others: tuple[PassedOver, ...]
    channels: dict[str, dict[str, Path]] = field(default_factory=dict)
    doubles: dict[str, str] = field(default_factory=dict)


def find_case_files(folder: Path, *, pattern: str | None, option: str, wants_probs: bool = False) -> CaseFiles:
    """Look through a folder and all folders in it.

    Args:
        pattern: such as `{case}_pred.nii.gz`, `{case}/seg.nii.gz` or `*/{case}.png`, where `*` is any text within
            one name; None takes every image, and its path without the suffix is the case id.
        option: the option that gave the pattern, for messages.
        wants_probs: of a mask and the `.npz` beside it, take the latter.

    Raises:
        ConfigError: the pattern cannot be used.
        DataError: the folder cannot be read or holds no case.
    """
    images, others = sorted_out(folder)
    if pattern is None:
        candidates, more = _named_by_path(images, folder, wants_probs=wants_probs)
    else:
        candidates, more = _named_by_pattern(images, folder, pattern=pattern, option=option)
    if not candidates:
        raise DataError(_nothing_here(folder, more + others))
    files, doubles = _one_file_each(candidates)
    return CaseFiles(folder=folder, files=files, others=tuple(more + others), doubles=doubles)


def find_listed_cases(path: Path, *, beside: Path, option: str, pattern: str | None) -> CaseFiles:
    """The images of a COCO file, which are cases by their names without suffix.

    Args:
        beside: what stands on the other side.
        option: the option that gave the pattern, for messages.

    Raises:
        ConfigError: a pattern was given.
        DataError: it is no COCO file, or two of its images have one name.
    """
    if pattern is not None:
        raise ConfigError(f"{option} {pattern!r}: {printable(path)} names its images itself. Leave it out.")
    named = [(_id_by_path(image.relative_to(path), by_folder=False), image) for image in image_paths(path, beside)]
    files, doubles = _one_file_each(sorted(named))
    return CaseFiles(folder=path, files=files, others=(), doubles=doubles)


def is_list_of_images(path: Path) -> bool:
    """Whether a file holds the masks of many images, and so stands for a folder."""
    return path.suffix.lower() == ".json" and path.is_file()


def case_id_of(text: str) -> str:
    """One spelling per name: macOS stores `é` as two characters, Linux keeps whichever it was given."""
    # bytes that are no UTF-8 arrive as lone surrogates, which no output file could hold
    return unicodedata.normalize("NFC", text.encode("utf-8", "backslashreplace").decode())


def sorted_out(folder: Path) -> tuple[list[Path], list[PassedOver]]:
    """The images below a folder, and every other file with the reason why it is none."""
    images: list[Path] = []
    others: list[PassedOver] = []
    for path, reason in sorted(_walk(folder)):
        if not reason and image_suffix(path) and _may_be_mask(path):
            images.append(path)
        elif reason or not _is_part_of_image(path):
            others.append((reason or _why_no_image(path), path))
    with_volumes = {path.parent for path in images if image_suffix(path) != ".png"}
    previews = [path for path in images if _PREVIEW.fullmatch(path.name) and path.parent in with_volumes]
    return [path for path in images if path not in previews], [*others, *(("a preview", path) for path in previews)]


def _may_be_mask(path: Path) -> bool:
    """Whether a DICOM file is one of masks; the slices of images lie beside them."""
    return image_suffix(path) != ".dcm" or is_dicom_mask(path)


def _is_part_of_image(path: Path) -> bool:
    """Whether a file holds the voxels of a header beside it."""
    bare = path.with_suffix("") if path.suffix == ".gz" else path
    headers = {".img": (".hdr",), ".raw": (".mhd", ".nhdr"), ".zraw": (".mhd",)}.get(bare.suffix, ())
    return any(bare.with_suffix(suffix).exists() for suffix in headers)


def _why_no_image(path: Path) -> str:
    if image_suffix(path) == ".dcm":
        return "DICOM, but neither SEG nor RTSTRUCT"
    return "JPEG, which does not keep ids" if path.suffix.lower() in JPEG_SUFFIXES else "no image"


def _walk(folder: Path) -> Iterator[tuple[Path, str]]:
    """Every file below a folder, with a reason to pass it over or ""; links are followed, but never in a circle."""
    todo: list[tuple[Path, frozenset[Inode]]] = [(folder, frozenset())]
    while todo:
        here, above = todo.pop()
        inode, paths = _read_folder(here)
        if inode in above:
            yield here, "a link to a folder above it"
            continue
        for path in paths:
            kind = _kind(path)
            if path.name.startswith("."):
                yield path, "hidden"
            elif kind == "folder":
                todo.append((path, above | {inode}))
            else:
                yield path, "" if kind == "file" else kind


def _read_folder(folder: Path) -> tuple[Inode, list[Path]]:
    try:
        status = folder.stat()
        return (status.st_dev, status.st_ino), list(folder.iterdir())
    except OSError as error:
        raise DataError(
            f"{printable(folder)}: this folder cannot be read ({error.strerror}). "
            "Mend its permissions, or move it out of the way."
        ) from error


def _kind(path: Path) -> str:
    try:
        mode = path.stat().st_mode
    except OSError:  # a broken link, or no permission: its reader will say so, by name
        return "file"
    if stat.S_ISDIR(mode):
        return "file" if is_store(path) else "folder"
    return "file" if stat.S_ISREG(mode) else "neither file nor folder"


def _named_by_path(images: list[Path], folder: Path, *, wants_probs: bool) -> tuple[list[Candidate], list[PassedOver]]:
    """The path without its suffix is the case id; nnU-Net saves a mask and an `.npz` of the same name."""
    alone = {where for where, n in Counter(path.parent for path in images if _is_dicom(path)).items() if n == 1}
    named = [
        (_id_by_path(image.relative_to(folder), by_folder=_is_dicom(image) and image.parent in alone - {folder}), image)
        for image in images
    ]
    masks = [(case_id, path) for case_id, path in named if image_suffix(path) != ".npz"]
    archives = [(case_id, path) for case_id, path in named if image_suffix(path) == ".npz"]
    taken, left = (archives, masks) if wants_probs else (masks, archives)
    ids = {case_id for case_id, _ in taken}
    reason = "a mask beside probabilities" if wants_probs else "probabilities beside a mask"
    others = [(reason, path) for case_id, path in left if case_id in ids]
    return sorted([*taken, *(candidate for candidate in left if candidate[0] not in ids)]), others


def _id_by_path(relative: Path, *, by_folder: bool) -> str:
    """The case of a file; files of DICOM have names that nobody gave, and a folder with one of them is called so."""
    return case_id_of((relative.parent if by_folder else relative.parent / stem(relative)).as_posix())


def _is_dicom(path: Path) -> bool:
    return image_suffix(path) == ".dcm"


def _named_by_pattern(
    images: list[Path], folder: Path, *, pattern: str, option: str
) -> tuple[list[Candidate], list[PassedOver]]:
    regex = _compiled(pattern, option=option)
    matches = [(regex.fullmatch(case_id_of(image.relative_to(folder).as_posix())), image) for image in images]
    unlike = [(f"not named like {pattern}", image) for match, image in matches if not match]
    return [(match["case"], image) for match, image in matches if match], unlike


def _compiled(pattern: str, *, option: str) -> re.Pattern[str]:
    fields = set(re.findall(r"\{.*?\}", pattern))
    if fields != {"{case}"}:
        found = ", ".join(sorted(fields)) or "no field"
        raise ConfigError(f"{option} {pattern!r}: it has {found}. Write {{case}} alone, as in '{{case}}_seg.nii.gz'.")
    if image_suffix(PurePosixPath(pattern)) is None:
        raise ConfigError(f"{option} {pattern!r}: it must end like an image file: {', '.join(IMAGE_SUFFIXES)}.")
    first, *rest = (
        re.escape(part).replace(r"\*", "[^/]*?") for part in unicodedata.normalize("NFC", pattern).split("{case}")
    )
    return re.compile(f"{first}(?P<case>.+){'(?P=case)'.join(rest)}", re.DOTALL)


def _one_file_each(candidates: list[Candidate]) -> tuple[dict[str, Path], dict[str, str]]:
    """The file of each case, and what is wrong with cases that have several."""
    files: dict[str, Path] = {}
    doubles: dict[str, str] = {}
    for case_id, path in candidates:
        if case_id in files:
            doubles[case_id] = (
                f"{printable(files[case_id])} and {printable(path)} both belong to case '{printable(case_id)}'. "
                "Keep one of them in the folder, or tell them apart with --pred-pattern or --truth-pattern."
            )
        files.setdefault(case_id, path)
    return files, doubles


def _nothing_here(folder: Path, others: list[PassedOver]) -> str:
    if not others:
        return f"{printable(folder)}: this folder is empty. Name the folder that holds the masks."
    reason, path = others[0]
    return (
        f"{printable(folder)}: no mask in here, only other files ({len(others)}), such as "
        f"{printable(path.relative_to(folder))} ({reason}). Masks end in {', '.join(IMAGE_SUFFIXES)}."
    )
