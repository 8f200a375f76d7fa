"""Remedies of sweeps over maps and over trained models, each followed to a known number."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.cli.given import Run, write_image
from tests.cli.remedies import NEARER, PRED, TRUTH, Way, follow, numbers_of, text, words
from tests.images.slicer_files import save_slicer

pytestmark = pytest.mark.slow  # of several runs each

QUARTERS = np.where(PRED == 1, 0.75, 0.25).astype(np.float32)
EVEN = ("--grid", "alpha=0.5", "--sum-to-one")
DSC = numbers_of("s/sweep.csv", "dsc")
MAPS = ("sweep", "tversky", "maps", "truth", "-o", "s")
RUNS = ("sweep", "tversky", "--runs", "models", "truth", "-o", "s")


def maps() -> None:
    for name in "ab":
        write_image(Path("maps", f"{name}.nii.gz"), QUARTERS)
        write_image(Path("truth", f"{name}.nii.gz"), TRUTH)


def sweep(says: str, first: tuple[Any, ...], then: tuple[Any, ...] = EVEN, **more: Any) -> Way:
    """A sweep over maps that cannot be, and one that the message names."""
    commands = [one if one[:1] == ("sweep",) else (*MAPS, *one) for one in (first, then)]
    return Way(**{"given": maps, "first": commands[0], "says": says, "then": (commands[1],), "read": DSC, **more})


EXP_LOG = ("sweep", "exp_log", *MAPS[2:], "--grid", "gamma=1", "--grid", "w_dice=1", "--grid", "w_cross=0")
OVERLAP, SIZES = 96 * 0.75 + 48 * 0.25, 144 + 144 * 0.75 + 1008 * 0.25  # of the map and the mask
CURVE = ("sweep", "focal", "--curve", "--grid", "gamma=2", "-o", "s")
AT_HALF = 0.25 * np.log(2)  # (1 - p)² · -ln p at p = 0.5


def of_curve(says: str, first: tuple[Any, ...]) -> Way:
    return sweep(says, first, CURVE, read=numbers_of("s/sweep.csv", "loss_g2", p_t="0.5"), right=(AT_HALF,))


def independent() -> None:
    """Maps of two classes that need not add up to 1."""
    maps()
    for name in "ab":
        write_image(Path("maps", f"{name}.nii.gz"), np.stack([QUARTERS, QUARTERS], axis=-1))


def shared_out() -> None:
    """Maps of the background and the class, which add up to 1."""
    for name in "ab":
        write_image(Path("maps", f"{name}.nii.gz"), np.stack([1 - QUARTERS, QUARTERS], axis=-1))


FLAWLESS = words("nothing that cannot be")
CHECKED = "Setting,DSC,Sensitivity,Precision\na,0.667,0.667,0.667\n"

OF_MAPS = {
    "a case that there is not": sweep(
        "no such case. There are a, b", (*EVEN, "--select", "z"), (*EVEN, "--select", "a")
    ),
    "no case to report": sweep("Name fewer", (*EVEN, "--select", "*"), (*EVEN, "--select", "a")),
    "no case to choose on": sweep("Name fewer", (*EVEN, "--report", "*"), (*EVEN, "--report", "a")),
    "an oracle beside a choice": sweep(
        "Leave out --select and --report",
        (*EVEN, "--select-by", "oracle_per_case", "--select", "a"),
        (*EVEN, "--select-by", "oracle_per_case"),
    ),
    "an option of trained models": sweep(
        "--vary changes nothing in `sweep tversky_loss --maps`. Leave it out", (*EVEN, "--vary", "alpha")
    ),
    "one side alone": sweep("Name both INPUT and TRUTH", ("sweep", "tversky", "maps", "-o", "s", *EVEN)),
    "one side alone, listed": sweep(
        "or a CSV file with --pairs",
        ("sweep", "tversky", "maps", "-o", "s", *EVEN),
        ("sweep", "tversky", "--pairs", "p.csv", "-o", "s", *EVEN),
        mend=lambda: text("p.csv", "case,pred,truth\na,maps/a.nii.gz,truth/a.nii.gz\n"),
    ),
    "no loss": sweep("Name the loss to sweep: tversky", ("sweep", "-o", "s")),
    "a loss with a slip": sweep("Did you mean", ("sweep", "tverski_loss", *MAPS[2:], *EVEN)),
    "a layout of no paper": sweep(
        "--layout paper: no paper prints a table like dice_loss --maps. Leave it out",
        ("sweep", "dice_loss", *MAPS[2:], "--layout", "paper", "--format", "md"),
        ("sweep", "dice_loss", *MAPS[2:], "--format", "md"),
        read=numbers_of("s/sweep.csv", "loss_mean"),
        right=(1 - (2 * OVERLAP + 1e-6) / (SIZES + 1e-6),),
    ),
    "a file for pictures": sweep(
        "Name another place", (*EVEN, "--plot", "f"), (*EVEN, "--plot", "g"), given=lambda: (maps(), text("f", ""))
    ),
    "no curve": of_curve("It is for focal_loss", ("sweep", "tversky", "--curve", "-o", "s")),
    "data for a curve": of_curve("maps was named. Leave it out", (*CURVE, "maps")),
    "a device for a curve": of_curve(
        "--device changes nothing in `sweep focal_loss --curve`. Leave it out", (*CURVE, "--device", "cpu")
    ),
    "an option for a curve": of_curve(
        "--bootstrap changes nothing in `sweep focal_loss --curve`. Leave it out", (*CURVE, "--bootstrap", 5)
    ),
    "maps of their own": sweep(
        "Give a channel for the background too",
        ("sweep", "exp_log", *MAPS[2:], "--labels", "1=liver,2=spleen"),
        EXP_LOG,
        given=independent,
        mend=shared_out,
        read=numbers_of("s/sweep.csv", "dice_1"),
        right=((2 * OVERLAP + 1) / (SIZES + 1),),  # its ε is 1
    ),
    "a table without metrics": Way(
        given=lambda: text("t.csv", "Setting,score\na,0.667\n"),
        first=("sweep", "--check-table", "t.csv"),
        says="Known titles: DSC",
        mend=lambda: text("t.csv", CHECKED),
        read=FLAWLESS,
        right=(1.0,),
    ),
    "a table that is none": Way(
        given=lambda: Path("t.csv").write_bytes(b"\xff\xfe\x00"),
        first=("sweep", "--check-table", "t.csv"),
        says="Give a CSV or a Markdown table",
        mend=lambda: text("t.csv", CHECKED),
        read=FLAWLESS,
        right=(1.0,),
    ),
    "an option beside a table": Way(
        given=lambda: text("t.csv", CHECKED),
        first=("sweep", "--check-table", "t.csv", "--seed", 1),
        says="changes nothing beside --check-table. Leave it out",
        then=(("sweep", "--check-table", "t.csv"),),
        read=FLAWLESS,
        right=(1.0,),
    ),
}


@pytest.mark.parametrize("what", OF_MAPS)
def test_what_is_said_of_maps_leads_to_the_right_number(run: Run, what: str) -> None:
    follow(run, OF_MAPS[what])


def models(*, names: str = "ab", **pred: np.ndarray) -> None:
    """Predictions of two settings."""
    for name in names:
        write_image(Path("models", "alpha=0.3,beta=0.7", f"{name}.nii.gz"), pred.get("first", NEARER))
        write_image(Path("models", "alpha=0.7,beta=0.3", f"{name}.nii.gz"), pred.get("second", PRED))
        write_image(Path("truth", f"{name}.nii.gz"), pred.get("truth", TRUTH))


def losses() -> None:
    """Predictions of two losses."""
    for name, pred in (("dice_loss", PRED), ("bce_loss", NEARER)):
        write_image(Path("all", name, "a.nii.gz"), pred)
    write_image(Path("truth", "a.nii.gz"), TRUTH)


BOTH = (2 / 3, 5 / 6)  # by the price of a miss, which rows are sorted by
LOSSES = ("sweep", "losses", "--runs", "all", "truth", "-o", "s")


def trained(says: str, first: tuple[Any, ...], then: tuple[Any, ...] = (), **more: Any) -> Way:
    commands = [one if one[:1] == ("sweep",) else (*RUNS, *one) for one in (first, then)]
    return Way(
        **{
            "given": models,
            "first": commands[0],
            "says": says,
            "then": (commands[1],),
            "read": DSC,
            "right": BOTH,
            **more,
        }
    )


def renamed(old: str, new: str) -> Callable[[], object]:
    return lambda: Path("models", old).rename(Path("models", new))


def shared() -> None:
    """Truths of 3D Slicer, whose masks have names."""
    models()
    for name in "ab":
        Path("truth", f"{name}.nii.gz").unlink()
        save_slicer(Path("truth", f"{name}.seg.nrrd"), {"lesion": TRUTH > 0})


FIRST, SECOND = '"models/alpha=0.3,beta=0.7"', '"models/alpha=0.7,beta=0.3"'
SMOOTHED = f"path,alpha,beta,smooth\n{FIRST},0.3,0.7,0\n{SECOND},0.7,0.3,1\n"
TRAINED = {
    "no folder of runs": trained("or a CSV file of them", ("sweep", "tversky", "--runs")),
    "no folder of runs, listed": trained(
        "--runs needs a folder with a folder of predictions for each setting, or a CSV file of them",
        ("sweep", "tversky", "--runs"),
        ("sweep", "tversky", "--runs", "r.csv", "truth", "-o", "s"),
        mend=lambda: text("r.csv", f"path,alpha,beta\n{FIRST},0.3,0.7\n"),
        right=BOTH[1:],
    ),
    "a loss for a parameter": trained(
        "Turn the parameters of tversky_loss with --grid",
        ("--loss", "dice_loss"),
        ("--grid", "alpha=0.3"),
        right=BOTH[1:],
    ),
    "parameters of several losses": trained(
        "Name them with --loss 'name(parameter=value)'",
        (*LOSSES, "--grid", "alpha=0.3"),
        (*LOSSES, "--loss", "dice_loss"),
        given=losses,
        right=(2 / 3,),
    ),
    "one price": trained(
        "alpha is set alone. Set alpha, the price of false alarms, and beta, that of misses",
        (),
        given=lambda: (models(), renamed("alpha=0.7,beta=0.3", "alpha=0.7")()),
        mend=renamed("alpha=0.7", "alpha=0.7,beta=0.3"),
    ),
    "a price twice": trained(
        "name a parameter twice. Keep one of them",
        (),
        given=lambda: (models(), renamed("alpha=0.7,beta=0.3", "alpha=0.7,alpha_fp=0.7,beta=0.3")()),
        mend=renamed("alpha=0.7,alpha_fp=0.7,beta=0.3", "alpha=0.7,beta=0.3"),
    ),
    "a parameter that varies beside": trained(
        "beta_fn takes 2 values too (0.3, 0.7). Hold it still with --grid beta_fn=0.3.",
        ("--vary", "alpha"),
        ("--vary", "alpha", "--grid", "beta_fn=0.3"),
        right=BOTH[:1],
    ),
    "two parameters that vary beside": trained(
        "Hold them still with --grid beta_fn=0.3 --grid smooth=1.",
        ("sweep", "tversky", "--runs", "r.csv", "truth", "-o", "s", "--vary", "alpha"),
        (
            *("sweep", "tversky", "--runs", "r.csv", "truth", "-o", "s", "--vary", "alpha"),
            *("--grid", "beta_fn=0.3", "--grid", "smooth=1"),
        ),
        given=lambda: (models(), text("r.csv", SMOOTHED)),
        right=BOTH[:1],
    ),
    "a parameter that varies beside, the best of it": trained(
        "or pass --optimise smooth",
        ("sweep", "dice_loss", "--runs", "r.csv", "truth", "-o", "s", "--vary", "log"),
        ("sweep", "dice_loss", "--runs", "r.csv", "truth", "-o", "s", "--vary", "log", "--optimise", "smooth"),
        given=lambda: (models(), text("r.csv", f"path,log,smooth\n{FIRST},true,0\n{SECOND},true,1\n")),
        right=BOTH[1:],
    ),
    "a class that there is not": trained("no such class. There are 1", ("--class", "9"), ("--class", "1")),
    "masks by names": trained(
        "Say which are classes: --labels 1=lesion",
        ("--ignore-geometry",),
        ("--ignore-geometry", "--labels", "1=lesion"),
        given=shared,
    ),
    "no predictions": trained(
        "no predictions for",
        (),
        given=lambda: (models(), [one.unlink() for one in Path("models/alpha=0.7,beta=0.3").iterdir()]),
        mend=models,
    ),
    "a baseline that there is not": trained(
        "the table has no row with alpha_fp=0.9",
        ("--baseline", "alpha=0.9", "--bootstrap", 9),
        ("--baseline", "alpha=0.7", "--bootstrap", 9),
    ),
    "one case to choose on": trained(
        "--optimise needs two cases or more",
        ("--optimise", "beta_fn"),
        given=lambda: (models(names="a"), shutil.copytree("models/alpha=0.3,beta=0.7", "models/alpha=0.3,beta=0.3")),
        mend=lambda: (shutil.rmtree("models/alpha=0.3,beta=0.3"), models()),
    ),
    "nothing to choose": trained("so there is no choice", ("--optimise", "beta_fn")),
}


@pytest.mark.parametrize("what", TRAINED)
def test_what_is_said_of_trained_models_leads_to_the_right_number(run: Run, what: str) -> None:
    follow(run, TRAINED[what])
