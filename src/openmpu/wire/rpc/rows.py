"""How a parameter table is written down and read: fields of frozen dataclasses are rows of `operations.md`.

    @dataclass(frozen=True, slots=True)
    class Request:
        app_id: str = row("AppId", name, required=True)
        crop_mode: int | None = row("CropMode", integer(0, 2))
        layout_ids: tuple[int, ...] = row("LayoutIds", list_of(integer(1), 16))

The reader walks the description, not the request: unknown parameters are harmless, and rows are checked in the order of
the table. Absent is None, or an empty tuple for lists; defaults belong to `convert/`.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Collection, Hashable, Mapping
from functools import cache
from typing import Any, TypeVar, cast

from openmpu.errors import Missing
from openmpu.wire.rpc.mangled import drop_run_together, with_dots
from openmpu.wire.rpc.nodes import Node, from_json, unflatten
from openmpu.wire.rpc.scalars import Scalar, refuse

T = TypeVar("T")
Trees = dict[str, Node]
Read = Callable[[Node, str], T]
"""A reader of one node; the text is its full wire name."""

Checks = Mapping[str, Callable[[Mapping[str, Any]], None]]

_INDEX = re.compile(r"0|[1-9][0-9]{0,5}")


@dataclasses.dataclass(frozen=True, slots=True)
class Row:
    """One row of a table.

    Attributes:
        required: Always, or when a function of the whole request says so.
        identifier: Checked right after the required ones, before any other value (operations.md 1.8).
        also: A second spelling of the name.
        scalar: Reads its text, where it has one of its own; None: it is a list or an object.
        empty_counts: An object without anything in it is not absent (`LayoutVolume={}`).
    """

    name: str
    read: Read[Any]
    empty: Any
    required: bool | Callable[[Trees], bool]
    identifier: bool
    also: str
    scalar: Scalar[Any] | None
    empty_counts: bool

    def node(self, trees: Mapping[str, Node], path: str) -> Node | None:
        """The row's node in the request, None when absent."""
        node = self._present(trees.get(self.name))
        if not self.also:
            return node
        other = self._present(trees.get(self.also))
        if node and other and not node.says_the_same(other):
            refuse(path + self.name, f"contradicts {self.also}")
        return node or other

    def _present(self, node: Node | None) -> Node | None:
        if node is None or (self.scalar and node.text is None):
            return None
        if not self.scalar and node.says_nothing and not self.empty_counts:
            return None
        return None if self.empty_counts and node.text == "null" else node


class Shape:
    """A reader of lists or objects; `row` tells it from the readers of scalars by its type."""

    __slots__ = ("empty", "read")

    def __init__(self, read: Read[Any], empty: Any) -> None:
        self.read = read
        self.empty = empty


def row(
    name: str,
    kind: Scalar[Any] | Shape,
    *,
    required: bool | Callable[[Trees], bool] = False,
    identifier: bool = False,
    also: str = "",
    empty_counts: bool = False,
) -> Any:
    """One field of a request; see the module's example."""
    shape = kind if isinstance(kind, Shape) else Shape(_of_text(kind), None)
    scalar = None if isinstance(kind, Shape) else kind
    info = Row(name, shape.read, shape.empty, required, identifier, also, scalar, empty_counts)
    return dataclasses.field(default=shape.empty, metadata={"row": info})


def _of_text(scalar: Scalar[T]) -> Read[T]:
    def read(node: Node, path: str) -> T:
        if node.text is None:
            refuse(path, "must be a single value")
        return scalar(node.text, path)

    return read


def list_of(item: Scalar[Any] | Shape, most: int, *, json: bool = False) -> Shape:
    """`Name.N`, from 0 or from 1, without gaps, at most so many (operations.md 1.3); `json`: also as JSON text."""
    read_item = item.read if isinstance(item, Shape) else _of_text(item)

    def read(node: Node, path: str) -> tuple[Any, ...]:
        items = _opened(node, path, json=json).children
        order = _order(items, path, most)
        return tuple(read_item(items[index], f"{path}.{index}") for index in order)

    return Shape(read, ())


def _order(indices: Collection[str], path: str, most: int) -> list[str]:
    """The indices by number: the order of N, not the order on the wire."""
    for index in indices:
        if not _INDEX.fullmatch(index):
            refuse(f"{path}.{index:.20}", f"must be {path}.N with a number N")
    order = sorted(indices, key=int)
    if len(order) > most:
        refuse(path, f"more than {most} elements")
    first = order[0] if order else "1"
    if first not in {"0", "1"} or int(order[-1]) - int(first) != len(order) - 1:
        refuse(path, "must be numbered from 1 (or 0) without gaps")
    return order


def object_of(kind: type[Any], *, json: bool = False) -> Shape:
    """`Name.Field`; `json`: also as JSON text."""

    def read(node: Node, path: str) -> Any:
        opened = _opened(node, path, json=json)
        if opened.children and all(name.isdigit() for name in opened.children):
            refuse(path, "must be an object")
        check_required(kind, opened.children, f"{path}.")
        return _fields(kind, opened.children, f"{path}.")

    return Shape(read, None)


def raw() -> Shape:
    """A tree that is kept unread: Live-2's objects, of which one MixMode needs this and the other that."""

    def read(node: Node, path: str) -> Node:  # noqa: ARG001 - a reader like the others
        return node

    return Shape(read, None)


def _opened(node: Node, path: str, *, json: bool) -> Node:
    """The node as a tree: its JSON text parsed, where that form is allowed."""
    if node.text is None:
        return node
    if not json or node.children:
        refuse(path, "is given in two forms" if node.children else "must be given as separate parameters")
    try:
        opened = from_json(node.text)
    except ValueError as error:
        refuse(path, f"cannot be read as JSON: {error}"[:200])
    if opened.text is not None:
        refuse(path, "must be a JSON object or list")
    return opened


def rows_of(kind: type[Any]) -> tuple[tuple[str, Row], ...]:
    """Field name and row of every parameter of a request, in the order of the table."""
    return _rows_of(cast("Hashable", kind))


@cache
def _rows_of(kind: Any) -> tuple[tuple[str, Row], ...]:
    return tuple((field.name, cast("Row", field.metadata["row"])) for field in dataclasses.fields(kind))


@cache
def _required_rows(kind: Hashable) -> tuple[Row, ...]:
    """Those that are required, always or now and then: of most objects none."""
    return tuple(info for _, info in _rows_of(kind) if info.required)


@cache
def _names(kind: Hashable) -> frozenset[str]:
    rows = [info for _, info in _rows_of(kind)]
    return frozenset({info.name for info in rows} | {info.also for info in rows if info.also})


def trees_of(kind: type[Any], flat: Mapping[str, str]) -> tuple[Trees, tuple[str, ...]]:
    """The trees of a request's parameters and what had to be dropped from them."""
    trees = unflatten(with_dots(flat), _names(cast("Hashable", kind)))
    return trees, drop_run_together(trees)


def check_required(kind: type[Any], trees: Trees, path: str = "") -> None:
    """Whether everything required is there, in the order of the table.

    Raises:
        Missing: The first that is not.
    """
    for info in _required_rows(cast("Hashable", kind)):
        needed = info.required(trees) if callable(info.required) else info.required
        if needed and info.node(trees, path) is None:
            raise Missing((path + info.name).partition(".")[0], f"{path}{info.name} is required")


def read_identifiers(kind: type[Any], trees: Trees) -> dict[str, str]:
    """The identifiers of a request by wire name (operations.md 1.8); absent ones are left out.

    Raises:
        Invalid: One of them has wrong characters or length.
    """
    found = ((info, info.node(trees, "")) for _, info in rows_of(kind) if info.identifier)
    return {info.name: info.read(node, info.name) for info, node in found if node is not None}


def read(kind: type[T], trees: Trees, checks: Checks | None = None) -> T:
    """The request: every value read, in the order of the table.

    Args:
        kind: The request's dataclass.
        trees: Its parameters.
        checks: By field name, what else must hold when that row has been read; gets the values read so far.

    Raises:
        Invalid: The first value that cannot be.
        Missing: Something required inside an object is not there.
    """
    return cast("T", _fields(kind, trees, "", checks))


def read_object(kind: type[T], node: Node, path: str) -> T:
    """What `raw` kept, read now."""
    return cast("T", object_of(kind, json=True).read(node, path))


def _fields(kind: type[Any], trees: Mapping[str, Node], path: str, checks: Checks | None = None) -> Any:
    values: dict[str, Any] = {}
    for field_name, info in rows_of(kind):
        node = trees.get(info.name)
        if info.scalar and not info.also:  # most rows, so without the detour
            if node is None or node.text is None:
                continue
            values[field_name] = info.scalar(node.text, path + info.name)
        else:
            node = info.node(trees, path)
            if node is None:
                continue
            values[field_name] = info.read(node, path + info.name)
        if checks and field_name in checks:
            checks[field_name](values)
    return kind(**values)
