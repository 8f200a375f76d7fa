"""Remedies of sweeps that train small networks, or that compare trained models, each followed to a known number."""

import sys
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pytest

from tests.cli.given import Run, write_image
from tests.cli.remedies import TRUTH, Way, follow, numbers_of, printed, soft, text
from tests.images.slicer_files import save_slicer


def squares(n: int = 4, *, channels: int = 1, where: str = "images", shape: tuple[int, ...] = (16, 16, 1)) -> None:
    """Images of their own masks, which a small network learns without a fault."""
    for i in range(n):
        truth = np.zeros(shape, np.uint8)
        truth[3 + i : 9 + i, 4:9] = 1
        image = truth * np.float32(3)
        write_image(Path(where, f"c{i}.nii.gz"), image if channels == 1 else np.stack([image] * channels, axis=-1))
        write_image(Path("truth", f"c{i}.nii.gz"), truth)


EVEN = ("--grid", "alpha=0.5", "--sum-to-one")
QUICK = ("--iterations", 40, "--patch", "16,16", "--batch", 4, "--width", 4, "--learning-rate", "0.05", "-o", "t")
TRAIN = ("sweep", "tversky", "--train", "images", "truth", *QUICK, *EVEN)


def trained(says: str, first: tuple[Any, ...] = (), then: tuple[Any, ...] | None = None, **more: Any) -> Way:
    """A training that cannot be, and one whose only row is without a fault."""
    return Way(
        **{
            "given": squares,
            "first": first if first[:1] == ("sweep",) else (*TRAIN, *first),
            "says": says,
            "then": then if then and isinstance(then[0], tuple) else ((*TRAIN, *(then or ())),),
            "read": numbers_of("t/sweep.csv", "dsc"),
            "right": (1.0,),
            **more,
        }
    )


def shared() -> None:
    """Masks of two classes that share voxels, in files of 3D Slicer."""
    squares()
    for i in range(4):
        path = Path("truth", f"c{i}.nii.gz")
        mask = np.asarray(nibabel.load(path).dataobj) > 0  # type: ignore[attr-defined]
        save_slicer(Path("truth", f"c{i}.seg.nrrd"), {"lesion": mask, "organ": mask})
        path.unlink()


def rare(*cases: int) -> None:
    """Only some of the images hold the class."""
    squares()
    for i in {*range(4)} - {*cases}:
        write_image(Path("images", f"c{i}.nii.gz"), np.zeros((16, 16, 1), np.float32))
        write_image(Path("truth", f"c{i}.nii.gz"), np.zeros((16, 16, 1), np.uint8))


ONE = ("--labels", "1=lesion")
HALF = ("--holdout", 0.5, *ONE)  # by the first seed c0 and c2 are held out, by the second c0 and c1
CHOICE = ("--grid", "beta=0.5", "--grid", "smooth=0,1", "--optimise", "smooth")


def records() -> list[Path]:
    """What is kept of each training in the folder of a sweep."""
    found = [path for path in Path("t").rglob("*.json") if path.name != "run.json"]
    assert found
    return found


TRAINING = {
    "a patch of odd sizes": trained("that are multiples of 4", ("--patch", "15,15"), ("--patch", "12,12")),
    "too many held out": trained("Hold out fewer", ("--holdout", 0.9), ("--holdout", 0.3)),
    "too many held out, in folds": trained("or use --folds", ("--holdout", 0.9), ("--folds", 4)),
    "too many folds": trained("Take from 2 to 4 folds", ("--folds", 5), ("--folds", 4)),
    "one case": trained("Give two or more images", given=lambda: squares(1), mend=squares),
    "no image of a mask, added": trained(
        "Add the images", given=lambda: (squares(), Path("images/c3.nii.gz").unlink()), mend=squares
    ),
    "no image of a mask": trained(
        "or pass --allow-missing to train on the others",
        then=("--allow-missing",),
        given=lambda: (squares(), Path("images/c3.nii.gz").unlink()),
    ),
    "images of other channels": trained(
        "Train on images of one kind", given=lambda: (squares(), squares(1, channels=2)), mend=squares
    ),
    "a third axis that is not there": trained("Train on it in 2-D", ("--dimensions", 3, "--patch", "16,16,4"), ()),
    "settings that nobody named": trained(
        "such as --grid smooth=1,2",
        first=("sweep", "dice_loss", *TRAIN[2:-3]),
        then=(("sweep", "dice_loss", *TRAIN[2:-3], "--grid", "smooth=1,2"),),
        right=(1.0, 1.0),
    ),
    "classes that share ids": trained(
        "Name one with --class",
        ("--labels", "1=lesion,2=organ", "--regions", "whole=1+2"),
        ("--labels", "1=lesion,2=organ", "--regions", "whole=1+2", "--class", "lesion"),
    ),
    "classes that share voxels": trained(
        "Name one of them with --labels",
        ("--ignore-geometry", "--labels", "1=lesion,2=organ"),
        ("--ignore-geometry", "--labels", "1=lesion"),
        given=shared,
    ),
    "a class that is only reported": trained(
        "2 of the others have it. Add cases that have it, or split them otherwise with --seed",
        HALF,
        (*HALF, "--seed", 1),
        given=lambda: rare(0, 2),
    ),
    "a class that is only reported, added": trained(
        "0 of the others have it. Add cases that have it.", ONE, ONE, given=rare, mend=squares
    ),
    "a class of one case in folds": trained(
        "1 of the others has it. Add cases that have it.",
        ("--folds", 4, *ONE),
        ("--folds", 4, *ONE),
        given=lambda: rare(1),
        mend=squares,
    ),
    "maps of another loss": trained(
        "--then-maps cannot follow. It is for tversky_loss, focal_loss",
        first=("sweep", "dice_loss", *TRAIN[2:-3], "--grid", "smooth=1", "--then-maps"),
        then=((*TRAIN, "--then-maps"),),
        read=numbers_of("t/then_maps.csv", "dsc", alpha_fp="0.5"),
    ),
    "maps of another loss, left out": trained(
        "--then-maps cannot follow",
        first=("sweep", "dice_loss", *TRAIN[2:-3], "--grid", "smooth=1", "--then-maps"),
        then=(("sweep", "dice_loss", *TRAIN[2:-3], "--grid", "smooth=1"),),
    ),
    "a choice on folds": trained(
        "so it goes with --holdout",
        first=(*TRAIN[:-1], *CHOICE, "--folds", 2),
        then=((*TRAIN[:-1], *CHOICE, "--holdout", 0.25),),
    ),
    "a record that is damaged": trained(
        "Delete it, and it is trained again",
        given=lambda: [path.write_text("{") for path in records()],
        mend=lambda: [path.unlink() for path in records()],
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("what", TRAINING)
def test_what_is_said_of_a_training_leads_to_the_right_number(run: Run, what: str) -> None:
    pytest.importorskip("torch")
    if what == "a record that is damaged":
        squares()
        run(*TRAIN)
    follow(run, TRAINING[what])


@pytest.mark.slow
def test_without_monai_its_own_network_trains(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("torch")
    monkeypatch.setitem(sys.modules, "monai.networks.nets.unet", None)
    follow(run, trained("or use --network unet", ("--network", "monai"), ("--network", "unet")))


MANIFEST = "path,alpha,beta\nm0,0.3,0.7\nm1,0.7,0.3\n"


def listed(manifest: str) -> None:
    """Predictions of two models, the nearer ones with a dearer miss, and a list of their settings."""
    for name, shift in (("m0", 1), ("m1", 2)):
        write_image(Path(name, "a.nii.gz"), np.roll(TRUTH, shift, axis=0))
    write_image(Path("truth/a.nii.gz"), TRUTH)
    text("r.csv", manifest)


RUNS = ("sweep", "tversky", "--runs", "r.csv", "truth")
ROW = printed(r"0\.3 0\.7 ([\d.]+) ")


def of_models(says: str, wrong: str, mended: str = MANIFEST, **more: Any) -> Way:
    """A list of settings that is not whole, and one that is."""
    return Way(
        **{
            "given": lambda: listed(wrong),
            "first": RUNS,
            "says": says,
            "mend": lambda: text("r.csv", mended),
            "read": printed(r"0\.7 0\.3 ([\d.]+) .*?0\.3 0\.7 ([\d.]+) "),
            "right": (0.667, 0.833),
            **more,
        }
    )


MODELS = {
    "a folder that names no setting": of_models(
        "or list them in a CSV file with the columns path and one per parameter",
        MANIFEST,
        first=("sweep", "tversky", "--runs", "m0", "truth"),
        then=(RUNS,),
    ),
    "no path": of_models("Name a folder of predictions", MANIFEST.replace("m0,", ",")),
    "no parameter": of_models("names no parameter of tversky_loss. Give alpha=0.3_beta=0.7", "path\nm0\nm1\n"),
    "a parameter of some": of_models("Give it for all", "path,alpha,beta,smooth\nm0,0.3,0.7,1\nm1,0.7,0.3,\n"),
    "a setting twice": of_models("Keep one", MANIFEST + "m1,0.7,0.3\n"),
    "a setting twice, of two seeds": of_models(
        "or tell them apart by a fold or a seed",
        "path,alpha,beta\nm0,0.3,0.7\nm1,0.3,0.7\n",
        "path,alpha,beta,seed\nm0,0.3,0.7,0\nm1,0.3,0.7,1\n",
        read=ROW,
        right=(0.75,),
    ),
    "folds that share a case": of_models(
        "name a seed per training",
        "path,alpha,beta,fold\nm0,0.3,0.7,1\nm1,0.3,0.7,2\n",
        "path,alpha,beta,seed\nm0,0.3,0.7,0\nm1,0.3,0.7,1\n",
        read=ROW,
        right=(0.75,),
    ),
    "settings that nobody trained": of_models(
        "no run has this setting. Add its predictions",
        MANIFEST.replace("m1,0.7,0.3\n", ""),
        first=(*RUNS, "--grid", "alpha=0.3,0.7"),
    ),
    "no run of all values": of_models(
        "Name fewer",
        MANIFEST,
        first=(*RUNS, "--grid", "alpha=0.3", "--grid", "beta=0.3"),
        then=((*RUNS, "--grid", "alpha=0.3"),),
        read=ROW,
        right=(0.833,),
    ),
    "predictions of two kinds": of_models(
        "Give predictions of one kind",
        MANIFEST,
        given=lambda: (listed(MANIFEST), write_image(Path("m1/a.nii.gz"), soft())),
        mend=lambda: listed(MANIFEST),
    ),
}


@pytest.mark.parametrize("what", MODELS)
def test_what_is_said_of_trained_models_leads_to_the_right_number(run: Run, what: str) -> None:
    follow(run, MODELS[what])
