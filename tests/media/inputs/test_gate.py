"""What is let in of a track."""

from openmpu.media.inputs.gate import MOST_BYTES, MOST_PER_S, Gate
from openmpu.model.frames import EncodedFrame
from openmpu.timing.ticks import SECOND

SMALL = EncodedFrame(0, 0, b"x", key=False)
KEY = EncodedFrame(0, 0, b"x")


def test_a_usual_camera_is_let_in() -> None:
    """60 frames a second for a minute."""
    gate = Gate()
    assert all(gate.lets(SMALL, number * SECOND // 60, 0) for number in range(3600))


def test_a_flood_is_shut_out_until_a_key_frame_at_a_usual_rate() -> None:
    """240 frames a second: the surplus is refused, and what refers to it."""
    gate = Gate()
    taken = [gate.lets(SMALL, number * SECOND // 240, 0) for number in range(240)]
    assert sum(taken) == MOST_PER_S
    assert not gate.lets(SMALL, SECOND, 0)
    assert gate.lets(KEY, SECOND, 0)
    assert gate.refused == 240 - MOST_PER_S + 1


def test_bytes_that_nobody_takes_are_bounded() -> None:
    """Large frames into a list that is not read."""
    gate, large = Gate(), EncodedFrame(0, 0, bytes(MOST_BYTES // 4))
    taken = [gate.lets(large, number * SECOND, number) for number in range(8)]
    assert sum(taken) == 4
    assert gate.lets(large, 9 * SECOND, 0)
