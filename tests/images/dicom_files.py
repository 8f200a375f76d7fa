"""Small DICOM files for tests: a series of slices, and SEG and RTSTRUCT objects of masks on it."""

import warnings
from pathlib import Path

import highdicom
import numpy as np
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.sequence import Sequence
from pydicom.sr.codedict import codes
from pydicom.uid import ExplicitVRLittleEndian, generate_uid

SPACING = (0.8, 1.2, 2.5)  # along x, y and z, in mm
ORIGIN = (-20.0, 15.0, 40.0)  # to the left, the back and up
CT = "1.2.840.10008.5.1.4.1.1.2"


def uid(word: str) -> str:
    return generate_uid(entropy_srcs=[word])


def world() -> np.ndarray:
    """From indices x, y, z to NIfTI's world, which runs to the right and the front."""
    affine = np.diag([-SPACING[0], -SPACING[1], SPACING[2], 1.0])
    affine[:3, 3] = -ORIGIN[0], -ORIGIN[1], ORIGIN[2]
    return affine


def _file(sop: str, name: str, patient: str) -> Dataset:
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.file_meta.MediaStorageSOPClassUID = dataset.SOPClassUID = sop
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID = uid(patient + name)
    dataset.PatientID = dataset.PatientName = patient
    dataset.PatientBirthDate = dataset.PatientSex = dataset.AccessionNumber = dataset.StudyID = ""
    dataset.StudyDate, dataset.StudyTime, dataset.ReferringPhysicianName = "20200101", "000000", ""
    dataset.StudyInstanceUID = uid(patient + "study")
    dataset.FrameOfReferenceUID = uid(patient + "frame")
    return dataset


def ct_slices(shape: tuple[int, int, int], patient: str = "p1") -> list[Dataset]:
    """A CT of the shape x, y, z, its slices out of order as they may lie in a folder."""
    slices = []
    for k in range(shape[2]):
        one = _file(CT, f"slice{k}", patient)
        one.Modality, one.SeriesInstanceUID = "CT", uid(patient + "series")
        one.SeriesNumber, one.InstanceNumber = 1, k + 1
        one.ImagePositionPatient = [ORIGIN[0], ORIGIN[1], ORIGIN[2] + k * SPACING[2]]
        one.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
        one.PixelSpacing, one.SliceThickness = [SPACING[1], SPACING[0]], SPACING[2]
        one.Rows, one.Columns = shape[1], shape[0]
        one.SamplesPerPixel, one.PhotometricInterpretation = 1, "MONOCHROME2"
        one.BitsAllocated, one.BitsStored, one.HighBit, one.PixelRepresentation = 16, 16, 15, 0
        one.PixelData = np.zeros(shape[1::-1], np.uint16).tobytes()
        slices.append(one)
    return slices


def save_ct(folder: Path, shape: tuple[int, int, int], patient: str = "p1") -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for k, one in enumerate(ct_slices(shape, patient)):
        one.save_as(folder / f"{(k * 7) % 100:03}.dcm", enforce_file_format=True)


def save_enhanced_ct(folder: Path, shape: tuple[int, int, int], patient: str = "p1") -> None:
    """The same series in one file of many frames, each there twice as of two energies, out of order."""
    slices = ct_slices(shape, patient)
    one = _file("1.2.840.10008.5.1.4.1.1.2.1", "enhanced", patient)
    one.Modality, one.SeriesInstanceUID, one.SeriesNumber, one.InstanceNumber = "CT", slices[0].SeriesInstanceUID, 1, 1
    one.Rows, one.Columns, one.NumberOfFrames = shape[1], shape[0], 2 * shape[2]
    measures, orientation, shared = Dataset(), Dataset(), Dataset()
    measures.PixelSpacing, measures.SliceThickness = slices[0].PixelSpacing, slices[0].SliceThickness
    orientation.ImageOrientationPatient = slices[0].ImageOrientationPatient
    shared.PixelMeasuresSequence, shared.PlaneOrientationSequence = Sequence([measures]), Sequence([orientation])
    one.SharedFunctionalGroupsSequence = Sequence([shared])
    frames = []
    for place in [*slices[::2], *slices[1::2], *slices]:
        position, frame = Dataset(), Dataset()
        position.ImagePositionPatient = place.ImagePositionPatient
        frame.PlanePositionSequence = Sequence([position])
        frames.append(frame)
    one.PerFrameFunctionalGroupsSequence = Sequence(frames)
    one.BitsAllocated, one.PixelRepresentation = 16, 0
    one.PixelData = bytes(2 * 2 * shape[0] * shape[1] * shape[2])
    folder.mkdir(parents=True, exist_ok=True)
    one.save_as(folder / "enhanced.dcm", enforce_file_format=True)


def save_seg(path: Path, masks: dict[str, np.ndarray], kind: str = "BINARY", patient: str = "p1") -> Path:
    """A SEG object of masks, or probabilities, of the shape x, y, z; frames without a voxel are left out."""
    shape = next(iter(masks.values())).shape
    segments = [
        highdicom.seg.SegmentDescription(
            segment_number=number,
            segment_label=name,
            segmented_property_category=codes.SCT.Organ,
            segmented_property_type=codes.SCT.Liver,
            algorithm_type="MANUAL",
        )
        for number, name in enumerate(masks, start=1)
    ]
    stacked = np.stack([mask.transpose(2, 1, 0) for mask in masks.values()], axis=-1)
    if kind == "LABELMAP":
        stacked = (stacked * np.arange(1, len(masks) + 1)).max(axis=-1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        seg = highdicom.seg.Segmentation(
            source_images=ct_slices(shape, patient),
            pixel_array=stacked.astype(np.float32 if kind == "FRACTIONAL" else np.uint8),
            segmentation_type=kind,
            segment_descriptions=segments,
            series_instance_uid=uid(patient + "seg"),
            series_number=2,
            sop_instance_uid=uid(patient + "seg" + str(path)),
            instance_number=1,
            manufacturer="tests",
            manufacturer_model_name="tests",
            software_versions="1",
            device_serial_number="1",
            omit_empty_frames=True,
        )
    path.parent.mkdir(parents=True, exist_ok=True)
    seg.save_as(path)
    return path


def outlines(mask: np.ndarray) -> list[np.ndarray]:
    """Closed loops along the edges of the pixels of a 2-D mask, corners at half pixels; a hole is a loop of its own."""
    padded = np.pad(mask, 1)
    steps: dict[tuple[float, float], list[tuple[float, float]]] = {}
    for x, y in np.argwhere(padded):
        for (dx, dy), (a, b) in (
            ((0, -1), ((0, 0), (1, 0))),
            ((1, 0), ((1, 0), (1, 1))),
            ((0, 1), ((1, 1), (0, 1))),
            ((-1, 0), ((0, 1), (0, 0))),
        ):
            if not padded[x + dx, y + dy]:
                start, end = ((x + c[0] - 1.5, y + c[1] - 1.5) for c in (a, b))
                steps.setdefault(start, []).append(end)
    loops = []
    while steps:
        start = at = next(iter(steps))
        loop = []
        while True:
            loop.append(at)
            following = steps[at].pop()
            if not steps[at]:
                del steps[at]
            at = following
            if at == start:
                break
        loops.append(np.array(loop))
    return loops


def contour(points: np.ndarray, k: float, kind: str = "CLOSED_PLANAR") -> Dataset:
    """A contour of points in pixels x, y on a slice."""
    one = Dataset()
    one.ContourGeometricType, one.NumberOfContourPoints = kind, len(points)
    mm = np.column_stack([points, np.full(len(points), k)]) * SPACING + ORIGIN
    one.ContourData = [f"{value:.6g}" for value in mm.ravel()]
    return one


def contours_of(mask: np.ndarray) -> list[Dataset]:
    return [contour(loop, k) for k in range(mask.shape[2]) if mask[:, :, k].any() for loop in outlines(mask[:, :, k])]


def save_rtstruct(path: Path, rois: dict[str, list[Dataset] | None], patient: str = "p1") -> Path:
    """An RTSTRUCT object of ROIs, each with its contours; None for one that nobody has drawn."""
    one = _file("1.2.840.10008.5.1.4.1.1.481.3", "structures" + str(path), patient)
    one.Modality, one.SeriesInstanceUID, one.StructureSetLabel = "RTSTRUCT", uid(patient + "rt"), "tests"
    series, study, frame = Dataset(), Dataset(), Dataset()
    series.SeriesInstanceUID = uid(patient + "series")
    study.ReferencedSOPClassUID, study.ReferencedSOPInstanceUID = CT, one.StudyInstanceUID
    study.RTReferencedSeriesSequence = Sequence([series])
    frame.FrameOfReferenceUID, frame.RTReferencedStudySequence = one.FrameOfReferenceUID, Sequence([study])
    one.ReferencedFrameOfReferenceSequence = Sequence([frame])
    names, drawn = [], []
    for number, (name, contours) in enumerate(rois.items(), start=1):
        roi, item = Dataset(), Dataset()
        roi.ROINumber, roi.ROIName, roi.ReferencedFrameOfReferenceUID = number, name, one.FrameOfReferenceUID
        names.append(roi)
        if contours is not None:
            item.ReferencedROINumber, item.ContourSequence = number, Sequence(contours)
            drawn.append(item)
    one.StructureSetROISequence, one.ROIContourSequence = Sequence(names), Sequence(drawn)
    path.parent.mkdir(parents=True, exist_ok=True)
    one.save_as(path, enforce_file_format=True)
    return path
