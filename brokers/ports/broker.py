"""What the gateway asks of a broker, and what it hears. A real broker is one more module with these six verbs.

Promises an adapter makes: it may be slow or raise LinkDown at any call; `place` is given the whole basket, in
order, and twice with the same refs places once; `order_book` answers for the refs it knows (several times, it may
be, and of older states too) and is silent about the rest; nothing it returns has been stored by the gateway yet.
A user waits for `login`, `funds` and `holdings`: an adapter bounds them itself, and raises LinkDown after 5 s at most.
`now` is the gateway's clock: a simulator lives by it, a real broker has no use for it.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Protocol


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
    """A broker's report of an order; what it means for the gateway is decided there."""

    OPEN = "OPEN"
    COMPLETE = "COMPLETE"
    REJECTED = "REJECTED"
    CANCELLED = "CANCELLED"


class LinkDown(Exception):
    """The broker did not answer: whether it heard is unknown."""


class LoginRefused(Exception):
    """The broker knows no such client and PIN."""


class LoginEnded(Exception):
    """The broker's login ended the whole transaction, with the SDK code to pass on."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True, slots=True)
class Login:
    """An open session at a broker. `token` is the adapter's own business; the gateway seals it."""

    gateway: int
    broker: str
    client_id: str
    token: str


@dataclass(frozen=True, slots=True)
class NewOrder:
    ref: str
    ticker: str
    side: Side
    quantity: int
    order_type: OrderType
    variety: Variety
    validity: Validity
    price: Decimal | None
    trigger_price: Decimal | None


@dataclass(frozen=True, slots=True)
class Ack:
    """The broker took the order, or refused to take it (`error_code`): then it is nowhere."""

    ref: str
    error_code: str | None = None
    message: str | None = None

    @property
    def taken(self) -> bool:
        return self.error_code is None


@dataclass(frozen=True, slots=True)
class Report:
    """A line of the order book. `average_price` of what has filled so far, in rupees."""

    ref: str
    status: BrokerStatus
    filled_quantity: int
    average_price: Decimal | None
    exchange_order_id: str | None
    error_code: str | None = None
    message: str | None = None
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Holding:
    ticker: str
    quantity: int
    average_price: Decimal


@dataclass(frozen=True, slots=True)
class TradebookExport:
    """An account's trades, as its broker's support would send them: `csv` gives the lines in one of `dialects`."""

    dialects: Sequence[str]
    csv: Callable[[str], Iterator[str]]


class Broker(Protocol):
    def login(self, *, gateway: int, broker: str, client_id: str, pin: str, now: datetime) -> Login:
        """Raises LoginRefused, LoginEnded, LinkDown."""

    def funds(self, login: Login, *, now: datetime) -> Decimal:
        """Rupees free for buying."""

    def holdings(self, login: Login, *, now: datetime, tickers: Sequence[str] = ()) -> Sequence[Holding]:
        """What can be sold; of `tickers` only, when given."""

    def place(self, login: Login, basket: Sequence[NewOrder], *, now: datetime) -> Sequence[Ack]:
        """One Ack per order that was answered for; about a missing one nothing is known."""

    def order_book(self, login: Login, refs: Sequence[str], *, now: datetime) -> Sequence[Report]: ...

    def cancel(self, login: Login, refs: Sequence[str], *, now: datetime) -> None:
        """Asks for the rest of each to be cancelled; what came of it, the order book says."""
