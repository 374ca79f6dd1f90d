"""The contract of `PeerReceiver`: routing, reports, limits, statistics, timers."""

from struct import pack

import pytest

from openmpu.model.ids import TrackId
from openmpu.model.roster import Kind
from openmpu.wire.rtp import rtcp
from openmpu.wire.rtp.extensions import Extension
from openmpu.wire.rtp.parameters import CodecParameters, PeerParameters, TrackParameters
from openmpu.wire.rtp.receiver import PeerReceiver
from openmpu.wire.rtp.transport_feedback import parse as parse_feedback
from tests.wire.rtp.media import encoded
from tests.wire.rtp.packetisers import packetise, rtp
from tests.wire.rtp.simulation import AUDIO, MS, SECOND, VIDEO, Call, Link, Sender

T0 = 1_760_000_000 * SECOND
CAMERA, SCREEN = TrackId("camera"), TrackId("screen")
KEY = b"\x10\x00\x00\x00\x9d\x01\x2a\x00\x05\xd0\x02"


def video(track_id: TrackId, mid: str | None, **more) -> TrackParameters:
    """A track that may send VP8, H.264 and the rest."""
    codecs = tuple(
        CodecParameters(payload_type, name)
        for payload_type, name in ((96, "vp8"), (98, "h264"), (100, "vp9"), (102, "av1"), (104, "h265"))
    )
    return TrackParameters(track_id, Kind.VIDEO, codecs, mid, **more)


def peer(*tracks: TrackParameters, **more) -> PeerReceiver:
    """A peer that agreed on MID."""
    return PeerReceiver(PeerParameters(1, "us", tracks, ((1, Extension.MID),), **more), T0)


def key_frame(ssrc: int, sequence: int = 0, mid: str | None = None) -> bytes:
    """A whole VP8 key frame in one packet."""
    plain = rtp(KEY, ssrc=ssrc, sequence=sequence, timestamp=sequence, marker=True)
    if mid is None:
        return plain
    return b"\x90" + plain[1:12] + b"\xbe\xde\x00\x01\x10" + mid.encode() + b"\x00\x00" + plain[12:]


def messages(receiver: PeerReceiver, now: int, kind: type) -> list:
    """What of that kind is sent now."""
    found = [message for data in receiver.rtcp_to_send(now) for message in rtcp.parse(data)[0]]
    return [message for message in found if isinstance(message, kind)]


def test_new_ssrc_finds_its_track_by_mid() -> None:
    """Two tracks of the same payload types; later packets need no MID."""
    receiver = peer(video(CAMERA, "0"), video(SCREEN, "1"))
    receiver.receive_rtp(key_frame(5, mid="1"), T0)
    receiver.receive_rtp(key_frame(5, 1), T0)
    receiver.receive_rtp(key_frame(6, mid="0"), T0)
    assert [track for track, _ in receiver.frames(T0)] == [SCREEN, SCREEN, CAMERA]


def test_new_ssrc_finds_its_track_by_announcement() -> None:
    """`a=ssrc` where there is no MID."""
    receiver = peer(video(CAMERA, "0", ssrcs=(5,)), video(SCREEN, "1", ssrcs=(6,)))
    receiver.receive_rtp(key_frame(6), T0)
    assert [track for track, _ in receiver.frames(T0)] == [SCREEN]


def test_ambiguous_ssrc_is_not_guessed() -> None:
    """Two tracks share the payload type and nothing else tells them apart; an unknown MID neither."""
    receiver = peer(video(CAMERA, "0"), video(SCREEN, "1"))
    receiver.receive_rtp(key_frame(5), T0)
    receiver.receive_rtp(key_frame(5, mid="9"), T0)
    assert not receiver.frames(T0)
    assert receiver.statistics().unrouted == 2


@pytest.mark.parametrize(("codec", "payload_type"), [("h264", 98), ("vp9", 100), ("av1", 102), ("h265", 104)])
def test_codec_is_told_and_may_change(codec: str, payload_type: int) -> None:
    """The payload type tells; another one begins with its own key frame."""
    receiver = peer(video(CAMERA, "0"))
    receiver.receive_rtp(key_frame(5, 0), T0)
    assert receiver.track(CAMERA).current.codec == "vp8"
    sequence = 1
    for number, picture in enumerate(encoded(codec)):
        payloads = packetise(codec, picture, number)
        for index, payload in enumerate(payloads):
            last = index == len(payloads) - 1
            fields = {"sequence": sequence, "timestamp": (number + 1) * 3000, "marker": last, "ssrc": 5}
            receiver.receive_rtp(rtp(payload, payload_type=payload_type, **fields), T0)
            sequence += 1
    frames = [frame for _, frame in receiver.frames(T0)]
    assert receiver.track(CAMERA).current.codec == codec
    assert [frame.key for frame in frames[1:]] == [number % 6 == 0 for number in range(12)]
    statistics = receiver.track_statistics(CAMERA)
    assert (statistics.codec, statistics.width, statistics.height) == (codec, 320, 180)


def test_parameter_sets_of_the_sdp_are_put_before_key_frames() -> None:
    """A sender that sends SPS and PPS only in `sprop-parameter-sets`."""
    from tests.wire.rtp.media import decoded, nal_units

    units = nal_units(encoded("h264")[0])
    sets = tuple(unit for unit in units if unit[0] & 31 in {7, 8})
    codec = CodecParameters(98, "h264", parameter_sets=sets)
    receiver = peer(TrackParameters(CAMERA, Kind.VIDEO, (codec,), "0"))
    rest = [unit for unit in units if unit[0] & 31 not in {7, 8}]
    for index, unit in enumerate(rest):
        marker = index == len(rest) - 1
        receiver.receive_rtp(rtp(unit, payload_type=98, sequence=index, marker=marker), T0)
    [(_, frame)] = receiver.frames(T0)
    assert frame.key
    assert len(decoded("h264", [frame.data])) == 1


def test_frame_tells_when_and_how() -> None:
    """RTP time, arrival of the last packet, rotation of the last packet's extension, kept until it changes."""
    parameters = PeerParameters(1, "us", (video(CAMERA, "0"),), ((2, Extension.ROTATION),))
    receiver = PeerReceiver(parameters, T0)
    turned = rtp(KEY, sequence=1, timestamp=7, marker=True)
    receiver.receive_rtp(b"\x90" + turned[1:12] + b"\xbe\xde\x00\x01\x20\x01\x00\x00" + turned[12:], T0 + 5)
    receiver.receive_rtp(rtp(KEY, sequence=2, timestamp=8, marker=True), T0 + 6)
    frames = [frame for _, frame in receiver.frames(T0 + 9)]
    assert [(frame.rtp_time, frame.arrival, frame.rotation) for frame in frames] == [(7, T0 + 5, 90), (8, T0 + 6, 90)]


def test_sound_tells_its_level() -> None:
    """RFC 6464, in the frame and in the statistics."""
    call = Call().run(SECOND)
    assert call.peer.track_statistics(AUDIO).level == 0x1F


def test_reports_come_each_second() -> None:
    """The first soon, with SDES and our time; each SSRC has a block with the last sender report."""
    call = Call(Link(loss=0.1))
    call.keep_rtcp = True
    call.run(5 * SECOND)
    reports = [
        (at, message)
        for at, data in call.rtcp_datagrams
        for message in rtcp.parse(data)[0]
        if isinstance(message, rtcp.ReceiverReport) and message.blocks
    ]
    assert len(reports) == 5
    assert reports[0][0] == T0 + 200 * MS
    blocks = {block.ssrc: block for block in reports[-1][1].blocks}
    assert set(blocks) >= {call.sender.video_ssrc, call.sender.audio_ssrc}
    assert all(block.last_report for ssrc, block in blocks.items() if ssrc == call.sender.audio_ssrc)
    assert 10 < blocks[call.sender.video_ssrc].fraction_lost < 50
    assert abs(call.peer.statistics().rtt_ms - 20) < 2


def test_feedback_opens_with_a_report_unless_reduced_size_was_agreed_on() -> None:
    """RFC 3550 6.1 and RFC 5506."""
    for reduced in (False, True):
        receiver = peer(video(CAMERA, "0"), reduced_size=reduced)
        receiver.receive_rtp(rtp(b"\x00x"), T0)
        receiver.frames(T0)
        [data] = receiver.rtcp_to_send(T0)
        kinds = [type(message) for message in rtcp.parse(data)[0]]
        opening = [] if reduced else [rtcp.ReceiverReport, rtcp.Description]
        assert kinds == [*opening, rtcp.PictureLoss]


def test_fir_where_pli_was_not_agreed_on() -> None:
    """Its number grows with each request."""
    receiver = peer(video(CAMERA, "0", pli=False))
    receiver.receive_rtp(rtp(b"\x00x"), T0)
    assert messages(receiver, T0, rtcp.FullIntra) == [rtcp.FullIntra(1, ((7, 1),))]
    assert messages(receiver, T0 + SECOND, rtcp.FullIntra) == [rtcp.FullIntra(1, ((7, 2),))]


def test_wake_tells_when_something_is_due() -> None:
    """Driven by nothing but `next_wake`, missing packets are asked for and given up."""
    receiver = peer(video(CAMERA, "0"))
    for sequence in (0, 2):
        receiver.receive_rtp(rtp(KEY, sequence=sequence, timestamp=sequence, marker=True), T0)
    times, now = [], T0
    while now < T0 + SECOND:
        now = receiver.next_wake()
        times.append(now)
        receiver.frames(now)
        receiver.rtcp_to_send(now)
        assert receiver.next_wake() > now
    assert times[0] == T0
    assert len(times) < 12


def test_limit_is_what_all_tracks_want_together() -> None:
    """With transport-wide feedback nothing is told until all have said; then the sum and something for the sound."""
    receiver = peer(video(CAMERA, "0"), video(SCREEN, "1"), transport_cc=True)
    receiver.receive_rtp(key_frame(5, mid="0"), T0)
    receiver.receive_rtp(key_frame(6, mid="1"), T0)
    receiver.set_wanted(CAMERA, 360, 500_000, T0)
    assert messages(receiver, T0 + SECOND, rtcp.BitrateLimit) == []
    receiver.set_wanted(SCREEN, 720, 1_500_000, T0)
    at_once, again = messages(receiver, T0 + 2 * SECOND, rtcp.BitrateLimit)
    assert again == at_once
    assert again.media_ssrcs == (5, 6)
    assert abs(again.bits_per_second - 2_100_000) < 20


def test_a_limit_is_told_at_once_and_also_that_there_is_none_any_more() -> None:
    """Senders remember the last limit: a pane that became large again must not stay poor."""
    receiver = peer(video(CAMERA, "0"), transport_cc=True)
    receiver.receive_rtp(key_frame(5, mid="0"), T0)
    messages(receiver, T0 + SECOND, rtcp.BitrateLimit)
    receiver.set_wanted(CAMERA, 360, 500_000, T0 + SECOND)
    assert receiver.next_wake() == T0 + SECOND
    [small] = messages(receiver, T0 + SECOND, rtcp.BitrateLimit)
    assert abs(small.bits_per_second - 600_000) < 20
    receiver.set_wanted(CAMERA, None, None, T0 + SECOND + 1)
    [large] = messages(receiver, T0 + SECOND + 1, rtcp.BitrateLimit)
    assert large.bits_per_second > 15_000_000


def test_limit_is_not_told_where_it_was_not_agreed_on() -> None:
    """No REMB without `goog-remb`."""
    receiver = peer(video(CAMERA, "0"), remb=False)
    receiver.receive_rtp(key_frame(5, mid="0"), T0)
    receiver.set_wanted(CAMERA, 360, 500_000, T0)
    assert messages(receiver, T0 + SECOND, rtcp.BitrateLimit) == []


def test_arrivals_are_told_ten_to_twenty_times_a_second() -> None:
    """Every packet once, in feedback packets that are numbered without a gap."""
    call = Call(Link(loss=0.05, seed=3))
    call.keep_rtcp = True
    call.run(20 * SECOND)
    bodies = [
        parse_feedback(message.body)
        for _, data in call.rtcp_datagrams
        for message in rtcp.parse(data)[0]
        if isinstance(message, rtcp.TransportFeedback)
    ]
    assert 20 * 9 <= len(bodies) <= 20 * 21
    assert [body.number for body in bodies] == [number & 255 for number in range(len(bodies))]
    told = sum(tick is not None for body in bodies for tick in body.ticks)
    lost = sum(tick is None for body in bodies for tick in body.ticks)
    assert abs(lost / (told + lost) - 0.05) < 0.02


def test_statistics_of_a_call() -> None:
    """Rates of the last second, sums of all."""
    call = Call(Link(loss=0.05), Link(seed=2), Sender(bitrate=1_000_000)).run(10 * SECOND)
    video_, audio = call.peer.track_statistics(VIDEO), call.peer.track_statistics(AUDIO)
    assert (video_.codec, audio.codec) == ("vp8", "opus")
    assert 29 <= video_.fps <= 31
    assert 42 <= audio.fps <= 51
    assert 800_000 < video_.bitrate < 1_300_000
    assert 0.03 < video_.lost / video_.received < 0.07
    assert video_.repaired >= video_.lost * 0.9
    assert audio.concealed == audio.lost
    assert (video_.width, video_.height) == (1280, 720)
    assert video_.malformed == audio.malformed == 0


def test_totals_outlive_an_ssrc() -> None:
    """What was received, lost, asked for and repaired of an SSRC that was replaced still counts."""
    call = Call(Link(loss=0.05), Link(seed=2)).run(4 * SECOND)
    call.up.loss, call.sender.video = 0, False
    call.run(200 * MS)
    before = call.peer.track_statistics(VIDEO)
    call.sender.video, call.sender.video_ssrc = True, 0x7777
    call.run(2 * SECOND)
    after = call.peer.track_statistics(VIDEO)
    assert after.received > before.received + 200
    assert before.repaired > 10
    assert (after.lost, after.repaired, after.nacks) == (before.lost, before.repaired, before.nacks)
    assert after.plis == before.plis + 1


def test_malformed_datagrams_are_counted() -> None:
    """RTP and RTCP, each by itself."""
    receiver = peer(video(CAMERA, "0"))
    receiver.receive_rtp(b"\x80", T0)
    receiver.receive_rtcp(b"\x80\xc9\x00\x05", T0)
    receiver.receive_rtcp(b"junk", T0)
    statistics = receiver.statistics()
    assert (statistics.malformed_rtp, statistics.malformed_rtcp) == (1, 2)


def test_payload_type_of_no_codec_is_counted() -> None:
    """FEC, or a codec that we do not read, on the track's SSRC."""
    receiver = peer(video(CAMERA, "0"))
    receiver.receive_rtp(key_frame(5), T0)
    receiver.receive_rtp(rtp(b"x", payload_type=120, ssrc=5, sequence=1), T0)
    assert receiver.track_statistics(CAMERA).malformed == 1


def test_rtx_of_an_announced_pair() -> None:
    """The SDP tells which SSRC repeats which; nothing else is needed."""
    codecs = (CodecParameters(96, "vp8"), CodecParameters(97, "rtx", apt=96))
    tracks = [
        TrackParameters(CAMERA, Kind.VIDEO, codecs, ssrcs=(5,), rtx=((5, 55),)),
        TrackParameters(SCREEN, Kind.VIDEO, codecs, ssrcs=(6,), rtx=((6, 66),)),
    ]
    receiver = peer(*tracks)
    receiver.receive_rtp(key_frame(6, 0), T0)
    receiver.receive_rtp(rtp(KEY, ssrc=6, sequence=2, timestamp=2, marker=True), T0)
    again = rtp(pack("!H", 1) + KEY, payload_type=97, ssrc=66, timestamp=1, marker=True)
    receiver.receive_rtp(again, T0 + 20 * MS)
    assert [track for track, _ in receiver.frames(T0 + 20 * MS)] == [SCREEN] * 3


def test_rtx_of_packets_far_away_is_passed_over() -> None:
    """An original number that cannot be one of the window's."""
    codecs = (CodecParameters(96, "vp8"), CodecParameters(97, "rtx", apt=96))
    receiver = peer(TrackParameters(CAMERA, Kind.VIDEO, codecs, "0"))
    receiver.receive_rtp(key_frame(5), T0)
    receiver.receive_rtp(rtp(pack("!H", 30_000) + KEY, payload_type=97, ssrc=55), T0)
    receiver.receive_rtp(key_frame(5, 1), T0)
    assert len(receiver.frames(T0)) == 2
    assert receiver.track_statistics(CAMERA).malformed == 1


def test_arrivals_of_sound_alone_name_its_ssrc() -> None:
    """Browsers drop feedback about an SSRC that is not theirs."""
    sender = Sender()
    sender.video = False
    call = Call(sender=sender)
    call.keep_rtcp = True
    call.run(SECOND)
    told = [
        message.media_ssrc
        for _, data in call.rtcp_datagrams
        for message in rtcp.parse(data)[0]
        if isinstance(message, rtcp.TransportFeedback)
    ]
    assert set(told) == {sender.audio_ssrc}
