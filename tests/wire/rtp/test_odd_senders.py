"""Senders that change their SSRC, jump in time, lie about it, flood us or start anew: followed, or passed over."""

import random
from itertools import pairwise
from struct import pack, pack_into

import pytest

from openmpu.wire.rtp.rtcp_writing import build_bye
from tests.wire.rtp.packetisers import rtp
from tests.wire.rtp.simulation import (
    AUDIO,
    EPOCH,
    MS,
    SECOND,
    VIDEO,
    VIDEO_SSRC,
    VP8,
    Call,
    Link,
    Sender,
)

HOUR = 3600 * SECOND


def first_after(call: Call, since: int) -> int:
    """How long after `since` the first frame came that was sent later."""
    return next(frame.at for frame in call.shown if frame.sent_at >= since) - since


def test_time_stamp_jumps_do_not_stop_the_picture() -> None:
    """RTP time an hour ahead, then two back: the picture goes on at once."""
    call = Call().run(3 * SECOND)
    for jump in (90_000 * 3600, -2 * 90_000 * 3600):
        call.sender.video_time += jump
        call.sender.audio_time += jump * 48 // 90
        since = call.now
        call.run(3 * SECOND)
        assert first_after(call, since) < 100 * MS
    assert max(call.video_gaps()) < 100 * MS
    assert max(call.audio_gaps()) <= 60 * MS
    assert not call.broken


@pytest.mark.parametrize("seconds", [3600, 1, -2, -3600])
def test_time_goes_on_at_its_speed_behind_a_jump(seconds: int) -> None:
    """Whichever way it went: pictures a thirtieth of a second apart are told as that, not as one tick apart."""
    call, told = Call(), []
    show = call._show
    call._show = lambda frame: (told.append(frame.rtp_time), show(frame))
    call.run(3 * SECOND)
    call.sender.video_time += 90_000 * seconds
    call.run(2 * SECOND)
    told.clear()
    call.run(SECOND)
    assert 29 <= len(told) <= 31
    assert {(later - earlier) % 2**32 for earlier, later in pairwise(told)} == {3000}


def test_ntp_time_is_not_told_from_before_a_jump() -> None:
    """Between a jump of RTP time and the next sender report nobody is told an NTP time an hour off."""
    call, told = Call(), []
    show = call._show
    call._show = lambda frame: (told.append((call.now, frame.ntp)), show(frame))
    call.run(3 * SECOND)
    call.sender.video_time += 90_000 * 3600
    call.run(3 * SECOND)
    known = [(at, ntp) for at, ntp in told if ntp is not None]
    assert all(abs(ntp - at) < 200 * MS for at, ntp in known)
    assert known[-1][0] > call.now - 100 * MS


def test_sender_starts_anew_with_other_numbers() -> None:
    """Sequence numbers and time stamps from somewhere else, the same SSRC: back within a second."""
    call = Call().run(3 * SECOND)
    call.sender.video_sequence += 20_000
    call.sender.audio_sequence -= 20_000
    since = call.now
    call.run(3 * SECOND)
    assert first_after(call, since) < SECOND
    assert call.heard[-1].at > call.now - 50 * MS


def test_ssrc_change_is_followed() -> None:
    """A new SSRC takes the place of one that fell silent, within a second, by a key frame."""
    call = Call().run(3 * SECOND)
    call.sender.video_ssrc, call.sender.audio_ssrc = 0x9999, 0x8888
    call.sender.video_sequence, call.sender.audio_sequence = 100, 200
    since = call.now
    call.run(3 * SECOND)
    assert first_after(call, since) < SECOND
    assert call.heard[-1].at > call.now - 50 * MS
    before = 3 * 30
    assert call.peer.track_statistics(VIDEO).frames > before + 60


def test_bye_makes_room_at_once() -> None:
    """After BYE the next SSRC of the track is taken from its first packet on."""
    call = Call().run(SECOND)
    call.sender.video = False
    call.run(30 * MS)
    call._receive_rtcp(build_bye([VIDEO_SSRC]))
    call.sender.video = call.sender.key_wanted = True
    call.sender.video_ssrc = 0x9999
    since = call.now
    call.run(SECOND)
    assert first_after(call, since) < 150 * MS


def test_flood_of_ssrcs_is_counted_and_ignored() -> None:
    """A thousand SSRCs of the right payload type leave the call as it is, and nothing is kept of them."""
    call = Call().run(2 * SECOND)
    noise = random.Random(3)
    for _ in range(1000):
        ssrc = noise.randrange(1 << 32)
        for sequence in range(5):
            call.receive_rtp(rtp(b"\x10" + bytes(100), sequence=sequence, payload_type=VP8, ssrc=ssrc))
        call.run(2 * MS)
    call.run(2 * SECOND)
    assert max(call.video_gaps()) < 100 * MS
    assert call.peer.statistics().refused_ssrcs > 1000
    assert len(call.peer._router.streams) <= 3
    assert len(call.peer._router._candidates) <= 16
    assert not call.broken


def test_packets_of_nobody_are_counted() -> None:
    """A payload type and MID that were never agreed on."""
    call = Call()
    call.receive_rtp(rtp(b"x", payload_type=50))
    assert call.peer.statistics().unrouted == 1


def test_ancient_packets_are_passed_over() -> None:
    """Packets from minutes ago, again: counted, not shown."""
    call, old = Call(), []
    call.on_packet = lambda data: (old.append(data), data)[1]
    call.run(20 * SECOND)
    for data in old[:400]:
        call.receive_rtp(data)
    call.run(SECOND)
    assert not call.broken
    assert max(call.video_gaps()) < 100 * MS


def test_lying_sender_reports_are_rejected() -> None:
    """Reports that lie by 2 s are counted and change nothing; the true ones after them are believed."""
    call, told = Call(), []
    show = call._show
    call._show = lambda frame: (told.append((call.now, frame.ntp)), show(frame))
    call.run(5 * SECOND)
    call.sender.ntp_lie = 2 * SECOND
    call.run(2 * SECOND)
    call.sender.ntp_lie = 0
    call.run(5 * SECOND)
    assert all(abs(ntp - at) < 100 * MS for at, ntp in told if ntp is not None)
    assert call.peer.track_statistics(VIDEO).clock_rejected == 2


def test_sender_that_sets_its_clock_is_followed() -> None:
    """A step of the sender's clock by a minute is believed after three reports."""
    call, told = Call(), []
    show = call._show
    call._show = lambda frame: (told.append(frame.ntp), show(frame))
    call.run(3 * SECOND)
    call.sender.ntp_lie = 60 * SECOND
    call.run(5 * SECOND)
    assert abs(told[-1] - call.now - 60 * SECOND) < 200 * MS


def test_video_report_that_lies_from_the_start_is_measured_by_sound() -> None:
    """With a true clock of the sound, video's first report that lies by 2 s is not believed."""
    call = Call()
    call.sender.reports = lambda now: [report(now, call.sender.audio_ssrc, call.sender.audio_time, 0)]
    call.run(SECOND)
    call.sender.reports = lambda now: [report(now, VIDEO_SSRC, call.sender.video_time, 2 * SECOND)]
    call.run(3 * SECOND)
    assert call.peer.track_statistics(VIDEO).clock_rejected >= 2
    assert call.peer.track(VIDEO).current.clock.offset is None


def report(now: int, ssrc: int, time: int, lie: int) -> bytes:
    """A sender report whose NTP time is off by `lie`."""
    from openmpu.wire.rtp import rtcp, rtcp_writing
    from openmpu.wire.rtp.clock import to_ntp

    return rtcp_writing.build_sender_report(rtcp.SenderReport(ssrc, to_ntp(now + lie), time & 0xFFFFFFFF, 1, 1))


def test_marker_in_the_middle_of_pictures_is_trusted_once() -> None:
    """A sender that marks every packet: nothing broken is shown after the first, pictures end with the next one."""
    call = Call()

    def marked(data: bytes) -> bytes:
        changed = bytearray(data)
        if data[1] & 127 == VP8:
            pack_into("!B", changed, 1, VP8 | 0x80)
        return bytes(changed)

    call.on_packet = marked
    call.run(5 * SECOND)
    assert len(call.broken) <= 1
    assert call.shown[-1].at > call.now - 100 * MS
    assert len(call.shown) > 100


def test_missing_markers_cost_one_frame_of_delay() -> None:
    """A sender that never marks: each picture is complete when the next begins."""
    call = Call()
    call.on_packet = lambda data: data[:1] + bytes((data[1] & 0x7F,)) + data[2:]
    call.run(3 * SECOND)
    assert len(call.shown) >= 85
    assert not call.broken


def test_padding_between_pictures_is_no_hole() -> None:
    """Packets without payload, sent to probe the path, fill their numbers and nothing else."""
    call = Call()
    sender = call.sender
    plain = sender.video_packets

    def with_padding(now: int) -> list[bytes]:
        packets = plain(now)
        for _ in range(2):
            head = pack("!BBHII", 0xA0, VP8, sender.video_sequence & 0xFFFF, sender.video_time & 0xFFFFFFFF, VIDEO_SSRC)
            packets.append(head + bytes(99) + bytes((100,)))
            sender.video_sequence += 1
        return packets

    sender.video_packets = with_padding
    call.run(3 * SECOND)
    assert len(call.shown) >= 88
    assert not call.broken
    assert call.peer.track_statistics(VIDEO).duplicates == 0


def test_unanswered_key_frame_requests_back_off() -> None:
    """A sender that ignores PLI hears at most one in 500 ms, and half of that later."""
    call = Call(sender=Sender())
    call.sender.key_wanted = False
    receive = call.sender.receive
    call.sender.receive = lambda data, now: (receive(data, now), setattr(call.sender, "key_wanted", False))[0]
    call.run(20 * SECOND)
    assert 20 <= call.sender.plis <= 23
    assert not call.shown


def test_picture_is_back_soon_after_key_frames_get_through() -> None:
    """All key frames are lost for five seconds: back within a second after (troubles.md 25)."""
    call = Call().run(SECOND)
    call.on_packet = lambda _: None
    call.run(SECOND)
    large = call.sender.bitrate // 30 // 8 * 2
    call.sender._resend = lambda nack, now: []
    frames = []
    plain = call.sender.video_packets

    def without_keys(now: int) -> list[bytes]:
        packets = plain(now)
        frames.append(len(packets))
        return [] if len(packets) * 1180 > large else packets

    call.sender.video_packets = without_keys
    call.on_packet = lambda data: data
    call.run(5 * SECOND)
    assert max(frames) > 10
    assert all(frame.at < EPOCH + SECOND + 100 * MS for frame in call.shown)
    call.sender.video_packets = plain
    since = call.now
    call.run(2 * SECOND)
    assert first_after(call, since) <= SECOND
    assert not call.broken


def test_wishes_for_a_key_frame_are_merged() -> None:
    """The wishes of many readers make one request, and a wish a moment later waits for half a second to pass."""
    call = Call().run(2 * SECOND)
    for _ in range(20):
        call.peer.want_key_frame(VIDEO, call.now)
        call.run(2 * MS)
    call.run(200 * MS)
    assert call.sender.plis == 1
    assert sum(frame.key for frame in call.shown) == 2
    call.peer.want_key_frame(VIDEO, call.now)
    call.run(200 * MS)
    assert call.sender.plis == 1
    call.run(200 * MS)
    assert call.sender.plis == 2


def test_unknown_tracks_are_passed_over() -> None:
    """Wishes for tracks that do not exist, or are sound, change nothing."""
    call = Call().run(SECOND)
    call.peer.want_key_frame(AUDIO, call.now)
    call.peer.set_wanted(AUDIO, 720, 1, call.now)
    call.run(SECOND)
    assert call.sender.plis == 0


def test_loss_of_everything_but_sound() -> None:
    """Video that dies does not hold sound."""
    call = Call(Link(seed=5)).run(SECOND)
    call.on_packet = lambda data: None if data[1] & 127 == VP8 else data
    call.run(5 * SECOND)
    assert call.heard[-1].at > call.now - 50 * MS
    assert EPOCH < call.shown[-1].at < call.now - 3 * SECOND
