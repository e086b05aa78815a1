"""Sends a version's rebalance notices to one gateway's investors: one chunk for each task and transaction."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from django.db.models import F, QuerySet
from django.db.transaction import atomic

from gateway.partners import clock
from gateway.queue import leases
from gateway.queue.enqueue import TaskName, enqueue
from smallcases.api import payloads
from smallcases.catalogue.selectors import live_investments
from smallcases.models import Announcement, Investment
from webhooks.events.event_types import EventType
from webhooks.events.record_events import record_events

CHUNK: Final = 500
# Longer than a chunk takes: an expired lease means that the worker died.
LEASE: Final = timedelta(seconds=60)


def announcements() -> QuerySet[Announcement]:
    return Announcement.objects.all()


def notify_investors(*, row: int, attempt: int) -> None:
    """Notifies the next chunk of investors and enqueues the following chunk. Twice is safe: a task allows one claim."""
    if not leases.acquire(announcements, row=row, attempt=attempt, lease=LEASE):
        return
    announcement = Announcement.objects.select_related("gateway", "version__smallcase").get(pk=row)
    now = clock.now(announcement.gateway)
    with atomic(durable=True):
        _notify(announcement, _next_to_notify(announcement), now)


def _next_to_notify(announcement: Announcement) -> list[Investment]:
    """Locked in pk order, so another worker that counts events of the same iscid waits."""
    version = announcement.version
    live = live_investments(version.smallcase).filter(gateway=announcement.gateway, pk__gt=announcement.told_up_to)
    older = live.filter(version__number__lt=version.number).select_related("account")
    return list(older.select_for_update(of=("self",)).order_by("pk")[:CHUNK])


def _notify(announcement: Announcement, investments: Sequence[Investment], now: datetime) -> None:
    """Writes progress and events together; writes nothing if another worker has taken the row."""
    if not _progress(announcement, investments, is_last=len(investments) < CHUNK):
        return
    record_events(
        gateway=announcement.gateway,
        kind=EventType.ACTION_PENDING,
        payloads={
            investment.iscid: payloads.pending_rebalance_event(investment, announcement.version)
            for investment in investments
        },
        now=now,
    )


def _progress(announcement: Announcement, investments: Sequence[Investment], *, is_last: bool) -> bool:
    progress = {"told_up_to": investments[-1].pk, "told": F("told") + len(investments)} if investments else {}
    rest = {"due_at": None} if is_last else {}
    offered = clock.wall() if is_last else leases.redispatch_at(clock.wall())
    if not leases.mine(Announcement.objects.all(), announcement).update(leased_until=offered, **progress, **rest):
        return False
    if not is_last:
        enqueue(TaskName.ANNOUNCE, row=announcement.pk, attempt=announcement.attempts)
    return True
