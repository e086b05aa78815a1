"""The status screen of a confirmed transaction: a headline, a tone and a row for each order."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from brokers.market.calendar import market_of
from brokers.market.charges import NOTHING, Charges
from brokers.ports.broker import Variety
from transactions.checkout.pages.left_out import LeftOutNote, notes_after
from transactions.checkout.sessions import may_enter_again
from transactions.domain.intents import CANCELLATIONS, Intent
from transactions.domain.price_protection import PRICE_MOVED, QuotedOrder
from transactions.domain.statuses import FINAL_BATCH, UNFINISHED_BATCH, BatchStatus, OrderStatus, TransactionStatus
from transactions.models import Batch, CheckoutSession, Order, Transaction

TONES: Final = {
    BatchStatus.QUEUED: "busy",
    BatchStatus.PLACED: "busy",
    BatchStatus.PARTIALLYPLACED: "busy",
    BatchStatus.COMPLETED: "good",
    BatchStatus.PARTIALLYFILLED: "mixed",
    BatchStatus.UNFILLED: "bad",
    BatchStatus.UNPLACED: "bad",
    BatchStatus.ERROR: "unknown",
    BatchStatus.CANCELLED: "quiet",
    BatchStatus.MARKEDCOMPLETE: "quiet",
}
ROW_TONES: Final = {
    OrderStatus.QUEUED: "busy",
    OrderStatus.PLACED: "busy",
    OrderStatus.COMPLETE: "good",
    OrderStatus.PARTIAL: "mixed",
    OrderStatus.ERROR: "unknown",
    OrderStatus.CANCELLED_AMO: "quiet",
}

SESSION_ENDED: Final = "SESSION_ENDED"
AT_REST: Final = frozenset({"AMO", SESSION_ENDED})  # nothing happens until the market opens or the user logs in


@dataclass(frozen=True, slots=True)
class CheckoutProgress:
    """`state` names the texts. `is_live`: the status may still change, so the page polls.

    `can_log_in`: the orders wait for a login, and this checkout takes one.
    """

    state: str
    tone: str
    is_live: bool
    rows: Sequence[dict[str, Any]] = ()
    filled: int = 0
    total: int = 0
    batch: Batch | None = None
    charges: Charges = NOTHING
    opens_at: datetime | None = None
    left_out: Sequence[LeftOutNote] = ()
    can_fix: bool = False
    can_mark: bool = False
    can_log_in: bool = False
    leaves_by_itself: bool = False

    @property
    def percent(self) -> int:
        return 100 * self.filled // self.total if self.total else 0


def progress_of(session: CheckoutSession, orders: Sequence[Order], now: datetime) -> CheckoutProgress:
    shown = _progress(session, orders, now)
    return replace(shown, can_log_in=shown.state == SESSION_ENDED and may_enter_again(session))


def _progress(session: CheckoutSession, orders: Sequence[Order], now: datetime) -> CheckoutProgress:
    transaction = session.transaction
    if transaction.intent in CANCELLATIONS:
        return _of_cancellation(transaction, orders)
    if not orders:
        done = transaction.status == TransactionStatus.COMPLETED
        leaves = done and transaction.intent in {Intent.CONNECT, Intent.FETCH_FUNDS, Intent.HOLDINGS_IMPORT}
        state = f"done.{transaction.intent}"
        return CheckoutProgress(state, "good" if done else "busy", is_live=not done, leaves_by_itself=leaves)
    return _of_batch(session, orders[0].batch, orders, now)


def _of_batch(session: CheckoutSession, batch: Batch, orders: Sequence[Order], now: datetime) -> CheckoutProgress:
    quoted = QuotedOrder.of_json(session.quoted_order) if session.quoted_order else None
    status = BatchStatus(batch.status)
    market = market_of(session.transaction.gateway, now=now)
    waits = batch.variety == Variety.AMO and status is BatchStatus.PLACED and not market.is_open(now)
    unfinished = status in UNFINISHED_BATCH and batch.iscid is not None
    trouble = _trouble(batch, orders)
    state = "AMO" if waits and trouble != SESSION_ENDED else trouble or status.value
    return CheckoutProgress(
        state=state,
        tone="quiet" if state in AT_REST else TONES[status],
        is_live=status not in FINAL_BATCH,
        rows=[_row(order) for order in orders],
        filled=sum(order.filled_quantity for order in orders),
        total=sum(order.quantity for order in orders),
        batch=batch,
        charges=sum((order.charges for order in orders if order.filled_quantity and order.charges), NOTHING),
        opens_at=market.next_open(now) if waits else None,
        left_out=notes_after(orders, quoted.passed_over if quoted else ()) if batch.iscid else (),
        can_fix=unfinished and any(order.status != OrderStatus.CANCELLED_AMO for order in orders),
        can_mark=unfinished,
    )


def _trouble(batch: Batch, orders: Sequence[Order]) -> str:
    """Why an open batch does not change; empty if it may at any time."""
    is_sending = any(order.status == OrderStatus.QUEUED for order in orders)
    if batch.status in FINAL_BATCH:
        return ""
    if batch.session_ended_at:
        return SESSION_ENDED
    if batch.unreachable_since:
        return "REACHING" if is_sending else "UNREACHABLE"
    return BatchStatus.QUEUED.value if is_sending else ""


def _of_cancellation(transaction: Transaction, orders: Sequence[Order]) -> CheckoutProgress:
    mine = [order for order in orders if order.cancelled_by_id == transaction.pk]
    done = transaction.status == TransactionStatus.COMPLETED
    waits = any(order.batch.session_ended_at for order in mine)
    state, tone = (SESSION_ENDED, "quiet") if waits else ("CANCELLING", "busy")
    state, tone = ("done.CANCELLED", "good") if done else (state, tone)
    return CheckoutProgress(state, tone, is_live=not done, rows=[_row(order) for order in mine])


def _row(order: Order) -> dict[str, Any]:
    status = OrderStatus(order.status)
    return {
        "order": order,
        "tone": ROW_TONES.get(status, "bad"),
        "text": f"order.{status.value}",
        "why": _reason(order),
        "percent": 100 * order.filled_quantity // order.quantity,
    }


def _reason(order: Order) -> str:
    """The name of the text."""
    if order.status_message == PRICE_MOVED:
        return "code.price-moved"
    return f"code.{order.error_code}" if order.error_code else ""
