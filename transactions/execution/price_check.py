"""Prices before orders are sent again: after waiting for its broker, an order is placed near the price its user saw."""

from collections.abc import Iterable, Mapping, Sequence

from brokers.market.quotes import quotes
from brokers.ports.broker import OrderType, Side
from gateway.partners import clock
from transactions.domain.basket import OrderLine, Security
from transactions.domain.price_protection import QuotedOrder, moved_beyond_tolerance
from transactions.execution.placement import is_unsent
from transactions.models import Batch, CheckoutSession, Order


def moved_since_quoted(rows: Iterable[tuple[Batch, Sequence[Order]]]) -> Mapping[int, Sequence[str]]:
    """By batch: the tickers of unsent orders whose price has moved beyond the tolerance while the batch waited.

    Only of batches whose broker could not be reached and whose user saw a quote. No query if no batch waits. A ticker
    that the market does not know any more is left to the broker.
    """
    waiting = [(batch, list(filter(is_unsent, orders))) for batch, orders in rows if batch.unreachable_since]
    quoted = _quoted_orders([batch.transaction_id for batch, _ in waiting]) if waiting else {}
    moved = {}
    for gateway in {batch.gateway for batch, _ in waiting if batch.transaction_id in quoted}:
        mine = [one for one in waiting if one[0].gateway == gateway and one[0].transaction_id in quoted]
        market = quotes(gateway.pk, {order.ticker for _, orders in mine for order in orders})
        prices = {ticker: quote.at(clock.now(gateway)) for ticker, quote in market.items()}
        for batch, orders in mine:
            lines = [_line(order) for order in orders if order.ticker in prices]
            moved[batch.pk] = moved_beyond_tolerance(quoted[batch.transaction_id], lines, prices)
    return moved


def _quoted_orders(transactions: Sequence[int]) -> dict[int, QuotedOrder]:
    sessions = CheckoutSession.objects.filter(transaction__in=transactions, quoted_order__isnull=False)
    rows = sessions.values_list("transaction_id", "quoted_order")
    return {key: QuotedOrder.of_json(kept) for key, kept in rows if kept}


def _line(order: Order) -> OrderLine:
    return OrderLine(Security(order.ticker, order_type=OrderType(order.order_type)), order.quantity, Side(order.side))
