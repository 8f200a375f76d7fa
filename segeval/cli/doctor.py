"""`segeval doctor`: what the files hold, and what would stop `score`."""

from typing import Any

import typer

from segeval.cli import console
from segeval.cli import options as o
from segeval.cli.tables import add_row, plain_table
from segeval.errors import DataError
from segeval.io.paths import printable
from segeval.options import ScoreOptions

_DEFAULT = ScoreOptions()


def doctor(
    ctx: typer.Context,
    pred: o.PredPath = None,
    truth: o.TruthPath = None,
    labels: o.Labels = None,
    regions: o.Regions = None,
    ignore_label: o.IgnoreLabel = None,
    include_background: o.IncludeBackground = False,
    pairs: o.Pairs = None,
    pred_pattern: o.PredPattern = None,
    truth_pattern: o.TruthPattern = None,
    pred_kind: o.PredKind = _DEFAULT.pred_kind,
    channel_axis: o.ChannelAxis = None,
    channel_files: o.ChannelFiles = None,
    missing: o.Missing = _DEFAULT.missing,
    geometry_tol: o.GeometryTol = _DEFAULT.geometry_tol,
    resample: o.Resample = False,
    ignore_geometry: o.IgnoreGeometry = False,
    spacing: o.Spacing = None,
    no_color: o.NoColor = False,
    config: o.Config = None,
    workers: o.Workers = _DEFAULT.workers,
) -> int:
    """Check pairs, geometry, types and label ids; score nothing. Exits 3 where `score` would stop."""
    from segeval.settings import resolve
    from segeval.tasks.doctor import audit

    found = audit(pred, truth, resolve(o.given(ctx, locals()), config).options)
    with console.screen(color=not no_color) as screen:
        print_audit(found, screen)
    return DataError.exit_code if found.problems else 0


def print_audit(found: Any, screen: Any) -> None:
    """One page: the labels over all files, the files, and what is wrong."""
    both = [one for one in found.findings if one.pred.shape and one.truth.shape]
    screen.print(f"{len(found.findings)} cases, {len(both)} of them with two readable files")
    for table in (_label_table(found), _file_table(found)):
        screen.print()
        screen.print(table)
    screen.print()
    for note in found.notes:
        screen.print(f"note: {note}")
    for one in found.problems:
        screen.print(f"problem: {printable(one.case_id)}: {one.problem}", style="red")
    screen.print(_verdict(found), style="bold red" if found.problems else "bold green")


def _verdict(found: Any) -> str:
    n = len(found.problems)
    if not n:
        return "score would run."
    return f"score would stop: {n} of {len(found.findings)} cases {'has a problem' if n == 1 else 'have problems'}."


def _label_table(found: Any) -> Any:
    """Every id: its class, in how many files it occurs, and how many voxels it has."""
    table = plain_table("id", "class", "truth files", "pred files", "truth voxels", "pred voxels", left=(1,))
    sides = {side: [getattr(one, side).voxels for one in found.findings] for side in ("truth", "pred")}
    for label in sorted({label for voxels in sides.values() for one in voxels for label in one}):
        in_files = (str(sum(label in one for one in sides[side])) for side in ("truth", "pred"))
        voxels = (str(sum(one.get(label, 0) for one in sides[side])) for side in ("truth", "pred"))
        add_row(table, str(label), _class_of(label, found.labels), *in_files, *voxels)
    return table


def _class_of(label: int, labels: Any) -> str:
    if label in labels.ignore:
        return "(ignored)"
    names = [one.name for one in labels.classes_among([label]) if label in one.ids]
    return ", ".join(names) or ("(background)" if label == 0 else "(no class)")


def _file_table(found: Any) -> Any:
    """A row per case; a cell shows both sides where they differ."""
    table = plain_table("case", "shape", "spacing mm", "axes", "type", "truth ids", "pred ids", "remark", left=range(8))
    for one in found.findings:
        cells = (_either(one, fact) for fact in ("shape", "spacing_mm", "orientation", "dtype"))
        remark = "PROBLEM, see below" if one.problem else "; ".join(one.remarks)
        row_style = "red" if one.problem else ""
        add_row(table, one.case_id, *cells, _ids(one.truth), _ids(one.pred), remark, style=row_style)
    return table


def _either(one: Any, fact: str) -> str:
    """The fact that both files share, or `pred / truth` where they differ."""
    pred, truth = getattr(one.pred, fact), getattr(one.truth, fact)
    if not pred or not truth or pred == truth:
        return truth or pred or "–"
    return f"{pred} / {truth}"


def _ids(side: Any) -> str:
    """Ids with their voxel counts, the most frequent first where there are many."""
    shown = sorted(side.foreground.items(), key=lambda item: -item[1])[:4]
    more = " …" if len(side.foreground) > 4 else ""
    return " ".join(f"{label}:{n}" for label, n in sorted(shown)) + more or "–"
