"""Remedies about masks that bear names: DICOM with its series, RTSTRUCT, and segments of 3D Slicer."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.cli.given import Run, write_image
from tests.cli.remedies import PRED, TRUTH, TWO, TWO_PRED, Way, follow
from tests.images.slicer_files import save_slicer

pytest.importorskip("highdicom", reason="DICOM needs the extra")
pydicom = pytest.importorskip("pydicom")
from tests.images import dicom_files as made  # noqa: E402  (needs the extra)

SHAPE = (12, 12, 8)
LIVER, LIVER_PRED = {"liver": TRUTH == 1}, {"liver": PRED == 1}
BOTH = {"liver": TWO_PRED == 1, "spleen": TWO_PRED == 2}
DICE = ("score", "p/rt.dcm", "t/rt.dcm", "-m", "dice", "--bootstrap", 0)
SEG = ("score", "p/seg.dcm", "t/seg.dcm", "-m", "dice", "--bootstrap", 0)
IMAGE = ("score", "p/a.seg.nrrd", "t/a.nii.gz", "-m", "dice", "--bootstrap", 0, "--labels", "1=liver,2=spleen")
SQUARE = np.array([(1.5, 1.5), (7.5, 1.5), (7.5, 7.5), (1.5, 7.5)])  # the box of TRUTH on a slice


def contours(rois: dict[str, Any] | None = None, *, pred: dict[str, Any] | None = None) -> None:
    """Contours of the true box and of the moved one, each beside a copy of the series."""
    for side, found in (("p", pred or {"liver": made.contours_of(PRED == 1)}), ("t", rois or box())):
        made.save_ct(Path(side), SHAPE)
        made.save_rtstruct(Path(side, "rt.dcm"), found)


def box(*first: Any) -> dict[str, Any]:
    """The true box, of whose first slice other contours may be drawn."""
    drawn = made.contours_of(TRUTH == 1)
    return {"liver": [*(first or drawn[:1]), *drawn[1:]]}


def segments(pred: dict[str, np.ndarray] | None = None, kind: str = "BINARY") -> None:
    made.save_seg(Path("p/seg.dcm"), LIVER_PRED if pred is None else pred, kind)
    made.save_seg(Path("t/seg.dcm"), LIVER)


def changed(name: str, change: Callable[[Any], object]) -> None:
    """A DICOM file with something else in it."""
    dataset = pydicom.dcmread(name)
    change(dataset)
    dataset.save_as(name)


def slices(side: str = "t") -> list[Path]:
    return sorted(Path(side).glob("0*.dcm"))


def without_places() -> None:
    contours()
    for path in slices():
        changed(str(path), lambda one: delattr(one, "ImagePositionPatient"))


def in_encoding(syntax: str) -> None:
    contours()
    dataset = pydicom.dcmread("t/rt.dcm")
    little = not syntax.endswith("1.2.2")
    dataset.file_meta.TransferSyntaxUID = syntax
    pydicom.dcmwrite("t/rt.dcm", dataset, implicit_vr=False, little_endian=little, enforce_file_format=True)


def cut(name: str, n: int) -> None:
    Path(name).write_bytes(Path(name).read_bytes()[:n])


def wrong(says: str, given: Callable[[], object], mend: Callable[[], object] = contours, **more: Any) -> Way:
    """RTSTRUCT that is not whole, and what its message asks for."""
    return Way(**{"given": given, "first": DICE, "says": says, "mend": mend, **more})


def drawn(says: str, *first: Any) -> Way:
    return wrong(says, lambda: contours(box(*first)))


def without_a_number(dataset: Any) -> None:
    dataset.ROIContourSequence[0].ContourSequence[0].ContourData[0] = float("nan")


CONTOURS = {
    "a series that is nowhere, copied": wrong(
        "Copy the series beside the file", lambda: (contours(), [path.unlink() for path in (*slices(), *slices("p"))])
    ),
    "a series that is nowhere, named": wrong(
        "or name the folder that holds it with --series",
        lambda: (contours(), made.save_ct(Path("far/ct"), SHAPE), [one.unlink() for one in (*slices(), *slices("p"))]),
        mend=lambda: None,
        then=((*DICE, "--series", "far"),),
    ),
    "a series that is a file": wrong(
        "Name the folder that holds the series",
        lambda: (contours(), made.save_ct(Path("far/ct"), SHAPE)),
        mend=lambda: None,
        first=(*DICE, "--series", "far/ct/000.dcm"),
        then=((*DICE, "--series", "far/ct"),),
    ),
    "slices that lie nowhere": wrong("Give the series with one slice per file", without_places),
    "slices of two sizes": wrong(
        "Keep one copy of each slice of one reconstruction",
        lambda: (contours(), changed("t/000.dcm", lambda one: setattr(one, "Rows", 6))),
    ),
    "a slice that is missing": wrong("Copy the whole series, once", lambda: (contours(), slices()[3].unlink())),
    "a series that is there twice": wrong(
        "Copy the whole series, once",
        lambda: (contours(), [shutil.copy(one, f"t/copy-{one.name}") for one in slices()]),
        mend=lambda: [one.unlink() for one in Path("t").glob("copy-*")],
    ),
    "a cut file": wrong("Copy it again", lambda: (contours(), cut("t/rt.dcm", 900))),
    "big endian": wrong("Save it in explicit little endian", lambda: in_encoding("1.2.840.10008.1.2.2")),
    "deflated": wrong("Save it in explicit little endian", lambda: in_encoding("1.2.840.10008.1.2.1.99")),
    "a file without its table": wrong(
        "Export it again from where it was made",
        lambda: (contours(), changed("t/rt.dcm", lambda one: delattr(one, "StructureSetROISequence"))),
    ),
    "a contour that covers itself": drawn("Draw it as one loop", made.contour(np.concatenate([SQUARE, SQUARE]), 2)),
    "contours that cross": drawn(
        "Join them in one contour",
        *(made.contour(SQUARE * (0.7, 1) + (shift, 0), 2) for shift in (0.45, 2.25)),
    ),
    "a contour beside the image": drawn("Export it on the series that it was drawn on", made.contour(SQUARE + 40, 2)),
    "a contour between slices": drawn("Export it on the slices of the image", made.contour(SQUARE, 2.5)),
    "a contour behind the last slice": wrong(
        "Copy the whole series", lambda: (contours(), [path.unlink() for path in slices() if lies_behind(path)])
    ),
    "a contour of no number": wrong(
        "Export it again from where it was made", lambda: (contours(), changed("t/rt.dcm", without_a_number))
    ),
    "contours without references": wrong(
        "Export it with its references",
        lambda: (contours(), changed("t/rt.dcm", lambda one: delattr(one, "ReferencedFrameOfReferenceSequence"))),
    ),
    "a contour that is open, closed": drawn("Close them and export again", made.contour(SQUARE, 2, "OPEN_PLANAR")),
    "a contour that is open, left out": wrong(
        "or leave the ROI out with --labels",
        lambda: contours({**box(), "line": [made.contour(SQUARE, 2, "OPEN_PLANAR")]}),
        mend=lambda: None,
        then=((*DICE, "--labels", "1=liver"),),
    ),
    "two of one name": wrong(
        "Give each a name of its own",
        lambda: contours({**box(), " liver": made.contours_of(TWO == 2)}),
        mend=lambda: contours({**box(), "spleen": made.contours_of(TWO == 2)}),
        then=((*DICE, "--labels", "1=liver"),),
    ),
    "two of one class": wrong(
        "Rename or remove one of them",
        lambda: contours({**box(), "LIVER": made.contours_of(TWO == 2)}),
        first=(*DICE, "--labels", "1=liver"),
    ),
    "one that is called nearly so, and is another": wrong(
        "if not, remove 'livr' from the file",
        lambda: contours(pred={"livr": made.contours_of(PRED == 1), "spleen": made.contours_of(TWO == 2)}),
        mend=lambda: contours(pred={"spleen": made.contours_of(TWO == 2)}),
        first=(*DICE, "--labels", "1=liver,2=spleen"),
        right=(0.0, 0.0),  # nobody found the liver, and there is no true spleen
    ),
    "a picture that is called DICOM": wrong(
        "Name it after what it is, or copy it again",
        lambda: (contours(), Path("t/rt.dcm").write_bytes(b"no DICOM" * 40)),
    ),
    "a slice for a mask": wrong(
        "Name such a file",
        contours,
        mend=lambda: None,
        first=("score", "p/rt.dcm", "t/000.dcm", *DICE[3:]),
        then=(DICE,),
    ),
    "a slice for a mask, as NIfTI": wrong(
        "or export NIfTI",
        contours,
        mend=lambda: write_image(Path("t/a.nii.gz"), TRUTH, affine=made.world()),
        first=("score", "p/rt.dcm", "t/000.dcm", *DICE[3:]),
        then=(("score", "p/rt.dcm", "t/a.nii.gz", *DICE[3:], "--labels", "1=liver"),),
    ),
    "no contour at all": wrong(
        "Export it with its segments or contours",
        lambda: contours({"point": [made.contour(SQUARE[:1], 2, "POINT")]}),
        first=(*DICE, "--labels", "1=liver"),
    ),
}


def lies_behind(path: Path) -> bool:
    return bool(pydicom.dcmread(path).InstanceNumber > 4)


def seg(says: str, given: Callable[[], object], mend: Callable[[], object] = segments, **more: Any) -> Way:
    return Way(**{"given": given, "first": SEG, "says": says, "mend": mend, **more})


def on_no_grid() -> None:
    segments()

    def move(one: Any) -> None:
        one.PerFrameFunctionalGroupsSequence[1].PlanePositionSequence[0].ImagePositionPatient = [0, 0, 1000.3]

    changed("p/seg.dcm", move)


def of_another_case() -> None:
    """A prediction on a grid whose slices reach beyond those of the image of the truth."""
    made.save_ct(Path("t"), SHAPE)
    made.save_seg(Path("t/seg.dcm"), LIVER)
    made.save_seg(Path("p/seg.dcm"), {"liver": np.pad(PRED == 1, ((0, 0), (0, 0), (4, 0)))})


SEGMENTS = {
    "fractions said to be labels, a mask": seg(
        "Export a binary segmentation",
        lambda: segments({"liver": np.where(PRED == 1, 0.9, 0.1).astype(np.float32)}, "FRACTIONAL"),
        first=(*SEG, "--pred-kind", "labels"),
    ),
    "fractions said to be labels": seg(
        "leave out --pred-kind labels",
        lambda: segments({"liver": np.where(PRED == 1, 0.9, 0.1).astype(np.float32)}, "FRACTIONAL"),
        mend=lambda: None,
        first=(*SEG, "--pred-kind", "labels"),
        then=(SEG,),
    ),
    "frames on no grid": seg("Export it again from where it was made", on_no_grid),
    "a mask beyond the image": seg("Check that both belong to one case", of_another_case),
    "segments of one name": seg(
        "Give each a name of its own",
        lambda: (
            segments(BOTH),
            changed("p/seg.dcm", lambda one: setattr(one.SegmentSequence[1], "SegmentLabel", "liver")),
        ),
        mend=lambda: segments(BOTH),
        then=((*SEG, "--labels", "1=liver"),),
    ),
}


def slicer(pred: dict[str, np.ndarray] = BOTH, *changes: tuple[str, str], **more: Any) -> None:
    """A file of 3D Slicer, some of whose lines are others, beside a truth of ids on its grid."""
    write_image(Path("t/a.nii.gz"), TWO, affine=made.world())
    path = save_slicer(Path("p/a.seg.nrrd"), pred, packed=False, **more)
    data = path.read_bytes()
    for old, new in changes:
        assert old.encode() in data
        data = data.replace(old.encode(), new.encode())
    path.write_bytes(data)


def slice_of(says: str, given: Callable[[], object], **more: Any) -> Way:
    return Way(**{"given": given, "first": IMAGE, "says": says, "mend": slicer, "right": (2 / 3, 1.0), **more})


SLICER = {
    "fractions": slice_of(
        "Export a binary labelmap", lambda: slicer(BOTH, ("Names:=Binary labelmap|Closed surface", "Names:=Fractional"))
    ),
    "an empty one that is cropped": slice_of(
        "Save it uncropped",
        lambda: slicer({"liver": TRUTH[:1, :1, :1] > 1}),
        mend=lambda: slicer({"liver": TRUTH > 1, "spleen": TRUTH > 1}),
        right=(0.0, 0.0),
    ),
    "an empty one that is removed": Way(
        given=lambda: (slicer(BOTH), empty_beside()),
        first=("score", "p", "t", *IMAGE[3:]),
        says="or remove it, and of a prediction pass --missing background",
        mend=lambda: Path("p/b.seg.nrrd").unlink(),
        then=(("score", "p", "t", *IMAGE[3:], "--missing", "background"),),
        right=(2 / 3, 1.0, 0.0, 0.0),
    ),
    "a layer that there is not": slice_of(
        "Save it again from 3D Slicer", lambda: slicer(BOTH, ("Segment1_Layer:=0", "Segment1_Layer:=3"))
    ),
    "a layer in words": slice_of(
        "copy or write it again", lambda: slicer(BOTH, ("Segment1_Layer:=0", "Segment1_Layer:=A"))
    ),
    "two segments of one value": slice_of(
        "Save it again from 3D Slicer", lambda: slicer(BOTH, ("Segment1_LabelValue:=2", "Segment1_LabelValue:=1"))
    ),
    "two segments of one name": slice_of(
        "Give each a name of its own", lambda: slicer(BOTH, ("Segment1_Name:=spleen", "Segment1_Name:=liver"))
    ),
}


def empty_beside() -> None:
    write_image(Path("t/b.nii.gz"), TWO, affine=made.world())
    save_slicer(Path("p/b.seg.nrrd"), {"liver": TRUTH[:1, :1, :1] > 1}, packed=False)


WAYS = (
    CONTOURS
    | {f"SEG: {name}": way for name, way in SEGMENTS.items()}
    | {f"3D Slicer: {k}": v for k, v in SLICER.items()}
)


@pytest.mark.parametrize("what", WAYS)
def test_what_is_said_of_masks_by_name_leads_to_the_right_number(run: Run, what: str) -> None:
    follow(run, WAYS[what])
