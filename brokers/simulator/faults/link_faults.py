"""Simulates faults of the link between the gateway and a broker.

Calls can be lost, unanswered, slow, limited in rate or end the session. Reports can be missing, late, repeated, or
nonsense.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Final, TypeVar

from django.db.transaction import atomic

from brokers.ports.broker import (
    CALL_LIMIT,
    BrokerStatus,
    LiveSession,
    LoginEnded,
    Refused,
    Report,
    SessionEnded,
    Unreachable,
    Verb,
)
from brokers.simulator import sql
from brokers.simulator.account_books import accounts
from brokers.simulator.lent_connections import lent_connection
from brokers.simulator.models import SimAccount, SimOrder
from brokers.simulator.personas import FOREVER, FaultKind, LinkFault, link_fault_of, persona_of

T = TypeVar("T")
# Seconds of real time that a caller waits before the request fails without an answer.
HANG_SECONDS: Final = 0.5
ENDED: Final = "The broker has ended the session."


@contextmanager
def login_over_the_link(gateway: int, broker: str) -> Iterator[None]:
    """A login, with the fault that is switched on for logins. Raises Unreachable."""
    fault = sql.link_fault(gateway, broker, Verb.LOGIN)
    _fail_on_the_way(fault)
    try:
        yield
    except (Refused, LoginEnded):
        on_the_way_back(fault)
        raise
    on_the_way_back(fault)


def over_the_link(verb: Verb, session: LiveSession, question: Callable[[SimAccount | None], T]) -> T:
    """The answer to a question about the session's account, if there is one.

    The call meets the fault that is switched on for the verb, or its persona's. Raises Unreachable, SessionEnded, and
    Refused where `question` does, before it has written anything. A slow answer is waited for in the caller's thread.
    """
    with lent_connection():
        answer, fault = _asked(verb, session, question)
    on_the_way_back(fault)
    if isinstance(answer, Refused):
        raise answer
    return answer


def _asked(
    verb: Verb, session: LiveSession, question: Callable[[SimAccount | None], T]
) -> tuple[T | Refused, LinkFault | None]:
    """A verb that matches orders locks the account, in a transaction of its own; no other is open."""
    matches = verb in {Verb.ORDER_BOOK, Verb.CANCEL}
    with atomic(durable=True) if matches else nullcontext():
        account, fault = sql.account_and_fault(session, verb, locked=matches)
        fault = fault_met(session, verb, fault)
        if account is None or not _is_ended(session, account, fault):
            _fail_on_the_way(fault)
            try:
                return question(account), fault
            except Refused as refusal:
                return refusal, fault
    raise SessionEnded(ENDED)


def fault_met(session: LiveSession, verb: Verb, switched_on: LinkFault | None) -> LinkFault | None:
    """The fault that a call meets: the one that is switched on, or its persona's."""
    return switched_on or link_fault_of(persona_of(session.client_id), verb)


def on_the_way(session: LiveSession, account: SimAccount | None, fault: LinkFault | None) -> None:
    """Raises SessionEnded or Unreachable; the broker has done nothing. No transaction may be open."""
    if account is not None and _is_ended(session, account, fault):
        raise SessionEnded(ENDED)
    _fail_on_the_way(fault)


def session_token(forced: str, *, started_at: datetime) -> str:
    return f"{forced}@{started_at.isoformat()}"


def forced_error(session: LiveSession) -> str:
    """The errorCode that the PIN forces on every order, or empty."""
    return session.token.partition("@")[0]


def _started_at(session: LiveSession) -> datetime:
    """In real time. Tokens of the last release do not say it."""
    said = session.token.partition("@")[2]
    return datetime.fromisoformat(said) if said else datetime.min.replace(tzinfo=UTC)


def _is_ended(session: LiveSession, account: SimAccount, fault: LinkFault | None) -> bool:
    """The fault ends the session at this call; a session that has ended is ended for every verb."""
    started_at, ended_until = _started_at(session), account.sessions_ended_until
    if fault and fault.kind is FaultKind.SESSION_ENDED:
        ends_until = fault.set_at or ended_until or started_at
        if started_at <= ends_until:
            accounts.end_sessions(account, until=ends_until)
            return True
    return ended_until is not None and started_at <= ended_until


def _fail_on_the_way(fault: LinkFault | None) -> None:
    """Raises Unreachable; the broker has received nothing."""
    if fault is None:
        return
    if fault.kind is FaultKind.UNREACHABLE:
        raise Unreachable("The broker cannot be reached.", may_have_arrived=False)
    if fault.kind is FaultKind.RATE_LIMITED:
        wait = timedelta(seconds=fault.seconds or 0)
        raise Unreachable("The broker has received too many requests.", may_have_arrived=False, retry_after=wait)
    if fault.kind is FaultKind.LOST:
        raise Unreachable("The link failed before the broker received the request.")


def on_the_way_back(fault: LinkFault | None) -> None:
    """Raises Unreachable; the broker has done as asked, but the caller cannot know."""
    if fault is None:
        return
    limit = CALL_LIMIT.total_seconds()
    if fault.kind is FaultKind.UNANSWERED:
        time.sleep(min(HANG_SECONDS, limit))
        raise Unreachable("The link failed before the broker's answer arrived.")
    if fault.kind is FaultKind.SLOW:
        seconds = fault.seconds or 0
        time.sleep(min(seconds, limit))
        if seconds > limit:
            raise Unreachable(f"The broker has not answered within {limit:g} s.")


def unreported_until(silence: timedelta | None, placed_at: datetime) -> datetime | None:
    return None if silence is None else placed_at + silence


def is_silent(order: SimOrder, now: datetime) -> bool:
    return order.unreported_until is not None and now < order.unreported_until


def for_good(now: datetime) -> datetime:
    return now + FOREVER


def report_of(order: SimOrder) -> Report:
    """The order as the link reports it. Garbled: a COMPLETE order with no filled shares, which is impossible."""
    report = Report(
        ref=order.ref,
        status=BrokerStatus(order.status),
        filled_quantity=order.filled_quantity,
        average_price=order.average_price,
        exchange_order_id=order.exchange_order_id or None,
        error_code=order.error_code or None,
        message=_MESSAGES.get(order.error_code, order.error_code) or None,
        at=order.reported_at,
    )
    if order.garbled and report.status is BrokerStatus.COMPLETE:
        return replace(report, filled_quantity=0, average_price=None)
    return report


def repeated(reports: Sequence[Report]) -> list[Report]:
    """Each order twice, the second time in the state in which it was placed."""
    return [said for report in reports for said in (report, _as_placed(report))]


def _as_placed(report: Report) -> Report:
    return Report(report.ref, BrokerStatus.OPEN, 0, None, report.exchange_order_id)


_MESSAGES = {
    "marginsExceeded": "Margin exceeds the available funds.",
    "checkHoldings": "The holdings do not cover this sale.",
    "orderUnmatched": "No counterparty was found.",
    "circuitLimitExceeded": "The price is outside the day's price band.",
    "securityNotAllowed": "The security is not allowed for trading.",
    "invalidOrder": "The order is not valid.",
    "clientNotEnabled": "The client is not enabled for this segment.",
    "otherError": "The broker refused the order.",
}
