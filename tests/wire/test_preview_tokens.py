"""Preview tokens: one task, a short time, and nothing else."""

from dataclasses import dataclass

import pytest

from openmpu.wire.tokens import BadId, Refused, check, check_preview, make_plain, make_preview, shown_at_whip
from openmpu.wire.tokens.preview import LONGEST_S

NOW = 1_800_000_000


@dataclass(frozen=True)
class Keys:
    """An application."""

    keys: tuple[str, ...] = ("newkey", "oldkey")
    role_check: bool = False
    enabled: bool = True


def judge(token, *, app_id="app", task_id="show", now=NOW, app=Keys()):
    """The word of its refusal; empty: it is taken."""
    try:
        check_preview(token, app_id, task_id, lambda name: app if name == "app" else None, now)
    except (Refused, BadId) as error:
        return error.word
    return ""


def token(key="newkey", app_id="app", task_id="show", seconds=60):
    """One that is good for that long."""
    return make_preview(app_id, key, task_id, NOW + seconds)


@pytest.mark.parametrize("key", ["newkey", "oldkey"])
def test_it_opens_its_task_in_its_time(key):
    """With either key while one is being replaced."""
    assert judge(token(key)) == ""


@pytest.mark.parametrize(
    ("shown", "where", "word"),
    [
        (token(), {"task_id": "other"}, "token"),
        (token(app_id="other"), {}, "token"),
        (token("wrong"), {}, "token"),
        (token(seconds=0), {}, "expired"),
        (token(seconds=LONGEST_S + 60), {}, "token"),
        (token(), {"app_id": "nobody"}, "app"),
        (token(), {"app": Keys(enabled=False)}, "app"),
        (token(), {"task_id": "a b"}, "id"),
        (token(), {"app_id": "a/b"}, "id"),
        ("preview.", {}, "token"),
        ("preview.1.2", {}, "token"),
        (token() + "\n", {}, "token"),
        (token().replace("preview.1", "preview.2"), {}, "token"),
        (token().upper(), {}, "token"),
    ],
)
def test_refusals(shown, where, word):
    """Each with its word; a later expiry is not covered by the proof."""
    assert judge(shown, **where) == word


def test_whoever_began_in_time_goes_on():
    """Without a time the expiry is not judged, the proof is."""
    assert judge(token(seconds=-600), now=None) == ""
    assert judge(token("wrong", seconds=-600), now=None) == "token"


def test_it_publishes_nothing():
    """At the publishers' door it is no token at all."""
    shown = shown_at_whip("app", "room", "ann", {"token": token()})
    with pytest.raises(Refused) as refused:
        check(shown, lambda _: Keys(), NOW)
    assert refused.value.word == "token"


def test_no_other_hash_of_the_key_is_a_proof():
    """A join token's hash over parts that run together differently."""
    hashed = make_plain("app", "newkey", "show", "", NOW + 60)
    assert judge(f"preview.{NOW + 60}.{hashed}") == "token"
