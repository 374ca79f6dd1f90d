"""Random and mutated bytes into every parser: they may be refused, they may not raise, they may not be kept for ever."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from openmpu.model.ids import TrackId
from openmpu.model.roster import Kind
from openmpu.wire.rtp import rtcp, transport_feedback
from openmpu.wire.rtp.depacketise.choice import depacketiser_for
from openmpu.wire.rtp.depacketise.opus import unpack_red
from openmpu.wire.rtp.depacketise.parameter_sets import h264_size, h265_set_id, h265_size
from openmpu.wire.rtp.extensions import Extension, ExtensionReader
from openmpu.wire.rtp.packet import parse
from openmpu.wire.rtp.parameters import CodecParameters, PeerParameters, TrackParameters
from openmpu.wire.rtp.receiver import PeerReceiver
from tests.wire.rtp.media import encoded
from tests.wire.rtp.packetisers import FORMS, packetise, packets, rtp
from tests.wire.rtp.simulation import AUDIO, VIDEO, Call, Sender, peer_parameters

CODECS = ("h264", "h265", "vp8", "vp9", "av1")
READER = ExtensionReader((ident, Extension(1 + ident % 8)) for ident in range(1, 256))
BYTES = st.binary(max_size=60)


@given(st.binary(max_size=80), st.sampled_from([b"", b"\x90\x60", b"\xbf\xe0"]))
def test_packets(data: bytes, head: bytes) -> None:
    """Headers, options and extensions."""
    packet = parse(head + data, 0)
    if packet is not None:
        assert 0 <= packet.start <= packet.end <= len(head + data)
        READER.read(packet)


@given(BYTES, st.sampled_from([0xBEDE, 0x1000, 0x100F, 0x1234]))
def test_extensions(body: bytes, profile: int) -> None:
    """Blocks of both forms, full of nonsense."""
    body += bytes(-len(body) % 4)
    head = b"\x90\x60" + bytes(10) + profile.to_bytes(2) + (len(body) // 4).to_bytes(2)
    packet = parse(head + body + b"payload", 0)
    assert packet is not None
    READER.read(packet)
    assert packet.payload == b"payload"


@given(st.lists(st.tuples(st.integers(0, 255), st.integers(190, 210), BYTES), max_size=4))
def test_rtcp(parts: list[tuple[int, int, bytes]]) -> None:
    """Parts with a right length around any content, and then a cut."""
    data = b""
    for first, kind, body in parts:
        words = len(body) // 4
        data += bytes((0x80 | first & 0x3F, kind)) + words.to_bytes(2) + body[: 4 * words]
    for end in (len(data), len(data) * 2 // 3):
        messages, bad = rtcp.parse(data[:end])
        assert bad >= 0
        assert len(messages) <= 100


@given(st.binary(max_size=80))
def test_transport_feedback(body: bytes) -> None:
    """Chunks and deltas."""
    found = transport_feedback.parse(body)
    assert found is None or len(found.ticks) == int.from_bytes(body[2:4])


@given(st.sampled_from(CODECS), st.lists(st.binary(min_size=1, max_size=40), min_size=1, max_size=4))
def test_depacketisers_with_random_payloads(codec: str, payloads: list[bytes]) -> None:
    """Nothing but bytes."""
    depacketiser = depacketiser_for(CodecParameters(96, codec))
    found = packets(payloads)
    for packet in found:
        depacketiser.opening(packet)
    depacketiser.assemble(found)
    assert all(0 <= side <= 65_536 for side in depacketiser.size)


@settings(deadline=None)
@given(st.sampled_from(FORMS), st.integers(0, 11), st.integers(0, 1 << 32))
def test_depacketisers_with_mutated_pictures(form: str, number: int, seed: int) -> None:
    """Real pictures with bits turned, bytes cut off, packets swapped, doubled and left out."""
    chance = random.Random(seed)
    codec = form.split(maxsplit=1)[0]
    depacketiser = depacketiser_for(CodecParameters(96, codec))
    payloads = [mutated(payload, chance) for payload in packetise(form, encoded(codec)[number], number)]
    chance.shuffle(payloads)
    found = packets([payload for payload in payloads if payload and chance.random() < 0.9] or [b"x"])
    for packet in found:
        depacketiser.opening(packet)
    depacketiser.assemble(found)


def mutated(data: bytes, chance: random.Random) -> bytes:
    """The same, often with some of its first bytes changed, sometimes cut."""
    changed = bytearray(data)
    for _ in range(chance.randrange(4)):
        if changed:
            changed[min(int(chance.expovariate(0.2)), len(changed) - 1)] ^= 1 << chance.randrange(8)
    if chance.random() < 0.1:
        del changed[chance.randrange(len(changed) + 1) :]
    return bytes(changed)


@given(st.binary(max_size=200))
def test_parameter_sets(data: bytes) -> None:
    """Sizes are sane or unknown, whatever the bits say."""
    for read in (h264_size, h265_size):
        assert all(0 <= side <= 16_384 for side in read(data))
    if data:
        h265_set_id(data)


@given(st.binary(max_size=80))
def test_redundant_sound(data: bytes) -> None:
    """Blocks lie inside the packet."""
    packet = parse(rtp(data), 0)
    assert packet is not None
    for block in unpack_red(packet):
        assert packet.start <= block.start <= block.end <= packet.end


@pytest.mark.parametrize("seed", range(4))
def test_calls_with_mutated_packets(seed: int) -> None:
    """A third of all packets of a call are spoilt anywhere: alive, bounded, and well again a second after it ends."""
    chance = random.Random(seed)
    sender = Sender()
    sender.red = seed % 2
    call = Call(sender=sender, parameters=peer_parameters(red=True, rtx=True))
    call._show, call._hear = lambda frame: None, lambda frame: None
    call.on_packet = lambda data: mutated(data, chance) if chance.random() < 0.33 else data
    receive_rtcp = call._receive_rtcp
    call._receive_rtcp = lambda data: receive_rtcp(mutated(data, chance))
    call.run(10_000_000_000)
    del call._show, call._hear
    call.on_packet = lambda data: data
    call.run(3_000_000_000)
    call.broken.clear()
    call.run(2_000_000_000)
    assert call.shown[-1].at > call.now - 100_000_000
    assert call.heard[-1].at > call.now - 100_000_000
    assert not call.broken


@settings(deadline=None, max_examples=50)
@given(st.integers(0, 1 << 32))
def test_receiver_with_random_datagrams(seed: int) -> None:
    """Valid headers before random payloads of every payload type: bounded and alive."""
    chance = random.Random(seed)
    codecs = tuple(CodecParameters(96 + index, name) for index, name in enumerate(CODECS))
    tracks = (
        TrackParameters(VIDEO, Kind.VIDEO, (*codecs, CodecParameters(110, "rtx", apt=96)), "0"),
        TrackParameters(AUDIO, Kind.AUDIO, (CodecParameters(111, "opus"), CodecParameters(63, "red")), "1"),
        TrackParameters(TrackId("s"), Kind.VIDEO, codecs, "2", rids=("a", "b")),
    )
    extensions = tuple((int(each), each) for each in Extension)
    peer = PeerReceiver(PeerParameters(1, "us", tracks, extensions, transport_cc=bool(seed & 1)), 1 << 60)
    now = 1 << 60
    for _ in range(300):
        now += chance.randrange(30_000_000)
        if chance.random() < 0.1:
            peer.receive_rtcp(b"\x81" + bytes((chance.randrange(200, 208), 0, 6)) + chance.randbytes(24), now)
        kind = chance.choice([96, 97, 98, 99, 100, 110, 111, 63])
        fields = {"sequence": chance.randrange(65_536), "timestamp": chance.randrange(1 << 32)}
        data = rtp(chance.randbytes(chance.randrange(40)), payload_type=kind, ssrc=chance.randrange(6), **fields)
        extension = b"\xbe\xde\x00\x02\x60" + b"012x"[chance.randrange(4)].to_bytes() + chance.randbytes(6)
        peer.receive_rtp(b"\x90" + data[1:12] + extension + data[12:], now)
        peer.frames(now)
        peer.rtcp_to_send(now)
        assert peer.next_wake() is not None
    assert len(peer._router.streams) < 20
