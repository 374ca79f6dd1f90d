"""Join tokens: the vectors of tokens.md, and every refusal of its section 8."""

from __future__ import annotations

import base64
import json
import zlib
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openmpu.model.roster import Kind, Source
from openmpu.wire.tokens import (
    BadId,
    Claims,
    Privilege,
    Refused,
    Rules,
    Shown,
    check,
    make_one_string,
    make_plain,
    make_sealed,
    shown_at_login,
    shown_at_rtmp,
    shown_at_whip,
)
from openmpu.wire.tokens.sealed import read_sealed

EXPIRY = 1_699_423_634
NOW = EXPIRY - 600
NONCE = "AK-2b9be4b25c2d38c409c376ffd2372be1"
ONE_STRING = (
    "eyJhcHBpZCI6ImFiYyIsImNoYW5uZWxpZCI6ImFiY0NoYW5uZWwiLCJ1c2VyaWQiOiJhYmNVc2VyIiwibm9uY2UiOiIiLCJ0aW1lc3RhbXAiOjE2OTk0"
    "MjM2MzQsInRva2VuIjoiM2M5ZWU4ZDlmODczNGYwYjc1NjBlZDgwMjJhMDU5MDY1OTExMzk1NTgxOTcyNGZjOTM0NWFiOGVlZGY4NGYzMSJ9"
)
PLAIN = "3c9ee8d9f8734f0b7560ed8022a0590659113955819724fc9345ab8eedf84f31"
PLAIN_PUB = "14e572cac4d60af39883898d3a993219a2368f12e036dc6714b1bebeff803db7"
PLAIN_SUB = "4543931fa60fa741d6b93587c8ec6643d0aa25ab323e3fd096d66b4116a02460"

ISSUED, SEALED_EXPIRY = 1_700_000_000, 1_700_086_400
SEALED = (
    "000eJxjYGBQsH2e96o31sYxYIbozkVlPg6O4dxHZlz8zXdO0+KR57QneQwMDMyJScmpwR8ZGPYk+qWGOjUAhbiAQs4ZiXl5qTlAHjuQF1qcWsTAyDAKh"
    "hAAAMaaG+g="
)
SEALED_7 = (
    "000eJxjYGBQ8Jpy3uvwtk9WN/2fmP1LuioZ2rZ9+y9TsXN8c+NePVzPuZ2BgYE5MSk5NfgjA8OeRL/UUKcGoBAXUMg5IzEvLzUHyGMH8kKLU4sYQWwQMQ"
    "qGBAAAlf0eYw=="
)
SEALED_3 = (
    "000eJxjYGBQWCNSYfPynLCjebaqXV/s2vb6mFaeb+fsV/Ylm3JXi3/8zcDAwJyYlJwa/JGBYU+iX2qoUwNQiAso5JyRmJeXmgPksQN5ocWpRYwgxSCCCY"
    "jFU1JzEivjk3Pyi1PjC1KL4pPh6pnMDICkSEppUWJJZn4emiyrhZmJAUjBKKAxAABh9i5A"
)


@dataclass(frozen=True)
class Keys:
    """An application."""

    keys: tuple[str, ...] = ("abckey",)
    role_check: bool = False
    enabled: bool = True


def judge(shown: Shown, now: float = NOW, app: Keys | None = Keys(), **rules: int) -> Claims:
    """Check against one app named abc."""
    return check(shown, lambda app_id: app if app_id == "abc" else None, now, Rules(**rules))


def plain(token: str = PLAIN, **changes: Any) -> Shown:
    """The vector's six values."""
    given = {"app_id": "abc", "channel_id": "abcChannel", "user_id": "abcUser", "timestamp": str(EXPIRY)}
    return Shown(token, **{**given, **changes})


def word_of(shown: Shown, **how: Any) -> str:
    """With which word it is refused."""
    with pytest.raises((Refused, BadId)) as refused:
        judge(shown, **how)
    return refused.value.word


@pytest.mark.parametrize(
    ("nonce", "role", "token"),
    [
        ("", "", PLAIN),
        (NONCE, "", "7034a32b083a753c76bc7a6607dfe4d59f4aee3cd404c71ea5bbfe7158812198"),
        ("", "pub", PLAIN_PUB),
        ("", "sub", PLAIN_SUB),
    ],
)
def test_plain_vectors(nonce: str, role: str, token: str) -> None:
    """tokens.md 3.1: made, and taken with or without a role."""
    assert make_plain("abc", "abckey", "abcChannel", "abcUser", EXPIRY, nonce, role) == token
    shown = plain(token, nonce=nonce, role=role or None)
    claims = judge(shown, app=Keys(role_check=bool(role)))
    assert (claims.channel_id, claims.user_id, claims.expires_at) == ("abcChannel", "abcUser", EXPIRY)
    assert claims.publisher is (role != "sub")


def test_one_string_vector() -> None:
    """tokens.md 5."""
    assert make_one_string("abc", "abckey", "abcChannel", "abcUser", EXPIRY) == ONE_STRING
    assert judge(Shown(ONE_STRING)) == Claims("abc", "abcChannel", "abcUser", EXPIRY)


@pytest.mark.parametrize(
    ("content", "kept"),
    [
        ({"timestamp": str(EXPIRY)}, True),
        ({"gslb": ["https://x"]}, True),
        ({"nonce": NONCE}, False),
        ({"timestamp": EXPIRY + 1}, False),
        ({"timestamp": float(EXPIRY)}, False),
        ({"timestamp": True}, False),
        ({"userid": 5}, False),
        ({"token": PLAIN.upper()}, False),
    ],
)
def test_one_string_content(content: dict[str, Any], kept: bool) -> None:
    """Order, blanks, unknown keys and a timestamp as text do not matter; what the hash covers does."""
    values = {**json.loads(base64.b64decode(ONE_STRING)), **content}
    text = json.dumps(dict(reversed(values.items())), indent=1).encode()
    for token in (base64.b64encode(text), base64.urlsafe_b64encode(text).rstrip(b"=")):
        if kept:
            assert judge(Shown(token.decode())).user_id == "abcUser"
        else:
            assert word_of(Shown(token.decode())) == "token"


@pytest.mark.parametrize(
    ("token", "signature", "privileges", "options"),
    [
        (SEALED, "3de76eea8d5d3c41509815b9a2764c4041570bc498d1fb0ece2938e24996e46e", None, {}),
        (SEALED_7, "4a94cf4ac3b6f23ad94fe436fe62d5195586b7b7fa3516ce0e9d5eeae1af09b7", Privilege(7), {}),
        (
            SEALED_3,
            "ac14783ce9ce1341376b253e8e5dad877f5c850cf6ce3fa98e63350b7b17f1fb",
            Privilege(3),
            {"duration_per_channel": "86400", "delay_close_per_channel": "60"},
        ),
    ],
)
def test_sealed_vectors(token: str, signature: str, privileges: Privilege | None, options: dict[str, str]) -> None:
    """tokens.md 6.4: taken; and ours has the same decoded content."""
    made = make_sealed(
        "abc", "abckey", "abcChannel", "abcUser",
        issued_at=ISSUED, expires_at=SEALED_EXPIRY, salt=12345678, privileges=privileges, options=options,
    )  # fmt: skip
    assert inflated(made) == inflated(token)
    assert read_sealed(base64.b64decode(token[3:])).signature.hex() == signature
    claims = judge(Shown(token), now=ISSUED + 5)
    assert (claims.channel_id, claims.user_id, claims.expires_at) == ("abcChannel", "abcUser", SEALED_EXPIRY)
    assert claims.privileges == (15 if privileges is None else privileges)


def inflated(token: str) -> bytes:
    """The signed content with all padding."""
    return zlib.decompress(base64.b64decode(token[3:]))


def test_sealed_size_and_body() -> None:
    """Inflated 512 bytes; the body before padding is the one of tokens.md 6.4."""
    body = (
        "00000003616263" "6553f100" "00bc614e" "65554280"
        "0000000a6162634368616e6e656c" "0000000761626355736572" "00" "0100000000"
    )  # fmt: skip
    assert len(inflated(SEALED)) == 512
    assert read_sealed(base64.b64decode(SEALED[3:])).body.hex() == body


def test_no_options_signs_otherwise() -> None:
    """`00` for the empty option list gives another signature: a mistake found in the wild (tokens.md 6.3)."""
    content = bytearray(inflated(SEALED))
    end = 4 + 32 + 50
    content[end - 5 : end] = b"\0" * 5
    assert word_of(Shown("000" + base64.b64encode(zlib.compress(bytes(content))).decode()), now=ISSUED) == "token"


def sealed(key: str = "abckey", **changes: Any) -> Shown:
    """A format C token with changes."""
    values = {"channel_id": "abcChannel", "user_id": "abcUser", "issued_at": ISSUED, "expires_at": SEALED_EXPIRY}
    options = {**values, "salt": 7, **changes}
    return Shown(make_sealed("abc", key, options.pop("channel_id"), options.pop("user_id"), **options))


def test_any_channel_and_user_come_from_the_url() -> None:
    """`*` is whatever the URL claims; without a claim there is no id."""
    shown = sealed(channel_id="*", user_id="*")
    claimed = Shown(shown.token, "abc", "room", "ann")
    assert (judge(claimed, ISSUED).channel_id, judge(claimed, ISSUED).user_id) == ("room", "ann")
    assert word_of(shown, now=ISSUED) == "id"
    assert word_of(Shown(shown.token, "abc", "ro om", "ann"), now=ISSUED) == "id"


@pytest.mark.parametrize(
    ("changes", "now", "word"),
    [
        ({}, SEALED_EXPIRY, "expired"),
        ({"expires_at": SEALED_EXPIRY + 1}, ISSUED, "token"),
        ({}, ISSUED - 301, "token"),
        ({"key": "other"}, ISSUED, "token"),
        ({"key": "other"}, SEALED_EXPIRY + 9, "token"),
    ],
)
def test_sealed_times_and_keys(changes: dict[str, Any], now: int, word: str) -> None:
    """Expired, too long a life, issued in the future, another key."""
    assert word_of(sealed(**changes), now=now) == word


def test_plain_times() -> None:
    """30 s of grace after expiry, at most 7 days ahead (tokens.md 3)."""
    assert judge(plain(), EXPIRY + 30)
    assert word_of(plain(), now=EXPIRY + 30.5) == "expired"
    assert judge(plain(), EXPIRY - 7 * 86400)
    assert word_of(plain(), now=EXPIRY - 7 * 86400 - 1) == "token"
    assert word_of(plain(), now=EXPIRY - 86400 - 1, plain_ahead_s=86400) == "token"


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"app_id": "other"}, "app"),
        ({"app_id": "a b"}, "id"),
        ({"channel_id": "x" * 65}, "id"),
        ({"user_id": None}, "id"),
        ({"user_id": "abcUseR"}, "token"),
        ({"channel_id": "abcChannelA"}, "token"),
        ({"nonce": "a b"}, "token"),
        ({"nonce": "x" * 65}, "token"),
        ({"timestamp": ""}, "token"),
        ({"timestamp": "1699423634.0"}, "token"),
        ({"timestamp": "9" * 5000}, "token"),
        ({"token": ""}, "token"),
        ({"token": "x" * 9000}, "token"),
        ({"token": "zzzz"}, "token"),
        ({"token": "000"}, "token"),
        ({"token": base64.b64encode(b'{"a":' + b"[" * 5000).decode()}, "token"),
        ({"contradicts": True}, "token"),
    ],
)
def test_plain_refusals(changes: dict[str, Any], word: str) -> None:
    """One word each (tokens.md 8)."""
    assert word_of(plain(**changes)) == word


def test_roles() -> None:
    """On: a role must come along and be hashed; off: a role is not looked at."""
    strict = Keys(role_check=True)
    assert word_of(plain(), app=strict) == "privilege"
    assert word_of(plain(PLAIN_SUB, role="pub"), app=strict) == "token"
    assert word_of(plain(PLAIN_PUB, role="pub")) == "token"
    assert judge(plain(role="anything")).publisher
    assert not judge(plain(PLAIN_SUB, role="sub"), app=strict).may_publish(Source.CAMERA, Kind.AUDIO)


def test_privileges() -> None:
    """Only the kinds whose bit is set; the sound of a screen goes with the screen."""
    claims = judge(Shown(SEALED_3), ISSUED)
    allowed = [(source, kind) for source in Source for kind in Kind if claims.may_publish(source, kind)]
    assert allowed == [(Source.CAMERA, Kind.AUDIO)]
    everything = judge(Shown(SEALED), ISSUED)
    assert all(everything.may_publish(source, kind) for source in Source for kind in Kind)


def test_two_keys_at_a_time() -> None:
    """Tokens of either key are taken, of a third not; a disabled app takes nobody."""
    both = Keys(("new", "abckey"))
    assert judge(Shown(ONE_STRING), app=both)
    assert judge(sealed("new"), ISSUED, both)
    assert word_of(sealed("third"), now=ISSUED, app=both) == "token"
    assert word_of(plain(), app=Keys(enabled=False)) == "app"


def test_a_url_that_contradicts_the_token() -> None:
    """Path or query may repeat ids; another value is refused."""
    assert judge(Shown(ONE_STRING, "abc", "abcChannel", "abcUser"))
    for ids in (("abd", None, None), (None, "room", None), (None, None, "bob")):
        assert word_of(Shown(ONE_STRING, *ids)) == "token"
        assert word_of(Shown(SEALED, *ids), now=ISSUED) == "token"


def test_where_whip_shows_a_token() -> None:
    """Bearer, `?token=`, or six values in the query; the path holds the ids (tokens.md 7)."""
    path = ("abc", "abcChannel", "abcUser")
    assert judge(shown_at_whip(*path, {}, f"Bearer {ONE_STRING}"))
    assert judge(shown_at_whip(*path, {"token": "wrong"}, f"bearer  {ONE_STRING} "))
    assert judge(shown_at_whip(*path, {"token": SEALED}), ISSUED)
    assert judge(shown_at_whip(*path, {"token": SEALED.replace("+", " ")}), ISSUED)
    assert judge(shown_at_whip(*path, {"timestamp": str(EXPIRY), "token": PLAIN, "userid": "abcUser", "nonce": ""}))
    assert word_of(shown_at_whip(*path, {"token": ONE_STRING, "userid": "bob"})) == "token"
    assert word_of(shown_at_whip(*path, {}, None)) == "token"
    assert word_of(shown_at_whip(*path, {}, "Basic abc")) == "token"


def test_where_rtmp_shows_a_token() -> None:
    """AppId and ChannelId are the path; the rest stands in the query of the stream name."""
    assert judge(shown_at_rtmp("abc", f"abcChannel?userid=abcUser&nonce=&timestamp={EXPIRY}&token={PLAIN}"))
    assert judge(shown_at_rtmp("abc", f"abcChannel?token={ONE_STRING}&userid=abcUser"))
    assert word_of(shown_at_rtmp("abc", f"other?token={ONE_STRING}&userid=abcUser")) == "token"
    assert word_of(shown_at_rtmp("abc", "abcChannel")) == "token"
    assert word_of(shown_at_rtmp("abc", "abcChannel?" + "&" * 10_000)) == "token"


def test_where_user_and_password_show_a_token() -> None:
    """The TURN form of tokens.md 4.1."""
    user = f"abcUser?appid=abc&channel=abcChannel&nonce=&timestamp={EXPIRY}"
    assert judge(shown_at_login(user, PLAIN)).user_id == "abcUser"
    assert word_of(shown_at_login(user.replace("appid=abc", "appid=x"), PLAIN)) == "app"
    assert word_of(shown_at_login("abcUser", PLAIN)) == "id"


def test_nothing_shows_a_token() -> None:
    """Neither repr nor message (tokens.md 8: log never the token)."""
    assert PLAIN not in repr(plain())
    assert ONE_STRING not in repr(Shown(ONE_STRING))
    with pytest.raises(Refused) as refused:
        judge(plain(nonce="x"))
    assert PLAIN not in str(refused.value)


@given(st.one_of(st.text(max_size=300), st.binary(max_size=300).map(lambda data: base64.b64encode(data).decode())))
def test_any_text_is_refused_with_a_word(text: str) -> None:
    """No input gives anything but Refused or BadId."""
    for shown in (Shown(text), Shown("000" + text), plain(text), shown_at_login(text, text), shown_at_rtmp(text, text)):
        assert word_of(shown) in ("app", "token", "expired", "privilege", "id")


@given(st.binary(max_size=600))
def test_any_inflated_content_is_refused(data: bytes) -> None:
    """Format C with anything inside."""
    assert word_of(Shown("000" + base64.b64encode(zlib.compress(data)).decode())) in ("app", "token")


def test_a_bomb_is_refused() -> None:
    """More than 64 KiB inflated."""
    assert word_of(Shown("000" + base64.b64encode(zlib.compress(b"\0" * (1 << 20))).decode())) == "token"


@given(st.integers(0, len(SEALED_3) * 8 - 1), st.sampled_from([ONE_STRING, SEALED, SEALED_7, SEALED_3]))
def test_no_changed_token_is_taken_for_something_else(bit: int, token: str) -> None:
    """One flipped bit: refused, or (in bits that the encoding ignores) the very same claims."""
    data = bytearray(token.encode())
    data[bit // 8 % len(data)] ^= 1 << bit % 8
    now = NOW if token == ONE_STRING else ISSUED
    try:
        claims = judge(Shown(data.decode("latin-1")), now)
    except (Refused, BadId):
        return
    assert claims == judge(Shown(token), now)


_names = st.text("abcXYZ019_-", min_size=1, max_size=64)


@given(_names, _names, st.text(max_size=40), st.integers(NOW, NOW + 86_399))
def test_what_is_made_is_taken(channel: str, user: str, key: str, expiry: int) -> None:
    """Round trip of all three formats, for any ids and key."""
    app = Keys((key,))
    shown = [
        Shown(make_one_string("abc", key, channel, user, expiry)),
        Shown(make_plain("abc", key, channel, user, expiry), "abc", channel, user, "", str(expiry)),
        Shown(make_sealed("abc", key, channel, user, issued_at=NOW, expires_at=expiry + 1, salt=3)),
    ]
    assert {(claims.channel_id, claims.user_id) for claims in (judge(each, NOW, app) for each in shown)} == {
        (channel, user)
    }
