"""A class of a case as a picture: three planes through the slice where both masks disagree most.

False alarms are orange and striped, misses blue and plain, and the contours are a light line for the truth and a
dark-edged orange one for the prediction: the pairs stay apart for colour-blind readers and in grey. With `distances`,
the predicted contour has the colour of its distance to the true surface instead.
"""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from segeval.evidence.case import Case
from segeval.evidence.labels import LabelClass

ORANGE, BLUE, LIGHT, DARK = (230, 159, 0), (86, 180, 233), (240, 240, 240), (20, 20, 24)
PANEL = 320  # pixels of the longer side of a plane
_MARGIN, _GAP, _STRIPE = 22, 10, 5
_BARS_MM = (1, 2, 5, 10, 20, 50, 100, 200)
_PLANES = {0: "sagittal", 1: "coronal", 2: "axial"}


@dataclass(frozen=True, kw_only=True)
class Picture:
    """A PNG with what it shows in words."""

    png: bytes
    size: tuple[int, int]
    caption: str
    alt: str

    def _repr_png_(self) -> bytes:
        """In a notebook."""
        return self.png


@dataclass(frozen=True, kw_only=True)
class ShownClass:
    """One class of a case in display order: both sides, the image beneath and the size of a voxel.

    Attributes:
        letters: for each axis what lies at its end, such as `R`; empty where the files do not say.
        window: lowest and highest grey of the image.
    """

    pred: np.ndarray
    truth: np.ndarray
    spacing: tuple[float, ...]
    unit: str
    letters: tuple[str, ...] = ()
    image: np.ndarray | None = None
    window: tuple[float, float] = (0.0, 1.0)


def masks_of(
    case: Case,
    label: LabelClass,
    *,
    affine: np.ndarray | None = None,
    image: np.ndarray | None = None,
    window: tuple[float, float] | None = None,
) -> ShownClass:
    """Both masks of a class, with its axes named where the affine tells.

    Args:
        affine: of the truth, (4, axis + 1).
        image: what the masks were drawn on, on the same grid.
        window: greys from black to white; by default from the first to the 99th percentile.
    """
    ids = set(label.ids)
    claimed = {key for key, classes in case.claims.items() if label in classes}
    pred = np.isin(np.asarray(case.pred), [*ids, *claimed])
    truth = np.isin(np.asarray(case.truth), list(ids))
    if image is not None and window is None:
        finite = image[np.isfinite(image)]
        low, high = np.percentile(finite, (1, 99)) if finite.size else (0.0, 1.0)
        window = (float(low), float(high))
    return ShownClass(
        pred=pred,
        truth=truth,
        spacing=case.spacing_mm or (1.0,) * pred.ndim,
        unit="mm" if case.spacing_mm else "px",
        letters=() if affine is None else _letters(affine),
        image=image,
        window=window or (0.0, 1.0),
    )


def worst_place(masks: ShownClass) -> tuple[int, ...]:
    """The slice of each axis with the most voxels in which the sides differ; else in the middle of the class."""
    wrong = masks.pred ^ masks.truth
    shown = wrong if wrong.any() else masks.truth | masks.pred
    if not shown.any():
        return tuple(n // 2 for n in shown.shape)
    axes = range(shown.ndim)
    return tuple(int(shown.sum(axis=tuple(other for other in axes if other != axis)).argmax()) for axis in axes)


def slices_around(masks: ShownClass, most: int) -> list[int]:
    """Slices of the last axis that show the class, evenly spread, the worst one among them."""
    worst = worst_place(masks)[-1]
    there = np.flatnonzero((masks.pred | masks.truth).any(axis=tuple(range(masks.pred.ndim - 1))))
    if masks.pred.ndim == 2 or most <= 1 or not there.size:
        return [worst]
    spread = np.linspace(there[0], there[-1], most).round().astype(int)
    nearest = int(np.abs(spread - worst).argmin())
    spread[nearest] = worst
    return sorted(set(spread.tolist()))


def picture_of(
    masks: ShownClass, *, title: str, at: Sequence[int] | None = None, distances: bool = False, planes: int = 3
) -> Picture:
    """Draw the planes through a voxel; 2-D images have one.

    Args:
        title: case and class, for the caption.
        at: the voxel; by default where the sides differ most.
        distances: colour the predicted contour by its distance to the true surface.
        planes: 1 shows the plane of the last axis alone.
    """
    from PIL import Image

    place = tuple(at) if at is not None else worst_place(masks)
    far = _distance_to_truth(masks) if distances else None
    n_axes = masks.pred.ndim
    fixed = [2, 1, 0][:planes] if n_axes == 3 else [None]
    panels = [_panel(masks, axis, place, far) for axis in fixed]
    height = max(panel.height for panel in panels)
    width = sum(panel.width for panel in panels) + _GAP * (len(panels) - 1)
    sheet = Image.new("RGB", (width, height), DARK)
    left = 0
    for panel in panels:
        sheet.paste(panel, (left, (height - panel.height) // 2))
        left += panel.width + _GAP
    stored = io.BytesIO()
    sheet.quantize(128).save(stored, format="PNG", optimize=True)
    tp, fp, fn = (
        int(part.sum()) for part in (masks.pred & masks.truth, masks.pred & ~masks.truth, ~masks.pred & masks.truth)
    )
    where = f"slice {place[-1] + 1} of {masks.pred.shape[-1]}" if n_axes == 3 else "the whole image"
    caption = f"{title}: {where}; {fp:,} false and {fn:,} missed of {tp + fn:,} true voxels"
    if far is not None and np.isfinite(far).any():
        surface = masks.pred & ~_eroded(masks.pred)
        caption += f"; contour from 0 to {float(far[surface].max()) if surface.any() else 0.0:.1f} {masks.unit} off"
    alt = f"{caption}. Light contour: truth; orange contour: prediction; striped orange: false alarm; blue: miss."
    return Picture(png=stored.getvalue(), size=sheet.size, caption=caption, alt=alt)


def _panel(masks: ShownClass, axis: int | None, place: Sequence[int], far: np.ndarray | None) -> Any:
    """One plane, true to the spacing, with letters at its edges and a scale bar."""
    from PIL import Image, ImageDraw, ImageFont

    kept = [i for i in range(masks.pred.ndim) if i != axis]
    across, down = (kept[0], kept[1]) if axis is not None else (1, 0)  # pictures run (row, column)
    turned = _flips(masks, across, down) if axis is not None else (False, False)

    def plane(array: np.ndarray) -> np.ndarray:
        flat = array if axis is None else np.take(array, place[axis], axis=axis)
        image = flat if axis is None else flat.T  # rows run down, columns across
        return image[:: -1 if turned[1] else 1, :: -1 if turned[0] else 1]

    pred, truth = plane(masks.pred), plane(masks.truth)
    size_mm = pred.shape[1] * masks.spacing[across], pred.shape[0] * masks.spacing[down]
    scale = PANEL / max(size_mm)
    size = max(24, round(size_mm[0] * scale)), max(24, round(size_mm[1] * scale))
    rows = np.minimum((np.arange(size[1]) * pred.shape[0] // size[1]), pred.shape[0] - 1)
    columns = np.minimum((np.arange(size[0]) * pred.shape[1] // size[0]), pred.shape[1] - 1)

    def enlarged(image: np.ndarray) -> np.ndarray:
        return image[np.ix_(rows, columns)]

    pixels = _beneath(masks, plane, enlarged, size)
    _paint(pixels, enlarged(pred), enlarged(truth), None if far is None else enlarged(plane(far)))
    sheet = Image.new("RGB", (size[0] + 2 * _MARGIN, size[1] + 2 * _MARGIN), DARK)
    sheet.paste(Image.fromarray(pixels), (_MARGIN, _MARGIN))
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(13)
    _write_letters(draw, font, masks, (across, down), turned, size)
    _write_scale(draw, font, scale, size, masks.unit)
    return sheet


def _flips(masks: ShownClass, across: int, down: int) -> tuple[bool, bool]:
    """The patient's right on the left of the picture, front and head at its top; without letters, as stored."""
    if not masks.letters:
        return False, False
    return masks.letters[across] in "RP", masks.letters[down] in "ASR"


def _beneath(masks: ShownClass, plane: Any, enlarged: Any, size: tuple[int, int]) -> np.ndarray:
    if masks.image is None:
        return np.full((size[1], size[0], 3), 46, dtype=np.uint8)
    low, high = masks.window
    grey = np.clip((plane(masks.image).astype(np.float64) - low) / max(high - low, 1e-9), 0, 1)
    return np.repeat((np.nan_to_num(enlarged(grey)) * 255).astype(np.uint8)[..., None], 3, axis=2)


def _paint(pixels: np.ndarray, pred: np.ndarray, truth: np.ndarray, far: np.ndarray | None) -> None:
    i, j = np.indices(pred.shape)
    stripes = (i + j) % (2 * _STRIPE) < _STRIPE
    for where, colour, weight in (
        (pred & truth, (150, 150, 150), 0.18),
        (pred & ~truth & stripes, ORANGE, 0.75),
        (pred & ~truth & ~stripes, ORANGE, 0.30),
        (truth & ~pred, BLUE, 0.60),
    ):
        pixels[where] = ((1 - weight) * pixels[where] + weight * np.array(colour)).astype(np.uint8)
    pixels[_rim(truth, 2)] = LIGHT
    rim = _rim(pred, 2)
    pixels[_rim(pred, 3) & ~rim] = DARK
    pixels[rim] = ORANGE if far is None else _colours(far[rim], far)


def _rim(mask: np.ndarray, width: int) -> np.ndarray:
    """The outer pixels of a mask."""
    inner = mask
    for _ in range(width):
        inner = _eroded(inner)
    return mask & ~inner


def _eroded(mask: np.ndarray) -> np.ndarray:
    inner = mask.copy()
    for axis in range(mask.ndim):
        for start, stop in ((slice(1, None), slice(None, -1)), (slice(None, -1), slice(1, None))):
            to, from_ = [slice(None)] * mask.ndim, [slice(None)] * mask.ndim
            to[axis], from_[axis] = start, stop
            inner[tuple(to)] &= mask[tuple(from_)]
    return inner


def _distance_to_truth(masks: ShownClass) -> np.ndarray:
    """How far every voxel lies from the true surface; infinite without one."""
    from scipy.ndimage import distance_transform_edt

    surface = masks.truth & ~_eroded(np.pad(masks.truth, 1))[(slice(1, -1),) * masks.truth.ndim]
    if not surface.any():
        return np.full(masks.truth.shape, np.inf)
    return np.asarray(distance_transform_edt(~surface, sampling=masks.spacing))


def _colours(values: np.ndarray, everywhere: np.ndarray) -> np.ndarray:
    """Cividis from 0 to the largest distance of the plane: it grows lighter, so that it reads in grey too."""
    import matplotlib as mpl

    finite = np.isfinite(values)
    top = float(values[finite].max()) if finite.any() else 1.0
    share = np.where(finite, values, top) / (top or 1.0)
    coloured: np.ndarray = mpl.colormaps["cividis"](share)[:, :3] * 255
    return coloured.astype(np.uint8)


def _letters(affine: np.ndarray) -> tuple[str, ...]:
    """For each array axis the side of the patient that it runs to: R or L, A or P, S or I."""
    steps = affine[:3, :-1] / np.linalg.norm(affine[:3, :-1], axis=0)
    found = []
    for column in steps.T:
        world = int(np.abs(column).argmax())
        found.append(("RL", "AP", "SI")[world][0 if column[world] > 0 else 1])
    return tuple(found)


_OPPOSITE = dict(zip("RLAPSI", "LRPAIS", strict=True))


def _write_letters(
    draw: Any, font: Any, masks: ShownClass, axes: tuple[int, int], turned: tuple[bool, bool], size: tuple[int, int]
) -> None:
    if not masks.letters:
        return
    (across, down), (width, height) = axes, size
    right, bottom = masks.letters[across], masks.letters[down]
    right = _OPPOSITE[right] if turned[0] else right
    bottom = _OPPOSITE[bottom] if turned[1] else bottom
    for text, place in (
        (_OPPOSITE[right], (6, _MARGIN + height // 2)),
        (right, (_MARGIN + width + 6, _MARGIN + height // 2)),
        (_OPPOSITE[bottom], (_MARGIN + width // 2, 3)),
        (bottom, (_MARGIN + width // 2, _MARGIN + height + 4)),
    ):
        draw.text(place, text, fill=LIGHT, font=font)


def _write_scale(draw: Any, font: Any, scale: float, size: tuple[int, int], unit: str) -> None:
    """A bar of a round length of about a quarter of the width."""
    length = max((bar for bar in _BARS_MM if bar * scale <= size[0] / 3), default=_BARS_MM[0])
    left, y = _MARGIN, _MARGIN + size[1] + 8
    draw.line([(left, y), (left + length * scale, y)], fill=LIGHT, width=2)
    draw.text((left + length * scale + 5, y - 8), f"{length} {unit}", fill=LIGHT, font=font)
