"""When to try again, and when to give up (operations.md 2.2)."""

import pytest

from openmpu.media.outputs.failure import AttemptFailed, ErrorCode, Step
from openmpu.media.outputs.outage import GivenUp, Outage
from openmpu.media.outputs.settings import FOR_EVER, Policy

SECOND = 1_000_000_000
LOST = AttemptFailed(Step.MEDIA, ErrorCode.CONNECTION_LOST, "lost")
REFUSED = AttemptFailed(Step.PUBLISH, ErrorCode.REFUSED, "no")
IN_USE = AttemptFailed(Step.PUBLISH, ErrorCode.REFUSED, "in use", name_in_use=True)
UNKNOWN = AttemptFailed(Step.DNS, ErrorCode.HOST_NOT_FOUND, "unknown")
SLOW = AttemptFailed(Step.MEDIA, ErrorCode.TOO_SLOW, "slow")


def life(outage, failure, limit=100):
    """Fail at once after each wait: the waits in seconds, and the verdict."""
    now, waits = 5 * SECOND, []
    for _ in range(limit):
        verdict = outage.failed(failure, now, 0.0)
        if isinstance(verdict, GivenUp):
            return waits, verdict
        waits.append(verdict / SECOND)
        now += verdict
    return waits, None


def test_network_is_given_up_after_ten_attempts_and_a_minute():
    """Ten failures are not enough while they took less than 60 s."""
    waits, verdict = life(Outage(Policy()), LOST)
    assert verdict is GivenUp.NETWORK
    assert waits[:6] == [0.5, 1, 2, 4, 8, 10]
    assert len(waits) + 1 >= 10
    assert 60 <= sum(waits) < 72


@pytest.mark.parametrize("failure", [REFUSED, UNKNOWN])
def test_refusals_are_given_up_after_three(failure):
    """A URL that cannot work ends soon, but not within one second."""
    waits, verdict = life(Outage(Policy()), failure)
    assert (waits, verdict) == ([2, 2], GivenUp.URL)


def test_a_name_that_others_use_is_a_refusal():
    """At the start, three times "in use" ends it; the waits outlast a session of the task before (troubles 19)."""
    waits, verdict = life(Outage(Policy()), IN_USE)
    assert verdict is GivenUp.URL
    assert sum(waits) >= 20


def test_our_own_old_session_is_waited_for():
    """After we have pushed, a held name is waited for like a broken network: 90 s at least (nginx's time-outs)."""
    outage = Outage(Policy())
    outage.pushed_for(60 * SECOND)
    waits, verdict = life(outage, IN_USE)
    assert verdict is GivenUp.NETWORK
    assert sum(waits) >= 90


def test_our_own_old_session_is_most_likely_gone_in_a_moment():
    """Two attempts come soon; so it is for a worker that takes over from one that was killed. Others' names are not ours."""
    taking_over, usual = Outage(Policy(pushed_before=True)), Outage(Policy())
    assert life(taking_over, IN_USE, 4)[0] == [0.5, 1, 13, 13]
    assert life(usual, IN_USE, 2)[0] == [13, 13]
    taking_over.pushed_for(60 * SECOND)
    assert life(taking_over, IN_USE, 3)[0] == [0.5, 1, 13]


def test_for_ever():
    """With that policy nothing ends it, and waits stay at the top."""
    waits, verdict = life(Outage(FOR_EVER), REFUSED, 300)
    assert verdict is None
    assert set(waits[10:]) == {10}


def test_steady_pushing_ends_the_row():
    """After two seconds of pushing the next failure is a first one again."""
    outage = Outage(Policy())
    life(outage, LOST, 6)
    outage.pushed_for(2 * SECOND)
    assert outage.failed(LOST, 0, 0.0) == SECOND // 2


def test_hanging_up_at_once_is_no_success():
    """A server that accepts and hangs up is not tried in a tight loop."""
    outage, waits = Outage(Policy()), []
    for attempt in range(5):
        outage.pushed_for(SECOND)
        waits.append(outage.failed(LOST, attempt * SECOND, 0.0))
    assert waits[-1] == 8 * SECOND


def test_slowness_adds_up():
    """Too slow again and again is a row, though each time it pushed for a while."""
    outage = Outage(Policy())
    outage.failed(SLOW, 0, 0.0)
    outage.pushed_for(14 * SECOND)
    assert outage.failed(SLOW, 15 * SECOND, 0.0) == SECOND
    outage.pushed_for(31 * SECOND)
    assert outage.failed(SLOW, 60 * SECOND, 0.0) == SECOND // 2


def test_first_retry_is_soon_whatever_the_chance():
    """Jitter only shortens: half a second at most (security.md 2.3)."""
    assert Outage(Policy()).failed(LOST, 0, 1.0) < SECOND // 2
