"""The WHIP door's answers beside those of RFC 9725 and RFC 9110, before gateways of doubles."""

from __future__ import annotations

import httpx
import pytest

from openmpu.http.app import make_app
from openmpu.http.pages.routes import page_routes
from openmpu.http.whip import WhipDoor
from openmpu.wire.tokens import make_one_string
from openmpu.wire.whip.http import Elsewhere, IceServer
from tests.services.doubles import SECOND, START
from tests.services.test_channels import Hall, offer

SDP = {"content-type": "application/sdp"}
ANN = "/whip/app/room/ann"
KNOWN = Elsewhere({"app/moved": "https://two.example", "gone": "https://three.example/mpu", "gone/back": "http://x"})


@pytest.fixture
async def door():
    """The WHIP door and the pages, on the real service."""
    routes = [*WhipDoor(Hall().channels, (IceServer("stun:s.example"),), KNOWN).routes(), *page_routes(KNOWN)]
    transport = httpx.ASGITransport(make_app(routes))
    async with httpx.AsyncClient(transport=transport, base_url="http://mpu.example") as http:
        yield http


def bearer():
    """Ann's token."""
    return {"authorization": f"Bearer {make_one_string('app', 'appkey', 'room', 'ann', START // SECOND + 60)}"}


@pytest.mark.parametrize(
    ("path", "place"),
    [
        ("/whip/app/moved/ann?source=camera&token=a%2Bb", "https://two.example/whip/app/moved/ann?source=camera&token=a%2Bb"),
        ("/whip/gone/any/a%40b", "https://three.example/mpu/whip/gone/any/a%40b"),
        ("/whip/gone/back/ann", "http://x/whip/gone/back/ann"),
    ],
)  # fmt: skip
async def test_a_channel_that_lives_elsewhere(door, path, place):
    """307 with the same path and query there (RFC 9725 4.5), for any page; the channel's own entry counts."""
    answer = await door.post(path, content=offer("video"), headers=SDP)
    assert (answer.status_code, answer.headers["location"]) == (307, place)
    assert answer.headers["access-control-allow-origin"] == "*"


async def test_a_channel_that_lives_here(door):
    """Others of the app are at home, with the ICE servers told."""
    answer = await door.post(ANN, content=offer("video"), headers={**SDP, **bearer()})
    assert answer.status_code == 201
    assert answer.headers["link"] == '<stun:s.example>; rel="ice-server"'
    assert answer.headers["location"].startswith(f"{ANN}/")


async def test_the_join_page_elsewhere(door):
    """A page, too, is where its channel lives: then its requests stay with its own server."""
    assert (await door.get("/join/app/moved")).headers["location"] == "https://two.example/join/app/moved"
    assert (await door.get("/join/app/room")).status_code == 200


async def test_refusals_say_what_http_wants(door):
    """401 with a challenge, 405 with what is allowed, 413 and 415 for bodies."""
    post = {"content": offer("video"), "headers": {**SDP, **bearer()}}
    assert (await door.post(ANN, content=offer("video"), headers=SDP)).headers["www-authenticate"] == "Bearer"
    for method in ("GET", "HEAD", "PUT", "PATCH", "DELETE"):
        answer = await door.request(method, ANN, headers=bearer())
        assert (answer.status_code, answer.headers["allow"]) == (405, "POST, OPTIONS"), method
    assert (await door.post(ANN, **{**post, "content": "v" * 70_000})).status_code == 413
    assert (await door.post(ANN, **{**post, "headers": {**bearer(), "content-type": "text/plain"}})).status_code == 415


async def test_what_is_taken_where(door):
    """OPTIONS tells offers at the place, fragments at a session."""
    assert (await door.options(ANN)).headers["accept-post"] == "application/sdp"
    session = await door.options(f"{ANN}/gateway-1.x")
    assert session.headers["accept-patch"] == "application/trickle-ice-sdpfrag"
    assert "accept-post" not in session.headers
