"""Means over patients, and boundary measures of all cases together."""

from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

import segeval
from segeval.options import ScoreOptions
from segeval.verbs.explain import Explained, explain
from segeval.verbs.explain.given.names import patients_of
from tests.conftest import golden
from tests.verbs.explain import masks

NAMES = ("p1_a", "p1_b", "p1_c", "p2_a", "p2_b", "p3_a")  # of three patients


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("images")
    for name, sides in zip(NAMES, masks.cases().values(), strict=True):
        for side, labels in zip(("pred", "truth"), sides, strict=True):
            (folder / side).mkdir(exist_ok=True)
            labels = np.where(labels == 3, 0, labels).astype(np.uint8)  # the class that some cases lack
            image = nib.Nifti1Image(labels, np.diag([*masks.SPACING, 1.0]))
            nib.save(image, folder / side / f"{name}.nii.gz")
    return folder


def explained(images: Path, text: str) -> Explained:
    (images / "numbers.csv").write_text(text)
    (found,) = explain(images / "numbers.csv", images / "pred", images / "truth", ScoreOptions())
    return found


@pytest.mark.slow
def test_a_mean_over_patients_is_told_from_one_over_cases(images: Path) -> None:
    dice = golden("explain")["medpy dc"]["numbers"]
    values = np.array([[float(text) for text in row.values()] for row in dice.values()])[:, :2]
    means = [values[at].mean(axis=0) for at in (slice(0, 3), slice(3, 5), slice(5, 6))]
    first, second = np.mean(means, axis=0).tolist()
    found = explained(images, f"class,dice\n1,{first!r}\n2,{second!r}\n")
    assert found.share == 1
    assert "the mean of the patients" in found.explanations[0].setting.reading.words


@pytest.mark.slow
def test_rows_of_patients_are_means_of_their_cases_or_all_of_them_together(images: Path) -> None:
    dice = golden("explain")["medpy dc"]["numbers"]
    values = np.array([[float(text) for text in row.values()] for row in dice.values()])[:, :2]
    means = {
        name: values[at].mean(axis=0) for name, at in zip("123", (slice(0, 3), slice(3, 5), slice(5, 6)), strict=True)
    }
    rows = [f"p{name},{c},{mean[c - 1]:.15f}\n" for name, mean in means.items() for c in (1, 2)]
    found = explained(images, "patient,class,dice\n" + "".join(rows))
    assert found.share == 1
    assert (found.explanations[0].name, found.explanations[0].setting.reading.words) == ("dice", "")
    assert "rows are patients" in found.notes[0]

    together = {}
    for name, at in (("P-1", slice(0, 3)), ("P-2", slice(3, 5))):
        pred, truth = (np.stack([sides[i] for sides in [*masks.cases().values()][at]]) for i in (0, 1))
        pred, truth = (np.where(side == 3, 0, side) for side in (pred, truth))
        together[name] = 2 * ((pred == truth) & (pred > 0)).sum() / ((pred > 0).sum() + (truth > 0).sum())
    found = explained(images, "patient,dice\n" + "".join(f"{name},{value:.12f}\n" for name, value in together.items()))
    assert found.share == 1
    assert found.notes[0].endswith("p3 has no row")
    assert found.explanations[0].setting.reading.words.endswith("all cases together")


@pytest.mark.slow
def test_a_pooled_surface_score_is_known(images: Path) -> None:
    results = segeval.score(images / "pred", images / "truth", measures=["nsd(tolerance_mm=1)"], bootstrap=0)
    pooled = {row.name: row.pooled for row in results.summary}
    found = explained(images, "class,nsd\n" + "".join(f"{c},{pooled[c]:.9f}\n" for c in "12"))
    assert found.share == 1
    first = found.explanations[0].setting
    assert (first.meaning.call.column, first.reading.words) == ("nsd(tolerance_mm=1)", "all cases together")


@pytest.mark.parametrize(
    ("case_ids", "patients"),
    [(NAMES, [0, 0, 0, 1, 1, 2]), (("case_00", "case_01"), None), (("a", "b", "c"), None)],
)
def test_patients_are_all_but_the_last_part_of_a_name(case_ids: tuple[str, ...], patients: list[int] | None) -> None:
    _, found = patients_of(case_ids)
    assert (None if found is None else found.tolist()) == patients
