"""Template filters of the console: numbers, badges, and the menu of work lists."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from django import template
from django.urls import reverse

from gateway.console import badges
from gateway.queue.enqueue import TaskName

register = template.Library()
LISTS: Final = {
    TaskName.PLACE_BATCHES: "transactions_batch_changelist",
    TaskName.SYNC_BATCHES: "transactions_batch_changelist",
    TaskName.DELIVER: "webhooks_delivery_changelist",
    TaskName.SEND_REBALANCE_NOTICE: "smallcases_rebalancenotice_changelist",
    TaskName.REMIND_SIP: "smallcases_sip_changelist",
    TaskName.REPLAY: "webhooks_replay_changelist",
    TaskName.APPLY_TRADEBOOK: "tradebook_tradebook_changelist",
}
WORDS: Final = {
    TaskName.PLACE_BATCHES: "Place batches",
    TaskName.SYNC_BATCHES: "Poll brokers",
    TaskName.DELIVER: "Deliver webhooks",
    TaskName.SEND_REBALANCE_NOTICE: "Rebalance notices",
    TaskName.REMIND_SIP: "SIP reminders",
    TaskName.REPLAY: "Replay webhooks",
    TaskName.APPLY_TRADEBOOK: "Apply tradebooks",
}
# The menu at the top of every page: permission, URL name, label.
PLACES: Final = (
    ("transactions.view_order", "desk_queue", "Reconciliation desk"),
    ("smallcases.view_smallcase", "studio", "Rebalance studio"),
    ("transactions.view_order", "transactions_order_changelist", "Orders"),
    ("transactions.view_batch", "transactions_batch_changelist", "Batches"),
    ("transactions.view_transaction", "transactions_transaction_changelist", "Transactions"),
    ("smallcases.view_investment", "smallcases_investment_changelist", "Investments"),
    ("webhooks.view_event", "webhooks_event_changelist", "Events"),
    ("webhooks.view_endpoint", "webhooks_endpoint_changelist", "Endpoints"),
    ("gateway.view_gateway", "gateway_gateway_changelist", "Gateways"),
    ("gateway.view_auditentry", "gateway_auditentry_changelist", "Audit trail"),
)
# Filters of the lists' links.
NARROWED: Final = {
    TaskName.PLACE_BATCHES: "?status__exact=QUEUED",
    TaskName.SYNC_BATCHES: "?status__exact=PLACED",
    TaskName.DELIVER: "?status__exact=DUE",
}


@register.filter
def upto(number: int, most: int) -> str:
    """A count that may have stopped at `most`, which then gets a plus sign."""
    return f"{most:,}+" if number >= most else f"{number:,}"


@register.filter
def seconds(duration: timedelta) -> str:
    return f"{duration.total_seconds():,.0f}"


@register.filter
def total(rows: Iterable[object], name: str) -> int:
    return sum(int(getattr(row, name)) for row in rows)


@register.filter
def list_of(kind: TaskName) -> str:
    return reverse(f"admin:{LISTS[kind]}") + NARROWED.get(kind, "")


@register.filter
def words_of(kind: TaskName) -> str:
    return WORDS[kind]


@register.filter
def badge(word: str) -> str:
    return badges.badge(str(word))


@dataclass(frozen=True, slots=True)
class NavigationLink:
    address: str
    words: str
    is_here: bool


@register.simple_tag(takes_context=True)
def workplaces(context: Any) -> list[NavigationLink]:
    return list(_places(context["request"]))


def _places(request: Any) -> Iterator[NavigationLink]:
    for permission, name, words in PLACES:
        if request.user.has_perm(permission):
            address = reverse(f"admin:{name}")
            yield NavigationLink(address, words, request.path.startswith(address))
