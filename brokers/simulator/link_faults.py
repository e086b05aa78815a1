"""Simulates faults of the link between the gateway and a broker.

Reports can be missing, late, cut off, repeated, or nonsense.
"""

import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from brokers.ports.broker import BrokerStatus, Report, Unreachable
from brokers.simulator.models import SimOrder
from brokers.simulator.personas import FOREVER, LinkFault

# Seconds of real time that a caller waits before the request fails without an answer.
HANG_SECONDS: Final = 0.5


def unreported_until(silence: timedelta | None, placed_at: datetime) -> datetime | None:
    return None if silence is None else placed_at + silence


def is_silent(order: SimOrder, now: datetime) -> bool:
    return order.unreported_until is not None and now < order.unreported_until


def for_good(now: datetime) -> datetime:
    return now + FOREVER


def report_of(order: SimOrder) -> Report:
    """The order as the link reports it. Garbled: a COMPLETE order with no filled shares, which is impossible."""
    report = Report(
        ref=order.ref,
        status=BrokerStatus(order.status),
        filled_quantity=order.filled_quantity,
        average_price=order.average_price,
        exchange_order_id=order.exchange_order_id or None,
        error_code=order.error_code or None,
        message=_MESSAGES.get(order.error_code, order.error_code) or None,
        at=order.reported_at,
    )
    if order.garbled and report.status is BrokerStatus.COMPLETE:
        return replace(report, filled_quantity=0, average_price=None)
    return report


def before(fault: LinkFault) -> None:
    """On the way to the broker. Raises Unreachable; the broker has received nothing."""
    if fault is LinkFault.CUT_BEFORE:
        raise Unreachable("The link failed before the broker received the orders.")


def after(fault: LinkFault) -> None:
    """On the way back. Raises Unreachable; the broker has received the orders, but the caller cannot know."""
    if fault is LinkFault.CUT_AFTER:
        time.sleep(HANG_SECONDS)
        raise Unreachable("The link failed before the broker's answer arrived.")


def echoed(fault: LinkFault, reports: Sequence[Report]) -> list[Report]:
    """The reports that pass the link: an echo repeats every order in the state in which it was placed."""
    if fault is not LinkFault.ECHO:
        return list(reports)
    return [said for report in reports for said in (report, _as_placed(report))]


def _as_placed(report: Report) -> Report:
    return Report(report.ref, BrokerStatus.OPEN, 0, None, report.exchange_order_id)


_MESSAGES = {
    "marginsExceeded": "Margin exceeds the available funds.",
    "checkHoldings": "The holdings do not cover this sale.",
    "orderUnmatched": "No counterparty was found.",
    "circuitLimitExceeded": "The price is outside the day's price band.",
    "securityNotAllowed": "The security is not allowed for trading.",
    "invalidOrder": "The order is not valid.",
    "clientNotEnabled": "The client is not enabled for this segment.",
    "otherError": "The broker refused the order.",
}
