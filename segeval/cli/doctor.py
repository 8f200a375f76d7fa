"""`segeval doctor`: what the files hold, and what would stop `score`."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from segeval.cli import options as o
from segeval.cli.screens import console
from segeval.cli.screens.tables import add_row, fits, plain_table
from segeval.errors import DataError
from segeval.files.paths import counted
from segeval.options import ScoreOptions

if TYPE_CHECKING:
    from segeval.settings import Given

N_CASES = 60


@o.takes(ScoreOptions, only=lambda declared: declared.option.doctor)
def doctor(
    given: "Mapping[str, Given]",
    *,
    pred: o.PredPath = None,
    truth: o.TruthPath = None,
    no_color: o.NoColor = False,
    config: o.Config = None,
) -> int:
    """Check pairs, geometry, types and label ids; score nothing. Exits 3 where `score` would stop."""
    from segeval.settings import HERE, resolve
    from segeval.verbs.doctor import audit

    settings = resolve(given, config)
    console.tell_of_file(settings.sources, HERE)
    found = audit(pred, truth, settings.options)
    with console.screen(color=not no_color) as screen:
        print_audit(found, screen)
    return DataError.exit_code if found.problems else 0


def print_audit(found: Any, screen: Any) -> None:
    """One page: the labels over all files, the files, and what is wrong."""
    from rich.text import Text

    both = [finding for finding in found.findings if finding.pred.shape and finding.truth.shape]
    screen.print(f"{counted(len(found.findings), 'case')}, {len(both)} with two readable files")
    screen.print()
    screen.print(_label_table(found))
    screen.print()
    _print_files(found, screen)
    if len(found.findings) > N_CASES:
        screen.print(f"{len(found.findings) - N_CASES} cases are not shown.", style="dim")
    for note in found.notes:
        screen.print(f"note: {note}")
    for finding in found.problems:
        screen.print(Text.assemble(("problem: ", "red"), finding.problem))
    screen.print(_verdict(found), style="bold red" if found.problems else "bold green")


def _verdict(found: Any) -> str:
    if not found.problems:
        return "score would run."
    return f"score would stop: {len(found.problems)} of {counted(len(found.findings), 'case')} cannot be scored."


def _label_table(found: Any) -> Any:
    """Every id: its class, in how many files it occurs, and how many voxels it has."""
    table = plain_table("id", "class", "truth files", "pred files", "truth voxels", "pred voxels", left=(1,))
    sides = {side: [getattr(finding, side).voxels for finding in found.findings] for side in ("truth", "pred")}
    for label in sorted({label for files in sides.values() for voxels in files for label in voxels}):
        in_files = (str(sum(label in voxels for voxels in sides[side])) for side in ("truth", "pred"))
        n_voxels = (str(sum(voxels.get(label, 0) for voxels in sides[side])) for side in ("truth", "pred"))
        add_row(table, str(label), _class_of(label, found.labels), *in_files, *n_voxels)
    return table


def _class_of(label: int, labels: Any) -> str:
    if label in labels.ignore:
        return "(ignored)"
    names = [row.name for row in labels.classes_among([label]) if label in row.ids]
    return ", ".join(names) or ("(background)" if label == 0 else "(no class)")


def _print_files(found: Any, screen: Any) -> None:
    """A row per case, in two tables where one would be too wide; what all files share is said once."""
    found = replace(found, findings=_most_remarkable(found.findings))
    columns = {
        "shape": [_either(finding, "shape") for finding in found.findings],
        "spacing mm": [_either(finding, "spacing_mm") for finding in found.findings],
        "axes": [_either(finding, "orientation") for finding in found.findings],
        "type": [_either(finding, "dtype") for finding in found.findings],
        "remark": [
            "PROBLEM, see below" if finding.problem else "; ".join(finding.remarks) for finding in found.findings
        ],
        "truth ids": [_ids(finding.truth) for finding in found.findings],
        "pred ids": [_ids(finding.pred) for finding in found.findings],
    }
    shared = [name for name, cells in columns.items() if len({*cells}) == 1 < len(cells) and "ids" not in name]
    said = [f"{name} {columns[name][0]}" for name in shared if columns[name][0]]
    if said:
        screen.print(f"all files: {', '.join(said)}")
    facts = [name for name in columns if name not in shared and "ids" not in name]
    whole = _file_table(found, columns, [*facts, "truth ids", "pred ids"])
    halves = [_file_table(found, columns, some) for some in (facts, ("truth ids", "pred ids")) if some]
    for table in [whole] if fits(whole, screen) else halves:
        screen.print(table)
        screen.print()


def _most_remarkable(findings: Sequence[Any]) -> tuple[Any, ...]:
    """As many cases as a page holds, those with problems or remarks before the others."""
    ranked = sorted(findings, key=lambda finding: (not finding.problem, not finding.remarks))
    return tuple(sorted(ranked[:N_CASES], key=lambda finding: finding.case_id))


def _file_table(found: Any, columns: Mapping[str, Sequence[str]], names: Sequence[str]) -> Any:
    table = plain_table("case", *names, left=range(len(names) + 1))
    for i, finding in enumerate(found.findings):
        add_row(table, finding.case_id, *(columns[name][i] for name in names), style="red" if finding.problem else "")
    return table


def _either(finding: Any, fact: str) -> str:
    """The fact that both files share, or `pred / truth` where they differ."""
    pred, truth = getattr(finding.pred, fact), getattr(finding.truth, fact)
    if not pred or not truth or pred == truth:
        return truth or pred or "–"
    return f"{pred} / {truth}"


def _ids(side: Any) -> str:
    """Ids with their voxel counts; of many, the most frequent."""
    shown = sorted(side.foreground.items(), key=lambda item: -item[1])[:4]
    more = " …" if len(side.foreground) > 4 else ""
    return " ".join(f"{label}:{n}" for label, n in sorted(shown)) + more or "–"
