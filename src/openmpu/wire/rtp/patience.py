"""How long missing packets of video are worth waiting for. Knows nothing but the path."""

from __future__ import annotations

from openmpu.wire.rtp.alarm import MS, RoundTrip

PATIENCE = 200 * MS
"""How long a hole is waited for."""
MOST_PATIENCE = 1_000 * MS
"""The same on a path so long that a packet could not be sent again three times in `PATIENCE`."""
KEY_PATIENCE = 50 * MS
"""The same once a key frame behind the hole is complete."""
KEY_LIFE = 3_000 * MS
"""How long a key frame that is looked for may take to become complete: there is nothing else to show meanwhile."""


def patience_on(trip: RoundTrip) -> int:
    """How long a hole is waited for on that path: long enough for three requests, within the bounds."""
    return min(MOST_PATIENCE, max(PATIENCE, trip.answer * 7 >> 1))
