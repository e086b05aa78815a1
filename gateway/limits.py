"""How often a caller may ask: counted by the library `limits`, in a store that all web processes share.

Windows of a fixed length, at the wall's clock: one round trip counts a request and tells what is left and when it
starts anew. They begin at another second for every caller, so that those who wait do not all come back at once.
"""

import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache, partial
from math import ceil
from time import monotonic
from typing import Any, Final
from zlib import crc32

from django.conf import settings
from limits import RateLimitItem, parse
from limits.errors import StorageError
from limits.storage import RedisStorage, Storage, storage_from_string
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

from gateway import metrics
from gateway.errors import ErrorType, GatewayError

log = logging.getLogger(__name__)

# A count is not worth a user's wait: a store that does not answer at once is left alone for a while.
PATIENCE: Final = 0.25  # seconds
LEFT_ALONE: Final = 5.0  # seconds
IN_TURN: Final = b"""
local counts = {}
for place, key in ipairs(KEYS) do
    counts[place] = redis.call("incr", key)
    if counts[place] == 1 then
        redis.call("expire", key, ARGV[2 * place - 1])
    end
    if counts[place] > tonumber(ARGV[2 * place]) then
        break
    end
end
return counts
"""
MOST_SHUT_OUT: Final = 10_000  # callers remembered by one process


class RateLimited(GatewayError):
    status, error_type = 429, ErrorType.RATE_LIMITED

    def __init__(self, sentence: str, *, retry_after: int, scope: str) -> None:
        """`scope` is the kind of caller whose limit it was."""
        super().__init__(f"{sentence}; try again in {retry_after} s.")
        self.retry_after = retry_after
        metrics.rate_limited(scope=scope)


@dataclass(frozen=True, slots=True)
class Budget:
    """What a caller has left of `limit` requests in `period` seconds, until `reset` seconds from now."""

    limit: int
    period: int
    remaining: int
    reset: int
    is_overdrawn: bool = False

    @property
    def headers(self) -> dict[str, str]:
        told = {"Limit": self.limit, "Remaining": self.remaining, "Reset": self.reset}
        return {f"RateLimit-{name}": str(number) for name, number in told.items()}


@dataclass(frozen=True, slots=True)
class Window:
    """A caller's count at the store, for as many `seconds`; it is full with `most`."""

    key: str
    seconds: int
    most: int
    elapsed: float

    def budget(self, count: int) -> Budget:
        left, reset = max(self.most - count, 0), ceil(self.seconds - self.elapsed)
        return Budget(self.most, self.seconds, left, reset, is_overdrawn=count > self.most)


def spend(rate: str, caller: str, *, now: datetime) -> Budget | None:
    """One request of `caller`, at `now` by the wall; None where there is no limit, or nobody to count."""
    return next((budget for _, budget in spend_each([(rate, caller)], now=now)), None)


def spend_each(callers: Iterable[tuple[str, str]], *, now: datetime) -> list[tuple[str, Budget]]:
    """One request of each of these (rate, caller), one after the other until one has overdrawn; one round trip.

    Whoever has no limit is left out, and everybody where nobody counts.
    """
    windows = {caller: _window(rate, caller, now) for rate, caller in callers if rate}
    counts = _counter(settings.RATE_LIMIT_STORAGE_URL).add(list(windows.values())) if windows else []
    return [(caller, window.budget(count)) for (caller, window), count in zip(windows.items(), counts, strict=False)]


def _window(rate: str, caller: str, now: datetime) -> Window:
    item = _item(rate)
    period = item.get_expiry()
    number, elapsed = divmod(now.timestamp() + crc32(caller.encode()) % period, period)
    return Window(item.key_for(caller, int(number)), period, item.amount, elapsed)


class Counter:
    """A store that may be gone or hang: then nothing is counted, nobody waits, and the log says so once."""

    def __init__(self, store: Storage) -> None:
        self._store = store
        self._count = _at_redis(store) if isinstance(store, RedisStorage) else partial(_count, store)
        self._left_alone_until = 0.0
        self._is_gone = False

    def add(self, windows: Sequence[Window]) -> list[int]:
        """How many there are in each now. None is added to those after a window that overflows."""
        if monotonic() < self._left_alone_until:
            return []
        try:
            counts = self._count(windows)
        except (StorageError, RedisError) as error:
            self._leave_alone(getattr(error, "storage_error", error))
            return []
        if self._is_gone:
            self._is_gone = False
            log.warning("Rate limits hold again: their store answers.")
        return counts

    def _leave_alone(self, error: Exception) -> None:
        self._left_alone_until = monotonic() + LEFT_ALONE
        if not self._is_gone:
            self._is_gone = True
            log.warning("No rate limits for now, for their store does not answer: %s", error)


def _count(store: Storage, windows: Sequence[Window]) -> list[int]:
    counts: list[int] = []
    for window in windows:
        counts.append(store.incr(window.key, window.seconds))
        if counts[-1] > window.most:
            break
    return counts


def _at_redis(store: RedisStorage) -> Callable[[Sequence[Window]], list[int]]:
    script = store.get_connection().register_script(IN_TURN)

    def count(windows: Sequence[Window]) -> list[int]:
        keys = [store.prefixed_key(window.key) for window in windows]
        counts: list[int] = script(keys, [number for one in windows for number in (one.seconds, one.most)])
        return counts

    return count


class ShutOut:
    """Who has guessed too often, as far as this process knows: it costs the others no round trip to ask."""

    def __init__(self) -> None:
        self._until: dict[str, float] = {}

    def seconds_left(self, caller: str, *, now: datetime) -> int:
        return max(ceil(self._until.get(caller, 0.0) - now.timestamp()), 0)

    def add(self, caller: str, *, seconds: int, now: datetime) -> None:
        if len(self._until) >= MOST_SHUT_OUT:
            self._until = {who: until for who, until in self._until.items() if until > now.timestamp()}
        if len(self._until) < MOST_SHUT_OUT:
            self._until[caller] = now.timestamp() + seconds


shut_out = ShutOut()


def refuse_guessers(caller: str, *, now: datetime) -> None:
    """Raises RateLimited for a caller whose wrong secrets were too many; before any secret is compared."""
    if seconds := shut_out.seconds_left(caller, now=now):
        raise RateLimited("Too many wrong secrets came from this address", retry_after=seconds, scope="guesser")


def count_guess(caller: str, *, now: datetime, rate: str | None = None) -> Budget | None:
    """A wrong secret, or PIN; with the last one that is allowed the caller is shut out until the window ends."""
    budget = spend(settings.RATE_LIMIT_WRONG_SECRETS if rate is None else rate, caller, now=now)
    if budget and not budget.remaining:
        shut_out.add(caller, seconds=budget.reset, now=now)
    return budget


@lru_cache(maxsize=16)
def _item(rate: str) -> RateLimitItem:
    return parse(rate)


@lru_cache(maxsize=4)
def _counter(url: str) -> Counter:
    return Counter(_store(url))


def _store(url: str) -> Storage:
    options: dict[str, Any] = {}
    if not url.startswith("memory"):
        # Once, for redis-py would otherwise try three times, with pauses.
        once = Retry(NoBackoff(), 0)
        options = {"socket_timeout": PATIENCE, "socket_connect_timeout": PATIENCE, "retry": once}
    store = storage_from_string(url, wrap_exceptions=True, **options)
    if not isinstance(store, Storage):
        raise TypeError(url)
    return store
