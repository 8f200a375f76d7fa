"""Two or more runs side by side, paired by case."""

from segeval.tasks.compare.many import RankedMeasure, RankedRuns, rank
from segeval.tasks.compare.two import Comparison, Difference, compare

__all__ = ["Comparison", "Difference", "RankedMeasure", "RankedRuns", "compare", "rank"]
