"""The ledger of one investment, computed from its fills. Pure; exact until `returns` rounds to the paisa.

Cost is the weighted average price: a buy changes the average, a sell keeps it and removes its part of the cost. The
cost of sold shares is the *realized investment*; the proceeds above that cost are the *realized returns*.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final

from brokers.ports.broker import Side
from gateway.values.errors import Conflict
from gateway.values.money import average, rupees

NOTHING: Final = Decimal(0)
START: Final = Decimal(100)


class Oversold(Conflict):
    """More shares were sold than held: a fill is missing, duplicated or out of order."""


@dataclass(frozen=True, slots=True)
class Fill:
    """`shares` and `price` (rupees per share) are above 0."""

    ticker: str
    side: Side
    shares: int
    price: Decimal
    at: datetime


@dataclass(frozen=True, slots=True)
class Position:
    """Rupees. `average_price` is the cost per share; it is kept after the last share is sold."""

    shares: int = 0
    average_price: Decimal = NOTHING
    realized_investment: Decimal = NOTHING
    realized_returns: Decimal = NOTHING

    @property
    def investment(self) -> Decimal:
        """The cost of the held shares."""
        return self.shares * self.average_price


@dataclass(frozen=True, slots=True)
class Returns:
    """Rupees, to the paisa. Percentages of the invested money, with two decimals; None if nothing is invested.

    `current_investment` is the cost of held shares, `realized_investment` of sold shares. `unrealized_percent` is of
    the former, `total_percent` of both. Same definitions as smallcase.
    """

    networth: Decimal
    current_investment: Decimal
    realized_investment: Decimal
    unrealized_returns: Decimal
    realized_returns: Decimal
    total_returns: Decimal
    unrealized_percent: Decimal | None
    total_percent: Decimal | None

    @property
    def index_value(self) -> Decimal:
        """The investment's own index, with four decimals: 100 + total returns ÷ money put in × 100.

        100 on the day of buying. Source: smallcase, "index value" of an investment. The money put in is the cost of all
        shares ever bought: of the held and of the sold ones.
        """
        put_in = self.current_investment + self.realized_investment
        return average(START + 100 * self.total_returns / put_in) if put_in else START


def positions(fills: Iterable[Fill]) -> dict[str, Position]:
    """The position of every name ever traded, also without shares left. `fills` in the order they happened.

    Raises Oversold.
    """
    books: dict[str, Position] = {}
    for fill in fills:
        position = books.get(fill.ticker, Position())
        books[fill.ticker] = _bought(position, fill) if fill.side == Side.BUY else _sold(position, fill)
    return books


def holdings(fills: Iterable[Fill]) -> dict[str, int]:
    """Held shares by ticker. Raises Oversold."""
    return {ticker: position.shares for ticker, position in positions(fills).items() if position.shares}


def returns(fills: Iterable[Fill], prices: Mapping[str, Decimal]) -> Returns:
    """Returns at `prices` in rupees, which must have every held name. Raises Oversold."""
    return returns_on(positions(fills), prices)


def returns_on(books: Mapping[str, Position], prices: Mapping[str, Decimal]) -> Returns:
    """As `returns`, from known positions."""
    networth = sum((prices[ticker] * book.shares for ticker, book in books.items() if book.shares), NOTHING)
    current = sum((book.investment for book in books.values()), NOTHING)
    realized = sum((book.realized_investment for book in books.values()), NOTHING)
    gained = sum((book.realized_returns for book in books.values()), NOTHING)
    return Returns(
        networth=rupees(networth),
        current_investment=rupees(current),
        realized_investment=rupees(realized),
        unrealized_returns=rupees(networth - current),
        realized_returns=rupees(gained),
        total_returns=rupees(networth - current + gained),
        unrealized_percent=_percent(networth - current, current),
        total_percent=_percent(networth - current + gained, current + realized),
    )


def _bought(position: Position, fill: Fill) -> Position:
    shares = position.shares + fill.shares
    average_price = (position.investment + fill.shares * fill.price) / shares
    return Position(shares, average_price, position.realized_investment, position.realized_returns)


def _sold(position: Position, fill: Fill) -> Position:
    if fill.shares > position.shares:
        raise Oversold(f"{fill.shares} {fill.ticker} were sold, but {position.shares} were held.")
    return Position(
        shares=position.shares - fill.shares,
        average_price=position.average_price,
        realized_investment=position.realized_investment + fill.shares * position.average_price,
        realized_returns=position.realized_returns + fill.shares * (fill.price - position.average_price),
    )


def _percent(part: Decimal, whole: Decimal) -> Decimal | None:
    return rupees(100 * part / whole) if whole else None
