"""The WHIP door (RFC 9725): `POST /whip/{app}/{channel}/{user}`, then PATCH and DELETE on the publication's own URL."""

from __future__ import annotations

from starlette.requests import Request

from openmpu.errors import Invalid
from openmpu.http.sessions import SessionDoor, credentials, offer_of
from openmpu.model.ids import AppId, ChannelId, UserId
from openmpu.model.reports import Publication
from openmpu.model.roster import Source
from openmpu.services.channels import Channels
from openmpu.wire.tokens import Claims
from openmpu.wire.whip import http as whip

_SOURCES = {"camera": Source.CAMERA, "shareScreen": Source.SCREEN}


class WhipDoor(SessionDoor):
    """Publications.

    Args:
        channels: Where they belong.
        ice_servers: Told to publishers.
        elsewhere: Which channels other servers have.
    """

    def __init__(
        self,
        channels: Channels,
        ice_servers: tuple[whip.IceServer, ...] = (),
        elsewhere: whip.Elsewhere = whip.Elsewhere(),  # noqa: B008 - has no state
    ) -> None:
        super().__init__("whip", "/whip/{app}/{channel}/{user}", ice_servers)
        self._channels, self._elsewhere = channels, elsewhere

    def elsewhere(self, request: Request) -> str | None:
        """See `SessionDoor`. Whoever asks: the server there asks for the token."""
        return elsewhere(self._elsewhere, request)

    async def begin(self, request: Request) -> Publication:
        """See `SessionDoor`."""
        claims = self._claims(request)
        source = _source(request)
        offer = await offer_of(request)
        return await self._channels.publish(claims.app_id, claims.channel_id, claims.user_id, source, offer, claims)

    async def admit(self, request: Request) -> None:
        """See `SessionDoor`."""
        self._claims(request)

    async def trickle(self, request: Request, fragment: str, etag: str | None) -> Publication:
        """See `SessionDoor`."""
        return await self._channels.trickle(request.path_params["resource"], fragment, etag)

    async def end(self, request: Request) -> None:
        """See `SessionDoor`."""
        await self._channels.unpublish(request.path_params["resource"])

    def _claims(self, request: Request) -> Claims:
        """Who the path says is publishing, once the token proved it."""
        names = AppId(request.path_params["app"]), ChannelId(request.path_params["channel"])
        return self._channels.claims(*names, UserId(request.path_params["user"]), credentials(request))


def elsewhere(known: whip.Elsewhere, request: Request) -> str | None:
    """Where the channel of this request's path lives, if not here; with the same path and query."""
    query = request.url.query
    target = request.scope.get("raw_path", request.url.path.encode()).decode().partition("?")[0]
    return known.place(
        request.path_params["app"], request.path_params["channel"], target + (f"?{query}" if query else "")
    )


def _source(request: Request) -> Source:
    name = request.query_params.get("source", "camera")
    if name not in _SOURCES:
        raise Invalid("source", f"source={name[:20]!r}: must be camera or shareScreen")
    return _SOURCES[name]
