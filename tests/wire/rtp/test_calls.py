"""Whole calls over bad networks, in simulated time: the bars of the product."""

import gc
import sys
from types import FunctionType, ModuleType

import pytest

from tests.wire.rtp.simulation import AUDIO, EPOCH, MS, SECOND, VIDEO, VP8, Call, Link, Sender, peer_parameters

MINUTE = 60 * SECOND


def lossy(loss: float, one_way: int = 10 * MS, **more) -> Call:
    """A call that loses that share of packets in both directions; its sender repeats no sooner than browsers do."""
    call = Call(Link(loss=loss, delay=one_way, **more), Link(loss=loss, delay=one_way, seed=2))
    call.sender.resend_guard = 2 * one_way + 5 * MS
    return call


def test_clean_network_adds_no_delay() -> None:
    """Without loss a frame leaves with its last packet and a packet of sound at once; nothing is asked for."""
    call = lossy(0).run(MINUTE)
    video = call.peer.track_statistics(VIDEO)
    assert len(call.shown) == call.sender.frames or len(call.shown) == call.sender.frames - 1
    assert call.audio_delays()[-1] == 10 * MS
    assert max(frame.at - frame.sent_at for frame in call.shown[30:]) < 10 * MS + SECOND // 60
    assert (video.nacks, call.sender.plis, call.broken) == (0, 0, [])


@pytest.mark.parametrize("one_way", [MS, 10 * MS])
def test_two_per_cent_loss(one_way: int) -> None:
    """2 %: no video gap over 120 ms, nothing broken."""
    call = lossy(0.02, one_way).run(2 * MINUTE)
    assert max(call.video_gaps()) <= 120 * MS
    assert call.fps() >= 29.5
    assert not call.broken


def test_two_per_cent_loss_on_a_longer_way() -> None:
    """2 % in both directions at 40 ms of round trip: in ten minutes one gap over 120 ms is shown, of a packet lost thrice.

    What is handed out comes later than that where a packet and its repair were lost: a picture, its detection and two
    round trips are 33 + 5 + 2 x 46 ms. A worker's playout delay, which it has for the single losses, covers the rest.
    """
    call = lossy(0.02, 20 * MS).run(10 * MINUTE)
    gaps, shown = call.video_gaps(), call.shown_gaps()
    assert sum(gap > 120 * MS for gap in shown) <= 1
    assert max(shown) <= 140 * MS
    assert sum(gap > 120 * MS for gap in gaps) <= 15
    assert max(gaps) <= 160 * MS
    assert call.sender.plis <= 2 * 10
    assert not call.broken


def test_end_of_a_picture_is_missed_by_the_numbers_of_the_peer() -> None:
    """Every picture's last packet is lost: sound that comes behind it tells, not only the next picture."""
    call = Call(Link(delay=20 * MS), Link(delay=20 * MS, seed=2))
    call.sender.resend_guard = 40 * MS  # as browsers: a round trip
    call.on_packet = lambda data: None if data[1] == 0x80 | VP8 else data  # the marker; repaired by RTX
    call.run(MINUTE)
    delays = sorted(frame.at - frame.sent_at for frame in call.shown[60:])
    assert delays[len(delays) // 2] < 85 * MS
    assert delays[-1] < 20 * MS + 33 * MS + 40 * MS + 15 * MS
    assert call.sender.sent["rtx"] <= call.sender.frames * 1.2
    assert not call.broken


@pytest.mark.parametrize("one_way", [MS, 10 * MS, 20 * MS])
def test_five_per_cent_loss(one_way: int) -> None:
    """5 %: no video gap over 250 ms, at least 28 fps, sound without a gap over 60 ms; nothing broken."""
    call = lossy(0.05, one_way).run(2 * MINUTE)
    assert max(call.video_gaps()) <= 250 * MS
    assert max(call.audio_gaps()) <= 60 * MS
    assert call.fps() >= 28
    assert not call.broken


def test_bursts() -> None:
    """5 % in bursts of five packets: the same bars as for single losses."""
    call = Call(Link(burst=0.05), Link(loss=0.05, seed=2)).run(2 * MINUTE)
    assert max(call.video_gaps()) <= 250 * MS
    assert max(call.audio_gaps()) <= 60 * MS
    assert call.fps() >= 28
    assert not call.broken


def test_ten_per_cent_loss() -> None:
    """10 %: still a moving picture, and never a broken one."""
    call = lossy(0.10).run(2 * MINUTE)
    assert call.fps() >= 27
    assert max(call.video_gaps()) <= SECOND
    assert max(call.audio_gaps()) <= 60 * MS
    assert not call.broken


def test_jitter_with_reordering() -> None:
    """100 ms of jitter: everything comes out, in order, within the jitter; little is asked for needlessly."""
    call = Call(Link(jitter=100 * MS), Link(seed=2)).run(2 * MINUTE)
    video, audio = call.peer.track_statistics(VIDEO), call.peer.track_statistics(AUDIO)
    assert call.fps() >= 29.5
    assert max(call.video_gaps()) <= 150 * MS
    assert call.video_delays()[-1] <= 250 * MS
    assert audio.concealed < len(call.heard) // 100
    assert video.nacks < video.received // 25
    assert not call.broken


def test_without_rtx() -> None:
    """A sender that repeats packets under their own number is repaired as well."""
    call = Call(Link(loss=0.05), Link(loss=0.05, seed=2), Sender(rtx=False)).run(MINUTE)
    assert max(call.video_gaps()) <= 250 * MS
    assert call.fps() >= 28
    assert not call.broken


def test_duplicates_change_nothing() -> None:
    """Packets that come twice are counted and shown once."""
    call = Call(Link(duplicates=0.2)).run(MINUTE // 2)
    assert call.peer.track_statistics(VIDEO).duplicates > 500
    assert call.peer.track_statistics(AUDIO).duplicates > 200
    assert not call.broken
    assert call.fps() >= 29.9


def test_narrow_network_is_shared_by_limit() -> None:
    """1 Mbit/s under a sender of 1.4, without transport-wide feedback: REMB brings it down and the picture moves."""
    call = Call(Link(bandwidth=1_000_000), parameters=peer_parameters(transport_cc=False)).run(MINUTE)
    late = [frame for frame in call.shown if frame.at > EPOCH + 5 * SECOND]
    assert len(late) >= 54 * 30
    assert max(call.video_gaps(5 * SECOND)) <= 250 * MS
    limits = [limit for at, limit in call.sender.limits if at > EPOCH + 3 * SECOND]
    assert 700_000 < sum(limits) / len(limits) < 1_250_000
    assert not call.broken


def test_limit_never_strangles_a_free_network() -> None:
    """Without congestion REMB stays above what a full 720p wants."""
    call = Call(parameters=peer_parameters(transport_cc=False)).run(MINUTE // 2)
    assert min(limit for _, limit in call.sender.limits) >= 2_500_000


def test_redundancy_replaces_lost_sound() -> None:
    """With RED of two generations, single and double losses cost nothing."""
    sender = Sender()
    sender.red = 2
    call = Call(Link(loss=0.05), sender=sender, parameters=peer_parameters(red=True)).run(MINUTE)
    audio = call.peer.track_statistics(AUDIO)
    assert audio.recovered > 100
    assert audio.concealed <= 3
    assert max(call.audio_gaps()) <= 60 * MS  # where three in a row are lost, two of them are in the next
    assert not call.broken


def test_silence_is_not_loss() -> None:
    """DTX: pauses of 400 ms between packets whose numbers go on are neither held nor concealed."""
    call = Call()
    for _ in range(20):
        call.run(200 * MS)
        call.sender.audio = False
        call.run(380 * MS)
        call.sender.audio = True
        call.sender.audio_time += 19 * 960
    assert call.peer.track_statistics(AUDIO).concealed == 0
    assert all(packet.lost == 0 for packet in call.heard)
    assert len(call.heard) == call.sender.sounds or len(call.heard) == call.sender.sounds - 1


def test_outage() -> None:
    """Two seconds of nothing: back within half a second, by a key frame, with nothing broken."""
    call = Call().run(5 * SECOND)
    call.on_packet = lambda _: None
    call.run(2 * SECOND)
    call.on_packet = lambda data: data
    call.run(5 * SECOND)
    back = next(frame for frame in call.shown if frame.at > EPOCH + 5 * SECOND + 20 * MS and frame.key)
    assert back.at < EPOCH + 7 * SECOND + 500 * MS
    assert back.lost > 0
    assert call.shown[-1].at > call.now - 100 * MS
    assert not call.broken


def test_ten_minutes_of_a_bad_call() -> None:
    """5 % loss, jitter, duplicates and bursts together for ten minutes: alive, moving, never broken."""
    up = Link(loss=0.03, burst=0.02, jitter=20 * MS, duplicates=0.01)
    call = Call(up, Link(loss=0.05, jitter=20 * MS, seed=2)).run(10 * MINUTE)
    assert call.fps() >= 28
    assert max(call.audio_gaps()) <= 90 * MS
    assert not call.broken
    assert call.sender.plis < 300


def weight(root: object) -> int:
    """Bytes of everything that is reachable from `root`, but for classes and functions."""
    seen: set[int] = set()
    todo, total = [root], 0
    while todo:
        each = todo.pop()
        if id(each) in seen or isinstance(each, type | FunctionType | ModuleType):
            continue
        seen.add(id(each))
        total += sys.getsizeof(each)
        todo += gc.get_referents(each)
    return total


def test_two_hours_stay_flat() -> None:
    """Two hours with wraps of every number: nothing breaks and no memory is gained."""
    sender = Sender(fps=10, bitrate=130_000)
    sender.sound_length = 60 * MS
    call = Call(Link(loss=0.01), Link(loss=0.01, seed=2), sender)
    weights = []
    for _ in range(4):
        call.run(30 * MINUTE)
        weights.append(weight(call.peer))
        call.shown, call.heard = call.shown[-1:], call.heard[-1:]
        call.sent_at.clear()
    assert not call.broken
    assert sender.video_sequence > 0x20000
    assert sender.audio_sequence > 0x20000
    assert min(sender.video_time, sender.audio_time) > 1 << 32
    assert max(weights) < weights[0] + 50_000
    assert max(weights) < 500_000
