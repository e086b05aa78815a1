"""The purchases of a rebalance that its sales and the account pay for today. The others wait for money."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from brokers.market.proceeds import usable_today
from brokers.ports.broker import Side
from smallcases.planner.exact import value
from smallcases.planner.whole import trimmed
from transactions.domain.basket import OrderLine
from transactions.domain.left_out import LeftOut, split
from transactions.domain.price_protection import PRICE_TOLERANCE
from transactions.queries.order_context import OrderContext, expected_charges

NOTHING: Final = Decimal(0)


@dataclass(frozen=True, slots=True)
class Money:
    """What pays for purchases at a broker. Rupees; `funds` in the account, None if unknown; `added` by the user."""

    broker: str
    funds: Decimal | None
    added: Decimal = NOTHING

    def available(self, sales: Decimal, fees: Decimal) -> Decimal:
        """Rupees for purchases today. While the funds are unknown, all proceeds count, and the broker checks."""
        if self.funds is None:
            return max(sales + self.added, NOTHING)
        return max(usable_today(sales, self.broker) + self.funds - fees, NOTHING)


def payable(
    context: OrderContext, lines: Sequence[OrderLine], prices: Mapping[str, Decimal], money: Money
) -> tuple[list[OrderLine], list[LeftOut]]:
    """As `within_money`, with the charges that the account's broker would take."""
    fees = expected_charges(context, [(line, prices[line.security.ticker] * line.quantity) for line in lines])
    return within_money(lines, prices, money, fees=fees.total)


def within_money(
    lines: Sequence[OrderLine], prices: Mapping[str, Decimal], money: Money, *, fees: Decimal
) -> tuple[list[OrderLine], list[LeftOut]]:
    """All sales, and the purchases that can be paid for today; of the others the same part of each name.

    `fees`: charges of all lines. Purchases and charges are at most the usable proceeds and the funds. If not all can be
    paid for, the price tolerance is kept free, so that a purchase that becomes dearer is not refused by the broker.
    """
    bought, sold = (
        {line.security.ticker: line.quantity for line in lines if line.side is side} for side in (Side.BUY, Side.SELL)
    )
    available = money.available(value(sold, prices), fees)
    if value(bought, prices) <= available:
        return list(lines), []
    room = available if money.funds is None else available / (1 + PRICE_TOLERANCE)
    return split(lines, trimmed(bought, prices, room))
