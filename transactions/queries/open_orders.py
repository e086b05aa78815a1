"""Queries of an investment's last batch: whether it is open, and its unfilled shares."""

from collections.abc import Collection
from dataclasses import dataclass

from django.db.models import Count, Exists, F, OuterRef, Q, QuerySet, Sum

from brokers.ports.broker import Side
from gateway.database.compiled import compiled
from transactions.domain.basket import OrderLine, Security
from transactions.domain.statuses import OPEN_BATCH, UNFINISHED_BATCH, BatchStatus, OrderStatus
from transactions.models import Batch, Order

# Ended orders with unfilled shares. Orders that the user cancelled are not offered again.
UNFILLED = (OrderStatus.PARTIAL, OrderStatus.REJECTED, OrderStatus.CANCELLED, OrderStatus.UNPLACED)
COUNTS = ("quantity", "filled", "unfilled")


@dataclass(frozen=True, slots=True)
class LastBatch:
    """The newest batch of an investment. `quantity`, `filled` and `unfilled` count securities."""

    batch: Batch
    quantity: int
    filled: int
    unfilled: int

    @property
    def is_open(self) -> bool:
        return BatchStatus(self.batch.status) in OPEN_BATCH | {BatchStatus.QUEUED}

    @property
    def can_be_fixed(self) -> bool:
        return BatchStatus(self.batch.status) in UNFINISHED_BATCH and self.unfilled > 0


def last_batches(iscids: Collection[str]) -> dict[str, LastBatch]:
    """The last batch by iscid; one query."""
    rows = _last_batches(iscids=list(iscids))
    return {str(row.iscid): LastBatch(row, *(vars(row)[count] for count in COUNTS)) for row in rows}


@compiled
def _last_batches(*, iscids: list[str]) -> QuerySet[Batch]:
    later = Batch.objects.filter(iscid=OuterRef("iscid"), pk__gt=OuterRef("pk"))
    counted = Batch.objects.select_related("version__smallcase").annotate(
        quantity=Count("orders"),
        filled=Count("orders", filter=Q(orders__status=OrderStatus.COMPLETE)),
        unfilled=Count("orders", filter=Q(orders__status__in=UNFILLED)),
    )
    return counted.filter(~Exists(later), iscid__in=iscids)


def unfilled_lines(batch: Batch) -> list[OrderLine]:
    """Market orders for the unfilled shares of a batch, on the same side."""
    rows = Order.objects.filter(batch=batch, status__in=UNFILLED).order_by("position")
    return [OrderLine(Security(o.ticker), o.quantity - o.filled_quantity, Side(o.side)) for o in rows]


def is_fix_pending(iscid: str) -> bool:
    last = last_batches([iscid]).get(iscid)
    return last is not None and last.can_be_fixed


def unresolved_sells(iscid: str) -> dict[str, int]:
    """Shares by ticker that orders in ERROR may have sold. They are not sold again until the outcome is known."""
    lost = Order.objects.filter(batch__iscid=iscid, side=Side.SELL, status=OrderStatus.ERROR)
    return dict(
        lost.values_list("ticker").annotate(shares=Sum(F("quantity") - F("filled_quantity"))).order_by("ticker")
    )
