"""The charges of orders before they are placed: an estimate."""

from collections.abc import Iterable
from decimal import Decimal

from brokers import sql
from brokers.market.charges import NOTHING, ChargedOrder, Charges, charges_of
from brokers.ports.registry import profile_of
from gateway.values.timestamps import IST
from transactions.domain.basket import OrderLine
from transactions.queries.order_context import OrderContext


def estimated_charges(context: OrderContext, orders: Iterable[tuple[OrderLine, Decimal]]) -> Charges:
    """Of a contract note of the next trading day with these orders alone; each with its value in rupees. One query."""
    orders = list(orders)
    on = (context.market.next_open(context.now) or context.now).astimezone(IST).date()
    classes = sql.charge_classes({line.security.ticker for line, _ in orders})
    filled = [
        ChargedOrder(line.security.ticker, classes[line.security.ticker], line.side, value, on)
        for line, value in orders
    ]
    return sum(charges_of(filled, profile_of(context.account.broker).tariff), NOTHING)
