"""One authenticated call on its way through a handler."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

import structlog

from openmpu.errors import Denied
from openmpu.http.rpc_actions.door import RpcDoor
from openmpu.model.ids import AppId, TaskId, TaskKey
from openmpu.services.accounts import Account
from openmpu.wire.rpc.actions import Dialect, Operation
from openmpu.wire.rpc.replies import Body
from openmpu.wire.rpc.rows import Trees, check_required, read_identifiers, trees_of

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Opened:
    """A request of which the identifiers have been read, and nothing else yet.

    Attributes:
        trees: Its parameters, for `rows.read`.
        notes: What had to be dropped (operations.md 1.3, rule 7).
        identifiers: By wire name; those that were sent.
    """

    trees: Trees
    notes: tuple[str, ...]
    identifiers: dict[str, str]

    @property
    def app_id(self) -> AppId:
        """The app that the request names; empty where the operation needs none."""
        return AppId(self.identifiers.get("AppId", ""))

    @property
    def task(self) -> TaskKey:
        """The task that the request names."""
        return TaskKey(self.app_id, TaskId(self.identifiers["TaskId"]))


@dataclass(frozen=True, slots=True)
class Call:
    """Who calls what with which parameters."""

    door: RpcDoor
    account: Account
    operation: Operation
    version: str
    parameters: Mapping[str, str]

    def open(self, kind: type[object]) -> Opened:
        """The first steps of every operation: required parameters, identifiers, the app (operations.md 1.8).

        Raises:
            Missing, Invalid: A parameter.
            NotFound: Not an app of this account.
            Denied: The app is disabled (operations.md 6.1; the older operations leave that to the services).
        """
        trees, notes = trees_of(kind, self.parameters)
        check_required(kind, trees)
        opened = Opened(trees, notes, read_identifiers(kind, trees))
        if opened.app_id and not self.account.app(opened.app_id).enabled and self.live_2:
            raise Denied("app", f"AppId = {opened.app_id}: the app is disabled")
        return opened

    def warn(self, opened: Opened, notes: tuple[str, ...] = ()) -> None:
        """Tell the log what is read otherwise than it was written (operations.md 1.3, 3.8)."""
        for note in (*opened.notes, *notes):
            _log.warning("read otherwise than written", action=self.operation.name, task=str(opened.task), note=note)

    @property
    def live_2(self) -> bool:
        """Whether the operation speaks the newer dialect."""
        return self.operation.dialect is Dialect.LIVE_2


Handler = Callable[[Call], Awaitable[Body]]
"""Gives the answer without its RequestId."""
