"""What a broker's word, or its silence, makes of an order. Pure; a word that contradicts itself is no word."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

from brokers.ports.broker import BrokerStatus, Report
from transactions.domain.statuses import IllegalMove, OrderStatus, move

LOST_CODE: Final = "adapterError"
LOST_MESSAGE: Final = "The broker has not said what became of this order; support settles it from the tradebook."
_PLAIN: Final = {
    BrokerStatus.OPEN: OrderStatus.PLACED,
    BrokerStatus.COMPLETE: OrderStatus.COMPLETE,
    BrokerStatus.REJECTED: OrderStatus.REJECTED,
}


@dataclass(frozen=True, slots=True)
class Facts:
    """What the gateway holds true of an order. `cancel_wished`: its user asked for its end."""

    status: OrderStatus
    quantity: int
    filled_quantity: int = 0
    average_price: Decimal | None = None
    exchange_order_id: str | None = None
    error_code: str | None = None
    status_message: str | None = None
    silent_since: datetime | None = None
    cancel_wished: bool = False


def hear(facts: Facts, word: Report | None, *, now: datetime, patience: timedelta) -> Facts:
    """The facts after `word`; None is silence, which becomes ERROR once it has lasted `patience`."""
    if word is None or not is_credible(facts, word):
        return _unheard(facts, now, patience)
    try:
        status = facts.status if _stays(facts, word) else move(facts.status, _meant(facts, word))
    except IllegalMove:
        return _unheard(facts, now, patience)
    return replace(
        facts,
        status=status,
        filled_quantity=word.filled_quantity,
        average_price=word.average_price,
        exchange_order_id=word.exchange_order_id or facts.exchange_order_id,
        error_code=facts.error_code if status is OrderStatus.ERROR else word.error_code,
        status_message=facts.status_message if status is OrderStatus.ERROR else word.message,
        silent_since=None,
    )


def furthest(words: Iterable[Report]) -> dict[str, Report]:
    """By ref. A broker may repeat itself, and what it repeats may be older: an end counts for more than an open order,
    more shares for more than fewer, the first of equals."""
    told: dict[str, Report] = {}
    for word in words:
        if word.ref not in told or _progress(word) > _progress(told[word.ref]):
            told[word.ref] = word
    return told


def _progress(word: Report) -> tuple[bool, int]:
    return word.status is not BrokerStatus.OPEN, word.filled_quantity


def is_credible(facts: Facts, word: Report) -> bool:
    """Fills never shrink, never exceed the order, have a price, and agree with the status they come with."""
    whole = word.filled_quantity == facts.quantity
    return (
        facts.filled_quantity <= word.filled_quantity <= facts.quantity
        and (word.filled_quantity > 0) == (word.average_price is not None and word.average_price > 0)
        and (word.status is BrokerStatus.COMPLETE) == whole
        and not (word.status is BrokerStatus.REJECTED and word.filled_quantity)
    )


def _stays(facts: Facts, word: Report) -> bool:
    """An open order stays what it is; of one in ERROR that only says that it lives still."""
    return word.status is BrokerStatus.OPEN and facts.status in {OrderStatus.PLACED, OrderStatus.ERROR}


def _meant(facts: Facts, word: Report) -> OrderStatus:
    if word.status is not BrokerStatus.CANCELLED:
        return _PLAIN[word.status]
    if word.filled_quantity:
        return OrderStatus.PARTIAL
    by_user = facts.cancel_wished and facts.status is OrderStatus.PLACED
    return OrderStatus.CANCELLED_AMO if by_user else OrderStatus.CANCELLED


def _unheard(facts: Facts, now: datetime, patience: timedelta) -> Facts:
    if facts.status is not OrderStatus.PLACED:
        return facts
    since = facts.silent_since or now
    if now - since < patience:
        return replace(facts, silent_since=since)
    return replace(
        facts,
        status=move(facts.status, OrderStatus.ERROR),
        error_code=LOST_CODE,
        status_message=LOST_MESSAGE,
        silent_since=since,
    )
