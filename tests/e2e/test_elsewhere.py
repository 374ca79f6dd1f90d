"""Channels of another server, and channels of several gateways of one: publishers come to the right one."""

import asyncio
import json
import time

import httpx
import pytest
from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from aiortc.mediastreams import AudioStreamTrack

from openmpu.wire.tokens import make_one_string
from tests.rig.processes import APP, APP_KEY, rig

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(120), pytest.mark.asyncio(loop_scope="module")]
SDP = {"Content-Type": "application/sdp"}
TURN = 'ice_servers = [{ url = "turn:turn.example?transport=udp", username = "u", credential = "c" }]'


@pytest.fixture(scope="module")
async def there(tmp_path_factory):
    """The server that has the channels, with two gateways."""
    async with rig(tmp_path_factory.mktemp("there"), media=f"gateways = 2\n{TURN}") as made:
        yield made


@pytest.fixture(scope="module")
async def here(tmp_path_factory, there):
    """A server that knows that another one has the channel `moved`."""
    elsewhere = f'elsewhere = {{ "{APP}/moved" = "{there.url}/" }}'
    async with rig(tmp_path_factory.mktemp("here"), media=elsewhere) as made:
        yield made


def token(channel, user):
    return make_one_string(APP, APP_KEY, channel, user, int(time.time()) + 600)


async def offer():
    """A peer with a microphone, and its offer."""
    peer = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    peer.addTrack(AudioStreamTrack())
    await peer.setLocalDescription(await peer.createOffer())
    return peer, peer.localDescription.sdp


async def exists(server, channel):
    """Whether somebody is in a channel of that server."""
    answer = await server.api.call("DescribeChannelUsers", {"AppId": APP, "ChannelId": channel})
    return answer.value()["IsChannelExist"]


async def named(server, channel):
    """The whole answer about a channel's users."""
    answer = await server.api.call("DescribeChannelUsers", {"AppId": APP, "ChannelId": channel})
    return json.dumps(answer.value()).encode()


async def comes(server, channel):
    """Wait until somebody is in a channel of that server."""
    async with asyncio.timeout(30):
        while not await exists(server, channel):
            await asyncio.sleep(0.1)


async def test_a_client_that_follows_redirects(here, there):
    """307 with path and query kept; the session is the other server's, and media reaches it."""
    peer, sdp = await offer()
    path = f"/whip/{APP}/moved/ann?source=camera&token={token('moved', 'ann')}"
    async with httpx.AsyncClient(trust_env=False) as http:
        sent_on = await http.post(here.url + path, content=sdp, headers=SDP)
        assert (sent_on.status_code, sent_on.headers["location"]) == (307, there.url + path)
        assert sent_on.headers["access-control-allow-origin"] == "*"
        created = await http.post(here.url + path, content=sdp, headers=SDP, follow_redirects=True)
        assert (created.status_code, str(created.url)) == (201, there.url + path)
        await peer.setRemoteDescription(RTCSessionDescription(created.text, "answer"))
        await comes(there, "moved")
        assert not await exists(here, "moved")
        session = f"{created.url.join(created.headers['location'])}?token={token('moved', 'ann')}"
        assert (await http.delete(session)).status_code == 200
    await peer.close()


async def test_our_own_publisher_takes_its_token_along(here, there):
    """`openmpu publish` at the wrong server arrives at the right one."""
    publisher = await here.publisher("bea", channel="moved")
    try:
        async with asyncio.timeout(40):
            while b"bea" not in await named(there, "moved"):
                await asyncio.sleep(0.1)
    finally:
        await publisher.stop()


async def test_the_join_page_goes_along(here, there):
    """A person is sent to the page of the server that has the channel; other channels are at home."""
    async with httpx.AsyncClient(trust_env=False) as http:
        moved = await http.get(f"{here.url}/join/{APP}/moved?user=ann")
        assert (moved.status_code, moved.headers["location"]) == (307, f"{there.url}/join/{APP}/moved?user=ann")
        assert (await http.get(f"{here.url}/join/{APP}/room")).status_code == 200


async def test_two_gateways_share_the_channels(there):
    """Each channel is on one gateway, whoever comes; both have some; publishers are told of the ICE servers."""
    peer, sdp = await offer()
    homes = {}
    async with httpx.AsyncClient(trust_env=False) as http:
        for number in range(6):
            for user in ("ann", "ben"):
                path = f"/whip/{APP}/c{number}/{user}?token={token(f'c{number}', user)}"
                created = await http.post(there.url + path, content=sdp, headers=SDP)
                assert created.status_code == 201
                homes.setdefault(number, set()).add(created.headers["location"].rpartition("/")[2].partition(".")[0])
                await http.delete(there.url + created.headers["location"] + "?" + path.partition("?")[2])
        link = '<turn:turn.example?transport=udp>; rel="ice-server"; username="u"; credential="c"'
        assert created.headers["link"].startswith(link)
    await peer.close()
    assert all(len(home) == 1 for home in homes.values())
    assert set.union(*homes.values()) == {"gateway-1", "gateway-2"}
