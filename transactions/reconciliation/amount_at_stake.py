"""The amount at stake in a correction: it decides whether a second person must approve."""

from decimal import Decimal

from brokers.market.quotes import quotes
from gateway.values.money import rupees
from transactions.domain.order_reports import OrderState
from transactions.models import Order


def amount_at_stake(order: Order, before: OrderState, after: OrderState) -> Decimal | None:
    """The amount at stake in rupees: the whole order at the highest known price; None without a price.

    The corrected price alone is not enough: a person who types a low price would avoid the second approval.
    """
    quote = quotes(order.batch.gateway_id, [order.ticker]).get(order.ticker)
    said = (after.average_price, before.average_price, order.price, quote and quote.reference)
    prices = [price for price in said if price]
    return rupees(order.quantity * max(prices)) if prices else None
