"""Rows that many operations share."""

from __future__ import annotations

from openmpu.wire.rpc import scalars
from openmpu.wire.rpc.rows import Shape, list_of

MAX_LAYOUTS = 16
MAX_PANES = 16
MAX_OVERLAYS = 16
MAX_LISTED_USERS = 64

zorder = scalars.integer(0)
share = scalars.decimal(0, 1)
"""X or Y."""
extent = scalars.decimal(0, 1, above=True)
"""Width or Height."""
switch = scalars.integer(0, 1)
source_type = scalars.one_of("camera", "shareScreen")
layout_id = scalars.integer(1)
sizes = scalars.integer(0)
page_number = scalars.integer(1, 1_000_000_000)
"""Nobody turns that many pages; a store cannot count further."""
page_size = scalars.integer(1, 100)


def users(most: int) -> Shape:
    """User ids, or the word for everybody."""
    return list_of(scalars.name, most)
