"""Enters new orders in the book, those of many calls in one statement: a commit costs far more than an order.

A worker process has hundreds of calls in flight. While a call of a link writes, others arrive, and the next one writes
for all of them. Links do not wait for each other. A new order needs no lock of its account: before its risk check it
blocks neither funds nor shares.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from threading import Lock
from typing import Final

from brokers import sql as market
from brokers.ports.broker import LiveSession, NewOrder, Refused, SessionEnded, Unreachable, Verb
from brokers.simulator import sql
from brokers.simulator.faults import link_faults
from brokers.simulator.lent_connections import lent_connection
from brokers.simulator.models import SimAccount, SimOrder
from brokers.simulator.personas import LinkFault
from gateway.database.rows import insert_rows


class NotEntered(Exception):
    """Another call was about to write this order, and failed."""


@dataclass(eq=False, slots=True)
class WaitingOrder:
    """A call that places an order. `booked` makes the order's row, or raises Refused. `error`: what the call raises."""

    session: LiveSession
    order: NewOrder
    booked: Callable[[SimAccount | None], SimOrder]
    fault: LinkFault | None = None
    error: Exception | None = field(default_factory=NotEntered)


@dataclass(slots=True)
class Desk:
    """The calls of one link that wait to be written, and the turn to write them."""

    waiting: list[WaitingOrder] = field(default_factory=list)
    turn: Lock = field(default_factory=Lock)


_desks: Final[dict[tuple[int, str], Desk]] = {}


def enter(session: LiveSession, order: NewOrder, booked: Callable[[SimAccount | None], SimOrder]) -> None:
    """Places an order over the link. Orders are unique by ref: placing one a second time writes nothing.

    Raises what `booked` raises, Refused for a security that cannot be traded, Unreachable and SessionEnded. A slow
    answer is waited for in the caller's thread.
    """
    entry, desk = WaitingOrder(session, order, booked), _desks.setdefault((session.gateway, session.broker), Desk())
    desk.waiting.append(entry)
    with desk.turn:
        if entry in desk.waiting:  # else the call before has written it
            entries = desk.waiting.copy()
            del desk.waiting[: len(entries)]
            with lent_connection():
                _write(entries)
    if not isinstance(entry.error, Unreachable | SessionEnded):
        link_faults.on_the_way_back(entry.fault)
    if entry.error:
        raise entry.error


def _write(entries: Sequence[WaitingOrder]) -> None:
    """The entries of one link."""
    session = entries[0].session
    fault = sql.link_fault(session.gateway, session.broker, Verb.PLACE)
    accounts = sql.accounts_of(session.gateway, session.broker, {entry.session.client_id for entry in entries})
    halted = _halted([entry.order for entry in entries])
    orders = [_order(entry, accounts.get(entry.session.client_id), fault, halted) for entry in entries]
    insert_rows([order for order in orders if order], pass_over_known=True)
    for entry, order in zip(entries, orders, strict=True):
        if order:
            entry.error = None


def _halted(orders: Sequence[NewOrder]) -> set[str]:
    """Refs of new orders for securities that cannot be traded now."""
    tradable = market.tradable({order.ticker for order in orders})
    refs = {order.ref for order in orders if not tradable.get(order.ticker)}
    return refs.difference(SimOrder.objects.filter(ref__in=refs).values_list("ref", flat=True)) if refs else refs


def _order(
    entry: WaitingOrder, account: SimAccount | None, fault: LinkFault | None, halted: Collection[str]
) -> SimOrder | None:
    """None if the call ends without an order."""
    entry.fault = link_faults.fault_met(entry.session, Verb.PLACE, fault)
    try:
        link_faults.on_the_way(entry.session, account, entry.fault)
        if entry.order.ref in halted:
            raise Refused("securityNotAllowed", f"{entry.order.ticker} cannot be traded now.")
        return entry.booked(account)
    except (Refused, Unreachable, SessionEnded, SimAccount.DoesNotExist) as error:
        entry.error = error
        return None
