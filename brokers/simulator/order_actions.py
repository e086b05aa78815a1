"""A tester's actions on an order at the broker: fill, part-fill, reject, cancel, silence or delay."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Final

from django.db.transaction import atomic

from brokers.market.charges import Tariff
from brokers.market.quotes import quotes
from brokers.ports.broker import BrokerStatus, Side
from brokers.simulator.account_books import accounts, books
from brokers.simulator.account_books.delivery import locked
from brokers.simulator.faults import link_faults
from brokers.simulator.fills import LIMITED, UNMATCHED, MatchedFill
from brokers.simulator.matching import WRITTEN, record, trades_of
from brokers.simulator.models import SimAccount, SimOrder, SimTrade
from brokers.simulator.personas import LATE, FillBehaviour
from brokers.simulator.slices import exchange_order_id
from gateway.values.errors import Conflict, Invalid, NotFound


class ActionKind(StrEnum):
    FILL = "fill"
    PARTIAL = "partial"
    REJECT = "reject"
    CANCEL = "cancel"
    HANG = "hang"
    LATE_FILL = "late-fill"


class AlreadySettled(Conflict):
    """The broker's status of the order is final: no action can change it."""


class NotCovered(Conflict):
    """The fill would leave the account with negative funds or shares."""


_FIELDS: Final = [*WRITTEN, "fill_behaviour", "unreported_until", "garbled"]


@dataclass(frozen=True, slots=True)
class OrderAction:
    """An action on an order; `quantity` in shares, `price` in rupees. None: all open shares, at the market price."""

    kind: ActionKind
    quantity: int | None = None
    price: Decimal | None = None
    error_code: str | None = None


def act_on_order(*, ref: str, action: OrderAction, tariff: Tariff, now: datetime) -> None:
    """Changes the broker's data only; the gateway learns of it at its next poll."""
    with atomic(durable=True):
        account = accounts.locked_with(ref)
        if account is None:
            raise NotFound("This order never reached the broker.")
        order = SimOrder.objects.get(ref=ref)
        SimTrade.objects.bulk_create(_acted(account, order, action, tariff, now))
        order.save(update_fields=_FIELDS)


def _acted(account: SimAccount, order: SimOrder, action: OrderAction, tariff: Tariff, now: datetime) -> list[SimTrade]:
    is_open = order.status == BrokerStatus.OPEN
    order.unreported_until, order.garbled, order.reported_at = None, False, now
    if action.kind is ActionKind.HANG:
        order.unreported_until, order.fill_behaviour = link_faults.for_good(now), FillBehaviour.HOLD.value
        return []
    if action.kind is ActionKind.FILL and order.status == BrokerStatus.COMPLETE:
        return []  # the order had already filled; from now on that is reported
    if not is_open:
        raise AlreadySettled(f"The broker's status of this order is already {order.status}.")
    if action.kind in {ActionKind.REJECT, ActionKind.CANCEL}:
        return _ended(order, action)
    return _filled(account, order, action, tariff, now)


def _ended(order: SimOrder, action: OrderAction) -> list[SimTrade]:
    rejected = action.kind is ActionKind.REJECT
    if rejected and order.filled_quantity:
        raise AlreadySettled("Part of this order has filled: it cannot be rejected; cancel it instead.")
    order.status = (BrokerStatus.REJECTED if rejected else BrokerStatus.CANCELLED).value
    order.error_code = action.error_code or ("otherError" if rejected else UNMATCHED)
    return []


def _price(order: SimOrder, action: OrderAction, market_price: Decimal) -> Decimal:
    """The action's price, or the market price, or the limit if that is worse. Raises Invalid beyond the limit."""
    if order.price is None or order.order_type not in LIMITED:
        return action.price or market_price
    nearer = min if order.side == Side.BUY else max
    price = action.price or nearer(market_price, order.price)
    if price != nearer(price, order.price):
        raise Invalid(f"price: this order's limit is {order.price}; no fill is worse.")
    return price


def _filled(account: SimAccount, order: SimOrder, action: OrderAction, tariff: Tariff, now: datetime) -> list[SimTrade]:
    rest = order.quantity - order.filled_quantity
    partly = action.kind is ActionKind.PARTIAL
    wanted = action.quantity or (max(rest // 2, 1) if partly else rest)
    if wanted > rest or (wanted == rest and partly):
        raise Invalid(f"quantity: this order has {rest} open shares; {action.kind.value} needs fewer.")
    at_price = _price(order, action, quotes(account.gateway_id, [order.ticker])[order.ticker].at(now))
    trades = trades_of(order, [MatchedFill(wanted, at_price, now)], filled=order.filled_quantity)
    balances, known = books.balances(account, [order.ticker], since=now, now=now), order.trades.count()
    tied = locked(account, [order.ticker], now).get(order.ticker, 0) if order.side == Side.SELL else 0
    if not order.admitted and wanted > balances.sellable(order.ticker) - tied and tied:
        raise NotCovered("Shares of a trade-to-trade series cannot be sold before they arrive.")
    for number, trade in enumerate(trades, start=known + 1):
        trade.number = number
        balances.traded.charge(trade, tariff)
        if balances.shortfall(order, trade):
            raise NotCovered("The account does not have the funds or shares for this fill.")
        record(order, trade, balances)
    order.exchange_order_id = exchange_order_id(order.ref)
    complete = order.filled_quantity == order.quantity
    order.status = (BrokerStatus.COMPLETE if complete else BrokerStatus.CANCELLED).value
    order.error_code = "" if complete else UNMATCHED
    order.unreported_until = now + LATE if action.kind is ActionKind.LATE_FILL else None
    return trades
