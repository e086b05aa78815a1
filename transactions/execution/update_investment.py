"""Updates an investment after an update of its batch, in the same database transaction."""

from collections.abc import Sequence
from datetime import datetime

from brokers.ports.broker import Side
from smallcases.models import Smallcase
from smallcases.portfolio.apply_fills import Executed, apply_fills
from smallcases.sips.schedule import ist_day
from smallcases.sips.sip_changes import move_on
from transactions.api import payloads
from transactions.domain.smallcase_order import OrderKind
from transactions.domain.statuses import FINAL_BATCH, BatchStatus
from transactions.lifecycle.plan_orders import change_of
from transactions.models import Batch, Order
from transactions.queries.order_context import LastBatch, blocked_names, last_batches
from webhooks.events.event_types import EventType
from webhooks.events.record_events import EventDraft, record_events


def update_investment(*, batch: Batch, orders: Sequence[Order], now: datetime, withdrawn: Sequence[str] = ()) -> None:
    """Applies the fills; when no order is open any more, moves the SIP to its next date and announces a possible FIX.

    A FIX is possible if an unfilled security can be traded now.

    `withdrawn`: refs of orders that support has corrected to no fill.
    """
    change = change_of(batch)
    last = last_batches([change.iscid])[change.iscid]
    is_last = last.batch.pk == batch.pk
    investment = apply_fills(
        gateway=batch.gateway,
        account=batch.account,
        change=change,
        executed=[
            Executed(order.ref, order.ticker, Side(order.side), order.filled_quantity, order.average_price)
            for order in orders
            if order.average_price is not None
        ],
        withdrawn=withdrawn,
        now=now,
    )
    if investment is None:
        return
    if batch.original_label == OrderKind.SIP and not last.is_open and any(order.filled_quantity for order in orders):
        move_on(investment=investment, covered=ist_day(_confirmed_at(batch)))
    if BatchStatus(batch.status) in FINAL_BATCH and is_last and last.can_be_fixed:
        blocked = blocked_names([last]).get(batch.pk, [])
        if len(blocked) < last.unfilled:
            _record_fix(batch, last, investment.smallcase, now, blocked)


def _confirmed_at(batch: Batch) -> datetime:
    """When the SIP order was confirmed; `batch` may be a FIX of that order."""
    orders = Batch.objects.filter(iscid=batch.iscid, label=OrderKind.SIP, pk__lte=batch.pk)
    return orders.latest("pk").created_at


def _record_fix(
    batch: Batch, last: LastBatch, smallcase: Smallcase, now: datetime, blocked: Sequence[tuple[str, str]]
) -> None:
    """The event has the batch's next sequence number, after the event that ended the batch."""
    batch.sequence += 1
    Batch.objects.filter(pk=batch.pk).update(sequence=batch.sequence)
    record_events(
        EventDraft(
            gateway=batch.gateway,
            kind=EventType.ACTION_PENDING,
            subject=batch.batch_id,
            sequence=batch.sequence,
            payload=payloads.fix_pending(last, smallcase, batch.account, blocked),
            now=now,
        )
    )
