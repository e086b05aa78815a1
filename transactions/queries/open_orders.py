"""What stands between an investment and its next order: an open batch, unfilled shares."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from django.db.models import Count, F, Q, Sum

from brokers.ports.broker import Side
from transactions import sql
from transactions.domain.basket import OrderLine, Security
from transactions.domain.statuses import OPEN_BATCH, UNFINISHED_BATCH, BatchStatus, OrderStatus
from transactions.models import Batch, Order

# Nothing more comes of these by themselves; what a user cancelled is not to be had again unasked.
UNFILLED = (OrderStatus.PARTIAL, OrderStatus.REJECTED, OrderStatus.CANCELLED, OrderStatus.UNPLACED)


@dataclass(frozen=True, slots=True)
class LastBatch:
    """The newest batch of an investment; of an unfinished one `quantity`, `filled` and `unfilled` count securities."""

    batch: Batch
    quantity: int = 0
    filled: int = 0
    unfilled: int = 0

    @property
    def is_open(self) -> bool:
        return BatchStatus(self.batch.status) in OPEN_BATCH | {BatchStatus.QUEUED}

    @property
    def can_be_fixed(self) -> bool:
        return BatchStatus(self.batch.status) in UNFINISHED_BATCH and self.unfilled > 0


def last_batches(iscids: Collection[str]) -> dict[str, LastBatch]:
    """By iscid; one query, and another if any is unfinished."""
    found = sql.last_batches(iscids)
    counts = _counts([batch for batch in found if BatchStatus(batch.status) in UNFINISHED_BATCH])
    return {str(batch.iscid): LastBatch(batch, *counts.get(batch.pk, ())) for batch in found}


def _counts(batches: Sequence[Batch]) -> dict[int, Sequence[int]]:
    """By batch: its orders, those that filled, and those of which nothing more comes."""
    if not batches:
        return {}
    rows = Order.objects.filter(batch__in=batches).values_list("batch").order_by("batch")
    counted = rows.annotate(
        quantity=Count("pk"),
        filled=Count("pk", filter=Q(status=OrderStatus.COMPLETE)),
        unfilled=Count("pk", filter=Q(status__in=UNFILLED)),
    )
    return {batch: counts for batch, *counts in counted}


def unfilled_lines(batch: Batch) -> list[OrderLine]:
    """Every share that a batch asked for and did not get, same side, as market orders."""
    rows = Order.objects.filter(batch=batch, status__in=UNFILLED).order_by("position")
    return [OrderLine(Security(o.ticker), o.quantity - o.filled_quantity, Side(o.side)) for o in rows]


def is_fix_pending(iscid: str) -> bool:
    last = last_batches([iscid]).get(iscid)
    return last is not None and last.can_be_fixed


def unresolved_sells(iscid: str) -> dict[str, int]:
    """Shares that orders in ERROR may have sold already, by ticker: until their fate is known, not to be sold again."""
    lost = Order.objects.filter(batch__iscid=iscid, side=Side.SELL, status=OrderStatus.ERROR)
    return dict(
        lost.values_list("ticker").annotate(shares=Sum(F("quantity") - F("filled_quantity"))).order_by("ticker")
    )
