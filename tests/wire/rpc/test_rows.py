"""Lists and objects by description: operations.md 1.3, rule by rule."""
# ruff: noqa: RUF009 - `row` makes a dataclass field

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from openmpu.errors import Invalid, Missing
from openmpu.wire.rpc import scalars
from openmpu.wire.rpc.rows import check_required, list_of, object_of, read, read_identifiers, row, trees_of


@dataclass(frozen=True, slots=True)
class Item:
    """An element."""

    x: int | None = row("X", scalars.integer(0, 9))
    words: tuple[str, ...] = row("Words", list_of(scalars.string, 2))


@dataclass(frozen=True, slots=True)
class Marked:
    """An object that may be empty and yet there."""

    note: str | None = row("Note", scalars.string)


@dataclass(frozen=True, slots=True)
class Request:
    """A table with one of everything."""

    task_id: str = row("TaskId", scalars.task_id, required=True, identifier=True, also="TaskID")
    ids: tuple[int, ...] = row("Ids", list_of(scalars.integer(1), 3))
    items: tuple[Item, ...] = row("Items", list_of(object_of(Item), 3))
    texts: tuple[Item, ...] = row("Texts", list_of(object_of(Item, json=True), 3, json=True))
    mark: Marked | None = row("Mark", object_of(Marked, json=True), empty_counts=True)
    other: Marked | None = row("Other", object_of(Marked, json=True))


def reading(**flat: str) -> Request:
    """The request that flat parameters make; two underscores stand for a dot."""
    trees, _ = trees_of(Request, {"TaskId": "t", **{name.replace("__", "."): text for name, text in flat.items()}})
    check_required(Request, trees)
    return read(Request, trees)


def refused(**flat: str) -> Invalid:
    """What is said about parameters that cannot be."""
    with pytest.raises(Invalid) as error:
        reading(**flat)
    return error.value


def test_lists_count_from_one_or_from_zero_each_by_itself() -> None:
    """Rules 1 and 2."""
    assert reading(Ids__1="5", Ids__2="6").ids == (5, 6)
    assert reading(Ids__0="5", Ids__1="6", Items__1__X="1").ids == (5, 6)


def test_order_is_by_number_not_by_arrival() -> None:
    """Rule 4."""
    assert reading(Ids__3="7", Ids__1="5", Ids__2="6").ids == (5, 6, 7)


@pytest.mark.parametrize(
    "indices", [("1", "3"), ("2",), ("0", "2"), ("5", "6"), ("01",), ("x",), ("-1",), ("1000000000",)]
)
def test_gaps_other_starts_and_odd_indices_are_refused(indices: tuple[str, ...]) -> None:
    """Rule 3; security.md S17."""
    error = refused(**{f"Ids__{index}": "5" for index in indices})
    assert error.subject == "Ids"


def test_more_than_the_maximum_is_refused() -> None:
    """Rule 5."""
    assert "more than 3" in refused(**{f"Ids__{number}": "5" for number in range(1, 5)}).message


def test_an_empty_element_is_absent_before_the_gap_rule() -> None:
    """operations.md 1.1: at the end it goes, at the start it leaves a gap."""
    assert reading(Ids__1="5", Ids__2="").ids == (5,)
    assert refused(Ids__1="", Ids__2="5").subject == "Ids"
    assert reading(Ids__1="").ids == ()


def test_a_list_as_a_single_value_is_refused() -> None:
    """Nothing of a known list is dropped silently."""
    assert "separate parameters" in refused(Ids="5").message


def test_nested_lists_and_unknown_fields() -> None:
    """Fields that nobody knows are ignored (operations.md 1.6)."""
    items = reading(Items__1__Words__1="a", Items__1__Words__2="b", Items__2__X="3", Items__2__Y="9", Foo__1="x").items
    assert items == (Item(words=("a", "b")), Item(x=3))


def test_the_message_names_the_value_in_full_and_the_subject_the_parameter() -> None:
    """operations.md 1.1."""
    error = refused(Items__1__X="12")
    assert error.subject == "Items"
    assert error.message.startswith("Items.1.X = 12:")
    assert refused(Items__0__Words__1="a", Items__0__Words__3="b").message.startswith("Items.0.Words:")


@pytest.mark.parametrize("text", ['[{"X": 3}, {"X": "4"}]', ' [ {"X":"3"},{"X":4} ] '])
def test_json_lists(text: str) -> None:
    """As JSON text, numbers as numbers or strings."""
    assert reading(Texts=text).texts == (Item(x=3), Item(x=4))


def test_dotted_and_mixed_forms_of_json_parameters() -> None:
    """operations.md 6: hand-made requests use dots; an element may be JSON text again."""
    assert reading(Texts__1__X="3", Texts__2='{"X": 4}').texts == (Item(x=3), Item(x=4))


def test_both_forms_of_one_parameter_contradict() -> None:
    """Neither wins silently."""
    assert "two forms" in refused(Texts='[{"X": 3}]', Texts__1__X="4").message


@pytest.mark.parametrize("text", ["[]", "{}", "null", "[ ]"])
def test_empty_json_is_absent(text: str) -> None:
    """The Tea SDK sends `[]` for an untouched field."""
    request = reading(Texts=text, Other=text)
    assert request.texts == ()
    assert request.other is None


def test_an_empty_object_may_count() -> None:
    """`LayoutVolume={}` is an answer of its own; null is not."""
    assert reading(Mark="{}").mark == Marked()
    assert reading(Mark="null").mark is None
    assert reading().mark is None


@pytest.mark.parametrize("text", ["[object Object]", '"x"', "5", "[1]", "{", '{"X": }'])
def test_what_is_no_object_is_refused(text: str) -> None:
    """A famous one first."""
    assert refused(Other=text).subject == "Other"


def test_required_and_identifiers() -> None:
    """Missing tells the name; the alias counts; contradictions do not."""
    trees, _ = trees_of(Request, {"TaskId": ""})
    with pytest.raises(Missing) as missing:
        check_required(Request, trees)
    assert missing.value.subject == "TaskId"
    assert identifiers(TaskID="a") == {"TaskId": "a"}
    assert identifiers(TaskID="a", TaskId="a") == {"TaskId": "a"}
    for flat in ({"TaskID": "a", "TaskId": "b"}, {"TaskId": "a b"}):
        with pytest.raises(Invalid) as error:
            identifiers(**flat)
        assert error.value.subject == "TaskId"


def identifiers(**flat: str) -> dict[str, Any]:
    return read_identifiers(Request, trees_of(Request, flat)[0])


def test_checks_run_at_their_place_in_the_table() -> None:
    """The first failure answers: a rule about Ids before a bad value of Items."""

    def ids(values: Any) -> None:
        raise Invalid("Ids", f"no {values['ids']}")

    trees, _ = trees_of(Request, {"TaskId": "t", "Ids.1": "5", "Items.1.X": "bad"})
    with pytest.raises(Invalid) as error:
        read(Request, trees, {"ids": ids})
    assert error.value.subject == "Ids"
