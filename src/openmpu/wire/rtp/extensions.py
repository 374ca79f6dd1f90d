"""RTP header extensions by negotiated id (RFC 8285).

Audio level, transport-wide sequence number, send and capture time, orientation, and the names by which a new SSRC
finds its track (mid, rid, repaired rid).

What every packet carries is written straight into the packet; the rarer ones get an `Extras`. Values of the wrong
length are left out.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import IntEnum
from types import MappingProxyType

from openmpu.model.frames import ToldColour
from openmpu.wire.rtp.extras import Extras
from openmpu.wire.rtp.packet import RtpPacket


class Extension(IntEnum):
    """The extensions that we understand."""

    AUDIO_LEVEL = 1
    TRANSPORT_SEQUENCE = 2
    SEND_TIME = 3
    CAPTURE_TIME = 4
    ROTATION = 5
    MID = 6
    RID = 7
    REPAIRED_RID = 8
    COLOUR = 9


URIS = MappingProxyType(
    {
        "urn:ietf:params:rtp-hdrext:ssrc-audio-level": Extension.AUDIO_LEVEL,
        "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01": Extension.TRANSPORT_SEQUENCE,
        "http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time": Extension.SEND_TIME,
        "http://www.webrtc.org/experiments/rtp-hdrext/abs-capture-time": Extension.CAPTURE_TIME,
        "urn:3gpp:video-orientation": Extension.ROTATION,
        "urn:ietf:params:rtp-hdrext:sdes:mid": Extension.MID,
        "urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id": Extension.RID,
        "urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id": Extension.REPAIRED_RID,
        "http://www.webrtc.org/experiments/rtp-hdrext/color-space": Extension.COLOUR,
    }
)
"""URI of `a=extmap` -> extension."""

NAMES = frozenset({Extension.MID, Extension.RID, Extension.REPAIRED_RID})
"""Only of interest while an SSRC is not known yet."""

_FULL = 2
_MATRICES = frozenset({1, 4, 5, 6, 7, 9})
"""Of H.273, those of ordinary video; anything else says as little as nothing."""

_ONE_BYTE = 0xBEDE
_TWO_BYTE = 0x1000  # the low four bits are the application's


class ExtensionReader:
    """Writes the extensions that were negotiated into packets; ids it was not told of are skipped."""

    __slots__ = ("_kinds",)

    def __init__(self, ids: Iterable[tuple[int, Extension]]) -> None:
        kinds = bytearray(256)
        for ident, extension in ids:
            if 0 < ident < 256:
                kinds[ident] = extension
        self._kinds = bytes(kinds)

    def read(self, packet: RtpPacket) -> None:
        """Fill in the packet; does nothing for a form that RFC 8285 does not know."""
        if packet.extension_profile == _ONE_BYTE:
            self._read_one_byte(packet)
        elif packet.extension_profile & 0xFFF0 == _TWO_BYTE:
            self._read_two_byte(packet)

    def _read_one_byte(self, packet: RtpPacket) -> None:
        data, at, end = packet.data, packet.extension_start, packet.extension_end
        kinds = self._kinds
        while at < end:
            head = data[at]
            if head == 0:  # padding
                at += 1
                continue
            if head >= 0xF0:  # id 15: stop (RFC 8285 4.2)
                return
            value = at + 1
            at = value + (head & 15) + 1
            kind = kinds[head >> 4]
            if kind and at <= end:
                _store(packet, kind, value, at)

    def _read_two_byte(self, packet: RtpPacket) -> None:
        data, at, end = packet.data, packet.extension_start, packet.extension_end
        while at + 1 < end:
            ident = data[at]
            if ident == 0:
                at += 1
                continue
            value = at + 2
            at = value + data[at + 1]
            kind = self._kinds[ident]
            if kind and value < at <= end:
                _store(packet, kind, value, at)


def _store(packet: RtpPacket, kind: int, start: int, end: int) -> None:
    if kind == 2:  # TRANSPORT_SEQUENCE; plain numbers: twice per packet
        if end - start == 2:
            packet.transport_sequence = packet.data[start] << 8 | packet.data[start + 1]
    elif kind == 1:  # AUDIO_LEVEL; the top bit is voice activity
        packet.level = packet.data[start] & 127
    else:
        extras = packet.extras
        if extras is None:
            extras = packet.extras = Extras()
        _store_rare(extras, kind, packet.data[start:end])


def _store_rare(extras: Extras, kind: int, value: bytes) -> None:
    if kind == Extension.SEND_TIME and len(value) == 3:
        extras.send_time = int.from_bytes(value)
    elif kind == Extension.ROTATION:
        extras.rotation = (value[0] & 3) * 90  # 3GPP TS 26.114 7.4.5: 0000CFRR
    elif kind == Extension.CAPTURE_TIME and len(value) in {8, 16}:
        extras.capture_time = int.from_bytes(value[:8])
        extras.capture_offset = int.from_bytes(value[8:], signed=True)
    elif kind == Extension.COLOUR and len(value) in {4, 28}:
        # libwebrtc's: primaries, transfer and matrix by H.273, then range (2: full) over the siting of chroma
        extras.colour = ToldColour(value[2], value[3] >> 4 & 3 == _FULL) if value[2] in _MATRICES else None
    elif kind in NAMES:
        _store_name(extras, kind, value)


def _store_name(extras: Extras, kind: int, value: bytes) -> None:
    try:
        name = value.decode("ascii")
    except UnicodeDecodeError:
        return
    if kind == Extension.MID:
        extras.mid = name
    elif kind == Extension.RID:
        extras.rid = name
    else:
        extras.repaired_rid = name
