"""The verbs: `report` writes the page of a run, `show` the picture of a case."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from segeval.errors import ConfigError, did_you_mean
from segeval.evidence.case import Case
from segeval.files.marked import write_marked
from segeval.files.ours import RUN_FILE
from segeval.files.paths import printable
from segeval.results import Results
from segeval.results.csv_tables import jsonable
from segeval.results.run_json import run_document
from segeval.results.run_schema import checked_document
from segeval.results.stored_runs import file_of_run, refuse_shard, stored_lesions
from segeval.verbs.report.content import RunContent, content_of
from segeval.verbs.report.facts import report_page
from segeval.verbs.report.pictures import CasePictures, PictureOptions, pictures_of_worst
from segeval.verbs.report.review import Review, read_review
from segeval.verbs.report.slices import groups_of_run

if TYPE_CHECKING:
    from segeval.verbs.report.overlays import Picture

PAGE = "report.html"


@dataclass(frozen=True, kw_only=True)
class ReportOptions:
    """What `segeval report` can be told besides the run.

    Attributes:
        out: the file to write; by default `report.html` in the folder of the run.
        gate: rules whose verdict opens the page.
        review: marks of an earlier look at the cases.
        case_table, by: facts about the cases and the columns to group by; else the groups are those of the run.
        figures: folder for the charts as SVG, PNG and PDF.
    """

    out: Path | None = None
    title: str = "Segmentation report"
    gate: Path | None = None
    review: Path | None = None
    case_table: Path | None = None
    by: tuple[str, ...] = ()
    pictures: PictureOptions = field(default_factory=PictureOptions)
    figures: Path | None = None


def report(run: Path, options: ReportOptions) -> Path:
    """Write the page of a stored run, and say where it is.

    Raises:
        ConfigError: there is no such run, it has another form, or a file cannot be written.
        DataError: pictures are asked for and the files of the run are no longer there.
    """
    file, document = read_document(run)
    if options.by or options.case_table:
        document |= {"groups": groups_of_run(document, file, options.case_table, options.by)}
    lesions, lack = stored_lesions(file, document)
    document |= {"lesions": lesions}
    if lack:
        document |= {"warnings": [*document.get("warnings", []), f"{lack}, so that this page has no lesions."]}
    content = content_of(document, table=lambda name: rows_of(document, name))
    pictures: Mapping[str, Sequence[Mapping[str, Any]]] = {}
    if options.pictures.worst:
        drawn = CasePictures(document, path=file, options=options.pictures)
        pictures = pictures_of_worst(content, drawn, worst=options.pictures.worst)
    verdict = verdict_of(run, options) if options.gate is not None else None
    review = read_review(options.review, (row["case"] for row in content.cases)) if options.review else Review()
    page = report_page(content, title=options.title, verdict=verdict, pictures=pictures, review=review)
    out = options.out or file.with_name(PAGE)
    write_marked(out, page.encode())
    if options.figures is not None:
        from segeval.verbs.report.figures import write_figures

        write_figures(content, options.figures)
    return out


def figures(run: Path, folder: Path) -> list[Path]:
    """Write the charts of a stored run as SVG, PNG and PDF, and say where they are.

    Raises:
        ConfigError: there is no such run, the package that draws is not installed, or a file cannot be written.
    """
    from segeval.verbs.report.figures import write_figures

    _, document = read_document(run)
    return write_figures(content_of(document, table=lambda name: rows_of(document, name)), folder)


def report_runs(
    runs: Sequence[Path], *, out: Path | None, title: str, case_table: Path | None = None, by: Sequence[str] = ()
) -> Path:
    """Write the page of several runs, or of a sweep, and say where it is.

    Args:
        case_table, by: of two runs: facts about the cases, and the columns to group by.

    Raises:
        ConfigError: a run cannot be read, the runs may not be compared, or the file cannot be written.
        UnfinishedError: a run was interrupted.
    """
    from segeval.verbs.report.runs import runs_page, sweep_page

    document = sweep_document(runs[0]) if len(runs) == 1 else None
    page = (
        runs_page(runs, title=title, case_table=case_table, by=by)
        if document is None
        else sweep_page(document, runs[0], title=title)
    )
    target = out or (runs[0] / PAGE if document is not None else Path(PAGE))
    write_marked(target, page.encode())
    return target


def sweep_document(run: Path) -> dict[str, Any] | None:
    """The `run.json` of a folder that `segeval sweep` wrote; None where it is none."""
    try:
        document = json.loads((run / RUN_FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return None
    is_sweep = isinstance(document, dict) and (document.get("tool"), document.get("kind")) == ("segeval", "sweep")
    return document if is_sweep else None


def show(
    run: Path, case_id: str, class_name: str | None, *, out: Path, options: PictureOptions, distances: bool
) -> str:
    """Write one class of a case as a PNG, and return what it shows in words.

    Raises:
        ConfigError: the run has no such case or class, or the file cannot be written.
        DataError: the files of the case cannot be read, or have changed since the run.
    """
    from segeval.verbs.report.overlays import picture_of

    file, document = read_document(run)
    content = content_of(document, table=lambda name: rows_of(document, name))
    drawn = CasePictures(document, path=file, options=options)
    name = class_name or _class_to_show(content, case_id)
    picture = picture_of(drawn.masks(case_id, name), title=f"{case_id}, {name}", distances=distances)
    write_marked(out, picture.png)
    return picture.caption


def picture_of_results(
    results: Results, case_id: str, class_name: str | None, case_again: Callable[[str], Case] | None
) -> "Picture":
    """The picture of a case of results in memory.

    Args:
        case_again: gives the masks of a case; without it they are read from the files of the run.

    Raises:
        ConfigError: there is no such case or class.
        DataError: the files of the case cannot be read.
    """
    from segeval.verbs.report.overlays import masks_of, picture_of

    document = jsonable(run_document(results))
    name = class_name or _class_to_show(content_of(document, table=lambda table: rows_of(document, table)), case_id)
    if case_again is None:
        masks = CasePictures(document, path=Path("these results"), options=PictureOptions()).masks(case_id, name)
    else:
        cases, classes = [row.case_id for row in results.case_rows], {row.name: row for row in results.classes}
        for what, asked, known in (("case", case_id, cases), ("class", name, [*classes])):
            if asked not in known:
                raise ConfigError(f"There is no {what} {asked!r} in these results.{did_you_mean(asked, known)}")
        masks = masks_of(case_again(case_id), classes[name])
    return picture_of(masks, title=f"{case_id}, {name}")


def _class_to_show(content: RunContent, case_id: str) -> str:
    """The class of a case that went worst."""
    if not content.classes:
        raise ConfigError("The run has no class to show.")
    rows = [row for row in content.scores if row["case"] == case_id and row["status"] != "absent_both"]
    if not rows or not content.measures:
        return content.classes[0]
    first = content.measures[0]
    known = [row for row in rows if row[first] is not None]
    pick = min if content.definitions[first]["better"] == "higher" else max
    return str(pick(known, key=lambda row: float(row[first]))["class"] if known else rows[0]["class"])


def read_document(run: Path) -> tuple[Path, dict[str, Any]]:
    """The `run.json` of a run, which a page is made from.

    Raises:
        ConfigError: nothing is there, or it is no run of `segeval score`.
    """
    file = file_of_run(run)
    try:
        document = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise ConfigError(
            f"{printable(file)}: is no run.json ({error}). Name a folder that `segeval score` wrote."
        ) from error
    if isinstance(document, dict):
        refuse_shard(document, run)
    if not isinstance(document, dict) or document.get("tool") != "segeval" or document.get("kind") != "score":
        raise ConfigError(f"{printable(file)}: is no run of `segeval score`. Name a folder that it wrote.")
    return file, checked_document(document, where=printable(file))


def rows_of(document: Mapping[str, Any], name: str) -> list[dict[str, Any]]:
    """The rows of a table of a run, by column; none where the run has no such table."""
    return [dict(row) for row in document.get(name, [])]


def verdict_of(run: Path, options: ReportOptions) -> dict[str, Any]:
    """What a gate says of the run, in the words of the page; a review stands in for its case table."""
    from segeval.verbs.gate.gating import GateOptions, gate
    from segeval.verbs.report.content import number_text

    said = gate(run, GateOptions(config=options.gate, case_table=options.review))
    return {
        "outcome": {"passed": "pass", "failed": "fail"}.get(said.outcome, "inconclusive"),
        "headline": said.headline,
        "notes": list(said.notes),
        "rules": [
            {
                "outcome": verdict.outcome,
                "name": verdict.name,
                "asked": f"{verdict.stat} {verdict.measure}".strip()
                + (f": {verdict.reason}" if verdict.reason else ""),
                "value": number_text(verdict.value),
                "limit": number_text(verdict.limit),
                "worst": ", ".join(case.case_id for case in verdict.worst),
            }
            for verdict in said.gravest_first()
        ],
    }
