"""A user's question to the broker while the user waits: funds and holdings."""

from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from typing import TypeVar

from brokers.ports.broker import Broker, LiveSession, SessionEnded, Unreachable
from brokers.ports.registry import adapter_for, profile_of
from brokers.sessions import session_of
from gateway.models import Account
from gateway.values.errors import Conflict, Unavailable
from transactions.execution.broker_sessions import end_session

T = TypeVar("T")


class BrokerSilent(Unavailable):
    """The broker cannot be reached. The transaction has not changed."""

    def __init__(self, broker: str) -> None:
        super().__init__(f"{profile_of(broker).name} isn't responding. Try again.")


class LoginRequired(Conflict):
    """The session at the broker has ended. The transaction has not changed; the checkout shows its login again."""

    def __init__(self, broker: str) -> None:
        super().__init__(f"The session at {profile_of(broker).name} has ended. Log in again.")


def ask_broker(account: Account, question: Callable[[Broker, LiveSession], T], *, now: datetime) -> T:
    """The broker's answer. Raises BrokerSilent, LoginRequired."""
    session = live_session_of(account)
    try:
        return question(adapter_for(account.broker), session)
    except Unreachable:
        raise BrokerSilent(account.broker) from None
    except SessionEnded:
        end_session(account, session, now=now)
        raise LoginRequired(account.broker) from None


def funds_of(account: Account, *, now: datetime) -> Decimal:
    """Rupees that the account can spend now. Raises BrokerSilent, LoginRequired."""
    return ask_broker(account, lambda broker, session: broker.funds(session, now=now), now=now)


def live_session_of(account: Account) -> LiveSession:
    """Raises LoginRequired."""
    try:
        return session_of(account)
    except SessionEnded:
        raise LoginRequired(account.broker) from None
