"""Tick sizes by price band, as dated data. Reviewed monthly on the last close, not at each close."""

from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import Final

from brokers.market.calendar import published_holidays
from brokers.market.hours import SATURDAY
from brokers.models import InstrumentKind

# The highest price of each band, and the tick in it; rupees. Valid from the date on.
# NSE's revisions of June 2024 (FA of 24 May 2024) and April 2025 (of March 2025), both of the cash market: "below 250",
# "250 to 1,000", "above 1,000 to 5,000" and so on. ETFs, REITs and InvITs are not in them; they trade at 0.01.
Bands = Sequence[tuple[Decimal, Decimal]]
TICKS: Final[Sequence[tuple[date, Bands]]] = tuple(
    (valid_from, tuple((Decimal(highest), Decimal(tick)) for highest, tick in bands))
    for valid_from, bands in (
        (date.min, (("Infinity", "0.05"),)),
        (date(2024, 6, 10), (("249.99", "0.01"), ("Infinity", "0.05"))),
        (
            date(2025, 4, 15),
            (
                ("249.99", "0.01"),
                ("1000", "0.05"),
                ("5000", "0.10"),
                ("10000", "0.50"),
                ("20000", "1.00"),
                ("Infinity", "5.00"),
            ),
        ),
    )
)
FINEST: Final = Decimal("0.01")


def tick_for(kind: str, price: Decimal, *, on: date = date.max) -> Decimal:
    """The tick size in rupees of an instrument whose last close in the month before was `price`."""
    if kind != InstrumentKind.STOCK:
        return FINEST
    bands = next(bands for valid_from, bands in reversed(TICKS) if valid_from <= on)
    return next(tick for highest, tick in bands if price <= highest)


def ends_its_month(day: date) -> bool:
    """Whether no trading day of the month follows `day`: the ticks of the next month depend on its close."""
    later = (day + timedelta(days=number) for number in range(1, 32))
    rest = [one for one in later if one.month == day.month and one.year == day.year]
    return all(one.weekday() >= SATURDAY or one in published_holidays(one.year) for one in rest)
