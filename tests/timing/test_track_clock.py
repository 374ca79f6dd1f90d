"""RTP time in task time: anchored on arrival, held by the least delay, corrected by sender reports, never jumping."""

import itertools
import random
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from openmpu.timing.sender_clock import SenderClock
from openmpu.timing.slewing import SETTLE_FOR, SETTLING_PER_S, STEADY_PER_S
from openmpu.timing.ticks import MILLISECOND, SECOND
from openmpu.timing.track_clock import TrackClock

UNIX = 1_800_000_000 * SECOND
VIDEO, AUDIO = 90_000, 48_000


class Sender:
    """One track of a sender whose clock is off by `ppm`; frames at equal distances."""

    def __init__(
        self, clock: TrackClock, rate: int, *, ppm: float = 0.0, delay: int = 0, first: int = 0, stamp: int = 777
    ) -> None:
        self.clock, self.rate, self.ppm, self.delay, self.first, self.stamp = clock, rate, ppm, delay, first, stamp
        self.shift = 0

    def send(self, true: int, *, jitter: int = 0, reports: Callable[[int], int] | None = None) -> int:
        """A frame captured at the true time `true`: its pts."""
        own = round((true - self.first) * (1 + self.ppm / 1e6))
        stamp = (self.stamp + self.shift + own * self.rate // SECOND) % 2**32
        ntp = reports(UNIX + own) if reports else None
        return self.clock.pts(stamp, true + self.delay + jitter, ntp)


def true(unix: int) -> int:
    """Reports that say how it is."""
    return unix


def test_the_first_frame_is_due_when_it_comes() -> None:
    """Nobody waits for RTCP."""
    sender = Sender(TrackClock(VIDEO, SenderClock()), VIDEO, delay=30 * MILLISECOND)
    assert sender.send(5 * SECOND) == 5 * SECOND + 30 * MILLISECOND


def test_jitter_does_not_show() -> None:
    """With arrivals up to 80 ms late, frames keep their distances to a millisecond, by the least delay seen."""
    chance = random.Random(1)
    sender = Sender(TrackClock(VIDEO, SenderClock()), VIDEO)
    pts = [sender.send(n * SECOND // 30, jitter=chance.randint(0, 80) * MILLISECOND) for n in range(900)]
    settled = [later - earlier for earlier, later in itertools.pairwise(pts[300:])]
    assert all(abs(step - SECOND // 30) <= MILLISECOND for step in settled)


@pytest.mark.parametrize("ppm", [200.0, -200.0])
@pytest.mark.parametrize("reports", [None, true])
def test_a_day_of_drift_stays_within_20_ms(ppm: float, reports: Callable[[int], int] | None) -> None:
    """24 hours at +-200 ppm, a frame each second: with and without sender reports, the track stays with the clock."""
    sender = Sender(TrackClock(AUDIO, SenderClock()), AUDIO, ppm=ppm)
    worst = max(abs(sender.send(n * SECOND, reports=reports) - n * SECOND) for n in range(86_400))
    assert worst <= 20 * MILLISECOND


@given(st.lists(st.integers(0, 150), min_size=50, max_size=200), st.integers(0, 2**32 - 1))
@settings(deadline=None, max_examples=50)
def test_time_always_rises(jitters: list[int], stamp: int) -> None:
    """Whatever arrivals do, frames in order of sending get rising times once the track has begun."""
    sender = Sender(TrackClock(VIDEO, SenderClock()), VIDEO, stamp=stamp)
    start = [sender.send(n * SECOND // 30) for n in range(40)]
    pts = [sender.send((40 + n) * SECOND // 30, jitter=j * MILLISECOND) for n, j in enumerate(jitters)]
    rising = [start[-1], *pts]
    assert all(later > earlier for earlier, later in itertools.pairwise(rising))


@pytest.mark.parametrize("behind", range(11))
def test_sound_that_begins_later_is_in_sync_within_three_seconds(behind: int) -> None:
    """Sound starts 0 to 10 s after the picture, each with delays of its own: within 40 ms, 3 s after the second track."""
    group = SenderClock()
    picture = Sender(TrackClock(VIDEO, group), VIDEO, delay=90 * MILLISECOND)
    sound = Sender(TrackClock(AUDIO, group), AUDIO, delay=20 * MILLISECOND, stamp=5)
    ends = {}
    for n in range((behind + 4) * 50):
        now = n * 20 * MILLISECOND
        told = true if now > SECOND else None
        ends["picture"] = picture.send(now, reports=told) - now
        if now >= behind * SECOND:
            ends["sound"] = sound.send(now, reports=true if now >= (behind + 1) * SECOND else None) - now
        if now >= (behind + 3) * SECOND:
            assert abs(ends["picture"] - ends["sound"]) <= 40 * MILLISECOND


def test_corrections_are_slewed_never_jumped() -> None:
    """A first report that moves the picture by 90 ms does so at the settling rate; later ones at 5 ms per s."""
    group = SenderClock()
    picture = Sender(TrackClock(VIDEO, group), VIDEO, delay=110 * MILLISECOND)
    sound = Sender(TrackClock(AUDIO, group), AUDIO, delay=20 * MILLISECOND)
    offsets = []
    for n in range(30 * 60):
        now = n * SECOND // 30
        told = true if now > 15 * SECOND else None
        sound.send(now, reports=told)
        offsets.append(picture.send(now, reports=told) - now)
    steps = [abs(b - a) for a, b in itertools.pairwise(offsets)]
    assert max(steps[30:]) <= SETTLING_PER_S // 30 + 20_000
    assert max(steps[(15 + SETTLE_FOR // SECOND) * 30 :]) <= STEADY_PER_S // 30 + 20_000
    assert offsets[-1] == pytest.approx(20 * MILLISECOND, abs=MILLISECOND)


@pytest.mark.parametrize("lie", [2 * SECOND, -2 * SECOND, 3600 * SECOND])
@pytest.mark.parametrize("since", [0, 20 * SECOND])
def test_a_lying_report_is_rejected(lie: int, since: int) -> None:
    """One track's reports are wrong by 2 s, from the start or suddenly: nothing moves by 100 ms, and it is counted."""
    group = SenderClock()
    picture = Sender(TrackClock(VIDEO, group), VIDEO, delay=60 * MILLISECOND)
    sound = Sender(TrackClock(AUDIO, group), AUDIO, delay=20 * MILLISECOND)
    apart = []
    for n in range(50 * 60):
        now = n * 20 * MILLISECOND
        heard = sound.send(now, reports=true)
        seen = picture.send(now, reports=lambda unix, at=now: unix + (lie if at >= since else 0))
        apart.append(seen - heard)
    assert max(abs(distance) for distance in apart) <= 100 * MILLISECOND
    assert group.rejected > 0 or since == 0


@pytest.mark.parametrize("leap", [3600, -3600])
def test_rtp_time_that_leaps_an_hour_is_anchored_at_once(leap: int) -> None:
    """The sender restarted its counter: the next frame is due when it comes."""
    clock = TrackClock(VIDEO, SenderClock())
    sender = Sender(clock, VIDEO)
    for n in range(300):
        sender.send(n * SECOND // 30)
    sender.shift = leap * VIDEO
    assert sender.send(10 * SECOND) == 10 * SECOND
    assert clock.anchors == 2


def test_rtp_time_that_falls_back_two_seconds_is_anchored_within_one() -> None:
    """It could be a network that held frames; when it stays so, it was not."""
    sender = Sender(TrackClock(VIDEO, SenderClock()), VIDEO)
    for n in range(300):
        sender.send(n * SECOND // 30)
    sender.shift = -2 * VIDEO
    pts = [sender.send((300 + n) * SECOND // 30) for n in range(60)]
    assert abs(pts[30] - 11 * SECOND) <= 2 * MILLISECOND


@pytest.mark.parametrize("stood_ms", [550, 700, 900, 1500])
def test_a_sender_whose_counter_stood_still_is_anchored_within_one_second(stood_ms: int) -> None:
    """A browser short of CPU makes no sound for a moment and goes on where it was: late for good, and heard again."""
    sender = Sender(TrackClock(AUDIO, SenderClock()), AUDIO)
    for n in range(300):
        sender.send(n * 20 * MILLISECOND, reports=true)
    sender.shift = -stood_ms * AUDIO // 1000
    arrivals = [(300 + n) * 20 * MILLISECOND + stood_ms * MILLISECOND for n in range(60)]
    pts = [sender.send(arrival, reports=true) for arrival in arrivals]
    assert all(abs(due - arrival) <= 2 * MILLISECOND for due, arrival in zip(pts[30:], arrivals[30:], strict=True))


def test_a_network_that_stood_still_is_no_new_time_base() -> None:
    """Two seconds of frames arrive in one burst: their times are those of their capture."""
    clock = TrackClock(VIDEO, SenderClock())
    sender = Sender(clock, VIDEO)
    for n in range(300):
        sender.send(n * SECOND // 30)
    for n in range(300, 360):
        at = n * SECOND // 30
        assert abs(sender.send(at, jitter=12 * SECOND - at) - at) <= 2 * MILLISECOND
    assert clock.anchors == 1


def test_a_report_of_a_sender_whose_clock_was_set_moves_nothing() -> None:
    """Both tracks' NTP times step by a minute: picture and sound go on where they were."""
    group = SenderClock()
    picture = Sender(TrackClock(VIDEO, group), VIDEO, delay=50 * MILLISECOND)
    sound = Sender(TrackClock(AUDIO, group), AUDIO, delay=20 * MILLISECOND)
    ends = []
    for n in range(50 * 40):
        now = n * 20 * MILLISECOND
        step = 60 * SECOND if now > 20 * SECOND else 0
        heard = sound.send(now, reports=lambda unix, s=step: unix + s) - now
        seen = picture.send(now, reports=lambda unix, s=step: unix + s) - now
        ends.append((heard, seen))
    for heard, seen in ends[600:]:
        assert abs(heard - 20 * MILLISECOND) <= 5 * MILLISECOND
        assert abs(seen - heard) <= 40 * MILLISECOND


def test_a_closed_track_no_longer_holds_the_others() -> None:
    """What has gone says nothing about those who stay."""
    group = SenderClock()
    gone, here = TrackClock(AUDIO, group), TrackClock(VIDEO, group)
    gone.pts(0, 0, UNIX)
    here.pts(0, 0, UNIX)
    gone.close()
    assert len(group.tracks) == 1
