"""The port to a broker. A real broker is one more module with these six methods.

A broker answers, cannot be asked (Unreachable), or asks for a new login (SessionEnded): three outcomes of every call.
An adapter guarantees: `order_book` is the broker's answer about all of the refs; it may repeat an order, also with
older states, and omits those that the broker does not have. The gateway stores every result; the adapter stores none.
An order above the broker's limit is one order here; where the broker takes slices (registry), the adapter or the
broker sends it as several, and the adapter reports their sum as one order, with the slices. A slice that is missing in
the book, because the adapter died between two of them, counts as cancelled.
No call takes longer than CALL_LIMIT of real time: the adapter then raises Unreachable.
Calls of one session may run at the same time, in different threads.
`now` is the gateway's clock: a simulator depends on it, a real broker ignores it.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Final, Protocol

from brokers.ports.order_limits import Slice

CALL_LIMIT: Final = timedelta(seconds=5)


class Side(StrEnum):
    BUY = "BUY"
    SELL = "SELL"


class OrderType(StrEnum):
    MARKET = "MARKET"
    LIMIT = "LIMIT"
    SL = "SL"
    SLM = "SLM"


class Validity(StrEnum):
    DAY = "DAY"
    IOC = "IOC"


class Variety(StrEnum):
    REGULAR = "regular"
    AMO = "amo"


class BrokerStatus(StrEnum):
    """The status in a broker's report. The gateway decides which order status follows."""

    OPEN = "OPEN"
    COMPLETE = "COMPLETE"
    REJECTED = "REJECTED"
    CANCELLED = "CANCELLED"


class Verb(StrEnum):
    """A method of the port."""

    LOGIN = "login"
    FUNDS = "funds"
    HOLDINGS = "holdings"
    PLACE = "place"
    ORDER_BOOK = "order_book"
    CANCEL = "cancel"


class Refused(Exception):
    """The broker answered no; `code` is one of the contract's error codes, `message` the broker's sentence."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code, self.message = code, message


class Unreachable(Exception):
    """The broker could not be asked: no connection, a timeout, a 5xx, or a 429 with its wait.

    `may_have_arrived` is False only if the request was certainly not sent.
    """

    def __init__(self, message: str, *, may_have_arrived: bool = True, retry_after: timedelta | None = None) -> None:
        super().__init__(message)
        self.may_have_arrived, self.retry_after = may_have_arrived, retry_after


class SessionEnded(Exception):
    """The broker no longer accepts the session: only its user can start another."""


class LoginEnded(Exception):
    """The broker's login ended the whole transaction; carries the SDK code to return."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True, slots=True)
class LiveSession:
    """A session at a broker. Only the adapter reads `token`; the gateway stores it encrypted.

    `ends_at`: when the broker will end the session, if it says so. `started_at` tells it from the account's other ones.
    """

    gateway: int
    broker: str
    client_id: str
    token: str
    ends_at: datetime | None = None
    started_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class NewOrder:
    """An order to place. `ref` is the gateway's id for it; prices in rupees.

    `position`, from 0, of the `basket_size` orders that were confirmed together; simulated brokers play by it.
    """

    ref: str
    ticker: str
    side: Side
    quantity: int
    order_type: OrderType
    variety: Variety
    validity: Validity
    price: Decimal | None
    trigger_price: Decimal | None
    position: int = 0
    basket_size: int = 1


@dataclass(frozen=True, slots=True)
class Ack:
    """The broker accepted the order under its own id; from then on the order book should list it."""

    ref: str
    broker_order_id: str


@dataclass(frozen=True, slots=True)
class SentOrder:
    """An order that may be at the broker. `broker_order_id` is unknown if the broker's answer was lost."""

    ref: str
    variety: Variety
    broker_order_id: str | None


@dataclass(frozen=True, slots=True)
class Report:
    """An order in the order book. `average_price` of the shares filled so far, in rupees.

    `slices`: none for an order that is one at the exchange; `exchange_order_id` is that of the first.
    """

    ref: str
    status: BrokerStatus
    filled_quantity: int
    average_price: Decimal | None
    exchange_order_id: str | None
    error_code: str | None = None
    message: str | None = None
    at: datetime | None = None
    slices: Sequence[Slice] = ()


@dataclass(frozen=True, slots=True)
class Holding:
    """Shares of one ticker; `average_price` of their buys, in rupees.

    Of `quantity`, `today` were bought today, at `today_price` on average, and `t1` on the trading day before. `locked`
    cannot be sold before they arrive.
    """

    ticker: str
    quantity: int
    average_price: Decimal
    t1: int = 0
    today: int = 0
    today_price: Decimal | None = None
    locked: int = 0


@dataclass(frozen=True, slots=True)
class TradebookExport:
    """An account's trades as a tradebook file of its broker: `csv` yields the lines in one of `dialects`."""

    dialects: Sequence[str]
    csv: Callable[[str], Iterator[str]]


class Broker(Protocol):
    """The port; see above for the guarantees of an adapter.

    `has_unique_refs`: placing a ref that the broker has places nothing, so an order may be sent again.
    """

    @property
    def has_unique_refs(self) -> bool: ...

    def login(self, *, gateway: int, broker: str, client_id: str, pin: str, now: datetime) -> LiveSession:
        """Raises Refused, LoginEnded, Unreachable."""

    def funds(self, session: LiveSession, *, now: datetime) -> Decimal:
        """Rupees available for buying. Raises Unreachable, SessionEnded."""

    def holdings(self, session: LiveSession, *, now: datetime, tickers: Sequence[str] = ()) -> Sequence[Holding]:
        """All shares; of `tickers`, if given, only those that can be sold. Raises Unreachable, SessionEnded."""

    def place(self, session: LiveSession, order: NewOrder, *, now: datetime) -> Ack:
        """Places one order. Raises Refused (the order is not in the order book), Unreachable, SessionEnded."""

    def order_book(self, session: LiveSession, refs: Sequence[str], *, now: datetime) -> Sequence[Report]:
        """Reports about the orders `refs` of the account. Raises Unreachable, SessionEnded."""

    def cancel(self, session: LiveSession, order: SentOrder, *, now: datetime) -> None:
        """Requests that the order's open shares are cancelled; the order book reports the outcome.

        Raises Refused if there is nothing to cancel, Unreachable, SessionEnded.
        """
