"""S12: strangers at a publication's own URL; S20: who may read WHIP's answers."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator

import httpx
import pytest

from openmpu.http.app import make_app
from openmpu.http.whip import WhipDoor
from openmpu.wire.tokens import make_one_string
from tests.services.doubles import SECOND, START
from tests.services.test_channels import Hall, offer

SDP = {"content-type": "application/sdp"}
FRAGMENT = {"content-type": "application/trickle-ice-sdpfrag", "if-match": "*"}
ANN = "/whip/app/room/ann"


def bearer(user: str = "ann", channel: str = "room", app: str = "app", key: str = "appkey") -> dict[str, str]:
    """A token's header."""
    return {"authorization": f"Bearer {make_one_string(app, key, channel, user, START // SECOND + 60)}"}


@pytest.fixture
async def door() -> AsyncIterator[httpx.AsyncClient]:
    """The WHIP door on the real service, before gateways of doubles."""
    transport = httpx.ASGITransport(make_app(WhipDoor(Hall().channels).routes()))
    async with httpx.AsyncClient(transport=transport, base_url="http://mpu.example") as http:
        yield http


async def published(door: httpx.AsyncClient) -> str:
    """The path of ann's publication."""
    answer = await door.post(ANN, content=offer("video"), headers={**SDP, **bearer()})
    assert answer.status_code == 201
    return answer.headers["location"]


async def test_s12_every_verb_wants_the_token(door: httpx.AsyncClient) -> None:
    """Without one, with another user's, another channel's, another app's, or one that is none: 401, and nothing ends."""
    place = await published(door)
    strangers = ({}, bearer("bob"), bearer(channel="other"), bearer(key="appkey2"), {"authorization": "Bearer x"})
    for headers in strangers:
        for method, more in (("PATCH", FRAGMENT), ("DELETE", {})):
            answer = await door.request(method, place, content="a=end-of-candidates", headers={**more, **headers})
            assert answer.status_code == 401, (method, headers)
        assert (await door.post(ANN, content=offer("video"), headers={**SDP, **headers})).status_code == 401
    assert (await door.delete(place, headers=bearer())).status_code == 200


async def test_s20_any_page_may_publish_with_a_token_but_carries_no_cookie(door: httpx.AsyncClient) -> None:
    """CORS is open because WHIP asks for a token on each call; credentials of the browser are not let through."""
    answer = await door.options(ANN, headers={"origin": "https://shop.example"})
    assert answer.status_code == 204
    assert answer.headers["access-control-allow-origin"] == "*"
    assert "access-control-allow-credentials" not in answer.headers
    assert not re.search("cookie", " ".join(answer.headers), re.IGNORECASE)
