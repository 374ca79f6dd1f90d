"""S20: what a browser is told about our pages."""

from __future__ import annotations

import re
from importlib.resources import files

import httpx
import pytest

from openmpu.http import pages
from openmpu.http.app import make_app
from openmpu.http.health import health_routes
from openmpu.http.pages.routes import page_routes

JOIN = ["/join/app/room", "/join/join.js", "/join/join.css", "/join/app/%3Cscript%3Ealert(1)%3C"]
PLAY = ["/play/app/show", "/play/play.js", "/play/play.css", "/play/app/%3Cscript%3Ealert(1)%3C"]


async def get(path: str) -> httpx.Response:
    """From the pages' door."""
    app = make_app([*page_routes(), *health_routes(lambda: {"gateways": True})])
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://mpu.example") as http:
        return await http.get(path, headers={"origin": "https://evil.example"})


@pytest.mark.parametrize("path", [*JOIN, *PLAY])
async def test_s20_pages_run_our_own_code_only(path: str) -> None:
    """No inline script, no foreign one, no frame around it, no guessing of types, no other site reads it."""
    answer = await get(path)
    policy = answer.headers["content-security-policy"]
    assert "default-src 'self'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert "access-control-allow-origin" not in answer.headers
    assert "set-cookie" not in answer.headers


@pytest.mark.parametrize("places", [JOIN, PLAY])
async def test_s20_the_page_repeats_nothing_of_its_address(places: list[str]) -> None:
    """The same bytes for everybody: a name in the path cannot become markup."""
    plain, odd = await get(places[0]), await get(places[3])
    assert plain.content == odd.content


@pytest.mark.parametrize("name", ["join", "play"])
def test_s20_names_become_text_never_markup(name: str) -> None:
    """The script writes into the page by textContent only, and the page has no handlers of its own."""
    script = files(pages).joinpath(f"{name}.js").read_text()
    page = files(pages).joinpath(f"{name}.html").read_text()
    assert not re.search(r"innerHTML|outerHTML|insertAdjacent|document\.write|\beval\b|new Function", script)
    assert not re.search(r"\son\w+=|javascript:|<script(?![^>]*\ssrc=)|style=", page)


async def test_s20_other_doors_open_to_no_other_site() -> None:
    """Without CORS headers a foreign page can read nothing of them."""
    assert "access-control-allow-origin" not in (await get("/readyz")).headers
