"""Voice-activity reports."""

import numpy as np

from openmpu.media.sound.activity import Activity
from openmpu.media.sound.blocks import BLOCK, Samples
from openmpu.media.sound.levels import power_of
from openmpu.media.sound.speakers import Speakers
from openmpu.media.sound.talker import Talker
from openmpu.model.ids import ChannelId, UserId
from openmpu.timing.ticks import MILLISECOND
from openmpu.wire.callbacks import Speaker
from tests.media.sound.speech import hush, speech


class Meeting:
    """People and what is told of them."""

    def __init__(self, interval_ms: int, **sounds: Samples) -> None:
        self.told: list[tuple[int, tuple[Speaker, ...]]] = []
        self.sounds = sounds
        self.talkers = {(ChannelId("c"), UserId(name)): Talker() for name in sounds}
        for talker in self.talkers.values():
            talker.activity = Activity()
        self.speakers = Speakers(lambda interval, spoke: self.told.append((interval, spoke)))
        self.speakers.every(interval_ms)

    def run(self) -> "Meeting":
        """From the first block to the last."""
        for number in range(min(map(len, self.sounds.values())) // BLOCK):
            for (_, name), talker in self.talkers.items():
                block = self.sounds[name][number * BLOCK : (number + 1) * BLOCK]
                talker.level.put(power_of(block))
                assert talker.activity is not None
                talker.activity.hear(block)
            self.speakers.step(number * 20 * MILLISECOND, self.talkers)
        return self


def padded(sound: Samples, before: float, after: float) -> Samples:
    """With silence around it."""
    return np.concatenate((hush(before), sound, hush(after)))


def test_silence_is_not_told() -> None:
    """No interval in which nobody spoke, from the beginning."""
    assert Meeting(200, a=hush(3)).run().told == []


def test_who_spoke_is_told_each_interval_and_once_that_all_fell_silent() -> None:
    """callbacks.md 7."""
    told = Meeting(1000, a=padded(speech(), 1.5, 4)).run().told
    assert {interval for interval, _ in told} == {1000}
    assert [bool(spoke) for _, spoke in told] == [True] * (len(told) - 1) + [False]
    assert len(told) >= 6
    lines = [line for _, spoke in told for line in spoke]
    assert {line.user_id for line in lines} == {"a"}
    assert all(100 <= line.speaking_ms <= 1000 for line in lines)
    assert max(line.volume for line in lines) > 150
    assert max(line.vad for line in lines) == 150


def test_the_loudest_comes_first() -> None:
    """And who is silent is not in the list."""
    voice = padded(speech(), 0.5, 0)
    told = Meeting(500, quiet=voice * np.float32(0.2), silent=np.zeros_like(voice), loud=voice).run().told
    both = [spoke for _, spoke in told if len(spoke) == 2]
    assert both
    assert all([line.user_id for line in spoke] == ["loud", "quiet"] for spoke in both if spoke[0].volume > 60)
    assert all(line.user_id != "silent" for _, spoke in told for line in spoke)


def test_nothing_is_told_without_an_interval() -> None:
    """VadInterval 0."""
    assert Meeting(0, a=speech()).run().told == []
