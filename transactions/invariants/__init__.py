"""Rules that transactions, batches, orders and their events must always satisfy."""

from typing import Final

from transactions.invariants import correction_invariants, event_invariants, fill_invariants, status_invariants

INVARIANTS: Final = (
    *status_invariants.INVARIANTS,
    *fill_invariants.INVARIANTS,
    *correction_invariants.INVARIANTS,
    *event_invariants.INVARIANTS,
)
