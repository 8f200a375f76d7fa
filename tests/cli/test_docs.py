"""Every command and every piece of Python in the README and the docs runs on files as the page speaks of them."""

import json
import re
import shlex
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
import pytest

from tests.cli.given import ROOT, Run, write_image

PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
TUTORIALS = {page.stem: page for page in sorted((ROOT / "docs" / "tutorials").glob("*.md"))}
RECIPES = (ROOT / "docs" / "recipes.md").read_text(encoding="utf-8")
NAMES = {1: "liver", 2: "spleen"}
VERDICTS = (0, 1, 4)  # what a gate may say of these small cases


def blocks(kind: str) -> Iterator[tuple[str, str]]:
    """Page and text of every code block of a kind."""
    for page in PAGES:
        for text in re.findall(rf"^```{kind}\n(.*?)^```", page.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE):
            yield page.stem, text


def commands() -> list[str]:
    """Every command line that starts with `segeval`, without what is said behind it."""
    lines = (line for page, text in blocks("bash") if page not in TUTORIALS for line in text.splitlines())
    return list(dict.fromkeys(line for line in lines if line.startswith("segeval ")))


def labels(*, shift: int = 0) -> np.ndarray:
    """A liver and a spleen in a small volume."""
    image = np.zeros((12, 12, 6), dtype=np.uint8)
    image[2 + shift : 6 + shift, 2:6, 1:5] = 1
    image[8:10, 7 + shift : 10 + shift, 1:3] = 2
    return image


def softmax(image: np.ndarray) -> np.ndarray:
    """Probabilities of background, liver and spleen, which a voxel's own class has most of; channels last."""
    return np.where(image[..., None] == np.arange(3), 0.8, 0.1).astype(np.float32)


def macro_f1(shift: int) -> float:
    """What scikit-learn says of a case: the mean over the classes with background."""
    from sklearn.metrics import f1_score

    return float(f1_score(labels().ravel(), labels(shift=shift).ravel(), average="macro"))


def given(command: str) -> None:
    """The files that a command names, in the working folder."""
    here, cases = Path(), {"case_01": 0, "case_02": 1, "case_03": 1}
    if "cityscapes" in command:
        for case in cases:
            write_image(here / "gt" / f"{case}.png", labels()[:, :, 1])
            write_image(here / "pred" / f"{case}.png", labels(shift=1)[:, :, 1])
            write_image(here / "gt-instances" / f"{case}.png", labels()[:, :, 1].astype(np.uint16) * 1000)
        return
    if "cells/" in command:
        for side in ("pred", "gt"):
            write_image(here / "cells" / side / "a.png", labels()[:, :, 1].astype(np.uint16) * 300)
        return
    if "instances_val.json" in command or "panoptic.json" in command or "results_in" in command:
        given_coco()
        return
    for case, shift in cases.items():
        truth, pred = labels(), labels(shift=shift)
        for label, name in ((1, "liver"), (2, "spleen")):
            if "totalseg/" in command:
                write_image(here / "totalseg" / case / f"{name}.nii.gz", (pred == label).astype(np.uint8))
            if "{case}/segmentations/" in command:
                write_image(here / "gt" / case / "segmentations" / f"{name}.nii.gz", (truth == label).astype(np.uint8))
        probs = softmax(pred)
        if "{case}/segmentations/" not in command:
            write_image(here / "gt" / f"{case}.nii.gz", truth, affine=world_of(command))
        write_image(here / "pred" / f"{case}{'_pred' if '_pred' in command else ''}.nii.gz", pred)
        if "rtstruct/" in command:
            save_patient(here / "rtstruct" / case, {name: pred == label for label, name in NAMES.items()})
        write_image(here / "gt-instances" / f"{case}.nii.gz", truth)
        write_image(here / "found" / f"{case}{'_lesions' if '_lesions' in command else ''}.nii.gz", pred)
        write_image(here / "logits" / f"{case}.nii.gz", np.log(probs))
        if "{class}" in command:
            for label, name in NAMES.items():
                write_image(here / "probs" / f"{case}_{name}.nii.gz", probs[..., label])
        else:
            write_image(here / "probs" / f"{case}.nii.gz", probs)
        (here / "npz").mkdir(exist_ok=True)
        np.savez_compressed(here / "npz" / f"{case}.npz", probabilities=np.moveaxis(probs, -1, 0).transpose(0, 3, 2, 1))
    write_image(here / "gt.nii.gz", labels())
    write_image(here / "pred.nii.gz", labels(shift=1))
    rows = [f"{case},pred/{case}.nii.gz,gt/{case}.nii.gz\n" for case in cases]
    Path("pairs.csv").write_text("case,pred,truth\n" + "".join(rows))
    for name in ("theirs.csv", "medpy.csv", "monai.csv"):
        Path(name).write_text("case,dice\n" + "".join(f"{case},{macro_f1(cases[case])!r}\n" for case in cases))
    Path("cases.csv").write_text("case,site,scanner\ncase_01,A,x\ncase_02,B,x\ncase_03,B,y\n")
    sure = [f"{case},{name},1,0.9\n" for case in cases for name in NAMES.values()]
    Path("sure.csv").write_text("case,class,instance,confidence\n" + "".join(sure))
    Path("dataset.json").write_text(
        json.dumps({"labels": {"background": 0, "liver": 1, "spleen": 2}, "file_ending": ".nii.gz"})
    )
    if "--like" not in command:  # the file names measures that not every challenge has
        Path("segeval.yaml").write_text(next(text for _, text in blocks("yaml") if text.startswith("schema_version")))


def given_coco() -> None:
    """Files of COCO with a car and a traffic light, and masks and ids of the same image."""
    from tests.images.coco_files import an_object, write_data_set, write_panoptic

    truth, pred = labels()[:, :, 1], labels(shift=1)[:, :, 1]
    found = [an_object(1, category, pred == label, score=0.9) for label, category in ((1, 7), (2, 9))]
    Path("results.json").write_text(json.dumps(found))
    write_data_set(Path("results_in_data_set.json"), {"a.jpg": truth.shape}, found)
    truths = [an_object(1, category, truth == label) for label, category in ((1, 7), (2, 9))]
    write_data_set(Path("instances_val.json"), {"a.jpg": truth.shape}, truths)
    segments = [{"id": 1, "category_id": 7}, {"id": 2, "category_id": 9}]
    for name, ids in (("panoptic.json", pred), ("panoptic_val.json", truth)):
        write_panoptic(Path(name), {"a.jpg": ids.astype(np.int64)}, [segments])
    write_image(Path("masks/a.png"), (truth == 1).astype(np.uint8))
    write_image(Path("ids/a.png"), (truth == 1).astype(np.uint16) * 300)


def world_of(command: str) -> np.ndarray | None:
    """Where the truth lies, beside contours that were drawn on a series."""
    if "rtstruct/" not in command:
        return None
    from tests.images import dicom_files

    return dicom_files.world()


def save_patient(folder: Path, masks: Mapping[str, np.ndarray]) -> None:
    """A series with the contours that were drawn on it."""
    from tests.images import dicom_files

    rois = {name: dicom_files.contours_of(mask) for name, mask in masks.items()}
    dicom_files.save_rtstruct(folder / "rt.dcm", rois, folder.name)
    dicom_files.save_ct(folder, next(iter(masks.values())).shape, folder.name)


def run_array(run: Run) -> None:
    """Each task of the job array that the page on clusters shows."""
    (script,) = (text for page, text in blocks("sh") if page == "cluster")
    (n,) = re.findall(r"--array=0-(\d+)", script)
    for task in range(int(n) + 1):
        line = script.replace("$SLURM_ARRAY_TASK_ID", str(task)).splitlines()[-1]
        assert run(*shlex.split(line)[1:]).code == 0


@pytest.mark.slow
@pytest.mark.parametrize("command", commands())
def test_a_command_of_the_docs_runs(command: str, run: Run) -> None:
    given(command)
    one_worker = re.compile("tcp://.*|local:[0-9]+")  # more of them take longer to start, and test_dask starts them
    arguments = [one_worker.sub("local:1", one) for one in shlex.split(command, comments=True)[1:]]
    if "main-run/" in arguments:
        run("score", "pred/", "gt/", "--out", "main-run")
    if arguments[0] != "score" and {"compare", "gate", "report", "show"} & set(arguments):
        like = ("--like", "isles") if "[isles2022]" in command else ()
        run("score", *(("probs/", "gt/", "-m", "froc_score") if "froc_score" in command else ("pred/", "gt/", *like)))
    if arguments[0] == "merge":
        run_array(run)
    done = run(*arguments)
    assert done.code in (VERDICTS if "segeval.yaml" in command or "gate" in arguments else (0,)), done.err


@pytest.mark.slow
@pytest.mark.parametrize("tutorial", TUTORIALS)
def test_a_tutorial_runs_from_top_to_bottom(tutorial: str, run: Run) -> None:
    Path("sample_data").symlink_to(ROOT / "sample_data")
    given("pred/ gt/")
    for line in "".join(text for page, text in blocks("bash") if page == tutorial).splitlines():
        done = run(*shlex.split(line)[1:])
        assert done.code in ((1,) if "--fail-under" in line else (0, 1) if "segeval.yaml" in line else (0,)), done.err


# the blocks of the page on training go on from each other, that on clusters starts one: they have tests of their own
PYTHON = [(page, code) for page, code in blocks("python") if page not in ("training", "cluster")]


@pytest.mark.filterwarnings(
    "ignore:.*LeafSpec:FutureWarning", "ignore::UserWarning:lightning", "ignore:.*jit:DeprecationWarning"
)  # theirs
@pytest.mark.parametrize(("page", "code"), PYTHON, ids=lambda text: text[:20])
def test_python_of_the_docs_runs_and_gives_what_it_says(page: str, code: str) -> None:
    names: dict[str, object] = {}
    exec(code, names)
    for line in code.splitlines():
        expression, _, value = line.partition("  # ")
        if re.fullmatch(r"[-\d.]+", value):
            assert eval(expression, names) == float(value), page


RECIPE = re.compile(r"^```python (\w+)\n(.*?)^```", re.DOTALL | re.MULTILINE)


@pytest.mark.parametrize(("library", "code"), RECIPE.findall(RECIPES))
def test_a_recipe_for_another_tool_runs_with_it(library: str, code: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if library != "dvc":  # which reads a file
        pytest.importorskip(library, reason=f"{library} is not installed here")
    monkeypatch.setenv("WANDB_MODE", "offline")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "file:mlruns")  # no server, no data base
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    names: dict[str, object] = {}
    (setup,) = (text for page, text in blocks("python") if page == "recipes")
    exec(setup + code, names)
    if library == "dvc":
        assert json.loads(Path("metrics.json").read_text())["dice/liver/mean"] == 0.75
