"""The tables, as the newest migration leaves them (a test compares the two).

Times are nanoseconds of Unix time. Values of the model are JSON text made by `model/codec.py`: they hold stream keys,
which is why the database file is readable by its owner only.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
    UniqueConstraint,
)

METADATA = MetaData()

Number = BigInteger().with_variant(Integer, "sqlite")
"""SQLite counts rows up by itself only in a column that is INTEGER to the letter."""

TASKS = Table(
    "tasks",
    METADATA,
    Column("number", Number, primary_key=True, autoincrement=True),
    Column("app_id", String(64), nullable=False),
    Column("task_id", String(64), nullable=False),
    Column("account", String(64), nullable=False),
    Column("family", String(16), nullable=False),
    Column("mode", String(16), nullable=False),
    Column("state", Integer, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("idle_since", BigInteger),
    Column("named_gone_since", BigInteger),
    Column("ended_at", BigInteger),
    Column("lease", Integer, nullable=False),
    Column("end_code", Integer, nullable=False),
    Column("end_reason", Text, nullable=False),
    Column("spec", Text, nullable=False),
    Column("request", Text, nullable=False),
    UniqueConstraint("app_id", "task_id", name="uq_tasks_key"),
    Index("ix_tasks_state", "state"),
    Index("ix_tasks_ended_at", "ended_at"),
)

URLS = Table(
    "urls",
    METADATA,
    Column("lock_key", Text, primary_key=True),
    Column("app_id", String(64), nullable=False),
    Column("task_id", String(64), nullable=False),
    Column("released_at", BigInteger),
    Index("ix_urls_task", "app_id", "task_id"),
)
"""Who has a target's URL (operations.md 2.4): of all apps, one row a URL; `released_at` NULL while in use."""

LAYOUTS = Table(
    "layouts",
    METADATA,
    Column("layout_id", BigInteger, primary_key=True, autoincrement=False),
    Column("app_id", String(64), nullable=False),
    Column("layout", Text, nullable=False),
    Index("ix_layouts_app", "app_id"),
)

COUNTERS = Table(
    "counters",
    METADATA,
    Column("name", String(32), primary_key=True),
    Column("value", BigInteger, nullable=False),
)
"""Numbers given out upwards and never again."""

SUBSCRIPTIONS = Table(
    "subscriptions",
    METADATA,
    Column("app_id", String(64), primary_key=True),
    Column("sub_id", String(64), nullable=False),
    Column("callback_url", Text, nullable=False),
    Column("channels", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
)

DELIVERIES = Table(
    "deliveries",
    METADATA,
    Column("number", Number, primary_key=True, autoincrement=True),
    Column("app_id", String(64), nullable=False),
    Column("sub_id", String(64), nullable=False),
    Column("msg_id", String(64), nullable=False),
    Column("callback_url", Text, nullable=False),
    Column("body", Text, nullable=False),
    Column("http_status", Integer),
    Column("cost_ms", Integer, nullable=False),
    Column("at", BigInteger, nullable=False),
    Index("ix_deliveries_app_at", "app_id", "at"),
    Index("ix_deliveries_at", "at"),
)

OUTBOX = Table(
    "outbox",
    METADATA,
    Column("number", Number, primary_key=True, autoincrement=True),
    Column("app_id", String(64), nullable=False),
    Column("task_id", String(64), nullable=False),
    Column("channel_id", String(64), nullable=False),
    Column("event_type", Integer, nullable=False),
    Column("msg_id", String(64), nullable=False),
    Column("payload", Text, nullable=False),
    Column("attempts", Integer, nullable=False),
    UniqueConstraint("msg_id", name="uq_outbox_msg_id"),
)
"""Events that are still to be told."""

NONCES = Table(
    "nonces",
    METADATA,
    Column("digest", LargeBinary(16), nullable=False),
    Column("keep_until", BigInteger, nullable=False),
    PrimaryKeyConstraint("digest"),
    Index("ix_nonces_keep_until", "keep_until"),
    sqlite_with_rowid=False,
)
"""Used nonces by a digest of (access key id, nonce): sixteen bytes whatever the caller sent."""
