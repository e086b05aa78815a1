"""Confirms a transaction: its orders become a batch, once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from django.db import IntegrityError
from django.db.transaction import atomic

from brokers.market.quotes import quotes
from brokers.ports.broker import LinkDown, Side, Variety
from brokers.ports.registry import adapter_for
from gateway.database.updating import insert_each
from gateway.partners import clock
from gateway.queue.enqueue import TaskName, enqueue_soon
from gateway.telemetry import request_id
from gateway.values.errors import Conflict, Unavailable
from smallcases.portfolio.apply_fills import adopt_version
from smallcases.sips.sip_changes import SipRequest
from transactions.checkout.consents import complete_consent
from transactions.domain.basket import OrderLine, Security, securities_of, settled
from transactions.domain.intents import CANCELLATIONS, Intent
from transactions.domain.price_protection import QuotedOrder, moved_beyond_tolerance, orders_in
from transactions.domain.sdk_codes import SdkCode
from transactions.domain.smallcase_order import (
    NOTHING_SELECTED,
    OrderKind,
    SmallcaseOrderRequest,
    SmallcaseSelections,
    order_request_of,
)
from transactions.domain.statuses import TransactionStatus
from transactions.execution.cancel import ask_to_cancel
from transactions.lifecycle.claim import account_of, claim, complete_now, login_of
from transactions.lifecycle.eligibility import own_investment
from transactions.lifecycle.fail import check_live, fail
from transactions.lifecycle.plan_orders import Planned, check_tradable, plan
from transactions.lifecycle.prechecks import check_again, order_variety
from transactions.models import Batch, CheckoutSession, Order, Transaction


class NotLoggedIn(Conflict):
    """The user has not logged in yet."""


class QuoteExpired(Conflict):
    """The order would differ from the one that the user agreed to. `moved`: tickers whose price moved too far."""

    def __init__(self, sentence: str, *, moved: Sequence[str] = ()) -> None:
        super().__init__(sentence)
        self.moved = moved


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


def confirm(*, transaction: Transaction, selections: UserSelections, now: datetime) -> Transaction:
    """USED becomes PROCESSING, once. Raises NotLoggedIn, QuoteExpired, Unavailable, Invalid, SdkError."""
    check_live(transaction, now=now)
    if transaction.status != TransactionStatus.USED:
        raise NotLoggedIn("The user has not logged in at a broker yet.")
    if transaction.intent in CANCELLATIONS:
        ask_to_cancel(transaction=transaction, now=now)
    elif transaction.intent == Intent.TRANSACTION:
        _confirm_orders(transaction, selections, now)
    else:
        complete_consent(transaction=transaction, sip=selections.sip, now=now)
    return transaction


def _confirm_orders(transaction: Transaction, selections: UserSelections, now: datetime) -> None:
    order_request = order_request_of(transaction.order_config)
    variety = order_variety(transaction, order_request, amo=selections.amo, now=now)
    planned = _planned(transaction, order_request, selections, now) if order_request else None
    basket = securities_of(transaction.order_config)
    lines = planned.lines if planned else settled(basket, selections.securities)
    check_tradable(lines)
    if selections.quoted:
        _check_quote(transaction, lines, selections.quoted, now)
    _check_holdings(transaction, lines, now)
    try:
        with atomic(durable=True):
            claim(transaction, now=now)
            if selections.quoted:
                _keep(selections.quoted, transaction)
            _place_or_adopt(transaction, lines, planned, variety, now)
    except IntegrityError as violated:
        if "iscid" not in str(violated):
            raise
        # one_open_batch_per_investment: another order of this investment was confirmed at the same time
        transaction.refresh_from_db()
        fail(transaction, SdkCode.ORDER_PENDING, now=now)


def _place_or_adopt(
    transaction: Transaction, lines: Sequence[OrderLine], planned: Planned | None, variety: Variety, now: datetime
) -> None:
    """A rebalance that needs no trades places no orders: it only moves the investment to the version."""
    if planned and not lines:
        adopt_version(own_investment(transaction.account, planned.iscid), planned.version)
        complete_now(transaction, now=now)
    else:
        _queue_batch(transaction, lines, planned, variety, now)


def _planned(
    transaction: Transaction, order_request: SmallcaseOrderRequest, selections: UserSelections, now: datetime
) -> Planned:
    """Plans again from current holdings, at the prices that the user saw, if any."""
    check_again(transaction, order_request, now)
    planned = plan(
        transaction=transaction,
        order_request=order_request,
        selections=order_request.selections.over(selections.smallcase),
        prices=selections.quoted.prices if selections.quoted else None,
        now=now,
    )
    if not planned.lines and order_request.kind is not OrderKind.REBALANCE:
        fail(transaction, SdkCode.NO_ORDER, now=now)
    return planned


def _check_quote(transaction: Transaction, lines: Sequence[OrderLine], quoted: QuotedOrder, now: datetime) -> None:
    """Raises QuoteExpired unless orders are the quoted ones and prices are within the tolerance."""
    if orders_in(lines) != list(quoted.orders):
        raise QuoteExpired("Your holdings have changed, so this order has changed.")
    market = quotes(transaction.gateway_id, set(quoted.prices))
    if gone := moved_beyond_tolerance(quoted, lines, {ticker: quote.at(now) for ticker, quote in market.items()}):
        raise QuoteExpired("Prices have moved.", moved=gone)


def _check_holdings(transaction: Transaction, lines: Sequence[OrderLine], now: datetime) -> None:
    sells = {line.security.ticker: line.quantity for line in lines if line.side is Side.SELL}
    if not sells:
        return
    account = account_of(transaction)
    login = login_of(transaction, account)
    try:
        lots = adapter_for(account.broker).holdings(login, now=now, tickers=list(sells))
    except LinkDown:
        raise Unavailable("The broker does not answer. Try again.") from None
    held = {lot.ticker: lot.quantity for lot in lots}
    if any(held.get(ticker, 0) < quantity for ticker, quantity in sells.items()):
        fail(transaction, SdkCode.INSUFFICIENT_HOLDINGS, now=now)


def _keep(quoted: QuotedOrder, transaction: Transaction) -> None:
    """Stores the confirmed quote in the open session: another tab may have shown other prices."""
    here = CheckoutSession.objects.filter(transaction=transaction, ended_at__isnull=True)
    here.update(quoted_order=quoted.as_json())


def _queue_batch(
    transaction: Transaction, lines: Sequence[OrderLine], planned: Planned | None, variety: Variety, now: datetime
) -> None:
    batch = Batch(
        gateway=transaction.gateway,
        transaction=transaction,
        account=account_of(transaction),
        variety=variety.value,
        label=planned.label if planned else None,
        original_label=planned.original_label if planned else None,
        iscid=planned.iscid if planned else None,
        version=planned.version if planned else None,
        created_at=now,
        due_at=now,
        leased_until=clock.wall_at(transaction.gateway, now),
        request_id=request_id.current(),
    )
    insert_each([batch], learn_keys=True)
    insert_each([_order(batch, position, line) for position, line in enumerate(lines)])
    enqueue_soon(TaskName.PLACE_BATCHES)


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
