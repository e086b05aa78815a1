"""Places a batch, order by order: which order is sent next, and what its answer means. Writes nothing by itself.

An order is sent once. Before the call its `sent_at` is committed, and afterwards the answer. An order that was sent and
has no answer counts as placed, and is looked for in the order book: also by a worker that takes the batch over. If that
worker's book does not have it, and the broker keeps refs unique, it is sent again (polling.BookRead).
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from math import inf
from time import monotonic
from typing import Final, TypeGuard

from django.conf import settings

from brokers.ports.broker import (
    Ack,
    LiveSession,
    NewOrder,
    OrderType,
    Refused,
    SessionEnded,
    Side,
    Unreachable,
    Validity,
    Variety,
)
from brokers.ports.outages import Link
from brokers.ports.registry import adapter_for
from gateway.models import Account, Gateway
from transactions.domain.poll_schedule import next_poll
from transactions.domain.price_protection import PRICE_MOVED
from transactions.domain.smallcase_order import OrderKind
from transactions.domain.statuses import OrderStatus, move
from transactions.execution.broker_calls import Answer, Question
from transactions.execution.record_updates import BatchUpdate, WorkResult
from transactions.models import Batch, Order

PER_BATCH: Final = 16  # calls in flight at once
# After that, the batch shows what was placed so far, and another run sends the rest.
RUN_SECONDS: Final = 2.0
SELLS_FIRST: Final = frozenset({OrderKind.REBALANCE.value, OrderKind.MANAGE.value})
SESSION_CODE, SESSION_MESSAGE = "sessionExpired", "The session at the broker ended before this order was sent."
DEADLINE_CODE, DEADLINE_MESSAGE = "adapterError", "The broker could not be reached, and this order was not sent."


def is_unsent(order: Order) -> bool:
    return order.status == OrderStatus.QUEUED and order.sent_at is None


def is_turn_to_read(batch: Batch, orders: Sequence[Order]) -> bool:
    """Whether this lease is for the order book: while orders wait for their broker, every other lease of the batch is.

    Orders of the batch that were placed may have been filled.
    """
    is_waiting = batch.unreachable_since is not None and batch.attempts % 2 == 0
    return is_waiting and any(order.status == OrderStatus.PLACED for order in orders)


def is_left_out(orders: Sequence[Order]) -> bool:
    """Whether the confirmation left out all orders of the batch: it ends without the broker."""
    return all(order.status == OrderStatus.UNPLACED for order in orders)


def take_over(orders: Sequence[Order]) -> list[Order]:
    """Orders that another worker may have sent: they count as placed. The order book has to say more."""
    sent = [order for order in orders if order.status == OrderStatus.QUEUED and order.sent_at]
    for order in sent:
        order.status = move(OrderStatus.QUEUED, OrderStatus.PLACED).value
        order.ordered_at = order.unreported_since = order.sent_at
    return sent


def placement_deadline_of(gateway: Gateway) -> timedelta:
    """How long orders stay queued while the broker certainly has not received them."""
    seconds = settings.PLACEMENT_DEADLINE_TEST_SECONDS if gateway.is_test else settings.PLACEMENT_DEADLINE_LIVE_SECONDS
    return timedelta(seconds=seconds)


@dataclass(eq=False, slots=True)
class Placement:
    """A run of one batch, which began with its first call. `obstacle`: why no further order is sent in this run.

    `answered`: orders whose answers are not written yet. `ended`: statuses of orders that the broker will not get.
    """

    batch: Batch
    orders: Sequence[Order]
    session: LiveSession | None
    began: float = inf
    in_flight: int = 0
    answered: list[Order] = field(default_factory=list)
    ended: list[str] = field(default_factory=list)
    is_news: bool = False
    obstacle: Unreachable | SessionEnded | None = None

    @property
    def account(self) -> Account:
        return self.batch.account

    @property
    def batches(self) -> Sequence[Batch]:
        return (self.batch,)

    @property
    def link(self) -> Link:
        return self.batch.gateway_id, self.account.broker

    @property
    def is_done(self) -> bool:
        return not self.in_flight and (self.is_halted or not any(map(is_unsent, self.orders)))

    @property
    def is_halted(self) -> bool:
        return self.obstacle is not None or monotonic() - self.began > RUN_SECONDS

    def sendable(self) -> list[Order]:
        """The next orders. The sells of a rebalance are acknowledged before its buys start: they pay for them."""
        if self.is_halted:
            return []
        unsent = [order for order in self.orders if is_unsent(order)]
        if self.batch.original_label in SELLS_FIRST and any(map(_is_queued_sell, self.orders)):
            unsent = [order for order in unsent if order.side == Side.SELL]
        return unsent[: PER_BATCH - self.in_flight]

    def question(self, order: Order, *, now: datetime) -> Question:
        """The call that places the order. It counts as in flight from here on."""
        self.began, self.in_flight = min(self.began, monotonic()), self.in_flight + 1
        if self.session is None:
            raise AssertionError("Without a session nothing is sent.")
        place = adapter_for(self.batch.account.broker).place
        return partial(place, self.session, _new_order(order, len(self.orders)), now=now)

    def apply_answer(self, order: Order, answer: Answer, *, now: datetime) -> None:
        self.in_flight -= 1
        self.answered.append(order)
        if isinstance(answer.error, Refused):
            self._unplace([order], answer.error.code, answer.error.message)
        elif isinstance(answer.error, SessionEnded) or _is_certainly_not_sent(answer.error):
            self.obstacle, order.sent_at = answer.error, None
        else:
            order.status = move(OrderStatus(order.status), OrderStatus.PLACED).value
            order.ordered_at = order.unreported_since = now
            order.broker_order_id = answer.result.broker_order_id if isinstance(answer.result, Ack) else None
            self.is_news = True

    def give_up(self, *, moved: Collection[str], now: datetime) -> None:
        """Orders that have waited for the broker are not sent after the deadline, nor if their price has `moved`."""
        unsent = [order for order in self.orders if is_unsent(order)]
        since, deadline = self.batch.unreachable_since, placement_deadline_of(self.batch.gateway)
        if since and now - since > deadline:
            self._unplace(unsent, DEADLINE_CODE, DEADLINE_MESSAGE)
        else:
            self._unplace([order for order in unsent if order.ticker in moved], DEADLINE_CODE, PRICE_MOVED)
        self.answered += [order for order in unsent if not is_unsent(order)]

    def stop_if_unsent(self) -> None:
        """Sends nothing, if no order of this run was sent yet."""
        if self.began == inf:
            self.began = -inf

    def finish(self, *, is_session_over: bool, now: datetime) -> list[WorkResult]:
        """`is_session_over`: only a login can help; what was not sent by then is never sent."""
        batch, unsent, wait = self.batch, [order for order in self.orders if is_unsent(order)], None
        if is_session_over:
            batch.session_ended_at = now
            self._unplace(unsent, SESSION_CODE, SESSION_MESSAGE)
        batch.unreachable_since = (batch.unreachable_since or now) if isinstance(self.obstacle, Unreachable) else None
        if batch.unreachable_since:
            waited, deadline = now - batch.unreachable_since, placement_deadline_of(batch.gateway)
            if waited >= deadline:
                self._unplace(unsent, DEADLINE_CODE, DEADLINE_MESSAGE)
            wait = min(next_poll(waited), max(deadline - waited, timedelta(0))) if unsent else None
        changed = list({order.pk: order for order in (*self.answered, *unsent)}.values())
        update = BatchUpdate(batch, self.orders, changed, is_news=self.is_news, now=now, ended=self.ended, wait=wait)
        return [WorkResult(update)]

    def _unplace(self, orders: Sequence[Order], code: str, message: str) -> None:
        for order in orders:
            order.status = move(OrderStatus(order.status), OrderStatus.UNPLACED).value
            order.error_code, order.status_message, order.sent_at = code, message, None
            self.ended.append(order.status)
            self.is_news = True


def _is_certainly_not_sent(error: BaseException | None) -> TypeGuard[Unreachable]:
    return isinstance(error, Unreachable) and not error.may_have_arrived


def _is_queued_sell(order: Order) -> bool:
    return order.status == OrderStatus.QUEUED and order.side == Side.SELL


def _new_order(order: Order, basket_size: int) -> NewOrder:
    return NewOrder(
        ref=order.ref,
        ticker=order.ticker,
        side=Side(order.side),
        quantity=order.quantity,
        order_type=OrderType(order.order_type),
        variety=Variety(order.batch.variety),
        validity=Validity(order.validity),
        price=order.price,
        trigger_price=order.trigger_price,
        position=order.position,
        basket_size=basket_size,
    )
