"""AAC out of blocks."""

import av
import numpy as np
import pytest

from openmpu.media.encoding.sound import FRAME, SoundEncoder
from openmpu.media.outputs import aac
from openmpu.media.packets import Packet
from openmpu.media.sound.blocks import BLOCK
from openmpu.model.encoder import AudioProfile
from openmpu.timing.ticks import SECOND
from tests.media.sound.instruments import loudness, tone

PROFILES = [
    AudioProfile(bitrate, rate, channels)
    for bitrate in (8, 64, 128, 500)
    for rate in (8000, 16000, 32000, 44100, 48000)
    for channels in (1, 2)
]


def encoded(profile: AudioProfile, seconds: float = 2.0, hertz: float = 1000.0, base: int = 0) -> list[Packet]:
    """A tone through an encoder, to its end."""
    encoder = SoundEncoder(profile, base)
    count = round(seconds * 50)
    packets = [one for n in range(count) for one in encoder.encode(tone(hertz, n * BLOCK, BLOCK))]
    return packets + list(encoder.finish())


def decoded(profile: AudioProfile, packets: list[Packet]) -> np.ndarray:
    """What a player hears: (samples, 2) at the profile's rate."""
    context = av.CodecContext.create("aac", "r")
    context.extradata = aac.configuration(profile)
    blocks = [frame.to_ndarray() for one in packets for frame in context.decode(av.Packet(one.data))]
    mono = np.concatenate(blocks, axis=1)[0]
    return np.repeat(mono[:, None], 2, axis=1)


@pytest.mark.parametrize("profile", PROFILES, ids=str)
def test_packets_follow_one_another_by_the_count_of_samples(profile: AudioProfile) -> None:
    """Each 1024 samples, computed and never added up, at every rate of operations.md 6.1."""
    packets = encoded(profile, base=7 * SECOND)
    assert [one.pts for one in packets] == [
        7 * SECOND + n * FRAME * SECOND // profile.sample_rate for n in range(len(packets))
    ]
    assert len(packets) >= 2 * profile.sample_rate // FRAME


@pytest.mark.parametrize("rate", [8000, 16000, 32000, 44100, 48000])
@pytest.mark.parametrize("channels", [1, 2])
def test_the_tone_is_the_same_at_every_rate(rate: int, channels: int) -> None:
    """1 kHz stays 1 kHz, at its level."""
    profile = AudioProfile(96, rate, channels)
    sound = decoded(profile, encoded(profile))
    middle = sound[rate // 2 : rate * 3 // 2]
    assert loudness(middle, 1000 * 48_000 / rate) == pytest.approx(0.5, abs=0.03)


def test_sound_and_time_stamps_agree() -> None:
    """A beep at 1.000 s is heard at 1.000 s: the encoder's own delay is not in the stamps."""
    encoder = SoundEncoder(AudioProfile(), 0)
    packets = []
    for n in range(100):
        block = tone(1000, n * BLOCK, BLOCK) * np.float32(n >= 50)
        packets += encoder.encode(block)
    sound = decoded(AudioProfile(), packets)
    begins = np.flatnonzero(np.abs(sound[:, 0]) > 0.2)[0]
    assert begins / 48_000 + packets[0].pts / SECOND == pytest.approx(1.0, abs=0.003)


@pytest.mark.parametrize("bitrate", [64, 128, 192])
def test_the_bitrate_is_near_what_was_asked(bitrate: int) -> None:
    """Of noise-like sound, within 15 %."""
    encoder = SoundEncoder(AudioProfile(bitrate), 0)
    chance = np.random.default_rng(1)
    blocks = chance.normal(0, 0.1, (250, BLOCK, 2)).astype(np.float32)
    size = sum(len(one.data) for block in blocks for one in encoder.encode(block))
    assert size * 8 / 5 / 1000 == pytest.approx(bitrate, rel=0.15)
