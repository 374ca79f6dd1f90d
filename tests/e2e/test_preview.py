"""Dry runs: `POST /api/preview` and `openmpu render` give the scene of a task that nobody has started."""

import asyncio
import io
import json
import secrets
import time
from collections.abc import Mapping

import httpx
import numpy as np
import pytest
from PIL import Image

from openmpu.clients.signing import Keys, Once, sign_v1, sign_v3
from openmpu.model.colours import Colour
from tests.rig.picture_server import Pictures
from tests.rig.processes import APP, KEY_ID, SECRET, Rig

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(120), pytest.mark.asyncio(loop_scope="package")]
PATH = "/api/preview"
GROUND, MARK = Colour(20, 60, 100), Colour(220, 200, 40)
GROUND_NUMBER = GROUND.red + GROUND.green * 256 + GROUND.blue * 65536


async def preview(house: Rig, form: Mapping[str, str], plain: object = None, secret: str = SECRET) -> httpx.Response:
    """A signed request, as a form or with a JSON body."""
    keys = Keys(KEY_ID, secret)
    host, body = house.url.removeprefix("http://"), b"" if plain is None else json.dumps(plain).encode()
    if plain is None:
        request = sign_v1("POST", PATH, form, keys, once(), host)
    else:
        request = sign_v3("POST", PATH, form, keys, once(), host, ("Preview", "2018-01-11"), body)
    async with httpx.AsyncClient(timeout=60, trust_env=False) as http:
        return await http.post(house.url + PATH, headers=request.headers, content=request.body)


def once() -> Once:
    """Now."""
    return Once(time.time(), secrets.token_hex(16))


async def unsigned_body(house: Rig) -> int:
    """The answer to a JSON body under a signature that does not cover it."""
    request = sign_v1("GET", PATH, {}, Keys(KEY_ID, SECRET), once(), house.url.removeprefix("http://"))
    async with httpx.AsyncClient(trust_env=False) as http:
        return (await http.post(f"{house.url}{PATH}?{request.query}", json={"LayoutIds": [2]})).status_code


def pixels(png: bytes) -> np.ndarray:
    """Rows of (red, green, blue)."""
    return np.asarray(Image.open(io.BytesIO(png)))


def scene(shelf: Pictures) -> dict[str, str]:
    """Two people side by side, a ground, and a mark of half strength in the middle of the border above."""
    mark = {"Url": shelf.of(MARK), "Alpha": "0.5", "X": "0.4", "Y": "0.05", "Width": "0.2", "Height": "0.15"}
    asked = {"LayoutIds.1": "2", "MediaEncode": "20", "MixMode": "1", "BackgroundColor": str(GROUND_NUMBER)}
    return {**asked, **{f"Watermarks.1.{name}": value for name, value in mark.items()}}


def assert_scene(picture: np.ndarray) -> None:
    """What `scene` asked for."""
    assert picture.shape == (720, 1280, 3)
    assert picture[20, 100].tolist() == pytest.approx([20, 60, 100], abs=2)
    assert picture[90, 640].tolist() == pytest.approx([120, 130, 70], abs=2)
    left, right = picture[360, 20].astype(int), picture[360, 660].astype(int)
    assert np.abs(left - right).max() > 20, "everybody has a colour of their own"
    assert np.abs(left - picture[20, 100]).max() > 20


async def test_previews_of_the_server(house: Rig, shelf: Pictures):
    """A form and JSON give the same picture; custom layouts are known; what cannot be is refused with a reason."""
    panes = {"Panes.1.PaneId": 0, "Panes.1.X": 0.5, "Panes.1.Width": 0.5}
    made = (await house.call("CreateMPULayout", AudioMixCount=1, **panes)).value()["LayoutId"]
    form, own, strange, bad, unknown = await asyncio.gather(
        preview(house, scene(shelf)),
        preview(house, {**scene(shelf), "AppId": APP, "LayoutIds.1": str(made)}),
        preview(house, scene(shelf), secret="not-the-secret"),
        preview(house, {**scene(shelf), "CropMode": "9"}),
        preview(house, {**scene(shelf), "AppId": "stranger"}),
    )
    assert (form.status_code, form.headers["content-type"]) == (200, "image/png"), form.text[:200]
    assert_scene(pixels(form.content))
    assert own.status_code == 200, own.text[:200]
    assert pixels(own.content)[360, 300].tolist() == pytest.approx([20, 60, 100], abs=2)
    assert pixels(own.content)[360, 900].tolist() != pytest.approx([20, 60, 100], abs=20)
    assert [strange.status_code, bad.status_code] == [401, 400]
    assert "CropMode" in bad.text
    assert 400 <= unknown.status_code < 500
    plain = {**{name: value for name, value in scene(shelf).items() if "." not in name}, "LayoutIds": [2]}
    plain["Watermarks"] = [{"Url": shelf.of(MARK), "Alpha": 0.5, "X": 0.4, "Y": 0.05, "Width": 0.2, "Height": 0.15}]
    answer, broken = await preview(house, {}, plain), await preview(house, {}, [1])
    assert answer.status_code == 200, answer.text[:200]
    assert np.array_equal(pixels(answer.content), pixels(form.content))
    assert broken.status_code == 400
    assert await unsigned_body(house) == 400


async def test_render_draws_what_the_preview_draws(house: Rig, shelf: Pictures):
    """`openmpu render` writes the same picture; a bad parameter is told, and nothing is written."""
    given = [f"{name}={value}" for name, value in scene(shelf).items()]
    config = ["--config", str(house.config)]
    done = await house.run("render", "-o", "scene.png", *config, *given)
    assert done.status == 0, done.err
    picture = pixels((house.directory / "scene.png").read_bytes())
    assert_scene(picture)
    assert np.array_equal(picture, pixels((await preview(house, scene(shelf))).content))
    bad = await house.run("render", "-o", "bad.png", *config, "LayoutIds.1=4711")
    assert bad.status != 0
    assert "4711" in bad.err
    assert "Traceback" not in bad.err
    assert not (house.directory / "bad.png").exists()
