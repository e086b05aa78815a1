"""The part of a day's sales that may pay for purchases on the same day. Pure.

The same rule holds for the confirmation, the simulated brokers' risk check and the funds that they report.
"""

from collections.abc import Mapping
from datetime import datetime
from decimal import ROUND_DOWN, Decimal
from typing import Final

from brokers.market.hours import Market
from brokers.market.trading_days import trading_days
from gateway.values.money import PAISA
from gateway.values.timestamps import IST

# smallcase's publisher help (82000907140): 80 % of a day's sales can be used at once, 20 % on the next trading day.
# The source could not be found again. So it is a setting of each broker, and this is its default.
USABLE_AT_ONCE: Final = Decimal("0.80")
# By broker. None is known to differ.
OTHER_BROKERS: Final[Mapping[str, Decimal]] = {}


def usable_part(broker: str) -> Decimal:
    """The part of a day's sales that can be spent on the same day; from 0 to 1."""
    return OTHER_BROKERS.get(broker, USABLE_AT_ONCE)


def usable_today(sales: Decimal, broker: str) -> Decimal:
    """Rupees of `sales` rupees that can be spent on the same day, rounded down to the paisa."""
    return (sales * usable_part(broker)).quantize(PAISA, ROUND_DOWN)


def held_back(sales: Decimal, broker: str) -> Decimal:
    """Rupees of `sales` that can be spent from the next trading day on."""
    return sales - usable_today(sales, broker)


def held_back_since(market: Market, now: datetime) -> datetime:
    """Sales from here on are held back in part: the beginning, IST, of the last trading day up to now."""
    today = now.astimezone(IST).date()
    last = next(trading_days(market, today), today)
    return datetime.combine(last, datetime.min.time(), tzinfo=IST)
