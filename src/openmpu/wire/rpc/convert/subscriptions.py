"""SubSpec and UnsubSpec lists into the rule whose tracks a task takes (operations.md 3.3)."""

from __future__ import annotations

from typing import Protocol

from openmpu.model.ids import UserId
from openmpu.model.taking import EVERYBODY, Lists, Taking, Users

ALL = "allStream"


class SubscriptionLists(Protocol):
    """The seven lists, as StartMPUTask and UpdateMPUTask have them; empty: not sent."""

    @property
    def sub_spec_users(self) -> tuple[str, ...]: ...  # noqa: D102
    @property
    def sub_spec_audio_users(self) -> tuple[str, ...]: ...  # noqa: D102
    @property
    def sub_spec_camera_users(self) -> tuple[str, ...]: ...  # noqa: D102
    @property
    def sub_spec_share_screen_users(self) -> tuple[str, ...]: ...  # noqa: D102
    @property
    def unsub_spec_audio_users(self) -> tuple[str, ...]: ...  # noqa: D102
    @property
    def unsub_spec_camera_users(self) -> tuple[str, ...]: ...  # noqa: D102
    @property
    def unsub_spec_share_screen_users(self) -> tuple[str, ...]: ...  # noqa: D102


def taking(lists: SubscriptionLists, before: Taking | None = None) -> Taking:
    """The rule that the lists make; lists that were not sent stay as `before`.

    `allStream` counts in SubSpecUsers too: an update has no other way to say everybody again.
    """
    old = before or Taking()
    return Taking(
        users=_listed(lists.sub_spec_users, old.users),
        audio=_pair(lists.sub_spec_audio_users, lists.unsub_spec_audio_users, old.audio),
        camera=_pair(lists.sub_spec_camera_users, lists.unsub_spec_camera_users, old.camera),
        screen=_pair(lists.sub_spec_share_screen_users, lists.unsub_spec_share_screen_users, old.screen),
        named=old.named,
    )


def relayed_user(lists: SubscriptionLists) -> UserId | None:
    """Whom SubSpecUsers asks to relay: its first user; None for whoever has been publishing longest."""
    names = lists.sub_spec_users
    return UserId(names[0]) if names and ALL not in names else None


def _named(names: tuple[str, ...]) -> Users:
    return Users(frozenset(UserId(name) for name in names))


def _pair(wanted: tuple[str, ...], refused: tuple[str, ...], old: Lists) -> Lists:
    return Lists(_listed(wanted, old.wanted), _listed(refused, old.refused))


def _listed(names: tuple[str, ...], old: Users) -> Users:
    if not names:
        return old
    return EVERYBODY if ALL in names else _named(names)
