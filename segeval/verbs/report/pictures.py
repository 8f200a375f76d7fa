"""Pictures of the cases of a stored run, from the files that it scored."""

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from segeval.errors import ConfigError, DataError, nearest
from segeval.evidence.case import Case
from segeval.evidence.labels import LabelClass
from segeval.files.paths import listed, printable, require_existing
from segeval.images.cases import read_case
from segeval.images.pairing.folders import find_case_files
from segeval.images.pairing.pairs import Pair
from segeval.images.readers.readers import read_volume
from segeval.images.readers.streams import Opened, opened_files
from segeval.verbs.again import job_again
from segeval.verbs.report.content import RunContent
from segeval.verbs.report.overlays import Picture, ShownClass, masks_of, picture_of, slices_around, worst_place
from segeval.verbs.running.job import Job
from segeval.verbs.running.kept import digest_of_all

MOST_PICTURES = 60
MOST_BYTES = 6_000_000  # of all pictures of a page
N_SLICES = 9


@dataclass(frozen=True, kw_only=True)
class PictureOptions:
    """How cases are drawn.

    Attributes:
        worst: cases per class that the page shows; 0 for none.
        images: folder of what the masks were drawn on, called like the cases.
        window: greys from black to white; None takes the first to the 99th percentile.
    """

    worst: int = 0
    images: Path | None = None
    window: tuple[float, float] | None = None


class CasePictures:
    """Draws cases of one run; each is read again when it is asked for, and only the last one is kept."""

    def __init__(self, document: Mapping[str, Any], *, path: Path, options: PictureOptions) -> None:
        """Find the files of the run.

        Raises:
            ConfigError: the run does not say what it scored, or a folder is not there.
            DataError: the files of the run are no longer there.
        """
        pairs, job = job_again(document["plan"], document["inputs"], path=path)
        self._pairs: dict[str, Pair] = {pair.case_id: pair for pair in pairs}
        self._job: Job = job
        self._options = options
        self._files: Mapping[str, Mapping[str, str]] = document.get("files", {})
        self._images = _images_in(options.images)
        self._last: tuple[str, tuple[Case, np.ndarray | None, np.ndarray | None]] | None = None
        self.classes = {entry["class"]: tuple(entry["ids"]) for entry in document["labels"]}

    def masks(self, case_id: str, class_name: str) -> ShownClass:
        """Both masks of a class of a case.

        Raises:
            ConfigError: the run has no such case or class.
            DataError: its files cannot be read, have changed since the run, or the image has another grid.
        """
        if class_name not in self.classes:
            raise ConfigError(f"The run has no class {class_name!r}.{_hint(class_name, list(self.classes))}")
        case, affine, image = self._read(case_id)
        label = LabelClass(name=class_name, ids=self.classes[class_name])
        return masks_of(case, label, affine=affine, image=image, window=self._options.window)

    def _read(self, case_id: str) -> tuple[Case, np.ndarray | None, np.ndarray | None]:
        if self._last is not None and self._last[0] == case_id:
            return self._last[1]
        if case_id not in self._pairs:
            raise ConfigError(f"The run has no case {case_id!r} with both sides.{_hint(case_id, list(self._pairs))}")
        pair = self._pairs[case_id]
        with opened_files() as opened:
            case = read_case(pair, self._job.rules)
        self._refuse_if_changed(pair, opened | self._job.rules.opened.get(case_id, {}))
        affine = None if pair.truth is None else self._job.rules.truth_of(pair).volume.affine
        read = case, affine, self._image_of(case)
        self._last = case_id, read
        return read

    def _refuse_if_changed(self, pair: Pair, opened: Opened) -> None:
        scored = self._files.get(pair.case_id, {}).get("sha256")
        if scored and digest_of_all(opened) != scored:
            sides = " or ".join(printable(path) for path in (pair.pred, pair.truth) if path is not None)
            raise DataError(f"{sides}: holds other bytes now than those that were scored. Score again first.")

    def _image_of(self, case: Case) -> np.ndarray | None:
        path = self._images.get(case.case_id)
        if path is None:
            return None
        image = read_volume(path).array
        if image.shape[: len(case.shape)] != case.shape:
            raise DataError(
                f"{printable(path)}: shape {image.shape} is not that of the masks, {case.shape}. "
                "Name images on the grid of the truths."
            )
        return image if image.ndim == len(case.shape) else image[..., 0]


def pictures_of_worst(content: RunContent, drawn: CasePictures, *, worst: int) -> dict[str, list[dict[str, Any]]]:
    """Pictures of the worst cases of each class for a page; one that cannot be drawn says why in its place."""
    found: dict[str, list[dict[str, Any]]] = {}
    n, size = 0, 0
    for name in content.classes:
        for row in content.worst(name, worst):
            if n >= MOST_PICTURES or size >= MOST_BYTES:
                return found
            entry = {"id": f"picture-{n}", "case": row["case"], "caption": f"{row['case']}, {name}", "slices": ()}
            try:
                entry |= _entry(drawn.masks(row["case"], name), title=f"{row['case']}, {name}")
            except (DataError, ConfigError) as error:
                entry |= {"source": "", "problem": str(error)}
            n, size = n + 1, size + len(entry["source"]) + sum(len(part["source"]) for part in entry["slices"])
            found.setdefault(name, []).append(entry)
    return found


def _entry(masks: ShownClass, *, title: str) -> dict[str, Any]:
    main = picture_of(masks, title=title)
    slices: list[dict[str, Any]] = []
    if masks.pred.ndim == 3:
        for index in slices_around(masks, N_SLICES):
            place = (*(n // 2 for n in masks.pred.shape[:2]), index)
            part = picture_of(masks, title=title, at=place, planes=1, distances=True)
            slices.append(_embedded(part) | {"number": index + 1, "is_worst": index == worst_place(masks)[-1]})
    return _embedded(main) | {"slices": slices if len(slices) > 1 else ()}


def _embedded(picture: Picture) -> dict[str, Any]:
    return {
        "source": "data:image/png;base64," + base64.b64encode(picture.png).decode(),
        "caption": picture.caption,
        "alt": picture.alt,
        "width": picture.size[0],
        "height": picture.size[1],
    }


def _images_in(folder: Path | None) -> dict[str, Path]:
    """The image of each case; `case_0000` of nnU-Net is the first one of `case`."""
    if folder is None:
        return {}
    require_existing(folder, what="--images")
    files = find_case_files(folder, pattern=None, option="--images").files
    return files | {name.removesuffix("_0000"): path for name, path in files.items() if name.endswith("_0000")}


def _hint(name: str, known: Sequence[str]) -> str:
    near = nearest(name, known)
    return f" Did you mean {near!r}?" if near else f" It has {listed(known) or 'none'}."
