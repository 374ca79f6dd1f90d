"""Opus beside AAC: real sound in, a decoder's view out, and nothing while nobody listens."""

import av
import numpy as np

from openmpu.media.encoding.opus import OpusEncoder, OpusTap
from openmpu.media.sound.blocks import BLOCK, SAMPLE_RATE
from openmpu.timing.ticks import SECOND


def tone(number, hz=440.0):
    """One block of a tone, louder on the left."""
    at = np.arange(number * BLOCK, (number + 1) * BLOCK) / SAMPLE_RATE
    wave = np.sin(2 * np.pi * hz * at).astype(np.float32)
    return np.stack((0.5 * wave, 0.25 * wave), axis=1)


def pts_of(number):
    return number * BLOCK * SECOND // SAMPLE_RATE


def test_each_block_is_a_packet_with_its_own_time():
    """One in, one out, at once."""
    encoder = OpusEncoder()
    packets = [list(encoder.encode(tone(number), pts_of(number))) for number in range(10)]

    assert [len(each) for each in packets] == [1] * 10
    assert [each[0].pts for each in packets] == [pts_of(number) for number in range(10)]


def test_a_decoder_hears_both_channels():
    """The tone, at its level, left and right."""
    encoder, decoder = OpusEncoder(), av.CodecContext.create("libopus", "r")
    decoder.sample_rate, decoder.layout = SAMPLE_RATE, "stereo"
    heard = []
    for number in range(50):
        for packet in encoder.encode(tone(number), pts_of(number)):
            heard.extend(frame.to_ndarray() for frame in decoder.decode(av.Packet(packet.data)))
    sound = np.concatenate([part.reshape(-1, 2) if part.shape[0] == 1 else part.T for part in heard])
    if sound.dtype == np.int16:
        sound = sound / 32_768
    loud = np.sqrt(np.mean(np.square(sound[SAMPLE_RATE // 2 :].astype(np.float64)), axis=0)) * np.sqrt(2)

    assert np.allclose(loud, (0.5, 0.25), atol=0.03)


def test_a_tap_encodes_only_while_somebody_plays():
    """And begins anew for the next one."""
    wanted, packets = [False], []
    tap = OpusTap(lambda: wanted[0], packets.append)
    for number in range(6):
        wanted[0] = 2 <= number < 4
        tap.take(tone(number), pts_of(number))

    assert [packet.pts for packet in packets] == [pts_of(2), pts_of(3)]
