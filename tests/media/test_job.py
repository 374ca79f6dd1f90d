"""How a worker changes from one production to another; the productions are played by the test, the rest is real."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable

import pytest

from openmpu.media import job as job_module
from openmpu.media.clock import MonotonicClock
from openmpu.media.figures import Figures
from openmpu.media.job import Job
from openmpu.media.options import WorkerOptions
from openmpu.media.packets import Packet, StreamFormat
from openmpu.media.production import Stage
from openmpu.model.encoder import MEDIA_ENCODES, AudioProfile
from openmpu.model.roster import Kind, Roster
from openmpu.model.task import Mode, TaskSpec
from openmpu.timing.ticks import MILLISECOND
from tests.e2e.steps import until
from tests.media.studio import spec_of


class Played:
    """A production that does what the test says."""

    has_pictures = True
    alone = False

    def __init__(self, stage: Stage) -> None:
        self.stage, self.wishes, self.stopped = stage, 0, False
        self.applied: list[TaskSpec] = []
        self.failing = False
        stage.out.set_video(MEDIA_ENCODES[1].video)
        stage.out.set_audio(AudioProfile())

    def send(self, ms: int, *, key: bool = False) -> None:
        """Bring out a picture, and sound of the same time."""
        self.stage.out.put(Packet(Kind.AUDIO, ms * MILLISECOND, b"a"))
        self.stage.out.put(Packet(Kind.VIDEO, ms * MILLISECOND, b"v", key))
        self.stage.out.reach(Kind.AUDIO, (ms + 1) * MILLISECOND)

    def apply(self, spec: TaskSpec, roster: Roster) -> None:
        """Remember."""
        self.applied.append(spec)

    def ready(self) -> bool:
        """At once."""
        if self.failing:
            raise ZeroDivisionError
        return True

    def stream(self) -> StreamFormat | None:
        """As told to the interleaver."""
        return self.stage.out.stream

    def force_key(self) -> None:
        """Count."""
        self.wishes += 1

    def send_sei(self, text: str) -> None:
        """Nobody asks."""

    async def picture(self) -> bytes:
        """Nobody asks."""
        return b""

    def notes(self) -> tuple[str, ...]:
        """None."""
        return ()

    def figures(self, now: int) -> Figures:
        """None."""
        return {}

    def stop(self) -> None:
        """Remember."""
        self.stopped = True


class Scene:
    """A job at work, what it made, and what went wrong."""

    def __init__(self) -> None:
        self.made: list[Played] = []
        self.modes: list[Mode] = []
        self.failures: list[Exception] = []
        options = WorkerOptions("", "a", "t", allow_networks=("127.0.0.0/8",))
        self.job = Job(options, MonotonicClock(), lambda: None, self.failures.append, lambda *_: None)

    def produce(self, mode: Mode, stage: Stage) -> Played:
        """Instead of a mix or a relay."""
        self.made.append(Played(stage))
        self.modes.append(mode)
        return self.made[-1]

    async def become(self, mode: Mode, *, auto_relay: bool = False) -> Played:
        """What an update says; the newest production."""
        spec = spec_of((1,), mode=mode, video=MEDIA_ENCODES[1].video, auto_relay=auto_relay)
        await self.job.apply(spec, {})
        return self.made[-1]

    def on_air(self, production: Played) -> Callable[[], bool]:
        """Whether it is."""
        return lambda: self.job.production is production


@pytest.fixture
async def scene(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Scene]:
    """A job whose productions are played."""
    made = Scene()
    monkeypatch.setattr(job_module, "_production", made.produce)
    yield made
    with contextlib.suppress(Exception):
        await made.job.stop(1)


async def test_a_key_frame_for_the_hand_over_is_asked_for_until_it_comes(scene: Scene) -> None:
    """Requests and key frames get lost: the one before goes on meanwhile, and hands over at the key frame."""
    mix = await scene.become(Mode.MIX)
    mix.send(0, key=True)
    relay = await scene.become(Mode.RELAY)
    await until(lambda: relay.wishes >= 3, "three wishes", 2.9)
    mix.send(40)
    relay.send(41)
    assert scene.job.production is mix
    relay.send(80, key=True)
    await until(scene.on_air(relay), "the relay is on air")
    await until(lambda: mix.stopped, "the mix ended")


async def test_who_goes_on_air_without_a_key_frame_is_asked_for_one_until_it_comes(scene: Scene) -> None:
    """After three seconds it goes on air as it is; before its key frame no picture leaves."""
    mix = await scene.become(Mode.MIX)
    mix.send(0, key=True)
    relay = await scene.become(Mode.RELAY)
    await until(scene.on_air(relay), "the relay is on air", 6)
    wishes = relay.wishes
    await until(lambda: relay.wishes >= wishes + 2, "more wishes", 6)
    relay.send(5000, key=True)
    wishes = relay.wishes
    for _ in range(3):
        await asyncio.sleep(0.2)
    assert relay.wishes == wishes


async def test_a_change_that_is_taken_back_in_the_moment_of_the_hand_over(scene: Scene) -> None:
    """It has just gone on air by itself: then its predecessor's kind is begun anew, and nothing on air is ended."""
    mix = await scene.become(Mode.MIX)
    mix.send(0, key=True)
    relay = await scene.become(Mode.RELAY)
    await until(lambda: relay.wishes, "it is armed")
    relay.send(40, key=True)  # nothing awaited since: the job has not looked yet
    again = await scene.become(Mode.MIX)
    assert not relay.stopped
    assert again not in (mix, relay)
    await until(lambda: again.wishes, "it is armed")
    again.send(80, key=True)
    await until(scene.on_air(again), "the mix is on air")


async def test_a_keeper_that_fails_is_told(scene: Scene) -> None:
    """Without it no change would ever come on air: the worker begins anew."""
    await scene.become(Mode.MIX)
    relay = await scene.become(Mode.RELAY)
    relay.failing = True
    await until(lambda: scene.failures, "the failure is told")
    assert isinstance(scene.failures[0], ZeroDivisionError)


async def test_a_mix_of_one_alone_becomes_a_relay_and_a_mix_again(scene: Scene) -> None:
    """Each at a key frame of its own, planned by the same spec; what is on air meanwhile goes on."""
    mix = await scene.become(Mode.MIX, auto_relay=True)
    mix.send(0, key=True)
    mix.alone = True
    await until(lambda: len(scene.made) == 2, "a relay is begun", 6)
    relay = scene.made[1]
    relay.alone = True
    assert relay.applied[-1].mode is Mode.MIX
    await until(lambda: relay.wishes, "it is armed")
    relay.send(40, key=True)
    mix.send(41)
    await until(scene.on_air(relay), "the relay is on air")
    relay.alone = False
    await until(lambda: len(scene.made) == 3, "a mix is begun")
    await until(lambda: scene.made[2].wishes, "it is armed")
    assert scene.on_air(relay)()
    scene.made[2].send(80, key=True)
    relay.send(81)
    await until(scene.on_air(scene.made[2]), "the mix is on air")
    assert scene.modes == [Mode.MIX, Mode.RELAY, Mode.MIX]


async def test_a_relay_in_place_of_a_mix_has_all_the_time_it_needs(scene: Scene) -> None:
    """Nobody asked for it: without a key frame the mix goes on; a second publisher ends the attempt."""
    mix = await scene.become(Mode.MIX, auto_relay=True)
    mix.send(0, key=True)
    mix.alone = True
    await until(lambda: len(scene.made) == 2, "a relay is begun", 6)
    await until(lambda: scene.made[1].wishes >= 4, "it has waited for more than three seconds", 10)
    assert scene.on_air(mix)()
    mix.alone = False
    await until(lambda: scene.made[1].stopped, "the relay is given up")
    assert scene.on_air(mix)()


async def test_without_the_parameter_a_mix_stays_a_mix(scene: Scene) -> None:
    """Off by default."""
    mix = await scene.become(Mode.MIX)
    mix.send(0, key=True)
    mix.alone = True
    await asyncio.sleep(2.5)
    assert scene.made == [mix]
