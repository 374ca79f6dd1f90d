"""When a server counts as lost."""

from openmpu.clients.heartbeat import Heartbeat


def heard(*moments):
    """A heartbeat that beat at these seconds."""
    heartbeat = Heartbeat()
    for moment in moments:
        heartbeat.beat(moment)
    return heartbeat


def test_before_the_first_report_nothing_is_missed():
    """A server that never reports is ICE's business."""
    assert Heartbeat().silent(100.0) is None


def test_reports_once_a_second_are_missed_after_three():
    """Not after two and a half."""
    heartbeat = heard(0.0, 1.0, 2.0, 3.1)
    assert heartbeat.silent(5.9) is None
    assert heartbeat.silent(6.2) is not None


def test_a_slow_reporter_is_given_its_time():
    """Every five seconds, as RFC 3550 has it."""
    heartbeat = heard(0.0, 5.0, 10.0)
    assert heartbeat.silent(20.0) is None
    assert heartbeat.silent(23.0) is not None


def test_with_few_reports_patience_is_long():
    """Its pace is not known yet."""
    heartbeat = heard(0.0, 0.1)
    assert heartbeat.silent(10.0) is None
    assert heartbeat.silent(13.0) is not None
