"""Builds a whole server from its settings, runs it, and takes it down in order: the one place that knows everybody."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

import structlog
import uvicorn
import uvloop
from setproctitle import setproctitle
from starlette.routing import BaseRoute

from openmpu import config as settings
from openmpu.config import Config
from openmpu.engines.control import ControlServer
from openmpu.engines.gateways import LocalGateways, gateway_names
from openmpu.engines.ledger import Ledger
from openmpu.engines.local import LocalEngine
from openmpu.engines.nursery import Nursery
from openmpu.engines.rendering import LocalRenderer
from openmpu.errors import Invalid
from openmpu.firststart import write_first_settings
from openmpu.http.addresses import Addresses
from openmpu.http.app import make_app
from openmpu.http.health import health_routes
from openmpu.http.metrics import MoveCounts, Sources, metrics_routes
from openmpu.http.pages.routes import page_routes
from openmpu.http.patience import patient
from openmpu.http.preview import PreviewDoor
from openmpu.http.rpc import RpcApp, RpcDoor, RpcOptions, RpcRoute
from openmpu.http.status import StatusDoor
from openmpu.http.whep import WhepDoor
from openmpu.http.whip import WhipDoor
from openmpu.model.ids import AppId, ChannelKey
from openmpu.model.roster import Roster
from openmpu.processes.limits import limit_process
from openmpu.processes.logs import set_up_logs
from openmpu.processes.machine import ThisMachine
from openmpu.processes.memory import keep_what_is
from openmpu.processes.supervised import Supervisor
from openmpu.processes.web import WebClient
from openmpu.services.accounts import AccessKey, Account, Accounts, App
from openmpu.services.capacity import Capacity
from openmpu.services.channels import Channels
from openmpu.services.layouts import Layouts
from openmpu.services.limits import RateLimits
from openmpu.services.notices import Notices
from openmpu.services.playing import Playing
from openmpu.services.ports import RosterListener
from openmpu.services.quotas import TaskLimits
from openmpu.services.subscriptions import Subscriptions
from openmpu.services.tasks import Tasks
from openmpu.state import StateDirectory, open_state
from openmpu.store.sql import SqlStore, open_store
from openmpu.wire.guard import Guard
from openmpu.wire.rpc.actions import RATES
from openmpu.wire.rpc.convert.options import ReadingOptions
from openmpu.wire.tokens import Rules
from openmpu.wire.whip import http as whip

WORKER_ENTRY = "openmpu.media.worker:main"
WORKER_MODULES = ("openmpu.media.mixing", "openmpu.media.relay")
"""Loaded once in the zygote; by name, since the server itself must load no media."""
SHUT_DOWN_S = 2
DRAIN_S = 3.0
MEASURE_S = 1.0
_log = structlog.get_logger()


class SystemClock:
    """The wall clock, read by the outermost loops only."""

    def now(self) -> int:
        """Nanoseconds of Unix time."""
        return time.time_ns()


@dataclass(frozen=True, slots=True)
class House:
    """A built server: what runs, and the routes in front of it."""

    routes: list[BaseRoute]
    control: ControlServer
    engine: LocalEngine
    gateways: LocalGateways
    tasks: Tasks
    notices: Notices
    capacity: Capacity
    addresses: Addresses

    async def run(self) -> None:
        """Everything behind the HTTP doors, until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self.gateways.run())
            group.create_task(self.engine.run())
            group.create_task(self.notices.run())
            await self.engine.settle()
            group.create_task(self.tasks.run())
            group.create_task(self._measure())

    async def _measure(self) -> None:
        while True:
            await asyncio.sleep(MEASURE_S)
            self.capacity.measure(self.tasks.unfinished(), self.engine.report, time.time_ns())

    async def shut_down(self) -> None:
        """End the children in good order: their streams are ended properly; what is to be told still is."""
        await asyncio.gather(self.engine.shut_down(), self.gateways.shut_down())
        await self.notices.drain(within_s=DRAIN_S)


@asynccontextmanager
async def build(config: Config, state: StateDirectory) -> AsyncIterator[House]:
    """A server of these settings, ready to run; closed at the end of the block."""
    async with AsyncExitStack() as stack:
        store = await stack.enter_async_context(open_store(_database_url(config, state)))
        poster = await stack.enter_async_context(WebClient(_guard(config), config.security.ca_file))
        clock = SystemClock()
        accounts = Accounts(_account(entry) for entry in config.accounts)
        gateways = _gateways(config, state)
        engine = _engine(config, state, store, gateways)
        notices = Notices(store, poster, accounts, clock)
        moves = MoveCounts(notices)
        capacity = Capacity(ThisMachine(), config.limits.max_load)
        tasks = Tasks(store, engine, gateways, moves, clock, _task_limits(config), capacity=capacity)
        base_url, most_users = config.server.base_url, config.limits.users_per_channel
        channels = Channels(accounts, gateways, tasks, clock, base_url, _token_rules(config), most_users)
        elsewhere, ice_servers = whip.Elsewhere(config.media.elsewhere), _ice_servers(config)
        playing = Playing(accounts, gateways, tasks, clock, _token_rules(config), config.limits.players_per_task)
        engine.listen(tasks.on_report, notices.voices)
        gateways.listen(_both(tasks.on_roster, channels.on_roster))
        control = ControlServer(state.control_socket, {"worker": engine, "gateway": gateways})
        await control.start()
        stack.push_async_callback(control.stop)
        layouts, addresses = Layouts(store, tasks), Addresses(config.limits.connections_per_address)
        options = _rpc_options(config)
        subscriptions = Subscriptions(store, clock)
        rpc = RpcApp(RpcDoor(accounts, tasks, layouts, subscriptions, channels, _rates(config), store, clock, options))
        routes: list[BaseRoute] = [
            *health_routes(lambda: {"gateways": gateways.ready}),
            *metrics_routes(
                Sources(tasks.unfinished, engine.report, lambda: gateways.figures, rpc.calls, moves, addresses),
                config.server.metrics_token.get_secret_value(),
            ),
            *page_routes(elsewhere),
            *WhipDoor(channels, ice_servers, elsewhere).routes(),
            *WhepDoor(playing, ice_servers).routes(),
            *StatusDoor(rpc, tasks, engine, playing, gateways.played, base_url).routes(),
            *PreviewDoor(rpc, layouts, LocalRenderer(_drawing(config)), options.reading).routes(),
            RpcRoute(rpc),
        ]
        yield House(routes, control, engine, gateways, tasks, notices, capacity, addresses)


def serve(path: Path | None) -> None:
    """`openmpu serve`: run a server until it is told to end.

    Raises:
        Invalid: The settings are wrong, the state directory is taken, or the address cannot be listened at.
    """
    found = settings.find_config_file(path)
    if found is None:
        found = write_first_settings(settings.default_state_dir())
        sys.stderr.write(_welcome(found))
    config = settings.load(found)
    set_up_logs("server", json=config.server.log_json, level=config.server.log_level)
    setproctitle("openmpu: server")
    limit_process()
    uvloop.run(_serve(config, open_state(config.storage.directory)))


async def _serve(config: Config, state: StateDirectory) -> None:
    async with build(config, state) as house:
        server = _HttpServer(_uvicorn_config(config, house))
        await server.bind()
        keep_what_is()
        supervisor = Supervisor()
        running = asyncio.ensure_future(house.run())
        serving = asyncio.ensure_future(server.serve())
        beating = asyncio.ensure_future(supervisor.beat())
        try:
            supervisor.ready()
            await asyncio.wait([running, serving], return_when=asyncio.FIRST_COMPLETED)
            server.should_exit = True
            await serving
            if running.done():
                running.result()
        finally:
            supervisor.stopping()
            await house.shut_down()
            beating.cancel()
            running.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await running


class _HttpServer(uvicorn.Server):
    """uvicorn, with the address bound before anything else is started, and our own words when it cannot be."""

    async def bind(self) -> None:
        """Take the address.

        Raises:
            Invalid: Somebody has it, or it is not ours.
        """
        config = self.config
        try:
            self._bound = config.bind_socket()
        except SystemExit:
            raise Invalid("server.listen", f"{config.host}:{config.port} cannot be listened at") from None
        self._bound.set_inheritable(False)  # uvicorn's way hands it to children, who would hold it when we are gone

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """End on SIGTERM and SIGINT; uvicorn's own way raises them again, which would end us before our children."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._told_to_end)
        yield

    def _told_to_end(self) -> None:
        self.force_exit = self.should_exit
        self.should_exit = True

    async def serve(self, sockets: Any = None) -> None:  # noqa: ARG002 - the signature is uvicorn's
        """Serve on the bound socket until a signal or `should_exit`."""
        await super().serve([self._bound])


def _uvicorn_config(config: Config, house: House) -> uvicorn.Config:
    host, port = config.server.address
    return uvicorn.Config(
        make_app(house.routes),
        host=host,
        port=port,
        loop="none",
        http=patient(house.addresses),
        ws="none",
        lifespan="off",
        access_log=False,
        log_config=None,
        server_header=False,
        timeout_keep_alive=30,
        timeout_graceful_shutdown=SHUT_DOWN_S,
    )


def _database_url(config: Config, state: StateDirectory) -> str:
    return config.storage.url.get_secret_value() or f"sqlite:///{state.database}"


def _guard(config: Config) -> Guard:
    return Guard.allowing(config.security.allow_networks)


def _ice_servers(config: Config) -> tuple[whip.IceServer, ...]:
    servers = config.media.ice_servers
    return tuple(whip.IceServer(each.url, each.username, each.credential.get_secret_value()) for each in servers)


def _gateways(config: Config, state: StateDirectory) -> LocalGateways:
    names = gateway_names(config.media.gateways)
    links = {name: f"unix:{state.run / name}.sock" for name in names}
    first, last = config.media.port_range
    share = (last - first + 1) // len(names)
    options = {
        name: {
            "name": name,
            "control_path": str(state.control_socket),
            "links": [links[name]],
            "ice_addresses": list(config.media.ice_addresses),
            "udp_ports": f"{first + place * share}-{first + (place + 1) * share - 1}",
            "grace_s": config.server.grace_s,
            "log_json": config.server.log_json,
        }
        for place, name in enumerate(names)
    }
    return LocalGateways(options, links, Ledger(state.children("gateways")))


def _drawing(config: Config) -> dict[str, Any]:
    """What workers and previews need to draw."""
    return {
        "fonts_dir": config.fonts.dir,
        "time_zone": config.media.time_zone,
        "allow_networks": list(config.security.allow_networks),
        "ca_file": config.security.ca_file,
    }


def _engine(config: Config, state: StateDirectory, store: SqlStore, gateways: LocalGateways) -> LocalEngine:
    limits = config.limits
    options = {
        "control_path": str(state.control_socket),
        "grace_s": config.server.grace_s,
        **_drawing(config),
        "cache_dir": str(state.pictures),
        "log_json": config.server.log_json,
        "push_attempts": 0 if limits.push_for_ever else limits.push_attempts,
        "push_attempts_s": limits.push_attempts_s,
        "push_refusals": 0 if limits.push_for_ever else limits.push_refusals,
        "auto_relay": config.media.auto_relay,
    }
    ledger = Ledger(state.children("workers"))
    return LocalEngine(
        lambda exited: Nursery(WORKER_ENTRY, exited, WORKER_MODULES),
        ledger,
        options,
        store.next_lease,
        gateways.link_of,
    )


def _account(entry: settings.Account) -> Account:
    keys = tuple(AccessKey(key.id, key.secret.get_secret_value(), key.active) for key in entry.access_keys)
    return Account(entry.name, keys, tuple(_app(app) for app in entry.apps))


def _app(entry: settings.App) -> App:
    keys = (entry.key.get_secret_value(), entry.previous_key.get_secret_value())
    return App(
        AppId(entry.id),
        tuple(key for key in keys if key),
        entry.callback_secret.get_secret_value(),
        entry.role_check,
        entry.enabled,
    )


def _task_limits(config: Config) -> TaskLimits:
    limits = config.limits
    return TaskLimits(
        tasks_per_account=limits.tasks_per_account,
        live_relays_per_app=limits.live_relays_per_app,
        live_mixes_per_app=limits.live_mixes_per_app,
        relays_per_domain=limits.relays_per_domain,
        mixes_per_domain=limits.mixes_per_domain,
        idle_s=limits.idle_s,
        waiting_days=limits.waiting_days,
        finished_kept_h=limits.finished_kept_h,
        url_cooling_s=limits.url_cooling_s,
    )


def _both(first: RosterListener, second: RosterListener) -> RosterListener:
    async def hear(channel: ChannelKey, roster: Roster) -> None:
        await first(channel, roster)
        await second(channel, roster)

    return hear


def _token_rules(config: Config) -> Rules:
    return Rules(plain_ahead_s=round(config.limits.token_days * 86_400))


def _rates(config: Config) -> RateLimits:
    return RateLimits(RATES, config.limits.rates)


def _rpc_options(config: Config) -> RpcOptions:
    server = config.server
    reading = ReadingOptions(strict_media_encode=server.strict_media_encode, playback=True, h265=_has_x265())
    return RpcOptions(
        server.auth, server.task_existed_status, server.recommend_url, server.require_tls, reading=reading
    )


def _has_x265() -> bool:
    """Whether PyAV came with x265: told by the files of its wheel, since the server itself must load no media."""
    return any("libx265" in file.name for file in metadata.files("av") or ())


def _welcome(path: Path) -> str:
    """What a new user needs to know, once."""
    config = settings.load(path)
    account = config.accounts[0]
    return f"""openmpu made an account, an access key and an app for you: {path}

  a token to join with   openmpu token --channel class1 --user alice
  publish a test picture openmpu publish --channel class1 --user alice --input test
  or in a browser        {config.server.base_url}/join/{account.apps[0].id}/class1
  call the API           openmpu call GetMPUTaskStatus TaskId=show1

"""
