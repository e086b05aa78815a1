"""What the confirmation and the result say of shares that are left out: the reason, and what becomes of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from brokers.ports.broker import Side
from transactions.domain.left_out import NOT_ALLOWED, LeftOut, LeftOutReason
from transactions.domain.statuses import OrderStatus
from transactions.models import Order

# Part of texts.ENGLISH. `why` is a sentence that names the ticker.
LEFT_OUT: Final[dict[str, str]] = {
    "confirm.balanced": "Your shares are close enough to the new version. Nothing needs to be bought or sold.",
    "notice.halted": "This order has changed",
    "notice.halted-body": "Nothing was placed. Check what is left out, then confirm again.",
    "left-out.title": "Left out of this order",
    "left-out.spread": "{why} Its share goes to the other names.",
    "left-out.spread-done": "{why} Its share went to the other names.",
    "left-out.SELL": "{why} Its shares stay in your investment until they can be sold.",
    "left-out.BUY": "{why} It is not bought, and the money for it stays in your account.",
    "left-out.rest": "{why}",
    "money.title": "Some purchases wait for money",
    "money.body": "Of your sales of {sells}, {usable} can be spent today and the rest on the next trading day. "
    "You have {funds} at {broker}. Add {missing} to buy everything now, or buy the rest later with a Fix:",
    "money.row": "{count} × {ticker}, about {value}",
}


_FOR_A_FIX: Final = frozenset({"invalidOrder", "marginsExceeded"})


@dataclass(frozen=True, slots=True)
class LeftOutNote:
    """A sentence of a screen: the name of its text, and the reason."""

    text: str
    why: str


def notes_before(left_out: Sequence[LeftOut], passed_over: Sequence[str]) -> list[LeftOutNote]:
    """For the confirmation, which shows purchases that wait for money apart."""
    notes = [LeftOutNote("left-out.spread", why) for why in passed_over]
    return notes + [
        LeftOutNote("left-out.rest", one.message)
        if one.reason is LeftOutReason.OVER_LIMIT
        else _note(one.line.side, one.message)
        for one in left_out
        if one.reason is not LeftOutReason.MONEY
    ]


def notes_after(orders: Sequence[Order], passed_over: Sequence[str]) -> list[LeftOutNote]:
    """For the result; also of orders that the broker refused because the security cannot be traded."""
    notes = [LeftOutNote("left-out.spread-done", why) for why in passed_over]
    unplaced = [o for o in orders if o.status == OrderStatus.UNPLACED and o.error_code in {NOT_ALLOWED, *_FOR_A_FIX}]
    return notes + [
        LeftOutNote("left-out.rest", order.status_message or "")
        if order.error_code in _FOR_A_FIX
        else _note(Side(order.side), order.status_message or "")
        for order in unplaced
    ]


def _note(side: Side, why: str) -> LeftOutNote:
    return LeftOutNote(f"left-out.{side.value}", why)
