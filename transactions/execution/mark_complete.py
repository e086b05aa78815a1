"""Closes an unfinished batch, for its user or for support."""

from datetime import datetime

from django.db.models import F
from django.db.transaction import atomic

from gateway.audit.trail import Actor
from gateway.values.errors import Conflict
from transactions.api import payloads
from transactions.domain.sdk_codes import SdkCode
from transactions.domain.smallcase_order import OrderKind, order_request_of
from transactions.domain.statuses import UNFINISHED_BATCH, BatchStatus
from transactions.lifecycle.transitions import check_live, claim, complete_now, fail
from transactions.models import Batch, Transaction
from transactions.queries.order_context import last_batches
from webhooks.events.event_types import EventType
from webhooks.events.record_events import EventDraft, record_events


class NotUnfinished(Conflict):
    """Only an unfinished batch can be marked complete."""


def mark_complete(*, batch: Batch, now: datetime, by: Actor | None = None) -> None:
    """Sets MARKEDCOMPLETE, once; orders do not change. `by`: the operator, None for the user. Raises NotUnfinished."""
    with atomic(durable=True):
        _mark(batch, now)
        if by:
            before, after = {"status": batch.status}, {"status": BatchStatus.MARKEDCOMPLETE.value}
            by.record("mark complete", f"batch {batch.batch_id}", before=before, after=after)


def close_instead(*, transaction: Transaction, now: datetime) -> None:
    """Ends a FIX without orders: marks the batch to be fixed as complete.

    Claims the transaction in the same database transaction, so the FIX cannot be placed too. Raises NotUnfinished,
    SdkError.
    """
    check_live(transaction, now=now)
    order_request = order_request_of(transaction.order_config)
    if order_request is None or order_request.kind is not OrderKind.FIX:
        raise NotUnfinished("This transaction is not a FIX of an earlier order.")
    last = last_batches([order_request.iscid])[order_request.iscid]
    try:
        with atomic(durable=True):
            claim(transaction, now=now)
            _mark(last.batch, now)
            complete_now(transaction, now=now)
    except NotUnfinished:
        transaction.refresh_from_db()
        fail(transaction, SdkCode.NO_ORDER, now=now)


def _mark(batch: Batch, now: datetime) -> None:
    unfinished = Batch.objects.filter(pk=batch.pk, status__in=UNFINISHED_BATCH)
    marked = {
        "status": BatchStatus.MARKEDCOMPLETE,
        "sequence": F("sequence") + 1,
        "attempts": F("attempts") + 1,
    }
    if not unfinished.update(**marked):
        raise NotUnfinished(f"A batch in status {batch.status} cannot be marked complete.")
    marked_batch = Batch.objects.select_related("gateway", "transaction__account").get(pk=batch.pk)
    orders = list(marked_batch.orders.order_by("position"))
    record_events(
        EventDraft(
            gateway=marked_batch.gateway,
            kind=EventType.ORDER_UPDATED,
            subject=marked_batch.batch_id,
            sequence=marked_batch.sequence,
            payload=payloads.order_event(marked_batch, orders, marked_batch.transaction),
            now=now,
        )
    )
