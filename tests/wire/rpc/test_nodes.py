"""Flat names and JSON texts as trees, there and back."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openmpu.wire.rpc.nodes import MAX_DEPTH, Node, from_json, to_plain, unflatten
from tests.http.signing import flatten

NAMES = st.text("ABCdef_", min_size=1, max_size=6)
LEAVES = st.text(min_size=1, max_size=8).filter(lambda text: text not in {"[]", "{}", "null"})


def nested(inner: Any) -> Any:
    """Lists of one kind and objects, neither ever empty: those cannot be told (operations.md 1.3 rule 8)."""
    return st.one_of(st.lists(inner, min_size=1, max_size=12), st.dictionaries(NAMES, inner, min_size=1, max_size=4))


TREES = st.dictionaries(NAMES, st.recursive(LEAVES, nested, max_leaves=12), min_size=1, max_size=4)


@given(TREES)
def test_flatten_and_back(tree: dict[str, Any]) -> None:
    """Whatever an SDK flattens is the same tree again, as deep as our tables go."""
    flat = dict(flatten(tree))
    if max(name.count(".") for name in flat) >= MAX_DEPTH:
        return
    trees = unflatten(flat, tree.keys())
    assert {name: to_plain(node) for name, node in trees.items()} == tree


def test_only_wanted_names_become_trees() -> None:
    """Unknown parameters are ignored, and cost nothing."""
    flat = {"A.1.X": "5", "A.2.X": "6", "B": "7", "C.1": "8", "A": ""}
    assert {name: to_plain(node) for name, node in unflatten(flat, {"A", "B"}).items()} == {
        "A": [{"X": "5"}, {"X": "6"}],
        "B": "7",
    }


def test_an_absurdly_deep_name_belongs_to_nobody() -> None:
    """security.md S17: no recursion by names."""
    assert unflatten({"A" + ".B" * 100_000: "1"}, {"A"}) == {}


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ('{"a": 1, "b": 1.50, "c": true, "d": "x"}', {"a": "1", "b": "1.50", "c": "true", "d": "x"}),
        ('{"a": null, "b": "", "c": [1]}', {"c": ["1"]}),
        ('[{"URL": "u"}]', [{"URL": "u"}]),
        ('{"a": 123456789012345678901234567890}', {"a": "123456789012345678901234567890"}),
    ],
)
def test_json_leaves_are_texts_as_they_are_spelled(text: str, plain: Any) -> None:
    """Strings, numbers and booleans alike (operations.md 6)."""
    assert to_plain(from_json(text)) == plain


@pytest.mark.parametrize(
    "text",
    [
        "[object Object]",
        "{'a': 1}",
        '{"a": NaN}',
        '{"a": Infinity}',
        '{"a": 1, "a": 2}',
        '{"a": "\\ud800"}',
        '{"a\\u0000": 1}',
        '{"a": "\\u0000"}',
        "[" * 100_000,
        "[" * 12 + "1" + "]" * 12,
        '{"a":' * 5000 + "1" + "}" * 5000,
        "",
        "{",
    ],
)
def test_what_is_not_json_is_a_value_error(text: str) -> None:
    """And nothing else: no RecursionError, no half surrogate that fails later."""
    with pytest.raises(ValueError, match=r"\w"):
        from_json(text)


@pytest.mark.parametrize(
    ("node", "nothing"),
    [
        (Node("[]"), True),
        (Node(" [ ] "), True),
        (Node("{}"), True),
        (Node("null"), True),
        (Node("0"), False),
        (Node(None, {}), True),
        (Node(None, {"A": Node("1")}), False),
    ],
)
def test_empty_json_says_nothing(node: Node, nothing: bool) -> None:
    """operations.md 6: counts as absent."""
    assert node.says_nothing is nothing


def test_a_list_of_ten_keeps_its_numeric_order() -> None:
    """10 comes after 9, not after 1."""
    flat = {f"A.{number}": str(number) for number in (10, 2, 1, 9, 3, 4, 5, 6, 7, 8)}
    assert to_plain(unflatten(flat, {"A"})["A"]) == [str(number) for number in range(1, 11)]
