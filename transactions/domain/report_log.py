"""The log of a broker's reports about one order. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from brokers.ports.broker import BrokerStatus, Report

KEPT: Final = 10
LONGEST: Final = 500
LogEntry = dict[str, Any]


def with_report(log: Sequence[LogEntry], report: Report, *, now: datetime) -> list[LogEntry]:
    """The last KEPT reports, oldest first. Repeated reports are logged once; reports that are not credible, too."""
    entry = _entry_of(report)
    if log and _without_times(log[-1]) == _without_times(entry):
        return list(log)
    return [*log, entry | {"heard_at": now.isoformat()}][-KEPT:]


def last_report(log: Sequence[Mapping[str, Any]], *, ref: str) -> Report | None:
    if not log:
        return None
    entry = log[-1]
    price = entry["average_price"]
    return Report(
        ref=ref,
        status=BrokerStatus(entry["status"]),
        filled_quantity=entry["filled_quantity"],
        average_price=None if price is None else Decimal(price),
        exchange_order_id=entry["exchange_order_id"],
        error_code=entry["error_code"],
        message=entry["message"],
        at=None if entry["said_at"] is None else datetime.fromisoformat(entry["said_at"]),
    )


def _entry_of(report: Report) -> LogEntry:
    report = replace(report, message=report.message and report.message[:LONGEST])
    return {
        "status": report.status.value,
        "filled_quantity": report.filled_quantity,
        "average_price": None if report.average_price is None else str(report.average_price),
        "exchange_order_id": report.exchange_order_id,
        "error_code": report.error_code,
        "message": report.message,
        "said_at": report.at and report.at.isoformat(),
    }


def _without_times(entry: Mapping[str, Any]) -> LogEntry:
    return {name: value for name, value in entry.items() if name not in {"said_at", "heard_at"}}
