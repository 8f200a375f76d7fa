"""A pair of files that is too large to be held, read in slabs: each a case of its own, on one grid."""

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain, pairwise
from math import prod
from typing import Any

import numpy as np

from segeval.errors import DataError
from segeval.evidence.case import Case, Tile, TiledCase
from segeval.evidence.grid import skewed_axes
from segeval.evidence.probabilities.channels import Form
from segeval.files.memory import PROGRAM
from segeval.files.paths import printable
from segeval.images.cases import spacing_of
from segeval.images.forms import look_at_slabs
from segeval.images.geometry.geometry import align, orientation
from segeval.images.geometry.grids import grid_of, nearest_reordering
from segeval.images.input_rules import InputRules
from segeval.images.labels.colors import matched_palette
from segeval.images.labels.greys import SampledGreys, refuse_greys
from segeval.images.labels.label_ids import ROUNDED, SideName, labelled
from segeval.images.labels.one_hot import OneHotSlabs
from segeval.images.named.reading import has_names
from segeval.images.on_grid import OnGrid, on_grid
from segeval.images.pairing.pairs import Pair
from segeval.images.predictions.predictions import Prediction, refuse_other_axis
from segeval.images.readers.volumes import Slabs, Volume, even_cuts
from segeval.images.slabs.opening import open_slabs
from segeval.images.slabs.prediction_slabs import PredictionSlabs, open_prediction, with_ids, without_colours

_PER_LABEL = 3  # bytes of a slab and of what is made of it, for each byte of ids; 8 for a voxel at least
_PER_PROB = 30  # the same for each probability
_READ_IN_SLABS = "NIfTI, NPY, NPZ, PNG and TIFF are"
_SIDES: tuple[SideName, SideName] = ("truth", "pred")
_AT_OFF = 4  # the word of a note on rounding that says by how much


def tiled_case(pair: Pair, rules: InputRules) -> TiledCase | None:
    """A pair that is larger than one worker may hold, to be read in slabs; None for one that is read as a whole.

    Raises:
        DataError: a file cannot be read or not in slabs, or the two grids differ.
    """
    if rules.slab_bytes is None or pair.problem or pair.truth is None:
        return None
    if pair.truth_channels or has_names(pair.truth) or pair.case_id in rules.at_hand:
        return None
    truth = open_slabs(pair.truth, orientation=rules.orientation, colours=rules.colors is not None)
    if truth is None:
        return None
    truth = replace(truth, head=without_colours(truth.head, rules))
    pred = None if pair.pred is None else open_prediction(pair, rules)
    per_voxel = _cost(truth.head, None if pred is None else pred.head, rules)
    if prod(truth.head.grid) * per_voxel <= rules.slab_bytes:
        return None
    _refuse_what_needs_the_whole(pair, pred, rules)
    for slabs in (truth, *(pred.files if pred else ())):
        if slabs.refused:
            raise DataError(f"{slabs.refused} Or raise --max-memory.")
    return _Sides(pair=pair, truth=truth, pred=pred, rules=rules, per_voxel=per_voxel).case


def _cost(truth: Volume, pred: Prediction | None, rules: InputRules) -> int:
    """Bytes that a voxel takes on its way."""
    images = () if pred is None else pred.images
    are_ids = len(images) < 2 and all(image.is_integer and image.levels is None for image in images)
    is_map = rules.pred_kind in ("probs", "logits") or (rules.pred_kind == "auto" and not are_ids)
    ids = sum(side.array.itemsize for side in (truth, *(() if is_map else images)))
    return max(8, _PER_LABEL * ids) + (_PER_PROB * len(images) if is_map else 0)


def _refuse_what_needs_the_whole(pair: Pair, pred: PredictionSlabs | None, rules: InputRules) -> None:
    asked = {
        "--instances": rules.instances,
        "--pred-instances": pair.pred_instances is not None,
        "--truth-instances": pair.truth_instances is not None,
        "--clip-probs": rules.clip_probs,
    }
    for option, is_asked in asked.items():
        if is_asked:
            raise DataError(
                f"{pair.case_id}: is larger than --max-memory, and {option} needs the whole image at once. "
                f"Leave {option} out, or raise --max-memory."
            )
    if pair.pred is not None and pred is None:
        raise DataError(
            f"{printable(pair.pred)}: is larger than --max-memory, and this kind of file is not read in slabs; "
            f"{_READ_IN_SLABS}. Convert it, or raise --max-memory."
        )


@dataclass(frozen=True, kw_only=True)
class _Sides:
    """Both sides of a pair in slabs."""

    pair: Pair
    truth: Slabs
    pred: PredictionSlabs | None
    rules: InputRules
    per_voxel: int

    @property
    def case(self) -> TiledCase:
        """The case that they are.

        Raises:
            DataError: the grids differ, or the slabs of one run across those of the other.
        """
        notes, form = self._notes_on_grid(), Form()
        if self.pred is not None:
            known = self.rules.forms.get(self.pair.case_id)
            form = known or look_at_slabs(self.pred, self.rules)[0]
        self._cuts(0)  # refuses what does not fit before anything is read
        head = self.truth.head
        return TiledCase(
            case_id=self.pair.case_id,
            shape=head.grid,
            axis=self.truth.axis,
            tiles=lambda halo, thinner: surrounded(
                self._cases(self._cuts(halo, thinner), form, notes), self.truth.axis, halo
            ),
            most_bytes=self.rules.slab_bytes or 0,
            spacing_mm=spacing_of(head, self.rules),
            axes_mm=None if head.affine is None else skewed_axes(head.affine[:3, :-1]),
        )

    def _notes_on_grid(self) -> tuple[str, ...]:
        """What is to be noted of the grids, which have to be one, and cut along one axis."""
        if self.pred is None:
            return ()
        truth, rules = self.truth.head, self.rules
        refuse_other_axis(self.pred.head, truth, rules.channel_axis)
        image = self.pred.head.placed(truth).images[0]
        try:
            _, notes = align(image, truth, tolerance=rules.geometry_tol, ignore=rules.ignore_geometry, kind="probs")
        except DataError as error:
            if not rules.resample:
                raise
            raise DataError(
                f"{error} The case is larger than --max-memory, and --resample needs the whole image at once: "
                "resample it before, or raise --max-memory."
            ) from error
        along = self._axis_of_pred(image)
        if along != self.truth.axis:
            ways = _way(image, along), _way(truth, self.truth.axis)
            raise DataError(
                f"{printable(self.pair.pred or '')}: its voxels lie in another order ({ways[0]}) than those of the "
                f"truth ({ways[1]}), so that slabs of both do not meet, and the case is larger than --max-memory. "
                "Write both in one order, or raise --max-memory."
            )
        return notes

    def _axis_of_pred(self, image: Volume) -> int | None:
        """Along which axis of the truth the slabs of the prediction follow one another; None if from its end."""
        truth = self.truth.head
        axis = self.pred.axis if self.pred else 0
        if self.pred and self.pred.head.images[0].is_czyx and image.affine is not None:
            axis = image.array.ndim - 1 - axis
        if self.rules.ignore_geometry or image.affine is None or truth.affine is None:
            return axis
        found = nearest_reordering(grid_of(image.affine, image.grid), grid_of(truth.affine, truth.grid))
        if found is None:
            return axis
        along = found.axes.index(axis)
        return None if found.flips[along] else along

    def _cuts(self, halo: int, thinner: int = 1) -> list[int]:
        """Where slabs begin and end; with what lies around them, a slab is there nearly four times.

        Thinner ones leave half of the memory to what is kept of all slabs.
        """
        rules, n, files = self.rules, self.truth.n, (self.truth, *(self.pred.files if self.pred else ()))
        row = prod(self.truth.head.grid) // n * self.per_voxel * (4 if halo else 1)
        held, least = sum(slabs.held for slabs in files), max(2, halo)
        rows = ((rules.slab_bytes or 0) - held) // row
        if rows < least:
            why = f", as {halo} are needed around each for a tolerance or a band" if halo else ""
            why = f", beside the {max(slabs.step for slabs in files)} that its files pack together" if held else why
            said = f"--max-memory has no room for slabs of {least} of its {n} rows"
            raise DataError(
                f"{printable(self.pair.truth or '')}: {said}{why}. "
                f"Pass --workers 1 and --max-memory {-(-(held + least * row + PROGRAM) >> 20)}MiB or more."
            )
        if thinner > 1:
            rows = ((rules.slab_bytes or 0) // 2 - held) // (thinner * row)
        return even_cuts(n, max(rows, least), least)

    def _cases(self, cuts: Sequence[int], form: Form, notes: Sequence[str]) -> Iterator[Case]:
        """The slabs as cases, the last with all notes; then it is known whether the values were class ids."""
        looks = _Looks(self.rules, self.truth.head.grid, self.truth.axis, is_labels=form.layout is None)
        truths, preds = self.truth.volumes(cuts), None if self.pred is None else self.pred.parts(cuts)
        for start, stop in pairwise(cuts):
            volume, part = with_ids(next(truths), self.rules), None if preds is None else next(preds)
            try:
                truth = labelled(self._with_own_palette(volume), **self._as_labels)
                predicted = OnGrid(labels=np.zeros_like(truth.array))
                if part is not None:
                    images = (self._with_own_palette(part.images[0]), *part.images[1:])
                    predicted = on_grid(replace(part, images=images), truth, form, self.rules)
            except DataError as error:
                at = f"It is so in the slab from {start} to {stop - 1} along axis {self.truth.axis}."
                raise DataError(f"{error} {at}") from error
            looks.add(volume, truth, None if part is None else part.images[0], predicted)
            yield Case(
                case_id=self.pair.case_id,
                pred=predicted.labels,
                truth=truth.array,
                spacing_mm=spacing_of(self.truth.head, self.rules),
                probs=predicted.probs,
                claims=predicted.claims,
                notes=looks.notes(before=notes) if stop == cuts[-1] else (),
            )
            del volume, part, truth, predicted  # there is room for one slab
        deque(truths, maxlen=0)  # compares checksums
        deque(preds or (), maxlen=0)
        looks.refuse()

    @property
    def _as_labels(self) -> dict[str, Any]:
        return {"side": "truth", "ignore": self.rules.labels.ignore, "rounding": self.rules.round_labels}

    def _with_own_palette(self, volume: Volume) -> Volume:
        """The volume, whose palette has to be that of the first truth as far as it is used."""
        if matched_palette(volume, self.rules.palette) is not volume:
            raise DataError(
                f"{printable(volume.path)}: its palette has the colours of the first truth at other places, which is "
                "matched in whole images only. Save the ids as grey values, list all colours with --colors, or raise "
                "--max-memory."
            )
        return volume


class _Looks:
    """What is known of both sides of a case only when all of its slabs were seen."""

    def __init__(self, rules: InputRules, grid: tuple[int, ...], axis: int, *, is_labels: bool) -> None:
        self._labels, self._is_labels = rules.labels, is_labels
        self._first: list[Volume] = []
        self._sampled = [SampledGreys(prod(grid)) for _ in range(3)]
        self._one_hot = [OneHotSlabs(axis) for _ in range(2)]
        self._notes: list[dict[str, None]] = [{}, {}]

    def add(self, stored: Volume, truth: Volume, pred: Volume | None, predicted: OnGrid) -> None:
        """Look at a slab of the truth, as it was stored and as ids, and of the prediction."""
        for notes, more in zip(self._notes, (truth.notes, predicted.notes), strict=True):
            notes |= dict.fromkeys(more)
        for one_hot, side in zip(self._one_hot, (stored, pred), strict=True):
            if side is not None:
                one_hot.add(side)
        if pred is not None and (not self._is_labels or pred.levels is not None):
            pred = None
        self._first = self._first or [stored, *(() if pred is None else (pred,))]
        for sampled, slab in zip(self._sampled, (truth, stored, pred), strict=True):
            if slab is not None:
                sampled.add(slab.array)

    def notes(self, *, before: Sequence[str]) -> tuple[str, ...]:
        """The notes on both sides, each once; of rounded values the one on those that were farthest off."""
        of_truth, of_pred = (_with_one_of_rounding([*notes]) for notes in self._notes)
        return tuple(dict.fromkeys((*of_truth, *before, *of_pred)))

    def refuse(self) -> None:
        """Stop where masks in channels were read as a volume, or 8-bit values are no class ids by their looks."""
        for one_hot in self._one_hot:
            one_hot.refuse()
        beside = self._sampled[0].array
        for volume, sampled, side in zip(self._first, self._sampled[1:], _SIDES, strict=False):
            looked_at = replace(volume, array=sampled.array)
            refuse_greys(looked_at, self._labels, side=side, beside=None if side == "truth" else beside)


def _with_one_of_rounding(notes: list[str]) -> list[str]:
    rounded = [note for note in notes if note.endswith(ROUNDED)]
    worst = max(rounded, key=lambda note: float(note.split()[_AT_OFF]), default="")
    return [note for note in notes if note not in rounded or note == worst]


def _way(volume: Volume, axis: int | None) -> str:
    """How the axes of an image lie, and along which of the truth's it is stored."""
    how = "the other way round" if axis is None else f"slice after slice along axis {axis}"
    return how if volume.affine is None else f"{orientation(volume.affine)}, {how}"


def surrounded(cases: Iterator[Case], axis: int, halo: int) -> Iterator[Tile]:
    """Each slab with so many voxels of those before and behind it, which are at least as thick."""
    if not halo:
        for case in cases:
            yield Tile(case=case, around=case, core=slice(0, case.shape[axis]))
            del case
        return
    before: list[Case] = []
    here = next(cases)
    for behind in chain(cases, [None]):
        if here.claims:
            raise DataError(
                f"{here.case_id}: is larger than --max-memory, and classes share voxels: their surfaces are not found "
                "in slabs. Leave out nsd, boundary_f1 and boundary_iou, or raise --max-memory."
            )
        first = before[0].shape[axis] if before else 0
        near = [*before, here, *([] if behind is None else [_part(behind, axis, slice(0, halo))])]
        pred, truth = (np.concatenate(side, axis=axis) for side in zip(*((c.pred, c.truth) for c in near), strict=True))
        around = replace(here, pred=pred, truth=truth, probs=None)
        yield Tile(case=here, around=around, core=slice(first, first + here.shape[axis]))
        if behind is not None:
            before, here = [_part(here, axis, slice(max(here.shape[axis] - halo, 0), None))], behind


def _part(case: Case, axis: int, rows: slice) -> Case:
    """The labels of some rows."""
    at = (slice(None),) * axis + (rows,)
    return replace(case, pred=case.pred[at].copy("K"), truth=case.truth[at].copy("K"), probs=None)
