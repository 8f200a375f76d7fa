"""How many objects each case has on either side, kept apart by case, since what is asked is how they vary."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np

from segeval.evidence.additive import CasesApart, EachCase
from segeval.evidence.lesions.components import Connectivity
from segeval.evidence.lesions.lesions import Lesions
from segeval.evidence.shapes import Float64, PerLabel
from segeval.measure import ratio


@dataclass(frozen=True, kw_only=True, eq=False)
class CountSample:
    """The numbers of one class in all cases; `weights` say how often each counts."""

    pred: Float64[np.ndarray, " case"]
    truth: Float64[np.ndarray, " case"]
    weights: Float64[np.ndarray, " case"]

    @property
    def r2(self) -> float:
        """Coefficient of determination; nan where the true number does not vary."""
        mean = ratio(self.weights @ self.truth, self.weights.sum())
        around = self.weights @ (self.truth - mean) ** 2
        return float(1 - ratio(self.weights @ (self.pred - self.truth) ** 2, around)) if around > 0 else np.nan


class ObjectCounts(CasesApart):
    """The case, its predicted and its true objects: `EachCase` of each class; samples once the cases are known."""

    @classmethod
    def read(cls, lesions: Lesions, *, connectivity: Connectivity, min_size_mm3: float) -> "ObjectCounts":
        """Count the objects of every class of a case."""
        every = range(len(lesions.classes))
        each = [lesions.tally(which, connectivity=connectivity, min_size_mm3=min_size_mm3) for which in every]
        return cls.stack([cls(cases=EachCase(((lesions.case_id, one.n_pred, one.n_truth),))) for one in each])

    def over(self, ml: Mapping[str, float]) -> "ObjectCounts":
        """The samples of the whole data set, whose cases are those of `ml`; a case without the class has no object."""

        def sample(one: EachCase) -> CountSample:
            of = {case_id: numbers for case_id, *numbers in one.cases}
            pred, truth = np.array([of.get(case_id, (0, 0)) for case_id in ml], dtype=np.float64).T
            return CountSample(pred=pred, truth=truth, weights=np.ones(len(ml)))

        return self.each(sample)

    def drawn(self, weights: np.ndarray) -> "ObjectCounts":
        """The same with each case so often as a resample has it."""
        return self.each(lambda one: replace(one, weights=weights))

    def values(self, formula: Callable[[CountSample], float]) -> PerLabel:
        """A number for each class."""
        return np.array([formula(one) for one in self.cases], dtype=np.float64)
