"""Shares that an order of a smallcase leaves out, because they cannot be traded now, and the reason. Pure.

The other names never wait for them. Shares that the plan would have traded become orders that are unplaced from the
start, so a FIX can order them later.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from brokers.ports.broker import Side
from transactions.domain.basket import MAX_QUANTITY, OrderLine


class LeftOutReason(StrEnum):
    """HALTED: trading is suspended. UNLISTED: delisted, or the ticker is not known any more.

    UNSETTLED: shares of a trade-to-trade series that were bought and have not arrived. MONEY: purchases of a rebalance
    that its sales and the account do not pay for today.
    """

    HALTED = "halted"
    UNLISTED = "unlisted"
    UNSETTLED = "unsettled"
    OVER_LIMIT = "over-limit"
    MONEY = "money"


NOT_ALLOWED: Final = "securityNotAllowed"
# The errorCode of an unplaced order, and its statusMessage.
_CODES: Final = {
    LeftOutReason.HALTED: NOT_ALLOWED,
    LeftOutReason.UNLISTED: NOT_ALLOWED,
    LeftOutReason.UNSETTLED: NOT_ALLOWED,
    LeftOutReason.OVER_LIMIT: "invalidOrder",
    LeftOutReason.MONEY: "marginsExceeded",
}
_SENTENCES: Final = {
    LeftOutReason.HALTED: "{ticker} cannot be traded now.",
    LeftOutReason.UNLISTED: "{ticker} is not listed on NSE any more.",
    LeftOutReason.OVER_LIMIT: "These shares of {ticker} are more than one order may have. Order them with a FIX.",
    LeftOutReason.UNSETTLED: "{ticker} is settled trade by trade: shares that were just bought cannot be sold yet.",
    LeftOutReason.MONEY: "There is not enough money today for these shares of {ticker}. Order them later with a FIX.",
}


def sentence(ticker: str, reason: LeftOutReason) -> str:
    return _SENTENCES[reason].format(ticker=ticker)


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Shares that are not ordered."""

    line: OrderLine
    reason: LeftOutReason

    @property
    def ticker(self) -> str:
        return self.line.security.ticker

    @property
    def error_code(self) -> str:
        return _CODES[self.reason]

    @property
    def message(self) -> str:
        return sentence(self.ticker, self.reason)


def untradable(tickers: Iterable[str], tradable: Mapping[str, bool]) -> dict[str, LeftOutReason]:
    """The names that cannot be traded, in alphabetical order. `tradable` has the known tickers."""
    wrong = (ticker for ticker in sorted(set(tickers)) if not tradable.get(ticker))
    return {t: LeftOutReason.HALTED if t in tradable else LeftOutReason.UNLISTED for t in wrong}


def without_untradable(
    lines: Sequence[OrderLine], reasons: Mapping[str, LeftOutReason]
) -> tuple[list[OrderLine], list[LeftOut]]:
    """The lines to order, and those of names that cannot be traded."""
    left = [LeftOut(line, reasons[line.security.ticker]) for line in lines if line.security.ticker in reasons]
    return [line for line in lines if line.security.ticker not in reasons], left


def within_limit(lines: Sequence[OrderLine], largest: Mapping[str, int]) -> tuple[list[OrderLine], list[LeftOut]]:
    """The lines with at most `largest` shares each, by ticker, else MAX_QUANTITY; the rest in parts of MAX_QUANTITY."""
    now, rest = [], []
    for line in lines:
        most = min(largest.get(line.security.ticker, MAX_QUANTITY), MAX_QUANTITY, line.quantity)
        now += [replace(line, quantity=most)] if most else []
        rest += [LeftOut(part, LeftOutReason.OVER_LIMIT) for part in _beyond(line, most)]
    return now, rest


def settled_only(
    lines: Sequence[OrderLine], held: Mapping[str, int], unsettled: Mapping[str, int]
) -> tuple[list[OrderLine], list[LeftOut]]:
    """The lines, with sales of at most the shares that have arrived; the rest of larger ones."""
    now, rest = [], []
    for line in lines:
        ticker = line.security.ticker
        late = max(line.quantity - (held.get(ticker, 0) - unsettled.get(ticker, 0)), 0) if ticker in unsettled else 0
        late = min(late, line.quantity) if line.side is Side.SELL else 0
        now += [replace(line, quantity=line.quantity - late)] if late < line.quantity else []
        rest += [LeftOut(replace(line, quantity=late), LeftOutReason.UNSETTLED)] if late else []
    return now, rest


def split(lines: Sequence[OrderLine], bought: Mapping[str, int]) -> tuple[list[OrderLine], list[LeftOut]]:
    """The lines with purchases of `bought` shares by ticker; what is missing waits for money."""
    now, rest = [], []
    for line in lines:
        part = line.quantity if line.side is Side.SELL else bought.get(line.security.ticker, 0)
        now += [replace(line, quantity=part)] if part else []
        if part < line.quantity:
            rest.append(LeftOut(replace(line, quantity=line.quantity - part), LeftOutReason.MONEY))
    return now, rest


def _beyond(line: OrderLine, most: int) -> Iterator[OrderLine]:
    for start in range(most, line.quantity, MAX_QUANTITY):
        yield replace(line, quantity=min(line.quantity - start, MAX_QUANTITY))
