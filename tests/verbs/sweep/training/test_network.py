"""Every network of a sweep starts from the same weights, and from the prior."""

import numpy as np
import pytest
import torch

from segeval.verbs.sweep.training.network import build_network, fingerprint, n_parameters, prior_logits
from segeval.verbs.sweep.training.recipe import Recipe

PLANES = {2: (16, 12), 3: (8, 8, 4)}


def network(n_space=2, prior=(0.01,), seed=0, **options):
    torch.manual_seed(seed)
    return build_network(Recipe(patch=PLANES[n_space], width=4, **options), n_in=1, prior=prior)


@pytest.mark.parametrize(("kind", "n_space"), [("unet", 2), ("unet", 3), ("monai", 2)])
def test_a_network_gives_one_logit_per_voxel_and_output(kind, n_space):
    if kind == "monai":
        pytest.importorskip("monai")
    logits = network(n_space, (0.9, 0.05, 0.05), network=kind)(torch.randn(2, 1, *PLANES[n_space]))
    assert logits.shape == (2, 3, *PLANES[n_space])


def test_the_first_prediction_is_the_prior():
    probs = network(prior=(0.01,))(torch.randn(4, 1, 16, 16)).sigmoid()
    assert probs.mean().item() == pytest.approx(0.01, rel=0.1)


def test_the_first_prediction_of_several_classes_is_their_prior():
    prior = (0.9, 0.08, 0.02)
    probs = network(prior=prior)(torch.randn(4, 1, 16, 16)).softmax(dim=1)
    assert probs.mean(dim=(0, 2, 3)).tolist() == pytest.approx(prior, rel=0.1)


def test_the_bias_of_one_output_is_minus_the_logarithm_of_the_odds_against_it():
    assert prior_logits((0.01,)) == [pytest.approx(-np.log(99))]


def test_the_fingerprint_tells_weights_apart():
    assert fingerprint(network()) == fingerprint(network())
    assert fingerprint(network()) != fingerprint(network(seed=1))
    assert fingerprint(network()) != fingerprint(network(prior=(0.02,)))


def test_the_compact_u_net_is_small():
    assert n_parameters(build_network(Recipe(), n_in=1, prior=(0.01,))) < 30_000
