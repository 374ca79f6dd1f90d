"""Join tokens (tokens.md): how a client proves that it may enter a channel. Formats A, A+, B and C, made and checked.

Preview tokens are our own: they open one task to be watched.

Pure: the time is an argument and keys are handed in. No message, and no repr, holds a token or a key.
"""

from openmpu.wire.tokens.checking import AppKeys, Rules, check
from openmpu.wire.tokens.claims import ALL, BadId, Claims, Privilege, Refused, Word
from openmpu.wire.tokens.plain import make_one_string, make_plain
from openmpu.wire.tokens.preview import LONGEST_S as LONGEST_PREVIEW_S
from openmpu.wire.tokens.preview import PREFIX as PREVIEW
from openmpu.wire.tokens.preview import check_preview, make_preview
from openmpu.wire.tokens.sealed import make_sealed
from openmpu.wire.tokens.shown import Shown, shown_at_login, shown_at_rtmp, shown_at_whep, shown_at_whip

__all__ = [
    "ALL",
    "LONGEST_PREVIEW_S",
    "PREVIEW",
    "AppKeys",
    "BadId",
    "Claims",
    "Privilege",
    "Refused",
    "Rules",
    "Shown",
    "Word",
    "check",
    "check_preview",
    "make_one_string",
    "make_plain",
    "make_preview",
    "make_sealed",
    "shown_at_login",
    "shown_at_rtmp",
    "shown_at_whep",
    "shown_at_whip",
]
