"""The gateways of this machine: started, watched, brought back, taken over; and the Gateways port in front of them.

A channel lives on one gateway, chosen by its name, so that a restarted server finds it where it was. When a gateway
dies, its publishers come back by themselves to its successor.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import signal
import sys
import time
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import structlog

from openmpu.engines.control import Member
from openmpu.engines.ledger import Ledger
from openmpu.engines.nursery import environment
from openmpu.engines.pids import alive, is_stopped, send
from openmpu.errors import Busy, NotFound
from openmpu.model.codec import from_plain, to_plain
from openmpu.model.ids import AppId, ChannelId, ChannelKey, TaskKey, UserId
from openmpu.model.roster import Roster, Source
from openmpu.services.ports import Publication, RosterListener

HELLO_WITHIN_S = 30.0
"""From its start to its first word; most of it is loading, which takes long where other processes take the machine."""
ADOPT_WITHIN_S = 3.0
SILENT_S = 5.0
STOPPED_S = 1.5
STOP_WITHIN_S = 4.0
_log = structlog.get_logger()


@dataclass(slots=True)
class _Place:
    """One gateway that should run."""

    name: str
    options: dict[str, Any]
    member: Member | None = None
    pid: int | None = None
    heard_at: float = 0.0
    rosters: dict[ChannelKey, Roster] = field(default_factory=dict)
    figures: dict[str, Any] = field(default_factory=dict)
    starts: int = 0
    process: asyncio.subprocess.Process | None = None
    """Held so that it is reaped; None for an adopted one."""


class LocalGateways:
    """The Gateways port (services/ports.py) on this machine; owner of the children that say they are gateways.

    Args:
        options: Of each gateway, by name: the JSON line that `python -m openmpu.gateway` reads.
        links: Where each listens for workers.
        ledger: Which gateway processes exist, kept on disk for the next server.
    """

    def __init__(self, options: Mapping[str, dict[str, Any]], links: Mapping[str, str], ledger: Ledger) -> None:
        self._places = {name: _Place(name, dict(given)) for name, given in options.items()}
        self._names = sorted(self._places)
        self._links, self._ledger = links, ledger
        self._on_roster: RosterListener | None = None
        self._closing = False

    def listen(self, on_roster: RosterListener) -> None:
        """Who hears of roster changes."""
        self._on_roster = on_roster

    def link_of(self, channel: ChannelKey) -> str:
        """Where workers find the channel's tracks."""
        return self._links[self._place_of(channel).name]

    @property
    def ready(self) -> bool:
        """Whether every gateway is connected."""
        return all(place.member for place in self._places.values())

    @property
    def figures(self) -> dict[str, dict[str, Any]]:
        """The latest figures of each gateway."""
        return {name: place.figures for name, place in self._places.items()}

    def played(self) -> dict[TaskKey, dict[str, Any]]:
        """Figures of the tasks that somebody plays or played, as told last."""
        told = [entry for place in self._places.values() for entry in place.figures.get("played", ())]
        return {TaskKey(entry["app_id"], entry["task_id"]): entry for entry in told}

    async def run(self) -> None:
        """Keep the gateways until cancelled: first those that an earlier server left."""
        await self._settle()
        async with asyncio.TaskGroup() as group:
            for place in self._places.values():
                group.create_task(self._keep(place))

    async def shut_down(self) -> None:
        """End every gateway in good order; none is started again."""
        self._closing = True
        await asyncio.gather(*(self._end(place) for place in self._places.values()))

    # The Gateways port

    def roster(self, channel: ChannelKey) -> Roster:
        """Who is in the channel."""
        return self._place_of(channel).rosters.get(channel, Roster())

    def channels(self, app_id: AppId) -> Sequence[ChannelId]:
        """The app's channels that somebody is in."""
        keys = (key for place in self._places.values() for key, roster in place.rosters.items() if roster.users)
        return [key.channel_id for key in keys if key.app_id == app_id]

    async def publish(self, channel: ChannelKey, user_id: UserId, source: Source, offer: str) -> Publication:
        """Answer a WHIP offer on the channel's gateway."""
        place = self._place_of(channel)
        fields = {"channel": to_plain(channel), "user_id": user_id, "source": source.value, "offer": offer}
        publication = from_plain(Publication, await self._ask(place, "publish", **fields))
        return _outside(place, publication)

    async def play(self, channel: ChannelKey, task: TaskKey, offer: str, most: int) -> Publication:
        """Answer a WHEP offer on the gateway of the task's channel."""
        place = self._place_of(channel)
        told = await self._ask(place, "play", task=to_plain(task), offer=offer, most=most)
        return _outside(place, from_plain(Publication, told))

    async def trickle(self, resource: str, fragment: str, etag: str | None, task: TaskKey | None = None) -> Publication:
        """Hand an SDP fragment to the gateway that has the session."""
        place, inner = self._find(resource)
        fields = {"resource": inner, "fragment": fragment, "etag": etag, **_of_task(task)}
        return _outside(place, from_plain(Publication, await self._ask(place, "trickle", **fields)))

    async def unpublish(self, resource: str, task: TaskKey | None = None) -> None:
        """End a publication or a player's session."""
        place, inner = self._find(resource)
        await self._ask(place, "unpublish", resource=inner, **_of_task(task))

    async def remove_user(self, channel: ChannelKey, user_id: UserId) -> bool:
        """End all publications of the user; whether they were there."""
        place = self._place_of(channel)
        return bool(await self._ask(place, "remove_user", channel=to_plain(channel), user_id=user_id))

    async def close_channel(self, channel: ChannelKey) -> None:
        """End all publications of the channel."""
        await self._ask(self._place_of(channel), "close_channel", channel=to_plain(channel))

    # The owner of gateways (engines/control.py)

    async def joined(self, member: Member) -> None:
        """A gateway dialled in: started by us, or by an earlier server."""
        place = self._places.get(str(member.hello.get("name")))
        if place is None or place.pid not in (None, member.pid):
            _log.warning("a gateway that nobody wants dialled in; ended", gateway=member.hello.get("name"))
            member.channel.tell("stop")
            send(member.pid, signal.SIGTERM)
            return
        place.member, place.pid, place.heard_at = member, member.pid, time.monotonic()
        known = {from_plain(ChannelKey, entry["channel"]): entry["roster"] for entry in member.hello["rosters"]}
        for channel in set(place.rosters) | set(known):
            await self._set_roster(place, channel, from_plain(Roster, known.get(channel, {})))

    async def heard(self, member: Member, message: dict[str, Any]) -> Any:
        """A roster that changed, or figures."""
        place = next((place for place in self._places.values() if place.member is member), None)
        if place is None:
            return
        place.heard_at = time.monotonic()
        match message.get("tell"):
            case "roster":
                channel = from_plain(ChannelKey, message["channel"])
                await self._set_roster(place, channel, from_plain(Roster, message["roster"]))
            case "figures":
                place.figures = {key: value for key, value in message.items() if key != "tell"}
            case _:
                pass

    async def left(self, member: Member) -> None:
        """A gateway's socket closed: it died, or it will dial again."""
        for place in self._places.values():
            if place.member is member:
                place.member, place.heard_at = None, time.monotonic()

    # Inside

    def _place_of(self, channel: ChannelKey) -> _Place:
        number = zlib.crc32(str(channel).encode()) % len(self._names)
        return self._places[self._names[number]]

    def _find(self, resource: str) -> tuple[_Place, str]:
        name, _, inner = resource.partition(".")
        place = self._places.get(name)
        if place is None or not inner:
            raise NotFound("publication", "no such publication")
        return place, inner

    async def _ask(self, place: _Place, name: str, **fields: Any) -> Any:
        if place.member is None:
            raise Busy("gateway", "the gateway is starting; try again in a second")
        return await place.member.channel.ask(name, **fields)

    async def _set_roster(self, place: _Place, channel: ChannelKey, roster: Roster) -> None:
        if roster.users:
            place.rosters[channel] = roster
        elif place.rosters.pop(channel, None) is None:
            return
        if self._on_roster:
            await self._on_roster(channel, roster)

    async def _settle(self) -> None:
        """Wait for the gateways that an earlier server left; kill those that do not dial in."""
        deadline = time.monotonic() + ADOPT_WITHIN_S
        while time.monotonic() < deadline and self._missing():  # noqa: ASYNC110 - processes are no events
            await asyncio.sleep(0.05)
        for pid in self._missing():
            _log.warning("a gateway of an earlier server does not answer; killed", gateway_pid=pid)
            send(pid, signal.SIGKILL)
            self._ledger.forget(pid)

    def _missing(self) -> set[int]:
        """Gateways that live and did not dial in yet."""
        return set(self._ledger.living()) - {place.pid for place in self._places.values() if place.pid is not None}

    async def _keep(self, place: _Place) -> None:
        while not self._closing:
            if place.pid is None:
                await self._start(place)
            await asyncio.sleep(0.2)
            await self._check(place, time.monotonic())

    async def _start(self, place: _Place) -> None:
        await asyncio.sleep(min(0.25 * place.starts, 5.0) if place.starts > 1 else 0.0)
        place.starts += 1
        command = (sys.executable, "-m", "openmpu.gateway")
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.DEVNULL,
            env=environment(),
            start_new_session=True,
        )
        place.pid, place.heard_at = process.pid, time.monotonic()
        self._ledger.note(process.pid, place.name)
        assert process.stdin  # noqa: S101 - asked for by PIPE
        process.stdin.write(json.dumps(place.options).encode() + b"\n")
        with contextlib.suppress(OSError):
            await process.stdin.drain()
        process.stdin.close()
        place.process = process

    async def _check(self, place: _Place, now: float) -> None:
        if place.pid is None or self._closing:
            return
        silent = now - place.heard_at
        if not alive(place.pid):
            await self._lost(place)
        elif silent > (SILENT_S if place.member else HELLO_WITHIN_S) or (silent > STOPPED_S and is_stopped(place.pid)):
            _log.warning("gateway hangs; killed", gateway=place.name, silent_s=round(silent, 1))
            send(place.pid, signal.SIGKILL)
        elif silent < 1 and place.member:
            place.starts = min(place.starts, 1)

    async def _lost(self, place: _Place) -> None:
        """Everybody in its channels is gone, until they come back to its successor."""
        _log.error("gateway lost", gateway=place.name)
        assert place.pid is not None  # noqa: S101 - checked by the caller
        self._ledger.forget(place.pid)
        place.pid = place.member = None
        place.figures = {}
        for channel in tuple(place.rosters):
            await self._set_roster(place, channel, Roster())

    async def _end(self, place: _Place) -> None:
        if place.pid is None:
            return
        send(place.pid, signal.SIGTERM)
        deadline = time.monotonic() + STOP_WITHIN_S
        while alive(place.pid) and time.monotonic() < deadline:  # noqa: ASYNC110 - it may be an earlier server's child
            await asyncio.sleep(0.05)
        send(place.pid, signal.SIGKILL)
        self._ledger.forget(place.pid)


def _outside(place: _Place, publication: Publication) -> Publication:
    """The resource as the world sees it: it names its gateway, so that it is found again after a restart."""
    return Publication(f"{place.name}.{publication.resource}", publication.sdp, publication.etag)


def _of_task(task: TaskKey | None) -> dict[str, Any]:
    return {"task": to_plain(task)} if task else {}


def gateway_names(count: int) -> list[str]:
    """Names of `count` gateways: the same after every restart."""
    return [f"gateway-{number + 1}" for number in range(count)]


def link_path(run_dir: Path, name: str) -> Path:
    """Unix socket of a gateway's link."""
    return run_dir / f"{name}.sock"
