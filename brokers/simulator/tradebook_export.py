"""Exports the simulated brokers' tradebooks as CSV files, in the formats that brokers let account owners download."""

import csv
import io
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Final

from django.db.models import QuerySet

from brokers.models import Instrument
from brokers.ports.broker import TradebookExport
from brokers.simulator.models import SimAccount, SimOrder, SimTrade
from gateway.models import Account
from gateway.values.timestamps import IST

AT_ONCE: Final = 2_000
Line = Mapping[str, object]


def _zerodha(trade: SimTrade, isin: str) -> Line:
    at = trade.at.astimezone(IST)
    return {
        "symbol": trade.ticker,
        "isin": isin,
        "trade_date": at.date().isoformat(),
        "exchange": "NSE",
        "segment": "EQ",
        "series": "EQ",
        "trade_type": trade.side.lower(),
        "auction": "false",
        "quantity": f"{trade.quantity}.000000",
        "price": f"{trade.price}0000",
        "trade_id": _trade_no(trade),
        "order_id": trade.order.exchange_order_id,
        "order_execution_time": at.replace(tzinfo=None).isoformat(timespec="seconds"),
        "order_ref": trade.order.ref,
        "client_id": trade.account.client_id,
    }


def _generic(trade: SimTrade, isin: str) -> Line:
    at = trade.at.astimezone(IST)
    return {
        "Client ID": trade.account.client_id,
        "Trade Date": f"{at:%d-%m-%Y}",
        "Trade Time": f"{at:%H:%M:%S}",
        "Scrip Name": f"{trade.ticker}-EQ",
        "Buy/Sell": trade.side,
        "Traded Qty": f"{trade.quantity:,}",
        "Trade Price": f"{trade.price:,}",
        "Trade No": _trade_no(trade),
        "Order No": trade.order.exchange_order_id,
        "Order Reference": trade.order.ref,
    }


# An example row; it only gives the names of the columns.
_ANY: Final = SimTrade(order=SimOrder(), account=SimAccount(), quantity=1, price=1, number=1, at=datetime.now(IST))
DIALECTS: Final[Mapping[str, Callable[[SimTrade, str], Line]]] = {"zerodha": _zerodha, "generic": _generic}


def trades_of(*, broker: str, client_id: str = "", gateway: str = "", refs: tuple[str, ...] = ()) -> QuerySet[SimTrade]:
    """Trades of one broker, filtered by the other arguments, in order of time."""
    named = {"account__client_id": client_id, "account__gateway__name": gateway}
    rows = SimTrade.objects.filter(account__broker=broker, **{path: value for path, value in named.items() if value})
    return (rows.filter(order__ref__in=refs) if refs else rows).select_related("order", "account").order_by("pk")


def export_of(account: Account) -> TradebookExport:
    def csv_in(dialect: str) -> Iterator[str]:
        trades = trades_of(broker=account.broker, client_id=account.client_id, gateway=account.gateway.name)
        return as_csv(trades, dialect=dialect)

    return TradebookExport(tuple(DIALECTS), csv_in)


def as_csv(trades: QuerySet[SimTrade], *, dialect: str = "zerodha") -> Iterator[str]:
    """Lines with their line ends, the header first."""
    line_of, isins = DIALECTS[dialect], dict(Instrument.objects.values_list("symbol", "isin"))
    yield _written(list(line_of(_ANY, "")))
    for trade in trades.iterator(chunk_size=AT_ONCE):
        yield _written(list(line_of(trade, isins.get(trade.ticker, "")).values()))


def _written(cells: "list[str] | list[object]") -> str:
    line = io.StringIO()
    csv.writer(line).writerow([_inert(str(cell)) for cell in cells])
    return line.getvalue()


def _inert(cell: str) -> str:
    """Spreadsheets run a cell that begins like this as a formula, and testers choose client ids freely."""
    return f"'{cell}" if cell.startswith(("=", "+", "-", "@", "\t", "\r")) else cell


def _trade_no(trade: SimTrade) -> str:
    return f"{trade.order.exchange_order_id}{trade.number:03}"
