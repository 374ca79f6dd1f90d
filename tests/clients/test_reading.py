"""Delays and offsets from sights and beeps."""

from openmpu.clients import marks, reading

SECOND = 1_000_000_000
BEGIN = 1_800_000_000 * SECOND


def sights(delay_ms, count=50, fps=30):
    """Frames of a 30 fps picture that each come `delay_ms` late, in a stream that begins at BEGIN."""
    first = BEGIN * fps // SECOND
    found = []
    for number in range(first, first + count):
        pts = marks.frame_moment(number, fps) - BEGIN + delay_ms * 1_000_000
        found.append(reading.Sight(pts, marks.Mark(number % marks.NUMBER_RANGE, 1), 0.0))
    return found


def test_offset_is_sound_minus_picture():
    """Sound 150 ms late, picture 50 ms late: 100 ms."""
    beeps = [SECOND + 150_000_000, 2 * SECOND + 150_000_000]
    offset = reading.av_offset(sights(50), beeps, 30, BEGIN + 3600 * SECOND)
    assert abs(offset - 100_000_000) < 1000


def test_sound_that_leads_is_negative():
    """Picture 300 ms late, sound 250 ms."""
    offset = reading.av_offset(sights(300), [SECOND + 250_000_000], 30, BEGIN)
    assert abs(offset + 50_000_000) < 1000


def test_without_a_side_there_is_no_offset():
    """No beeps, or no marks."""
    assert reading.av_offset(sights(10), [], 30, BEGIN) is None
    assert reading.av_offset([reading.Sight(0, None, 0.0)], [5], 30, BEGIN) is None


def test_a_number_is_unwrapped_near_the_present():
    """Frame numbers have passed 2**32 many times."""
    number = BEGIN * 30 // SECOND + 17
    mark = marks.Mark(number % marks.NUMBER_RANGE, 0)
    assert reading.captured(mark, 30, BEGIN + 3 * 86_400 * SECOND) == marks.frame_moment(number, 30)


def test_a_flash_is_its_first_white_picture():
    """Not each white one."""
    levels = [0.0, 0.9, 1.0, 0.1, 0.0, 1.0]
    seen = [reading.Sight(place, None, level) for place, level in enumerate(levels)]
    assert reading.flash_times(seen) == [1, 5]
