"""The quote on the confirmation screen, and the price movement after which the user must confirm again. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from brokers.ports.broker import OrderType
from transactions.domain.basket import OrderLine

# A fraction of the quoted price, up or down. Limit orders are protected by their limit.
PRICE_TOLERANCE: Final = Decimal("0.01")
AT_MARKET: Final = frozenset({OrderType.MARKET, OrderType.SLM})
# Of an order that was to be sent again, but not at this price.
PRICE_MOVED: Final = (
    f"The price moved by more than {PRICE_TOLERANCE:.0%} while the broker could not be reached."
    " This order was not sent."
)


@dataclass(frozen=True, slots=True)
class QuotedOrder:
    """`prices` in rupees per share, of every name used for planning; `orders` as ticker, side, shares.

    `passed_over`: sentences about names that get nothing of the amount.
    """

    prices: Mapping[str, Decimal]
    orders: Sequence[tuple[str, str, int]]
    passed_over: Sequence[str] = ()

    def as_json(self) -> dict[str, Any]:
        prices = {ticker: str(price) for ticker, price in self.prices.items()}
        orders = [list(order) for order in self.orders]
        return {"prices": prices, "orders": orders, "passedOver": list(self.passed_over)}

    @classmethod
    def of_json(cls, kept: Mapping[str, Any]) -> "QuotedOrder":
        prices = {ticker: Decimal(price) for ticker, price in kept["prices"].items()}
        return cls(prices, [(t, side, shares) for t, side, shares in kept["orders"]], tuple(kept.get("passedOver", ())))


def orders_in(lines: Iterable[OrderLine]) -> list[tuple[str, str, int]]:
    return [(line.security.ticker, line.side.value, line.quantity) for line in lines]


def moved_beyond_tolerance(quoted: QuotedOrder, lines: Iterable[OrderLine], prices: Mapping[str, Decimal]) -> list[str]:
    """The tickers of market orders whose price has moved from the quoted one by more than PRICE_TOLERANCE."""
    at_market = {line.security.ticker for line in lines if line.security.order_type in AT_MARKET}
    return sorted(t for t in at_market if abs(prices[t] - quoted.prices[t]) > PRICE_TOLERANCE * quoted.prices[t])
