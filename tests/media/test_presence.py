"""When a relay is connected (operations.md 3.4)."""

import pytest

from openmpu.media.presence import KEEP, PICTURE_PATIENCE, Presence
from openmpu.timing.ticks import MILLISECOND, SECOND


def told(presence: Presence, now: int, *, lacks_picture: bool = False) -> bool:
    """Whether it connects."""
    return presence.connects(now, lacks_picture=lacks_picture)


def test_nobody_was_ever_there() -> None:
    """No connection before the user comes."""
    assert not told(Presence(0, continues=False), 60 * SECOND)


def test_away_for_ten_seconds_and_then_back() -> None:
    """Kept for 10 s, closed after, opened again on return."""
    presence = Presence(0, continues=False)
    presence.note(SECOND, there=True)
    assert told(presence, SECOND)
    presence.note(5 * SECOND, there=False)
    assert told(presence, 5 * SECOND + KEEP)
    assert not told(presence, 5 * SECOND + KEEP + MILLISECOND)
    presence.note(30 * SECOND, there=True)
    assert told(presence, 30 * SECOND)


def test_back_within_ten_seconds() -> None:
    """The connection is the same, and the ten seconds begin anew the next time."""
    presence = Presence(0, continues=False)
    presence.note(0, there=True)
    assert told(presence, 0)
    for away in (10, 20, 30):
        presence.note(away * SECOND, there=False)
        assert told(presence, away * SECOND + 9 * SECOND)
        presence.note(away * SECOND + 9 * SECOND, there=True)
        assert told(presence, away * SECOND + 9 * SECOND, lacks_picture=True)


def test_the_first_connection_waits_a_little_for_the_first_picture() -> None:
    """So that the stream begins with both; not for ever."""
    presence = Presence(0, continues=False)
    presence.note(0, there=True)
    assert not told(presence, PICTURE_PATIENCE - 1, lacks_picture=True)
    assert told(presence, PICTURE_PATIENCE, lacks_picture=True)


@pytest.mark.parametrize("there", [True, False])
def test_a_stream_that_is_carried_on_is_never_cut(there: bool) -> None:
    """From a mix to a relay: the connection stays while the first picture is awaited, or the user for 10 s."""
    presence = Presence(SECOND, continues=True)
    presence.note(SECOND, there=there)
    assert told(presence, SECOND, lacks_picture=True)
    assert told(presence, 2 * SECOND, lacks_picture=True)
    assert told(presence, SECOND + KEEP + 1, lacks_picture=True) == there
