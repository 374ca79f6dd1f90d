"""Flat names into trees: `UserPanes.1.Texts.2.X` and the JSON text of Live-2, both as `Node`s (operations.md 1.3, 6).

Knows no operation: what a tree should hold is told by the rows of `requests/`. Empty values are absent, so they never
become nodes.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from typing import Any, NoReturn, cast

MAX_DEPTH = 8
"""Names with more parts belong to no operation, and deeper JSON neither."""

EMPTY_JSON = frozenset({"[]", "{}", "null"})
"""Count as absent (operations.md 6): the Tea SDK sends `MultiStreamURL=[]` for an untouched field."""

_LONGEST_EMPTY = 64


_NO_CHILDREN: dict[str, Node] = {}
"""Shared by all leaves and never written to: most nodes are leaves, and a full request has a hundred."""


class Node:
    """A value, or named things below it. Both at once only when a request gives a parameter in two forms."""

    __slots__ = ("children", "text")

    def __init__(self, text: str | None = None, children: dict[str, Node] = _NO_CHILDREN) -> None:
        self.text = text
        self.children = children

    @property
    def says_nothing(self) -> bool:
        """Whether it is as good as not sent."""
        if self.text is None:
            return not self.children
        return len(self.text) < _LONGEST_EMPTY and "".join(self.text.split()) in EMPTY_JSON

    def says_the_same(self, other: Node) -> bool:
        """Whether both hold the same texts under the same names."""
        if self.text != other.text or self.children.keys() != other.children.keys():
            return False
        return all(child.says_the_same(other.children[name]) for name, child in self.children.items())


def unflatten(flat: Mapping[str, str], wanted: Collection[str]) -> dict[str, Node]:
    """Trees of the parameters whose first part is in `wanted`; all others are unknown and ignored (operations.md 1.6).

    `{"A.1.X": "5", "A.2.X": "6", "B": "7"}` is `{"A": {1: {X: 5}, 2: {X: 6}}, "B": 7}`.
    """
    root: dict[str, Node] = {}
    places: dict[str, dict[str, Node]] = {}
    for name, text in flat.items():
        if not text:
            continue
        above, dot, last = name.rpartition(".")
        if not dot:
            place = root if name in wanted else _NO_CHILDREN
        elif (found := places.get(above)) is None:  # names that differ in their last part only are walked once
            place = places[above] = _place(root, above, wanted)
        else:
            place = found
        if place is not _NO_CHILDREN:
            _put(place, last, text)
    return root


def _place(root: dict[str, Node], path: str, wanted: Collection[str]) -> dict[str, Node]:
    """What stands below a path; made where it is not there, `_NO_CHILDREN` where nothing may be."""
    parts = path.split(".", MAX_DEPTH)
    if parts[0] not in wanted or len(parts) >= MAX_DEPTH:
        return _NO_CHILDREN
    children = root
    for part in parts:
        node = children.setdefault(part, Node())
        if node.children is _NO_CHILDREN:
            node.children = {}
        children = node.children
    return children


def _put(place: dict[str, Node], name: str, text: str) -> None:
    node = place.get(name)
    if node is None:
        place[name] = Node(text)
    else:
        node.text = text


def parse_json(text: str) -> Any:
    """A JSON text with numbers as they are spelled.

    Raises:
        ValueError: It is not JSON, is nested too deeply, or names something twice in one object.
    """
    try:
        return json.loads(
            text, parse_int=str, parse_float=str, parse_constant=_refuse_constant, object_pairs_hook=_without_doubles
        )
    except RecursionError:
        raise ValueError("nested too deeply") from None


def from_json(text: str) -> Node:
    """The tree of a JSON text; lists count from 1, nulls and empty strings are left out.

    Raises:
        ValueError: As `parse_json`, or deeper than any parameter.
    """
    return _node(parse_json(text), MAX_DEPTH)


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _without_doubles(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    named = dict(pairs)
    if len(named) != len(pairs):
        raise ValueError("a name stands twice in one object")
    return named


def _node(plain: Any, depth: int) -> Node:
    if not depth:
        raise ValueError("nested too deeply")
    if isinstance(plain, dict):
        return Node(None, _children(plain, depth))
    if isinstance(plain, list):
        return Node(None, _children({str(place): item for place, item in enumerate(plain, 1)}, depth))
    return Node(_leaf(plain))


def _leaf(plain: Any) -> str | None:
    if isinstance(plain, bool):
        return str(plain).lower()
    if plain is not None:
        _check_text(plain)
    return cast("str | None", plain)


def _check_text(text: str) -> None:
    """Half of a surrogate pair cannot be told on, and NUL cannot be stored."""
    text.encode()
    if "\x00" in text:
        raise ValueError("holds a NUL")


def _children(named: Mapping[str, Any], depth: int) -> dict[str, Node]:
    for name in named:
        _check_text(name)
    return {name: _node(item, depth - 1) for name, item in named.items() if item is not None and item != ""}


def to_plain(node: Node) -> Any:
    """The tree as JSON values, leaves as strings: what ListRtcMPUTaskDetail gives back (operations.md 6.4)."""
    if node.text is not None:
        return node.text
    if node.children and all(name.isdigit() for name in node.children):
        return [to_plain(node.children[name]) for name in sorted(node.children, key=int)]
    return {name: to_plain(child) for name, child in node.children.items()}
