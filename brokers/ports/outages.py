"""Outages: links whose circuit is open, as rows that all processes share.

A row is written when a process finds the broker unreachable several times in a row, and deleted at the first answer
that any process gets. Between the two, the UPDATE that claims the probe decides who may ask. A link that works has no
row, so nothing is written for ordinary calls. Times are real ones.
"""

import logging
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final, TypeAlias

from django.db.models import QuerySet
from django.db.transaction import atomic

from brokers.models import BrokerOutage
from gateway.audit.trail import Actor
from gateway.queue.concurrency import OPENS_AFTER, Circuit

Link: TypeAlias = tuple[int, str]  # a gateway's key and a broker
REASON_LENGTH: Final = 200
log = logging.getLogger(__name__)


def circuits() -> dict[Link, Circuit]:
    """The open circuits of all links."""
    return {(row.gateway_id, row.broker): circuit_of(row) for row in BrokerOutage.objects.all()}


def circuit_at(link: Link) -> Circuit | None:
    """The link's circuit, if it is open."""
    return next((circuit_of(row) for row in _rows(link)), None)


def circuit_of(row: BrokerOutage) -> Circuit:
    return Circuit(OPENS_AFTER, row.wait.total_seconds(), row.probe_at.timestamp())


def count_outages() -> int:
    return BrokerOutage.objects.count()


def start(link: Link, circuit: Circuit, *, reason: str, now: float) -> None:
    """Opens the link for all processes. If another has done so, its outage stays as it is."""
    gateway, broker = link
    row = BrokerOutage(gateway_id=gateway, broker=broker, since=_moment(now), **_columns(circuit, reason))
    BrokerOutage.objects.bulk_create([row], ignore_conflicts=True)
    log.warning("%s cannot be reached from gateway %s: %s", broker, gateway, reason)


def claim_probe(link: Link, seen: Circuit, *, now: float) -> Circuit | None:
    """The circuit with a probe of this process; None if another process has claimed it. The UPDATE is the check."""
    until = _moment(seen.probing(now).probe_at)
    if not _rows(link).filter(probe_at__lte=_moment(now)).update(probe_at=until):
        return None
    return replace(seen.probing(now), probe_at=until.timestamp())


def end_probe(link: Link, claimed: Circuit, circuit: Circuit, *, reason: str) -> None:
    """The probe that this process claimed has failed. Nothing, if it took too long and another has claimed the next."""
    _rows(link).filter(probe_at=_moment(claimed.probe_at)).update(**_columns(circuit, reason))


def end(link: Link) -> None:
    """The broker has answered."""
    if _rows(link).delete()[0]:  # else another process was first
        log.warning("%s answers gateway %s again.", link[1], link[0])


def try_now(rows: QuerySet[BrokerOutage], *, by: Actor) -> int:
    """Makes the next probes due at once; returns how many. Twice costs a broker one more call."""
    with atomic():
        for row in (chosen := list(rows.select_related("gateway").order_by("pk"))):
            probe_now((row.gateway_id, row.broker), now=by.at)
        for row in chosen:
            by.record("try broker now", str(row), before={"next_try": row.probe_at}, after={"next_try": by.at})
    return len(chosen)


def probe_now(link: Link, *, now: datetime) -> None:
    """Makes the link's next probe due at once, if the link is down."""
    _rows(link).update(probe_at=now)


def _rows(link: Link) -> QuerySet[BrokerOutage]:
    gateway, broker = link
    return BrokerOutage.objects.filter(gateway=gateway, broker=broker)


def _columns(circuit: Circuit, reason: str) -> dict[str, Any]:
    return {
        "wait": timedelta(seconds=circuit.wait),
        "probe_at": _moment(circuit.probe_at),
        "reason": reason[:REASON_LENGTH],
    }


def _moment(seconds: float | None) -> datetime:
    return datetime.fromtimestamp(seconds or 0.0, UTC)
