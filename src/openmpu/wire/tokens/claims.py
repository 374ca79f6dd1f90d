"""What a good token says, and how a bad one is refused (tokens.md 6.2 and 8)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntFlag
from typing import Literal

from openmpu.errors import Denied, Invalid
from openmpu.model.ids import AppId, ChannelId, ChannelKey, UserId
from openmpu.model.roster import Kind, Source

Word = Literal["app", "token", "expired", "privilege", "id"]
"""What the client is told; nothing tells apart an unknown user from a wrong hash."""


class Refused(Denied):
    """The token does not open the door; `word` is the `error` text: 403 for `privilege`, else 401."""

    def __init__(self, word: Literal["app", "token", "expired", "privilege"], message: str) -> None:
        super().__init__(word, message)
        self.word: Word = word


class BadId(Invalid):
    """An AppId, ChannelId or UserId that cannot be; 400."""

    def __init__(self, message: str) -> None:
        super().__init__("id", message)
        self.word: Word = "id"


class Privilege(IntFlag):
    """What a format C token allows, bits as on the wire."""

    IN_USE = 1
    AUDIO = 2
    VIDEO = 4
    SCREEN = 8


ALL = Privilege.IN_USE | Privilege.AUDIO | Privilege.VIDEO | Privilege.SCREEN


@dataclass(frozen=True, slots=True)
class Claims:
    """A checked token's content.

    Attributes:
        expires_at: Unix seconds. A publisher that is connected by then stays; a new connection needs a new token.
        privileges: What may be published.
        publisher: Whether anything may be; false for a `sub` where roles are checked.
    """

    app_id: AppId
    channel_id: ChannelId
    user_id: UserId
    expires_at: int
    privileges: Privilege = ALL
    publisher: bool = True

    @property
    def channel(self) -> ChannelKey:
        """The channel that it opens."""
        return ChannelKey(self.app_id, self.channel_id)

    def may_publish(self, source: Source, kind: Kind) -> bool:
        """Whether such a track may be published; the sound of a screen belongs to the screen."""
        if source is Source.SCREEN:
            needed = Privilege.SCREEN
        else:
            needed = Privilege.AUDIO if kind is Kind.AUDIO else Privilege.VIDEO
        return self.publisher and bool(self.privileges & needed)
