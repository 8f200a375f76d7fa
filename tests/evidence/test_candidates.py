"""Which parts of a prediction are its candidates, and whose confidences they have."""

import numpy as np
import pytest

from segeval.evidence.case import Confidences
from segeval.evidence.detection.candidates import CandidateRule, CaseCandidates
from segeval.evidence.lesions.lesions import Lesions
from segeval.evidence.probabilities.channels import ProbMap
from tests.masks import ONE

PRED = np.array([[1, 0, 1, 1]], dtype=np.uint8)
PROBS = np.array([[0.9, 0.7, 0.6, 0.2]])  # of which the parts above one half are others
IDS = np.array([[1, 0, 2, 2]])


@pytest.mark.parametrize("who", ["the file", "the map", "nobody"])
@pytest.mark.parametrize("are_ids", [False, True])
def test_given_candidates_are_the_parts_of_the_mask_whatever_the_map_is(who: str, are_ids: bool) -> None:
    given = Confidences(source="sure.csv", of={("one", 1): 0.3, ("one", 2): 0.8}) if who == "the file" else None
    maps = None if who == "nobody" else (ProbMap(stored=PROBS),)
    lesions = Lesions.of(PRED, PRED, classes=ONE, instances=(IDS if are_ids else None, None))
    found = CaseCandidates(case_id="a", lesions=lesions, maps=maps, given=given).found(0, CandidateRule())
    assert found is not None
    if who == "the map" and not are_ids:
        assert (found.parts.n_voxels.tolist(), found.confidence.tolist()) == ([3], [0.9])
    else:
        expected = {"the file": [0.3, 0.8], "the map": [0.9, 0.6], "nobody": [1.0, 1.0]}[who]
        assert (found.parts.n_voxels.tolist(), found.confidence.tolist()) == ([1, 2], expected)
