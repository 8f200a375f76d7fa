"""What a data set is cut to at each threshold: lesions found and false alarms, and what these are counted per."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar, Literal

import numpy as np

from segeval.evidence.shapes import Float64, Int64

Per = Literal["case", "negative_case", "ml", "lesion"]


@dataclass(frozen=True, kw_only=True, eq=False)
class Units:
    """Lesions and volume of each case, and how often it counts."""

    n_lesions: Int64[np.ndarray, " case"]
    ml: Float64[np.ndarray, " case"]
    weights: Float64[np.ndarray, " case"]

    def n(self, per: Per) -> float:
        """What false alarms are divided by."""
        match per:
            case "case":
                return float(self.weights.sum())
            case "negative_case":
                return float(self.weights @ (self.n_lesions == 0))
            case "ml":
                return float(self.weights @ self.ml)
        return float(self.weights @ self.n_lesions)


@dataclass(frozen=True, kw_only=True)
class Points:
    """What a data set is cut to at each distinct confidence, the highest first; equal ones enter together.

    `tp` are lesions that are found, `fp` false alarms, both summed over the cases; `fp_rate` is per what was asked.
    """

    threshold: Float64[np.ndarray, " point"]
    tp: Float64[np.ndarray, " point"]
    fp: Float64[np.ndarray, " point"]
    fp_rate: Float64[np.ndarray, " point"]
    n_lesions: float
    n_units: float

    @classmethod
    def over(
        cls, units: Units, per: Per, *, threshold: np.ndarray, tp: np.ndarray, fp: np.ndarray, counted: np.ndarray
    ) -> "Points":
        """Points of which `counted` are the false alarms that the rate speaks of."""
        n_units = units.n(per)
        with np.errstate(invalid="ignore", divide="ignore"):
            rate = counted / n_units
        n_lesions = units.n("lesion")
        return cls(threshold=threshold, tp=tp, fp=fp, fp_rate=rate, n_lesions=n_lesions, n_units=n_units)

    @property
    def sensitivity(self) -> Float64[np.ndarray, " point"]:
        """Share of the lesions that are found; nan where there is none."""
        with np.errstate(invalid="ignore", divide="ignore"):
            return self.tp / self.n_lesions

    @property
    def precision(self) -> Float64[np.ndarray, " point"]:
        """Hits among hits and false alarms; 0 where a resample has neither."""
        return self.tp / np.maximum(self.tp + self.fp, 1)


@dataclass(frozen=True, kw_only=True, eq=False)
class ThresholdedCase:
    """What one class of one case is cut to at each threshold, the highest first, its candidates found anew at each.

    `tp` are lesions found, `fp` false alarms. `is_known` is False where the prediction says nothing of the class.
    """

    case_id: str
    n_lesions: int
    threshold: Float64[np.ndarray, " point"]
    tp: Int64[np.ndarray, " point"]
    fp: Int64[np.ndarray, " point"]
    n_candidates: Int64[np.ndarray, " point"]
    is_known: bool = True


@dataclass(frozen=True, kw_only=True, eq=False)
class ThresholdSample:
    """The same for all cases of a data set, (case, point). A lower threshold may find less: candidates grow together.

    `weights` say how often each case counts.
    """

    threshold: Float64[np.ndarray, " point"]
    tp: Int64[np.ndarray, "case point"]
    fp: Int64[np.ndarray, "case point"]
    n_candidates: Int64[np.ndarray, " point"]
    n_lesions: Int64[np.ndarray, " case"]
    ml: Float64[np.ndarray, " case"]
    weights: Float64[np.ndarray, " case"]
    is_known: bool = True
    is_monotone: ClassVar[bool] = False

    @classmethod
    def of(cls, cases: Sequence[ThresholdedCase], ml: Mapping[str, float]) -> "ThresholdSample":
        """The sample of some cases, by the volume of each; those that are not among `cases` have nothing in them."""
        place = {case_id: i for i, case_id in enumerate(ml)}
        rows, threshold = [place[case.case_id] for case in cases], cases[0].threshold
        tp, fp = np.zeros((2, len(ml), len(threshold)), dtype=np.int64)
        n_lesions = np.zeros(len(ml), dtype=np.int64)
        tp[rows], fp[rows] = [case.tp for case in cases], [case.fp for case in cases]
        n_lesions[rows] = [case.n_lesions for case in cases]
        return cls(
            threshold=threshold,
            tp=tp,
            fp=fp,
            n_candidates=np.sum([case.n_candidates for case in cases], axis=0),
            n_lesions=n_lesions,
            ml=np.array(list(ml.values()), dtype=np.float64),
            weights=np.ones(len(ml)),
            is_known=all(case.is_known for case in cases),
        )

    def points(self, per: Per = "case") -> Points:
        """The operating points."""
        fp = self.weights @ self.fp
        return Points.over(
            Units(n_lesions=self.n_lesions, ml=self.ml, weights=self.weights),
            per,
            threshold=self.threshold,
            tp=self.weights @ self.tp,
            fp=fp,
            counted=(self.weights * (self.n_lesions == 0)) @ self.fp if per == "negative_case" else fp,
        )

    def drawn(self, weights: np.ndarray) -> "ThresholdSample":
        """The same with each case so often as a resample has it."""
        return replace(self, weights=weights)
