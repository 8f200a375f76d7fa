"""Raw scores of a network as log odds, which keep the precision of a probability near 0 and 1."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from segeval.evidence.probabilities.channels import Channels, ProbMap, blocks

_TINY = float(np.finfo(np.float64).tiny)


def activated(logits: Channels) -> Channels:
    """Channels of probabilities from channels whose maps hold logits.

    The logit of a sigmoid is its log odds. Those of a softmax are the logit minus logsumexp of the others.
    """
    if not logits.layout.exclusive or len(logits.maps) == 1:
        return logits
    odds = _softmax_log_odds([one.stored for one in logits.maps])
    return replace(logits, maps=tuple(ProbMap(stored=one, is_log_odds=True) for one in odds))


def _softmax_log_odds(logits: Sequence[np.ndarray]) -> list[np.ndarray]:
    odds = [np.empty_like(one, dtype=np.promote_types(one.dtype, np.float32)) for one in logits]
    for block in blocks(logits[0]):
        here = np.stack([one[block] for one in logits]).astype(np.float64)
        for one, values in zip(odds, _log_odds(here), strict=True):
            one[block] = values
    return odds


def _log_odds(logits: np.ndarray) -> np.ndarray:
    """Along the first axis; the others are added up, since taking one from the total would lose the small ones."""
    shifted = logits - logits.max(axis=0)
    parts = np.exp(shifted)
    none = np.zeros_like(parts[:1])
    before = np.concatenate([none, parts[:-1].cumsum(axis=0)])
    after = np.concatenate([parts[:0:-1].cumsum(axis=0)[::-1], none])
    return shifted - np.log(np.maximum(before + after, _TINY))
