"""Who may watch which task."""

from __future__ import annotations

from dataclasses import replace

import pytest

from openmpu.errors import Conflict, Invalid, NotFound
from openmpu.model.ids import AppId, ChannelId, TaskId, TaskKey
from openmpu.model.reports import Publication
from openmpu.model.task import TaskSpec, TaskState
from openmpu.services.accounts import Accounts
from openmpu.services.playing import Playing
from openmpu.services.ports import TaskRecord
from openmpu.wire.tokens import BadId, Refused, make_one_string, make_plain, make_sealed
from tests.services.doubles import ACCOUNT, CHANNEL, SECOND, START, STRANGER, ManualClock

APP, SHOW, AIRED = AppId("app"), TaskId("show"), TaskId("aired")
NOW = START // SECOND
KEY = ACCOUNT.apps[0].keys[0]


def record(task_id, *, playback, state=TaskState.RUNNING):
    """A task in `room`."""
    spec = TaskSpec(APP, ChannelId("room"), task_id, playback=playback)
    return TaskRecord(spec, ACCOUNT.name, state, START)


class Stage:
    """Gateways and tasks."""

    def __init__(self):
        self.records = {SHOW: record(SHOW, playback=True), AIRED: record(AIRED, playback=False)}
        self.played, self.ended, self.live = [], [], True
        self.clock = ManualClock()
        self.playing = Playing(Accounts([ACCOUNT, STRANGER]), self, self, self.clock, most=7)

    async def look_up(self, key):
        return self.records.get(key.task_id) if key.app_id == APP else None

    async def play(self, channel, task, offer, most):
        self.played.append((channel, task, offer, most))
        if not self.live:
            raise NotFound("programme", "nothing now")
        return Publication("resource", "answer", "etag")

    async def trickle(self, resource, fragment, etag, task=None):
        return Publication(resource, "", f"{etag} of {task}")

    async def unpublish(self, resource, task=None):
        self.ended.append((resource, task))

    async def admit(self, task_id=SHOW, app_id=APP, **how):
        goes_on = how.pop("goes_on", False)
        return await self.playing.admit(app_id, task_id, how, goes_on=goes_on)

    async def refusal(self, task_id=SHOW, app_id=APP, **how):
        with pytest.raises((Refused, BadId)) as refused:
            await self.admit(task_id, app_id, **how)
        return refused.value.word


@pytest.fixture
def stage():
    return Stage()


def join(channel="room", seconds=600, key=KEY):
    """A format B token of somebody in the channel."""
    return make_one_string(APP, key, channel, "ann", NOW + seconds)


def preview(stage, task_id=AIRED, life_s=60):
    """One that the service made."""
    return stage.playing.preview_token(ACCOUNT, stage.records[task_id], life_s).token


async def test_any_join_token_of_the_channel_opens_a_task_of_type_1(stage):
    """Formats B, A beside its parts, and C with any channel."""
    sealed = make_sealed(APP, KEY, "*", "ann", issued_at=NOW, expires_at=NOW + 600, salt=7)
    plain = make_plain(APP, KEY, "room", "ann", NOW + 600)
    shown = [{"token": join()}, {"token": sealed}, {"token": plain, "userid": "ann", "timestamp": str(NOW + 600)}]
    for one in shown:
        assert await stage.admit(**one) is stage.records[SHOW]


async def test_a_task_with_a_target_wants_a_preview_token(stage):
    """What goes to a target is not meant for the people in the channel."""
    assert await stage.refusal(AIRED, token=join()) == "privilege"
    assert await stage.admit(AIRED, token=preview(stage)) is stage.records[AIRED]
    assert await stage.admit(SHOW, token=preview(stage, SHOW)) is stage.records[SHOW]


@pytest.mark.parametrize(
    ("shown", "word"),
    [
        ({}, "token"),
        ({"token": "nonsense"}, "token"),
        ({"token": join("other")}, "token"),
        ({"token": join(seconds=-60)}, "expired"),
        ({"token": join(key="wrong")}, "token"),
        ({"token": "preview.1.2"}, "token"),
    ],
)
async def test_refusals(stage, shown, word):
    """With the words of tokens.md 8, and the same for a task that is not there: a stranger learns nothing."""
    assert await stage.refusal(**shown) == word
    if shown.get("token") != join("other"):
        assert await stage.refusal(TaskId("nothing"), **shown) == word


async def test_a_preview_token_opens_no_other_task_and_no_later_session(stage):
    """But who began in time may go on and end."""
    token = preview(stage)
    assert await stage.refusal(SHOW, token=token) == "token"
    stage.clock.time = START + 61 * SECOND
    assert await stage.refusal(AIRED, token=token) == "expired"
    assert await stage.admit(AIRED, token=token, goes_on=True) is stage.records[AIRED]


async def test_playing_asks_the_channels_gateway(stage):
    """With the most players that are allowed."""
    publication = await stage.playing.play(stage.records[SHOW], "offer")

    assert publication.sdp == "answer"
    assert stage.played == [(CHANNEL, TaskKey(APP, SHOW), "offer", 7)]


async def test_a_session_is_spoken_of_with_its_task(stage):
    """So that the gateway lets nobody touch another one whose name they know."""
    key = TaskKey(APP, SHOW)
    assert (await stage.playing.trickle(key, "resource", "fragment", "etag")).etag == "etag of app/show"
    await stage.playing.end(key, "resource")
    assert stage.ended == [("resource", key)]


@pytest.mark.parametrize("state", [state for state in TaskState if state.final])
async def test_what_is_over_or_never_was_cannot_be_watched(stage, state):
    """The same for both."""
    over = replace(stage.records[SHOW], state=state)
    for gone in (over, None):
        with pytest.raises(NotFound):
            await stage.playing.play(gone, "offer")


async def test_what_is_not_there_yet_is_a_conflict(stage):
    """A task that waits for its channel, and one that makes nothing at the moment."""
    waiting = replace(stage.records[SHOW], state=TaskState.WAITING)
    with pytest.raises(Conflict):
        await stage.playing.play(waiting, "offer")
    stage.live = False
    with pytest.raises(Conflict):
        await stage.playing.play(stage.records[SHOW], "offer")


@pytest.mark.parametrize("life_s", [0, 3_601])
def test_a_preview_is_short(stage, life_s):
    """An hour at most."""
    with pytest.raises(Invalid, match="3600"):
        stage.playing.preview_token(ACCOUNT, stage.records[AIRED], life_s)


def test_previews_of_strangers_and_of_what_is_over(stage):
    """Neither is given; the token is in no repr."""
    with pytest.raises(NotFound):
        stage.playing.preview_token(STRANGER, stage.records[AIRED], 60)
    with pytest.raises(NotFound):
        stage.playing.preview_token(ACCOUNT, replace(stage.records[AIRED], state=TaskState.STOPPED), 60)
    made = stage.playing.preview_token(ACCOUNT, stage.records[AIRED], 60)
    assert made.token not in repr(made)
    assert made.expires_at == NOW + 60
