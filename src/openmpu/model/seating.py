"""Who sits in which pane of a layout (layouts.md 4): computed anew, from nothing, at every change."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from openmpu.model.ids import ChannelId
from openmpu.model.layouts import Layout, choose_layout
from openmpu.model.roster import Kind, Roster, Source, Track, User
from openmpu.model.task import MixSpec, Pin


@dataclass(frozen=True, slots=True)
class Seat:
    """One user's source in a pane; `track` is None while nothing is published there."""

    user: User
    source: Source
    track: Track | None


@dataclass(frozen=True, slots=True)
class Seating:
    """The layout that is up and its seats by pane; a pane that is not in `seats` is empty."""

    layout: Layout
    seats: Mapping[int, Seat]


def seat_users(mix: MixSpec, channel_id: ChannelId, roster: Roster) -> Seating:
    """The seating of `roster` under `mix`; the same situation always gives the same seating.

    Args:
        mix: With at least one layout.
        channel_id: The task's own channel, meant by pins that name none.
        roster: Of all channels that the task takes users from.
    """
    return _Seater(mix, channel_id, roster).seating()


class _Seater:
    def __init__(self, mix: MixSpec, channel_id: ChannelId, roster: Roster) -> None:
        self._mix = mix
        self._channel_id = channel_id
        self._participants = [user for user in roster.users if mix.taking.takes_any(user)]
        self._layout = choose_layout(mix.layouts, self._slots())
        self._seats: dict[int, Seat] = {}
        self._held: set[int] = set()

    def seating(self) -> Seating:
        """Pins, then those who joined, then second tracks: rules 1 to 5."""
        self._seat_pins()
        self._seat_joined()
        self._seat_second_tracks()
        return Seating(self._layout, self._seats)

    def _slots(self) -> int:
        """N of layouts.md 3: a user whose camera and screen are both pinned takes two."""
        return len(self._participants) + sum(self._both_pinned(user) for user in self._participants)

    def _both_pinned(self, user: User) -> bool:
        pinned = {pane.pin.source for pane in self._mix.panes if pane.pin and self._is(pane.pin, user)}
        return len(pinned) == len(Source)

    def _is(self, pin: Pin, user: User) -> bool:
        return (pin.channel_id or self._channel_id, pin.user_id) == (user.channel_id, user.user_id)

    def _seat_pins(self) -> None:
        pane_ids = {pane.pane_id for pane in self._layout.panes}
        for pane in self._mix.panes:
            if pane.pin and pane.pane_id in pane_ids:
                self._seat_pin(pane.pane_id, pane.pin)

    def _seat_pin(self, pane_id: int, pin: Pin) -> None:
        user = next((user for user in self._participants if self._is(pin, user)), None)
        if user:
            self._seats[pane_id] = Seat(user, pin.source, self._taken(user, pin.source))
        elif self._mix.keep_pinned_panes:
            self._held.add(pane_id)

    def _taken(self, user: User, source: Source) -> Track | None:
        track = user.track(source, Kind.VIDEO)
        return track if track and self._mix.taking.takes(user, source, Kind.VIDEO) else None

    def _free_panes(self) -> list[int]:
        major = self._layout.major_pane_id
        ids = sorted((pane.pane_id for pane in self._layout.panes), key=lambda pane_id: (pane_id != major, pane_id))
        return [pane_id for pane_id in ids if pane_id not in self._seats and pane_id not in self._held]

    def _seat_joined(self) -> None:
        free = self._free_panes()
        for pane_id, user in zip(free, self._candidates(len(free)), strict=False):
            self._seats[pane_id] = self._default_seat(user)

    def _candidates(self, places: int) -> Sequence[User]:
        """Rule 3: with more candidates than panes those with video come first, then all in join order."""
        seated = {seat.user for seat in self._seats.values()}
        waiting = [user for user in self._participants if user not in seated]
        with_video = [user for user in waiting if self._default_seat(user).track]
        selected = [*with_video, *(user for user in waiting if user not in with_video)][:places]
        return [user for user in waiting if user in selected]

    def _default_seat(self, user: User) -> Seat:
        """Rule 4: camera, else screen, else nothing."""
        camera, screen = self._taken(user, Source.CAMERA), self._taken(user, Source.SCREEN)
        if screen and not camera:
            return Seat(user, Source.SCREEN, screen)
        return Seat(user, Source.CAMERA, camera)

    def _seat_second_tracks(self) -> None:
        """Rule 5: left-over panes go to seated users' other videos, by publish time."""
        shown = {seat.track.track_id for seat in self._seats.values() if seat.track}
        others = [
            Seat(user, track.source, track)
            for user, track in self._mix.taking.tracks(self._participants, Kind.VIDEO)
            if track.track_id not in shown and any(seat.user == user for seat in self._seats.values())
        ]
        others.sort(key=lambda seat: (seat.track.published_at if seat.track else 0, seat.user.user_id))
        for pane_id, seat in zip(self._free_panes(), others, strict=False):
            self._seats[pane_id] = seat
