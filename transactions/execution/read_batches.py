"""Reads batches with all that a worker needs to know of them."""

from collections.abc import Collection, Sequence

from transactions import sql
from transactions.models import Batch, Order, OrderCorrection
from transactions.queries.selectors import read_versions


def read(rows: Sequence[int]) -> list[tuple[Batch, list[Order]]]:
    """Batches with related rows and orders. A write by another worker changes the fencing token."""
    batches = sql.batches_of(rows)
    read_versions(batches)
    orders: dict[int, list[Order]] = {batch.pk: [] for batch in batches}
    for order in _orders(orders):
        orders[order.batch_id].append(order)
    return [(batch, _surrounded(batch, orders[batch.pk])) for batch in batches]


def read_one(row: int) -> tuple[Batch, list[Order]]:
    for found in read([row]):
        return found
    raise Batch.DoesNotExist(f"There is no batch {row}.")


def _surrounded(batch: Batch, orders: list[Order]) -> list[Order]:
    """Each order knows its batch."""
    for order in orders:
        order.batch = batch
    return orders


def _orders(batches: Collection[int]) -> list[Order]:
    """In the basket's order, with the corrections in force, which few have."""
    orders = sql.orders_of(batches)
    corrected = [order for order in orders if order.active_correction_id]
    in_force = OrderCorrection.objects.in_bulk({order.active_correction_id for order in corrected}) if corrected else {}
    for order in corrected:
        order.active_correction = in_force[order.active_correction_id]
    return orders
