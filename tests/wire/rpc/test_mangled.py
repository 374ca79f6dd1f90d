"""The three families of mangled names (operations.md 1.3, rules 2, 6 and 7)."""

from __future__ import annotations

import pytest

from openmpu.errors import Invalid
from openmpu.wire.rpc.requests.mpu import StartMPUTask
from openmpu.wire.rpc.requests.overlays import UserPane
from openmpu.wire.rpc.rows import read, trees_of


def panes_of(**flat: str) -> tuple[tuple[UserPane, ...], tuple[str, ...]]:
    """Panes and notes; two underscores stand for a dot."""
    trees, notes = trees_of(StartMPUTask, {name.replace("__", "."): text for name, text in flat.items()})
    return read(StartMPUTask, trees).user_panes, notes


def test_names_without_their_dot() -> None:
    """The old C++ SDK: `UserPanes.1Images.1.Url`."""
    panes, notes = panes_of(
        UserPanes__1__PaneId="0",
        UserPanes__1Images__1__Url="http://a/b.png",
        UserPanes__1Texts__1__Text="hi",
        UserPanes__2__PaneId="1",
    )
    assert (panes[0].images[0].url, panes[0].texts[0].text) == ("http://a/b.png", "hi")
    assert not notes


def test_with_and_without_the_dot_at_once_contradict() -> None:
    """Both spellings of one name: nothing is guessed."""
    with pytest.raises(Invalid) as refused:
        panes_of(UserPanes__1Images__1__Url="http://a/b.png", UserPanes__1__Images__1__Url="http://a/c.png")
    assert refused.value.subject == "UserPanes"


def test_numbers_run_together_are_dropped_before_the_gap_rule() -> None:
    """The Python SDK 1.3.x: index 11 is pane 1's picture 1; it would be a gap, it never is pane 11."""
    panes, notes = panes_of(
        UserPanes__1__PaneId="0",
        UserPanes__11__Url="http://a/b.png",
        UserPanes__11__FontSize="24",
        UserPanes__11__BoxBorderWidth="2",
        UserPanes__12__Alpha="0.5",
    )
    assert [pane.pane_id for pane in panes] == [0]
    assert len(notes) == 2


def test_only_garbled_panes_leave_no_list_at_all() -> None:
    """What is left is absent, not malformed."""
    assert panes_of(UserPanes__11__Text="x")[0] == ()


@pytest.mark.parametrize(
    "field", ["PaneId", "UserId", "SourceType", "SegmentType", "Images.1.Url", "Texts.1.Text", "Unknown"]
)
def test_an_index_with_anything_of_a_pane_is_a_pane(field: str) -> None:
    """Then the gap rule counts."""
    with pytest.raises(Invalid):
        panes_of(**{"UserPanes__1__PaneId": "0", "UserPanes__11__Url": "http://a/b", f"UserPanes.11.{field}": "1"})
