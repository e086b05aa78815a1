"""The login in place of the confirmation, after the user's session at the broker has ended.

The user's choices go along: from the confirmation's form into the login form, and from there into the query of the
confirmation's URL. Nothing is placed by them; the user confirms again.
"""

from collections.abc import Mapping
from typing import Final
from urllib.parse import parse_qsl, urlencode

from brokers.ports.registry import profile_of
from gateway.http.envelope import Page
from transactions.checkout import sessions
from transactions.checkout.pages.frame import Screen
from transactions.domain.statuses import TransactionStatus
from transactions.lifecycle.transitions import account_of
from transactions.sandbox.sandbox_accounts import test_accounts

NO_CHOICES: Final = frozenset({"action", "anyway", "shown", "account", "choices", "client_id", "nonce", "pin", "q"})
MOST: Final = 6_000  # characters of a query; proxies refuse long ones


def screen(there: Screen, *, choices: str, client_id: str = "", error: str = "") -> Page:
    """The form, with the client id of the account, which this window has logged in to before."""
    session, account = there.session, account_of(there.session.transaction)
    is_confirmed = session.transaction.status == TransactionStatus.PROCESSING
    return there.page(
        "login",
        step=4 if is_confirmed else 2,
        again="orders" if is_confirmed else "order",
        broker=profile_of(account.broker),
        client_id=client_id or account.client_id,
        error=error,
        attempts_left=sessions.attempts_left(session),
        accounts=test_accounts(session)[:1],
        choices=choices,
        is_connected=True,
    )


def choices_in(form: Mapping[str, str]) -> str:
    """What the user has chosen and typed, as a query; empty if it is too long for a URL."""
    choices = urlencode([(name, form.get(name, "")) for name in form if name not in NO_CHOICES])
    return choices if len(choices) <= MOST else ""


def choices_kept(form: Mapping[str, str]) -> str:
    """Those that the login form has carried along."""
    return choices_in(dict(parse_qsl(form.get("choices", "")[:MOST], keep_blank_values=True)))
