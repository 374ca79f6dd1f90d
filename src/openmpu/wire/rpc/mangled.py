"""Names that old clients mangle, mended or dropped before any list rule (operations.md 1.3, rules 6 and 7)."""

from __future__ import annotations

import re
from collections.abc import Mapping

from openmpu.wire.rpc.nodes import Node

_DOTLESS = re.compile(r"(UserPanes\.[0-9]+)(Images|Texts)\.")
_DOTLESS_SOMEWHERE = re.compile(_DOTLESS.pattern)
_OVERLAY_FIELD = re.compile(r"Url|Display|Width|Height|Text|Font.*|Border.*|Box.*|Alpha|X|Y|ZOrder")


def with_dots(flat: Mapping[str, str]) -> Mapping[str, str]:
    """Names of the old C++ SDK as all others write them: `UserPanes.1Images.1.Url` is `UserPanes.1.Images.1.Url`."""
    if not _DOTLESS_SOMEWHERE.search("\n".join(flat)):
        return flat
    mended = {_DOTLESS.sub(r"\1.\2.", name): text for name, text in flat.items()}
    return mended if len(mended) == len(flat) else flat


def drop_run_together(trees: dict[str, Node]) -> tuple[str, ...]:
    """Take out what the Python SDK 1.3.x garbled: `UserPanes.11.Url` is pane 1's picture 1, not pane 11.

    Pane and overlay number run together, the words Images and Texts are lost; nothing can restore that. Returns one
    warning for each index taken out.
    """
    panes = trees.get("UserPanes")
    if panes is None:
        return ()
    garbled = [index for index, pane in panes.children.items() if _only_overlay_fields(pane)]
    for index in garbled:
        del panes.children[index]
    if not panes.children and panes.text is None:
        del trees["UserPanes"]
    why = "overlay without its list's name (a known client defect), dropped"
    return tuple(f"UserPanes.{index:.10}: {why}" for index in garbled)


def _only_overlay_fields(pane: Node) -> bool:
    if pane.text is not None or not pane.children:
        return False
    return all(_OVERLAY_FIELD.fullmatch(name) and child.text is not None for name, child in pane.children.items())
