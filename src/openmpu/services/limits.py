"""Rates: how many calls of one operation an account may make (operations.md 0.3), by the `limits` package.

Counted in memory, so per server process. The package's own storage in memory starts a thread for every few calls, to
forget what is old; here old calls are forgotten when the next one of their kind comes, and there are as many kinds as
accounts have operations.
"""

from __future__ import annotations

import time
from collections import defaultdict, deque
from collections.abc import Mapping
from types import MappingProxyType

from limits import RateLimitItem, parse
from limits.storage import MovingWindowSupport, Storage
from limits.strategies import MovingWindowRateLimiter

from openmpu.errors import Invalid, Limited

DEFAULT_RATE = "100/second"
EVERY = "*"
"""As an action: all calls of a version together; as an override: all calls of the account."""
CAPS = MappingProxyType({("2018-01-11", EVERY): "500/second"})
"""Every RTC call is also capped over all operations."""


class _Windows(Storage, MovingWindowSupport):
    """The calls of each kind within its window: when each of them was made, oldest first."""

    STORAGE_SCHEME = None

    def __init__(self) -> None:
        super().__init__()
        self._calls: defaultdict[str, deque[float]] = defaultdict(deque)

    @property
    def base_exceptions(self) -> type[Exception]:
        """What the package would wrap: nothing here fails."""
        return ValueError

    def acquire_entry(self, key: str, limit: int, expiry: int, amount: int = 1) -> bool:
        """Count a call, unless there are too many."""
        calls, now = self._calls[key], time.time()
        while calls and calls[0] < now - expiry:
            calls.popleft()
        if len(calls) + amount > limit:
            return False
        calls.extend([now] * amount)
        return True

    def get_moving_window(self, key: str, limit: int, expiry: int) -> tuple[float, int]:  # noqa: ARG002 - the port
        """When the oldest call that still counts was made, and how many count."""
        now = time.time()
        calls = [call for call in self._calls.get(key, ()) if call >= now - expiry]
        return (calls[0], len(calls)) if calls else (now, 0)

    def clear(self, key: str) -> None:
        """Forget the calls of a kind."""
        self._calls.pop(key, None)

    def reset(self) -> int:
        """Forget all; how many kinds there were."""
        count = len(self._calls)
        self._calls.clear()
        return count

    def check(self) -> bool:
        """It is there."""
        return True

    def get(self, key: str) -> int:
        """Calls of a kind."""
        return len(self._calls.get(key, ()))

    def incr(self, key: str, expiry: int, amount: int = 1) -> int:
        """Counters of a fixed window are not kept."""
        raise NotImplementedError

    def get_expiry(self, key: str) -> float:
        """Likewise."""
        raise NotImplementedError


class RateLimits:
    """Counts calls per account and operation in a moving window; a call refused by its own rate is not counted.

    Args:
        rates: (version, action) -> rate such as `10/second` or `4000/minute`.
        overrides: Action -> rate, for all versions and over `rates`; `*` caps every account as a whole.
        default: The rate of operations that neither names.

    Raises:
        Invalid: A rate cannot be read.
    """

    def __init__(
        self,
        rates: Mapping[tuple[str, str], str] = MappingProxyType({}),
        overrides: Mapping[str, str] = MappingProxyType({}),
        default: str = DEFAULT_RATE,
    ) -> None:
        self._rates = {key: _parse(rate) for key, rate in {**CAPS, **rates}.items()}
        self._overrides = {action: _parse(rate) for action, rate in overrides.items()}
        self._default = _parse(default)
        self._limiter = MovingWindowRateLimiter(_Windows())

    def check(self, account_name: str, version: str, action: str) -> None:
        """Count one call.

        Raises:
            Limited: `rate`: too many; with the seconds after which one more is allowed.
        """
        own = self._overrides.get(action) or self._rates.get((version, action), self._default)
        self._hit(own, account_name, version, action)
        for rate, names in (
            (self._rates.get((version, EVERY)), (account_name, version, EVERY)),
            (self._overrides.get(EVERY), (account_name, EVERY, EVERY)),
        ):
            if rate:
                self._hit(rate, *names)

    def _hit(self, rate: RateLimitItem, *names: str) -> None:
        if self._limiter.hit(rate, *names):
            return
        left = self._limiter.get_window_stats(rate, *names).reset_time - time.time()
        raise Limited("rate", f"more than {rate}", max(left, 0.001))


def _parse(rate: str) -> RateLimitItem:
    try:
        return parse(rate)
    except ValueError:
        raise Invalid("limits.rates", f"{rate!r} is not a rate such as 10/second") from None
