"""What is given, a way out that a message offers, and what comes of it when it is followed."""

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tests.cli.given import Done, Run, rows_of, write_image

Read = Callable[[Done], Sequence[float]]

TRUTH = np.zeros((12, 12, 8), np.uint8)
TRUTH[2:8, 2:8, 2:6] = 1
PRED = np.roll(TRUTH, 2, axis=0)  # Dice 2/3: of six slices of the box four meet; Hausdorff 2 voxels
TWO, TWO_PRED = TRUTH.copy(), PRED.copy()
TWO[10:12] = TWO_PRED[10:12] = 2  # a second class, right in the prediction
FLAT, FLAT_PRED = TRUTH[..., 3], PRED[..., 3]
VOXELS_MM = np.diag([0.5, 1.0, 1.0, 1.0])
SCORE = ("score", "pred", "truth", "--bootstrap", 0)
COCO = ("score", "res.json", "gt.json", "-m", "dice", "--bootstrap", 0)


def pair(pred: np.ndarray = PRED, truth: np.ndarray = TRUTH, *, name: str = "a.nii.gz", mm: bool = False) -> None:
    for side, array in (("pred", pred), ("truth", truth)):
        write_image(Path(side, name), array, affine=VOXELS_MM if mm else None)


def two() -> None:
    pair(TWO_PRED, TWO)


def boxes() -> None:
    """Two true boxes in one plane, one of them found; and a false alarm."""
    truth = np.zeros((20, 20), np.uint8)
    pred = truth.copy()
    truth[2:6, 2:6] = truth[12:16, 12:16] = pred[2:6, 2:6] = pred[2:5, 14:18] = 1
    pair(pred, truth, name="a.png")


def soft(mask: np.ndarray = PRED) -> np.ndarray:
    return np.where(mask == 1, 0.9, 0.1).astype(np.float32)


def text(name: str, content: str) -> Path:
    file = Path(name)
    file.write_text(content)
    return file


def tiff(name: str, array: np.ndarray, **how: Any) -> Path:
    import tifffile

    path = Path(name)
    path.parent.mkdir(exist_ok=True)
    tifffile.imwrite(path, array, **how)
    return path


def coco(pred: list[dict[str, Any]], **truth: Any) -> None:
    from tests.images.coco_files import an_object, write_data_set

    write_data_set(Path("gt.json"), {"a.png": FLAT.shape}, truth.get("objects", [an_object(1, 7, FLAT, id=1)]))
    Path("res.json").write_text(json.dumps(pred))


def result(**more: Any) -> dict[str, Any]:
    from tests.images.coco_files import an_object

    return an_object(1, 7, FLAT_PRED, **{"score": 0.9, **more})


def numbers_of(file: str, column: str, **where: str) -> Read:
    """The cells of a column of a table of the run, of the rows that fit; `class_` stands for `class`."""

    def read(_: Done) -> list[float]:
        wanted = {name.rstrip("_"): value for name, value in where.items()}
        rows = rows_of(Path("segeval-results", file) if "/" not in file else Path(file))
        return [float(row[column] or "nan") for row in rows if all(row[key] == one for key, one in wanted.items())]

    return read


def scores(column: str = "dice") -> Read:
    return numbers_of("scores.csv", column)


DICE = scores()


def printed(pattern: str) -> Read:
    """The numbers that the groups of a pattern find in what was printed."""

    def read(done: Done) -> list[float]:
        found = re.search(pattern, " ".join((done.out + done.err).split()))
        assert found, (pattern, done.out, done.err)
        return [float(one) for one in found.groups()]

    return read


@dataclass(frozen=True, kw_only=True)
class Way:
    """A command whose message offers something, and the commands that follow it.

    Attributes:
        given: writes the files.
        first: the command.
        says: what its message offers.
        mend: what is to be done to the files.
        then: the commands of the remedy; the last one gives the numbers.
        read: the numbers, by what is printed or written.
        right: what they are, by hand.
        code: of the last command.
        refused: whether the first command fails.
    """

    given: Callable[[], object]
    first: tuple[Any, ...]
    says: str
    then: tuple[tuple[Any, ...], ...] = ()
    mend: Callable[[], object] = lambda: None
    read: Read = DICE
    right: tuple[float, ...] = (2 / 3,)
    code: int = 0
    refused: bool = True


def follow(run: Run, way: Way) -> None:
    """Do what the message says, and hold its numbers against the right ones."""
    way.given()
    first = run(*way.first)
    said = " ".join((first.err + first.out).split())
    assert way.says in said, said
    assert (first.code not in (0, 4)) == way.refused, said
    way.mend()
    for command in way.then or (way.first,):
        done = run(*command)
    assert done.code == way.code, done.err
    assert list(way.read(done)) == pytest.approx(way.right, nan_ok=True, abs=1e-9)


NEARER = np.roll(TRUTH, 1, axis=0)  # Dice 5/6


def images() -> None:
    for name in "ab":
        write_image(Path("pred", f"{name}.nii.gz"), PRED)
        write_image(Path("nearer", f"{name}.nii.gz"), NEARER)
        write_image(Path("truth", f"{name}.nii.gz"), TRUTH)


def score(out: str, *more: Any, pred: str = "pred", measures: str = "dice,hd") -> tuple[Any, ...]:
    return ("score", pred, "truth", "-m", measures, "-o", out, "--bootstrap", 0, *more)


OLD, NEW = score("old"), score("new", pred="nearer")
NN = score("nn", "--format", "nnunet")


def changed(file: str, change: Callable[[Any], object]) -> None:
    """A JSON file with something else in it."""
    document = json.loads(Path(file).read_text())
    change(document)
    Path(file).write_text(json.dumps(document))


def words(*said: str) -> Read:
    """1 for each of these that was printed, else 0."""
    return lambda done: [float(one in " ".join((done.out + done.err).split())) for one in said]


# runs and rules about them

ON_DICE = "measure: dice, class: '1'"
FOUND = r"pass \S+ (?:\[\S+\] )?\w+ .*? ([-\d.]+) [≥≤]"
ROW = r"([\d.]+) ([\d.]+) [\d.]+ 0\.900 0\.333 ([\d.]+) "  # alpha, beta, soft loss, threshold, hard loss, dice
EVEN = ("--grid", "alpha=0.5", "--sum-to-one")


def runs() -> None:
    """A run of Dice 2/3 and a nearer one of 5/6, each of two cases."""
    from segeval.cli import app

    images()
    for command in (OLD, NEW):
        assert app.run([str(one) for one in command]) == 0


def rules(*lines: str) -> None:
    text(
        "g.yaml",
        "schema_version: 1\n" + "\n".join(("rules:", *(f"  - {{id: r{i}, {x}}}" for i, x in enumerate(lines)))),
    )


# images larger than there is room for

ROOM = ("--max-memory", "150.2MiB", "--workers", 1)
LARGE, LARGE_PRED = (np.kron(mask, np.ones((6, 6, 6), np.uint8)) for mask in (TRUTH, PRED))


def large() -> None:
    pair(LARGE_PRED, LARGE)


def plane(ids: np.ndarray) -> np.ndarray:
    """A plane of the box many times."""
    return np.tile(ids[..., 20], (6, 6))


def pictured(pred: Image.Image, truth: Image.Image | None = None) -> None:
    for side, picture in (("pred", pred), ("truth", truth or Image.fromarray(plane(LARGE)))):
        Path(side).mkdir(exist_ok=True)
        picture.save(f"{side}/a.png")


def greys() -> None:
    pictured(Image.fromarray(plane(LARGE_PRED)))


# files of a format, and of classes

AGAIN = "It is cut short, damaged or not what its name says: copy or write it again"
BOTH = (2 / 3, 1.0)
NAMED = ("--labels", "1=liver,2=spleen")


def formed(suffix: str = ".nii.gz", *, truth: str = ".nii.gz") -> Path:
    """The moved box in a format, beside the true one."""
    from tests.images.every_format import save_ids

    flat = suffix in (".png", ".webp", ".bmp") or truth == ".png"
    Path("pred").mkdir(exist_ok=True)
    Path("truth").mkdir(exist_ok=True)
    save_ids(Path(f"truth/a{'.png' if flat else truth}"), FLAT if flat else TRUTH)
    return save_ids(Path(f"pred/a{suffix}"), FLAT_PRED if flat else PRED)


def labelled(says: str, wrong: tuple[Any, ...], asked: tuple[Any, ...], **more: Any) -> Way:
    first, then = ((*SCORE, "-m", "dice", *each) for each in (wrong, asked))
    return Way(**{"given": two, "first": first, "says": says, "then": (then,), "right": BOTH, **more})
