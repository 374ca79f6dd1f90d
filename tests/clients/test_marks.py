"""The machine-readable mark."""

from hypothesis import given
from hypothesis import strategies as st

from openmpu.clients import marks

MARKS = st.builds(marks.Mark, st.integers(0, marks.NUMBER_RANGE - 1), st.integers(0, 255))


@given(MARKS)
def test_a_mark_is_read_as_it_was_written(mark):
    """Number and tag come back."""
    assert marks.from_bits(marks.to_bits(mark)) == mark


@given(MARKS, st.integers(0, 47))
def test_one_wrong_block_is_found_out(mark, place):
    """A CRC-8 finds every single error."""
    bits = list(marks.to_bits(mark))
    bits[place] = not bits[place]
    assert marks.from_bits(bits) is None


def test_blocks_fill_the_strip():
    """48 blocks, none outside."""
    cells = list(marks.cells())
    assert len(cells) == len(marks.to_bits(marks.Mark(0, 0)))
    assert abs(max(cell.x + cell.width for cell in cells) - (marks.STRIP.x + marks.STRIP.width)) < 1e-9
    assert abs(max(cell.y + cell.height for cell in cells) - (marks.STRIP.y + marks.STRIP.height)) < 1e-9


@given(st.integers(0, 10**11), st.sampled_from([5, 15, 24, 25, 30, 60]))
def test_number_and_moment_belong_together(number, fps):
    """The moment of a frame is within that frame."""
    assert marks.frame_number(marks.frame_moment(number, fps), fps) == number


def test_tags_of_the_demo_differ():
    """Its users are told apart by tag alone."""
    assert len({marks.tag_of(name) for name in ("alice", "bob", "carol")}) == 3
