"""FLV files and what their tags say."""

from hypothesis import given
from hypothesis import strategies as st

from openmpu.wire.rtmp.flvfile import FILE_HEADER, tag_bytes, tags_in
from openmpu.wire.rtmp.inspect import About, Role, about
from openmpu.wire.rtmp.messages import Tag, TagKind

TAGS = st.builds(Tag, st.sampled_from(TagKind), st.integers(0, 0xFFFFFFFF), st.binary(max_size=50))


@given(st.lists(TAGS, max_size=6))
def test_round_trip(tags):
    """Tags written are tags read, times past 24 bits included."""
    assert tags_in(FILE_HEADER + b"".join(map(tag_bytes, tags))) == tags


def test_bytes_of_a_tag():
    """Type, size, time with its high byte last, stream 0, body, size of all (FLV E.4.1)."""
    raw = tag_bytes(Tag(TagKind.AUDIO, 0x01020304, b"ab"))
    assert raw == b"\x08\x00\x00\x02\x02\x03\x04\x01\x00\x00\x00ab\x00\x00\x00\x0d"


def test_a_cut_file_gives_its_whole_tags():
    """What a killed receiver left behind can be read up to the last whole tag."""
    whole = tag_bytes(Tag(TagKind.VIDEO, 1, b"x" * 20))
    assert len(tags_in(FILE_HEADER + whole + whole[:-10])) == 1


@given(TAGS)
def test_about_never_fails(tag):
    """Any body is something."""
    assert about(tag).role in Role


def test_roles():
    """Headers, key frames, frames and sound of plain and enhanced FLV are told apart."""
    video, audio = TagKind.VIDEO, TagKind.AUDIO
    told = [
        about(Tag(kind, 0, body))
        for kind, body in (
            (video, b"\x17\x00\x00\x00\x00"),
            (video, b"\x17\x01\x00\x00\x00"),
            (video, b"\x27\x01\x00\x00\x00"),
            (video, b"\x17\x02\x00\x00\x00"),
            (video, b"\x90hvc1"),
            (video, b"\x93hvc1"),
            (video, b"\xa3hvc1"),
            (video, b"\x12\x00\x00\x00\x00"),
            (audio, b"\xaf\x00\x12\x10"),
            (audio, b"\xaf\x01\x00"),
            (audio, b"\x2f\x00"),
        )
    ]
    assert told == [
        About(Role.HEADER, "h264"),
        About(Role.KEY_FRAME, "h264"),
        About(Role.FRAME, "h264"),
        About(Role.OTHER, "h264"),
        About(Role.HEADER, "h265"),
        About(Role.KEY_FRAME, "h265"),
        About(Role.FRAME, "h265"),
        About(Role.KEY_FRAME, "h263"),
        About(Role.HEADER, "aac"),
        About(Role.SOUND, "aac"),
        About(Role.SOUND, ""),
    ]
