"""The gateway process: its control socket, its door for workers, its sessions, and how it ends."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Callable, Coroutine
from typing import Any

import structlog
from setproctitle import setproctitle

from openmpu.errors import NotFound, OpenMpuError
from openmpu.gateway.addresses import Network, PortRange, local_addresses, plan_bindings, warn_of_small_buffers
from openmpu.gateway.clock import SteadyClock
from openmpu.gateway.figures import ProcessMeter
from openmpu.gateway.links import Links
from openmpu.gateway.options import GatewayOptions, read_options
from openmpu.gateway.peers import Place
from openmpu.gateway.players import Players
from openmpu.gateway.publications import Publications
from openmpu.gateway.rosters import Rosters
from openmpu.gateway.sessions import Sessions
from openmpu.gateway.switchboard import Switchboard
from openmpu.model.codec import from_plain, to_plain
from openmpu.model.ids import ChannelKey, TaskKey, UserId
from openmpu.model.roster import Roster, Source
from openmpu.processes.child import Child
from openmpu.processes.event_loop import loop_factory
from openmpu.processes.logs import set_up_logs
from openmpu.processes.memory import keep_what_is

FIGURES_S = 1.0
_log = structlog.get_logger()


class Gateway:
    """One gateway process.

    Args:
        options: What the server told.
        group: Holds everything that runs.
    """

    def __init__(self, options: GatewayOptions, group: asyncio.TaskGroup) -> None:
        self._options = options
        self._clock = SteadyClock()
        self._switchboard = Switchboard()
        self._rosters = Rosters(self._roster_changed)
        self._sessions = Sessions(group)
        network = Network(plan_bindings(options.ice_addresses, local_addresses()), PortRange(*options.ports))
        now, sessions = self._clock.now, self._sessions
        self._publications = Publications(network, self._switchboard, self._rosters, now, sessions)
        self._players = Players(network, self._switchboard, now, sessions)
        self._links = Links(self._switchboard, self._rosters, now, self._players)
        self._child = Child(options.control_path, self._hello, self._handle, options.grace_s)
        self._meter = ProcessMeter()
        self._stopping = asyncio.Event()

    async def run(self) -> None:
        """Serve until told to stop, or until no server came within the grace time; then end every session."""
        for address in self._options.links:
            await self._links.listen(address)
        _log.info("gateway ready", gateway=self._options.name, links=self._options.links)
        try:
            await _first(self._child.run(), self._tell_figures(), self._stopping.wait())
        finally:
            await self._sessions.close()
            self._links.close()

    def stop(self) -> None:
        """End in good order."""
        self._stopping.set()

    def _hello(self) -> dict[str, Any]:
        rosters = self._rosters.all().items()
        return {
            "process": "gateway",
            "name": self._options.name,
            "pid": os.getpid(),
            "links": list(self._options.links),
            "rosters": [{"channel": to_plain(channel), "roster": to_plain(roster)} for channel, roster in rosters],
        }

    def _roster_changed(self, channel: ChannelKey, roster: Roster) -> None:
        self._links.tell_roster(channel, roster)
        self._child.tell("roster", channel=to_plain(channel), roster=to_plain(roster))

    async def _tell_figures(self) -> None:
        while True:
            await asyncio.sleep(FIGURES_S)
            peers = self._publications.peers
            tracks = [figures.plain() for peer in peers for figures in peer.measure()]
            process = self._meter.measure(self._clock.now(), [peer.figures() for peer in peers], len(self._links))
            played = list(self._players.measure())
            self._child.tell(
                "figures", gateway=self._options.name, process=to_plain(process), tracks=tracks, played=played
            )

    async def _handle(self, message: dict[str, Any]) -> Any:
        name = message.get("do") or message.get("tell")
        handler = _HANDLERS.get(str(name))
        if handler is None:
            raise NotFound("control", f"a gateway knows no {name}")
        return await handler(self, message)

    async def _publish(self, message: dict[str, Any]) -> Any:
        place = Place(from_plain(ChannelKey, message["channel"]), UserId(message["user_id"]), Source(message["source"]))
        return to_plain(await self._publications.publish(place, message["offer"]))

    async def _play(self, message: dict[str, Any]) -> Any:
        task = from_plain(TaskKey, message["task"])
        return to_plain(await self._players.play(task, message["offer"], int(message["most"])))

    async def _trickle(self, message: dict[str, Any]) -> Any:
        resource, fragment, etag = message["resource"], message["fragment"], message.get("etag")
        told = await self._sessions.trickle(resource, fragment, etag, _played(message))
        return to_plain(told)

    async def _unpublish(self, message: dict[str, Any]) -> None:
        await self._sessions.end(message["resource"], _played(message))

    async def _remove_user(self, message: dict[str, Any]) -> bool:
        channel = from_plain(ChannelKey, message["channel"])
        return await self._publications.remove_user(channel, UserId(message["user_id"]))

    async def _close_channel(self, message: dict[str, Any]) -> None:
        await self._publications.close_channel(from_plain(ChannelKey, message["channel"]))

    async def _stop(self, _: dict[str, Any]) -> None:
        self.stop()


def _played(message: dict[str, Any]) -> str:
    """The task whose player a message is about; empty: it is about a publication."""
    return str(from_plain(TaskKey, message["task"])) if message.get("task") else ""


_HANDLERS: dict[str, Callable[[Gateway, dict[str, Any]], Coroutine[Any, Any, Any]]] = {
    "publish": Gateway._publish,  # noqa: SLF001 - its own table
    "play": Gateway._play,  # noqa: SLF001
    "trickle": Gateway._trickle,  # noqa: SLF001
    "unpublish": Gateway._unpublish,  # noqa: SLF001
    "remove_user": Gateway._remove_user,  # noqa: SLF001
    "close_channel": Gateway._close_channel,  # noqa: SLF001
    "stop": Gateway._stop,  # noqa: SLF001
}


async def _first(*work: Coroutine[Any, Any, Any]) -> None:
    """Run all until one is over; the others are cancelled. An error of any is raised."""
    tasks = [asyncio.ensure_future(one) for one in work]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def serve(options: GatewayOptions) -> None:
    """Run a gateway until it ends; SIGTERM and SIGINT end it in good order."""
    async with asyncio.TaskGroup() as group:
        gateway = Gateway(options, group)
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, gateway.stop)
        await gateway.run()


def main() -> int:
    """Read the options from standard input and serve; the exit status."""
    setproctitle("openmpu: gateway")
    set_up_logs("gateway")
    status = 0
    try:
        options = read_options(sys.stdin.readline())
        set_up_logs(f"gateway {options.name}", json=options.log_json)
        warn_of_small_buffers()
        keep_what_is()  # else a look through all that was loaded stands between packets and their reader
        with asyncio.Runner(loop_factory=loop_factory()) as runner:
            runner.run(serve(options))
    except* (OpenMpuError, OSError) as group:
        for error in group.exceptions:
            _log.error("gateway cannot run", reason=str(error))
        status = 1
    return status
