"""The desk's lists: orders in ERROR, proposals, contradicted corrections. Each reads one page and counts nothing."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from brokers.models import Instrument
from gateway.partners import clock
from gateway.values.money import rupees
from transactions.domain.statuses import OrderStatus
from transactions.models import CorrectionState, Order, OrderCorrection

PAGE: Final = 50


@dataclass(frozen=True, slots=True)
class UnknownOrder:
    """An order in ERROR. `amount`: rupees at its limit or the last known price; `report`: the broker's last report."""

    order: Order
    age: timedelta
    amount: Decimal
    report: dict[str, Any] | None


@dataclass(frozen=True, slots=True)
class OrderPage:
    lost: Sequence[UnknownOrder]
    more_after: int | None


def orders_with_unknown_outcome(*, after: int = 0, broker: str = "", gateway: str = "") -> OrderPage:
    """Orders in ERROR, oldest first; two queries."""
    rows = Order.objects.filter(status=OrderStatus.ERROR, pk__gt=after)
    if broker:
        rows = rows.filter(batch__account__broker=broker)
    if gateway:
        rows = rows.filter(batch__gateway__name=gateway)
    found = list(rows.select_related("batch__gateway", "batch__account").order_by("batch_id", "pk")[: PAGE + 1])
    prices = dict(
        Instrument.objects.filter(symbol__in={order.ticker for order in found}).values_list("symbol", "reference_price")
    )
    shown = found[:PAGE]
    return OrderPage([_unknown(order, prices) for order in shown], shown[-1].pk if len(found) > PAGE else None)


def _unknown(order: Order, prices: dict[str, Decimal]) -> UnknownOrder:
    price = order.average_price or order.price or prices.get(order.ticker, Decimal(0))
    return UnknownOrder(
        order, _age(order), rupees(order.quantity * price), order.report_log[-1] if order.report_log else None
    )


def _age(order: Order) -> timedelta:
    since: datetime = order.ordered_at or order.batch.created_at
    age = clock.now(order.batch.gateway) - since
    return age - timedelta(microseconds=age.microseconds)


def proposals() -> list[OrderCorrection]:
    return list(_corrections().filter(state=CorrectionState.PROPOSED).order_by("pk")[:PAGE])


def contradictions() -> list[OrderCorrection]:
    """Applied corrections that the broker's report contradicts; newest first."""
    in_force = _corrections().filter(state=CorrectionState.APPLIED, broker_confirms=False)
    return list(in_force.order_by("-pk")[:PAGE])


def history(order: Order) -> list[OrderCorrection]:
    return list(_corrections().filter(order=order).order_by("-version")[:PAGE])


def _corrections() -> Any:
    return OrderCorrection.objects.select_related(
        "order__batch__gateway", "order__batch__account", "proposed_by", "decided_by", "undoes"
    )
