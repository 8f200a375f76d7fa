"""Where the case id stands in the names of two folders, as far as the names themselves tell."""

import re
from collections import Counter
from collections.abc import Sequence

from segeval.files.suffixes import image_suffix
from segeval.images.pairing.folders import CaseFiles

_MOST_COMPARED = 500  # names of either side
_BETWEEN = re.compile(r"[\W_]")  # words of a name


def proposed_patterns(pred: CaseFiles, truth: CaseFiles) -> str:
    """The patterns that fit most names, for the end of a message; where nothing tells, the form of one."""
    found = _of_names_in_names(pred, truth) or _of_common_parts(pred, truth)
    return f": {found}" if found else ", as in --pred-pattern '{case}_pred.nii.gz'"


def _of_names_in_names(pred: CaseFiles, truth: CaseFiles) -> str:
    """One side's names hold those of the other, as `a_pred` holds `a`."""
    for longer, shorter, option in ((pred, truth, "--pred-pattern"), (truth, pred, "--truth-pattern")):
        around = Counter(
            f"{before}{{case}}{after}{image_suffix(path) or ''}"
            for case_id, path in list(longer.files.items())[:_MOST_COMPARED]
            for other in list(shorter.files)[:_MOST_COMPARED]
            for before, found, after in [case_id.partition(other)]
            if found
        )
        if around:
            return f"{option} '{around.most_common(1)[0][0]}'"
    return ""


def _of_common_parts(pred: CaseFiles, truth: CaseFiles) -> str:
    """Names of a side begin and end alike, and what stands between is the same on both, as of `a_pred` and `a_gt`."""
    sides = [[*side.files] for side in (pred, truth)]
    if min(map(len, sides)) < 2:
        return ""
    before = [_common_start(names) for names in sides]
    after = [_common_end([name[len(start) :] for name in names]) for names, start in zip(sides, before, strict=True)]
    # what both sides have there is of the ids, as the zeros of `pred_001` and `gt_001`
    n_start, n_end = len(_BETWEEN.split(_common_end(before))[-1]), len(_BETWEEN.split(_common_start(after))[0])
    before, after = [start[: len(start) - n_start] for start in before], [end[n_end:] for end in after]
    ids = [
        {name[len(start) : len(name) - len(end)] for name in names}
        for names, start, end in zip(sides, before, after, strict=True)
    ]
    if not ids[0] & ids[1]:
        return ""
    options = ("--pred-pattern", "--truth-pattern")
    return " ".join(
        f"{option} '{start}{{case}}{end}{image_suffix(next(iter(side.files.values()))) or ''}'"
        for option, side, start, end in zip(options, (pred, truth), before, after, strict=True)
    )


def _common_start(names: Sequence[str]) -> str:
    first, last = min(names), max(names)
    n = next((at for at, (one, other) in enumerate(zip(first, last, strict=False)) if one != other), len(first))
    return first[:n]


def _common_end(names: Sequence[str]) -> str:
    return _common_start([name[::-1] for name in names])[::-1]
