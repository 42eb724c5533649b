"""Tests of helpers.sources.hands: the drawing itself."""

import numpy as np
import pytest

from helpers.sources.hands import draw_hand


def drawn(label, seed, **options):
    return draw_hand(label, np.random.default_rng(seed), **options).astype(int)


@pytest.mark.parametrize("label", range(6))
def test_a_hand_follows_its_seed(label):
    hand = draw_hand(label, np.random.default_rng(1))
    assert hand.shape == (64, 64, 3) and hand.dtype == np.uint8
    assert np.array_equal(hand, drawn(label, 1))
    assert abs(hand - drawn(label, 2)).mean() > 5


def test_signs_differ_from_each_other():
    hands = [drawn(label, 1, variety=0) for label in range(6)]
    for one in range(6):
        for other in range(one):
            assert abs(hands[one] - hands[other]).mean() > 1, (one, other)


def test_without_variety_only_the_side_and_noise_are_chance():
    first = drawn(3, 0, variety=0)
    found = {"same": 0, "mirrored": 0}
    for seed in range(1, 13):
        hand = drawn(3, seed, variety=0)
        near = {"same": abs(hand - first).mean(), "mirrored": abs(hand[:, ::-1] - first).mean()}
        side = min(near, key=near.get)
        found[side] += 1
        assert near[side] < 4  # noise: two times 1.5 grey levels
        assert 0 < near[side] < max(near.values())
    assert min(found.values()) > 0


@pytest.mark.parametrize("label", [6, -1])
def test_another_label_is_refused(label):
    with pytest.raises(ValueError, match=f"no sign {label}: labels go from 0 to 5"):
        drawn(label, 0)
