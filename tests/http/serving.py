"""The RPC door under a real uvicorn on a free port, with the system's clock."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import uvicorn

from openmpu.http.patience import PatientProtocol
from tests.http.house import open_house
from tests.services.doubles import user


class SystemClock:
    """Clients stamp their requests with the real time."""

    def now(self) -> int:
        return time.time_ns()


@asynccontextmanager
async def serving() -> AsyncIterator[str]:
    """The door under uvicorn on a free port; its address."""
    async with open_house(clock=SystemClock()) as house:
        life = asyncio.create_task(house.tasks.run())
        await house.people(user("ann"), user("bob"))
        listener = socket.create_server(("127.0.0.1", 0))
        config = uvicorn.Config(house.app, http=PatientProtocol, log_level="warning", lifespan="off")
        server = uvicorn.Server(config)
        serving = asyncio.create_task(server.serve([listener]))
        yield f"127.0.0.1:{listener.getsockname()[1]}"
        server.should_exit = True
        await serving
        life.cancel()
        await asyncio.wait([life])
