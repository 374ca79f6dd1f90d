"""What an output tells."""

from openmpu.media.outputs.failure import ErrorCode
from openmpu.media.outputs.report import OutputState, Rate

SECOND = 1_000_000_000


def test_event_codes():
    """The states in the order of callbacks.md 2.3."""
    assert [state.event_code for state in OutputState] == [0, 1, 2, 3, 4]


def test_rate_over_the_last_seconds():
    """Old readings do not count."""
    rate = Rate()
    for second in range(10):
        rate.read(second * SECOND, 1000 * second if second < 5 else 5000 + 125_000 * (second - 5))
    assert rate.kbps == 1000
    rate.clear()
    assert rate.kbps == 0


def test_which_codes_blame_the_url():
    """Status 6 for names, refusals and unusable URLs; 5 for the network (callbacks.md 2.4)."""
    assert {code for code in ErrorCode if code.by_url} == {1001, 1004, 1007}
