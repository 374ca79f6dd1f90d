"""The RPC door at `/`: one ASGI app that answers every request in JSON or XML, whatever happens (wire.md).

A request goes through the steps of wire.md 9: collect, format, operation, authenticate, rate, handle. Each fills in an
`Exchange` or raises; `_refuse` is the only place where an error becomes an answer.
"""

from __future__ import annotations

import secrets
import uuid
from collections import Counter
from dataclasses import dataclass, field

import structlog
from starlette.requests import ClientDisconnect
from starlette.routing import BaseRoute, Match
from starlette.types import Receive, Scope, Send

from openmpu.errors import Denied, Invalid, NotFound
from openmpu.http.rpc_actions.call import Call
from openmpu.http.rpc_actions.door import RpcDoor, RpcOptions
from openmpu.http.rpc_actions.table import HANDLERS
from openmpu.http.rpc_transport import read_head, read_request, send_reply
from openmpu.services.accounts import Account
from openmpu.wire.rpc.actions import Dialect, Operation, asked_operation, find_operation
from openmpu.wire.rpc.authentication import (
    NONCE_KEEP_S,
    Claim,
    check_signature,
    check_stamp,
    is_v3,
    loggable_canonical,
    read_claim,
)
from openmpu.wire.rpc.faults import fault_of
from openmpu.wire.rpc.formats import Format, asked_format, format_of_fault
from openmpu.wire.rpc.incoming import Incoming
from openmpu.wire.rpc.parameters import Parameters, collect, decode_form
from openmpu.wire.rpc.replies import Body, Reply, fault_reply, success_reply

__all__ = ["RpcApp", "RpcDoor", "RpcOptions", "rpc_routes"]

MOST_COUNTS = 2000
"""Pairs of operation and code that are counted apart; all further ones together."""
_METHODS = frozenset({"GET", "POST"})
_log = structlog.get_logger()


@dataclass(slots=True)
class Exchange:
    """One request, filled in step by step."""

    incoming: Incoming
    request_id: str = field(default_factory=lambda: str(uuid.uuid4()).upper())
    trace_id: str = field(default_factory=lambda: secrets.token_hex(16))
    format: Format | None = None
    operation: Operation | None = None
    version: str = ""
    account: Account | None = None

    @property
    def dialect(self) -> Dialect:
        """Whose error names count: the operation's, once its turn has come."""
        return self.operation.dialect if self.operation and self.account else Dialect.GATEWAY

    @property
    def action(self) -> str:
        """The operation's name; empty until it is known."""
        return self.operation.name if self.operation else ""

    @property
    def root(self) -> str:
        """XML root of a success."""
        return f"{self.action}Response"


class RpcApp:
    """The door as an ASGI app. Other paths than `/` get the spec's 404, so it can stand behind all other routes."""

    def __init__(self, door: RpcDoor) -> None:
        self._door = door
        self.calls: Counter[tuple[str, str]] = Counter()
        """Calls answered, by operation (empty: none that we know) and error code (`OK`: none)."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one HTTP request."""
        try:
            reply = await self.answer(await read_request(scope, receive))
        except ClientDisconnect:
            return
        except Exception as error:  # noqa: BLE001 - as in `answer`
            reply = self._refuse(Exchange(read_head(scope)), error)
        await send_reply(reply, scope, send)

    async def answer(self, incoming: Incoming) -> Reply:
        """The answer to a request; never raises."""
        exchange = Exchange(incoming)
        try:
            body = await self._run(exchange)
            self._count(exchange, "OK")
            return success_reply(
                body, exchange.root, exchange.format or Format.XML, exchange.request_id, exchange.trace_id
            )
        except Exception as error:  # noqa: BLE001 - whatever it is, the client gets an answer in its format
            return self._refuse(exchange, error)

    async def account_of(self, incoming: Incoming) -> Account:
        """Who signed a request to one of our own doors beside the API; signed like an API call, with its own path.

        A JSON body must be signed with V3, whose proof covers it: V1 signs parameters only.

        Raises:
            OpenMpuError: Whatever wire.md 9 refuses in its steps 4 to 8.
        """
        if not incoming.is_json:
            return await self._authenticate(Exchange(incoming), collect(incoming))
        if self._door.options.auth and not is_v3(incoming):
            raise Invalid("Parameter.ContentType", "a JSON body must be signed with ACS3-HMAC-SHA256")
        return await self._authenticate(Exchange(incoming), Parameters(decode_form(incoming.query), {}))

    async def _run(self, exchange: Exchange) -> Body:
        _check_transport(exchange.incoming, self._door.options)
        parameters = collect(exchange.incoming)
        exchange.format = asked_format(exchange.incoming, parameters.get("Format"))
        action, exchange.version = asked_operation(exchange.incoming, parameters)
        exchange.operation = find_operation(action, exchange.version)
        account = await self._authenticate(exchange, parameters)
        self._door.rates.check(account.name, exchange.version, action)
        exchange.account = account
        call = Call(self._door, account, exchange.operation, exchange.version, parameters.merged)
        return await HANDLERS[action](call)

    async def _authenticate(self, exchange: Exchange, parameters: Parameters) -> Account:
        """Steps 4 to 8 of wire.md 9."""
        if not self._door.options.auth:
            return self._unproved(parameters)
        claim = read_claim(exchange.incoming, parameters)
        account, secret = self._known(claim)
        now = self._door.clock.now()
        check_stamp(claim.stamp, now)
        try:
            check_signature(claim, secret)
        except Denied:
            canonical = loggable_canonical(exchange.incoming, parameters)
            _log.debug("signature does not match", request_id=exchange.request_id, canonical=canonical)
            raise
        await self._use_nonce(claim, now)
        return account

    def _known(self, claim: Claim) -> tuple[Account, str]:
        found = self._door.accounts.by_access_key(claim.access_key_id)
        if found is None:
            raise NotFound("access_key", "no such AccessKeyId")
        account, key = found
        if not key.active:
            raise Denied("access_key", "the AccessKeyId is switched off")
        if claim.security_token:
            raise Denied("security_token", "this server issues no security tokens")
        return account, key.secret

    async def _use_nonce(self, claim: Claim, now: int) -> None:
        """Only after the signature: a request that failed its check does not consume its nonce (wire.md 8.3)."""
        keep_until = now + NONCE_KEEP_S * 10**9
        if not await self._door.nonces.use_nonce(claim.access_key_id, claim.nonce, now, keep_until):
            raise Denied("nonce", "the SignatureNonce was used before")

    def _unproved(self, parameters: Parameters) -> Account:
        """Authentication off: whoever names an app may use it."""
        found = self._door.accounts.by_access_key(parameters.get("AccessKeyId"))
        app = self._door.accounts.app(parameters.get("AppId"))
        return found[0] if found else Account("anonymous", (), (app,) if app else ())

    def _refuse(self, exchange: Exchange, error: Exception) -> Reply:
        options = self._door.options
        fault = fault_of(error, exchange.dialect, options.task_existed_status)
        self._count(exchange, fault.code)
        _report(exchange, error, fault.status, fault.code)
        format_ = exchange.format or format_of_fault(exchange.incoming)
        host = exchange.incoming.host
        root = exchange.root if fault.status < 400 else "Error"
        return fault_reply(fault, root, format_, exchange.request_id, exchange.trace_id, host, options.recommend_url)

    def _count(self, exchange: Exchange, code: str) -> None:
        known = len(self.calls) < MOST_COUNTS or (exchange.action, code) in self.calls
        self.calls[(exchange.action, code) if known else ("", "other")] += 1


def _check_transport(incoming: Incoming, options: RpcOptions) -> None:
    """wire.md 1: one path, two methods, and TLS where it is insisted on."""
    if incoming.path not in {"", "/"}:
        raise NotFound("action", "the API lives at /")
    if incoming.method not in _METHODS:
        raise Invalid("http_method", f"{incoming.method:.20} is not supported; use GET or POST")
    if options.require_tls and not incoming.secure:
        raise Invalid("Protocol.NeedSsl", "use https")


def _report(exchange: Exchange, error: Exception, status: int, code: str) -> None:
    """One line a refusal; a bug with its trace. Messages stay out: some hold strings to sign."""
    facts = {"request_id": exchange.request_id, "action": exchange.action, "status": status, "code": code}
    if status >= 500 and code == "InternalError":
        _log.error("rpc failed", exc_info=error, **facts)
    else:
        _log.info("rpc refused", **facts)


class RpcRoute(BaseRoute):
    """Takes every HTTP request that no route before it took: `/`, the empty path, and all paths that are nobody's."""

    def __init__(self, app: RpcApp) -> None:
        self.app = app

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Always, for HTTP."""
        return (Match.FULL if scope["type"] == "http" else Match.NONE), {}

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand it to the door."""
        await self.app(scope, receive, send)


def rpc_routes(door: RpcDoor) -> list[BaseRoute]:
    """To stand last among the routes of the application."""
    return [RpcRoute(RpcApp(door))]
