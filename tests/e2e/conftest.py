"""Whole systems: a server with its processes, publishers, receivers.

To start a server and to see it leave costs more than many a test does, so one server serves all tests that do not take
it apart. Each test finds it empty: no publisher, no task, no worker, no subscription.
"""

from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio

from tests.rig.picture_server import Pictures, picture_server
from tests.rig.processes import Rig, rig


@pytest_asyncio.fixture(scope="package", loop_scope="package")
async def shared_server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Rig]:
    """The server of all; at the end nothing of it may be left."""
    async with rig(tmp_path_factory.mktemp("house")) as made:
        yield made


@pytest_asyncio.fixture(loop_scope="package")
async def house(shared_server: Rig) -> AsyncIterator[Rig]:
    """A running, empty server; what the test brought in is taken out afterwards."""
    yield shared_server
    await shared_server.clear()


@pytest_asyncio.fixture(loop_scope="package")
async def own_house(tmp_path) -> AsyncIterator[Rig]:
    """A server for this test alone, that may be killed; afterwards nothing of it may be left."""
    async with rig(tmp_path) as made:
        yield made


@pytest.fixture
def shelf() -> Iterator[Pictures]:
    """Pictures by URL."""
    with picture_server() as pictures:
        yield pictures
