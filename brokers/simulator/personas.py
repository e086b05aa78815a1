"""The failure model: how a basket fares, by client id or PIN."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from functools import lru_cache
from typing import Final

from brokers.ports.broker import Verb

KEPT: Final = 4_096  # client ids whose persona is kept
LATE: Final = timedelta(minutes=10)
FOREVER: Final = timedelta(days=36_500)
PIN_PREFIX: Final = "error_"
# Rupees in an account before its first trade. RICH is ₹1 lakh crore, more than any basket within the limits costs.
ORDINARY, RICH, POOR = Decimal(500_000), Decimal(1_000_000_000_000), Decimal(100)
LENT, RICHLY_LENT = 1_000, 1_000_000  # shares of each instrument that an account may sell without having bought them


class FillBehaviour(StrEnum):
    """How an accepted order fills."""

    FILL = "FILL"
    HALF = "HALF"
    STEPS = "STEPS"
    REJECT = "REJECT"
    CANCEL = "CANCEL"
    HOLD = "HOLD"


class Persona(StrEnum):
    HAPPY = "happy"
    PARTIAL = "partial"
    ONE_REJECTED = "one-rejected"
    ALL_REJECTED = "all-rejected"
    UNMATCHED = "unmatched"
    BROKER_DOWN = "broker-down"
    PARTLY_PLACED = "partly-placed"
    LOST_CONTACT = "lost-contact"
    LATE_FILL = "late-fill"
    LOW_FUNDS = "low-funds"
    NO_HOLDINGS = "no-holdings"
    RICH = "rich"
    SESSION_ENDS = "session-ends"
    SLOW = "slow"
    CONTRADICTS = "contradicts"
    HANGS = "hangs"
    DEAF = "deaf"
    REPEATS = "repeats"
    LOGIN_FAILS = "login-fails"


class FaultKind(StrEnum):
    """What happens to a call of the broker. LOST: the request is lost on the way, and the caller cannot know."""

    UNREACHABLE = "unreachable"
    UNANSWERED = "unanswered"
    SLOW = "slow"
    RATE_LIMITED = "rate_limited"
    SESSION_ENDED = "session_ended"
    LOST = "lost"


WITH_SECONDS: Final = (FaultKind.SLOW, FaultKind.RATE_LIMITED)


@dataclass(frozen=True, slots=True)
class LinkFault:
    """A fault of the link to the broker, independent of how the orders fill.

    `seconds` of real time: of an answer that is slow, or of the wait after a rate limit. `set_at` in real time: when it
    was switched on; a session that started later does not end. None: an account's first session ends.
    """

    kind: FaultKind
    seconds: float | None = None
    set_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Treatment:
    """`refused`: the errorCode with which the broker refuses the order. `silence`: how long it is not reported."""

    refused: str | None = None
    behaviour: FillBehaviour = FillBehaviour.FILL
    error_code: str = ""
    silence: timedelta | None = None
    garbled: bool = False


FILL: Final = Treatment()
_FOR_ALL: Final = {
    Persona.ALL_REJECTED: Treatment(behaviour=FillBehaviour.REJECT, error_code="marginsExceeded"),
    Persona.UNMATCHED: Treatment(behaviour=FillBehaviour.CANCEL, error_code="orderUnmatched"),
    Persona.BROKER_DOWN: Treatment(refused="adapterError"),
    Persona.SLOW: Treatment(behaviour=FillBehaviour.STEPS),
}
_FOR_LAST: Final = {
    Persona.ONE_REJECTED: Treatment(behaviour=FillBehaviour.REJECT, error_code="marginsExceeded"),
    Persona.PARTLY_PLACED: Treatment(refused="tradingSystemNotReady"),
    Persona.LOST_CONTACT: Treatment(silence=FOREVER),
    Persona.LATE_FILL: Treatment(silence=LATE),
    Persona.CONTRADICTS: Treatment(garbled=True),
}
_FOR_FIRST: Final = {Persona.PARTIAL: Treatment(behaviour=FillBehaviour.HALF)}
_LINK_FAULTS: Final = {
    (Persona.HANGS, Verb.PLACE): LinkFault(FaultKind.UNANSWERED),
    (Persona.DEAF, Verb.PLACE): LinkFault(FaultKind.LOST),
    (Persona.SESSION_ENDS, Verb.ORDER_BOOK): LinkFault(FaultKind.SESSION_ENDED),
}
# By errorCode (contract §4): the treatment of every order if the PIN forces this error.
FORCED: Final = {
    "adapterError": Treatment(refused="adapterError"),
    "tradingSystemNotReady": Treatment(refused="tradingSystemNotReady"),
    "sessionExpired": Treatment(refused="sessionExpired"),
    "orderUnmatched": Treatment(behaviour=FillBehaviour.CANCEL, error_code="orderUnmatched"),
} | {
    code: Treatment(behaviour=FillBehaviour.REJECT, error_code=code)
    for code in (
        "checkHoldings",
        "marginsExceeded",
        "circuitLimitExceeded",
        "securityNotAllowed",
        "invalidOrder",
        "clientNotEnabled",
        "otherError",
    )
}


@lru_cache(KEPT)
def persona_of(client_id: str) -> Persona:
    """From `<persona>` or `<persona>-<anything>`; any other client id is happy."""
    named = [p for p in Persona if client_id == p.value or client_id.startswith(f"{p.value}-")]
    return max(named, key=lambda persona: len(persona.value), default=Persona.HAPPY)


def treatment_of(persona: Persona, *, forced: str, position: int, basket_size: int) -> Treatment:
    """Of the order at `position` of its basket, from 0; `forced` is the PIN's errorCode, or empty."""
    if forced:
        return FORCED[forced]
    if position == basket_size - 1 and persona in _FOR_LAST:
        return _FOR_LAST[persona]
    if position == 0 and persona in _FOR_FIRST:
        return _FOR_FIRST[persona]
    return _FOR_ALL.get(persona, FILL)


def link_fault_of(persona: Persona, verb: Verb) -> LinkFault | None:
    return _LINK_FAULTS.get((persona, verb))


def opening_funds(persona: Persona) -> Decimal:
    """Rupees in the account before its first trade."""
    return {Persona.LOW_FUNDS: POOR, Persona.RICH: RICH}.get(persona, ORDINARY)


def lent_shares(persona: Persona) -> int:
    """Shares of each ticker that the account may sell without owning them."""
    return {Persona.NO_HOLDINGS: 0, Persona.RICH: RICHLY_LENT}.get(persona, LENT)
