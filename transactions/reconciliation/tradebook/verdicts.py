"""Compares a tradebook's trades of an order with the order's state. Pure."""

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from gateway.values.money import average
from transactions.domain.corrections import FINAL, ROUNDING, CorrectedOutcome
from transactions.domain.order_reports import OrderState
from transactions.domain.statuses import OrderStatus


class RowVerdict(StrEnum):
    """Only EXACT is safe: with PARTIAL or ZERO_FILL the tradebook may have been exported before the rest traded."""

    EXACT = "exact match"
    PARTIAL = "partial"
    ZERO_FILL = "zero-fill"
    CONTRADICTS = "contradicts"
    DUPLICATE = "duplicate"
    UNKNOWN = "unknown order"
    FINAL = "already final"
    OPEN = "still open"


SAFE = (RowVerdict.EXACT,)
CAN_BE_APPLIED = (RowVerdict.EXACT, RowVerdict.PARTIAL, RowVerdict.ZERO_FILL)


@dataclass(frozen=True, slots=True)
class Traded:
    """A tradebook's trades of one order: shares, and turnover in rupees. `quarrel`: a contradiction among them."""

    symbol: str
    side: str
    quantity: int
    turnover: Decimal
    quarrel: str = ""

    @property
    def average_price(self) -> Decimal | None:
        return average(self.turnover / self.quantity) if self.quantity else None


@dataclass(frozen=True, slots=True)
class KnownOrder:
    """The order that the tradebook names. `by_tradebook`: a tradebook has corrected it."""

    symbol: str
    side: str
    state: OrderState
    by_tradebook: bool = False


@dataclass(frozen=True, slots=True)
class Ruling:
    """`difference` is a sentence, empty if there is none. `overturns`: two people may apply the row."""

    verdict: RowVerdict
    difference: str = ""
    overturns: bool = False

    @property
    def can_be_applied(self) -> bool:
        return self.overturns or self.verdict in CAN_BE_APPLIED


def verdict_of(traded: Traded, known: KnownOrder | None) -> Ruling:
    if known is None:
        return Ruling(RowVerdict.UNKNOWN, "No order of this broker has this number or reference.")
    if quarrel := traded.quarrel or _quarrel(traded, known):
        return Ruling(RowVerdict.CONTRADICTS, quarrel)
    if known.state.status in FINAL:
        return _of_final(traded, known)
    if known.state.status is OrderStatus.ERROR:
        return _of_unknown(traded, known)
    return Ruling(RowVerdict.OPEN, f"The order is {known.state.status}; the broker is still being polled.")


def _of_unknown(traded: Traded, known: KnownOrder) -> Ruling:
    if traded.quantity == known.state.quantity:
        return Ruling(RowVerdict.EXACT)
    if traded.quantity:
        return Ruling(RowVerdict.PARTIAL, f"{traded.quantity} of {known.state.quantity} shares.")
    return Ruling(RowVerdict.ZERO_FILL, "No shares were traded.")


def outcome_of(traded: Traded, quantity: int, *, order_no: str) -> CorrectedOutcome:
    """The corrected outcome. A tradebook does not show rejections, so an order without trades becomes CANCELLED."""
    status = OrderStatus.COMPLETE if traded.quantity == quantity else OrderStatus.PARTIAL
    return CorrectedOutcome(
        status=status if traded.quantity else OrderStatus.CANCELLED,
        filled_quantity=traded.quantity,
        average_price=traded.average_price,
        exchange_order_id=order_no or None,
        error_code=None if traded.quantity else "orderUnmatched",
    )


def _quarrel(traded: Traded, known: KnownOrder) -> str:
    if traded.symbol != known.symbol or traded.side != known.side:
        return f"The tradebook has {traded.side} {traded.symbol}, the order is {known.side} {known.symbol}."
    if traded.quantity > known.state.quantity:
        return f"{traded.quantity} shares were traded, but {known.state.quantity} were ordered."
    if traded.quantity < known.state.filled_quantity and known.state.status not in FINAL:
        return f"{traded.quantity} shares were traded, but the broker has reported {known.state.filled_quantity}."
    return ""


def _of_final(traded: Traded, known: KnownOrder) -> Ruling:
    state = known.state
    apart = (traded.average_price or Decimal(0)) - (state.average_price or Decimal(0))
    if traded.quantity == state.filled_quantity and abs(apart) <= ROUNDING:
        duplicate = Ruling(RowVerdict.DUPLICATE, "Already corrected from a tradebook.")
        return duplicate if known.by_tradebook else Ruling(RowVerdict.FINAL)
    book = f"{traded.quantity} at {traded.average_price}" if traded.quantity else "nothing"
    here = f"{state.filled_quantity} at {state.average_price}" if state.filled_quantity else "nothing"
    return Ruling(
        RowVerdict.CONTRADICTS, f"The tradebook has {book}; the order is {state.status} with {here}.", overturns=True
    )
