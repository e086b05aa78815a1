"""How often a caller may ask: counted by the library `limits`, in a store that all web processes share.

Windows of a fixed length, at the wall's clock: one round trip counts a request and tells what is left and when it
starts anew. They begin at another second for every caller, so that those who wait do not all come back at once.
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

# A count is not worth a user's wait: a store that does not answer at once is left alone for a while.
PATIENCE: Final = 0.25  # seconds
LEFT_ALONE: Final = 5.0  # seconds
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
        budget = {"Limit": self.limit, "Remaining": self.remaining, "Reset": self.reset}
        return {f"RateLimit-{name}": str(number) for name, number in budget.items()}


def spend(rate: str, caller: str, *, now: datetime) -> Budget | None:
    """One request of `caller`, at `now` by the wall; None where there is no limit, or nobody to count."""
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
    """A store that may be gone or hang: then nothing is counted, nobody waits, and the log says so once."""

    def __init__(self, store: Storage) -> None:
        self._store = store
        self._left_alone_until = 0.0
        self._is_gone = False

    def add(self, key: str, seconds: int) -> int | None:
        """How many there are in the window now."""
        if monotonic() < self._left_alone_until:
            return None
        try:
            count = self._store.incr(key, seconds)
        except StorageError as error:
            self._leave_alone(error.storage_error)
            return None
        if self._is_gone:
            self._is_gone = False
            log.warning("Rate limits hold again: their store answers.")
        return count

    def _leave_alone(self, error: Exception) -> None:
        self._left_alone_until = monotonic() + LEFT_ALONE
        if not self._is_gone:
            self._is_gone = True
            log.warning("No rate limits for now, for their store does not answer: %s", error)


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
    """Raises RateLimited for a caller whose wrong guesses were too many.

    Before it is looked at, where a guess may well be right: a PIN, a password.
    """
    if seconds := shut_out.seconds_left(caller, now=now):
        raise _too_many(seconds)


def count_guess(caller: str, *, now: datetime, rate: str | None = None) -> Budget | None:
    """A wrong secret, or PIN; with the last one that is allowed the caller is shut out until the window ends."""
    budget = spend(settings.RATE_LIMIT_WRONG_SECRETS if rate is None else rate, caller, now=now)
    if budget and not budget.remaining:
        shut_out.add(caller, seconds=budget.reset, now=now)
    return budget


def count_wrong_secret(caller: str, *, now: datetime) -> Budget | None:
    """For API secrets and managers' tokens, after the comparison. Raises RateLimited beyond the limit.

    A right one is accepted however many wrong ones came before it from the same address: a partner behind a shared
    address, or in the middle of a rotation, keeps working. That is safe because these secrets are 256 random bits. A
    guesser who is answered a million times a second for a thousand years has tried fewer than 2 ** 55 of 2 ** 256, so
    the limit guards the log and the store, not the secret. Beyond it a wrong secret costs no round trip to the store,
    and its answer tells no more than the 401 did.
    """
    refuse_guessers(caller, now=now)
    budget = count_guess(caller, now=now)
    if budget and budget.is_overdrawn:  # by another process
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
        # Once, for redis-py would otherwise try three times, with pauses.
        once = Retry(NoBackoff(), 0)
        options = {"socket_timeout": PATIENCE, "socket_connect_timeout": PATIENCE, "retry": once}
    store = storage_from_string(url, wrap_exceptions=True, **options)
    if not isinstance(store, Storage):
        raise TypeError(url)
    return store
