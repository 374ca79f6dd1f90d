"""Headless Chromium as a publisher: a page that draws the test picture, beeps, and speaks WHIP.

The page is handed to the browser under the server's own origin (the request for it is answered by playwright, not by
the server), because a WHIP endpoint owes nothing to pages of other origins.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from playwright.async_api import Browser, Page, Route, async_playwright

from openmpu.clients.marks import tag_of
from openmpu.model.colours import Colour
from tests.rig.debian import need

_PAGE = Path(__file__).with_name("chromium_page.html")
_FLAGS = [
    "--no-sandbox",
    "--auto-accept-this-tab-capture",
    "--autoplay-policy=no-user-gesture-required",
    "--disable-features=WebRtcHideLocalIpsWithMdns",
    "--allow-loopback-in-peer-connection",
    "--disable-background-timer-throttling",
    "--disable-backgrounding-occluded-windows",
    "--disable-renderer-backgrounding",
    "--disable-background-networking",
]


FAKE_DEVICES = ("--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream")
"""A camera and a microphone, and nobody who has to allow them."""


class BrowserPublisher:
    """One page, which may publish several sources."""

    def __init__(self, page: Page) -> None:
        self.page = page

    async def publish(
        self,
        whip_url: str,
        token: str,
        user: str,
        *,
        colour: Colour,
        tone_hz: int,
        codec: str = "h264",
        width: int = 1280,
        height: int = 720,
        fps: int = 30,
        display: bool = False,
    ) -> str:
        """Publish a drawn picture and a beeping tone, or this very tab as a screen, without sound.

        Args:
            whip_url: With its query, such as `…?source=camera`.
            token: Join token.
            user: Whose tag goes into the mark; give a screen another name than its user's camera.
            colour: Of the border.
            tone_hz: 0: no sound.
            codec: `h264` or `vp8`.
            width: Of the picture, like height and fps.
            height: See width.
            fps: See width.
            display: The tab by getDisplayMedia: 1280x720, showing a picture of this colour and tag.

        Returns:
            The session's URL.
        """
        options = {
            "url": whip_url,
            "token": token,
            "tag": tag_of(user),
            "colour": [colour.red, colour.green, colour.blue],
            "tone": tone_hz,
            "codec": codec,
            "width": width,
            "height": height,
            "fps": fps,
            "display": display,
        }
        resource: str = await self.page.evaluate("options => publish(options)", options)
        return resource

    async def connected(self, resource: str, within_s: float = 15.0) -> None:
        """Wait until the session's media connection stands.

        Raises:
            playwright.async_api.TimeoutError: It does not.
        """
        condition = "resource => sessions.get(resource)?.connectionState === 'connected'"
        await self.page.wait_for_function(condition, arg=resource, timeout=within_s * 1000)

    async def stats(self, resource: str) -> list[dict[str, Any]]:
        """`outbound-rtp` statistics of a session."""
        found: list[dict[str, Any]] = await self.page.evaluate("resource => outbound(resource)", resource)
        return found

    async def end(self, resource: str, token: str) -> int:
        """DELETE the session; the answer's status."""
        status: int = await self.page.evaluate("([resource, token]) => end(resource, token)", [resource, token])
        return status


@contextlib.asynccontextmanager
async def chromium(*more: str) -> AsyncIterator[Browser]:
    """A headless Chromium of Debian, with `more` flags."""
    program = need("chromium", program="chromium")
    async with async_playwright() as driver:
        browser = await driver.chromium.launch(executable_path=program, args=[*_FLAGS, *more])
        try:
            yield browser
        finally:
            await browser.close()


async def open_publisher(browser: Browser, server_url: str) -> BrowserPublisher:
    """The publishing page under the server's origin."""
    context = await browser.new_context(viewport={"width": 1280, "height": 720})
    page = await context.new_page()
    address = f"{server_url}/rig-page"

    async def answer(route: Route) -> None:
        await route.fulfill(body=_PAGE.read_text(encoding="utf-8"), content_type="text/html; charset=utf-8")

    await page.route(address, answer)
    await page.goto(address)
    return BrowserPublisher(page)
