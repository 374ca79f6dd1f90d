"""Gone or not: by what the peer's TCP takes, and by what its program acknowledges."""

from openmpu.media.outputs.liveness import Flow, Liveness

SECOND = 1_000_000_000
GONE, DEAF = "the server takes no more data", "the server reads no more"


def watched(seconds, flow, written=lambda second: 0, acks=lambda second: None, window=1000):
    """Trouble at each second of a life."""
    life = Liveness(0, 4 * SECOND, window)
    told = []
    for second in range(seconds):
        if (total := acks(second)) is not None:
            life.acknowledged(second * SECOND, total, written(second))
        told.append(life.trouble(second * SECOND, flow(second), written(second)))
    return told


def test_a_quiet_connection_is_no_trouble():
    """Nothing to send, nothing acknowledged: fine for ever."""
    assert set(watched(60, lambda _: Flow(0, 100))) == {None}


def test_a_slow_one_is_none_either():
    """As long as something moves, the peer lives."""
    assert set(watched(60, lambda second: Flow(50_000, second * 10))) == {None}


def test_nothing_taken_for_four_seconds():
    """Bytes wait and none is taken: half-open, or nobody reads and all buffers are full."""
    told = watched(8, lambda second: Flow(5000, min(second, 2)))
    assert told == [None] * 6 + [GONE] * 2


def test_a_reader_that_stops_is_found_while_its_buffers_still_take():
    """TCP goes on taking, the program acknowledges no more."""
    told = watched(
        12,
        lambda second: Flow(0, second * 10_000),
        written=lambda second: second * 10_000,
        acks=lambda second: second * 10_000 if second < 4 else None,
        window=1000,
    )
    assert told == [None] * 7 + [None if second < 7 else DEAF for second in range(7, 12)]


def test_a_server_with_windows_of_its_own():
    """A server that acknowledges each 2.5 MB, whatever it was asked, is not deaf in between."""

    def acks(second):
        return second * 10_000 if second % 25 == 0 and second else None

    assert set(watched(100, lambda second: Flow(0, second), lambda second: second * 10_000, acks)) == {None}


def test_a_server_that_never_acknowledges():
    """Without any acknowledgement only TCP counts."""
    assert set(watched(60, lambda second: Flow(0, second), lambda second: second * 100_000)) == {None}


def test_acknowledged_totals_wrap():
    """Totals go on from 2^32 - 1 to 0."""
    life = Liveness(0, 4 * SECOND, 1000)
    life.acknowledged(0, 0xFFFFFF00, 0)
    life.acknowledged(SECOND, 0x100, 512)
    assert life.trouble(SECOND, Flow(0, 0), 600) is None
