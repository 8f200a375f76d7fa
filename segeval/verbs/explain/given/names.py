"""What the names in somebody's file mean here: measures, cases and classes."""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import PurePath

import numpy as np

from segeval import catalogue
from segeval.choice import measure_of
from segeval.errors import ConfigError, nearest
from segeval.evidence.labels import LabelClass
from segeval.files.suffixes import stem


def words(text: str) -> frozenset[str]:
    """The words of a text."""
    return frozenset(text.split())


# what tools and papers call our measures, without case, spaces and signs; the catalogue's own aliases come first
_CALLED = {
    "dice": "dc dicescore dicecoefficient dicemetric dicesimilarity dicesimilaritycoefficient dsccoefficient f1score "
    "sorensen sorensendice meandice globalbindsc volumedice voldice",
    "iou": "jc jac jaccardcoefficient jaccardscore jaccardsimilarity intersectionoverunion threatscore globalbiniou",
    "sensitivity": "sens truepositiverate hitrate recallscore",
    "specificity": "spec truenegativerate selectivity",
    "precision": "positivepredictivevalue precisionscore",
    "npv": "negativepredictivevalue",
    "fpr": "falsepositiverate falsepositiveerror",
    "fnr": "falsenegativerate falsenegativeerror missrate",
    "fdr": "falsediscoveryrate falsediscoveryerror",
    "accuracy": "acc accuracyscore pixelaccuracy",
    "volume_similarity": "vs volumesimilarity volumetricsimilarity",
    "relative_volume_difference": "ravd rvd rve relativevolumeerror relativeabsolutevolumedifference globalbinrvd",
    "hd": "maxhausdorff hausdorff100 hd100 maxhd globalbinhd",
    "hd95": "95hd hausdorff95percentile 95hausdorff hausdorffdistance95 hausdorffdistance95percentile robusthausdorff "
    "hd95mm hdp95 percentilehausdorff 95hausdorffdistance hd95percentile globalbinhd95",
    "assd": "msd averagesymmetricsurfacedistance avgsurfacedistance averagesurfacedistance assdmm asd globalbinassd",
    "median_surface_distance": "mdsd mediansurfacedistance",
    "sd_surface_distance": "stdsd stdsurfacedistance",
    "nsd": "normalizedsurfacedice normalisedsurfacedice normalizedsurfacedistance surfacedicescore sdsc sdc "
    "surfacedsc surfdice globalbinnsd",
    "boundary_iou": "biou",
    "cldice": "cldsc centerlinedice globalbincldsc",
    "pq": "panopticquality",
    "sq": "segmentationquality",
    "rq": "recognitionquality",
}
CASE_HEADINGS = words(
    "case caseid casename id name file filename filepath image imageid imagename img subject subjectid subjectname "
    "patient patientid patientname sample study scan key index volume prediction pred"
)
CLASS_HEADINGS = words("class classname label labels labelname organ structure roi region segment target")
MEASURE_HEADINGS = words("metric measure metricname measurename")
VALUE_HEADINGS = words("value score result metricvalue number")
TOTALS = words("mean average avg overall total all macro summary foregroundmean nanmean")
# columns that say something of a case and are no measure of agreement
FACTS = words(
    "tp fp fn tn npred ntruth nref status shape spacing spacingmm probabilitysource time runtime seconds fold "
    "threshold error path predfile truthfile dims unnamed0 numprinstances numrefinstances"
)
SPREADS = words("std sd stddev median min max var percentile 5percentile 95percentile 25 50 75 count")


def plain(text: str) -> str:
    """A name without case, spaces and signs."""
    return re.sub(r"[^0-9a-z]", "", text.lower())


@cache
def _known() -> dict[str, str]:
    ours = {plain(name): one.name for one in catalogue.measures().values() for name in (one.name, *one.aliases)}
    theirs = {name: ours for ours, names in _CALLED.items() for name in names.split()}
    return {**ours, **theirs}


def measure_named(text: str) -> str | None:
    """The measure of the catalogue that a heading means, None if it is none."""
    return _known().get(plain(text))


def column_measure(heading: str) -> str | None:
    """The same of a whole heading that may be one of our columns, `hd95[medpy]` or `nsd(tolerance_mm=2)`."""
    if measure_named(heading) or not heading.endswith((")", "]")):
        return measure_named(heading)
    try:
        return measure_of(heading).name
    except ConfigError:
        return None


def split_heading(heading: str) -> tuple[str, str] | None:
    """Measure and what is left of a heading that names both a class and a measure, such as `liver_dice`.

    The longest run of words that is a measure counts, since `hd 95` is not `hd`.
    """
    words = [word for word in re.split(r"[\s_\-.:/()\[\]|]+", heading) if word]
    runs = [(i, j) for i in range(len(words)) for j in range(len(words), i, -1)]
    for i, j in sorted(runs, key=lambda run: run[0] - run[1]):
        measure = measure_named("".join(words[i:j]))
        if measure is not None:
            return measure, "_".join([*words[:i], *words[j:]])
    return None


@dataclass(frozen=True, kw_only=True)
class Vocabulary:
    """The cases and classes there are."""

    case_ids: tuple[str, ...]
    classes: tuple[LabelClass, ...]

    def case_of(self, text: str) -> str | None:
        """The case that a name means: the same, its file, or the one case whose name holds it or is held by it."""
        return _same(text, self.case_ids) or _same(stem(PurePath(text.replace("\\", "/"))), self.case_ids)

    def nearest_case(self, text: str) -> str | None:
        return nearest(text, self.case_ids)

    def class_of(self, text: str) -> int | None:
        """The place of a class among ours, by its name or id; None if it is none of them."""
        name = plain(text)
        names = {plain(row.name): i for i, row in enumerate(self.classes)}
        ids = {str(row.ids[0]): i for i, row in enumerate(self.classes) if len(row.ids) == 1}
        numbered = re.fullmatch(r"(?:class|label|c|id|roi|organ)?(\d+)", name)
        return names.get(name, ids.get(str(int(numbered[1]))) if numbered else None)


def _same(text: str, known: Sequence[str]) -> str | None:
    if text in known:
        return text
    by_plain = {plain(name): name for name in known}
    if len(by_plain) == len(known) and plain(text) in by_plain:
        return by_plain[plain(text)]
    wanted = plain(text)
    near = [name for name in known if wanted and (wanted in plain(name) or (plain(name) and plain(name) in wanted))]
    return near[0] if len(near) == 1 and _differs_in_words(wanted, plain(near[0])) else None


def _differs_in_words(one: str, other: str) -> bool:
    """Whether the longer name adds letters, as `_pred` does, and no digit that would make it another case."""
    longer, shorter = sorted((one, other), key=len, reverse=True)
    return not any(map(str.isdigit, longer.replace(shorter, "", 1)))


def patients_of(case_ids: Sequence[str]) -> tuple[list[str], np.ndarray | None]:
    """Patients, and which of them each case is of, as far as names say it: all but the last part, `patient_07-frame12`.

    None, and no names, where that makes each case a patient of its own, or all cases one.
    """
    owners = [re.sub(r"[\s_.\-][^\s_.\-]*$", "", case_id) for case_id in case_ids]
    names, patients = np.unique(owners, return_inverse=True)
    return (names.tolist(), patients) if 1 < len(names) < len(case_ids) else ([], None)


def is_total(text: str) -> bool:
    return plain(text) in TOTALS


def is_heading(text: str, names: Collection[str]) -> bool:
    return plain(text) in names


def is_fact(heading: str) -> bool:
    return plain(heading) in FACTS or not plain(heading)
