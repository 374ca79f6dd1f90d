"""Bad weather between a publisher and a gateway: it is felt, and survived."""

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.e2e.steps import CAROL, enter, received, receiving, until
from tests.rig.processes import rig
from tests.rig.shim import Weather, bad_weather

pytestmark = pytest.mark.e2e

STORMY = Weather("stormy", loss=0.05, delay_ms=20, jitter_ms=20, duplicate=0.05)


async def test_a_publisher_in_a_storm_is_seen_and_heard(tmp_path):
    """5 % lost, 5 % doubled, out of order: the gateway counts it, asks again, and pictures come."""
    async with rig(tmp_path) as house, bad_weather(house.url, STORMY) as shim, receiving() as cdn:
        await enter(house, CAROL, server=shim.url)
        await house.start_task("storm", cdn.url)
        await received(cdn, 5)
        told = await until(lambda: _felt(house), "the storm is felt")
        relay = next(iter(shim.relays.values()))

    assert relay.lost > 0
    assert told["packets_repaired_total"] > 0
    assert told["frames_total"] > 60


async def _felt(house):
    async with httpx.AsyncClient(trust_env=False) as http:
        text = (await http.get(f"{house.url}/metrics")).text
    samples = [sample for family in text_string_to_metric_families(text) for sample in family.samples]
    found = {
        sample.name.removeprefix("openmpu_track_"): sample.value
        for sample in samples
        if sample.labels.get("kind") == "video" and sample.name.startswith("openmpu_track_")
    }
    return found if found.get("packets_repaired_total") and found.get("frames_total", 0) > 60 else None
