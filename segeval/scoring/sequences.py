"""What scores of videos say of each object in its sequence: a row for each, of which the summary has the mean."""

from typing import Any

import numpy as np

from segeval.evidence.additive import ByClass
from segeval.results import Table
from segeval.scoring.evidence import state_key
from segeval.scoring.pooled import PooledCases


def sequences_of(together: PooledCases) -> Table | None:
    """A row per sequence and class with a column per measure of videos; None where no such measure is chosen."""
    calls = [call for call in together.plan.at("class") if call.measure.needs[0].__name__ == "Frames"]
    rows: dict[tuple[str, str], dict[str, Any]] = {}
    for call in calls:
        total = together.totals.get(state_key(call.measure.needs[0], call, "class"))
        if not isinstance(total, ByClass):
            continue
        for of in (of for of in together.classes if of in total.rows):
            state: Any = total.stacked([of])
            state = state.over(together.volumes_ml)
            for one in state.cases[0]:
                alone = np.empty(1, dtype=object)
                alone[0] = (one,)
                row = rows.setdefault(
                    (one.sequence, of.name), {"sequence": one.sequence, "class": of.name, "n_frames": len(one.iou)}
                )
                row[call.column] = float(call(type(state)(cases=alone))[0])
    columns = ("sequence", "class", "n_frames", *(call.column for call in calls))
    return Table(columns=columns, rows=tuple(rows[key] for key in sorted(rows))) if calls else None
