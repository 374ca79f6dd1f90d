"""Used nonces: refused twice, also after a restart and by another server of the same database.

This is on the path of every signed request. A nonce counts as used once its row is committed, and only then is the
request let through: whatever was acknowledged is remembered, also after `kill -9`. To keep that fast, all requests
that wait at one moment share one transaction (group commit): the busier the server, the larger the groups. A set in
memory in front would save nothing, since the table's key is the judge anyway, and would be one more thing to bound.
"""

from __future__ import annotations

import asyncio
import hashlib
import itertools
from collections.abc import Sequence
from typing import Any

import structlog
from sqlalchemy import Connection, bindparam, delete, func, select

from openmpu.errors import Busy
from openmpu.store.database import Database
from openmpu.store.tables import NONCES
from openmpu.store.upserts import insert_for

MOST_KEPT = 2_000_000
"""Rows of some 40 bytes. An account's 500 calls/s over 30 min are 0.9 million."""
GROUP = 400
SWEEP_EVERY = 10 * 10**9
"""Nanoseconds between two removals of what need not be kept any longer."""

_log = structlog.get_logger()


_Row = tuple[bytes, int]
"""Digest and `keep_until`."""
_Waiting = dict[bytes, tuple[int, int, asyncio.Future[bool]]]


class NonceRows:
    """The part of the Store port about nonces."""

    _database: Database

    def __init__(self) -> None:
        self._waiting: _Waiting = {}
        self._writer: asyncio.Task[None] | None = None
        self._swept_at = 0
        self._full = False

    async def use_nonce(self, access_key_id: str, nonce: str, now: int, keep_until: int) -> bool:
        """Remember a nonce; False if it is kept already.

        Raises:
            Busy: Too many are kept; forgetting one early would let its request in twice.
        """
        digest = _digest(access_key_id, nonce)
        if digest in self._waiting:
            return False
        if self._full and abs(now - self._swept_at) < SWEEP_EVERY:
            raise Busy("nonces", "too many calls were made within the last half hour")
        answer: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._waiting[digest] = (now, keep_until, answer)
        if self._writer is None or self._writer.done():
            self._writer = asyncio.create_task(self._write_groups())
        return await answer

    async def _write_groups(self) -> None:
        """In a task of its own, so that a caller that goes away does not break the others' transaction."""
        while self._waiting:
            group = dict(itertools.islice(self._waiting.items(), GROUP))
            try:
                await self._sweep(max(now for now, _, _ in group.values()))
                _settle(group, await self._write(group))
            except Exception as error:  # noqa: BLE001 - told to those who wait; it is theirs to answer
                _fail(group, error)
            finally:
                for digest in group:
                    del self._waiting[digest]

    async def _write(self, group: _Waiting) -> set[bytes]:
        """Commit the group; the digests that were new."""
        now = max(now for now, _, _ in group.values())
        rows = [(digest, keep_until) for digest, (_, keep_until, _) in group.items()]
        remember = _remember_sqlite if self._database.sqlite else _remember_postgres
        return await self._database.write(lambda connection: remember(connection, rows, now))

    async def _sweep(self, now: int) -> None:
        if abs(now - self._swept_at) < SWEEP_EVERY:
            return
        self._swept_at = now

        def job(connection: Connection) -> int:
            connection.execute(delete(NONCES).where(NONCES.c.keep_until <= now))
            return int(connection.execute(select(func.count()).select_from(NONCES)).scalar_one())

        count = await self._database.write(job)
        self._full = count >= MOST_KEPT
        if self._full:
            _log.error("too many nonces kept; calls are refused until some grow old", kept=count)


def _digest(access_key_id: str, nonce: str) -> bytes:
    """Of both, with their border: sixteen bytes cannot be made to collide at will."""
    text = f"{len(access_key_id)}:{access_key_id}:{nonce}"
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()[:16]


def _remembering(insert: Any, now: Any) -> Any:
    """Insert what is new or kept no longer."""
    return insert.on_conflict_do_update(
        index_elements=["digest"], set_={"keep_until": insert.excluded.keep_until}, where=NONCES.c.keep_until <= now
    )


def _remember_postgres(connection: Connection, rows: Sequence[_Row], now: int) -> set[bytes]:
    """All in one statement; the digests that were new."""
    statement = _remembering(insert_for(connection, NONCES), now).returning(NONCES.c.digest)
    values = [{"digest": digest, "keep_until": keep_until} for digest, keep_until in rows]
    return set(connection.execute(statement, values).scalars())


def _remember_sqlite(connection: Connection, rows: Sequence[_Row], now: int) -> set[bytes]:
    """By the driver itself: a statement costs it 3 microseconds, one through SQLAlchemy 60."""
    text, cursor = _text_of(connection), connection.connection.cursor()
    fresh = {row[0] for row in rows if cursor.execute(text, (*row, now)).rowcount}
    cursor.close()
    return fresh


_texts: dict[str, str] = {}


def _text_of(connection: Connection) -> str:
    """The statement as the driver takes it; digest, `keep_until`, now."""
    name = connection.dialect.name
    if name not in _texts:
        statement = _remembering(insert_for(connection, NONCES), bindparam("now"))
        _texts[name] = str(statement.compile(dialect=connection.dialect))
    return _texts[name]


def _settle(group: _Waiting, fresh: set[bytes]) -> None:
    for digest, (_, _, answer) in group.items():
        if not answer.done():
            answer.set_result(digest in fresh)


def _fail(group: _Waiting, error: Exception) -> None:
    for _, _, answer in group.values():
        if not answer.done():
            answer.set_exception(error)
