"""Fixtures of the attacks."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.http.house import RpcHouse, open_house


@pytest.fixture
async def house() -> AsyncIterator[RpcHouse]:
    """The RPC door with everything as it comes."""
    async with open_house() as house:
        yield house
