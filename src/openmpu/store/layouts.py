"""Custom layouts in the store."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence

from sqlalchemy import ColumnElement, Connection, and_, delete, insert, select, update

from openmpu.model.codec import from_plain
from openmpu.model.ids import AppId, LayoutId
from openmpu.model.layouts import Layout
from openmpu.store.database import Database
from openmpu.store.rows import dump
from openmpu.store.tables import COUNTERS, LAYOUTS


class LayoutRows:
    """The part of the Store port about layouts; see there for what each method promises."""

    _database: Database

    async def add_layout(self, app_id: AppId, layout: Layout) -> LayoutId:
        """Keep a layout under a new id."""

        def job(connection: Connection) -> LayoutId:
            count = update(COUNTERS).where(COUNTERS.c.name == "layout_id").values(value=COUNTERS.c.value + 1)
            layout_id = LayoutId(connection.execute(count.returning(COUNTERS.c.value)).scalar_one())
            text = dump(dataclasses.replace(layout, layout_id=layout_id))
            connection.execute(insert(LAYOUTS), {"layout_id": layout_id, "app_id": app_id, "layout": text})
            return layout_id

        return await self._database.write(job)

    async def layouts(self, app_id: AppId) -> Sequence[Layout]:
        """The app's layouts, ascending by id."""
        query = select(LAYOUTS.c.layout).where(LAYOUTS.c.app_id == app_id).order_by(LAYOUTS.c.layout_id)
        texts = await self._database.read(lambda connection: connection.execute(query).scalars().all())
        return [from_plain(Layout, json.loads(text)) for text in texts]

    async def save_layout(self, app_id: AppId, layout: Layout) -> None:
        """Replace the app's layout of that id."""
        change = update(LAYOUTS).where(_is(app_id, layout.layout_id)).values(layout=dump(layout))
        await self._database.write(lambda connection: connection.execute(change).rowcount)

    async def drop_layout(self, app_id: AppId, layout_id: LayoutId) -> bool:
        """Forget it; whether there was one."""
        gone = delete(LAYOUTS).where(_is(app_id, layout_id))
        return await self._database.write(lambda connection: connection.execute(gone).rowcount) > 0


def _is(app_id: AppId, layout_id: LayoutId) -> ColumnElement[bool]:
    return and_(LAYOUTS.c.app_id == app_id, LAYOUTS.c.layout_id == layout_id)
