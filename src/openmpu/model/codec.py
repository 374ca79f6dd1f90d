"""Frozen dataclasses to plain JSON values and back, driven by their annotations.

Values cross walls (models.md 5): a `TaskSpec` goes into the store and over a socket to its worker, a `Roster` from a
gateway to whoever watches it. Unknown keys are ignored and absent ones take their default, so that a server, a gateway
and a worker of neighbouring versions understand one another.
"""

from __future__ import annotations

import dataclasses
import types
from collections.abc import Callable, Hashable, Mapping
from enum import Enum
from functools import cache
from typing import Any, Literal, TypeVar, Union, cast, get_args, get_origin, get_type_hints

from openmpu.errors import Invalid

T = TypeVar("T")
_Read = Callable[[Any], Any]
_SIMPLE = frozenset({str, int, float, bool, type(None)})


def to_plain(value: Any) -> Any:
    """`value` as dicts, lists, strings, numbers, booleans and None: what `json.dumps` takes."""
    kind = type(value)
    if kind in _SIMPLE:
        return value
    names = _field_names(cast("Hashable", kind))
    if names is not None:
        return {name: to_plain(getattr(value, name)) for name in names}
    return value.value if isinstance(value, Enum) else _collection(value)


def _collection(value: Any) -> Any:
    if isinstance(value, (tuple, list)):
        return [to_plain(item) for item in value]
    if isinstance(value, (set, frozenset)):
        return sorted(to_plain(item) for item in value)
    if isinstance(value, Mapping):
        return {str(key): to_plain(item) for key, item in value.items()}
    return value


@cache
def _field_names(kind: Any) -> tuple[str, ...] | None:
    """Fields of a dataclass; None for any other type. Looked up once: a spec has some hundred values."""
    return tuple(field.name for field in dataclasses.fields(kind)) if dataclasses.is_dataclass(kind) else None


def from_plain(kind: type[T], plain: Any) -> T:
    """A value of `kind` out of what `to_plain` made.

    Raises:
        Invalid: `plain` has not the shape of `kind`; the message names the place.
    """
    try:
        return cast("T", _reader(cast("Hashable", kind))(plain))
    except (TypeError, ValueError, KeyError, AttributeError) as error:
        name = getattr(kind, "__name__", str(kind))
        raise Invalid(name, f"{name} cannot be read: {error}") from error


@cache
def _reader(kind: Any) -> _Read:
    if dataclasses.is_dataclass(kind):
        return _dataclass_reader(kind)
    origin = get_origin(kind)
    if origin in (Union, types.UnionType):
        return _union_reader(get_args(kind))
    if origin in (tuple, frozenset, list):
        return _sequence_reader(origin, get_args(kind))
    if origin in (dict, Mapping):
        item = _reader(get_args(kind)[1])
        return lambda plain: {key: item(value) for key, value in plain.items()}
    return _scalar_reader(kind)


def _dataclass_reader(kind: Any) -> _Read:
    hints = get_type_hints(kind)
    names = [field.name for field in dataclasses.fields(kind)]

    def read(plain: Any) -> Any:
        return kind(**{name: _reader(hints[name])(plain[name]) for name in names if name in plain})

    return read


def _sequence_reader(origin: Any, args: tuple[Any, ...]) -> _Read:
    if origin is tuple and args[-1] is not Ellipsis:
        readers = [_reader(arg) for arg in args]
        return lambda plain: tuple(read(item) for read, item in zip(readers, plain, strict=True))
    item = _reader(args[0])
    return lambda plain: origin(item(value) for value in plain)


def _union_reader(args: tuple[Any, ...]) -> _Read:
    """`X | None`, or several dataclasses told apart by their fields."""
    kinds = [arg for arg in args if arg is not type(None)]
    if len(kinds) == 1:
        read_one = _reader(kinds[0])
        return lambda plain: None if plain is None else read_one(plain)
    if not all(dataclasses.is_dataclass(kind) for kind in kinds):
        return lambda plain: plain
    return lambda plain: None if plain is None else _reader(_best_match(kinds, plain))(plain)


def _best_match(kinds: list[Any], plain: Mapping[str, Any]) -> Any:
    fields = [({field.name for field in dataclasses.fields(kind)}, kind) for kind in kinds]
    return next(kind for names, kind in fields if names == plain.keys())


def _scalar_reader(kind: Any) -> _Read:
    kind = getattr(kind, "__supertype__", kind)
    if kind is Any or get_origin(kind) is Literal:
        return lambda plain: plain
    if isinstance(kind, type) and issubclass(kind, Enum):
        return kind
    accepted = (int, float) if kind is float else kind

    def read(plain: Any) -> Any:
        if not isinstance(plain, accepted):
            raise TypeError(f"{plain!r:.60} is not {kind.__name__}")
        return plain

    return read
