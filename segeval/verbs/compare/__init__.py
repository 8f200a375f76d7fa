"""Two or more runs side by side, paired by case."""

from segeval.verbs.compare.many import RankedMeasure, RankedRuns, rank
from segeval.verbs.compare.two import Comparison, Difference, compare

__all__ = ["Comparison", "Difference", "RankedMeasure", "RankedRuns", "compare", "rank"]
