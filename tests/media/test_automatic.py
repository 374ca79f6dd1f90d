"""When a mix turns into a relay and back."""

from openmpu.media.automatic import STEADY, AutoRelay
from openmpu.timing.ticks import MILLISECOND, SECOND


def test_it_relays_after_two_seconds_alone_and_mixes_at_once() -> None:
    """Each change is told once."""
    auto = AutoRelay()
    assert not auto.look(0, alone=True)
    assert not auto.look(STEADY - MILLISECOND, alone=True)
    assert auto.look(STEADY, alone=True)
    assert auto.relaying
    assert not auto.look(STEADY + SECOND, alone=True)
    assert auto.look(STEADY + SECOND, alone=False)
    assert not auto.relaying


def test_who_comes_and_goes_leaves_the_mix_as_it_is() -> None:
    """The two seconds begin anew each time."""
    auto = AutoRelay()
    for second in range(20):
        assert not auto.look(second * SECOND, alone=second % 2 == 0)
