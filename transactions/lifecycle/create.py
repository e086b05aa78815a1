"""Creates a transaction, or raises one error with all reasons."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from django.db import IntegrityError
from django.db.transaction import atomic

from brokers.models import Instrument
from brokers.ports.broker import Variety
from gateway.api.idempotency import Turn
from gateway.database.rows import insert_rows
from gateway.models import Account, Gateway
from gateway.values.errors import ConnectedUserRequired, Invalid, NotFound
from gateway.values.ids import new_transaction_id
from gateway.values.money import is_multiple
from transactions import sql
from transactions.domain.basket import Security, stop_problem
from transactions.domain.intents import Intent, lifetime
from transactions.domain.smallcase_order import SmallcaseOrderRequest, line_of_request
from transactions.domain.statuses import OrderStatus
from transactions.lifecycle.eligibility import NoOrder, checked_order_request, own_investment
from transactions.lifecycle.order_limits import limit_problems
from transactions.models import Order, Transaction


@dataclass(frozen=True, slots=True)
class TransactionRequest:
    """A partner's request. The mappings are stored and returned unchanged."""

    intent: Intent
    securities: Sequence[Security] = ()
    order_config: Mapping[str, Any] = field(default_factory=dict)
    config: Mapping[str, Any] = field(default_factory=dict)
    notes: str | None = None
    order_request: SmallcaseOrderRequest | None = None
    batch_id: str = ""
    ticker: str = ""
    iscid: str = ""


def create_transaction(
    *, gateway: Gateway, account: Account | None, request: TransactionRequest, now: datetime, turn: Turn | None = None
) -> Transaction:
    """Creates the transaction. `account` binds a connected user; None leaves the account to the login.

    Twice is safe: a repeated `turn` returns the transaction with the turn's reserved id. Raises Invalid, NotFound,
    ConnectedUserRequired, and SdkRefusal for an order that is not possible now.
    """
    if turn and turn.is_rerun and (made := _made_before(gateway, turn)):
        return made
    _check(gateway, account, request)
    if request.order_request:
        order_request = checked_order_request(account, request.order_request, now=now)
        request = replace(request, order_request=order_request, order_config=line_of_request(order_request))
    transaction = Transaction(
        transaction_id=turn.reserved_id if turn else new_transaction_id(),
        gateway=gateway,
        account=account,
        intent=request.intent.value,
        order_config=request.order_config,
        config=request.config,
        notes=request.notes,
        expires_at=now + lifetime(request.intent),
        created_at=now,
        updated_at=now,
    )
    return _insert(transaction, turn, request.securities)


def _check(gateway: Gateway, account: Account | None, request: TransactionRequest) -> None:
    if account and (problems := limit_problems(account, request.securities)):
        raise Invalid(*problems)
    if request.intent is Intent.CANCEL_ORDER:
        _check_cancellable(gateway, account, request)
    if request.intent is Intent.SIP_SETUP:
        own_investment(account, request.iscid)
    if request.intent is Intent.CANCEL_AMO:
        _check_amo(account, request.iscid)


def _insert(transaction: Transaction, turn: Turn | None, securities: Sequence[Security]) -> Transaction:
    if turn is None:
        _write(transaction, securities)
        return transaction
    try:
        with atomic():
            _write(transaction, securities)
    except IntegrityError:
        # A run that seemed dead was still alive and has inserted the row first.
        if made := _made_before(transaction.gateway, turn):
            return made
        raise
    return transaction


def _write(transaction: Transaction, securities: Sequence[Security]) -> None:
    """Without prices, the INSERT checks the tickers; if it writes nothing, the problems are computed."""
    tickers = {security.ticker for security in securities}
    priced = any(price is not None for one in securities for price in (one.price, one.trigger_price))
    if tickers and not priced and sql.insert_if_tradable(transaction, tickers):
        return
    _check_instruments(securities)
    insert_rows([transaction], learn_keys=True)


def _made_before(gateway: Gateway, turn: Turn) -> Transaction | None:
    return Transaction.objects.filter(gateway=gateway, transaction_id=turn.reserved_id).first()


def _check_instruments(securities: Sequence[Security]) -> None:
    """One query for all instruments. Raises Invalid."""
    symbols = {security.ticker for security in securities}
    known = {instrument.symbol: instrument for instrument in Instrument.objects.filter(symbol__in=symbols)}
    problems = [
        f"orderConfig.securities[{index}].{problem}"
        for index, security in enumerate(securities)
        for problem in _problems(security, known.get(security.ticker))
    ]
    if problems:
        raise Invalid(*problems)


def _problems(security: Security, instrument: Instrument | None) -> Iterator[str]:
    if instrument is None:
        yield "ticker: is not a known NSE symbol."
    elif not instrument.tradable:
        yield "ticker: cannot be traded now."
    else:
        prices = (("price", security.price), ("triggerPrice", security.trigger_price))
        for name, price in prices:
            if price is not None and not is_multiple(price, instrument.tick_size):
                yield f"{name}: must be a multiple of the tick size, {instrument.tick_size}."
        if problem := stop_problem(security, security.side):
            yield problem


def _check_cancellable(gateway: Gateway, account: Account | None, request: TransactionRequest) -> None:
    if account is None:
        raise ConnectedUserRequired("CANCEL_ORDER needs a connected user's authtoken.")
    mine = Order.objects.filter(batch__gateway=gateway, batch__account=account, batch__batch_id=request.batch_id)
    statuses = [order.status for order in mine if order.ticker == request.ticker]
    if not statuses:
        raise NotFound("You have no order for this ticker in a batch with this id.")
    if OrderStatus.PLACED not in statuses:
        raise NoOrder("This order is not open and cannot be cancelled.")


def _check_amo(account: Account | None, iscid: str) -> None:
    """Checks the orders, not the investment, which does not exist before a BUY is filled."""
    if account is None:
        raise ConnectedUserRequired("CANCEL_AMO needs a connected user's authtoken.")
    mine = Order.objects.filter(batch__account=account, batch__iscid=iscid)
    if not mine.exists():
        raise NotFound("You have no order with this iscid.")
    if not mine.filter(batch__variety=Variety.AMO, status=OrderStatus.PLACED).exists():
        raise NoOrder("No after-market order with this iscid is open.")
