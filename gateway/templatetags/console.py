"""How the console's pages write numbers."""

from collections.abc import Iterable
from datetime import timedelta
from typing import Final

from django import template
from django.urls import reverse

from gateway.jobs import Job

register = template.Library()
LISTS: Final = {
    Job.PLACE_BATCH: "transactions_batch_changelist",
    Job.SYNC_BATCH: "transactions_batch_changelist",
    Job.DELIVER: "webhooks_delivery_changelist",
    Job.ANNOUNCE: "smallcases_announcement_changelist",
    Job.TELL_SIP: "smallcases_sip_changelist",
    Job.REPLAY: "webhooks_replay_changelist",
    Job.APPLY_TRADEBOOK: "tradebook_tradebook_changelist",
}
# What the lists count to (gateway.console).
NARROWED: Final = {
    Job.PLACE_BATCH: "?status__exact=QUEUED",
    Job.SYNC_BATCH: "?status__exact=PLACED",
    Job.DELIVER: "?status__exact=DUE",
}


@register.filter
def upto(number: int, most: int) -> str:
    """A count that stopped at `most` says so."""
    return f"{most:,}+" if number >= most else f"{number:,}"


@register.filter
def seconds(duration: timedelta) -> str:
    return f"{duration.total_seconds():,.0f}"


@register.filter
def total(rows: Iterable[object], name: str) -> int:
    return sum(int(getattr(row, name)) for row in rows)


@register.filter
def list_of(kind: Job) -> str:
    return reverse(f"admin:{LISTS[kind]}") + NARROWED.get(kind, "")
