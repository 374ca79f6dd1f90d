"""The WHEP door (draft-ietf-wish-whep): `POST /whep/{app}/{task}` to watch what a task makes, PATCH, DELETE."""

from __future__ import annotations

from starlette.requests import Request

from openmpu.http.sessions import SessionDoor, credentials, offer_of
from openmpu.model.ids import AppId, TaskId, TaskKey
from openmpu.model.reports import Publication
from openmpu.services.playing import Playing
from openmpu.wire.whip import http as whip


class WhepDoor(SessionDoor):
    """Players."""

    def __init__(self, playing: Playing, ice_servers: tuple[whip.IceServer, ...] = ()) -> None:
        super().__init__("whep", "/whep/{app}/{task}", ice_servers)
        self._playing = playing

    async def begin(self, request: Request) -> Publication:
        """See `SessionDoor`."""
        record = await self._playing.admit(*_names(request), credentials(request))
        return await self._playing.play(record, await offer_of(request))

    async def admit(self, request: Request) -> None:
        """See `SessionDoor`."""
        await self._playing.admit(*_names(request), credentials(request), goes_on=True)

    async def trickle(self, request: Request, fragment: str, etag: str | None) -> Publication:
        """See `SessionDoor`."""
        return await self._playing.trickle(TaskKey(*_names(request)), request.path_params["resource"], fragment, etag)

    async def end(self, request: Request) -> None:
        """See `SessionDoor`."""
        await self._playing.end(TaskKey(*_names(request)), request.path_params["resource"])


def _names(request: Request) -> tuple[AppId, TaskId]:
    return AppId(request.path_params["app"]), TaskId(request.path_params["task"])
