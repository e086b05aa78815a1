"""What stood on the confirmation screen, and how far prices may move before it has to be shown again."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from brokers.ports.broker import OrderType
from transactions.domain.basket import Line

# Of the price shown, to either side. An order with a limit has its own.
BAND: Final = Decimal("0.01")
AT_MARKET: Final = frozenset({OrderType.MARKET, OrderType.SLM})


@dataclass(frozen=True, slots=True)
class Shown:
    """`prices` in rupees a share, of every name the order was planned from; `orders` as ticker, side, shares."""

    prices: Mapping[str, Decimal]
    orders: Sequence[tuple[str, str, int]]

    def as_json(self) -> dict[str, Any]:
        prices = {ticker: str(price) for ticker, price in self.prices.items()}
        return {"prices": prices, "orders": [list(order) for order in self.orders]}

    @classmethod
    def of_json(cls, kept: Mapping[str, Any]) -> "Shown":
        prices = {ticker: Decimal(price) for ticker, price in kept["prices"].items()}
        return cls(prices, [(ticker, side, shares) for ticker, side, shares in kept["orders"]])


def orders_in(lines: Iterable[Line]) -> list[tuple[str, str, int]]:
    return [(line.security.ticker, line.side.value, line.quantity) for line in lines]


def moved(shown: Shown, lines: Iterable[Line], prices: Mapping[str, Decimal]) -> list[str]:
    """Names to be traded at the market whose price has left the band around what was shown."""
    at_market = {line.security.ticker for line in lines if line.security.order_type in AT_MARKET}
    return sorted(t for t in at_market if abs(prices[t] - shown.prices[t]) > BAND * shown.prices[t])
