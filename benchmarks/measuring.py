"""Time whole processes side by side, and write what came out as one Markdown table.

Only the standard library is imported here: on Linux the peak memory of a child starts at that of its parent, so the
process that measures has to stay small.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path
from statistics import median
from typing import Any

# ru_maxrss counts KiB on Linux and bytes on macOS.
MAXRSS_PER_MIB = 2**20 if sys.platform == "darwin" else 2**10


@dataclass(frozen=True, kw_only=True)
class Contender:
    """One command line that does some work; `answer` reads its result, to see that all did the same."""

    work: str
    name: str
    command: Sequence[str]
    needs: str | None = None
    answer: Callable[[str], str] = lambda stdout: ""


@dataclass(kw_only=True)
class Record:
    """What was seen of one contender; `reason` says why there is nothing to see."""

    contender: Contender
    seconds: list[float] = field(default_factory=list)
    peak_mib: list[float] = field(default_factory=list)
    answer: str = ""
    reason: str = ""


def interleave(contenders: Sequence[Contender], runs: int) -> list[Record]:
    """Run A B C, A B C, ...: a busy minute of the machine then hits all of them alike."""
    records = [Record(contender=contender, reason=why_not(contender)) for contender in contenders]
    for number in range(runs):
        for record in records:
            if not record.reason:
                run_once(record)
                print(f"run {number + 1}/{runs}  {record.contender.name}: {outcome(record)}", file=sys.stderr)
    return records


def why_not(contender: Contender) -> str:
    installed = contender.needs is None or version(contender.needs)
    return "" if installed else f"skipped: {contender.needs} is not installed"


def version(distribution: str) -> str | None:
    try:
        return metadata.version("segeval-masks" if distribution == "segeval" else distribution)
    except metadata.PackageNotFoundError:
        return None


def run_once(record: Record) -> None:
    """Time one process from start to end and add it to the record."""
    with tempfile.TemporaryFile("w+") as stdout, tempfile.TemporaryFile("w+") as stderr:
        start = time.perf_counter()
        process = subprocess.Popen(record.contender.command, stdout=stdout, stderr=stderr)
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        stdout.seek(0)
        stderr.seek(0)
        if process.returncode != 0:
            print(stderr.read(), file=sys.stderr)
            record.reason = f"failed with exit code {process.returncode}"
            return
        record.answer = record.contender.answer(stdout.read())
    record.seconds.append(seconds)
    record.peak_mib.append(usage.ru_maxrss / MAXRSS_PER_MIB)


def outcome(record: Record) -> str:
    return record.reason or f"{record.seconds[-1]:.2f} s, {record.peak_mib[-1]:.0f} MiB"


def markdown_table(records: Sequence[Record], *, reference: str, answer_title: str) -> str:
    """One row per contender; the ratios are to the contender named `reference` of the same work."""
    base = {r.contender.work: median(r.seconds) for r in records if r.contender.name == reference and not r.reason}
    titles = ["work", "who", "median s", "fastest to slowest s", f"time / {reference}", "peak MiB", answer_title]
    rows = [titles, ["---"] * len(titles)]
    rows += [table_row(record, base.get(record.contender.work)) for record in records]
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def table_row(record: Record, base: float | None) -> list[str]:
    who = [record.contender.work, record.contender.name]
    if record.reason:
        return [*who, "–", "–", "–", "–", record.reason]
    middle = median(record.seconds)
    spread = f"{min(record.seconds):.2f} to {max(record.seconds):.2f}"
    ratio = f"{middle / base:.2f}" if base else "–"
    return [*who, f"{middle:.2f}", spread, ratio, f"{median(record.peak_mib):.0f}", record.answer]


def machine() -> str:
    """The machine in words: what decides the numbers, and nothing that names it."""
    system = f"{platform.system()}, {platform.python_implementation()} {platform.python_version()}"
    return f"{os.cpu_count()} {platform.machine()} cores, {system}"


def versions(distributions: Sequence[str]) -> str:
    return ", ".join(f"{name} {version(name) or '(not installed)'}" for name in distributions)


def asked(description: str, path: Path, *, rounds: int) -> tuple[argparse.Namespace, dict[str, Any]]:
    """The options of the command line, and the rows in a file that stay where only some are measured again."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=rounds)
    parser.add_argument("--only", default="", help="part of the name of a row")
    options = parser.parse_args()
    return options, json.loads(path.read_text()) if options.only and path.exists() else {"rows": {}}


def store(path: Path, stored: dict[str, Any], distributions: Sequence[str]) -> None:
    """Write the rows, with the machine and the versions that they are of."""
    stored |= {"machine": machine(), "versions": versions(distributions)}
    path.write_text(json.dumps(stored, indent=1, ensure_ascii=False) + "\n")
