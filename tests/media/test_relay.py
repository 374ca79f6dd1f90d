"""The pictures of a relay, without network and without waiting."""

from dataclasses import replace
from itertools import pairwise

import av
import pytest

from openmpu.media.inputs.sync import SyncGroup
from openmpu.media.inputs.track_input import TrackInput
from openmpu.media.interleave import Interleaver
from openmpu.media.outputs import annexb, avc
from openmpu.media.packets import Packet, StreamFormat
from openmpu.media.relay import Relayed, choose
from openmpu.media.relay_pictures import RelayPictures
from openmpu.model.frames import EncodedFrame, ToldColour
from openmpu.model.ids import AppId, ChannelId, TaskId, TrackId, UserId
from openmpu.model.roster import Kind, Roster, Source, Track, User
from openmpu.model.task import RelayPart, RelaySpec, SeiRhythm, SeiSpec, TaskSpec
from openmpu.timing.ticks import MILLISECOND, SECOND
from tests.media.synthetic import Camera
from tests.rig.nals import Access, split

RED, GREEN = (81, 90, 240), (145, 54, 34)
CLIP = Camera(RED, seconds=3.0, gop=30)


class Line:
    """A relay of one track; what comes out of it."""

    def __init__(self, codec: str = "h264") -> None:
        self.packets: list[Packet] = []
        self.formats: list[StreamFormat] = []
        self.wishes = 0
        self.now = 0
        self.relay = RelayPictures(Interleaver(self), self._wish)
        self.input = TrackInput(Track(TrackId("v"), Kind.VIDEO, Source.CAMERA, codec, 0), SyncGroup())
        self.relay.plan(self.input)

    def put(self, packet: Packet) -> None:
        """Keep it."""
        self.packets.append(packet)

    def change(self, stream: StreamFormat) -> None:
        """Keep it."""
        self.formats.append(stream)

    def _wish(self) -> None:
        self.wishes += 1

    def run(self, frames: list[EncodedFrame], until: int | None = None) -> "Line":
        """Let the frames arrive, and a little time pass."""
        for frame in frames:
            self._step(frame.arrival)
            self.input.put(frame, frame.arrival)
        self._step(until or self.now + SECOND // 5)
        return self

    def _step(self, pts: int) -> None:
        while (due := self.relay.step(self.now)) < pts:
            self.now = max(due, self.now + MILLISECOND)
        self.now = max(pts, self.now)


def slices(packets: list[Packet]) -> list[bytes]:
    """The coded slices, in order."""
    nals = [nal for packet in packets for nal in annexb.units(packet.data)]
    return [nal for nal in nals if 1 <= avc.unit_type(nal) <= 5]


def test_every_slice_goes_out_as_it_came() -> None:
    """Bit for bit, in order, each in its time."""
    frames = CLIP.frames()
    line = Line().run(frames)
    sent = [Packet(Kind.VIDEO, 0, frame.data) for frame in frames]
    assert slices(line.packets) == slices(sent)
    steps = {round((b.pts - a.pts) / MILLISECOND) for a, b in pairwise(line.packets)}
    assert steps <= {32, 33, 34}
    assert [packet.key for packet in line.packets] == [frame.key for frame in frames]


def test_the_format_is_that_of_the_parameter_sets() -> None:
    """Size and profile are known with the first key frame."""
    line = Line().run(CLIP.frames()[:5])
    assert line.formats[-1].video is not None
    assert (line.formats[-1].video.width, line.formats[-1].video.height) == (320, 180)
    assert line.formats[-1].video.profile == "baseline"


def test_another_size_in_mid_stream_is_a_new_format() -> None:
    """Before its first packet."""
    small = Camera(RED, width=160, height=90, seconds=1.0, gop=30).frames()
    late = [replace(frame, rtp_time=frame.rtp_time + 270_000, arrival=frame.arrival + 3 * SECOND) for frame in small]
    line = Line().run([*CLIP.frames(), *late])
    assert [(stream.video.width, stream.video.height) for stream in line.formats if stream.video] == [
        (320, 180),
        (160, 90),
    ]


def test_it_begins_with_a_key_frame_that_is_asked_for() -> None:
    """Joining in the middle of a GOP: nothing before the first key frame."""
    line = Line().run(CLIP.frames()[3:60])
    assert line.packets[0].key
    assert line.packets[0].data == CLIP.frames()[30].data
    assert line.wishes >= 1


def test_a_key_frame_is_asked_for_until_one_comes() -> None:
    """However many requests are lost on the way: at most two seconds from one to the next."""
    line = Line()
    asked: list[int] = []
    line.relay = RelayPictures(Interleaver(line), lambda: asked.append(line.now))
    line.relay.plan(line.input)
    endless = Camera(RED, seconds=12.0, gop=10_000).frames()
    line.run(endless[1:])
    assert line.packets == []
    assert max(later - before for before, later in pairwise([0, *asked, line.now])) <= 2_100 * MILLISECOND
    late = [
        replace(frame, rtp_time=frame.rtp_time + 13 * 90_000, arrival=frame.arrival + 13 * SECOND) for frame in endless
    ]
    line.run(late[:5])
    assert line.packets[0].key


def test_parameter_sets_that_cannot_be_read_are_tried_again_with_the_next_key_frame() -> None:
    """A damaged first key frame must not close the relay for ever."""
    frames = CLIP.frames()
    broken = b"".join(
        b"\x00\x00\x00\x01" + (nal[:5] if avc.unit_type(nal) == avc.SPS else nal)
        for nal in annexb.units(frames[0].data)
    )
    line = Line().run([replace(frames[0], data=broken), *frames[1:]])
    assert line.packets[0].data == frames[30].data
    assert line.relay.counts.passed_over == 30


def test_after_a_loss_it_goes_on_with_the_next_key_frame() -> None:
    """A picture without its reference is not handed on."""
    frames = CLIP.frames()
    frames[40] = replace(frames[40], lost=2)
    line = Line().run(frames)
    missing = {frame.data for frame in frames} - {packet.data for packet in line.packets}
    assert missing == {frame.data for frame in frames[40:60]} - {frame.data for frame in frames[:40] + frames[60:]}
    assert line.relay.counts.passed_over == 20


def test_key_frames_without_parameter_sets_get_the_last_ones() -> None:
    """Some publishers send them once only."""
    frames = CLIP.frames()
    bare = b"".join(b"\x00\x00\x00\x01" + nal for nal in annexb.units(frames[30].data) if avc.unit_type(nal) == 5)
    frames[30] = replace(frames[30], data=bare)
    line = Line().run(frames[:60])
    kinds = [avc.unit_type(nal) for nal in annexb.units(line.packets[30].data)]
    assert kinds[:2] == [avc.SPS, avc.PPS]


def test_texts_are_put_into_the_passing_stream() -> None:
    """callbacks.md 6.1: without re-encoding."""
    line = Line()
    line.run(CLIP.frames()[:10])
    line.relay.sei.texts.add('{"a":1}')
    line.run(CLIP.frames()[10:20])
    assert sum(packet.data.count(b'{"a":1}') for packet in line.packets) == 1
    assert slices(line.packets) == slices([Packet(Kind.VIDEO, 0, frame.data) for frame in CLIP.frames()[:20]])


@pytest.mark.parametrize("codec", ["vp8", "vp9", "av1"])
def test_other_codecs_are_encoded_anew_at_their_own_size(codec: str) -> None:
    """As H.264, in the same colours, at once."""
    line = Line(codec).run(Camera(GREEN, codec=codec, seconds=1.0, gop=30).frames())
    decoder = av.CodecContext.create("h264", "r")
    pictures = [picture for packet in line.packets for picture in decoder.decode(av.Packet(packet.data))]
    assert len(pictures) == 30
    assert (pictures[-1].width, pictures[-1].height) == (320, 180)
    assert abs(float(pictures[-1].to_ndarray()[:180].mean()) - GREEN[0]) < 3


@pytest.mark.parametrize(("told", "matrix"), [(None, 6), (ToldColour(6), 6), (ToldColour(1, full_range=True), 1)])
def test_colours_are_told_in_the_stream_as_the_sender_tells_them(told: ToldColour | None, matrix: int) -> None:
    """Chromium's VP8 of a canvas is BT.709 in full range and says so beside the stream only."""
    frames = [replace(frame, colour=told) for frame in Camera(GREEN, codec="vp8", seconds=1.0, gop=30).frames()]
    line = Line("vp8").run(frames)
    decoder = av.CodecContext.create("h264", "r")
    picture = [picture for packet in line.packets for picture in decoder.decode(av.Packet(packet.data))][-1]
    assert (int(picture.colorspace), int(picture.color_range)) == (matrix, 1)
    luma = 16 + GREEN[0] * 219 / 255 if told and told.full_range else GREEN[0]
    assert abs(float(picture.to_ndarray()[:180].mean()) - luma) < 3


def test_a_sender_who_tells_other_colours_gets_another_stream() -> None:
    """In the middle: the first picture of the new colours is a key frame with its own parameter sets."""
    frames = Camera(GREEN, codec="vp8", seconds=1.0, gop=30).frames()
    line = Line("vp8").run([*frames[:15], *(replace(frame, colour=ToldColour(1)) for frame in frames[15:])])
    assert [number for number, packet in enumerate(line.packets) if packet.key] == [0, 15]
    decoder = av.CodecContext.create("h264", "r")
    pictures = [picture for packet in line.packets for picture in decoder.decode(av.Packet(packet.data))]
    assert [int(picture.colorspace) for picture in pictures] == [6] * 15 + [1] * 15


def test_time_rises_whatever_the_publisher_does() -> None:
    """RTP time that leaps back an hour: the next picture comes just after the last."""
    frames = CLIP.frames()
    leapt = [replace(frame, rtp_time=(frame.rtp_time - 3600 * 90_000) % 2**32) for frame in frames[60:]]
    line = Line().run([*frames[:60], *leapt])
    times = [packet.pts for packet in line.packets]
    assert all(later > earlier for earlier, later in pairwise(times))
    assert len(times) == len(frames)
    assert times[-1] - times[0] == pytest.approx(3 * SECOND, abs=SECOND // 5)


CHANNEL = ChannelId("c")


def user(name: str, since: int, *tracks: tuple[Source, Kind]) -> User:
    """Somebody who publishes since a moment."""
    made = tuple(
        Track(TrackId(f"{name}-{source}-{kind}"), kind, source, "h264" if kind is Kind.VIDEO else "opus", since)
        for source, kind in tracks
    )
    return User(CHANNEL, UserId(name), since, made)


BOTH = ((Source.CAMERA, Kind.VIDEO), (Source.CAMERA, Kind.AUDIO))


def test_who_has_been_publishing_longest_is_relayed() -> None:
    """operations.md 3.4; who only joined does not count."""
    roster = Roster.of(user("early", 1), user("a", 5, *BOTH), user("b", 3, *BOTH))
    chosen = choose(RelaySpec(), roster)
    assert chosen.user is not None
    assert chosen.user.user_id == "b"


def test_the_named_user_or_nobody_is_relayed() -> None:
    """SubSpecUsers.1."""
    roster = Roster.of(user("a", 1, *BOTH), user("b", 2, *BOTH))
    named = choose(RelaySpec(user_id=UserId("b")), roster)
    assert named.video is not None
    assert named.video.track_id == "b-camera-video"
    assert choose(RelaySpec(user_id=UserId("z")), roster) == Relayed()


def test_a_screen_is_relayed_with_the_sound_of_its_user() -> None:
    """Its own, else the microphone's."""
    screen = user("a", 1, *BOTH, (Source.SCREEN, Kind.VIDEO))
    chosen = choose(RelaySpec(source=Source.SCREEN), Roster.of(screen))
    assert chosen.video is not None
    assert chosen.audio is not None
    assert (chosen.video.track_id, chosen.audio.track_id) == ("a-screen-video", "a-camera-audio")


@pytest.mark.parametrize(
    ("part", "has"),
    [(RelayPart.BOTH, (True, True)), (RelayPart.AUDIO, (False, True)), (RelayPart.VIDEO, (True, False))],
)
def test_stream_type_says_what_is_relayed(part: RelayPart, has: tuple[bool, bool]) -> None:
    """0 both, 1 sound, 2 picture."""
    chosen = choose(RelaySpec(part=part), Roster.of(user("a", 1, *BOTH)))
    assert (chosen.video is not None, chosen.audio is not None) == has


def test_seating_goes_out_in_a_relay_without_a_pane() -> None:
    """callbacks.md 6.2: paneid -1, zeros; slices stay as they came."""
    line = Line()
    spec = TaskSpec(AppId("a"), CHANNEL, TaskId("t"), sei=SeiSpec(layout_volume=SeiRhythm()))
    line.relay.sei.plan(spec)
    line.relay.plan(line.input, choose(RelaySpec(), Roster.of(user("a", 1, *BOTH))).seen)
    line.run(CLIP.frames())
    told = [said["stream"] for packet in line.packets for _, said in Access(packet.pts, split(packet.data)).messages]
    assert len(told) == 3
    assert [(one["uid"], one["paneid"], one["type"], one["w"]) for (one,) in told] == [("a", -1, 0, 0)] * 3
    assert slices(line.packets) == slices([Packet(Kind.VIDEO, 0, frame.data) for frame in CLIP.frames()])
