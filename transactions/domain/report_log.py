"""What a broker has said about one order, kept as it was said. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from brokers.ports.broker import BrokerStatus, Report

KEPT: Final = 10
LONGEST: Final = 500
Word = dict[str, Any]


def kept(words: Sequence[Word], said: Report, *, now: datetime) -> list[Word]:
    """The last KEPT words, oldest first; what a broker only repeats is one word. Also one that cannot be believed."""
    word = _as_kept(said)
    if words and _without_times(words[-1]) == _without_times(word):
        return list(words)
    return [*words, word | {"heard_at": now.isoformat()}][-KEPT:]


def last_word(words: Sequence[Mapping[str, Any]], *, ref: str) -> Report | None:
    if not words:
        return None
    word = words[-1]
    price = word["average_price"]
    return Report(
        ref=ref,
        status=BrokerStatus(word["status"]),
        filled_quantity=word["filled_quantity"],
        average_price=None if price is None else Decimal(price),
        exchange_order_id=word["exchange_order_id"],
        error_code=word["error_code"],
        message=word["message"],
        at=None if word["said_at"] is None else datetime.fromisoformat(word["said_at"]),
    )


def _as_kept(said: Report) -> Word:
    said = replace(said, message=said.message and said.message[:LONGEST])
    return {
        "status": said.status.value,
        "filled_quantity": said.filled_quantity,
        "average_price": None if said.average_price is None else str(said.average_price),
        "exchange_order_id": said.exchange_order_id,
        "error_code": said.error_code,
        "message": said.message,
        "said_at": said.at and said.at.isoformat(),
    }


def _without_times(word: Mapping[str, Any]) -> Word:
    return {name: value for name, value in word.items() if name not in {"said_at", "heard_at"}}
