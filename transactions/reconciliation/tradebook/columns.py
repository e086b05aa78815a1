"""Recognises the columns of a broker's tradebook by the names in its header. Pure."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Dialect(StrEnum):
    """ZERODHA is the tradebook of Zerodha Console. GENERIC knows the column names of other brokers."""

    ZERODHA = "zerodha"
    GENERIC = "generic"


class Column(StrEnum):
    SYMBOL = "symbol"
    SIDE = "side"
    QUANTITY = "quantity"
    PRICE = "price"
    ORDER_NO = "order number"
    ORDER_REF = "order reference"
    TRADE_NO = "trade number"
    DAY = "date"
    TIME = "time"
    CLIENT = "client"


_ZERODHA: Final[Mapping[Column, Sequence[str]]] = {
    Column.SYMBOL: ("symbol",),
    Column.SIDE: ("trade type",),
    Column.QUANTITY: ("quantity",),
    Column.PRICE: ("price",),
    Column.ORDER_NO: ("order id",),
    Column.ORDER_REF: ("order ref", "tag"),
    Column.TRADE_NO: ("trade id",),
    Column.DAY: ("trade date",),
    Column.TIME: ("order execution time",),
    Column.CLIENT: ("client id",),
}
_GENERIC: Final[Mapping[Column, Sequence[str]]] = {
    Column.SYMBOL: (
        *("symbol", "trading symbol", "tradingsymbol", "scrip", "scrip name", "scrip code", "instrument", "stock"),
        *("stock symbol", "security", "ticker"),
    ),
    Column.SIDE: ("side", "trade type", "transaction type", "buy sell", "b s", "type", "action", "buy or sell"),
    Column.QUANTITY: (
        *("quantity", "qty", "traded quantity", "traded qty", "trade qty", "filled quantity", "filled qty"),
        *("executed qty", "executed quantity", "shares", "trade quantity"),
    ),
    Column.PRICE: (
        *("price", "trade price", "traded price", "average price", "avg price", "avg trade price", "rate"),
        *("executed price", "fill price", "net rate"),
    ),
    Column.ORDER_NO: (
        "order id",
        "order no",
        "order number",
        "exchange order id",
        "exchange order no",
        "exch order id",
    ),
    Column.ORDER_REF: ("order ref", "order reference", "reference", "ref", "tag", "client order id", "broker order id"),
    Column.TRADE_NO: ("trade id", "trade no", "trade number", "exchange trade id", "fill id", "execution id"),
    Column.DAY: (
        "trade date",
        "date",
        "trade time",
        "order execution time",
        "executed at",
        "exchange time",
        "timestamp",
    ),
    Column.TIME: ("time", "trade time", "order execution time", "execution time"),
    Column.CLIENT: ("client id", "client code", "client", "ucc", "account", "account id", "user id", "login id"),
}
NAMES: Final = {Dialect.ZERODHA: _ZERODHA, Dialect.GENERIC: _GENERIC}
REQUIRED: Final = (Column.SYMBOL, Column.SIDE, Column.QUANTITY, Column.PRICE)


@dataclass(frozen=True, slots=True)
class Layout:
    """`places` are the columns' positions, `header` the file's column names."""

    dialect: Dialect
    places: Mapping[Column, int]
    header: tuple[str, ...]

    def shown(self) -> dict[str, str]:
        """The file's name of each recognised column."""
        return {column.value: self.header[place] for column, place in self.places.items()}


def layout_of(header: Sequence[str], dialect: Dialect | None = None) -> Layout | None:
    """The layout of a header; None if it is not a tradebook's header. Without `dialect`, the first that fits."""
    for candidate in [dialect] if dialect else Dialect:
        places = _places(header, NAMES[candidate])
        if not missing(places):
            return Layout(candidate, places, tuple(header))
    return None


def missing(places: Mapping[Column, int]) -> list[str]:
    absent = [column.value for column in REQUIRED if column not in places]
    if Column.ORDER_NO not in places and Column.ORDER_REF not in places:
        absent.append(Column.ORDER_NO.value)
    return absent


def found_in(header: Sequence[str]) -> dict[Column, int]:
    """The known columns of an incomplete header, for the error message."""
    return _places(header, _GENERIC)


def _places(header: Sequence[str], names: Mapping[Column, Sequence[str]]) -> dict[Column, int]:
    """The first matching name of each list; a column is used once."""
    plain = [_plain(name) for name in header]
    places: dict[Column, int] = {}
    for column, known in names.items():
        free = (plain.index(name) for name in known if name in plain and plain.index(name) not in places.values())
        place = next(free, None)
        if place is not None:
            places[column] = place
    return places


def _plain(name: str) -> str:
    """Normalises: Trade_Type, “Trade type ” and TRADE-TYPE (NSE) are equal."""
    return re.sub(r"[^a-z0-9]+", " ", re.sub(r"\(.*?\)", "", name.lower())).strip()
