"""Sends a version's rebalance notices to one gateway's investors: one chunk for each task and transaction."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from django.db.models import F, QuerySet
from django.db.transaction import atomic

from gateway.partners import clock
from gateway.queue import leases
from gateway.queue.enqueue import TaskName, enqueue
from smallcases.api import payloads
from smallcases.catalogue.selectors import live_investments
from smallcases.models import Investment, RebalanceNotice
from webhooks.events.event_types import EventType
from webhooks.events.record_events import EventDraft, record_events

CHUNK: Final = 500


def notices() -> QuerySet[RebalanceNotice]:
    return RebalanceNotice.objects.all()


def notify_investors(*, row: int, attempt: int) -> None:
    """Notifies the next chunk of investors and enqueues the following chunk. Twice is safe: a task allows one claim."""
    if not leases.acquire(notices(), row=row, attempt=attempt):
        return
    notice = RebalanceNotice.objects.select_related("gateway", "version__smallcase").get(pk=row)
    now = clock.now(notice.gateway)
    with atomic(durable=True):
        _notify(notice, _next_to_notify(notice), now)


def _next_to_notify(notice: RebalanceNotice) -> list[Investment]:
    """Locked in pk order, so another worker that counts events of the same iscid waits."""
    version = notice.version
    live = live_investments(version.smallcase).filter(gateway=notice.gateway, pk__gt=notice.notified_up_to)
    older = live.filter(version__number__lt=version.number).select_related("account")
    return list(older.select_for_update(of=("self",)).order_by("pk")[:CHUNK])


def _notify(notice: RebalanceNotice, investments: Sequence[Investment], now: datetime) -> None:
    """Writes progress and events together; writes nothing if another worker has taken the row."""
    if not _progress(notice, investments, is_last=len(investments) < CHUNK):
        return
    drafts = [
        EventDraft(
            gateway=notice.gateway,
            kind=EventType.ACTION_PENDING,
            subject=investment.iscid,
            payload=payloads.pending_rebalance_event(investment, notice.version),
            now=now,
        )
        for investment in investments
    ]
    record_events(*drafts, is_bulk=True)


def _progress(notice: RebalanceNotice, investments: Sequence[Investment], *, is_last: bool) -> bool:
    sent = {"notified_up_to": investments[-1].pk, "notified": F("notified") + len(investments)} if investments else {}
    rest = {"due_at": None} if is_last else {}
    offered = clock.wall() if is_last else leases.redispatch_at(clock.wall())
    if not leases.mine(RebalanceNotice.objects.all(), notice).update(leased_until=offered, **sent, **rest):
        return False
    if not is_last:
        enqueue(TaskName.SEND_REBALANCE_NOTICE, row=notice.pk, attempt=notice.attempts)
    return True
