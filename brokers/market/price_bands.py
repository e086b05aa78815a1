"""The prices at which an instrument may trade on a day: within its band around the previous close. Pure.

NSE sets a band of 2, 5, 10 or 20 % for each security. Shares with derivatives have no fixed band; orders far from the
market are refused there too. NSE begins with 10 % and widens this range as the price moves; here it is 20 % [ours].
"""

from decimal import Decimal
from typing import Final

PriceRange = tuple[Decimal, Decimal]  # the lowest and the highest price, rupees
OPERATING_RANGE: Final = 20


def price_range(previous_close: Decimal, percent: int) -> PriceRange:
    """The edges belong to it."""
    width = previous_close * percent / 100
    return previous_close - width, previous_close + width
