"""Sound through the whole system: who is heard, how loud, in what format, and who is said to speak."""

import contextlib
import wave

import av
import numpy as np
import pytest

from tests.e2e.steps import receiving, until
from tests.e2e.test_callbacks import subscriber
from tests.media.sound.speech import SENTENCE, hush, speech, tones
from tests.rig.analysis import Recording
from tests.rig.packets import bitrates_kbps

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(150), pytest.mark.asyncio(loop_scope="package")]
HUMS = dict(zip("abcdefgh", (300, 500, 700, 1100, 1300, 1700, 1900, 2300), strict=True))
LOUD, FAINT = ("c", "e", "h"), 0.3
ALONE = -38.0
"""A tone this far below full scale (and fainter) is not in the mix: hums are at -16 and above."""


def write_wav(path, samples):
    """Sound in a file."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(2)
        file.setsampwidth(2)
        file.setframerate(48_000)
        file.writeframes((np.clip(samples, -1, 1) * 32767).astype("<i2").tobytes())
    return path


async def speaking(house, user, path):
    """A publisher of a sound file, round and round."""
    program = await house.publisher(user, input=path)
    await until(lambda: "state=publishing" in program.text, f"{user} publishes: {program.text[-300:]}", 60)


def heard(recording, seconds=2.0):
    """Whose hums are in the last seconds of a recording."""
    sound = recording.sound
    end = sound.start / 1e9 + len(sound.samples) / 48_000
    last = sound.part(end - seconds - 0.5, end - 0.5)
    return {name for name, hertz in HUMS.items() if last.level(hertz) > ALONE}


def peak(path):
    """The largest sample of either channel, decoded in float: what lies above 1 would clip."""
    with av.open(str(path)) as container:
        return max(float(np.abs(frame.to_ndarray()).max()) for frame in container.decode(audio=0))


async def sounding(cdn, seconds):
    """Wait until so much more sound has come in."""
    wanted = cdn.figures().audio_frames + round(seconds * 48_000 / 1024)
    await until(lambda: cdn.figures().audio_frames >= wanted, f"{seconds} s of sound", seconds * 3 + 20)


async def test_eight_hums_in_four_tasks(house, tmp_path):
    """The three loudest of a layout; only the named ones; nobody with allStream; everybody, limited, as sound alone."""
    pane = {"Panes.1.PaneId": 0, "Panes.1.X": 0, "Panes.1.Y": 0, "Panes.1.Width": 1, "Panes.1.Height": 1}
    made = await house.call("CreateMPULayout", AudioMixCount=3, Name="three", **pane)
    assert made.status == 200, made.text
    layout = {"LayoutIds.1": made.value()["LayoutId"], "MediaEncode": 1}
    tasks = {
        "three": layout,
        "named": {**layout, "SubSpecAudioUsers.1": "a", "SubSpecAudioUsers.2": "g"},
        "nobody": {**layout, "SubSpecAudioUsers.1": "a", "UnsubSpecAudioUsers.1": "allStream"},
        "all": {"TaskProfile": "Mixed_Audio", "MediaEncode": 0},
    }
    files = {name: tmp_path / f"{name}.flv" for name in tasks}
    async with contextlib.AsyncExitStack() as stack:
        targets = {name: await stack.enter_async_context(receiving(file)) for name, file in files.items()}
        for name, hertz in HUMS.items():
            level = 0.9 if name in LOUD else FAINT
            await speaking(house, name, write_wav(tmp_path / f"{name}.wav", tones(hertz, level=level)))
        for name, more in tasks.items():
            named = {"ChannelId": "room", "TaskId": name, "MixMode": 1, "StreamURL": targets[name].url}
            answer = await house.call("StartMPUTask", **named, **more)
            assert answer.status == 200, answer.text
        for cdn in targets.values():
            await sounding(cdn, 6)

    recordings = {name: Recording(file) for name, file in files.items()}
    assert heard(recordings["three"]) == set(LOUD)
    assert heard(recordings["named"]) == {"a", "g"}
    assert heard(recordings["nobody"]) == set()
    assert heard(recordings["all"]) == set(HUMS)
    whole = recordings["all"]
    assert 0.7 < peak(files["all"]) < 1.0
    formats = whole.formats
    assert (formats.video_codec, whole.video) == ("", [])
    assert (formats.audio_codec, formats.sample_rate, formats.channels) == ("aac", 48_000, 2)
    assert all(54 <= rate <= 74 for rate in bitrates_kbps(whole.audio, 4.0))


async def test_who_speaks_is_told_and_humming_is_not(house, tmp_path):
    """EventType 3 with the one who speaks, loudest first; once more with nobody when all fell silent."""
    words = write_wav(tmp_path / "words.wav", np.concatenate((speech(SENTENCE), hush(6))))
    hum = write_wav(tmp_path / "hum.wav", tones(700, level=0.3))
    async with receiving() as cdn, subscriber() as (url, events):
        assert (await house.call("CreateRtcMPUEventSub", CallbackUrl=url)).status == 200
        await speaking(house, "hum", hum)
        audio_only = {"ChannelId": "room", "TaskId": "vad", "TaskProfile": "Mixed_Audio", "MediaEncode": 0}
        begun = await house.call("StartMPUTask", **audio_only, MixMode=1, VadInterval=500, StreamURL=cdn.url)
        assert begun.status == 200, begun.text
        await sounding(cdn, 3)
        assert voices(events) == []
        await speaking(house, "ann", words)
        await until(lambda: len(voices(events)) >= 4 and voices(events)[-1] == [], f"silence is told: {events}", 40)

    told = voices(events)
    silent = told.index([])
    assert silent >= 3
    assert {line["UserId"] for lines in told for line in lines} == {"ann"}
    for (line,) in told[:silent]:
        assert 100 <= line["SpeakingMs"] <= 500
        assert 0 < line["Vad"] <= 150
        assert 0 <= line["Volume"] <= 255
    assert {event["Payload"]["Interval"] for event in events if event["EventType"] == 3} == {500}


def voices(events):
    """Speakers of each voice event."""
    return [event["Payload"]["Speakers"] for event in events if event["EventType"] == 3]
