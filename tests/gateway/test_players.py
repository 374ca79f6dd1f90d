"""A real gateway process with players over real WebRTC; the test is its server and the worker that presents."""

from __future__ import annotations

import asyncio
import time
from contextlib import asynccontextmanager
from itertools import count

import pytest

from openmpu.errors import Limited, NotFound, Unsupported
from openmpu.model.codec import to_plain
from openmpu.model.frames import EncodedFrame
from openmpu.model.ids import TaskId, TaskKey
from openmpu.model.roster import Kind
from openmpu.wire import link
from openmpu.wire.annexb import units
from tests.gateway import clips
from tests.gateway.player import TestPlayer
from tests.gateway.rig import CHANNEL, gateway

pytestmark = pytest.mark.e2e
SHOW = TaskKey(CHANNEL.app_id, TaskId("show"))
VIDEO, AUDIO = 1, 2
PICTURES, SOUNDS = clips.video("libx264"), clips.opus()


class Presenter:
    """A worker that presents a clip: begins anew with a key frame whenever one is wanted."""

    def __init__(self, worker, lease=1, first=VIDEO):
        self.worker, self.video, self.audio = worker, first, first + 1
        for number, kind, codec in ((self.video, Kind.VIDEO, "h264"), (self.audio, Kind.AUDIO, "opus")):
            worker.say(link.Present(number, SHOW, lease, kind, codec))
        self._task = asyncio.create_task(self._run())

    async def _run(self):
        place = 0
        for number in count():
            now = time.time_ns()
            if self.worker.players.get(self.audio):
                sound = SOUNDS[number % len(SOUNDS)]
                self.worker.send(self.audio, EncodedFrame(now * 48_000 // 10**9 & 0xFFFFFFFF, now, sound))
            if number % 2 == 0 and self.worker.players.get(self.video):
                if self.worker.keys_wanted:
                    self.worker.keys_wanted.clear()
                    place = 0
                frame = EncodedFrame(now * 90_000 // 10**9 & 0xFFFFFFFF, now, PICTURES[place], place % clips.GOP == 0)
                self.worker.send(self.video, frame)
                place = (place + 1) % len(PICTURES)
            await asyncio.sleep(0.02)

    def stop(self):
        self._task.cancel()


@asynccontextmanager
async def presenting(rig, **how):
    """A worker that presents."""
    async with rig.worker() as worker:
        presenter = Presenter(worker, **how)
        try:
            yield presenter
        finally:
            presenter.stop()


@asynccontextmanager
async def playing(rig, **how):
    """A player, from its offer on."""
    player = TestPlayer(**how)
    try:
        told = await rig.server.play(SHOW, await player.offer())
        await player.answered(told["sdp"])
        player.resource = told["resource"]
        yield player
    finally:
        await player.close()


async def until(condition, within_s=20.0):
    """Wait for it."""
    async with asyncio.timeout(within_s):
        while not condition():
            await asyncio.sleep(0.02)


def wanted_of(player):
    """The units of the pictures that came, but for the last one, which may be on its way."""
    return [units(picture) for picture in player.pictures()[:-1]]


def follow(got):
    """Whether pictures follow one another as in the clip from its begin, which may come again at any time."""
    clip, place = [units(picture) for picture in PICTURES], -1
    for picture in got:
        place = next((n for n in ((place + 1) % len(clip), 0) if clip[n] == picture), None)
        if place is None:
            return False
    return True


async def test_what_a_worker_presents_is_played_bit_for_bit(tmp_path):
    """From a key frame on; sound too; the worker hears when somebody plays and when nobody does any more."""
    async with gateway(tmp_path) as rig, presenting(rig) as presenter:
        async with playing(rig) as player:
            await until(lambda: len(player.pictures()) > 30 and len(player.packets["audio"]) > 50)
            assert presenter.worker.players == {VIDEO: 1, AUDIO: 1}
            assert follow(wanted_of(player))
            sounds = [packet.payload for packet in player.packets["audio"]]
            start = SOUNDS.index(sounds[0])
            assert sounds[:20] == [SOUNDS[(start + n) % len(SOUNDS)] for n in range(20)]
            assert {packet.ssrc for packet in player.packets["video"]}.isdisjoint(
                packet.ssrc for packet in player.packets["audio"]
            )
            played = await rig.server.until(lambda: [f["played"] for f in rig.server.figures if f["played"]])
            assert played[-1][0]["players"] == 1
            for strange in ({}, {"task": {"app_id": "app", "task_id": "other"}}):
                with pytest.raises(NotFound):
                    await rig.server.ask("unpublish", resource=player.resource, **strange)
            await rig.server.ask("unpublish", resource=player.resource, task=to_plain(SHOW))
            await until(lambda: presenter.worker.players == {VIDEO: 0, AUDIO: 0})
        with pytest.raises(NotFound):
            await rig.server.ask("unpublish", resource=player.resource, task=to_plain(SHOW))


async def test_what_gets_lost_is_sent_again(tmp_path):
    """Every seventh packet is lost once: all pictures are whole in the end, without a new key frame for each."""
    seen, sources = count(), []

    def lose(packet):
        sources.append(packet.ssrc)
        return packet.ssrc == sources[0] and next(seen) % 7 == 3

    async with gateway(tmp_path) as rig, presenting(rig), playing(rig, lose=lose) as player:
        await until(lambda: len(player.pictures()) > 60)
        await until(lambda: player.again() > 5)
        assert follow(wanted_of(player)[:50])


async def test_a_path_that_loses_most_of_it_harms_nobody_else(tmp_path):
    """It is given pauses, its sound goes on; the other player sees every picture."""
    seen = count()
    async with (
        gateway(tmp_path) as rig,
        presenting(rig),
        playing(rig, lose=lambda _: next(seen) % 3 > 0) as narrow,
        playing(rig) as wide,
    ):
        await rig.server.until(lambda: _pauses(rig.server.figures), within_s=30)
        pictures, sounds = len(wide.pictures()), len(narrow.packets["audio"])
        await until(lambda: len(wide.pictures()) > pictures + 30 and len(narrow.packets["audio"]) > sounds + 50)
        assert follow(wanted_of(wide))


def _pauses(figures):
    """How often pictures were held back, as the gateway tells."""
    return next((one["played_pauses"] for told in reversed(figures) for one in told["played"]), 0)


async def test_the_wishes_of_players_become_one(tmp_path):
    """Three players that ask at once, again and again, get two key frames a second at most."""
    async with gateway(tmp_path) as rig, rig.worker() as worker:
        worker.say(link.Present(VIDEO, SHOW, 1, Kind.VIDEO, "h264"))
        async with playing(rig) as one, playing(rig) as two, playing(rig) as three:
            await until(lambda: worker.players.get(VIDEO) == 3)
            worker.send(VIDEO, EncodedFrame(0, time.time_ns(), PICTURES[0]))
            await until(lambda: all(player.packets["video"] for player in (one, two, three)))
            worker.keys_wanted.clear()
            began = time.monotonic()
            for place in range(1, 11):
                for player in (one, two, three):
                    await player.want_key()
                worker.send(VIDEO, EncodedFrame(place * 3600, time.time_ns(), PICTURES[place], key=False))
                await asyncio.sleep(0.1)
            await until(lambda: worker.keys_wanted)
            assert len(worker.keys_wanted) <= 2 * (time.monotonic() - began) + 1


async def test_the_next_worker_takes_over(tmp_path):
    """A higher lease wins over a living one, a lower one never; the session goes on, its time rises."""
    async with gateway(tmp_path) as rig, presenting(rig, lease=2), playing(rig) as player:
        await until(lambda: len(player.pictures()) > 5)
        async with presenting(rig, lease=1, first=5) as late:
            await asyncio.sleep(0.3)
            assert not late.worker.players
        async with presenting(rig, lease=3, first=7) as following:
            await until(lambda: following.worker.players == {7: 1, 8: 1})
            before = len(player.pictures())
            await until(lambda: len(player.pictures()) > before + 10)
        times = [
            packet.timestamp for packet in player.packets["video"] if packet.ssrc == player.packets["video"][0].ssrc
        ]
        assert times == sorted(times)


async def test_players_wait_for_a_worker_that_was_lost_and_leave_one_that_ended(tmp_path):
    """A broken link is no end; Withdraw is."""
    async with gateway(tmp_path) as rig:
        async with presenting(rig):
            player = await asyncio.create_task(_played(rig))
            await until(lambda: player.pictures())
        async with presenting(rig, lease=2) as following:
            await until(lambda: following.worker.players.get(VIDEO) == 1)
            following.stop()
            for number in (VIDEO, AUDIO):
                following.worker.say(link.Withdraw(number))
            await until(lambda: player.connection.connectionState in {"closed", "failed", "disconnected"})
        await player.close()


async def offer_of_nobody():
    """An offer whose maker is gone."""
    player = TestPlayer()
    offer = await player.offer()
    await player.close()
    return offer


async def _played(rig):
    player = TestPlayer()
    told = await rig.server.play(SHOW, await player.offer())
    await player.answered(told["sdp"])
    return player


async def test_a_task_that_has_just_begun_is_waited_for(tmp_path):
    """An offer that comes a little before the tracks is answered."""
    async with gateway(tmp_path) as rig:
        offer = await offer_of_nobody()
        asked = asyncio.create_task(rig.server.play(SHOW, offer))
        await asyncio.sleep(0.3)
        async with presenting(rig):
            assert "a=sendonly" in (await asked)["sdp"]


async def test_who_cannot_be_served(tmp_path):
    """Nothing to be seen; as many as may; a codec that the offer does not take."""
    async with gateway(tmp_path) as rig:
        offer = await offer_of_nobody()
        with pytest.raises(NotFound):
            await rig.server.play(TaskKey(CHANNEL.app_id, TaskId("nothing")), offer)
        async with presenting(rig), playing(rig):
            with pytest.raises(Limited) as refused:
                await rig.server.play(SHOW, offer, most=1)
            assert refused.value.subject == "players"
            with pytest.raises(Unsupported):
                await rig.server.play(SHOW, "\n".join(line for line in offer.splitlines() if "H264" not in line) + "\n")
            await rig.server.play(SHOW, offer, most=2)
