"""A SIP is set up, changed, ended, told when due, and moved on by an order that was done."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from django.db.transaction import atomic

from gateway import clock, work
from gateway.errors import Invalid
from gateway.models import Gateway
from smallcases.models import Investment, Sip
from smallcases.sip import due_from, ist_day, nth_date, periods_after_doing
from webhooks.events import EventType
from webhooks.services.recording import record_event

LEASE: Final = timedelta(seconds=30)


@dataclass(frozen=True, slots=True)
class SipWish:
    """What the user wants: rupees each period from a date on, or the end of it."""

    amount: Decimal = Decimal(0)
    frequency: str = ""
    starts_on: date = date.min
    end: bool = False


def set_up(*, investment: Investment, wish: SipWish, now: datetime) -> Sip | None:
    """Create, replace or end; None when there was none to end. Inside the caller's transaction."""
    if wish.end:
        Sip.objects.filter(investment=investment).update(is_active=False, due_at=None)
        return Sip.objects.filter(investment=investment).first()
    if wish.starts_on < ist_day(now):
        raise Invalid("sip.scheduledDate: must not lie in the past.")
    due_at = due_from(wish.starts_on)
    sip, _ = Sip.objects.update_or_create(
        investment=investment,
        defaults={
            "gateway": investment.gateway,
            "amount": wish.amount,
            "frequency": wish.frequency,
            "starts_on": wish.starts_on,
            "scheduled_date": wish.starts_on,
            "periods_done": 0,
            "is_active": True,
            "due_at": due_at,
            "leased_until": clock.wall_at(investment.gateway, now),
        },
    )
    return sip


def move_on(*, investment: Investment, now: datetime) -> None:
    """An order of it was done: to the next date that lies ahead. Inside the caller's transaction."""
    sip = Sip.objects.filter(investment=investment, is_active=True).first()
    if sip is None or sip.scheduled_date > ist_day(now):
        return
    sip.periods_done = periods_after_doing(sip.starts_on, sip.frequency, sip.periods_done, ist_day(now))
    sip.scheduled_date = nth_date(sip.starts_on, sip.frequency, sip.periods_done)
    sip.due_at, sip.leased_until = due_from(sip.scheduled_date), clock.wall()
    sip.save(update_fields=["periods_done", "scheduled_date", "due_at", "leased_until"])


def tell_due(*, row: int, attempt: int) -> None:
    """`action.pending`, once for each date that comes."""
    if not work.claim(Sip.objects.filter(is_active=True), row=row, attempt=attempt, lease=LEASE):
        return
    sip = Sip.objects.select_related("investment__smallcase", "investment__account", "gateway").get(pk=row)
    now = clock.now(sip.gateway)
    with atomic(durable=True):
        if work.mine(Sip.objects.all(), sip).update(due_at=None):
            _record(sip.gateway, sip, now)


def sip_action(sip: Sip) -> dict[str, Any]:
    """What is pending on its investment, as the wire spells it."""
    investment = sip.investment
    return {
        "iscid": investment.iscid,
        "scid": investment.smallcase.scid,
        "name": investment.smallcase.name,
        "amount": float(sip.amount),
        "frequency": sip.frequency,
        "scheduledDate": sip.scheduled_date.isoformat(),
    }


def _record(gateway: Gateway, sip: Sip, now: datetime) -> None:
    account = sip.investment.account
    record_event(
        gateway=gateway,
        kind=EventType.ACTION_PENDING,
        subject=f"{sip.investment.iscid}:sip",
        sequence=sip.attempts,
        payload={
            "action": "SIP",
            **sip_action(sip),
            "smallcaseAuthId": account.auth_id,
            "broker": account.broker,
        },
        now=now,
    )
