"""What must be true of transactions, batches and orders, and of what is told."""

from typing import Final

from transactions.invariants import both_sides, settlements, statuses, telling

INVARIANTS: Final = (
    *statuses.INVARIANTS,
    *both_sides.INVARIANTS,
    *settlements.INVARIANTS,
    *telling.INVARIANTS,
)
