"""The generators of garbage: they repeat themselves from a seed, and they do spoil things."""

import random

from tests.rig import garbage
from tests.wire.whip_offers import OFFER


def test_a_seed_gives_the_same_garbage():
    """What broke something can be made again."""
    first, second = random.Random(5), random.Random(5)
    assert [garbage.datagram(first) for _ in range(200)] == [garbage.datagram(second) for _ in range(200)]
    assert garbage.offer(OFFER, first) == garbage.offer(OFFER, second)


def test_mistakes_are_made():
    """Few copies are still whole, lengths differ both ways, nothing raises at any length."""
    chance = random.Random(1)
    copies = [garbage.mutated(b"0123456789" * 10, chance) for _ in range(500)]
    assert sum(copy == b"0123456789" * 10 for copy in copies) < 25
    assert {len(copy) > 100 for copy in copies} == {True, False}
    assert all(isinstance(garbage.mutated(bytes(length), chance), bytes) for length in range(20))


def test_offers_are_spoiled_in_many_ways():
    """No two of a hundred are alike, and most still look like an offer."""
    chance = random.Random(2)
    offers = {garbage.offer(OFFER, chance) for _ in range(100)}
    assert len(offers) == 100
    assert sum("m=video" in offer for offer in offers) > 60
