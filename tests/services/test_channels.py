"""Who may come in, who is there, who must go."""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import parse_qs, urlsplit

import pytest

from openmpu.errors import Denied, Invalid, Limited, NotFound
from openmpu.model.ids import AppId, ChannelId, ChannelKey, UserId
from openmpu.model.roster import Roster, Source
from openmpu.services.accounts import Account, Accounts, App
from openmpu.services.channels import Channels
from openmpu.wire.tokens import Privilege, Refused, make_one_string, make_plain, make_sealed
from tests.services.doubles import ACCOUNT, CHANNEL, SECOND, START, STRANGER, FakeGateways, ManualClock, user

APP, ROOM, ANN = AppId("app"), ChannelId("room"), UserId("ann")
NOW = START // SECOND
STRICT = Account("strict", (), (App(AppId("roles"), ("rolekey",), role_check=True),))
FINGERPRINT = ":".join(["AB"] * 32)


class Closed:
    """Hears of closed channels."""

    def __init__(self) -> None:
        self.channels: list[ChannelKey] = []

    async def on_channel_closed(self, channel: ChannelKey) -> None:
        self.channels.append(channel)


class Hall:
    """The service and its surroundings."""

    def __init__(self) -> None:
        self.gateways, self.clock, self.closed = FakeGateways(), ManualClock(), Closed()
        accounts = Accounts([ACCOUNT, STRANGER, STRICT])
        self.channels = Channels(accounts, self.gateways, self.closed, self.clock, "https://mpu.example")

    async def people(self, *names: str) -> None:
        self.gateways.rosters[CHANNEL] = Roster.of(*(user(name, joined_at=START + n) for n, name in enumerate(names)))
        await self.channels.on_roster(CHANNEL, self.gateways.rosters[CHANNEL])


@pytest.fixture
def hall() -> Hall:
    """An empty one."""
    return Hall()


def offer(*kinds: str) -> str:
    """A small SDP offer that sends tracks of these kinds."""
    head = [
        "v=0",
        "o=- 1 1 IN IP4 127.0.0.1",
        "s=-",
        "t=0 0",
        f"a=group:BUNDLE {' '.join(map(str, range(len(kinds))))}",
    ]
    codecs = {"audio": "a=rtpmap:96 opus/48000/2", "video": "a=rtpmap:96 VP8/90000"}
    media = [
        line
        for place, kind in enumerate(kinds)
        for line in (
            f"m={kind} 9 UDP/TLS/RTP/SAVPF 96", "c=IN IP4 0.0.0.0", f"a=mid:{place}", "a=ice-ufrag:abcd",
            "a=ice-pwd:abcdefghijklmnopqrstuvwx", f"a=fingerprint:sha-256 {FINGERPRINT}", "a=setup:actpass", "a=sendonly",
            "a=rtcp-mux", codecs[kind],
        )
    ]  # fmt: skip
    return "\r\n".join([*head, *media, ""])


def sealed(privileges: int | None) -> str:
    """A format C token of room and ann."""
    mask = None if privileges is None else Privilege(privileges)
    return make_sealed("app", "appkey", "room", "ann", issued_at=NOW, expires_at=NOW + 60, salt=1, privileges=mask)


async def test_a_token_opens_its_own_door_only(hall: Hall) -> None:
    """Of the app, channel and user in the path; of the query or the bearer."""
    token = make_one_string("app", "appkey", "room", "ann", NOW + 60)
    hall.channels.admit(APP, ROOM, ANN, {"token": token})
    plain = make_plain("app", "appkey", "room", "ann", NOW + 60)
    hall.channels.admit(APP, ROOM, ANN, {"token": plain, "timestamp": str(NOW + 60)})
    for app, room, name in (("app2", ROOM, ANN), (APP, "other", ANN), (APP, ROOM, "bob")):
        with pytest.raises(Denied) as refused:
            hall.channels.admit(AppId(app), ChannelId(room), UserId(name), {"token": token})
        assert refused.value.subject == "token"
    hall.clock.go(91)
    with pytest.raises(Denied) as refused:
        hall.channels.admit(APP, ROOM, ANN, {"token": token})
    assert refused.value.subject == "expired"


async def test_a_sub_role_may_not_publish(hall: Hall) -> None:
    """The privilege is missing (tokens.md 4)."""
    app = AppId("roles")
    for role, allowed in (("pub", True), ("sub", False)):
        token = make_plain("roles", "rolekey", "room", "ann", NOW + 60, role=role)
        given = {"token": token, "timestamp": str(NOW + 60), "role": role}
        if allowed:
            assert hall.channels.claims(app, ROOM, ANN, given).publisher
        else:
            with pytest.raises(Refused) as refused:
                hall.channels.admit(app, ROOM, ANN, given)
            assert refused.value.word == "privilege"


@pytest.mark.parametrize(
    ("privileges", "source", "kinds", "allowed"),
    [
        (None, Source.SCREEN, ("audio", "video"), True),
        (7, Source.CAMERA, ("audio", "video"), True),
        (7, Source.SCREEN, ("video",), False),
        (3, Source.CAMERA, ("audio",), True),
        (3, Source.CAMERA, ("audio", "video"), False),
        (9, Source.SCREEN, ("audio", "video"), True),
        (9, Source.CAMERA, ("audio",), False),
    ],
)
async def test_only_allowed_kinds_are_published(
    hall: Hall, privileges: int | None, source: Source, kinds: tuple[str, ...], *, allowed: bool
) -> None:
    """The offer may not send what the token's mask does not hold."""
    claims = hall.channels.claims(APP, ROOM, ANN, {"token": sealed(privileges)})
    if allowed:
        publication = await hall.channels.publish(APP, ROOM, ANN, source, offer(*kinds), claims)
        assert publication.sdp == "answer"
        assert hall.gateways.published == [(CHANNEL, ANN, source, offer(*kinds))]
    else:
        with pytest.raises(Denied) as refused:
            await hall.channels.publish(APP, ROOM, ANN, source, offer(*kinds), claims)
        assert refused.value.subject == "privilege"
        assert not hall.gateways.published


async def test_a_channel_may_be_full(hall: Hall) -> None:
    """Where a number is set; who is in already may publish more."""
    hall.channels._most_users = 2
    await hall.people("ann", "bob")
    with pytest.raises(Limited):
        await hall.channels.publish(APP, ROOM, UserId("eve"), Source.CAMERA, offer("video"))
    await hall.channels.publish(APP, ROOM, ANN, Source.SCREEN, offer("video"))
    await hall.channels.publish(APP, ChannelId("other"), UserId("eve"), Source.CAMERA, offer("video"))


async def test_the_address_that_is_handed_out_opens_the_door(hall: Hall) -> None:
    """For 12 hours, or as long as wanted; for new connections (operations.md 10.7)."""
    address = urlsplit(hall.channels.whip_address(ACCOUNT, APP, ROOM, ANN))
    assert (address.scheme, address.netloc, address.path) == ("https", "mpu.example", "/whip/app/room/ann")
    (token,) = parse_qs(address.query)["token"]
    assert hall.channels.claims(APP, ROOM, ANN, {"token": token}).expires_at == NOW + 43_200
    short = parse_qs(urlsplit(hall.channels.whip_address(ACCOUNT, APP, ROOM, ANN, 5)).query)["token"][0]
    assert hall.channels.claims(APP, ROOM, ANN, {"token": short}).expires_at == NOW + 5


@pytest.mark.parametrize("life_s", [0, -5, 8 * 86_400])
async def test_an_address_lives_no_longer_than_tokens_may(hall: Hall, life_s: int) -> None:
    """One that would be refused at the door is not handed out."""
    with pytest.raises(Invalid):
        hall.channels.whip_address(ACCOUNT, APP, ROOM, ANN, life_s)
    with pytest.raises(Denied):
        hall.channels.whip_address(ACCOUNT, AppId("off"), ROOM, ANN)


async def test_who_is_there(hall: Hall) -> None:
    """In order of joining; an unknown channel has nobody; an emptied one lingers for some seconds."""
    assert hall.channels.view(ACCOUNT, APP, ROOM).exists is False
    await hall.people("zoe", "ann")
    view = hall.channels.view(ACCOUNT, APP, ROOM)
    assert ([each.user_id for each in view.users], view.exists, view.at) == (["zoe", "ann"], True, START)
    assert hall.channels.channels(ACCOUNT, APP) == ["room"]
    await hall.people()
    hall.clock.go(4.9)
    assert hall.channels.view(ACCOUNT, APP, ROOM).exists
    hall.clock.go(0.1)
    assert not hall.channels.view(ACCOUNT, APP, ROOM).exists
    assert hall.channels.channels(ACCOUNT, APP) == []


async def test_removing_users(hall: Hall) -> None:
    """Each told whether it was there."""
    await hall.people("ann", "bob")
    assert await hall.channels.remove(ACCOUNT, APP, ROOM, [ANN, UserId("eve")]) == [(ANN, True), ("eve", False)]
    assert [each.user_id for each in hall.channels.view(ACCOUNT, APP, ROOM).users] == ["bob"]


async def test_closing_a_channel(hall: Hall) -> None:
    """Its tasks hear of it, its users are dropped; a channel that does not exist is closed as well."""
    await hall.people("ann")
    for channel in (ROOM, ChannelId("none")):
        await hall.channels.close(ACCOUNT, APP, channel)
    assert hall.closed.channels == [CHANNEL, replace(CHANNEL, channel_id=ChannelId("none"))]
    assert hall.gateways.roster(CHANNEL) == Roster()


async def test_foreign_channels_are_not_found(hall: Hall) -> None:
    """For a stranger, every operation (security.md S10)."""
    for ask in (
        lambda: hall.channels.view(STRANGER, APP, ROOM),
        lambda: hall.channels.channels(STRANGER, APP),
        lambda: hall.channels.whip_address(STRANGER, APP, ROOM, ANN),
    ):
        with pytest.raises(NotFound):
            ask()
    for call in (hall.channels.remove(STRANGER, APP, ROOM, [ANN]), hall.channels.close(STRANGER, APP, ROOM)):
        with pytest.raises(NotFound):
            await call
    assert hall.closed.channels == []
