"""A user's question to the broker while the user waits: funds and holdings.

What happens when a session turns out to have ended is transactions' business: it registers a function.
"""

from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from typing import TypeVar

from django.utils.module_loading import import_string

from brokers.ports.broker import Broker, LiveSession, SessionEnded, Unreachable
from brokers.ports.registry import adapter_for, profile_of
from brokers.sessions import session_of
from gateway.models import Account
from gateway.values.errors import Conflict, Unavailable

T = TypeVar("T")
# The dotted path of a function of account, session and `now`.
_session_ends: list[str] = []


class BrokerSilent(Unavailable):
    """The broker cannot be reached. The transaction has not changed."""

    def __init__(self, broker: str) -> None:
        super().__init__(f"{profile_of(broker).name} isn't responding. Try again.")


class LoginRequired(Conflict):
    """The session at the broker has ended. The transaction has not changed; the checkout shows its login again."""

    def __init__(self, broker: str) -> None:
        super().__init__(f"The session at {profile_of(broker).name} has ended. Log in again.")


def register_session_end(path: str) -> None:
    """The function is called when a question finds the session ended. Registering again replaces it."""
    _session_ends[:] = [path]


def ask_broker(account: Account, question: Callable[[Broker, LiveSession], T], *, now: datetime) -> T:
    """The broker's answer. Raises BrokerSilent, LoginRequired."""
    session = live_session_of(account)
    try:
        return question(adapter_for(account.broker), session)
    except Unreachable:
        raise BrokerSilent(account.broker) from None
    except SessionEnded:
        for path in _session_ends:
            import_string(path)(account, session, now=now)
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
