"""Custom layouts and what layout ids stand for (operations.md 5)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from openmpu.errors import Denied, Invalid, Limited, NotFound
from openmpu.model.geometry import Rect
from openmpu.model.ids import AppId, LayoutId
from openmpu.model.layouts import BUILT_IN, Layout, Pane
from openmpu.services import layouts as layouts_module
from openmpu.services.layouts import Layouts
from openmpu.store.sql import open_store
from tests.services.doubles import ACCOUNT, STRANGER

APP = AppId("app")
LEFT, RIGHT = Pane(0, Rect(0, 0, 0.5, 1), major=True), Pane(1, Rect(0.5, 0, 0.5, 1))
LAYOUT = Layout(LayoutId(0), (LEFT, RIGHT), 3, "two up")


class Users:
    """Hears of changes."""

    def __init__(self) -> None:
        self.heard: list[tuple[str, int]] = []

    async def layout_changed(self, app_id: AppId, layout_id: LayoutId) -> None:
        self.heard.append(("changed", layout_id))

    async def layout_deleted(self, app_id: AppId, layout_id: LayoutId) -> None:
        self.heard.append(("deleted", layout_id))


@pytest.fixture
async def layouts() -> AsyncIterator[Layouts]:
    """The service on a store in memory."""
    async with open_store("sqlite://") as store:
        yield Layouts(store, Users())


async def test_life_of_a_layout(layouts: Layouts) -> None:
    """Made, listed, changed, deleted; those who use it hear of it."""
    made = await layouts.create(ACCOUNT, APP, LAYOUT)
    assert list(await layouts.list_custom(ACCOUNT, APP)) == [replace(LAYOUT, layout_id=made)]
    await layouts.modify(ACCOUNT, APP, made, lambda layout: replace(layout, name="renamed", layout_id=LayoutId(5)))
    assert [(each.layout_id, each.name, each.panes) for each in await layouts.list_custom(ACCOUNT, APP)] == [
        (made, "renamed", LAYOUT.panes)
    ]
    await layouts.delete(ACCOUNT, APP, made)
    assert layouts._users.heard == [("changed", made), ("deleted", made)]
    for call in (layouts.delete(ACCOUNT, APP, made), layouts.modify(ACCOUNT, APP, made, lambda layout: layout)):
        with pytest.raises(NotFound) as refused:
            await call
        assert refused.value.subject == "layout"


async def test_lists_by_id_and_by_part_of_the_name(layouts: Layouts) -> None:
    """Ascending by id."""
    ids = [await layouts.create(ACCOUNT, APP, replace(LAYOUT, name=name)) for name in ("red", "reddish", "blue")]
    assert [each.layout_id for each in await layouts.list_custom(ACCOUNT, APP, name="red")] == ids[:2]
    assert [each.name for each in await layouts.list_custom(ACCOUNT, APP, ids[2])] == ["blue"]
    assert list(await layouts.list_custom(ACCOUNT, APP, ids[0], "blue")) == []


async def test_built_in_layouts_cannot_be_changed(layouts: Layouts) -> None:
    """403 outside; also for ids up to 10000 that do not exist."""
    for number in (LayoutId(2), LayoutId(10_000)):
        for call in (layouts.modify(ACCOUNT, APP, number, lambda layout: layout), layouts.delete(ACCOUNT, APP, number)):
            with pytest.raises(Denied):
                await call


async def test_another_apps_layout_counts_as_unknown(layouts: Layouts) -> None:
    """Of the same account and of a stranger's."""
    made = await layouts.create(ACCOUNT, APP, LAYOUT)
    with pytest.raises(NotFound):
        await layouts.delete(ACCOUNT, AppId("app2"), made)
    with pytest.raises(Invalid):
        await layouts.resolve(AppId("app2"), [made])
    for call in (
        layouts.create(STRANGER, APP, LAYOUT),
        layouts.list_custom(STRANGER, APP),
        layouts.delete(STRANGER, APP, made),
        layouts.modify(STRANGER, APP, made, lambda layout: layout),
    ):
        with pytest.raises(NotFound) as refused:
            await call
        assert refused.value.subject == "app"
    assert [each.layout_id for each in await layouts.resolve(APP, [LayoutId(1), made])] == [1, made]


@pytest.mark.parametrize(
    ("changes", "subject"),
    [
        ({"panes": ()}, "Panes"),
        ({"panes": (LEFT, replace(RIGHT, pane_id=0))}, "Panes"),
        ({"panes": (LEFT, replace(RIGHT, pane_id=2))}, "Panes"),
        ({"panes": (LEFT, replace(RIGHT, major=True))}, "Panes"),
        ({"panes": (replace(LEFT, rect=Rect(-0.1, 0, 1, 1)),)}, "Panes"),
        ({"panes": (replace(LEFT, rect=Rect(0, 0, 0, 1)),)}, "Panes"),
        ({"panes": (replace(LEFT, rect=Rect(0, 0, 1, 1.01)),)}, "Panes"),
        ({"panes": (replace(LEFT, zorder=-1),)}, "Panes"),
        ({"panes": tuple(replace(LEFT, pane_id=number, major=False) for number in range(17))}, "Panes"),
        ({"audio_mix_count": 7}, "AudioMixCount"),
        ({"audio_mix_count": -1}, "AudioMixCount"),
        ({"audio_mix_count": None}, "AudioMixCount"),
        ({"name": "x" * 65}, "Name"),
    ],
)
async def test_malformed_layouts_are_refused(layouts: Layouts, changes: dict[str, object], subject: str) -> None:
    """Neither made nor changed into; what was there stays."""
    made = await layouts.create(ACCOUNT, APP, LAYOUT)
    for call in (
        layouts.create(ACCOUNT, APP, replace(LAYOUT, **changes)),
        layouts.modify(ACCOUNT, APP, made, lambda layout: replace(layout, **changes)),
    ):
        with pytest.raises(Invalid) as refused:
            await call
        assert refused.value.subject == subject
    assert list(await layouts.list_custom(ACCOUNT, APP)) == [replace(LAYOUT, layout_id=made)]


async def test_a_rectangle_over_the_edge_is_taken(layouts: Layouts) -> None:
    """It is clipped when drawn (operations.md 1.5); 16 panes are allowed."""
    panes = tuple(replace(LEFT, pane_id=number, major=False, rect=Rect(0.9, 0.9, 1, 1)) for number in range(16))
    assert await layouts.create(ACCOUNT, APP, replace(LAYOUT, panes=panes)) == 10_001


async def test_every_built_in_layout_resolves(layouts: Layouts) -> None:
    """Those of layouts.md 2."""
    for number, layout in BUILT_IN.items():
        assert await layouts.resolve(APP, [number]) == (layout,)


async def test_an_app_may_have_so_many_layouts(layouts: Layouts, monkeypatch: pytest.MonkeyPatch) -> None:
    """Then one must go first; other apps are not touched."""
    monkeypatch.setattr(layouts_module, "MAX_OWN", 2)
    made = [await layouts.create(ACCOUNT, APP, LAYOUT) for _ in range(2)]
    with pytest.raises(Limited):
        await layouts.create(ACCOUNT, APP, LAYOUT)
    await layouts.create(ACCOUNT, AppId("app2"), LAYOUT)
    await layouts.delete(ACCOUNT, APP, made[0])
    await layouts.create(ACCOUNT, APP, LAYOUT)
