"""Custom layouts of apps, and what the layout ids of a task stand for (operations.md 5, layouts.md 1 to 3)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Protocol

from openmpu.errors import Denied, Invalid, Limited, NotFound
from openmpu.model.ids import AppId, LayoutId
from openmpu.model.layouts import BUILT_IN, LAST_BUILT_IN_ID, MAX_PANES, MAX_VOICES, Layout, Pane
from openmpu.services.accounts import Account
from openmpu.services.ports import Store

MAX_NAME = 64
MAX_OWN = 1_000
"""Custom layouts of one app: nothing is documented, but each start reads them (security.md S13)."""


class LayoutUsers(Protocol):
    """Whose tasks use custom layouts: they follow a change at once."""

    async def layout_changed(self, app_id: AppId, layout_id: LayoutId) -> None:
        """Show its new panes (operations.md 5.1: within 1 s)."""
        ...

    async def layout_deleted(self, app_id: AppId, layout_id: LayoutId) -> None:
        """End the tasks that use it (operations.md 5.2)."""
        ...


async def resolve(store: Store, app_id: AppId, ids: Sequence[LayoutId]) -> tuple[Layout, ...]:
    """What the ids of a request stand for, in their order.

    Raises:
        Invalid: `layouts`: an unknown or foreign id, too many, or two of the same number of panes.
    """
    if len(ids) > MAX_PANES:
        raise Invalid("layouts", f"more than {MAX_PANES} layouts")
    layouts = await look_up(store, app_id, ids)
    _check_sizes(layouts)
    return layouts


async def look_up(store: Store, app_id: AppId, ids: Sequence[LayoutId]) -> tuple[Layout, ...]:
    """What ids that were checked before stand for now: a custom layout may have got more or fewer panes since.

    Raises:
        Invalid: `layouts`: an unknown or foreign id.
    """
    custom = await store.layouts(app_id) if any(number > LAST_BUILT_IN_ID for number in ids) else ()
    known = {**BUILT_IN, **{layout.layout_id: layout for layout in custom}}
    unknown = [number for number in ids if number not in known]
    if unknown:
        raise Invalid("layouts", f"no layout {unknown[0]}")
    return tuple(known[number] for number in ids)


def _check_sizes(layouts: Sequence[Layout]) -> None:
    size, count = max(
        Counter(len(layout.panes) for layout in layouts).items(), key=lambda item: item[1], default=(0, 0)
    )
    if count > 1:
        raise Invalid("layouts", f"two layouts with {size} panes")


def check_layout(layout: Layout) -> None:
    """Whether it can be a custom layout (operations.md 5.1).

    Raises:
        Invalid: `Panes`, `AudioMixCount` or `Name`.
    """
    _check_panes(layout.panes)
    if layout.audio_mix_count is None or not 0 <= layout.audio_mix_count <= MAX_VOICES:
        raise Invalid("AudioMixCount", f"must be 0 to {MAX_VOICES}")
    if len(layout.name) > MAX_NAME:
        raise Invalid("Name", f"longer than {MAX_NAME} characters")


def _check_panes(panes: Sequence[Pane]) -> None:
    if not 1 <= len(panes) <= MAX_PANES:
        raise Invalid("Panes", f"must be 1 to {MAX_PANES}")
    if sorted(pane.pane_id for pane in panes) != list(range(len(panes))):
        raise Invalid("Panes", "PaneIds must be 0 and up, without gaps or repeats")
    if sum(pane.major for pane in panes) > 1:
        raise Invalid("Panes", "more than one major pane")
    for pane in panes:
        _check_pane(pane)


def _check_pane(pane: Pane) -> None:
    rect = pane.rect
    if not (0 <= rect.x <= 1 and 0 <= rect.y <= 1 and 0 < rect.width <= 1 and 0 < rect.height <= 1):
        raise Invalid("Panes", f"pane {pane.pane_id} reaches out of the canvas or has no size")
    if pane.zorder < 0:
        raise Invalid("Panes", f"pane {pane.pane_id} has a ZOrder below 0")


class Layouts:
    """The layout operations.

    Args:
        store: Keeps them.
        users: Follows their changes.
    """

    def __init__(self, store: Store, users: LayoutUsers) -> None:
        self._store, self._users = store, users

    async def create(self, account: Account, app_id: AppId, layout: Layout) -> LayoutId:
        """Keep a new layout; its id.

        Raises:
            Invalid: See `check_layout`.
            NotFound: Not the account's app.
            Limited: `layouts`: the app has too many.
        """
        account.app(app_id)
        check_layout(layout)
        if len(await self._store.layouts(app_id)) >= MAX_OWN:
            raise Limited("layouts", f"an app may have {MAX_OWN} layouts")
        return await self._store.add_layout(app_id, layout)

    async def modify(
        self, account: Account, app_id: AppId, layout_id: LayoutId, change: Callable[[Layout], Layout]
    ) -> None:
        """Change a custom layout; running tasks show it.

        Raises:
            Denied: `layout`: it is built in.
            NotFound: `app`, or `layout`: the app has none of that id.
            Invalid: See `check_layout`.
        """
        layout = replace(change(await self._own(account, app_id, layout_id)), layout_id=layout_id)
        check_layout(layout)
        await self._store.save_layout(app_id, layout)
        await self._users.layout_changed(app_id, layout_id)

    async def delete(self, account: Account, app_id: AppId, layout_id: LayoutId) -> None:
        """Forget a custom layout and end the tasks that use it.

        Raises:
            Denied: `layout`: it is built in.
            NotFound: `app`, or `layout`: the app has none of that id.
        """
        await self._own(account, app_id, layout_id)
        await self._store.drop_layout(app_id, layout_id)
        await self._users.layout_deleted(app_id, layout_id)

    async def list_custom(
        self, account: Account, app_id: AppId, layout_id: LayoutId | None = None, name: str | None = None
    ) -> Sequence[Layout]:
        """The app's custom layouts, ascending by id: all, of one id, with `name` as part of theirs.

        Raises:
            NotFound: Not the account's app.
        """
        account.app(app_id)
        layouts = await self._store.layouts(app_id)
        return [
            layout
            for layout in layouts
            if (layout_id is None or layout.layout_id == layout_id) and (name is None or name in layout.name)
        ]

    async def resolve(self, app_id: AppId, ids: Sequence[LayoutId]) -> tuple[Layout, ...]:
        """What the ids stand for, in their order.

        Raises:
            Invalid: `layouts`.
        """
        return await resolve(self._store, app_id, ids)

    async def _own(self, account: Account, app_id: AppId, layout_id: LayoutId) -> Layout:
        account.app(app_id)
        if layout_id <= LAST_BUILT_IN_ID:
            raise Denied("layout", f"layout {layout_id} is built in and cannot be changed")
        for layout in await self._store.layouts(app_id):
            if layout.layout_id == layout_id:
                return layout
        raise NotFound("layout", f"no layout {layout_id}")
