"""Nonces: each once, for as long as it is kept."""

from __future__ import annotations

import asyncio

import pytest

from openmpu.errors import Busy
from openmpu.store import nonces
from openmpu.store.sql import SqlStore, open_store
from tests.store.values import NOW, SECOND

KEEP = 1800 * SECOND


async def test_a_nonce_is_good_once_per_key(store: SqlStore) -> None:
    """The same text under another key is another nonce; borders do not shift."""
    assert await store.use_nonce("key", "n", NOW, NOW + KEEP)
    assert not await store.use_nonce("key", "n", NOW + 1, NOW + KEEP)
    assert await store.use_nonce("key2", "n", NOW, NOW + KEEP)
    assert await store.use_nonce("ke", "yn", NOW, NOW + KEEP)


async def test_a_nonce_may_come_again_when_it_is_no_longer_kept(store: SqlStore) -> None:
    """Kept to the end of its time, whether or not old ones were swept away yet."""
    assert await store.use_nonce("key", "n", NOW, NOW + KEEP)
    assert not await store.use_nonce("key", "n", NOW + KEEP - 1, NOW + 2 * KEEP)
    assert await store.use_nonce("key", "n", NOW + KEEP, NOW + 2 * KEEP)
    assert not await store.use_nonce("key", "n", NOW + KEEP + 1, NOW + 2 * KEEP)


async def test_of_many_equal_ones_at_once_one_is_good(lasting_url: str) -> None:
    """Also through two servers on one database."""
    async with open_store(lasting_url) as first, open_store(lasting_url) as second:
        stores = (first, second)
        calls = [stores[n % 2].use_nonce("key", f"n{n // 10}", NOW, NOW + KEEP) for n in range(2000)]
        assert sum(await asyncio.gather(*calls)) == 200


async def test_nonces_survive_a_restart(lasting_url: str) -> None:
    """What was acknowledged is remembered."""
    async with open_store(lasting_url) as store:
        assert await store.use_nonce("key", "n", NOW, NOW + KEEP)
    async with open_store(lasting_url) as store:
        assert not await store.use_nonce("key", "n", NOW, NOW + KEEP)


async def test_too_many_kept_ones_refuse_new_calls_until_some_grow_old(
    store: SqlStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Forgetting one early would let its request in twice."""
    monkeypatch.setattr(nonces, "MOST_KEPT", 20)
    for number in range(20):
        assert await store.use_nonce("key", f"n{number}", NOW, NOW + KEEP)
    later = NOW + 11 * SECOND
    await store.use_nonce("key", "finds it", later, later + KEEP)
    with pytest.raises(Busy):
        await store.use_nonce("key", "more", later, later + KEEP)
    assert await store.use_nonce("key", "much later", NOW + KEEP, NOW + 2 * KEEP)
    assert await store.use_nonce("key", "and more", NOW + KEEP + 1, NOW + 2 * KEEP)


async def test_any_text_is_a_nonce(store: SqlStore) -> None:
    """Long ones cost no more than short ones; odd characters are no trouble."""
    for nonce in ("", "x" * 100_000, "\x00'\"--", "\udcff", "你好"):
        assert await store.use_nonce("key", nonce, NOW, NOW + KEEP)
        assert not await store.use_nonce("key", nonce, NOW, NOW + KEEP)


async def test_a_failing_database_is_told_to_every_caller(store: SqlStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits for ever, nobody is let through, and it works again afterwards."""

    async def broken(self: SqlStore, group: object) -> set[bytes]:
        raise OSError("disk full")

    with monkeypatch.context() as patch:
        patch.setattr(type(store), "_write", broken)
        results = await asyncio.gather(
            *(store.use_nonce("key", f"n{n}", NOW, NOW + KEEP) for n in range(5)), return_exceptions=True
        )
        assert [type(result) for result in results] == [OSError] * 5
    assert await store.use_nonce("key", "n0", NOW, NOW + KEEP)


async def test_a_caller_that_goes_away_uses_its_nonce_up(store: SqlStore) -> None:
    """A cancelled call does not break the group that it was written with."""
    calls = [asyncio.create_task(store.use_nonce("key", f"n{n}", NOW, NOW + KEEP)) for n in range(10)]
    await asyncio.sleep(0)
    calls[3].cancel()
    results = await asyncio.gather(*calls, return_exceptions=True)
    assert [isinstance(result, asyncio.CancelledError) for result in results].count(True) == 1
    assert not await store.use_nonce("key", "n3", NOW, NOW + KEEP)
