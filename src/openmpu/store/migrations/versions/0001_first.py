"""Tasks, URLs in use, layouts, subscriptions, deliveries, nonces."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

NUMBER = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    _tasks()
    _urls()
    _layouts()
    _subscriptions()
    _deliveries()
    _nonces()


def downgrade() -> None:
    for table in ("nonces", "deliveries", "subscriptions", "counters", "layouts", "urls", "tasks"):
        op.drop_table(table)


def _tasks() -> None:
    op.create_table(
        "tasks",
        sa.Column("number", NUMBER, primary_key=True, autoincrement=True),
        sa.Column("app_id", sa.String(64), nullable=False),
        sa.Column("task_id", sa.String(64), nullable=False),
        sa.Column("account", sa.String(64), nullable=False),
        sa.Column("family", sa.String(16), nullable=False),
        sa.Column("mode", sa.String(16), nullable=False),
        sa.Column("state", sa.Integer, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("idle_since", sa.BigInteger),
        sa.Column("named_gone_since", sa.BigInteger),
        sa.Column("ended_at", sa.BigInteger),
        sa.Column("lease", sa.Integer, nullable=False),
        sa.Column("end_code", sa.Integer, nullable=False),
        sa.Column("end_reason", sa.Text, nullable=False),
        sa.Column("spec", sa.Text, nullable=False),
        sa.Column("request", sa.Text, nullable=False),
        sa.UniqueConstraint("app_id", "task_id", name="uq_tasks_key"),
    )
    op.create_index("ix_tasks_state", "tasks", ["state"])
    op.create_index("ix_tasks_ended_at", "tasks", ["ended_at"])


def _urls() -> None:
    op.create_table(
        "urls",
        sa.Column("lock_key", sa.Text, primary_key=True),
        sa.Column("app_id", sa.String(64), nullable=False),
        sa.Column("task_id", sa.String(64), nullable=False),
        sa.Column("released_at", sa.BigInteger),
    )
    op.create_index("ix_urls_task", "urls", ["app_id", "task_id"])


def _layouts() -> None:
    op.create_table(
        "layouts",
        sa.Column("layout_id", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("app_id", sa.String(64), nullable=False),
        sa.Column("layout", sa.Text, nullable=False),
    )
    op.create_index("ix_layouts_app", "layouts", ["app_id"])
    counters = op.create_table(
        "counters",
        sa.Column("name", sa.String(32), primary_key=True),
        sa.Column("value", sa.BigInteger, nullable=False),
    )
    op.bulk_insert(counters, [{"name": "layout_id", "value": 10_000}])


def _subscriptions() -> None:
    op.create_table(
        "subscriptions",
        sa.Column("app_id", sa.String(64), primary_key=True),
        sa.Column("sub_id", sa.String(64), nullable=False),
        sa.Column("callback_url", sa.Text, nullable=False),
        sa.Column("channels", sa.Text, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
    )


def _deliveries() -> None:
    op.create_table(
        "deliveries",
        sa.Column("number", NUMBER, primary_key=True, autoincrement=True),
        sa.Column("app_id", sa.String(64), nullable=False),
        sa.Column("sub_id", sa.String(64), nullable=False),
        sa.Column("msg_id", sa.String(64), nullable=False),
        sa.Column("callback_url", sa.Text, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        sa.Column("http_status", sa.Integer),
        sa.Column("cost_ms", sa.Integer, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
    )
    op.create_index("ix_deliveries_app_at", "deliveries", ["app_id", "at"])
    op.create_index("ix_deliveries_at", "deliveries", ["at"])


def _nonces() -> None:
    op.create_table(
        "nonces",
        sa.Column("digest", sa.LargeBinary(16), nullable=False),
        sa.Column("keep_until", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("digest"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_nonces_keep_until", "nonces", ["keep_until"])
