"""FLV tags from packets: what FFmpeg reads out of them, and what is told when."""

import io
from dataclasses import replace
from fractions import Fraction

import av
import pytest
from hypothesis import given
from hypothesis import strategies as st

from openmpu.media.outputs import flv
from openmpu.media.packets import Packet, StreamFormat
from openmpu.model.encoder import AudioProfile
from openmpu.model.roster import Kind
from openmpu.wire.rtmp import amf0
from openmpu.wire.rtmp.flvfile import FILE_HEADER, tag_bytes
from openmpu.wire.rtmp.inspect import Role, about
from openmpu.wire.rtmp.messages import Tag, TagKind
from tests.media.outputs.media import AUDIO, SECOND, both, pictures, profile, sounds, stream


def made(packets, form):
    maker = flv.TagMaker(form)
    return [tag for packet in packets for tag in maker.tags(packet)]


def opened(tags):
    """The tags as FFmpeg sees them; it shows no streams but the media."""
    return av.open(io.BytesIO(FILE_HEADER + b"".join(map(tag_bytes, tags))))


def roles(tags):
    return [about(tag).role for tag in tags]


def test_ffmpeg_reads_codec_size_profile_and_every_frame():
    """H.264 High of the right size and AAC-LC of the right rate, and each picture decodes."""
    file = opened(made(both(), stream()))
    video, audio = file.streams.video[0], file.streams.audio[0]
    context = video.codec_context
    assert (context.name, context.profile, context.width, context.height) == ("h264", "High", 320, 180)
    assert (audio.codec_context.name, audio.codec_context.profile) == ("aac", "LC")
    assert (audio.codec_context.sample_rate, audio.codec_context.channels) == (48_000, 2)
    assert sum(1 for _ in file.decode(video)) == len(pictures())


def test_ffmpeg_reads_the_times():
    """Pts in milliseconds, pictures and sounds, as they were."""
    file = opened(made(both(), stream()))
    packets = [packet for packet in file.demux() if packet.size]
    got = {kind: [p.pts for p in packets if p.stream.type == kind] for kind in ("video", "audio")}
    assert got["video"] == [flv.milliseconds(p.pts) for p in pictures()]
    assert got["audio"] == [flv.milliseconds(p.pts) for p in sounds()]


@pytest.mark.parametrize("name", ["baseline", "main", "high"])
def test_the_record_is_the_one_of_ffmpeg(name):
    """Our AVC configuration equals that of FFmpeg's own muxer, byte for byte."""
    packets = pictures(seconds=1, x264_profile=name)
    ours = opened(made(packets, stream(audio=False))).streams.video[0].codec_context.extradata
    assert ours == _extradata_by_ffmpeg("h264", packets)


def test_the_hevc_record_is_the_one_of_ffmpeg():
    """Our HEVC configuration tells FFmpeg's profile, format and parameter sets, and every picture decodes."""
    packets = pictures(codec="h265", seconds=1)
    file = opened(made(packets, stream(codec="h265", audio=False)))
    video = file.streams.video[0]
    theirs = _extradata_by_ffmpeg("hevc", packets)
    assert video.codec_context.name == "hevc"
    assert video.codec_context.extradata[:13] == theirs[:13]
    assert sum(1 for _ in file.decode(video)) == len(packets)


def _extradata_by_ffmpeg(codec, packets):
    file = io.BytesIO()
    with av.open(file, "w", format="mp4") as muxer:
        track = muxer.add_mux_stream(codec, rate=25, width=320, height=180)
        for packet in packets:
            one = av.Packet(packet.data)
            one.stream, one.pts, one.dts = track, packet.pts // 1_000_000, packet.pts // 1_000_000
            one.time_base, one.is_keyframe = Fraction(1, 1000), packet.key
            muxer.mux(one)
    file.seek(0)
    return av.open(file).streams.video[0].codec_context.extradata


def test_audio_only():
    """Without video there is metadata, a header and sound, and FFmpeg sees one stream."""
    tags = made(sounds(), stream(video=False))
    assert roles(tags[:3]) == [Role.METADATA, Role.HEADER, Role.SOUND]
    assert [s.type for s in opened(tags).streams] == ["audio"]


def test_video_only():
    """Without sound there is no audio header."""
    tags = made(pictures(), stream(audio=False))
    assert {tag.kind for tag in tags} == {TagKind.DATA, TagKind.VIDEO}


def test_a_connection_begins_with_everything():
    """Metadata (which has no time), both sequence headers with the key frame's time, key frame."""
    tags = made(pictures()[:2], stream())
    assert roles(tags) == [Role.METADATA, Role.HEADER, Role.HEADER, Role.KEY_FRAME, Role.FRAME]
    assert [tag.timestamp for tag in tags] == [0, 0, 0, 0, 40]


def test_a_new_connection_begins_with_everything_again():
    """After a restart all is told again, with the running time."""
    maker = flv.TagMaker(stream())
    for packet in both():
        maker.tags(packet)
    maker.restart()
    key = replace(pictures()[0], pts=7 * SECOND)
    tags = maker.tags(key)
    assert roles(tags) == [Role.METADATA, Role.HEADER, Role.HEADER, Role.KEY_FRAME]
    assert [tag.timestamp for tag in tags] == [0, 7000, 7000, 7000]


def test_remembered_parameter_sets():
    """A later key frame without parameter sets still gets its header on a new connection."""
    maker = flv.TagMaker(stream())
    maker.tags(pictures()[0])
    maker.restart()
    bare = pictures()[0].data[pictures()[0].data.rindex(b"\x00\x00\x01\x65") :]
    assert roles(maker.tags(Packet(Kind.VIDEO, 0, bare)))[1] is Role.HEADER


def test_nothing_is_told_twice():
    """Key frames with the same parameter sets need no new header."""
    assert roles(made(both(), stream())).count(Role.HEADER) == 2


def test_a_new_size_is_told_at_its_key_frame():
    """New metadata and a new video header stand before the first key frame of the new size, and FFmpeg follows."""
    maker = flv.TagMaker(stream())
    tags = [tag for packet in both() for tag in maker.tags(packet)]
    maker.change(stream(640, 360))
    later = [replace(packet, pts=packet.pts + 2 * SECOND) for packet in pictures(640, 360)]
    sound = replace(sounds()[0], pts=2 * SECOND)
    second = [tag for packet in (sound, *later) for tag in maker.tags(packet)]
    assert roles(second[:4]) == [Role.SOUND, Role.METADATA, Role.HEADER, Role.KEY_FRAME]
    sizes = [(frame.width, frame.height) for frame in opened(tags + second).decode(video=0)]
    assert sizes == [(320, 180)] * 50 + [(640, 360)] * 50


def test_new_sound_is_told_at_once():
    """Another sample rate brings its header before the first frame of it."""
    maker = flv.TagMaker(stream())
    for packet in both():
        maker.tags(packet)
    maker.change(StreamFormat(profile(), AudioProfile(sample_rate=16_000, channels=1)))
    tags = maker.tags(sounds()[0])
    assert roles(tags) == [Role.HEADER, Role.SOUND]
    assert tags[0].payload[2:] == (2 << 11 | 8 << 7 | 1 << 3).to_bytes(2)


@pytest.mark.parametrize("rate", [8_000, 16_000, 32_000, 44_100, 48_000, 96_000])
def test_ffmpeg_reads_each_sample_rate(rate):
    """The AudioSpecificConfig names the rate."""
    file = opened(made(sounds(1, rate), StreamFormat(None, AudioProfile(sample_rate=rate))))
    assert file.streams.audio[0].codec_context.sample_rate == rate


def test_metadata_tells_the_profile():
    """Size, rate, codecs and bit rates stand in onMetaData."""
    name, facts = amf0.decode(flv.metadata(stream()))
    assert name == "onMetaData"
    assert facts["width"] == 320
    assert facts["framerate"] == 25
    assert facts["videocodecid"] == 7
    assert facts["audiocodecid"] == 10
    assert facts["stereo"] is True


def test_time_goes_on_past_its_32_bits():
    """After 49 days the milliseconds begin anew."""
    assert flv.milliseconds((1 << 32) * 1_000_000 + 5_000_000) == 5
    assert flv.milliseconds(99_999_999) == 100


def test_untouched_units():
    """Slices and SEI go through bit for bit; parameter sets and delimiters go into the header."""
    data = pictures()[0].data
    sei = b"\x06\x05\x01\xaa\x80"
    with_more = b"\x00\x00\x00\x01\x09\x10" + b"\x00\x00\x00\x01" + sei + data
    (*_, tag) = made([Packet(Kind.VIDEO, 0, with_more)], stream())
    slice_unit = data[data.rindex(b"\x00\x00\x01\x65") + 3 :]
    own = [unit for unit in _units(tag.payload[5:]) if unit[0] & 31 != 6 or unit == sei]
    assert own == [sei, slice_unit]


def _units(body):
    at, units = 0, []
    while at < len(body):
        size = int.from_bytes(body[at : at + 4])
        units.append(body[at + 4 : at + 4 + size])
        at += 4 + size
    return units


def test_a_key_frame_without_parameter_sets_is_not_sent():
    """What nobody could decode does not go out."""
    assert made([Packet(Kind.VIDEO, 0, b"\x00\x00\x01\x65\x88")], stream()) == []


def test_frames_of_a_kind_that_the_format_lacks_are_not_sent():
    """A stray picture in a sound-only stream is left out, and the other way round."""
    assert made(pictures(), stream(video=False)) == []
    assert made(sounds(), stream(audio=False)) == []


@given(st.binary(max_size=200), st.booleans(), st.sampled_from(["h264", "h265"]))
def test_any_bitstream_is_taken(data, key, codec):
    """A relayed publisher's nonsense never raises."""
    maker = flv.TagMaker(stream(codec=codec))
    heads = b"\x00\x00\x01\x67" + data + b"\x00\x00\x01\x68\x01\x00\x00\x01\x42\x01" + data
    for raw in (data, heads, heads + b"\x00\x00\x01\x40\x01\x00\x00\x01\x44\x01\x00\x00\x01\x26" + data):
        for tag in maker.tags(Packet(Kind.VIDEO, 0, raw, key)):
            assert isinstance(tag, Tag)


def test_audio_header_constants():
    """The profile of the tests is what the encoder's defaults are."""
    assert AudioProfile(128, 48_000, 2) == AUDIO
