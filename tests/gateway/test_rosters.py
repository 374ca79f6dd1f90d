"""Rosters: who is in a channel, in order of joining, through replacements and short absences."""

from __future__ import annotations

import pytest

from openmpu.gateway.rosters import REJOIN, Rosters
from openmpu.model.ids import AppId, ChannelId, ChannelKey, TrackId, UserId
from openmpu.model.roster import Kind, Source, Track

ROOM = ChannelKey(AppId("app"), ChannelId("room"))
OTHER = ChannelKey(AppId("app"), ChannelId("other"))
ANN, BOB = UserId("ann"), UserId("bob")
CAM, SCREEN = Source.CAMERA, Source.SCREEN
PICTURE = Track(TrackId("p"), Kind.VIDEO, CAM, "vp8", 5)
SCREEN_PICTURE = Track(TrackId("s"), Kind.VIDEO, SCREEN, "vp8", 4)


@pytest.fixture
def told():
    return []


@pytest.fixture
def rosters(told):
    return Rosters(lambda channel, roster: told.append((channel, [user.user_id for user in roster.users])))


def names(rosters, channel=ROOM):
    """User ids in order."""
    return [user.user_id for user in rosters.roster(channel).users]


def test_user_without_tracks_is_there(rosters):
    """A connection makes a participant, tracks or not (layouts.md 4)."""
    rosters.enter(ROOM, ANN, CAM, 1)
    assert names(rosters) == ["ann"]


def test_order_of_joining(rosters):
    """Who came first stands first, whatever the names."""
    rosters.enter(ROOM, BOB, CAM, 1)
    rosters.enter(ROOM, ANN, CAM, 2)
    assert names(rosters) == ["bob", "ann"]


def test_replacing_oneself_keeps_the_place(rosters):
    """A second connection of the same source takes over: same place, tracks begin anew."""
    rosters.enter(ROOM, BOB, CAM, 1)
    rosters.set_tracks(ROOM, BOB, CAM, (PICTURE,))
    rosters.enter(ROOM, ANN, CAM, 2)
    rosters.enter(ROOM, BOB, CAM, 3)
    assert names(rosters) == ["bob", "ann"]
    assert rosters.roster(ROOM).users[0].tracks == ()


def test_camera_and_screen_are_one_user(rosters):
    """Both publications are one user's, camera first; the user stays until the last ends."""
    rosters.enter(ROOM, ANN, SCREEN, 1)
    rosters.set_tracks(ROOM, ANN, SCREEN, (SCREEN_PICTURE,))
    rosters.enter(ROOM, ANN, CAM, 2)
    rosters.set_tracks(ROOM, ANN, CAM, (PICTURE,))
    assert rosters.roster(ROOM).users[0].tracks == (PICTURE, SCREEN_PICTURE)
    rosters.exit(ROOM, ANN, CAM, 3)
    assert rosters.roster(ROOM).users[0].tracks == (SCREEN_PICTURE,)
    rosters.exit(ROOM, ANN, SCREEN, 4)
    assert names(rosters) == []


@pytest.mark.parametrize(("absence", "order"), [(REJOIN - 1, ["bob", "ann"]), (REJOIN, ["ann", "bob"])])
def test_short_absence(rosters, absence, order):
    """Who comes back soon has the old place, who comes back later a new one."""
    rosters.enter(ROOM, BOB, CAM, 1)
    rosters.enter(ROOM, ANN, CAM, 2)
    rosters.exit(ROOM, BOB, CAM, 3)
    rosters.enter(ROOM, BOB, CAM, 3 + absence)
    assert names(rosters) == order


def test_a_closed_channel_remembers_nobody(rosters):
    """Who comes first into the next channel of that name stands first there; other channels keep their places."""
    for room in (ROOM, OTHER):
        rosters.enter(room, BOB, CAM, 1)
        rosters.exit(room, BOB, CAM, 2)
    rosters.close(ROOM)
    for room in (ROOM, OTHER):
        rosters.enter(room, ANN, CAM, 3)
        rosters.enter(room, BOB, CAM, 4)
    assert names(rosters) == ["ann", "bob"]
    assert names(rosters, OTHER) == ["bob", "ann"]


def test_channels_never_meet(rosters):
    """The same user in two channels is two participants."""
    rosters.enter(ROOM, ANN, CAM, 1)
    rosters.enter(OTHER, ANN, CAM, 2)
    rosters.exit(ROOM, ANN, CAM, 3)
    assert (names(rosters), names(rosters, OTHER), list(rosters.all())) == ([], ["ann"], [OTHER])


def test_every_change_is_told(rosters, told):
    """Each change is told once, the last leaving as an empty roster; what changes nothing is not told."""
    rosters.enter(ROOM, ANN, CAM, 1)
    rosters.set_tracks(ROOM, ANN, CAM, (PICTURE,))
    rosters.set_tracks(ROOM, ANN, CAM, (PICTURE,))
    rosters.exit(ROOM, ANN, CAM, 2)
    rosters.exit(ROOM, ANN, CAM, 3)
    rosters.set_tracks(ROOM, ANN, CAM, ())
    assert told == [(ROOM, ["ann"]), (ROOM, ["ann"]), (ROOM, [])]
