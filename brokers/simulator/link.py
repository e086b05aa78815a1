"""The link model: what of the broker's record reaches the gateway. It can be silent, late, or talk nonsense."""

from dataclasses import replace
from datetime import datetime, timedelta

from brokers.port import BrokerStatus, Report
from brokers.simulator.models import SimOrder
from brokers.simulator.personas import FOREVER


def silent_until(silence: timedelta | None, placed_at: datetime) -> datetime | None:
    return None if silence is None else placed_at + silence


def is_silent(order: SimOrder, now: datetime) -> bool:
    return order.silent_until is not None and now < order.silent_until


def for_good(now: datetime) -> datetime:
    return now + FOREVER


def heard(order: SimOrder) -> Report:
    """The order as the link passes it on. Garbled: a COMPLETE that filled nothing, which cannot be."""
    report = Report(
        ref=order.ref,
        status=BrokerStatus(order.status),
        filled_quantity=order.filled_quantity,
        average_price=order.average_price,
        exchange_order_id=order.exchange_order_id or None,
        error_code=order.error_code or None,
        message=_message(order),
        at=order.said_at,
    )
    if order.garbled and report.status is BrokerStatus.COMPLETE:
        return replace(report, filled_quantity=0, average_price=None)
    return report


_MESSAGES = {
    "marginsExceeded": "Margin exceeds the available funds.",
    "checkHoldings": "The holdings do not cover this sale.",
    "orderUnmatched": "No counterparty was found.",
    "circuitLimitExceeded": "The price lies outside the day's price band.",
    "securityNotAllowed": "The security is not allowed for trading.",
    "invalidOrder": "The order is not valid.",
    "clientNotEnabled": "The client is not enabled for this segment.",
    "otherError": "The broker refused the order.",
}


def _message(order: SimOrder) -> str | None:
    return _MESSAGES.get(order.error_code, order.error_code) or None
