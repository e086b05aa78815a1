"""A seeded, reproducible price for any instrument at any moment.

The logarithm of a price is value noise: hashes at the points of a time grid, joined by straight lines. Six grids are
added; their swings grow with the square root of the grid, so that the path looks like a random walk up to a year or two
and never runs away. A share follows the market's noise by its beta and adds its own (price_characters). The path goes
through the reference price at its day. No state, any order of evaluation, integers and Decimal alone: the same seed
gives the same price to the paisa on every machine at any time (ADR 0026).
"""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from decimal import ROUND_HALF_EVEN, Decimal
from functools import lru_cache
from hashlib import blake2b
from typing import Final

from brokers.market.price_characters import FUND, Character

# (grid in seconds, its swing as a multiple of a day's, in thousandths)
OCTAVES: Final = (
    (512 * 86_400, 16_000),
    (64 * 86_400, 8_000),
    (8 * 86_400, 2_828),
    (86_400, 1_000),
    (3_600, 180),
    (60, 30),
)
COMMON: Final = 14_500  # the largest move of a common factor in a day, millionths
MILLION: Final = 1_000_000
YEAR: Final = 365 * 86_400
MINUTE: Final = timedelta(minutes=1)
# The day of the reference prices that are shipped, and of prices without a day.
PRICED_ON: Final = date(2026, 11, 20)
CLOSE: Final = time(10, tzinfo=UTC)  # 15:30 IST


def price_at(
    *,
    reference: Decimal,
    tick: Decimal,
    seed: str,
    ticker: str,
    at: datetime,
    character: Character = FUND,
    priced_on: date | None = None,
) -> Decimal:
    """Rupees, a multiple of `tick`; never below one tick. At the close of `priced_on` the price is `reference`.

    Without a `character` it moves like a broad index.
    """
    anchor = int(datetime.combine(priced_on or PRICED_ON, CLOSE).timestamp())
    path = seed, ticker, character
    return to_tick(reference * _growth(*path, int(at.timestamp()), anchor), tick)


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
def _growth(seed: str, ticker: str, character: Character, second: int, anchor: int) -> Decimal:
    """The price at `second` as a multiple of the price at `anchor`."""
    then = _level(seed, ticker, character, anchor)
    trend = character.trend * (second - anchor) // YEAR
    moved = _level(seed, ticker, character, second) - then + trend
    return Decimal(moved).scaleb(-6).exp()  # correctly rounded, so the same everywhere


@lru_cache(maxsize=4_096)  # the anchors, and moments as above
def _level(seed: str, ticker: str, character: Character, second: int) -> int:
    """The logarithm of the price without its trend, in millionths."""
    common = _noise(f"{seed}/factor {character.factor}", second) * COMMON * character.share // 1_000
    return (common + _noise(f"{seed}/{ticker}", second) * character.own) // MILLION


@lru_cache(maxsize=8_192)
def _noise(key: str, second: int) -> int:
    """The sum of all octaves: millionths of the swing of a day."""
    return sum(_octave(key, second, grid) * swing // 1_000 for grid, swing in OCTAVES)


def _octave(key: str, second: int, grid: int) -> int:
    """Millionths, from -MILLION to MILLION, linear between the grid's points."""
    corner, into = divmod(second, grid)
    left = _corner(key, grid, corner)
    return left + (_corner(key, grid, corner + 1) - left) * into // grid if into else left


@lru_cache(maxsize=16_384)  # the grid points around one moment for a thousand instruments
def _corner(key: str, grid: int, corner: int) -> int:
    digest = blake2b(f"{key}/{grid}/{corner}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") % (2 * MILLION + 1) - MILLION
