"""A seeded, reproducible price for any instrument at any moment.

Prices are value noise: hashes at the points of a time grid, joined by straight lines; three grids are added.
This is no model of returns, but it suits tests: no state, any order of evaluation, and integer arithmetic, so
that the same seed gives the same price to the paisa on every machine at any time.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import ROUND_HALF_EVEN, Decimal
from functools import lru_cache
from hashlib import blake2b
from typing import Final

# (grid in seconds, largest change up or down in millionths of the reference price)
OCTAVES: Final = ((86_400, 20_000), (3_600, 6_000), (60, 1_000))
MILLION: Final = 1_000_000
MINUTE: Final = timedelta(minutes=1)


def price_at(*, reference: Decimal, tick: Decimal, seed: str, ticker: str, at: datetime) -> Decimal:
    """Rupees, a multiple of `tick`, within ±2.7 % of `reference`; never below one tick."""
    return to_tick(reference * (MILLION + _drift(seed, ticker, int(at.timestamp()))) / MILLION, tick)


def to_tick(price: Decimal, tick: Decimal) -> Decimal:
    ticks = (price / tick).quantize(Decimal(1), ROUND_HALF_EVEN)
    return (max(ticks, Decimal(1)) * tick).quantize(Decimal("0.01"))


def minutes(since: datetime, until: datetime) -> Iterator[datetime]:
    """`since`, then every whole minute through `until`: the times at which the price of a resting order is checked."""
    if since > until:
        return
    yield since
    moment = since.replace(second=0, microsecond=0) + MINUTE
    while moment <= until:
        yield moment
        moment += MINUTE


@lru_cache(maxsize=4_096)  # the holdings of many users are valued in the same second
def _drift(seed: str, ticker: str, second: int) -> int:
    """Millionths."""
    return sum(_noise(f"{seed}/{ticker}/{grid}", second, grid) * swing // MILLION for grid, swing in OCTAVES)


def _noise(key: str, second: int, grid: int) -> int:
    """Millionths, from -MILLION to MILLION, linear between the grid's points."""
    corner, into = divmod(second, grid)
    left, right = _corner(key, corner), _corner(key, corner + 1)
    return left + (right - left) * into // grid


@lru_cache(maxsize=8_192)  # the grid points around one moment for a thousand instruments
def _corner(key: str, corner: int) -> int:
    digest = blake2b(f"{key}/{corner}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") % (2 * MILLION + 1) - MILLION
