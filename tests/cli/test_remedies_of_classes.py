"""What is said of classes, of their names, ids and colours leads to a known number."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tests.cli.given import Run, write_image
from tests.cli.remedies import BOTH, FLAT, FLAT_PRED, NAMED, PRED, SCORE, TRUTH, Way, follow, labelled, pair, text, two

pytestmark = pytest.mark.slow  # of several runs each

DICE = (*SCORE, "-m", "dice")
WHOLE = "labels: {1: liver, 2: spleen}\n"
ALL = (*BOTH, 2 * 288 / (144 + 144 + 2 * 192))


def table(says: str, wrong: str | bytes, mended: str = WHOLE, file: str = "l.yaml", **more: Any) -> Way:
    """A table of classes that is not whole, and one that is."""

    def given() -> None:
        two()
        Path(file).write_bytes(wrong if isinstance(wrong, bytes) else wrong.encode())

    return Way(
        **{
            "given": given,
            "first": (*DICE, "--labels", file),
            "says": says,
            "mend": lambda: text(file, mended),
            "right": BOTH,
            **more,
        }
    )


REGIONS = "labels: {1: liver, 2: spleen}\nregions: "
JOINED = REGIONS + "{all: [1, 2]}\n"
TABLES = {
    "a row without a colour": table(
        "is no row of a label table. Write id, name and colour",
        "1 liver 255 0 0 255\n2 spleen\n",
        "1 liver 255 0 0 255\n2 spleen 0 255 0 255\n",
        "l.txt",
    ),
    "a key with a slip": table("Known are labels, regions, ignore", WHOLE + "ignored: [3]\n", WHOLE + "ignore: [3]\n"),
    "a list for a key": table("Keys are ids or names", "? [1, 2]\n: liver\n", "1: liver\n2: spleen\n"),
    "JSON that is cut": table(
        "Mend it there, or copy it again",
        '{"labels": {"liver": 1',
        '{"labels": {"liver": 1, "spleen": 2}}',
        "dataset.json",
    ),
    "JSON of another text than UTF-8": table(
        "Save it as UTF-8",
        '{"labels": {"Nebenhöhle": 1, "spleen": 2}}'.encode("latin-1"),
        '{"labels": {"Nebenhöhle": 1, "spleen": 2}}',
        "dataset.json",
    ),
    "names of names": table("Ids are whole numbers, such as 3", "liver: one\nspleen: two\n", "liver: 1\nspleen: 2\n"),
    "a region of nothing": table("Write {wt: [1, 2, 3]}", REGIONS + "{all: []}\n", JOINED, right=ALL),
    "regions in a list": table("or in a file {wt: [1, 2, 3]}", REGIONS + "[1, 2]\n", JOINED, right=ALL),
    "regions in a list, as text": table("Write wt=1+2+3", REGIONS + "[1, 2]\n", REGIONS + "all=1+2\n", right=ALL),
    "a folder for a table": Way(
        given=lambda: (two(), Path("l").mkdir(), text("l/l.yaml", WHOLE)),
        first=(*DICE, "--labels", "l"),
        says="this is a folder. Write 1,2,3 or 1=liver,2=spleen, or name a label file",
        then=((*DICE, "--labels", "l/l.yaml"),),
        right=BOTH,
    ),
    "words for ids": labelled(
        "'x' is no label id. Ids are whole numbers, such as 3", ("--labels", "1=liver,x=spleen"), NAMED
    ),
    "names the other way round": labelled("Write 1,2,3 or 1=liver,2=spleen", ("--labels", "liver=1,spleen=2"), NAMED),
    "a name too long to be a file": labelled("Write 1,2,3", ("--labels", "x" * 5000), ("--labels", "1,2")),
    "words in a region": labelled(
        "'liver' is no label id. Ids are whole numbers",
        (*NAMED, "--regions", "all=liver+spleen"),
        (*NAMED, "--regions", "all=1+2"),
        right=ALL,
    ),
}


def config(says: str, wrong: str, right: str, numbers: tuple[float, ...] = BOTH) -> Way:
    """Options in a file that are switches in place of words and numbers."""
    whole = "score: {{measures: [dice], bootstrap: 0, {}}}\n"
    return Way(
        given=lambda: (two(), text("c.yaml", whole.format(wrong))),
        first=("score", "pred", "truth", "-c", "c.yaml"),
        says=says,
        mend=lambda: text("c.yaml", whole.format(right)),
        right=numbers,
    )


SWITCHES = {
    "a switch for a name": config("put the word in quotes", "labels: {1: true}", "labels: {1: 'true'}", BOTH[:1]),
    "a switch for an id": config("Write a number", "labels: {liver: true}", "labels: {liver: 1}", BOTH[:1]),
    "a switch for a list": config("Write a number", "ignore_label: [true]", "ignore_label: [1]", BOTH[1:]),
    "a switch for a number": config("Write a number", "seed: true", "seed: 1"),
    "a tag that does not fit": config(
        "Leave the tag out", "labels: !!int {!!value '=': liver}", "labels: {1: liver}", BOTH[:1]
    ),
    "a tag of another kind": config("Mend it there", "labels: !!set [1]", "labels: [1]", BOTH[:1]),
}


def coloured() -> None:
    for side, ids in (("pred", FLAT_PRED), ("truth", FLAT)):
        Path(side).mkdir(exist_ok=True)
        Image.fromarray(np.stack([ids * 9, 0 * ids, 0 * ids], axis=-1).astype(np.uint8)).save(f"{side}/a.png")


def colours(says: str, wrong: str, right: str = "{0: [0, 0, 0], 1: [9, 0, 0]}", **more: Any) -> Way:
    return Way(
        **{
            "given": lambda: (coloured(), text("c.yaml", wrong)),
            "first": (*DICE, "--colors", "c.yaml"),
            "says": says,
            "mend": lambda: text("c.yaml", right),
            **more,
        }
    )


FORM = "Write one colour per id: {1: [255, 0, 0], 2: [0, 128, 255]}"
NUMBERS = np.arange(72 * 72 * 48, dtype=np.int32).reshape(72, 72, 48)
COLOURS = {
    "a list of colours": colours(FORM, "[[0, 0, 0], [9, 0, 0]]"),
    "a colour above 255": colours(FORM, "{0: [0, 0, 0], 1: [900, 0, 0]}"),
    "a colour of two ids": colours(
        "Save the ids as grey values",
        "{0: [0, 0, 0], 1: [9, 0, 0], 2: [9, 0, 0]}",
        mend=lambda: pair(FLAT_PRED, FLAT, name="a.png"),
    ),
    "greys for a mask": Way(
        given=lambda: pair(np.kron(PRED, np.ones((6, 6, 6), np.uint8)), NUMBERS),
        first=DICE,
        says="Check that it is a label image and not an intensity image",
        mend=lambda: write_image(Path("truth/a.nii.gz"), np.kron(TRUTH, np.ones((6, 6, 6), np.uint8))),
    ),
    "ids of more than 64 bits": Way(
        given=lambda: pair(truth=np.where(TRUTH == 1, 2.0**65, 0.0)),
        first=DICE,
        says="fit no signed integer of 64 bits. Renumber them",
        mend=pair,
    ),
}
WAYS = {
    f"{kind}: {what}": way
    for kind, ways in {
        "table": TABLES,
        "config": SWITCHES,
        "colours": COLOURS,
    }.items()
    for what, way in ways.items()
}


@pytest.mark.parametrize("what", WAYS)
def test_what_is_said_of_classes_leads_to_the_right_number(run: Run, what: str) -> None:
    follow(run, WAYS[what])
