"""The types of event, and which an endpoint hears unless it says otherwise."""

from enum import StrEnum
from typing import Final

SAMPLE: Final = "test_"  # how the subject of a test event begins


class EventType(StrEnum):
    ORDER_PLACED = "order.placed"
    ORDER_COMPLETED = "order.completed"
    ORDER_UPDATED = "order.updated"
    HOLDINGS_IMPORTED = "holdings.imported"
    ACTION_PENDING = "action.pending"
    TRANSACTION_ERRORED = "transaction.errored"


DEFAULT_TYPES: Final = (
    EventType.ORDER_PLACED,
    EventType.ORDER_COMPLETED,
    EventType.ORDER_UPDATED,
    EventType.HOLDINGS_IMPORTED,
)
