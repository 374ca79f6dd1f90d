"""What the RPC handlers need of the services, declared by the one who needs it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from openmpu.model.ids import TaskKey
from openmpu.model.task import TaskSpec, TaskState
from openmpu.services.accounts import AccessKey, Account, App


class Accounts(Protocol):
    """`services/accounts.py`."""

    def by_access_key(self, access_key_id: str) -> tuple[Account, AccessKey] | None:
        """The key of that id, active or not, and its account."""
        ...

    def app(self, app_id: str) -> App | None:
        """The app of that id, whoever owns it."""
        ...


class Tasks(Protocol):
    """`services/tasks.py`."""

    async def start(self, account: Account, spec: TaskSpec, request: dict[str, Any]) -> None:
        """Begin a task."""
        ...

    async def update(
        self, account: Account, key: TaskKey, change: Callable[[TaskSpec], TaskSpec], request: dict[str, Any]
    ) -> None:
        """Change a task that is not over."""
        ...

    async def stop(self, account: Account, key: TaskKey) -> None:
        """End a task; no effect on one that is over."""
        ...

    async def state(self, account: Account, key: TaskKey) -> TaskState:
        """How its life stands."""
        ...


class Rates(Protocol):
    """`services/limits.py`."""

    def check(self, account_name: str, version: str, action: str) -> None:
        """Count one call.

        Raises:
            Limited: Too many.
        """
        ...


class Nonces(Protocol):
    """The part of the store that remembers nonces."""

    async def use_nonce(self, access_key_id: str, nonce: str, now: int, keep_until: int) -> bool:
        """Remember one; False if it was there already."""
        ...
