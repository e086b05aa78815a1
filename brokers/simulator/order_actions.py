"""A tester's hand at the broker's side: fill, part-fill, reject, cancel, silence or delay one order."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Final

from django.db.transaction import atomic

from brokers.market.charges import Tariff
from brokers.market.quotes import quotes
from brokers.ports.broker import BrokerStatus
from brokers.simulator import accounts, books, link_faults
from brokers.simulator.fills import UNMATCHED, Fill
from brokers.simulator.matching import WRITTEN, exchange_order_id, record, trade_of
from brokers.simulator.models import SimAccount, SimOrder, SimTrade
from brokers.simulator.personas import LATE, Fate
from gateway.values.errors import Conflict, Invalid, NotFound


class Act(StrEnum):
    FILL = "fill"
    PARTIAL = "partial"
    REJECT = "reject"
    CANCEL = "cancel"
    HANG = "hang"
    LATE_FILL = "late-fill"


class AlreadySettled(Conflict):
    """The broker's record of an order is final and cannot be played otherwise."""


class NotCovered(Conflict):
    """The fill would leave the account with negative funds or shares."""


_WITH_FATE: Final = [*WRITTEN, "fate", "silent_until", "garbled"]


@dataclass(frozen=True, slots=True)
class Wish:
    """What to do; `quantity` in shares, `price` in rupees, both the market's where None."""

    act: Act
    quantity: int | None = None
    price: Decimal | None = None
    error_code: str | None = None


def play(*, ref: str, wish: Wish, tariff: Tariff, now: datetime) -> None:
    """Changes the broker's record only; the gateway hears of it when it next asks."""
    with atomic(durable=True):
        account = accounts.locked_with(ref)
        if account is None:
            raise NotFound("This order never reached the broker.")
        order = SimOrder.objects.get(ref=ref)
        SimTrade.objects.bulk_create(_played(account, order, wish, tariff, now))
        order.save(update_fields=_WITH_FATE)


def _played(account: SimAccount, order: SimOrder, wish: Wish, tariff: Tariff, now: datetime) -> list[SimTrade]:
    is_open = order.status == BrokerStatus.OPEN
    order.silent_until, order.garbled, order.said_at = None, False, now
    if wish.act is Act.HANG:
        order.silent_until, order.fate = link_faults.for_good(now), Fate.HOLD.value
        return []
    if wish.act is Act.FILL and order.status == BrokerStatus.COMPLETE:
        return []  # it had filled unheard; now it is heard
    if not is_open:
        raise AlreadySettled(f"At the broker this order is {order.status} already.")
    if wish.act in {Act.REJECT, Act.CANCEL}:
        return _ended(order, wish)
    return _filled(account, order, wish, tariff, now)


def _ended(order: SimOrder, wish: Wish) -> list[SimTrade]:
    rejected = wish.act is Act.REJECT
    if rejected and order.filled_quantity:
        raise AlreadySettled("Part of this order has filled: it can be cancelled, not rejected.")
    order.status = (BrokerStatus.REJECTED if rejected else BrokerStatus.CANCELLED).value
    order.error_code = wish.error_code or ("otherError" if rejected else UNMATCHED)
    return []


def _filled(account: SimAccount, order: SimOrder, wish: Wish, tariff: Tariff, now: datetime) -> list[SimTrade]:
    rest = order.quantity - order.filled_quantity
    partly = wish.act is Act.PARTIAL
    wanted = wish.quantity or (max(rest // 2, 1) if partly else rest)
    if wanted > rest or (wanted == rest and partly):
        raise Invalid(f"quantity: of this order {rest} are open; {wish.act.value} needs fewer.")
    at_price = wish.price or quotes(account.gateway_id, [order.ticker])[order.ticker].at(now)
    trade = trade_of(order, order.trades.count() + 1, Fill(wanted, at_price, now), tariff)
    balances = books.balances(account)
    if not balances.cover(order, trade):
        raise NotCovered("The account's funds or shares do not cover this fill.")
    record(order, trade, balances)
    order.exchange_order_id = exchange_order_id(order.ref)
    complete = order.filled_quantity == order.quantity
    order.status = (BrokerStatus.COMPLETE if complete else BrokerStatus.CANCELLED).value
    order.error_code = "" if complete else UNMATCHED
    order.silent_until = now + LATE if wish.act is Act.LATE_FILL else None
    return [trade]
