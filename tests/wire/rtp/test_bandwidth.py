"""The limit told by REMB where the sender gets no transport-wide feedback."""

from openmpu.wire.rtp.bandwidth import CEILING, FLOOR, START, Bandwidth
from openmpu.wire.rtp.extras import Extras
from openmpu.wire.rtp.packet import parse
from tests.wire.rtp.packetisers import rtp

MS, SECOND = 1_000_000, 1_000_000_000
T0 = 1_760_000_000 * SECOND


class Bench:
    """Frames of one packet, 30 a second."""

    def __init__(self) -> None:
        self.bandwidth = Bandwidth(T0)
        self.sent = 0
        self.falls = 0

    def run(self, seconds: float, *, rate: int, queue: int = 0, growth: int = 0, send_time: bool = False) -> None:
        """Media of `rate` bit/s whose frames come `queue` late, `growth` more each second."""
        for frame in range(int(seconds * 30)):
            late = queue + growth * frame // 30
            arrival = T0 + self.sent * SECOND // 30 + late
            packet = parse(rtp(b"x", timestamp=self.sent * 3000), arrival)
            assert packet is not None
            if send_time:
                packet.extras = Extras()
                packet.extras.send_time = (self.sent << 18) // 30 & 0xFFFFFF
            self.bandwidth.timed(packet)
            self.falls += self.bandwidth.received(rate // 30 // 8, arrival)
            self.sent += 1


def test_free_network_is_not_limited() -> None:
    """It begins at a full 720p and grows with what comes, up to the ceiling."""
    bench = Bench()
    bench.run(10, rate=2_000_000)
    assert bench.bandwidth.estimate > START
    bench.run(60, rate=30_000_000)
    assert bench.bandwidth.estimate == CEILING


def test_it_does_not_float_away() -> None:
    """Little comes: nothing is known about more."""
    bench = Bench()
    bench.run(120, rate=500_000)
    assert bench.bandwidth.estimate <= START * 11 // 10


def test_standing_queue_lowers_it_below_what_comes() -> None:
    """Half a second with more than 60 ms on top of the least delay, by RTP time or by send time."""
    for send_time in (False, True):
        bench = Bench()
        bench.run(3, rate=1_000_000, send_time=send_time)
        bench.run(1, rate=1_000_000, queue=100 * MS, send_time=send_time)
        assert 700_000 < bench.bandwidth.estimate < 900_000
        assert bench.falls == 1


def test_it_falls_on_while_the_queue_stands() -> None:
    """Down to the floor, never below."""
    bench = Bench()
    bench.run(3, rate=300_000)
    bench.run(9, rate=300_000, queue=200 * MS)
    assert bench.bandwidth.estimate == FLOOR


def test_short_queues_do_not_count() -> None:
    """A key frame makes a queue that is gone again."""
    bench = Bench()
    for _ in range(10):
        bench.run(0.8, rate=1_000_000)
        bench.run(0.2, rate=3_000_000, queue=150 * MS)
    assert bench.falls == 0


def test_longer_route_is_accepted_in_the_end() -> None:
    """The least delay is forgotten after ten to twenty seconds."""
    bench = Bench()
    bench.run(5, rate=1_000_000)
    bench.run(40, rate=1_000_000, queue=100 * MS)
    low = bench.bandwidth.estimate
    bench.run(20, rate=1_000_000, queue=100 * MS)
    assert bench.bandwidth.estimate > low


def test_drifting_clock_is_no_queue() -> None:
    """200 ppm for five minutes."""
    bench = Bench()
    bench.run(300, rate=1_000_000, growth=SECOND // 5000)
    assert bench.falls == 0


def test_jump_of_the_senders_clock_is_no_queue() -> None:
    """An hour back."""
    bench = Bench()
    bench.run(3, rate=1_000_000)
    packet = parse(rtp(b"x", timestamp=(bench.sent * 3000 - 3600 * 90_000) & 0xFFFFFFFF), T0 + 3 * SECOND)
    assert packet is not None
    bench.bandwidth.timed(packet)
    bench.run(3, rate=1_000_000)
    assert bench.falls == 0
