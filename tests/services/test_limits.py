"""Rates per account and operation."""

from __future__ import annotations

import threading
import time

import pytest

from openmpu.errors import Invalid, Limited
from openmpu.services.limits import RateLimits

LIVE, RTC = "2016-11-01", "2018-01-11"


def calls(rates: RateLimits, count: int, action: str = "A", version: str = LIVE, account: str = "demo") -> int:
    """How many of so many calls are let through."""
    passed = 0
    for _ in range(count):
        try:
            rates.check(account, version, action)
        except Limited:
            continue
        passed += 1
    return passed


def test_each_operation_of_each_account_has_its_own_count() -> None:
    """Other operations, versions and accounts are not touched."""
    rates = RateLimits({(LIVE, "A"): "3/minute"})
    assert calls(rates, 5) == 3
    assert calls(rates, 5, account="other") == 3
    assert calls(rates, 5, "B") == 5
    assert calls(rates, 5, version=RTC) == 5


def test_what_is_not_named_has_the_default() -> None:
    """100 a second (operations.md 0.3)."""
    assert calls(RateLimits(default="4/minute"), 9, "Unknown") == 4


def test_refusals_tell_when_to_come_again() -> None:
    """Within the window, and after that time it works."""
    rates = RateLimits({(LIVE, "A"): "1/second"})
    rates.check("demo", LIVE, "A")
    with pytest.raises(Limited) as refused:
        rates.check("demo", LIVE, "A")
    assert refused.value.subject == "rate"
    assert 0 < refused.value.retry_after_s <= 1
    time.sleep(refused.value.retry_after_s + 0.05)
    rates.check("demo", LIVE, "A")


def test_counting_starts_no_thread() -> None:
    """Each would cost more than the call itself."""
    before = threading.active_count()
    assert calls(RateLimits(default="1000/second"), 200) == 200
    assert threading.active_count() == before


def test_overrides_hold_for_all_versions() -> None:
    """A setting by the operation's name wins over the built-in rate."""
    rates = RateLimits({(LIVE, "A"): "1/minute", (RTC, "A"): "1/minute"}, {"A": "2/minute"})
    assert calls(rates, 5) == 2
    assert calls(rates, 5, version=RTC) == 2


def test_rtc_calls_are_capped_together() -> None:
    """500 a second over all operations of 2018-01-11."""
    rates = RateLimits(default="1000/second")
    passed = sum(calls(rates, 300, action, RTC) for action in "ABC")
    assert 500 <= passed < 900
    assert sum(calls(rates, 300, action, LIVE) for action in "ABC") == 900


def test_an_account_can_be_capped_as_a_whole() -> None:
    """The setting `*`."""
    rates = RateLimits(overrides={"*": "5/minute"})
    assert calls(rates, 4, "A") + calls(rates, 4, "B", RTC) == 5
    assert calls(rates, 4, "A", account="other") == 4


@pytest.mark.parametrize("rate", ["", "ten", "10", "10/fortnight"])
def test_unreadable_rates_are_refused(rate: str) -> None:
    """At start, with the setting's name."""
    with pytest.raises(Invalid) as refused:
        RateLimits(overrides={"A": rate})
    assert refused.value.subject == "limits.rates"
