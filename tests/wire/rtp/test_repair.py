"""Missing packets asked for again, key frames asked for, round trip and reordering measured."""

import itertools

from openmpu.wire.rtp.alarm import MS, NEVER, SECOND, Alarm, Reordering, RoundTrip
from openmpu.wire.rtp.key_frames import KeyFrameRequests
from openmpu.wire.rtp.nack import AGAIN, LEAST_INTERVAL, MARGIN, MAX_ATTEMPTS, MAX_MISSING, MOST_PAIRED, NackList


class Bench:
    """A NACK list on a path with a round trip of 40 ms."""

    def __init__(self, *, enabled: bool = True, rtx: bool = True, reordering: int = 0) -> None:
        self.alarm, self.trip = Alarm(), RoundTrip()
        self.trip.measured(40 * MS)
        self.reordering = Reordering(0, 80 * MS, 0)
        self.reordering.seen(reordering * 8 // 9, 0)
        self.nacks = NackList(self.alarm, self.trip, self.reordering, enabled=enabled, rtx=rtx)


def test_missing_packets_are_asked_for_at_once() -> None:
    """The alarm rings now."""
    bench = Bench()
    bench.nacks.miss(5, 7, 100)
    assert bench.alarm.at == 100
    assert bench.nacks.take(100) == [5, 6, 7]
    assert bench.nacks.asked == 3


def test_asked_again_after_a_round_trip() -> None:
    """In pairs, the first of each a round trip after the one before, and no more than MAX_ATTEMPTS times."""
    bench = Bench()
    bench.nacks.miss(5, 5, 0)
    asked = [now for now in range(0, 2 * SECOND, MS) if bench.nacks.take(now)]
    assert len(asked) == MAX_ATTEMPTS
    assert {second - first for first, second in zip(asked[::2], asked[1::2], strict=True)} == {AGAIN}
    assert {after - before for before, after in itertools.pairwise(asked[::2])} == {40 * MS + MARGIN}
    assert bench.nacks.wake == NEVER


def test_short_round_trip_does_not_make_a_storm() -> None:
    """At least LEAST_INTERVAL apart."""
    bench = Bench()
    for _ in range(100):
        bench.trip.measured(0)
    bench.nacks.miss(5, 5, 0)
    asked = [now for now in range(0, 50 * MS, MS) if bench.nacks.take(now)]
    assert asked[2] - asked[0] == LEAST_INTERVAL


def test_packet_that_came_is_not_asked_for() -> None:
    """By itself or repaired; only the latter measures the round trip."""
    bench = Bench()
    bench.nacks.miss(5, 6, 0)
    bench.nacks.arrived(5, MS, repaired=False)
    assert bench.nacks.take(MS) == [6]
    bench.nacks.arrived(6, 81 * MS, repaired=True)
    assert bench.nacks.repaired == 1
    assert bench.trip.ns == 45 * MS
    assert bench.nacks.take(SECOND) == []


def asked_at(bench: Bench, *times: int) -> None:
    """Packet 5 is missing since 0, and asked for at these times and no others."""
    bench.nacks.miss(5, 5, 0)
    assert [now for now in range(0, times[-1] + 1, MS) if bench.nacks.take(now)] == list(times)


def test_second_answer_does_not_measure() -> None:
    """Nobody knows which of two pairs of requests was answered (Karn)."""
    bench = Bench()
    asked_at(bench, 0, AGAIN, 40 * MS + MARGIN)
    bench.nacks.arrived(5, 47 * MS, repaired=True)
    assert bench.trip.ns == 40 * MS


def test_answer_to_a_pair_measures_from_its_first() -> None:
    """The second of a pair is for the case that the first was lost."""
    bench = Bench()
    asked_at(bench, 0, AGAIN)
    bench.nacks.arrived(5, 48 * MS, repaired=True)
    assert bench.trip.ns == 41 * MS


def test_many_are_asked_for_once() -> None:
    """More than MOST_PAIRED at once tell of a way that is full: no second request within the round trip."""
    bench = Bench()
    bench.nacks.miss(1, MOST_PAIRED + 1, 0)
    asked = [now for now in range(0, 60 * MS, MS) if bench.nacks.take(now)]
    assert asked == [0, 40 * MS + MARGIN]


def test_where_packets_overtake_one_another_each_is_asked_for_once() -> None:
    """Most of them come by themselves."""
    bench = Bench(reordering=27 * MS)
    bench.nacks.miss(5, 5, 0)
    asked = [now for now in range(0, 80 * MS, MS) if bench.nacks.take(now)]
    assert asked == [27 * MS, 27 * MS + 40 * MS + MARGIN]


def test_guess_teaches_nothing_of_the_network() -> None:
    """What was only on its way came in order; an answer to a guess counts as any."""
    bench = Bench()
    bench.nacks.miss(5, 6, 0, guessed=True)
    assert bench.nacks.take(0) == [5, 6]
    bench.nacks.arrived(5, 9 * MS, repaired=False)
    assert (bench.reordering.ns, bench.nacks.repaired) == (0, 0)
    bench.nacks.arrived(6, 48 * MS, repaired=True)
    assert (bench.trip.ns, bench.nacks.repaired) == (41 * MS, 1)


def test_overtaken_packets_are_waited_for() -> None:
    """Where the network reorders, the first request waits as long as overtaken packets took."""
    bench = Bench(reordering=27 * MS)
    bench.nacks.miss(5, 5, 0)
    assert bench.nacks.take(20 * MS) == []
    assert bench.nacks.take(27 * MS) == [5]


def test_reordering_is_learned_from_originals() -> None:
    """An original after its request teaches too, but an answer does not."""
    bench = Bench()
    bench.nacks.miss(5, 6, 0)
    bench.nacks.take(0)
    bench.nacks.arrived(5, 16 * MS, repaired=False)
    assert bench.reordering.ns == 18 * MS
    bench.nacks.arrived(6, 70 * MS, repaired=True)
    assert bench.reordering.ns == 18 * MS


def test_without_rtx_an_answer_is_told_by_time() -> None:
    """Half a round trip after the request it is the answer, before that the original."""
    bench = Bench(rtx=False)
    bench.nacks.miss(5, 6, 0)
    bench.nacks.take(0)
    bench.nacks.arrived(5, 10 * MS, repaired=False)
    assert bench.nacks.repaired == 0
    bench.nacks.arrived(6, 41 * MS, repaired=False)
    assert bench.nacks.repaired == 1


def test_on_a_short_path_time_must_pass_too() -> None:
    """Pairs of requests each 12 ms: hopeless after 60 ms, once."""
    bench = Bench()
    for _ in range(100):
        bench.trip.measured(0)
    bench.nacks.miss(5, 5, 0)
    hopeless = []
    for now in range(0, 100 * MS, MS):
        bench.nacks.take(now)
        hopeless.append(bench.nacks.hopeless)
    assert hopeless[59] == 0
    assert hopeless[60:] == [1] * 40


def test_third_request_is_hopeless() -> None:
    """Two pairs in vain: time for a key frame."""
    bench, trip = Bench(), 40 * MS + MARGIN
    asked_at(bench, 0, AGAIN, trip, trip + AGAIN)
    assert bench.nacks.hopeless == 0
    bench.nacks.take(2 * trip)
    assert bench.nacks.hopeless == 1


def test_list_is_bounded() -> None:
    """Of very many the newest are kept."""
    bench = Bench()
    bench.nacks.miss(0, 100_000, 0)
    bench.nacks.miss(100_002, 100_300, 0)
    asked = bench.nacks.take(0)
    assert len(asked) == MAX_MISSING
    assert asked[-1] == 100_300


def test_sender_without_nack_is_not_asked() -> None:
    """Holes are noted, for their age, and that is all."""
    bench = Bench(enabled=False)
    bench.nacks.miss(5, 5, 7)
    assert bench.nacks.take(SECOND) == []
    assert bench.nacks.since(5) == 7
    assert bench.alarm.at == NEVER


def test_forgotten_packets() -> None:
    """Below a number nothing is wanted any more."""
    bench = Bench()
    bench.nacks.miss(5, 9, 0)
    bench.nacks.forget_below(8)
    assert bench.nacks.take(0) == [8, 9]
    assert bench.nacks.since(5) is None


def test_key_frame_requests_become_rarer() -> None:
    """Each half second, then each second: until one comes."""
    keys = KeyFrameRequests(Alarm())
    keys.want(0)
    asked = [now // MS for now in range(0, 5 * SECOND, 10 * MS) if keys.take(now)]
    assert asked == [0, 500, 1000, 1500, 2500, 3500, 4500]
    keys.came()
    assert (keys.take(20 * SECOND), keys.wake, keys.wanted) == (False, NEVER, False)


def test_request_because_of_loss_goes_out_twice() -> None:
    """Its own loss would cost half a second; counted once."""
    keys = KeyFrameRequests(Alarm())
    keys.want(0, lossy=True)
    asked = [(now // MS, keys.repeated) for now in range(0, 1200 * MS, MS) if keys.take(now)]
    assert asked == [(0, False), (6, True), (500, False), (506, True), (1000, False), (1006, True)]
    assert keys.sent == 3
    keys.came()
    keys.want(1300 * MS)
    asked = [now // MS for now in range(1300 * MS, 2200 * MS, MS) if keys.take(now)]
    assert asked == [1500, 2000]


def test_key_frame_that_begins_stops_the_second_copy() -> None:
    """It was answered."""
    keys = KeyFrameRequests(Alarm())
    keys.want(0, lossy=True)
    assert keys.take(0)
    keys.coming(3 * MS)
    assert not any(keys.take(now) for now in range(3 * MS, 900 * MS, MS))


def test_key_frame_request_waits_for_half_a_second_to_pass() -> None:
    """Granted and wanted again at once: the alarm rings when it may go out."""
    alarm = Alarm()
    keys = KeyFrameRequests(alarm)
    keys.want(0)
    assert keys.take(0)
    keys.came()
    keys.want(100 * MS)
    assert not keys.take(400 * MS)
    assert keys.wake == 500 * MS
    assert keys.take(500 * MS)


def test_round_trip_by_report() -> None:
    """RFC 3611 4.5: now, less what we sent, less what the peer held it back."""
    trip = RoundTrip()
    trip.answered(now=0x00030000, sent=0x00010000, delay=0x00018000)
    assert trip.ns == SECOND // 2
    trip.answered(now=0, sent=0x00010000, delay=0)
    assert trip.ns == SECOND // 2


def test_reordering_shrinks_slowly() -> None:
    """Learned at once, bounded, forgotten within half a minute."""
    reordering = Reordering(10 * MS, 100 * MS, 0)
    reordering.seen(400 * MS, 0)
    assert reordering.ns == 100 * MS
    reordering.shrink(5 * SECOND)
    assert 70 * MS < reordering.ns < 80 * MS
    reordering.shrink(60 * SECOND)
    assert reordering.ns < 14 * MS


def test_key_frame_on_its_way_is_given_time() -> None:
    """Its beginning is here: not asked for again for a second."""
    keys = KeyFrameRequests(Alarm())
    keys.want(0)
    assert keys.take(0)
    keys.coming(100 * MS)
    assert not keys.take(500 * MS)
    assert keys.take(1100 * MS)
