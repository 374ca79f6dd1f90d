"""Whole systems: a server with its processes, publishers, receivers."""

from collections.abc import AsyncIterator

import pytest

from tests.rig.processes import Rig, rig


@pytest.fixture
async def house(tmp_path) -> AsyncIterator[Rig]:
    """A running server; afterwards nothing of it may be left."""
    async with rig(tmp_path) as made:
        yield made
