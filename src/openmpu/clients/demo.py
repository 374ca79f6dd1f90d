"""The core of `openmpu demo`: a server, three publishers, a receiver and a signed StartMPUTask, all on this machine.

Everything goes through the public surfaces: the commands `serve` and `publish`, the signed API, RTMP. What comes back
is looked at (`glimpses.py`) and compared with what was played (`demo_story.py`).
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
import sys
import tempfile
import time
from contextlib import AsyncExitStack
from pathlib import Path

import structlog
from setproctitle import setproctitle

from openmpu.clients.call import ApiClient
from openmpu.clients.demo_stage import Stage, figures, play_page, task, until
from openmpu.clients.demo_story import (
    CAST,
    LAYOUT_IDS,
    MEDIA_ENCODE,
    SETTLING_SECONDS,
    Actor,
    Cadence,
    Playbill,
    Received,
    faults,
)
from openmpu.clients.demo_view import Places, Stand, View
from openmpu.clients.glimpses import Glimpse
from openmpu.clients.receive import Receiver
from openmpu.clients.watching import Watcher
from openmpu.errors import Busy, OpenMpuError
from openmpu.model.ids import LayoutId
from openmpu.model.layouts import BUILT_IN
from openmpu.wire.rtmp.inspect import Role, about
from openmpu.wire.rtmp.messages import Tag

_GLIMPSE_SECONDS, _PICTURE_SECONDS = 1.0, 3.0
_LAYOUTS = [BUILT_IN[LayoutId(number)] for number in LAYOUT_IDS]
_PEOPLE = {actor.user_id: actor.watched for actor in CAST}


def demo(seconds: float | None, save: Path | None) -> int:
    """Run it for so many seconds of received stream, or until told to stop.

    Args:
        seconds: None: until Ctrl-C.
        save: Where to keep what the receiver got (FLV).

    Returns:
        Exit status: 0 when the stream was as expected, else 1; the reasons are printed.
    """
    setproctitle("openmpu: demo")
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    return asyncio.run(_until_told(seconds, save))


async def _until_told(seconds: float | None, save: Path | None) -> int:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    directory = Path(tempfile.mkdtemp(prefix="openmpu-demo-"))
    try:
        async with AsyncExitStack() as stack:
            reasons = await _Play(directory, save, stop, stack).run(seconds)
    except OpenMpuError as error:
        reasons = [f"{error.subject}: {error.message}"]
    return _conclude(reasons, directory)


def _conclude(reasons: list[str], directory: Path) -> int:
    """Say how it went. Logs are kept when something is to be found in them."""
    for reason in reasons:
        sys.stderr.write(f"openmpu: demo: {reason}\n")
    if reasons:
        sys.stderr.write(f"openmpu: demo: the stream was not as expected; logs are in {directory}\n")
        return 1
    for log in directory.glob("*.log"):
        log.unlink()
    sys.stdout.write(f"the stream was as expected; the last picture is in {directory}\n")
    return 0


class _Play:
    """One demo, from begin to end."""

    def __init__(self, directory: Path, save: Path | None, stop: asyncio.Event, stack: AsyncExitStack) -> None:
        self._picture, self._save, self._stop, self._stack = directory / "picture.png", save, stop, stack
        self._stage = Stage(directory, stack)
        self._receiver = Receiver("rtmp://127.0.0.1:0/live/demo", save, on_tag=self._take)
        self._watcher, self._cadence, self._playbill = Watcher(_PEOPLE, _LAYOUTS), Cadence(), Playbill()
        self._stand, self._seen = Stand(publishers=self._stage.told), list[Glimpse]()
        self._first_at: float | None = None
        self._head_start = 0.0
        """Seconds that it takes a publisher to come, as measured on the first ones."""

    async def run(self, seconds: float | None) -> list[str]:
        """Play; the reasons why it was not as expected.

        Raises:
            OpenMpuError: It did not come about.
        """
        await self._receiver.start()
        self._stack.push_async_callback(self._receiver.stop)
        self._watcher.start()
        self._stack.callback(self._watcher.stop)
        places = Places(self._stage.url, self._receiver.url, self._picture, self._save)
        view = self._stack.enter_context(View(places))
        job = asyncio.ensure_future(self._perform(view, seconds))
        await asyncio.wait([job, stopped := asyncio.ensure_future(self._stop.wait())], return_when="FIRST_COMPLETED")
        stopped.cancel()
        if not job.done():
            job.cancel()
            await asyncio.wait([job])
        return self._verdict() if job.cancelled() else job.result()

    async def _perform(self, view: View, seconds: float | None) -> list[str]:
        await self._stage.open()
        api = self._stage.api()
        self._stack.push_async_callback(api.close)
        for actor in CAST:
            if not actor.comes:
                self._head_start = await self._enter_and_wait(actor)
        try:
            async with task(api, self._receiver.url, LAYOUT_IDS, MEDIA_ENCODE):
                await until(lambda: self._first_at is not None, "no picture arrives")
                view.say(f"watch it in a browser  {await play_page(api)}")
                await self._play(api, view, seconds)
                return self._verdict()
        finally:
            await self._let_stream_end()

    @property
    def _elapsed(self) -> float:
        return 0.0 if self._first_at is None else time.monotonic() - self._first_at

    def _take(self, tag: Tag, _arrival: int) -> None:
        self._watcher.take(tag)
        if about(tag).role in (Role.FRAME, Role.KEY_FRAME):
            self._first_at = self._first_at or time.monotonic()
            self._cadence.take(tag.timestamp)

    async def _enter_and_wait(self, actor: Actor) -> float:
        """In order, so that the one who comes first sits first; how long it took."""
        begun = time.monotonic()
        await self._stage.enter(actor)
        await until(lambda: self._stage.publishes(actor.user_id), f"{actor.user_id} does not publish")
        return time.monotonic() - begun

    async def _play(self, api: ApiClient, view: View, seconds: float | None) -> None:
        work = (self._show(api, view), self._look(), self._draw(), self._come_and_go())
        jobs = [asyncio.ensure_future(job) for job in work]
        left = None if seconds is None else max(0.0, seconds - self._elapsed)
        try:
            done, _ = await asyncio.wait(jobs, timeout=left, return_when="FIRST_EXCEPTION")
            for job in done:
                job.result()
        finally:
            for job in jobs:
                job.cancel()
            await asyncio.gather(*jobs, return_exceptions=True)

    async def _show(self, api: ApiClient, view: View) -> None:
        while True:
            self._stage.check("server")
            self._stand.task = await figures(api)
            self._stand.seconds, self._stand.receiver = self._elapsed, self._receiver.figures()
            self._receiver.flush()
            view.show(self._stand)
            await asyncio.sleep(1)

    async def _look(self) -> None:
        """See who is there, again and again."""
        while True:
            await asyncio.sleep(_GLIMPSE_SECONDS)
            self._stand.glimpse = await asyncio.to_thread(self._watcher.glimpse, time.time_ns())
            self._seen.append(self._stand.glimpse)

    async def _draw(self) -> None:
        """The picture as a file, renewed every few seconds, put in place whole."""
        while True:
            if png := await asyncio.to_thread(self._watcher.png):
                await asyncio.to_thread(_put, self._picture, png)
            await asyncio.sleep(_PICTURE_SECONDS)

    async def _come_and_go(self) -> None:
        """Each at their time; nobody leaves before a newcomer was there for a while, however slow the machine is."""
        for actor in (actor for actor in CAST if actor.comes):
            await self._wait_for(actor.comes - self._head_start)
            await self._enter_and_wait(actor)
            self._playbill.came(actor, self._elapsed)
        for actor in (actor for actor in CAST if actor.goes is not None):
            await self._wait_for(max(actor.goes or 0.0, self._playbill.acts[-1].begin + 1.2 * SETTLING_SECONDS))
            await self._stage.leave(actor)
            self._playbill.left(actor, self._elapsed)

    async def _wait_for(self, moment: float) -> None:
        await asyncio.sleep(max(0.0, moment - self._elapsed))

    def _verdict(self) -> list[str]:
        """The faults of what was received so far, and programs that should run and do not."""
        seconds, counted = self._elapsed, self._cadence
        connects = self._receiver.figures().connects
        received = Received(counted.frames, counted.doubled, counted.missing, connects)
        found = faults(self._playbill.acts, self._watcher.changes(), self._seen, received, seconds)
        staying = [actor.user_id for actor in CAST if actor.goes is None and actor.user_id in self._stage.told]
        for name in staying:
            try:
                self._stage.check(name)
            except Busy as error:
                found.append(f"{name} {error.message}")
        return found

    async def _let_stream_end(self) -> None:
        """The task is stopped: its last bytes make the file whole."""
        with contextlib.suppress(Busy):
            await until(lambda: not self._receiver.figures().live, "the stream does not end", within_s=3)


def _put(path: Path, data: bytes) -> None:
    fresh = path.with_suffix(".new")
    fresh.write_bytes(data)
    fresh.replace(path)
