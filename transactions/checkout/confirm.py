"""Confirms a transaction: its orders become a batch, once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NoReturn

from django.db import IntegrityError
from django.db.transaction import atomic

from brokers.market.quotes import quotes
from brokers.ports.broker import Side, Variety
from brokers.user_questions import ask_broker, funds_of, live_session_of
from gateway.database.rows import insert_rows
from gateway.database.violations import violated_constraint
from gateway.partners import clock
from gateway.queue.enqueue import TaskName, enqueue_soon
from gateway.telemetry import request_id
from gateway.values.errors import Conflict
from smallcases.portfolio.apply_fills import adopt_version
from smallcases.sips.sip_changes import SipRequest
from transactions.checkout.consents import complete_consent
from transactions.domain.basket import OrderLine, Security, settled
from transactions.domain.intents import CANCELLATIONS, Intent
from transactions.domain.left_out import LeftOut, sentence
from transactions.domain.price_protection import QuotedOrder, moved_beyond_tolerance, orders_in
from transactions.domain.sdk_codes import SdkCode
from transactions.domain.smallcase_order import NOTHING_SELECTED, OrderKind, SmallcaseSelections
from transactions.domain.statuses import OrderStatus, TransactionStatus
from transactions.execution.cancel import ask_to_cancel
from transactions.lifecycle.eligibility import reject_if_not_placeable
from transactions.lifecycle.order_limits import check_order_limits
from transactions.lifecycle.plan_orders import Planned, check_tradable, plan
from transactions.lifecycle.transitions import SdkError, TransactionUsed, check_live, claim, end, fail
from transactions.models import Batch, CheckoutSession, Order, Transaction
from transactions.queries.order_context import OrderContext, order_context


class NotLoggedIn(Conflict):
    """The user has not logged in yet."""


class QuoteExpired(Conflict):
    """The order would differ from the one that the user agreed to.

    `moved`: tickers whose price moved too far. `halted`: tickers of the order that cannot be traded any more.
    """

    def __init__(self, *sentences: str, moved: Sequence[str] = (), halted: Sequence[str] = ()) -> None:
        super().__init__(*sentences)
        self.moved, self.halted = moved, halted


class _Overtaken(Exception):
    """Another order of the investment was confirmed and has ended since the context was read."""


@dataclass(frozen=True, slots=True)
class UserSelections:
    """The user's selections on the confirmation screen, for values that the partner left open.

    `securities` by ticker; `smallcase`: amount, shares or exit; `sip` for a SIP_SETUP. `quoted`: the order that the
    user saw; without it the order is planned at current prices.
    """

    securities: Mapping[str, Security] = field(default_factory=dict)
    smallcase: SmallcaseSelections = NOTHING_SELECTED
    sip: SipRequest | None = None
    amo: bool = False
    quoted: QuotedOrder | None = None


def confirm(
    *, transaction: Transaction, selections: UserSelections, now: datetime, context: OrderContext | None = None
) -> Transaction:
    """USED becomes PROCESSING, once. Raises NotLoggedIn, QuoteExpired, BrokerSilent, LoginRequired, Invalid, SdkError.

    `context`: if the caller has already read it.
    """
    check_live(transaction, now=now)
    if transaction.status != TransactionStatus.USED:
        raise NotLoggedIn("The user has not logged in at a broker yet.")
    if transaction.intent in CANCELLATIONS:
        ask_to_cancel(transaction=transaction, now=now)
    elif transaction.intent == Intent.TRANSACTION:
        _confirm_orders(context or order_context(transaction, now=now), selections)
    else:
        complete_consent(transaction=transaction, sip=selections.sip, now=now)
    return transaction


def _confirm_orders(context: OrderContext, selections: UserSelections) -> None:
    transaction, now = context.transaction, context.now
    reject_if_not_placeable(context, amo=selections.amo)
    prices = selections.quoted.prices if selections.quoted else None  # those that the user saw
    is_rebalance = context.order_request is not None and context.order_request.kind is OrderKind.REBALANCE
    funds = funds_of(context.account, now=now) if is_rebalance else None
    planned = plan(context, selections.smallcase, prices=prices, funds=funds) if context.order_request else None
    lines = planned.lines if planned else settled(context.basket, selections.securities)
    if planned is None:
        check_tradable(lines)
        check_order_limits(context, lines)
    elif not lines and planned.label != OrderKind.REBALANCE:
        fail(transaction, SdkCode.NO_ORDER, now=now)
    if selections.quoted:
        _check_quote(context, lines, selections.quoted)
    if planned and not lines and not planned.left_out:
        _adopt(context, planned)
    if _lacks_holdings(context, lines):
        fail(transaction, SdkCode.INSUFFICIENT_HOLDINGS, now=now)
    try:
        with atomic(durable=True):
            claim(transaction, now=now)
            if selections.quoted:
                # In the open session, because another tab may have shown other prices.
                here = CheckoutSession.objects.filter(transaction=transaction, ended_at__isnull=True)
                here.update(quoted_order=selections.quoted.as_json())
            _queue_batch(context, lines, planned)
    except (_Overtaken, IntegrityError) as error:
        if isinstance(error, IntegrityError) and violated_constraint(error) != "one_open_batch_per_investment":
            raise
        transaction.refresh_from_db()
        fail(transaction, SdkCode.ORDER_PENDING, now=now)


def _adopt(context: OrderContext, planned: Planned) -> NoReturn:
    """A rebalance with nothing to do places no orders: its version counts as applied. Raises SdkError."""
    with atomic(durable=True):
        ended = end(context.transaction, SdkCode.NO_ORDER, now=context.now)
        if ended and context.investment:
            adopt_version(context.investment, planned.version)
    raise SdkError(SdkCode.NO_ORDER, context.transaction) if ended else TransactionUsed


def _check_quote(context: OrderContext, lines: Sequence[OrderLine], quoted: QuotedOrder) -> None:
    """Raises QuoteExpired unless orders are the quoted ones and prices are within the tolerance."""
    if orders_in(lines) != list(quoted.orders):
        if halted := sorted({ticker for ticker, _, _ in quoted.orders} & context.untradable.keys()):
            raise QuoteExpired(*(sentence(t, context.untradable[t]) for t in halted), halted=halted)
        raise QuoteExpired("Your holdings have changed, so this order has changed.")
    market = quotes(context.transaction.gateway_id, set(quoted.prices))
    prices = {ticker: quote.at(context.now) for ticker, quote in market.items()}
    if gone := moved_beyond_tolerance(quoted, lines, prices):
        raise QuoteExpired("Prices have moved.", moved=gone)


def _lacks_holdings(context: OrderContext, lines: Sequence[OrderLine]) -> bool:
    """Whether the broker holds fewer shares than `lines` sell. Without a sale only a session is needed."""
    sells = {line.security.ticker: line.quantity for line in lines if line.side is Side.SELL}
    if not sells:
        live_session_of(context.account)
        return False
    lots = ask_broker(
        context.account,
        lambda broker, session: broker.holdings(session, now=context.now, tickers=list(sells)),
        now=context.now,
    )
    held = {lot.ticker: lot.quantity for lot in lots}
    return any(held.get(ticker, 0) < quantity for ticker, quantity in sells.items())


def _queue_batch(context: OrderContext, lines: Sequence[OrderLine], planned: Planned | None) -> None:
    transaction, now = context.transaction, context.now
    batch = Batch(
        gateway=transaction.gateway,
        transaction=transaction,
        account=context.account,
        broker=context.account.broker,
        variety=(Variety.REGULAR if context.market.is_open(now) else Variety.AMO).value,
        label=planned.label if planned else None,
        original_label=planned.original_label if planned else None,
        iscid=planned.iscid if planned else None,
        version=planned.version if planned else None,
        target=planned.target if planned else None,
        created_at=now,
        due_at=now,
        leased_until=clock.wall_at(transaction.gateway, now),
        request_id=request_id.current(),
    )
    insert_rows([batch], learn_keys=True)
    if context.last:
        later = Batch.objects.filter(iscid=batch.iscid, pk__gt=context.last.batch.pk)
        if later.exclude(pk=batch.pk).exists():
            raise _Overtaken
    left_out = planned.left_out if planned else []
    unplaced = [_unplaced(batch, len(lines) + position, one) for position, one in enumerate(left_out)]
    insert_rows([*(_order(batch, position, line) for position, line in enumerate(lines)), *unplaced])
    if planned and context.investment and not lines:
        adopt_version(context.investment, planned.version)  # there will be no fill that would move it
    enqueue_soon(TaskName.PLACE_BATCHES)


def _unplaced(batch: Batch, position: int, left_out: LeftOut) -> Order:
    order = _order(batch, position, left_out.line)
    order.status = OrderStatus.UNPLACED.value
    order.error_code, order.status_message = left_out.error_code, left_out.message
    return order


def _order(batch: Batch, position: int, line: OrderLine) -> Order:
    security = line.security
    return Order(
        batch=batch,
        position=position,
        ticker=security.ticker,
        side=line.side.value,
        quantity=line.quantity,
        order_type=security.order_type.value,
        validity=security.validity.value,
        price=security.price,
        trigger_price=security.trigger_price,
    )
