"""What the demo expects, and what it makes of what it saw."""

from openmpu.clients.demo_story import CAST, FPS, Cadence, Playbill, Received, faults
from openmpu.clients.glimpses import Change, Glimpse, Seating

FINE = Received(500, 0, 0, 1)
SECOND = 1_000_000_000


def played():
    """The acts on a machine that is never late."""
    bill = Playbill()
    bill.came(CAST[2], 3.0)
    bill.left(CAST[1], 8.0)
    return bill.acts


ACTS = played()


def told(skip=()):
    """Changes and glimpses of a stream that shows every act, but for those of the numbers in `skip`."""
    played = [act for place, act in enumerate(ACTS) if place not in skip]
    changes = [Change(place * SECOND, act.seating, 3 * FPS) for place, act in enumerate(played)]
    glimpses = [Glimpse(act.seating, frozenset(act.users), dict.fromkeys(act.users, -15.0)) for act in played]
    return changes, glimpses


def test_the_play_has_three_acts():
    """Two, then three, then two others; each in the layout of its number."""
    assert [act.users for act in ACTS] == [("alice", "bob"), ("alice", "bob", "carol"), ("alice", "carol")]
    assert [act.seating.layout_id for act in ACTS] == [2, 5, 2]


def test_the_cast_can_be_told_apart():
    """By colour, tone and tag."""
    assert len({actor.colour for actor in CAST}) == len({actor.tone_hz for actor in CAST}) == len(CAST)
    assert len({actor.watched.tag for actor in CAST}) == len(CAST)


def test_a_stream_as_played_has_no_faults():
    """Nothing is lacking."""
    assert faults(ACTS, *told(), FINE, 20.0) == []


def test_an_act_that_was_never_seen_is_a_fault():
    """Each of them, by the names of its people."""
    for place, act in enumerate(ACTS):
        (fault,) = faults(ACTS, *told(skip=(place,)), FINE, 20.0)
        assert ", ".join(act.users) in fault


def test_a_short_demo_is_not_blamed_for_what_it_had_no_time_for():
    """Two seconds after somebody came, or left."""
    assert faults(ACTS, *told(skip=(1, 2)), Received(125, 0, 0, 1), 5.0) == []
    assert faults(ACTS, *told(skip=(2,)), Received(250, 0, 0, 1), 10.0) == []


def test_somebody_in_a_wrong_pane_is_a_fault():
    """Seats count, not only names."""
    changes, glimpses = told()
    swapped = Seating(2, {0: "bob", 1: "alice"})
    changes = [Change(entry.pts, swapped if entry.seating.layout_id == 2 else entry.seating, 75) for entry in changes]
    assert any("alice, bob" in fault for fault in faults(ACTS, changes, glimpses, FINE, 20.0))


def test_a_voice_that_is_missing_or_too_much_is_a_fault():
    """Bob is still heard after he left."""
    changes, glimpses = told()
    glimpses[-1] = Glimpse(glimpses[-1].seating, frozenset(("alice", "bob", "carol")))
    assert any("heard" in fault for fault in faults(ACTS, changes, glimpses, FINE, 20.0))


def test_missing_pictures_and_reconnects_are_faults():
    """Counts that are not as they should be."""
    for received in (Received(300, 0, 0, 1), Received(500, 1, 0, 1), Received(500, 0, 2, 1), Received(500, 0, 0, 2)):
        assert len(faults(ACTS, *told(), received, 20.0)) == 1


def test_picture_and_sound_apart_is_a_fault():
    """Beyond 80 ms in the median."""
    changes, glimpses = told()
    late = [Glimpse(entry.seating, entry.heard, dict.fromkeys(entry.heard, 120.0)) for entry in glimpses]
    assert any("120 ms" in fault for fault in faults(ACTS, changes, late, FINE, 20.0))


def test_cadence_counts_what_is_missing_and_doubled():
    """40 ms is one step."""
    cadence = Cadence()
    for timestamp in (0, 40, 80, 80, 200, 240):
        cadence.take(timestamp)
    assert (cadence.frames, cadence.doubled, cadence.missing) == (6, 1, 2)
