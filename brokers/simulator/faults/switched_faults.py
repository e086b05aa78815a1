"""The faults that a tester switches on for one gateway's calls of a broker."""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Final

from django.db.transaction import atomic

from brokers.ports.broker import Verb
from brokers.simulator.models import BrokerFault
from brokers.simulator.personas import FaultKind, LinkFault
from gateway.models import Gateway

WRITTEN: Final = re.compile(r"(unreachable|unanswered|session_ended)|(slow|rate_limited):([0-9]{1,4}(?:\.[0-9]{1,3})?)")
FORMS: Final = "unreachable, unanswered, slow:<seconds>, rate_limited:<seconds>, session_ended or null"


def faults_of(gateway: Gateway, broker: str) -> dict[str, str | None]:
    """Each verb's fault as the tester wrote it, or None."""
    switched = BrokerFault.objects.filter(gateway=gateway, broker=broker)
    return dict.fromkeys(Verb, None) | {row.verb: _written(row) for row in switched}


def switch_faults(*, gateway: Gateway, broker: str, faults: Mapping[Verb, LinkFault | None], now: datetime) -> None:
    """Changes the faults of these verbs; None switches one off. `now` is real time. Locks the gateway's row."""
    on = [
        BrokerFault(gateway=gateway, broker=broker, verb=verb, kind=fault.kind, seconds=fault.seconds, set_at=now)
        for verb, fault in faults.items()
        if fault
    ]
    with atomic(durable=True):
        Gateway.objects.select_for_update(no_key=True).get(pk=gateway.pk)
        BrokerFault.objects.filter(gateway=gateway, broker=broker, verb__in=faults).delete()
        BrokerFault.objects.bulk_create(on)


def clear_faults(*, gateway: Gateway, broker: str) -> None:
    BrokerFault.objects.filter(gateway=gateway, broker=broker).delete()


def fault_named(text: str) -> LinkFault:
    """The fault that `text` writes, which matches WRITTEN."""
    kind, _, seconds = text.partition(":")
    return LinkFault(FaultKind(kind), float(seconds) if seconds else None)


def _written(row: BrokerFault) -> str:
    return row.kind if row.seconds is None else f"{row.kind}:{row.seconds:g}"
