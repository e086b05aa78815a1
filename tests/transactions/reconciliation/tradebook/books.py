"""Books of the simulated broker, as files."""

import io
from typing import Any

from django.contrib.auth.models import User

from brokers.simulator.tradebook_export import as_csv, trades_of
from gateway.partners import clock
from gateway.values.timestamps import IST
from transactions.models import Order
from transactions.reconciliation.tradebook.models import BookRow, Tradebook
from transactions.reconciliation.tradebook.stage import Upload, stage

HEADER = "symbol,trade_date,trade_type,quantity,price,trade_id,order_id,order_execution_time,order_ref,client_id\n"


def exported(*orders: Order, broker: str = "kite", dialect: str = "zerodha") -> str:
    """What the broker has of these orders; of all where none is named."""
    return "".join(as_csv(trades_of(broker=broker, refs=tuple(order.ref for order in orders)), dialect=dialect))


def line(order: Order, quantity: int, price: str = "1500.00", trade_no: str = "t1", **other: str) -> str:
    day = (order.ordered_at or clock.wall()).astimezone(IST).date().isoformat()
    cells = {
        "symbol": order.ticker,
        "trade_date": day,
        "trade_type": order.side.lower(),
        "quantity": str(quantity),
        "price": price,
        "trade_id": f"{trade_no}{order.pk}",
        "order_id": order.exchange_order_id or f"11{order.pk:014}",
        "order_execution_time": f"{day}T11:00:00",
        "order_ref": order.ref,
        "client_id": order.batch.account.client_id,
    }
    return ",".join((cells | other).values()) + "\n"


def staged(text: str, *, by: User, **upload: Any) -> Tradebook:
    wanted = Upload(**{"name": "book.csv", "broker": "kite", "by": by, **upload})
    return stage(io.BytesIO(text.encode()), upload=wanted, now=clock.wall())


def rows(book: Tradebook) -> dict[str, BookRow]:
    """By verdict, one each."""
    return {row.verdict: row for row in book.rows.select_related("order", "correction")}
