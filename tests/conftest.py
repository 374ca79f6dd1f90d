"""Rules for the whole suite."""

import pytest

RERUNS = 2
"""An end-to-end test shares two cores with a browser, encoders and whatever else the machine does; the output clock is
real. What is broken fails three times; every repeat is shown in the summary."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give end-to-end tests another try."""
    for item in items:
        if item.get_closest_marker("e2e"):
            item.add_marker(pytest.mark.flaky(reruns=RERUNS))
