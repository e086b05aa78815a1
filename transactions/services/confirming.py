"""The user confirms: what was asked for becomes a batch of orders, once."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NoReturn

from django.db import IntegrityError
from django.db.transaction import atomic

from brokers.calendar import market_of
from brokers.port import LinkDown, Side, Variety
from brokers.registry import adapter_for, profile_of
from gateway import clock, work
from gateway.errors import Conflict, ErrorType, GatewayError, Invalid, NotFound, Unavailable
from gateway.jobs import Job, ring
from smallcases.models import Smallcase
from smallcases.services.investing import adopt_version
from smallcases.services.sips import SipWish
from transactions.baskets import Line, Security, securities_of
from transactions.intents import CANCELLATIONS, Intent
from transactions.models import Batch, Order, Transaction
from transactions.pending import is_fix_pending
from transactions.sdk import SdkCode
from transactions.services.cancelling import ask_to_cancel
from transactions.services.claiming import account_of, claim, complete_now, login_of
from transactions.services.errands import carry_out
from transactions.services.failing import TransactionUsed, check_live, fail
from transactions.services.planning import Planned, check_tradable, plan_buy, plan_on
from transactions.services.smallcase_intake import NoOrder, OrderPending, checked_wish, own_investment
from transactions.states import TransactionStatus
from transactions.wishes import NOT_AFTER_MARKET, NOTHING_CHOSEN, OrderKind, SmallcaseWish, wish_of
from transactions.wishes import Choices as SmallcaseChoices


class ActionRequired(GatewayError):
    """Another action must come first."""

    error_type = ErrorType.ACTION_REQUIRED


class NotLoggedIn(Conflict):
    """There is no confirmation before the login."""


@dataclass(frozen=True, slots=True)
class Choices:
    """What the user chose on the confirmation screen, where the partner had left it open.

    `securities` by ticker; `smallcase` an amount, shares or how much to sell; `sip` for a SIP_SETUP.
    """

    securities: Mapping[str, Security] = field(default_factory=dict)
    smallcase: SmallcaseChoices = NOTHING_CHOSEN
    sip: SipWish | None = None
    amo: bool = False


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
    variety = _variety(transaction, wish, amo=choices.amo, now=now)
    planned = _planned(transaction, wish, choices.smallcase, now) if wish else None
    basket = securities_of(transaction.order_config)
    lines = planned.lines if planned else _complete(basket, choices.securities)
    check_tradable(lines)
    _check_holdings(transaction, lines, now)
    try:
        with atomic(durable=True):
            claim(transaction, now=now)
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


def _planned(transaction: Transaction, wish: SmallcaseWish, user: SmallcaseChoices, now: datetime) -> Planned:
    chosen = wish.choices.over(user)
    if wish.kind is OrderKind.BUY:
        return _planned_buy(transaction, wish.scid, chosen, now)
    _check_again(transaction, wish, now)
    investment = own_investment(transaction.account, wish.iscid)
    planned = plan_on(investment, wish=wish, choices=chosen, now=now)
    if not planned.lines and wish.kind is not OrderKind.REBALANCE:
        fail(transaction, SdkCode.NO_ORDER, now=now)
    return planned


def _planned_buy(transaction: Transaction, scid: str, chosen: SmallcaseChoices, now: datetime) -> Planned:
    smallcase = Smallcase.objects.get(scid=scid)
    if smallcase.is_archived:
        fail(transaction, SdkCode.SMALLCASE_ARCHIVED, now=now)
    return plan_buy(gateway=transaction.gateway_id, smallcase=smallcase, choices=chosen, now=now)


def _check_again(transaction: Transaction, wish: SmallcaseWish, now: datetime) -> None:
    """What spoke against the order at its creation may have come about since."""
    try:
        checked_wish(transaction.account, wish, now=now)
    except OrderPending:
        fail(transaction, SdkCode.ORDER_PENDING, now=now)
    except NoOrder as nothing:
        fail(transaction, nothing.code, now=now)
    except NotFound:
        fail(transaction, SdkCode.NO_ORDER, now=now)
    if wish.kind is OrderKind.REBALANCE and is_fix_pending(wish.iscid):
        _require_action(transaction, now)


def _require_action(transaction: Transaction, now: datetime) -> NoReturn:
    """USED becomes ACTION_REQUIRED: unfilled shares wait for a FIX, or to be marked complete."""
    used = Transaction.objects.filter(pk=transaction.pk, status=TransactionStatus.USED)
    if not used.update(status=TransactionStatus.ACTION_REQUIRED, updated_at=now):
        raise TransactionUsed
    transaction.refresh_from_db()
    raise ActionRequired("Fix the last order, or mark it complete, before the rebalance.")


def _complete(basket: Sequence[Security], chosen: Mapping[str, Security]) -> list[Line]:
    """Every line with its quantity and side; what the partner has fixed is not for the user to choose."""
    stray = sorted(chosen.keys() - {line.ticker for line in basket})
    problems = [f"securities: {ticker} is not in the basket." for ticker in stray]
    problems += [problem for line in basket for problem in _unsettled(line, chosen.get(line.ticker))]
    lines = [_settled(line, chosen.get(line.ticker, line)) for line in basket]
    if problems:
        raise Invalid(*problems)
    return [line for line in lines if line]


def _unsettled(line: Security, choice: Security | None) -> Iterator[str]:
    for name in ("quantity", "side"):
        fixed, wished = getattr(line, name), getattr(choice, name, None)
        if fixed is None and wished is None:
            yield f"securities: choose the {name} of {line.ticker}."
        if fixed is not None and wished not in {None, fixed}:
            yield f"securities: the {name} of {line.ticker} is fixed."


def _settled(line: Security, choice: Security) -> Line | None:
    quantity, side = line.quantity or choice.quantity, line.side or choice.side
    return Line(line, quantity, side) if quantity and side else None


def _variety(transaction: Transaction, wish: SmallcaseWish | None, *, amo: bool, now: datetime) -> Variety:
    """Regular while the market is open; AMO when it is closed, asked for and offered; else the user is told."""
    if market_of(transaction.gateway, now=now).is_open(now):
        return Variety.REGULAR
    can_wait = wish is None or wish.kind not in NOT_AFTER_MARKET
    if not (amo and can_wait and profile_of(account_of(transaction).broker).amo):
        fail(transaction, SdkCode.MARKET_CLOSED_SMALLCASE if wish else SdkCode.MARKET_CLOSED, now=now)
    return Variety.AMO


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


def _queue_batch(
    transaction: Transaction, lines: Sequence[Line], planned: Planned | None, variety: Variety, now: datetime
) -> None:
    batch = Batch.objects.create(
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
        leased_until=work.first_offer(clock.wall_at(transaction.gateway, now)),
    )
    Order.objects.bulk_create(_order(batch, position, line) for position, line in enumerate(lines))
    ring(Job.PLACE_BATCH, row=batch.pk, attempt=0)


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
