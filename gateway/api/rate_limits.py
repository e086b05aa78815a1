"""Rate limits per caller, counted by the library `limits` in a store that all web processes share.

Windows have a fixed length in real time: one round trip counts a request and returns how many are left and when the
window ends. Windows start at a different second for each caller, so that waiting callers do not all return at once.
"""

import logging
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from math import ceil
from time import monotonic
from typing import Any, Final
from zlib import crc32

from django.conf import settings
from limits import RateLimitItem, parse
from limits.errors import StorageError
from limits.storage import Storage, storage_from_string
from redis.backoff import NoBackoff
from redis.retry import Retry

from gateway.telemetry import metrics
from gateway.values.errors import ErrorType, GatewayError

log = logging.getLogger(__name__)

# Counting must not delay users: a store that does not answer at once is not used for a while.
PATIENCE: Final = 0.25  # seconds
LEFT_ALONE: Final = 5.0  # seconds
MOST_SHUT_OUT: Final = 10_000  # callers that one process remembers


class RateLimited(GatewayError):
    """A limit is used up; counts itself in the metrics. `retry_after` in seconds."""

    status, error_type = 429, ErrorType.RATE_LIMITED

    def __init__(self, sentence: str, *, retry_after: int, scope: str) -> None:
        """`scope` is the kind of caller that the limit applies to."""
        super().__init__(f"{sentence}; try again in {retry_after} s.")
        self.retry_after = retry_after
        metrics.rate_limited(scope=scope)


@dataclass(frozen=True, slots=True)
class Budget:
    """The requests that a caller has left, of `limit` in `period` seconds, until `reset` seconds from now."""

    limit: int
    period: int
    remaining: int
    reset: int
    is_overdrawn: bool = False

    @property
    def headers(self) -> dict[str, str]:
        budget = {"Limit": self.limit, "Remaining": self.remaining, "Reset": self.reset}
        return {f"RateLimit-{name}": str(number) for name, number in budget.items()}


def spend(rate: str, caller: str, *, now: datetime) -> Budget | None:
    """Counts a request of `caller` at `now`, in real time. None if there is no limit or the store is down."""
    if not rate:
        return None
    item = _item(rate)
    period = item.get_expiry()
    window, elapsed = divmod(now.timestamp() + crc32(caller.encode()) % period, period)
    count = _counter(settings.RATE_LIMIT_STORAGE_URL).add(item.key_for(caller, int(window)), period)
    if count is None:
        return None
    left = max(item.amount - count, 0)
    return Budget(item.amount, period, left, ceil(period - elapsed), is_overdrawn=count > item.amount)


class Counter:
    """Counts in a store that may be down or hang: then nothing is counted, nobody waits, and the log says so once."""

    def __init__(self, store: Storage) -> None:
        self._store = store
        self._left_alone_until = 0.0
        self._is_gone = False

    def add(self, key: str, seconds: int) -> int | None:
        """How many requests the window has now; None if the store is down."""
        if monotonic() < self._left_alone_until:
            return None
        try:
            count = self._store.incr(key, seconds)
        except StorageError as error:
            self._leave_alone(error.storage_error)
            return None
        if self._is_gone:
            self._is_gone = False
            log.warning("Rate limits apply again: their store answers.")
        return count

    def _leave_alone(self, error: Exception) -> None:
        self._left_alone_until = monotonic() + LEFT_ALONE
        if not self._is_gone:
            self._is_gone = True
            log.warning("Rate limits are off: their store does not answer: %s", error)


class ShutOut:
    """Callers with too many wrong guesses, as far as this process knows, so that checking needs no round trip."""

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
    """Raises RateLimited if the caller made too many wrong guesses.

    Call it before checking a PIN or a password, because a guess may be right.
    """
    if seconds := shut_out.seconds_left(caller, now=now):
        raise _too_many(seconds)


def count_guess(caller: str, *, now: datetime, rate: str | None = None) -> Budget | None:
    """Counts a wrong secret or PIN. At the limit the caller is shut out until the window ends."""
    budget = spend(settings.RATE_LIMIT_WRONG_SECRETS if rate is None else rate, caller, now=now)
    if budget and not budget.remaining:
        shut_out.add(caller, seconds=budget.reset, now=now)
    return budget


def count_wrong_secret(caller: str, *, now: datetime) -> Budget | None:
    """For API secrets and managers' tokens, after the comparison. Raises RateLimited beyond the limit.

    A right secret is accepted after any number of wrong ones from the same address: a partner behind a shared address,
    or in a rotation, keeps working. This is safe because these secrets have 256 random bits. A million guesses a second
    for a thousand years are fewer than 2 ** 55 of 2 ** 256, so the limit protects the log and the store, not the
    secret. Beyond it a wrong secret costs no round trip to the store, and the response reveals no more than the 401
    did.
    """
    refuse_guessers(caller, now=now)
    budget = count_guess(caller, now=now)
    if budget and budget.is_overdrawn:  # other processes have counted as well
        raise _too_many(budget.reset)
    return budget


def _too_many(seconds: int) -> RateLimited:
    return RateLimited("Too many wrong secrets came from this address", retry_after=seconds, scope="guesser")


@lru_cache(maxsize=16)
def _item(rate: str) -> RateLimitItem:
    return parse(rate)


@lru_cache(maxsize=4)
def _counter(url: str) -> Counter:
    return Counter(_store(url))


def _store(url: str) -> Storage:
    options: dict[str, Any] = {}
    if not url.startswith("memory"):
        # Without retries: redis-py would try three times, with pauses.
        once = Retry(NoBackoff(), 0)
        options = {"socket_timeout": PATIENCE, "socket_connect_timeout": PATIENCE, "retry": once}
    store = storage_from_string(url, wrap_exceptions=True, **options)
    if not isinstance(store, Storage):
        raise TypeError(url)
    return store
