"""Simulcast: the layer that is wanted, changed on key frames, on one line of time stamps."""

from __future__ import annotations

import itertools
import random
import zlib
from struct import pack, unpack_from

import pytest

from openmpu.model.ids import TrackId
from openmpu.model.roster import Kind
from openmpu.wire.rtp import rtcp, rtcp_writing
from openmpu.wire.rtp.clock import to_ntp
from openmpu.wire.rtp.extensions import Extension
from openmpu.wire.rtp.parameters import CodecParameters, PeerParameters, TrackParameters
from openmpu.wire.rtp.receiver import PeerReceiver

MS, SECOND = 1_000_000, 1_000_000_000
T0 = 1_760_000_000 * SECOND
VIDEO = TrackId("v")
FRAME = SECOND // 30


class Layer:
    """One encoding of a simulcast sender, with an RTP clock of its own."""

    def __init__(self, rid: str, ssrc: int, height: int) -> None:
        self.rid, self.ssrc, self.height = rid, ssrc, height
        self.offset = (ssrc * 2_654_435_761) & 0xFFFFFFFF
        self.sequence, self.number = ssrc & 0xFFFF, 0
        self.key_wanted = self.on = True
        self.history: dict[int, bytes] = {}
        self.name_it = True

    def packets(self, now: int) -> list[bytes]:
        """Three packets of one frame that carries height, number and the number it stands on."""
        key, self.key_wanted = self.key_wanted, False
        head = b"\x00\x00\x00\x9d\x01\x2a" if key else b"\x01\x00\x00"
        size = pack("<HH", self.height * 16 // 9, self.height) if key else b""
        body = head + size + pack("!III", self.height, self.number, self.number - (not key) & 0xFFFFFFFF) + bytes(500)
        body += pack("!I", zlib.crc32(body))
        self.number += 1
        time = self.rtp_time(now)
        chunks = [body[:200], body[200:400], body[400:]]
        return [self._packet(chunk, index == 0, index == 2, time) for index, chunk in enumerate(chunks)]

    def rtp_time(self, now: int) -> int:
        """This layer's RTP clock."""
        return ((now - T0) * 90_000 // SECOND + self.offset) & 0xFFFFFFFF

    def _packet(self, chunk: bytes, first: bool, last: bool, time: int) -> bytes:
        names = b"\x10v" + b"\x20" + self.rid.encode() if self.name_it else b"\x10v\x00\x00"
        head = pack("!BBHII", 0x90, 96 | last << 7, self.sequence & 0xFFFF, time, self.ssrc)
        packet = head + b"\xbe\xde\x00\x01" + names + (b"\x10" if first else b"\x00") + chunk
        self.history[self.sequence & 0xFFFF] = packet
        self.sequence += 1
        return packet


class Studio:
    """Three layers into one peer, with loss; answers PLI per layer."""

    def __init__(self, loss: float = 0.0, *, reports: bool = True) -> None:
        codecs = (CodecParameters(96, "vp8"), CodecParameters(97, "rtx", apt=96))
        track = TrackParameters(VIDEO, Kind.VIDEO, codecs, mid="v", rids=("h", "m", "l"))
        extensions = ((1, Extension.MID), (2, Extension.RID), (3, Extension.REPAIRED_RID))
        self.now = T0
        self.peer = PeerReceiver(PeerParameters(1, "us", (track,), extensions), self.now)
        self.layers = [Layer("h", 101, 720), Layer("m", 202, 360), Layer("l", 303, 180)]
        self.loss, self.reports = loss, reports
        self._random = random.Random(4)
        self.shown: list[tuple[int, int, bool, int, int]] = []
        """(height, number, key, RTP time, now)."""
        self.broken = 0
        self.plis: list[tuple[int, str]] = []
        self._frame = 0

    def run(self, duration: int) -> Studio:
        """Frames of all layers, 30 times a second."""
        end = self.now + duration
        while self.now < end:
            for layer in self.layers:
                if layer.on:
                    for packet in layer.packets(self.now):
                        self._deliver(packet)
            if self.reports and self._frame % 30 == 3:
                for layer in self.layers:
                    report = rtcp.SenderReport(layer.ssrc, to_ntp(self.now), layer.rtp_time(self.now), 1, 1)
                    self.peer.receive_rtcp(rtcp_writing.build_sender_report(report), self.now)
            self._frame += 1
            for _ in range(3):
                self.now += FRAME // 3
                self._poll()
        return self

    def _deliver(self, packet: bytes) -> None:
        if self._random.random() >= self.loss:
            self.peer.receive_rtp(packet, self.now)
            self._poll()

    def _poll(self) -> None:
        for _, frame in self.peer.frames(self.now):
            self._show(frame)
        for datagram in self.peer.rtcp_to_send(self.now):
            for message in rtcp.parse(datagram)[0]:
                self._answer(message)

    def _answer(self, message) -> None:
        layer = next((each for each in self.layers if each.ssrc == getattr(message, "media_ssrc", 0)), None)
        if isinstance(message, rtcp.PictureLoss) and layer:
            layer.key_wanted = True
            self.plis.append((self.now, layer.rid))
        elif isinstance(message, rtcp.Nack) and layer:
            for sequence in message.sequences:
                packet = layer.history[sequence]
                names = b"\x10v" + b"\x30" + layer.rid.encode()
                rtx = packet[:1] + bytes((packet[1] & 0x80 | 97,)) + pack("!H", layer.sequence & 0xFFFF) + packet[4:8]
                rtx += pack("!I", layer.ssrc + 1000) + b"\xbe\xde\x00\x01" + names + pack("!H", sequence) + packet[20:]
                self._deliver(rtx)

    def _show(self, frame) -> None:
        data = frame.data
        height, number, stands_on = unpack_from("!III", data, 3 if data[0] & 1 else 10)
        last = self.shown[-1] if self.shown else (0, -1, False, 0, 0)
        whole = zlib.crc32(data[:-4]) == int.from_bytes(data[-4:])
        stands = frame.key or (last[0] == height and last[1] == stands_on)
        self.broken += not (whole and stands)
        self.shown.append((height, number, frame.key, frame.rtp_time, self.now))

    def heights(self, since: int = T0) -> set[int]:
        """Which layers were handed out since then."""
        return {height for height, _, _, _, now in self.shown if now >= since}


def test_largest_layer_without_a_wish() -> None:
    """Everything that the sender gives, within half a second."""
    studio = Studio().run(3 * SECOND)
    assert studio.heights(T0 + SECOND // 2) == {720}
    assert len(studio.shown) >= 85
    assert studio.broken == 0


@pytest.mark.parametrize(("wanted", "height"), [(90, 180), (180, 180), (181, 360), (360, 360), (400, 720), (2000, 720)])
def test_smallest_layer_that_is_large_enough(wanted: int, height: int) -> None:
    """By the height at which the picture is shown."""
    studio = Studio().run(SECOND)
    studio.peer.set_wanted(VIDEO, wanted, None, studio.now)
    studio.run(2 * SECOND)
    assert studio.heights(studio.now - SECOND) == {height}
    assert studio.peer.track_statistics(VIDEO).height == height


def test_switch_waits_for_the_key_frame() -> None:
    """The old layer goes on until the new one's key frame is there; only the new one is asked for it."""
    studio = Studio().run(SECOND)
    studio.peer.set_wanted(VIDEO, 180, None, studio.now)
    before = studio.now
    studio.run(SECOND)
    first = next(shown for shown in studio.shown if shown[0] == 180)
    assert first[2]
    assert {rid for at, rid in studio.plis if at >= before} == {"l"}
    times = [shown[4] for shown in studio.shown]
    assert max(after - earlier for earlier, after in itertools.pairwise(times)) <= 2 * FRAME


@pytest.mark.parametrize("reports", [True, False])
def test_time_stamps_go_on_over_a_switch(reports: bool) -> None:
    """One line of RTP times: by NTP exact, by arrival within a frame."""
    studio = Studio(reports=reports).run(SECOND + FRAME)
    for wanted in (180, 720, 360, 720):
        studio.peer.set_wanted(VIDEO, wanted, None, studio.now)
        studio.run(SECOND)
    steps = [
        ((after[3] - before[3]) & 0xFFFFFFFF) / 3000
        for before, after in zip(studio.shown, studio.shown[1:], strict=False)
    ]
    assert all(0 < step < 2.7 for step in steps)
    elapsed = (studio.shown[-1][4] - studio.shown[0][4]) / FRAME
    assert abs(sum(steps) - elapsed) < (0.1 if reports else 2)


def test_a_hundred_switches_break_nothing() -> None:
    """Random wishes on a network that loses 3 %: every frame that leaves is whole and stands on the one before."""
    studio, wishes = Studio(loss=0.03), random.Random(9)
    for _ in range(100):
        studio.peer.set_wanted(VIDEO, wishes.choice([90, 180, 360, 720]), None, studio.now)
        studio.run(wishes.randrange(100, 900) * MS)
    assert studio.broken == 0
    assert studio.heights() == {180, 360, 720}
    assert len(studio.shown) > (studio.now - T0) / FRAME * 0.9


def test_layer_that_falls_silent_is_left() -> None:
    """The sender switches its top layer off for want of bandwidth: the next one within two seconds; and back."""
    studio = Studio().run(2 * SECOND)
    studio.layers[0].on = False
    studio.run(2 * SECOND)
    assert studio.shown[-1][0] == 360
    studio.layers[0].on = True
    studio.run(3 * SECOND)
    assert studio.shown[-1][0] == 720
    assert studio.broken == 0


def test_layers_that_nobody_sees_cost_no_repair() -> None:
    """Only the layer handed out is asked for missing packets."""
    studio = Studio(loss=0.1).run(5 * SECOND)
    top, *others = studio.peer.track(VIDEO).streams
    assert top.rid == "h"
    assert top.nacks.asked > 20
    assert all(other.nacks.asked < 10 for other in others)


def test_every_layer_is_reported_on() -> None:
    """Also those that are only counted: their sender wants to know."""
    studio = Studio().run(SECOND)
    reported: set[int] = set()
    for _ in range(60):
        studio.now += 30 * MS
        for datagram in studio.peer.rtcp_to_send(studio.now):
            for message in rtcp.parse(datagram)[0]:
                if isinstance(message, rtcp.ReceiverReport):
                    reported |= {block.ssrc for block in message.blocks}
    assert {101, 202, 303} <= reported


def test_names_are_needed_only_at_first() -> None:
    """After a while senders leave MID and RID out."""
    studio = Studio().run(SECOND)
    for layer in studio.layers:
        layer.name_it = False
    studio.run(SECOND)
    assert studio.shown[-1][4] > studio.now - 2 * FRAME


def test_packets_without_rid_are_not_guessed() -> None:
    """Before its RID is known a layer cannot be placed."""
    studio = Studio()
    for layer in studio.layers:
        layer.name_it = False
    studio.run(SECOND)
    assert not studio.shown
    assert studio.peer.statistics().unrouted > 0


def test_repeated_packets_of_an_unknown_layer_are_not_guessed() -> None:
    """RTX without the name of the layer it repairs would put one layer's packets into another."""
    studio = Studio().run(SECOND)
    unnamed = pack("!BBHIIH", 0x80, 97, 1, 0, 4242, 5) + b"\x10x"
    studio.peer.receive_rtp(unnamed, studio.now)
    assert studio.peer.statistics().unrouted == 1
