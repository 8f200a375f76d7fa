"""Topology metrics: how the number of parts, tunnels and cavities differ, and how centre lines agree.

Features are counted, not matched: equally many in different places give an error of 0.
"""

import numpy as np

from segeval.evidence.shapes import CountPerLabel, PerLabel
from segeval.evidence.topology import Foreground, Skeletons, Topology
from segeval.measure import metric, ratio

POSITIVE = (0.0, float("inf"))
UNIT = (0.0, 1.0)
_CLDICE = "Shit et al. 2021, arXiv:2003.07311"
_BETTI = "Hu et al. 2019, arXiv:1906.05404"


@metric(symbol="|Δb0|", formula="|b0(P) − b0(T)|", bounds=POSITIVE, better="lower", reference=_BETTI)
def betti_error_0(topology: Topology, *, connectivity: Foreground = "full") -> PerLabel:
    """How many parts there are too many or too few."""
    pred, truth = topology.betti(connectivity=connectivity)
    return _difference(pred.b0, truth.b0)


@metric(symbol="|Δb1|", formula="|b1(P) − b1(T)|", bounds=POSITIVE, better="lower", reference=_BETTI)
def betti_error_1(topology: Topology, *, connectivity: Foreground = "full") -> PerLabel:
    """How many tunnels (holes in 2-D) there are too many or too few."""
    pred, truth = topology.betti(connectivity=connectivity)
    return _difference(pred.b1, truth.b1)


@metric(symbol="|Δb2|", formula="|b2(P) − b2(T)|", bounds=POSITIVE, better="lower", reference=_BETTI)
def betti_error_2(topology: Topology, *, connectivity: Foreground = "full") -> PerLabel:
    """How many cavities there are too many or too few; a 2-D mask has none."""
    pred, truth = topology.betti(connectivity=connectivity)
    return _difference(pred.b2, truth.b2)


@metric(symbol="Σ|Δb|", formula="|Δb0| + |Δb1| + |Δb2|", bounds=POSITIVE, better="lower", reference=_BETTI)
def betti_error(topology: Topology, *, connectivity: Foreground = "full") -> PerLabel:
    """Errors in the numbers of parts, tunnels and cavities together, over the whole image."""
    pred, truth = topology.betti(connectivity=connectivity)
    return _difference(pred.b0, truth.b0) + _difference(pred.b1, truth.b1) + _difference(pred.b2, truth.b2)


@metric(symbol="|Δχ|", formula="|χ(P) − χ(T)|", bounds=POSITIVE, better="lower")
def euler_error(topology: Topology, *, connectivity: Foreground = "full") -> PerLabel:
    """Difference of the Euler characteristics: parts minus tunnels plus cavities."""
    pred, truth = topology.betti(connectivity=connectivity)
    return _difference(pred.euler, truth.euler)


@metric(symbol="Tprec", formula="|S_P ∩ T| / |S_P|", bounds=UNIT, better="higher", reference=_CLDICE)
def cl_precision(skeletons: Skeletons) -> PerLabel:
    """Share of the predicted centre line that lies in the true mask."""
    return ratio(skeletons.pred_in_truth, skeletons.pred)


@metric(symbol="Tsens", formula="|S_T ∩ P| / |S_T|", bounds=UNIT, better="higher", reference=_CLDICE)
def cl_sensitivity(skeletons: Skeletons) -> PerLabel:
    """Share of the true centre line that lies in the predicted mask."""
    return ratio(skeletons.truth_in_pred, skeletons.truth)


@metric(symbol="clDice", formula="2ab / (a + b), a = Tprec, b = Tsens", bounds=UNIT, better="higher", reference=_CLDICE)
def cldice(skeletons: Skeletons) -> PerLabel:
    """Harmonic mean of `cl_precision` and `cl_sensitivity`; 0 where the centre lines miss both masks.

    Meant for tubes. Thinning depends on the order and direction of the axes, and spacing is ignored.
    """
    a, b = skeletons.pred_in_truth.astype(float), skeletons.truth_in_pred.astype(float)
    score = ratio(2 * a * b, a * skeletons.truth + b * skeletons.pred)
    misses = (a == 0) & (b == 0) & (skeletons.pred + skeletons.truth > 0)
    return np.where(misses, 0.0, score)


def _difference(pred: CountPerLabel, truth: CountPerLabel) -> PerLabel:
    return np.abs(pred - truth).astype(np.float64)
