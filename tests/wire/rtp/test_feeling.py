"""When a player's pictures are held back."""

from openmpu.wire.rtp.feeling import MUCH, PAUSE, REPORTS, Feeling

NOW = 10**18


def test_a_path_that_goes_on_losing_much_is_given_a_pause():
    """And no report of that time prolongs it."""
    feeling = Feeling()
    for number in range(REPORTS):
        assert not feeling.pauses_now(NOW + number)
        feeling.reported(MUCH, NOW + number)
    feeling.reported(255, NOW + PAUSE // 2)

    assert feeling.pauses_now(NOW + PAUSE // 2)
    assert not feeling.pauses_now(NOW + PAUSE + REPORTS)
    assert feeling.pauses == 1


def test_one_bad_report_between_good_ones_is_borne():
    """Retransmission mends a moment."""
    feeling = Feeling()
    for fraction in (MUCH, 0, 255, MUCH - 1, MUCH):
        feeling.reported(fraction, NOW)

    assert not feeling.pauses_now(NOW)
