"""The user confirms: what was asked for becomes a batch of orders, once."""

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
from smallcases.sips.sip_changes import SipWish
from transactions.checkout.consents import carry_out
from transactions.domain.basket import Line, Security, securities_of, settled
from transactions.domain.intents import CANCELLATIONS, Intent
from transactions.domain.price_protection import Shown, moved, orders_in
from transactions.domain.sdk_codes import SdkCode
from transactions.domain.smallcase_order import NOTHING_CHOSEN, OrderKind, SmallcaseWish, wish_of
from transactions.domain.smallcase_order import Choices as SmallcaseChoices
from transactions.domain.statuses import TransactionStatus
from transactions.execution.cancel import ask_to_cancel
from transactions.lifecycle.claim import account_of, claim, complete_now, login_of
from transactions.lifecycle.eligibility import own_investment
from transactions.lifecycle.fail import check_live, fail
from transactions.lifecycle.plan_orders import Planned, check_tradable, plan
from transactions.lifecycle.prechecks import check_again, variety_now
from transactions.models import Batch, CheckoutSession, Order, Transaction


class NotLoggedIn(Conflict):
    """There is no confirmation before the login."""


class ShownNoMore(Conflict):
    """The user agreed to something else than what would be ordered now; `moved` are the names whose price did it."""

    def __init__(self, sentence: str, *, moved: Sequence[str] = ()) -> None:
        super().__init__(sentence)
        self.moved = moved


@dataclass(frozen=True, slots=True)
class Choices:
    """What the user chose on the confirmation screen, where the partner had left it open.

    `securities` by ticker; `smallcase` an amount, shares or how much to sell; `sip` for a SIP_SETUP. `shown`: what
    the orders must be; without it they are planned from the prices of the moment.
    """

    securities: Mapping[str, Security] = field(default_factory=dict)
    smallcase: SmallcaseChoices = NOTHING_CHOSEN
    sip: SipWish | None = None
    amo: bool = False
    shown: Shown | None = None


def confirm(*, transaction: Transaction, choices: Choices, now: datetime) -> Transaction:
    """USED becomes PROCESSING, once; the orders placed are those of the basket or of the plan."""
    check_live(transaction, now=now)
    if transaction.status != TransactionStatus.USED:
        raise NotLoggedIn("The user has not logged in at a broker yet.")
    if transaction.intent in CANCELLATIONS:
        ask_to_cancel(transaction=transaction, now=now)
    elif transaction.intent == Intent.TRANSACTION:
        _confirm_orders(transaction, choices, now)
    else:
        carry_out(transaction=transaction, sip=choices.sip, now=now)
    return transaction


def _confirm_orders(transaction: Transaction, choices: Choices, now: datetime) -> None:
    wish = wish_of(transaction.order_config)
    variety = variety_now(transaction, wish, amo=choices.amo, now=now)
    planned = _planned(transaction, wish, choices, now) if wish else None
    basket = securities_of(transaction.order_config)
    lines = planned.lines if planned else settled(basket, choices.securities)
    check_tradable(lines)
    if choices.shown:
        _check_shown(transaction, lines, choices.shown, now)
    _check_holdings(transaction, lines, now)
    try:
        with atomic(durable=True):
            claim(transaction, now=now)
            if choices.shown:
                _keep(choices.shown, transaction)
            _place_or_adopt(transaction, lines, planned, variety, now)
    except IntegrityError as violated:
        if "iscid" not in str(violated):
            raise
        # one_open_batch_per_investment: another order on it was confirmed in the same moment
        transaction.refresh_from_db()
        fail(transaction, SdkCode.ORDER_PENDING, now=now)


def _place_or_adopt(
    transaction: Transaction, lines: Sequence[Line], planned: Planned | None, variety: Variety, now: datetime
) -> None:
    """A rebalance whose shares are right already needs no order: the investment is on the version, and that is all."""
    if planned and not lines:
        adopt_version(own_investment(transaction.account, planned.iscid), planned.version)
        complete_now(transaction, now=now)
    else:
        _queue_batch(transaction, lines, planned, variety, now)


def _planned(transaction: Transaction, wish: SmallcaseWish, choices: Choices, now: datetime) -> Planned:
    """Anew, from what is held now; at the prices that the user saw, where any were shown."""
    check_again(transaction, wish, now)
    planned = plan(
        transaction=transaction,
        wish=wish,
        choices=wish.choices.over(choices.smallcase),
        prices=choices.shown.prices if choices.shown else None,
        now=now,
    )
    if not planned.lines and wish.kind is not OrderKind.REBALANCE:
        fail(transaction, SdkCode.NO_ORDER, now=now)
    return planned


def _check_shown(transaction: Transaction, lines: Sequence[Line], shown: Shown, now: datetime) -> None:
    """The orders are those that the user saw, at prices near those that the user saw."""
    if orders_in(lines) != list(shown.orders):
        raise ShownNoMore("What you hold has changed, and with it this order.")
    market = quotes(transaction.gateway_id, set(shown.prices))
    if gone := moved(shown, lines, {ticker: quote.at(now) for ticker, quote in market.items()}):
        raise ShownNoMore("Prices have moved.", moved=gone)


def _check_holdings(transaction: Transaction, lines: Sequence[Line], now: datetime) -> None:
    sells = {line.security.ticker: line.quantity for line in lines if line.side is Side.SELL}
    if not sells:
        return
    account = account_of(transaction)
    login = login_of(transaction, account)
    try:
        lots = adapter_for(account.broker).holdings(login, now=now, tickers=list(sells))
    except LinkDown:
        raise Unavailable("The broker does not answer; try again.") from None
    held = {lot.ticker: lot.quantity for lot in lots}
    if any(held.get(ticker, 0) < quantity for ticker, quantity in sells.items()):
        fail(transaction, SdkCode.INSUFFICIENT_HOLDINGS, now=now)


def _keep(shown: Shown, transaction: Transaction) -> None:
    """Of the one session that is open: another tab of it may have shown other prices, and lost."""
    here = CheckoutSession.objects.filter(transaction=transaction, ended_at__isnull=True)
    here.update(shown=shown.as_json())


def _queue_batch(
    transaction: Transaction, lines: Sequence[Line], planned: Planned | None, variety: Variety, now: datetime
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


def _order(batch: Batch, position: int, line: Line) -> Order:
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
