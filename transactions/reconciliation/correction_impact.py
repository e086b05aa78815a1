"""Computes the impact of a correction on batch, investment and events, for the preview and for the write."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from brokers.market.quotes import quotes
from brokers.ports.broker import Side
from gateway.values.errors import Conflict, ErrorType
from smallcases.models import InvestmentFill
from smallcases.portfolio import ledger
from transactions.domain.corrections import announcements, standing
from transactions.domain.order_reports import OrderState
from transactions.domain.statuses import OPEN_BATCH, UNFINISHED_BATCH, BatchStatus, OrderStatus, batch_status
from transactions.execution.record_updates import completed_at, state_of
from transactions.models import Batch, Order
from transactions.queries.order_context import unresolved_sells
from webhooks.events.event_types import EventType


class SoldSince(Conflict):
    """Shares that the correction removes have been sold, or may have been."""


class OrderOpen(Conflict):
    """An order planned from these shares is still open."""

    error_type = ErrorType.ORDER_PENDING


@dataclass(frozen=True, slots=True)
class Cash:
    """Executed rupees of one batch."""

    bought: Decimal
    sold: Decimal


@dataclass(frozen=True, slots=True)
class HoldingChange:
    ticker: str
    before: int
    after: int


@dataclass(frozen=True, slots=True)
class Portfolio:
    """The change of an investment. `returns` are None without prices, without fills, or if the ledger is oversold."""

    iscid: str
    holdings: tuple[HoldingChange, ...]
    returns_before: ledger.Returns | None
    returns_after: ledger.Returns | None


@dataclass(frozen=True, slots=True)
class CorrectionImpact:
    """`before` and `after` are the states of the changed orders by primary key."""

    before: Mapping[int, OrderState]
    after: Mapping[int, OrderState]
    status_before: BatchStatus
    status_after: BatchStatus
    completed_before: datetime | None
    completed_after: datetime | None
    event_types: tuple[EventType, ...]
    cash_before: Cash
    cash_after: Cash
    portfolio: Portfolio | None


def impact_of(
    batch: Batch,
    orders: Sequence[Order],
    after: Mapping[int, OrderState],
    *,
    restores: BatchStatus | None = None,
    now: datetime,
) -> CorrectionImpact:
    """`restores`: the batch status before an undone correction. Raises SoldSince, OrderOpen."""
    states = {order.pk: state_of(order) for order in orders}
    then = {**states, **after}
    before = BatchStatus(batch.status)
    status = standing(before, batch_status([(one.status, one.filled_quantity) for one in then.values()]))
    if restores is BatchStatus.MARKEDCOMPLETE and status in UNFINISHED_BATCH:
        status = restores
    return CorrectionImpact(
        before={pk: states[pk] for pk in after},
        after=after,
        status_before=before,
        status_after=status,
        completed_before=batch.completed_at,
        completed_after=completed_at(batch, status, now),
        event_types=announcements(before, status),
        cash_before=_cash(orders, states),
        cash_after=_cash(orders, then),
        portfolio=_portfolio(batch, orders, after, now) if batch.iscid else None,
    )


def _cash(orders: Sequence[Order], states: Mapping[int, OrderState]) -> Cash:
    moved = {Side.BUY: Decimal(0), Side.SELL: Decimal(0)}
    for order in orders:
        one = states[order.pk]
        moved[Side(order.side)] += one.filled_quantity * (one.average_price or 0)
    return Cash(moved[Side.BUY], moved[Side.SELL])


def _portfolio(batch: Batch, orders: Sequence[Order], after: Mapping[int, OrderState], now: datetime) -> Portfolio:
    iscid = batch.iscid or ""
    rows = list(InvestmentFill.objects.filter(investment__iscid=iscid).order_by("pk"))
    changed = {order.ref: (order, after[order.pk]) for order in orders if order.pk in after}
    fills = [_as_fill(row) for row in rows]
    then = _then(rows, changed, now)
    held, left = _held(fills), _held(then)
    holdings = tuple(HoldingChange(t, held.get(t, 0), left.get(t, 0)) for t in sorted({*held, *left}))
    _check(batch, fills, then, holdings, changed)
    prices = {ticker: quote.at(now) for ticker, quote in quotes(batch.gateway_id, {*held, *left}).items()}
    return Portfolio(iscid, holdings, _returns(fills, prices), _returns(then, prices))


def _then(
    rows: Sequence[InvestmentFill], changed: Mapping[str, tuple[Order, OrderState]], now: datetime
) -> list[ledger.Fill]:
    """The fills after the correction: known fills are replaced in place or removed, new fills are last."""
    fills = []
    for row in rows:
        if row.order_ref not in changed:
            fills.append(_as_fill(row))
        elif fill := _filled(*changed[row.order_ref], row.at):
            fills.append(fill)
    known = {row.order_ref for row in rows}
    new = (_filled(order, state, now) for ref, (order, state) in changed.items() if ref not in known)
    return [*fills, *(fill for fill in new if fill)]


def _filled(order: Order, state: OrderState, at: datetime) -> ledger.Fill | None:
    if state.average_price is None:
        return None
    return ledger.Fill(order.ticker, Side(order.side), state.filled_quantity, state.average_price, at)


def _as_fill(row: InvestmentFill) -> ledger.Fill:
    return ledger.Fill(row.ticker, Side(row.side), row.shares, row.price, row.at)


def _held(fills: Sequence[ledger.Fill]) -> dict[str, int]:
    """Shares by ticker, from plain sums."""
    shares: dict[str, int] = {}
    for fill in fills:
        shares[fill.ticker] = shares.get(fill.ticker, 0) + (fill.shares if fill.side is Side.BUY else -fill.shares)
    return shares


def _check(
    batch: Batch,
    fills: Sequence[ledger.Fill],
    then: Sequence[ledger.Fill],
    holdings: Sequence[HoldingChange],
    changed: Mapping[str, tuple[Order, OrderState]],
) -> None:
    """Raises SoldSince or OrderOpen if the investment would lack shares that were sold or may be sold."""
    if _is_sound(fills) and not _is_sound(then):
        raise SoldSince("Shares that this correction removes have been sold since. Correct that sale first.")
    fewer = [one for one in holdings if one.after < one.before]
    if not fewer:
        return
    others = Batch.objects.filter(iscid=batch.iscid, status__in=[BatchStatus.QUEUED, *OPEN_BATCH])
    if others.exclude(pk=batch.pk).exists():
        raise OrderOpen("An order planned from these shares is open. Wait until it has ended.")
    lost = _unknown_sells(batch, changed)
    if missing := [one.ticker for one in fewer if one.after < lost.get(one.ticker, 0)]:
        raise SoldSince(
            f"{', '.join(missing)}: a sale in ERROR may have sold more shares than are left. Correct that sale first."
        )


def _unknown_sells(batch: Batch, changed: Mapping[str, tuple[Order, OrderState]]) -> dict[str, int]:
    """Shares by ticker that sells in ERROR may have sold, after the correction."""
    lost = unresolved_sells(batch.iscid or "")
    for order, state in changed.values():
        if order.side == Side.SELL:
            was = order.quantity - order.filled_quantity if order.status == OrderStatus.ERROR else 0
            will = state.quantity - state.filled_quantity if state.status is OrderStatus.ERROR else 0
            lost[order.ticker] = lost.get(order.ticker, 0) - was + will
    return lost


def _is_sound(fills: Sequence[ledger.Fill]) -> bool:
    try:
        ledger.positions(fills)
    except ledger.Oversold:
        return False
    return True


def _returns(fills: Sequence[ledger.Fill], prices: Mapping[str, Decimal]) -> ledger.Returns | None:
    try:
        return ledger.returns(fills, prices) if fills else None
    except (ledger.Oversold, KeyError):  # an oversold ledger, or a name without a price
        return None
