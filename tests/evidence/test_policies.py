import math

import pytest

from segeval.errors import ConfigError
from segeval.evidence.policies import distance_or_policy, read_empty_distance


@pytest.mark.parametrize(
    ("text", "distance"), [("inf", math.inf), ("nan", math.nan), ("diagonal", 373.13), ("50.5", 50.5), ("0", 0.0)]
)
def test_the_distance_to_a_missing_surface_is_what_the_user_chose(text: str, distance: float) -> None:
    policy = read_empty_distance(text)
    found = distance_or_policy(math.inf, policy=policy, diagonal=373.13)
    assert found == pytest.approx(distance, nan_ok=True)


@pytest.mark.parametrize("distance", [0.0, 2.5, math.nan])
def test_other_distances_stay_as_they_are(distance: float) -> None:
    found = distance_or_policy(distance, policy="diagonal", diagonal=373.13)
    assert found == pytest.approx(distance, nan_ok=True)


@pytest.mark.parametrize("text", ["far", "-1", "1e999", "", "INF "])
def test_what_is_no_length_is_refused_with_the_choices(text: str) -> None:
    with pytest.raises(ConfigError, match="Use inf, nan, diagonal or a number of mm"):
        read_empty_distance(text)
