"""Watching: a browser plays what a task makes, and whoever may not is told why."""

import json
import os
import signal
import time
from urllib.parse import urlencode

import httpx
import pytest

from openmpu.wire.tokens import make_one_string, make_preview
from tests.e2e.steps import ALICE, BOB, COLOUR_LEVELS, assert_there, enter, received, receiving, shows, until
from tests.gateway.firefox import firefox
from tests.gateway.whip_door import door
from tests.rig.analysis import Recording, border_of, layout_panes
from tests.rig.chromium import chromium
from tests.rig.chromium_player import open_player
from tests.rig.pictures import distance
from tests.rig.processes import APP, APP_KEY
from tests.wire.whip_forms import FIREFOX, FIREFOX_PLAYS

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180), pytest.mark.asyncio(loop_scope="package")]
HD = (1280, 720)
SDP = {"Content-Type": "application/sdp"}
OFFER = FIREFOX_PLAYS
BROWSER_LEVELS = 2 * COLOUR_LEVELS
"""A canvas gives RGB by the browser's own conversion, which is coarser than ours."""


def join_token(user="viewer", channel="room", seconds=3600):
    """Of somebody in the task's channel."""
    return make_one_string(APP, APP_KEY, channel, user, int(time.time()) + seconds)


def preview(task, seconds=300):
    """A preview token."""
    return make_preview(APP, APP_KEY, task, int(time.time()) + seconds)


async def distribute(house, task, **more):
    """A task of low-latency distribution: no StreamURL."""
    answer = await house.call("StartMPUTask", ChannelId="room", TaskId=task, TaskType=1, **more)
    assert answer.status == 200, answer.text


async def send(house, method, path, token="", body="", headers=None):
    """A bare request to the door."""
    shown = {"Authorization": f"Bearer {token}"} if token else {}
    async with httpx.AsyncClient(trust_env=False) as client:
        return await client.request(method, f"{house.url}{path}", content=body, headers=shown | (headers or {}))


async def audience(house, task):
    """Figures of who plays the task."""
    return (await house.task(task))["audience"]


def place_of(person, layout=1):
    """Where the person's picture is in the played one."""
    return person.place(layout_panes(layout, *HD)[0])


async def sees(player, person, count=10):
    """Pictures of the person, never an older one after a newer one, in their colour."""
    pane = place_of(person)

    async def readable():
        pictures = await player.watch(pane, border_of(pane), count)
        return pictures if sum(bool(picture.mark) for picture in pictures) >= count * 0.8 else None

    pictures = await until(readable, f"{person.name} is seen")
    numbers = [picture.mark.number for picture in pictures if picture.mark]
    assert numbers == sorted(numbers), numbers
    assert numbers[0] < numbers[-1], numbers
    assert distance(pictures[-1].border, person.colour) <= BROWSER_LEVELS, pictures[-1]
    return pictures


async def test_a_browser_plays_a_task_without_a_target(house):
    """TaskType 1: the page shows the mix and its sound; somebody is counted; leaving ends the session."""
    await enter(house, ALICE)
    await distribute(house, "show", MediaEncode=20, **{"LayoutIds.1": 1})
    await shows(house, "show", users=1, layout=1)
    told = await house.task("show")
    assert (told["status"], told["playback"], told["targets"]) == (1, True, [])
    async with chromium() as browser:
        player = await open_player(browser, house.url, APP, "show", join_token())
        assert (await sees(player, ALICE))[-1].width == 1280
        await player.says("Playing, 1280 × 720.")
        await player.page.click("#sound")

        async def heard():
            return (await player.stats("audio")).get("totalAudioEnergy", 0) > 0.001

        await until(heard, "the sound is heard")
        await until(lambda: _counts(house, "show", 1), "one player is counted")
        video = await player.stats("video")
        assert "profile-level-id" in video["codecId"]
        await player.page.goto("about:blank")
        await until(lambda: _counts(house, "show", 0), "the session is over")
    assert (await audience(house, "show"))["played_bytes"] > 50_000


async def _counts(house, task, players):
    return (await audience(house, task)).get("players") == players


async def test_a_task_with_a_target_is_watched_with_a_preview_token(house):
    """The API gives the token and the page; the stream to the target goes on undisturbed; a join token is no key."""
    async with receiving() as cdn, chromium() as browser:
        await enter(house, ALICE)
        await house.start_task("aired", cdn.url, **{"LayoutIds.1": 1})
        await shows(house, "aired", users=1, layout=1)
        refused = await send(house, "POST", f"/whep/{APP}/aired", join_token(), OFFER, SDP)
        assert (refused.status_code, refused.json()["error"]) == (403, "privilege")

        given = (await house.api.preview_token(APP, "aired", 60)).value()
        assert given["page"] == f"{house.url}/play/{APP}/aired#token={given['token']}"
        player = await open_player(browser, house.url, APP, "aired", given["token"])
        await sees(player, ALICE)
        frames = cdn.figures().video_frames
        await until(lambda: cdn.figures().video_frames > frames + 25, "the target gets its stream")


async def test_relay_and_mix_change_under_a_player(house):
    """One session lives through MixMode 1, 0 and 1: new parameter sets come in band."""
    await enter(house, ALICE)
    await distribute(house, "both", MediaEncode=20, **{"LayoutIds.1": 1})
    async with chromium() as browser:
        player = await open_player(browser, house.url, APP, "both", join_token())
        await sees(player, ALICE)
        for mode in (0, 1):
            assert (await house.call("UpdateMPUTask", TaskId="both", MixMode=mode)).status == 200
            name = {0: "relayed", 1: "ticks"}[mode]
            await until(lambda name=name: _made(house, "both", name), f"mode {mode} is on air")
            await sees(player, ALICE)
        assert await player.page.evaluate("peers.length") == 1


async def _made(house, task, name):
    return ((await house.task(task))["figures"].get(name) or 0) > 25


async def test_players_outlive_a_worker(house):
    """Its successor feeds the same session."""
    await enter(house, ALICE)
    await distribute(house, "lasting", MediaEncode=20, **{"LayoutIds.1": 1})
    async with chromium() as browser:
        player = await open_player(browser, house.url, APP, "lasting", join_token())
        await sees(player, ALICE)
        os.kill(house.pids("worker rigapp/lasting")[0], signal.SIGKILL)
        await until(lambda: _lease(house, "lasting", 2), "the next worker runs")
        await sees(player, ALICE)
        assert await player.page.evaluate("peers.length") == 1

        assert (await house.call("StopMPUTask", TaskId="lasting")).status == 200
        await player.says("no such task, or it is over")


async def _lease(house, task, lease):
    return (await house.task(task))["lease"] == lease


async def test_the_page_comes_back_when_the_gateway_was_lost(own_house):
    """A new gateway, a new session, by itself: the task's worker presents to the next one."""
    await enter(own_house, ALICE)
    await distribute(own_house, "back", MediaEncode=20, **{"LayoutIds.1": 1})
    async with chromium() as browser:
        player = await open_player(browser, own_house.url, APP, "back", preview("back", 900))
        await sees(player, ALICE)
        os.kill(own_house.pids("openmpu: gateway")[0], signal.SIGKILL)
        await until(lambda: player.page.evaluate("peers.length > 1"), "the page begins anew", within_s=60)
        await sees(player, ALICE)


async def test_type_1_becomes_type_0_and_back(house):
    """Without a target of before it needs a StreamURL; with one it is pushed; then watched again."""
    async with receiving() as cdn:
        await enter(house, ALICE)
        await distribute(house, "turn")
        refused = await house.call("UpdateMPUTask", TaskId="turn", TaskType=0)
        assert (refused.status, refused.code) == (400, "MissingStreamURL")
        assert (await house.call("UpdateMPUTask", TaskId="turn", TaskType=0, StreamURL=cdn.url)).status == 200
        await until(lambda: cdn.figures().video_frames > 10, "it is pushed")
        assert (await house.task("turn"))["playback"] is False
        assert (await house.call("UpdateMPUTask", TaskId="turn", TaskType=1)).status == 200
        await until(lambda: _is_watched_only(house, "turn"), "the target is closed")


async def _is_watched_only(house, task):
    told = await house.task(task)
    return told["playback"] and not told["targets"]


async def test_a_session_from_post_to_delete(house):
    """As with WHIP: 201 with Location, ETag and answer; PATCH wants If-Match; every verb wants a token; DELETE once."""
    await enter(house, BOB)
    await distribute(house, "verbs")
    created = await until(lambda: _created(house, "verbs"), "the task is live")
    assert created.headers["content-type"].startswith("application/sdp")
    assert created.headers["accept-patch"] == "application/trickle-ice-sdpfrag"
    assert created.headers["access-control-allow-origin"] == "*"
    assert created.text.count("a=sendonly") == 2
    place, match = created.headers["location"], {"If-Match": created.headers["etag"]}
    fragment = (
        "a=ice-ufrag:f827428f\r\na=ice-pwd:0e4fd79a516af6d6f5329327b60d1177\r\nm=audio 9 UDP/TLS/RTP/SAVPF 109\r\n"
    )
    fragment += "a=mid:1\r\na=candidate:1 1 udp 2130706431 127.0.0.1 9 typ host\r\n"
    trickled = {"Content-Type": "application/trickle-ice-sdpfrag"}

    assert (await send(house, "PATCH", place, join_token(), fragment, trickled | match)).status_code == 204
    assert (await send(house, "PATCH", place, join_token(), fragment, trickled)).status_code == 428
    assert (await send(house, "PATCH", place, "", fragment, trickled | match)).status_code == 401
    assert (await send(house, "DELETE", place)).status_code == 401
    resource = place.rpartition("/")[2]
    as_another = (await send(house, "DELETE", f"/whep/{APP}/other/{resource}", preview("other"))).status_code
    as_publisher = (await send(house, "DELETE", f"/whip/{APP}/room/viewer/{resource}", join_token())).status_code
    assert (as_another, as_publisher) == (404, 404)
    assert (await send(house, "DELETE", place, preview("verbs", -60))).status_code == 200  # began in time
    assert (await send(house, "DELETE", place, join_token())).status_code == 404
    options = await send(house, "OPTIONS", f"/whep/{APP}/verbs")
    assert (options.status_code, options.headers["accept-post"]) == (204, "application/sdp")
    assert (await send(house, "GET", f"/whep/{APP}/verbs")).status_code == 405


LISTENS = """<!doctype html><title>player</title><script>
const asked = new URLSearchParams(location.search);
const tell = text => fetch('/tell?' + encodeURIComponent(text));
async function play() {
  const pc = new RTCPeerConnection();
  pc.addTransceiver('audio', {direction: 'recvonly'});
  await pc.setLocalDescription();
  const reply = await fetch(asked.get('whep'), {method: 'POST', body: pc.localDescription.sdp,
    headers: {'Content-Type': 'application/sdp', Authorization: 'Bearer ' + asked.get('token')}});
  await pc.setRemoteDescription({type: 'answer', sdp: await reply.text()});
  setInterval(async () => {
    for (const one of (await pc.getStats()).values())
      if (one.type === 'inbound-rtp') tell(`${one.packetsReceived} ${one.totalAudioEnergy}`);
  }, 500);
}
play().catch(error => tell('failed: ' + error));
</script>"""


async def test_firefox_hears_the_mix(house, tmp_path):
    """From a page of another origin, with its addresses hidden. Debian's has no H.264, so it is offered no picture."""
    await enter(house, ALICE)
    await distribute(house, "heard")
    async with door(None, LISTENS) as page:
        whep = urlencode({"whep": f"{house.url}/whep/{APP}/heard", "token": join_token()})
        async with firefox(tmp_path, f"{page.url.removesuffix('/whip')}/?{whep}"):
            await until(lambda: any(_heard(told) for told in page.told), "the tone is heard", within_s=60)


def _heard(told):
    packets, energy = (float(part) for part in told.split()) if told[:1].isdecimal() else (0, 0)
    return packets > 50 and energy > 0.0001


async def _created(house, task):
    answer = await send(house, "POST", f"/whep/{APP}/{task}", join_token(), OFFER, SDP)
    return answer if answer.status_code == 201 else None


async def test_who_may_not_watch(house):
    """Each refusal has its status and its word; a stranger learns nothing of what tasks there are."""
    await enter(house, BOB)
    await distribute(house, "closed")
    await until(lambda: _created(house, "closed"), "the task is live")
    await house.call("StartMPUTask", ChannelId="empty", TaskId="waits", TaskType=1)
    good, vp8 = join_token(), "\n".join(line for line in OFFER.splitlines() if "H264" not in line) + "\n"
    cases = [
        ("closed", "", OFFER, 401, "token"),
        ("closed", "nonsense", OFFER, 401, "token"),
        ("nothing", "", OFFER, 401, "token"),
        ("closed", join_token(seconds=-60), OFFER, 401, "expired"),
        ("closed", join_token(channel="other"), OFFER, 401, "token"),
        ("closed", preview("closed", -1), OFFER, 401, "expired"),
        ("closed", preview("other"), OFFER, 401, "token"),
        ("closed", preview("closed")[:-1] + "x", OFFER, 401, "token"),
        ("nothing", preview("nothing"), OFFER, 404, "task"),
        ("waits", preview("waits"), OFFER, 409, "task"),
        ("closed", good, vp8, 406, "codec"),
        ("closed", good, "v=0", 400, "sdp"),
        ("closed", good, FIREFOX, 400, "sdp"),
    ]
    for task, token, offer, status, word in cases:
        answer = await send(house, "POST", f"/whep/{APP}/{task}", token, offer, SDP)
        assert (answer.status_code, answer.json()["error"]) == (status, word), (task, answer.text)
        assert ("retry-after" in answer.headers) == (status == 409)
    assert (await send(house, "POST", f"/whep/{APP}/closed", good, OFFER)).status_code == 415


async def test_h265_goes_out_and_is_played_by_nobody_who_cannot(house, tmp_path):
    """Live-2 with VideoCodec H.265: enhanced RTMP, the right picture; a player without H.265 is told so."""
    saved, pane = tmp_path / "hevc.flv", {"X": "0", "Y": "0", "Width": "1", "Height": "1", "ZOrder": "0"}
    encode = {
        "VideoWidth": "640",
        "VideoHeight": "360",
        "VideoBitrate": "600",
        "VideoFramerate": "25",
        "VideoGop": "50",
    }
    encode |= {"AudioBitrate": "64", "AudioSampleRate": "48000", "AudioChannels": "2", "VideoCodec": "H.265"}
    plan = json.dumps({"Layout": {"UserPanes": [pane]}, "EncodeParams": encode})
    async with receiving(saved) as cdn:
        await enter(house, ALICE)
        named = {"ChannelId": "room", "TaskId": "hevc", "MixMode": 1, "StreamURL": cdn.url}
        answer = await house.call("StartLiveMPUTask", TranscodeParams=plan, **named)
        assert answer.status == 200, answer.text
        figures = await received(cdn, 4)
        assert figures.video_codec == "h265"
        refused = await send(house, "POST", f"/whep/{APP}/hevc", preview("hevc"), OFFER, SDP)
        assert (refused.status_code, refused.json()["error"]) == (406, "codec")

    recording = Recording(saved)
    assert (recording.formats.video_codec, recording.formats.width) == ("hevc", 640)
    assert_there(recording.picture(recording.seconds - 1), ALICE, layout_panes(1, 640, 360)[0])
