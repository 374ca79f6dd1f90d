"""The mix of voices."""

from dataclasses import replace

import numpy as np
import pytest

from openmpu.media.inputs.sync import SyncGroup
from openmpu.media.inputs.track_input import SOUND_AHEAD, TrackInput
from openmpu.media.sound.blocks import BLOCK, Samples
from openmpu.media.sound.mixer import Mixer
from openmpu.model.ids import ChannelId, TrackId, UserId
from openmpu.model.roster import Kind, Source, Track
from openmpu.model.scene import Scene, Voice
from openmpu.timing.ticks import MILLISECOND
from tests.media.sound.instruments import loudness
from tests.media.synthetic import Microphone

CHANNEL = ChannelId("c")
TONES = (300, 500, 700, 1100, 1300, 1700, 1900, 2300)


class Room:
    """People with microphones, mixed as fast as possible."""

    def __init__(self, *microphones: Microphone) -> None:
        self.frames = {TrackId(f"a{n}"): microphone.frames() for n, microphone in enumerate(microphones)}
        self.inputs = {track_id: _input(track_id) for track_id in self.frames}
        self.mixer = Mixer(self.inputs.get)
        self.now = 0

    def hear(self, who: list[int], limit: int | None = None) -> None:
        """From now on these people may be heard."""
        voices = tuple(Voice(CHANNEL, UserId(f"u{n}"), (TrackId(f"a{n}"),)) for n in who)
        self.mixer.set_scene(Scene(0, 0, 0, voices=voices, voices_limit=limit))

    def mix(self, blocks: int) -> Samples:
        """So many blocks more."""
        return np.concatenate([self._block() for _ in range(blocks)])

    def _block(self) -> Samples:
        for track_id, frames in self.frames.items():
            while frames and frames[0].arrival <= self.now:
                frame = frames.pop(0)
                self.inputs[track_id].put(frame, frame.arrival)
        block = self.mixer.block(self.now + SOUND_AHEAD - 25 * MILLISECOND)
        self.now += 20 * MILLISECOND
        return block


def _input(track_id: TrackId) -> TrackInput:
    return TrackInput(Track(track_id, Kind.AUDIO, Source.CAMERA, "opus", 0, 48_000, 2), SyncGroup())


def steady(hertz: float, level: float = 0.1, seconds: float = 6.0) -> Microphone:
    """Somebody who hums."""
    return Microphone(hertz, beep=False, level=level, seconds=seconds)


def heard(sound: Samples, tones: tuple[float, ...] = TONES) -> set[float]:
    """Which of the tones are in it."""
    return {hertz for hertz in tones if loudness(sound, hertz) > 0.02}


def test_with_nobody_there_is_silence() -> None:
    """Blocks come all the same."""
    room = Room()
    assert room.mix(50).shape == (50 * BLOCK, 2)
    assert not room.mix(50).any()


def test_voices_are_added_at_their_levels() -> None:
    """Two hum: both are heard, as loud as they are."""
    room = Room(steady(300, 0.1), steady(500, 0.2))
    room.hear([0, 1])
    sound = room.mix(150)[50 * BLOCK :]
    assert loudness(sound, 300) == pytest.approx(0.1, abs=0.01)
    assert loudness(sound, 500) == pytest.approx(0.2, abs=0.01)


def test_only_those_in_the_scene_are_heard() -> None:
    """Whom the task does not take is not in the mix."""
    room = Room(steady(300), steady(500), steady(700))
    room.hear([0, 2])
    assert heard(room.mix(150)[50 * BLOCK :]) == {300, 700}


def test_of_eight_the_three_loudest_are_heard() -> None:
    """AudioMixCount 3; after the hold time exactly those."""
    room = Room(*(steady(hertz, 0.05 + 0.02 * n) for n, hertz in enumerate(TONES)))
    room.hear(list(range(8)), limit=3)
    assert heard(room.mix(250)[150 * BLOCK :]) == set(TONES[-3:])


def test_an_audio_mix_count_of_none_is_silence() -> None:
    """layouts.md 7: AudioMixCount 0."""
    room = Room(steady(300))
    room.hear([0], limit=0)
    assert not room.mix(100).any()


@pytest.mark.parametrize("moves", [([], [0]), ([0], [])])
def test_who_joins_or_leaves_fades(moves: tuple[list[int], list[int]]) -> None:
    """No sample steps when a voice comes into the mix or goes."""
    room = Room(steady(300, 0.5))
    room.hear(moves[0])
    before = room.mix(60)
    room.hear(moves[1])
    sound = np.concatenate((before, room.mix(60)))[20 * BLOCK :]
    assert np.abs(np.diff(sound[:, 0])).max() < 2 * np.pi * 300 / 48_000 * 0.5 * 1.3
    assert np.abs(sound).max() > 0.4


def test_a_user_is_one_voice_with_all_their_tracks() -> None:
    """The sound of a screen belongs to its user: it takes no second place."""
    room = Room(steady(300, 0.2), steady(500, 0.2), steady(700, 0.05))
    voices = (
        Voice(CHANNEL, UserId("u0"), (TrackId("a0"), TrackId("a1"))),
        Voice(CHANNEL, UserId("u1"), (TrackId("a2"),)),
    )
    room.mixer.set_scene(Scene(0, 0, 0, voices=voices, voices_limit=1))
    assert heard(room.mix(200)[100 * BLOCK :]) == {300, 500}


def test_volumes_are_told_for_everybody() -> None:
    """callbacks.md 6.2: -20 dBFS of a sine of 0.1414 is 170."""
    room = Room(steady(300, 0.1414), Microphone(500, level=0.0))
    room.hear([0, 1])
    room.mix(100)
    assert room.mixer.volumes[CHANNEL, UserId("u0")] == pytest.approx(170, abs=3)
    assert room.mixer.volumes[CHANNEL, UserId("u1")] == 0


def test_a_track_published_anew_is_heard_again() -> None:
    """The same id with a new input: the voice follows it."""
    room = Room(steady(300))
    room.hear([0])
    room.mix(50)
    room.inputs[TrackId("a0")] = _input(TrackId("a0"))
    assert heard(room.mix(150)[60 * BLOCK :]) == {300}


def test_hidden_people_who_tell_their_level_are_not_decoded() -> None:
    """RFC 6464: of four, only the two loudest are decoded; when others become louder by their word, those are."""
    loudness_of = {0.2: 17, 0.02: 37}
    room = Room(*(steady(hertz) for hertz in TONES[:4]))
    for number, (first, then) in enumerate([(0.2, 0.02), (0.2, 0.02), (0.02, 0.2), (0.02, 0.2)]):
        before, after = (steady(TONES[number], level).frames() for level in (first, then))
        room.frames[TrackId(f"a{number}")] = [
            *(replace(frame, level=loudness_of[first]) for frame in before[:150]),
            *(replace(frame, level=loudness_of[then]) for frame in after[150:]),
        ]
    room.hear([0, 1, 2, 3], limit=2)
    room.mix(50)
    decoded = [voice.decoder.decoded for voice in room.mixer.voices]
    sound = room.mix(90)
    assert [voice.decoder.decoded - before > 80 for voice, before in zip(room.mixer.voices, decoded, strict=True)] == [
        True,
        True,
        False,
        False,
    ]
    assert heard(sound) == {300, 500}
    later = room.mix(120)
    assert heard(later[60 * BLOCK :]) == {700, 1100}
    assert np.abs(np.diff(later[:, 0])).max() < 0.1
