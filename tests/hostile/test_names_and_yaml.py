"""Names that give orders, and YAML that never ends: neither reaches a terminal, a CI server or the memory."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np

from tests.cli.given import Run, write_image
from tests.hostile.conftest import Tally

PIECES = (
    "\n",
    "\r",
    "\x1b[2J",
    "\x1b]0;t\x07",
    "::error::",
    "##[error]",
    "##vso[x]",
    "\u202e",
    "\u2028",
    "\x00",
    "|",
    "`",
    "<b>",
    "&",
    "%0A",
    "$(x)",
    "\\",
    "{{1}}",
    "'",
    '"',
    "a",
    "é",
    "=1+1",
    "\x9b31m",
    "::set-output name=x::",
)
BOMB = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]\n" for i in range(1, 11)
)
YAMLS = (
    BOMB,
    "[" * 5000,
    "{a: " * 3000,
    "a: &a [*a]\n",
    "1: !!python/object/apply:os.system ['true']\n",
    "1: a\n1: b\n",
    "\t1: a\n",
    "1: \x00\n",
    "<<: {1: a}\n",
    "? [1, 2]\n: a\n",
    "1: &x a\n2: *y\n",
    "--- 1\n--- 2\n",
    "1: " + "9" * 5000 + "\n",
    "0x1: a\n",
    ".nan: a\n",
    "1e400: a\n",
    "",
    "%YAML 9.9\n---\n1: a\n",
)


def gives_orders(text: str) -> bool:
    lines = [line.lstrip() for line in text.split("\n")]
    return bool(re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u202e]|##\[|##vso", text)) or any(
        line.startswith("::") for line in lines
    )


def pair(name: str) -> None:
    truth = np.array([[1, 1, 0], [0, 2, 2]], np.uint8)
    for side in ("pred", "truth"):
        write_image(Path(side, f"{name}.npy"), truth if side == "truth" else truth[:, ::-1].copy())


def test_no_name_gives_orders(run: Run, tally: Tally, times: Callable[..., int]) -> None:
    rng = np.random.default_rng(21)
    for attempt in range(times(5, 150)):
        name, of_class, rule = ("".join(rng.choice(PIECES, 4)) for _ in range(3))
        safe = name.replace("\x00", "").replace("/", "").strip(". ") or "a"
        for old in (*Path().glob("pred/*"), *Path().glob("truth/*")):
            old.unlink()
        pair(safe[:60])
        Path("labels.json").write_text(json.dumps({"1": of_class, "2": f"{of_class} 2"}))
        Path("rules.yaml").write_text(json.dumps({"rules": [{"id": rule, "measure": "dice", "min": 1}]}))
        done = [run("score", "pred", "truth", "--labels", "labels.json", "-m", "dice", "-o", "run", "--format", "md")]
        forms = ("junit", "markdown", "json")
        done += [run("gate", "run", "-c", "rules.yaml")]
        done += [run("gate", "run", "-c", "rules.yaml", "--output", form) for form in forms]
        texts = [text for one in done for text in (one.out, one.err)]
        codes = [one.code for one in done]
        stood = not set(codes) & {70} and not any(map(gives_orders, texts))
        tally.note(
            f"{attempt} {codes} {(safe, of_class, rule)!r} {[t for t in texts if gives_orders(t)][:1]}", stood=stood
        )


def test_hostile_yaml_is_refused_or_read(run: Run, tally: Tally, times: Callable[..., int]) -> None:
    pair("a")
    rng, plain = np.random.default_rng(4), b"1: liver\n2: {name: tumour, ids: [2]}\n"
    damaged = []
    for _ in range(times(10, 300)):
        at = int(rng.integers(0, len(plain)))
        damaged.append(plain[:at] + bytes(rng.integers(0, 256, 2, dtype=np.uint8)) + plain[at + 1 :])
    for data in (*(text.encode() for text in YAMLS), *damaged):
        Path("labels.yaml").write_bytes(data)
        done = run("score", "pred", "truth", "--labels", "labels.yaml", "-m", "dice", "-o", "run")
        tally.note(f"{data[:40]!r}: {done.code} {done.err[-300:]}", stood=done.code in (0, 2, 3))
