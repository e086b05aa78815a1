"""The charges of orders. They depend on all that the account has filled in the same securities on the same days.

Computed from the stored fills whenever they are shown, with the rates of the order's day and the broker's present
tariff. The broker's contract note is what counts.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Final

from brokers.market.charges import NOTHING, ChargeClass, ChargedOrder, Charges, charges_of
from brokers.ports.broker import Side
from brokers.ports.registry import BROKERS
from gateway.values.money import rupees
from gateway.values.timestamps import IST
from transactions import sql
from transactions.models import Order

# An after-market order fills on the first trading day after its confirmation; the exchange never rests for longer.
LONGEST_WAIT: Final = timedelta(days=10)


@dataclass(frozen=True, slots=True)
class OrderCharges:
    """The charges of an order on the day when it was filled. `share`: what the order itself filled."""

    order: Order
    share: ChargedOrder
    charges: Charges


def read_charges(orders: Iterable[Order]) -> None:
    """Sets `charges` of each order: None while nothing has filled. One query, none if nothing has filled at all."""
    shown = list(orders)
    for order in shown:
        order.charges = None
    for one in charges_of_orders(shown):
        one.order.charges = one.charges


def charges_of_orders(orders: Iterable[Order]) -> list[OrderCharges]:
    """The charges of those of the orders that have filled, in the order of their keys.

    The orders may be of any batches and have been changed since they were read: what they say counts, not their rows.
    """
    mine = {order.pk: order for order in orders if order.average_price is not None}
    notes: defaultdict[tuple[int, str], list[tuple[Order, ChargedOrder]]] = defaultdict(list)
    for account, broker, charge_class, row in _on_the_same_notes(mine):
        order = mine.get(row.pk, row)
        notes[account, broker].append((order, _filled(order, ChargeClass(charge_class or ChargeClass.SHARE))))
    return [
        OrderCharges(order, filled, charges)
        for (_, broker), note in notes.items()
        if broker in BROKERS
        for (order, filled), charges in zip(note, charges_of([f for _, f in note], BROKERS[broker].tariff), strict=True)
        if order.pk in mine
    ]


def charges_by_day(charged: Iterable[OrderCharges]) -> dict[date, Charges]:
    """The sums of the days, the first day first."""
    days: defaultdict[date, Charges] = defaultdict(Charges)
    for one in sorted(charged, key=lambda one: one.share.on):
        days[one.share.on] += one.charges
    return dict(days)


def total_of(charged: Iterable[OrderCharges]) -> Charges:
    return sum((one.charges for one in charged), NOTHING)


def day_of(order: Order) -> date:
    """The day of the contract note, IST: of the first fill; of orders from an older release, when they were placed."""
    if order.traded_on is not None:
        return order.traded_on
    return _ist_day(order.ordered_at or order.batch.created_at)


def _on_the_same_notes(mine: dict[int, Order]) -> list[tuple[int, str, str | None, Order]]:
    if not mine:
        return []
    days = {day_of(order) for order in mine.values()}
    rows = sql.filled_orders_beside(
        orders=mine.keys(),
        batches={order.batch_id for order in mine.values()},
        tickers={order.ticker for order in mine.values()},
        confirmed=(_midnight(min(days)) - LONGEST_WAIT, _midnight(max(days) + timedelta(days=1))),
    )
    return [row for row in rows if row[-1].pk in mine or day_of(row[-1]) in days]


def _filled(order: Order, charge_class: ChargeClass) -> ChargedOrder:
    turnover = rupees((order.average_price or Decimal(0)) * order.filled_quantity)
    return ChargedOrder(order.ticker, charge_class, Side(order.side), turnover, day_of(order))


def _ist_day(moment: datetime) -> date:
    return moment.astimezone(IST).date()


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=IST)
