"""Packetisers against our depacketisers and a real decoder: there and back again, every pixel is the same."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from openmpu.wire.annexb import units
from openmpu.wire.rtp.depacketise.choice import depacketiser_for
from openmpu.wire.rtp.packetise.choice import packetiser_for
from openmpu.wire.rtp.packetise.units import MAX_PAYLOAD
from openmpu.wire.rtp.parameters import CodecParameters
from tests.wire.rtp.media import decoded, encoded
from tests.wire.rtp.packetisers import packets

START = b"\x00\x00\x00\x01"
CODECS = ("h264", "h265")
FILLER = {"h264": b"\x0c\xff\xff\x80", "h265": b"\x4c\x01\xff\x80"}


def through(codec, pictures):
    """The pictures in packets and put together again."""
    packetise, depacketiser = packetiser_for(codec), depacketiser_for(CodecParameters(96, codec))
    return [depacketiser.assemble(packets(packetise(picture))) for picture in pictures]


@pytest.mark.parametrize("codec", CODECS)
def test_pictures_come_back_as_they_were(codec):
    """Every unit is the same, key frames are told, a decoder shows the same."""
    pictures = list(encoded(codec))
    made = through(codec, pictures)

    assert [units(picture.data) for picture in made] == [units(picture) for picture in pictures]
    assert [picture.key for picture in made] == [number % 6 == 0 for number in range(len(made))]
    before, after = decoded(codec, pictures), decoded(codec, [picture.data for picture in made])
    assert all(np.array_equal(one, other) for one, other in zip(before, after, strict=True))


@pytest.mark.parametrize("codec", CODECS)
def test_a_key_frame_is_cut_and_its_parameter_sets_travel_together(codec):
    """No payload is too long; the first one has all sets."""
    payloads = packetiser_for(codec)(encoded(codec)[0])

    assert len(payloads) > 2
    assert max(map(len, payloads)) <= MAX_PAYLOAD
    aggregate = {"h264": payloads[0][0] & 31 == 24, "h265": payloads[0][0] >> 1 == 48}
    assert aggregate[codec]


@pytest.mark.parametrize("codec", CODECS)
def test_filler_data_stays_at_home(codec):
    """It keeps up the rate of an RTMP stream and tells a player nothing."""
    picture = encoded(codec)[1]

    assert packetiser_for(codec)(picture + START + FILLER[codec]) == packetiser_for(codec)(picture)


@given(st.lists(st.integers(1, 4 * MAX_PAYLOAD), min_size=1, max_size=8))
def test_any_sizes_of_units_come_back(sizes):
    """Small ones together, large ones cut, at every border."""
    nals = [b"\x41" + b"\x9a" * size for size in sizes]
    payloads = packetiser_for("h264")(b"".join(START + nal for nal in nals))
    depacketiser = depacketiser_for(CodecParameters(96, "h264"))

    assert max(map(len, payloads)) <= MAX_PAYLOAD
    assert units(depacketiser.assemble(packets(payloads)).data) == nals


def test_an_opus_packet_is_a_payload():
    """As it is (RFC 7587 4.2)."""
    assert packetiser_for("opus")(b"sound") == [b"sound"]


def test_what_we_cannot_send_has_no_packetiser():
    """Workers make nothing else."""
    assert packetiser_for("vp8") is None
