"""The WHIP door as RFC 9725 has it: headers, verbs, refusals; nothing is half created."""

import time

import httpx
import pytest
from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from aiortc.mediastreams import AudioStreamTrack

from openmpu.wire.tokens import Privilege, make_one_string, make_sealed
from tests.rig.processes import APP, APP_KEY

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(60), pytest.mark.asyncio(loop_scope="package")]
SDP = {"Content-Type": "application/sdp"}
FRAGMENT = {"Content-Type": "application/trickle-ice-sdpfrag"}


def bearer(user="ann", seconds=3600, key=APP_KEY, app=APP):
    token = make_one_string(app, key, "room", user, int(time.time()) + seconds)
    return {"Authorization": f"Bearer {token}"}


async def offer():
    """A peer with a microphone, and its offer."""
    peer = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    peer.addTrack(AudioStreamTrack())
    await peer.setLocalDescription(await peer.createOffer())
    return peer, peer.localDescription.sdp


async def send(house, method, path, body="", headers=None):
    async with httpx.AsyncClient(trust_env=False) as client:
        return await client.request(method, f"{house.url}{path}", content=body, headers=headers or {})


async def test_a_session_from_post_to_delete(house):
    """201 with Location, ETag and answer; candidates by PATCH; DELETE once."""
    peer, sdp = await offer()
    created = await send(house, "POST", f"/whip/{APP}/room/ann", sdp, SDP | bearer())
    assert created.status_code == 201
    assert created.headers["content-type"].startswith("application/sdp")
    assert created.headers["accept-patch"] == "application/trickle-ice-sdpfrag"
    assert created.headers["access-control-allow-origin"] == "*"
    place, etag = created.headers["location"], created.headers["etag"]
    await peer.setRemoteDescription(RTCSessionDescription(created.text, "answer"))

    fragment = "\r\n".join(line for line in sdp.splitlines() if line.startswith(("a=ice-", "m=", "a=mid"))) + "\r\n"
    fragment += "a=candidate:1 1 udp 2130706431 127.0.0.1 9 typ host\r\na=end-of-candidates\r\n"
    match = {"If-Match": etag}
    assert (await send(house, "PATCH", place, fragment, FRAGMENT | bearer() | match)).status_code == 204
    assert (await send(house, "PATCH", place, fragment, FRAGMENT | bearer())).status_code == 428
    assert (
        await send(house, "PATCH", place, fragment, FRAGMENT | bearer() | {"If-Match": '"other"'})
    ).status_code == 412
    assert (await send(house, "PATCH", place, "nonsense", FRAGMENT | bearer() | match)).status_code == 400
    assert (await send(house, "PATCH", place, fragment, SDP | bearer() | match)).status_code == 415
    assert (await send(house, "PATCH", place, fragment, FRAGMENT | match)).status_code == 401

    assert (await send(house, "DELETE", place)).status_code == 401
    assert (await send(house, "DELETE", place, headers=bearer())).status_code == 200
    assert (await send(house, "DELETE", place, headers=bearer())).status_code == 404
    await peer.close()


@pytest.mark.parametrize(
    ("path", "headers", "status", "word"),
    [
        (f"/whip/{APP}/room/ann", {}, 401, "token"),
        (f"/whip/{APP}/room/ann", bearer(key="wrong"), 401, "token"),
        (f"/whip/{APP}/room/ann", bearer(user="bob"), 401, "token"),
        (f"/whip/{APP}/room/ann", bearer(seconds=-60), 401, "expired"),
        (f"/whip/{APP}/other/ann", bearer(), 401, "token"),
        ("/whip/nobody/room/ann", bearer(app="nobody"), 401, "app"),
        (f"/whip/{APP}/room/a%20b", bearer(user="a b"), 400, "id"),
        (f"/whip/{APP}/room/ann?source=window", bearer(), 400, "source"),
        (f"/whip/{APP}/room/ann", bearer() | {"Content-Type": "text/plain"}, 415, "type"),
    ],
)
async def test_who_may_not_come_in(house, path, headers, status, word):
    """Each refusal has its status and its word (tokens.md 8), as JSON."""
    peer, sdp = await offer()
    answer = await send(house, "POST", path, sdp, SDP | headers)
    await peer.close()

    assert (answer.status_code, answer.json()["error"]) == (status, word), answer.text


async def test_a_token_without_the_privilege(house):
    """Format C, picture only: sound is refused with 403."""
    now = int(time.time())
    sealed = make_sealed(
        APP, APP_KEY, "room", "ann", issued_at=now, expires_at=now + 600, salt=7,
        privileges=Privilege.IN_USE | Privilege.VIDEO,
    )  # fmt: skip
    peer, sdp = await offer()
    answer = await send(house, "POST", f"/whip/{APP}/room/ann", sdp, SDP | {"Authorization": f"Bearer {sealed}"})
    await peer.close()

    assert (answer.status_code, answer.json()["error"]) == (403, "privilege")


@pytest.mark.parametrize("body", ["", "v=0", "v=0\r\n" * 50, "\x00" * 100, "m=audio 9 RTP/AVP 0\r\n"])
async def test_malformed_offers(house, body):
    """One sentence, 400, and nobody is in the channel."""
    answer = await send(house, "POST", f"/whip/{APP}/empty/ann", body, SDP | bearer())
    token = make_one_string(APP, APP_KEY, "empty", "ann", int(time.time()) + 600)
    answer = await send(house, "POST", f"/whip/{APP}/empty/ann", body, SDP | {"Authorization": f"Bearer {token}"})

    assert answer.status_code == 400, answer.text
    assert answer.json()["error"] == "sdp"
    users = await house.api.call("DescribeChannelUsers", {"AppId": APP, "ChannelId": "empty"})
    assert users.value()["IsChannelExist"] is False


async def test_other_verbs_and_sizes(house):
    """OPTIONS tells what is allowed, other methods are 405 in JSON, a body too large is refused."""
    path = f"/whip/{APP}/room/ann"
    options = await send(house, "OPTIONS", path)
    assert options.status_code == 204
    assert options.headers["accept-post"] == "application/sdp"
    assert "PATCH" in options.headers["access-control-allow-methods"]
    refused = await send(house, "GET", path)
    assert (refused.status_code, refused.headers["allow"], refused.json()["error"]) == (405, "POST, OPTIONS", "method")
    assert (await send(house, "POST", path, "v" * 70_000, SDP | bearer())).status_code in {400, 413}
