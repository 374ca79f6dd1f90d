"""When a publisher that sends nothing is given up; times are seconds of one clock."""

from __future__ import annotations

from openmpu.gateway.ice import VANISHED_S, _Watch


def test_nothing_heard():
    """Given up after VANISHED_S without a datagram, counted from the last one."""
    watch = _Watch(100.0)
    assert not watch.over(101.0, heard=7)
    assert not watch.over(101.0 + VANISHED_S - 0.1, heard=7)
    assert not watch.over(110.0, heard=8)
    assert not watch.over(109.9 + VANISHED_S, heard=8)
    assert watch.over(110.0 + VANISHED_S, heard=8)


def test_a_process_that_stood_still_blames_nobody():
    """Stopped for twenty seconds it has not looked whether datagrams came; then they have their whole time again."""
    watch = _Watch(100.0)
    assert not watch.over(101.0, heard=7)
    watch.stood_still(20.0)
    assert not watch.over(122.0, heard=7)
    assert not watch.over(121.0 + VANISHED_S - 0.1, heard=7)
    assert watch.over(121.0 + VANISHED_S, heard=7)


def test_consent_runs_out_by_the_clock():
    """Nobody is sent to who has not answered for thirty seconds, whatever was heard (RFC 7675 5.1)."""
    watch = _Watch(100.0)
    watch.stood_still(20.0)
    assert not watch.over(129.9, heard=1)
    assert watch.over(130.0, heard=2)
