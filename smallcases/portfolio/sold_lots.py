"""Sold shares, lot by lot, first in, first out. Pure.

In a demat account, the shares that were bought first are sold first: section 45(2A) of the Income-tax Act, 1961, and
CBDT circular 768 of 24 June 1998. They speak of the whole account; here only the fills of one investment are known.
The `ledger` computes returns from average prices instead. Once all shares of a name are sold, both sums are equal.
"""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from brokers.ports.broker import Side
from gateway.values.timestamps import IST
from smallcases.portfolio.ledger import Fill, Oversold


@dataclass(frozen=True, slots=True)
class SoldLot:
    """Shares of one purchase that one sale sold. Dates in IST; `cost` and `proceeds` in rupees, without charges."""

    ticker: str
    shares: int
    bought_on: date
    sold_on: date
    cost: Decimal
    proceeds: Decimal

    @property
    def gain(self) -> Decimal:
        return self.proceeds - self.cost

    @property
    def days_held(self) -> int:
        """0 if it was sold on the day of the purchase, or if a test gateway's clock was put back meanwhile."""
        return max((self.sold_on - self.bought_on).days, 0)


@dataclass(slots=True)
class _Lot:
    """What is left of a purchase; `price` in rupees per share."""

    shares: int
    price: Decimal
    day: date


def sold_lots(fills: Iterable[Fill]) -> list[SoldLot]:
    """One entry for each sale and purchase that it sold from. `fills` in the order they happened. Raises Oversold."""
    lots: dict[str, deque[_Lot]] = {}
    sold: list[SoldLot] = []
    for fill in fills:
        day, held = fill.at.astimezone(IST).date(), lots.setdefault(fill.ticker, deque())
        if fill.side is Side.BUY:
            held.append(_Lot(fill.shares, fill.price, day))
        else:
            sold += _taken(held, fill, day)
    return sold


def _taken(held: deque[_Lot], sale: Fill, day: date) -> list[SoldLot]:
    """The lots of one sale, which are removed from `held`."""
    sold, left = [], sale.shares
    while left:
        if not held:
            raise Oversold(f"{left} of {sale.shares} {sale.ticker} were sold, but not held.")
        lot = held[0]
        shares = min(lot.shares, left)
        sold.append(SoldLot(sale.ticker, shares, lot.day, day, shares * lot.price, shares * sale.price))
        lot.shares, left = lot.shares - shares, left - shares
        if not lot.shares:
            held.popleft()
    return sold
