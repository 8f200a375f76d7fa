"""`segeval sweep focal --maps`: which voxels carry the focal loss of one set of probability maps."""

from collections.abc import Sequence
from dataclasses import replace

from segeval.files.names import safe_name
from segeval.options import SweepOptions
from segeval.verbs.sweep.evidence.focal_terms import focal_cells, sides_of
from segeval.verbs.sweep.evidence.maps import ClassOverCases
from segeval.verbs.sweep.grid import focal_settings
from segeval.verbs.sweep.output.pictures import lines
from segeval.verbs.sweep.output.plots import Picture
from segeval.verbs.sweep.output.sheet import setting_text
from segeval.verbs.sweep.output.table import Row, SweepTable, mean_cells, with_means

SETTINGS = ("gamma", "alpha_pos")
COLUMNS = (
    *("loss_mean", "loss_num_pos", "pos_share", "neg_share", "hard_share", "easy_share"),
    *("pos_hard_share", "pos_easy_share", "neg_hard_share", "neg_easy_share"),
    *("top20_share_pos", "top20_share_neg", "n_eff", "n_eff_pos", "n_eff_neg", "n_eff_frac"),
    *("grad_pos_share", "grad_hard_share", "n_eff_grad", "frac_hard_pos", "frac_hard_neg", "alpha_balance"),
)
SHOWN = (
    *("loss_mean", "pos_share", "hard_share", "top20_share_pos", "top20_share_neg"),
    *("n_eff", "n_eff_frac", "grad_pos_share", "grad_hard_share", "alpha_balance"),
)
_DRAWN = {
    "pos_share": "positives",
    "hard_share": "hard voxels",
    "top20_share_neg": "hardest fifth of the negatives, of their own",
    "top20_share_pos": "hardest fifth of the positives, of their own",
}
_NOTES = (
    "One set of maps is weighed; the table says nothing about training with these losses.",
    "loss values of different (γ, α) are not comparable in size.",
    "n_eff = (Σ l)²/Σ l² is the effective number of voxels that carry the loss; no class count enters it.",
)


def sweep_focal_maps(classes: Sequence[ClassOverCases], options: SweepOptions) -> SweepTable:
    """Tabulate which share of the loss, and of its gradient, every (γ, α) puts on which voxels.

    Raises:
        ConfigError: the grid does not fit.
    """
    averaging = options.averaging or "pooled"
    table = SweepTable(
        loss="focal_loss",
        mode="maps",
        title="Where the focal loss of one set of probability maps lies",
        settings=SETTINGS,
        columns=(*COLUMNS, "approx"),
        rows=tuple(with_means({one.name: _rows(one, options) for one in classes}, SETTINGS, COLUMNS)),
        averaging=averaging,
        n_cases=len(classes[0].cases),
        caption={"easy": f"p_t >= {options.easy_threshold:g}", "voxels": _WHICH[averaging]},
        notes=_NOTES,
        shown=SHOWN,
    )
    return replace(table, pictures=tuple(_shares(table, one.name) for one in classes))


def _shares(table: SweepTable, name: str) -> Picture:
    """Shares against γ for the first α of the grid."""
    of_class = [row for row in table.rows if row["class"] == name]
    rows = tuple(row for row in of_class if row["alpha_pos"] == of_class[0]["alpha_pos"])
    picture = lines(
        replace(table, rows=rows, title=f"Share of the focal loss: {name}, α = {setting_text(rows[0]['alpha_pos'])}"),
        name=f"focal_shares_{safe_name(name)}",
        x=("gamma", "γ"),
        y_label="share",
        columns=_DRAWN,
    )
    return replace(picture, y_range=(0.0, 1.02))


_WHICH = {"pooled": "of all cases pooled", "case": "of each case, averaged over the cases"}


def _rows(maps: ClassOverCases, options: SweepOptions) -> list[Row]:
    per_case = options.averaging == "case"
    histograms = [one.histogram for one in maps.cases] if per_case else [maps.pooled]
    sides = [sides_of(one) for one in histograms]
    rows: list[Row] = []
    for one in focal_settings(options):
        cells = [
            focal_cells(of_case, gamma=one["gamma"], alpha=one["alpha_pos"], easy=options.easy_threshold)
            for of_case in sides
        ]
        note = "" if maps.curve.n_truth else f"no voxel of {maps.name}"
        rows.append({**one, **mean_cells(cells, COLUMNS), "approx": maps.curve.approx, "note": note})
    return rows
