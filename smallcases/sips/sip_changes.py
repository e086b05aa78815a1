"""Creates, changes and ends SIPs, sends reminders of due dates, and moves a SIP to its next date after an order."""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.db.models import F, QuerySet
from django.db.transaction import atomic

from brokers.market.quotes import quotes
from gateway.models import Gateway
from gateway.partners import clock
from gateway.queue import leases
from gateway.values.errors import Invalid
from gateway.values.money import wire_amount
from smallcases.models import Investment, Sip
from smallcases.planner import minimum_sip
from smallcases.portfolio.investments import target_weights
from smallcases.sips.schedule import due_from, ist_day, nth_date, periods_after_doing
from webhooks.events.event_types import EventType
from webhooks.events.record_events import EventDraft, record_events


@dataclass(frozen=True, slots=True)
class SipRequest:
    """The user's SIP: rupees each period from `starts_on`, or the end of the SIP."""

    amount: Decimal = Decimal(0)
    frequency: str = ""
    starts_on: date = date.min
    end: bool = False


def least_sip(investment: Investment, *, now: datetime) -> Decimal:
    """The smallest SIP in rupees: `planner.minimum_sip` of the names that it would buy."""
    weights = target_weights(investment, now=now)
    prices = {ticker: quote.at(now) for ticker, quote in quotes(investment.gateway_id, weights).items()}
    return minimum_sip(weights={ticker: weights[ticker] for ticker in prices}, prices=prices)


def set_up(*, investment: Investment, sip_request: SipRequest, now: datetime) -> Sip | None:
    """Creates, replaces or ends the SIP; None if there was none to end. Inside the caller's transaction.

    Raises Invalid.
    """
    if sip_request.end:
        Sip.objects.filter(investment=investment).update(is_active=False, due_at=None, attempts=F("attempts") + 1)
        return Sip.objects.filter(investment=investment).first()
    if sip_request.starts_on < ist_day(now):
        raise Invalid("sip.scheduledDate: must not be in the past.")
    if sip_request.amount < (least := least_sip(investment, now=now)):
        raise Invalid(f"sip.amount: must be at least ₹{least}, the price of the cheapest share.")
    scheduled = {
        "amount": sip_request.amount,
        "frequency": sip_request.frequency,
        "starts_on": sip_request.starts_on,
        "scheduled_date": sip_request.starts_on,
        "periods_done": 0,
        "is_active": True,
        "due_at": due_from(sip_request.starts_on),
        "leased_until": clock.wall(),
    }
    if not Sip.objects.filter(investment=investment).update(**scheduled, attempts=F("attempts") + 1):
        Sip.objects.create(gateway=investment.gateway, investment=investment, **scheduled)
    return Sip.objects.select_related("investment__smallcase").get(investment=investment)


def move_on(*, investment: Investment, covered: date) -> None:
    """Moves the SIP to its first date after `covered`, the day on which a finished order was confirmed. Twice is safe.

    Inside the caller's transaction. The fencing token changes too, so a message for the old date does nothing.
    """
    sip = Sip.objects.filter(investment=investment, is_active=True, scheduled_date__lte=covered).first()
    if sip is None:
        return
    periods = periods_after_doing(sip.starts_on, sip.frequency, sip.periods_done, covered)
    scheduled = nth_date(sip.starts_on, sip.frequency, periods)
    Sip.objects.filter(pk=sip.pk).update(
        periods_done=periods,
        scheduled_date=scheduled,
        due_at=due_from(scheduled),
        leased_until=clock.wall(),
        attempts=F("attempts") + 1,
    )


def tell_due(*, row: int, attempt: int) -> None:
    """Records `action.pending`, once for each due date. Twice is safe: a message allows one claim."""
    if not leases.acquire(active_sips(), row=row, attempt=attempt):
        return
    sip = Sip.objects.select_related("investment__smallcase", "investment__account", "gateway").get(pk=row)
    now = clock.now(sip.gateway)
    with atomic(durable=True):
        is_mine = leases.mine(Sip.objects.all(), sip).update(due_at=None)
        if is_mine and sip.investment.exited_at is None:
            _record(sip.gateway, sip, now)


def active_sips() -> QuerySet[Sip]:
    return Sip.objects.filter(is_active=True)


def sip_action(sip: Sip) -> dict[str, Any]:
    """The SIP's pending action, as on the wire."""
    investment = sip.investment
    return {
        "iscid": investment.iscid,
        "scid": investment.smallcase.scid,
        "name": investment.smallcase.name,
        "amount": wire_amount(sip.amount),
        "frequency": sip.frequency,
        "scheduledDate": sip.scheduled_date.isoformat(),
    }


def _record(gateway: Gateway, sip: Sip, now: datetime) -> None:
    account = sip.investment.account
    record_events(
        EventDraft(
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
    )
