"""Celery tasks, started by wake-up messages and by the beat."""

from celery import shared_task

from gateway.partners import clock
from gateway.queue.enqueue import TaskName, also_named
from gateway.queue.leases import dispatch_due
from smallcases.models import RebalanceNotice, Sip
from smallcases.portfolio import daily_index
from smallcases.rebalancing import rebalance_notifications
from smallcases.sips import sip_changes


@shared_task(name=TaskName.SEND_REBALANCE_NOTICE.value)
def send_rebalance_notice(*, row: int, attempt: int) -> None:
    rebalance_notifications.notify_investors(row=row, attempt=attempt)


@shared_task(name="sweep_rebalance_notices")
def sweep_rebalance_notices() -> int:
    return dispatch_due(RebalanceNotice.objects.all(), TaskName.SEND_REBALANCE_NOTICE)


@shared_task(name=TaskName.REMIND_SIP.value)
def remind_sip(*, row: int, attempt: int) -> None:
    sip_changes.tell_due(row=row, attempt=attempt)


@shared_task(name="sweep_sips")
def sweep_sips() -> int:
    return dispatch_due(Sip.objects.filter(is_active=True), TaskName.REMIND_SIP)


@shared_task(name="index_smallcases")
def index_smallcases() -> None:
    daily_index.index_smallcases(now=clock.wall())


also_named("announce", send_rebalance_notice)
also_named("sweep_announcements", sweep_rebalance_notices)
also_named("tell_sip", remind_sip)
