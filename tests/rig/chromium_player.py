"""Headless Chromium as a player: the server's own play page, and what can be seen and heard on it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from playwright.async_api import Browser, Page

from openmpu.clients import marks, reading
from openmpu.model.geometry import PixelRect

# Draws each shown picture into a canvas, asks for one mean per rectangle, and notes when the picture was shown: in
# milliseconds of Unix time, by the browser's own clock for presentation.
_WATCH = """([rects, count, patience]) => new Promise((resolve) => {
  const video = document.querySelector("video"), canvas = document.createElement("canvas"), seen = [];
  const pen = canvas.getContext("2d", { willReadFrequently: true });
  const mean = ([x, y, width, height]) => {
    const data = pen.getImageData(x, y, width, height).data, sums = [0, 0, 0];
    for (let place = 0; place < data.length; place += 4) for (let c = 0; c < 3; c += 1) sums[c] += data[place + c];
    return sums.map((sum) => 4 * sum / data.length);
  };
  const end = () => { resolve(seen); seen.push = () => 0; };
  setTimeout(end, patience);
  const shown = (now, picture) => {
    const offset = Date.now() - performance.now();
    canvas.width = video.videoWidth; canvas.height = video.videoHeight;
    pen.drawImage(video, 0, 0);
    seen.push([picture.presentationTime + offset, video.videoWidth, video.videoHeight, rects.map(mean)]);
    if (seen.length >= count) end(); else video.requestVideoFrameCallback(shown);
  };
  video.requestVideoFrameCallback(shown);
})"""
_STATS = """async () => {
  const found = [];
  for (const peer of peers) for (const report of (await peer.getStats()).values())
    if (report.type === "inbound-rtp") found.push({ ...report });
  return found;
}"""
# Before anything of the page runs: keep its connections, and note when each first picture was shown.
_BEFORE = """
  const peers = globalThis.peers = [], Real = RTCPeerConnection;
  globalThis.RTCPeerConnection = class extends Real { constructor(...given) { super(...given); peers.push(this); } };
  globalThis.firstShown = new Promise((resolve) => addEventListener("DOMContentLoaded", () =>
    document.querySelector("video")?.requestVideoFrameCallback((now, picture) => resolve(picture.presentationTime))));
"""

_LEAST_CONTRAST = 60


@dataclass(frozen=True, slots=True)
class Shown:
    """One picture on the page.

    Attributes:
        at: When it was shown, nanoseconds of Unix time.
        border: Colour of the border of the test picture that was looked for.
    """

    at: int
    width: int
    height: int
    mark: marks.Mark | None
    border: tuple[float, float, float]

    def delay_ms(self, fps: int) -> float | None:
        """Since the publisher made it; None if the mark cannot be read."""
        return (self.at - reading.captured(self.mark, fps, self.at)) / 1e6 if self.mark else None


class BrowserPlayer:
    """One play page."""

    def __init__(self, page: Page) -> None:
        self.page = page

    async def opened_ms(self) -> float:
        """Milliseconds from opening the page to its first picture, by the browser's own clock."""
        shown: float = await self.page.evaluate("firstShown")
        return shown

    async def watch(self, pane: PixelRect, border: PixelRect, count: int, within_s: float = 20.0) -> list[Shown]:
        """So many pictures, as long as they come in time.

        Args:
            pane: Where the test picture stands in the played one.
            border: A piece of its border.
            count: Of pictures.
            within_s: Patience.
        """
        cells = [_middle(pane, cell) for cell in marks.cells()]
        rects = [[border.left, border.top, border.width, border.height], *cells]
        seen = await self.page.evaluate(_WATCH, [rects, count, within_s * 1000])
        return [_shown(*one) for one in seen]

    async def stats(self, kind: str) -> dict[str, Any]:
        """`inbound-rtp` of the newest connection; empty without one."""
        found = [report for report in await self.page.evaluate(_STATS) if report["kind"] == kind]
        return found[-1] if found else {}

    async def says(self, text: str, within_s: float = 20.0) -> None:
        """Wait until the page says so.

        Raises:
            playwright.async_api.TimeoutError: It does not.
        """
        await self.page.get_by_text(text).wait_for(timeout=within_s * 1000)


async def open_player(browser: Browser, server_url: str, app: str, task: str, token: str) -> BrowserPlayer:
    """The play page, with the token in its fragment: it begins at once."""
    context = await browser.new_context(viewport={"width": 1280, "height": 900})
    page = await context.new_page()
    await page.add_init_script(_BEFORE)
    await page.goto(f"{server_url}/play/{app}/{task}#token={token}")
    return BrowserPlayer(page)


def _middle(pane: PixelRect, cell: Any) -> list[int]:
    """The middle half of a block of the mark, in pixels."""
    left, top = pane.left + (cell.x + cell.width / 4) * pane.width, pane.top + (cell.y + cell.height / 4) * pane.height
    return [
        round(left),
        round(top),
        max(1, int(cell.width / 2 * pane.width)),
        max(1, int(cell.height / 2 * pane.height)),
    ]


def _shown(at: float, width: int, height: int, means: list[list[float]]) -> Shown:
    (red, green, blue), *cells = means
    lumas = [0.2126 * cell[0] + 0.7152 * cell[1] + 0.0722 * cell[2] for cell in cells]
    middle, contrast = (min(lumas) + max(lumas)) / 2, max(lumas) - min(lumas)
    mark = marks.from_bits([luma > middle for luma in lumas]) if contrast > _LEAST_CONTRAST else None
    return Shown(round(at * 1e6), width, height, mark, (red, green, blue))
