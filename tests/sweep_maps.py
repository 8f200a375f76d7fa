"""Small probability maps for the tests of sweeps."""

from collections.abc import Sequence

import numpy as np
from hypothesis import strategies as st

from segeval.evidence.case import Case
from segeval.evidence.labels import LabelClass
from segeval.evidence.probabilities.channels import Channels, Layout, ProbMap
from segeval.evidence.probabilities.scored_map import ScoredMap
from segeval.verbs.sweep.maps.cases import MOST_LEVELS, ClassOfCase, ClassOverCases

# data B and M of the worked examples
B = (np.array([0.9, 0.4, 0.3, 0.6, 0.2, 0.1, 0.1, 0.05]), np.array([1, 1, 1, 0, 0, 0, 0, 0], dtype=bool))
M = (
    np.array(
        [
            [0.8, 0.6, 0.5, 0.2, 0.2, 0.5, 0.1],
            [0.1, 0.3, 0.2, 0.3, 0.7, 0.4, 0.3],
            [0.1, 0.1, 0.3, 0.5, 0.1, 0.1, 0.6],
        ]
    ),
    np.array([0, 0, 0, 0, 1, 1, 2]),
)

Map = tuple[np.ndarray, np.ndarray]


def scored(probs: np.ndarray, inside: np.ndarray) -> ScoredMap:
    """The voxels of one map."""
    return ScoredMap(map=ProbMap(stored=probs), truth=inside)


def class_maps(*maps: Map, name: str = "lesion", binned: bool = False) -> ClassOverCases:
    """One class over as many cases as there are maps."""
    most_levels = 0 if binned else MOST_LEVELS
    cases = tuple(ClassOfCase.count(f"case_{i}", scored(*one), most_levels=most_levels) for i, one in enumerate(maps))
    return ClassOverCases(name=name, cases=cases)


def softmax_case(probs: np.ndarray, ids: np.ndarray, names: Sequence[str] = ("one", "two")) -> Case:
    """A case whose channels share out the probability, background first."""
    classes = tuple(LabelClass(name=name, ids=(i + 1,)) for i, name in enumerate(names))
    background = LabelClass(name="background", ids=(0,))
    maps = tuple(ProbMap(stored=one[:, None]) for one in probs)
    channels = Channels(maps=maps, layout=Layout(classes=(background, *classes), exclusive=True))
    truth = ids[:, None].astype(np.uint8)
    return Case(case_id="case", pred=np.zeros_like(truth), truth=truth, probs=channels)


@st.composite
def maps_with_ties(draw: st.DrawFn) -> Map:
    """A map of few different probabilities, with at least one voxel of the class."""
    n = draw(st.integers(2, 30))
    steps = draw(st.lists(st.integers(0, 10), min_size=n, max_size=n))
    truth = draw(st.lists(st.booleans(), min_size=n, max_size=n).filter(any))
    return np.array(steps) / 10, np.array(truth)


def random_map(seed: int, n: int = 4000) -> Map:
    """Probabilities that come true as often as they say."""
    generator = np.random.default_rng(seed)
    p = generator.beta(0.3, 2.0, size=n)
    return p, generator.random(n) < p
