"""Another machine's wall clock in ours."""

from openmpu.timing.bridge import ClockBridge
from openmpu.timing.ticks import MILLISECOND, SECOND


def test_jitter_of_reading_does_not_show() -> None:
    """The stamp says when it came; when we got round to reading it is our own business."""
    bridge = ClockBridge()
    late = [0, 5, 40, 3, 0, 25]
    read = [(50 * SECOND + number * SECOND, number * SECOND + lag * MILLISECOND) for number, lag in enumerate(late)]
    local = [bridge.local(stamp, now) for stamp, now in read]
    assert local == [number * SECOND for number in range(len(late))]


def test_a_clock_set_forward_or_back_is_followed_within_seconds() -> None:
    """Somebody sets the gateway's clock by an hour either way; nothing is ever later than now."""
    for leap in (3600 * SECOND, -3600 * SECOND):
        bridge = ClockBridge()
        for number in range(400):
            now = number * 20 * MILLISECOND
            stamp = now + (leap if number >= 100 else 0)
            local = bridge.local(stamp, now)
            assert local <= now
        assert now - local <= 1 * MILLISECOND
