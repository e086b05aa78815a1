"""The event types, and the types that an endpoint subscribes to by default."""

from enum import StrEnum
from typing import Final

SAMPLE: Final = "test_"  # prefix of the subject of a test event


class EventType(StrEnum):
    ORDER_PLACED = "order.placed"
    ORDER_COMPLETED = "order.completed"
    ORDER_UPDATED = "order.updated"
    HOLDINGS_IMPORTED = "holdings.imported"
    ACTION_PENDING = "action.pending"
    TRANSACTION_ERRORED = "transaction.errored"
    SESSION_ENDED = "broker.session_ended"


DEFAULT_TYPES: Final = (
    EventType.ORDER_PLACED,
    EventType.ORDER_COMPLETED,
    EventType.ORDER_UPDATED,
    EventType.HOLDINGS_IMPORTED,
)
