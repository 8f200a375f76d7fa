"""Patches are drawn from the seed and the data alone, and those on the class hold it."""

from dataclasses import replace

import numpy as np
import pytest

from segeval.errors import DataError
from segeval.images.readers.volumes import Volume
from segeval.verbs.sweep.training.cases import IGNORED, TrainingCase
from segeval.verbs.sweep.training.patches import batches, cut, patch_source
from segeval.verbs.sweep.training.recipe import Recipe

RECIPE = Recipe(iterations=20, batch=4, patch=(8, 8))


def case(shape=(2, 12, 10), *, at=(0, 5, 5), channels=1, case_id="a"):
    target = np.zeros(shape, dtype=np.uint8)
    target[at] = 1
    image = np.broadcast_to(target[:, None], (shape[0], channels, *shape[1:])).astype(np.float32)
    return TrainingCase(
        case_id=case_id, image=image, target=target, slice_axis=0, truth=Volume(path=None, array=target)
    )


def drawn(pool, recipe=RECIPE, seed=0):
    return list(batches(pool, recipe, seed=seed))


def test_the_same_seed_draws_the_same_patches():
    pool = patch_source([case()], ("lesion",))
    for (image, target), (again, target_again) in zip(drawn(pool), drawn(pool), strict=True):
        assert np.array_equal(image, again)
        assert np.array_equal(target, target_again)
    assert any(
        not np.array_equal(one, other) for (one, _), (other, _) in zip(drawn(pool), drawn(pool, seed=1), strict=True)
    )


@pytest.mark.parametrize("at", [(0, 0, 0), (1, 11, 9), (0, 5, 5)])
def test_patches_on_the_class_hold_it_wherever_it_lies(at):
    pool = patch_source([case(at=at)], ("lesion",))
    for image, target in drawn(pool):
        assert image.shape == (4, 1, 8, 8)
        assert (target[: RECIPE.with_class] == 1).any(axis=(1, 2)).all()
        assert np.array_equal(image[:, 0] == 1, target == 1)


def test_the_class_is_not_always_in_the_same_place_of_a_patch():
    places = {
        tuple(np.argwhere(one == 1)[0])
        for _, target in drawn(patch_source([case()], ("lesion",)))
        for one in target[:2]
    }
    assert len(places) > 3


def test_images_smaller_than_a_patch_are_filled_up_with_voxels_that_do_not_count():
    ((_, target), *_) = drawn(patch_source([case(shape=(1, 5, 6), at=(0, 2, 2))], ("lesion",)))
    assert target.shape == (4, 8, 8)
    assert (target[:, 5:] == IGNORED).all()
    assert (target[:, :, 6:] == IGNORED).all()
    assert (target[:, :5, :6] != IGNORED).all()


def test_a_cut_within_the_array_is_a_plain_slice():
    array = np.arange(20).reshape(4, 5)
    assert np.array_equal(cut(array, (1, 2), (2, 3), fill=0), array[1:3, 2:5])


def test_the_prior_is_the_share_of_the_class_among_the_voxels_that_count():
    one = case()
    ignored = one.target.copy()
    ignored[1] = IGNORED
    assert patch_source([one], ("lesion",)).prior == (1 / 240,)
    assert patch_source([replace(one, target=ignored)], ("lesion",)).prior == (1 / 120,)


def test_several_classes_have_a_prior_each_and_one_for_the_rest():
    one = case()
    one.target[1, 0, :3] = 2
    assert patch_source([one], ("organ", "lesion")).prior == pytest.approx((236 / 240, 1 / 240, 3 / 240))


def test_a_rare_class_is_drawn_as_often_as_a_common_one():
    one = case(shape=(1, 30, 30), at=(0, 28, 28))
    one.target[0, :15, :15] = 2
    targets = [
        each for _, target in drawn(patch_source([one], ("rare", "common"))) for each in target[: RECIPE.with_class]
    ]
    assert 10 < sum((each == 1).any() for each in targets) < 30


def test_a_class_that_fills_the_images_has_a_prior_below_one():
    one = case()
    one.target[:] = 1
    assert 0.999 < patch_source([one], ("lesion",)).prior[0] < 1


def test_a_class_without_a_voxel_to_learn_from_is_an_error():
    with pytest.raises(DataError, match="No voxel of lesion in the 1 cases to train on"):
        patch_source([case()], ("organ", "lesion"))


def test_images_of_different_channels_are_an_error():
    with pytest.raises(DataError, match="a has 1 channels and b has 3 channels"):
        patch_source([case(), case(channels=3, case_id="b")], ("lesion",))
