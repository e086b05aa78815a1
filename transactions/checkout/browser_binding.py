"""A checkout belongs to the browser that logged in (docs/adr/0011).

Two URLs. Until the login, the URL that the partner's page got is a capability: anyone who knows it may log in. The
login moves the session to a second URL, in the same database transaction as the claim, and only the response to the
login form contains that URL. There is no cookie, so the checkout works in a frame on another site.

The second URL's token is computed from a nonce in the login form. Each load of the login page has its own nonce, 256
random bits that only this response contains. So a form that is sent twice (a double tap, a reload after a lost
response) leads to the same URL, and a form of another page load does not. Only a digest of the token is stored.

Two secrets. `codeVerifier` stays with the page that opened the session. `resultCode` is computed from the second
URL's token, so only the window that logged in can pass it on, also after a reload. A caller with both secrets gets the
result, once.
"""

import base64
import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.utils.crypto import constant_time_compare, salted_hmac

from transactions.lifecycle.transitions import TransactionUsed
from transactions.models import CheckoutSession

TOKEN_BYTES: Final = 32
KEPT_FOR: Final = timedelta(days=7)  # by the gateway's clock; an AMO placed before a weekend has ended by then
LOGIN_SALT: Final = "transactions.binding.login"
CODE_PREFIX: Final = "result code of "


@dataclass(frozen=True, slots=True)
class LoginWindow:
    """The window of a login: its session, the token of its URL after the login, and a digest of its network."""

    session: int
    token: str
    network: str = ""


def new_token() -> str:
    """256 random bits, for a session's first URL or the nonce of a login form."""
    return secrets.token_urlsafe(TOKEN_BYTES)


def digest(token: str) -> str:
    """SHA-256 in hex. A token has 256 random bits, so no salt is needed."""
    return hashlib.sha256(token.encode()).hexdigest()


def login_token(session: CheckoutSession, nonce: str) -> str:
    """The second URL's token, the same for the same form. Computed with our secret key, so callers cannot guess it."""
    return _base64url(salted_hmac(LOGIN_SALT, f"{session.pk} {nonce}", algorithm="sha256").digest())


def result_code(token: str) -> str:
    """The code that the window at this URL passes on. The URL cannot be computed from the code."""
    return _base64url(hashlib.sha256((CODE_PREFIX + token).encode()).digest())


def challenge_of(verifier: str) -> str:
    """The challenge of a verifier (RFC 7636, S256)."""
    return _base64url(hashlib.sha256(verifier.encode()).digest())


def bind(window: LoginWindow) -> None:
    """Moves the session to the window's URL. The UPDATE is the check: for a second login, raises TransactionUsed.

    Call inside the database transaction that claims the login, with the row of the Transaction locked.
    """
    open_still = CheckoutSession.objects.filter(pk=window.session, ended_at=None, login_token_digest=None)
    bound = open_still.update(
        login_token_digest=digest(window.token),
        result_digest=digest(result_code(window.token)),
        login_network=window.network,
    )
    if not bound:
        raise TransactionUsed


def is_outside(session: CheckoutSession, token: str) -> bool:
    """Whether the session was logged in to at another URL. (The sandbox's user logs in without a URL.)"""
    if session.login_token_digest is None:
        return session.transaction.logged_in_at is not None
    return not constant_time_compare(digest(token), session.login_token_digest)


def is_opener(session: CheckoutSession, verifier: str) -> bool:
    """Whether `verifier` is the secret of the page that opened the session."""
    return bool(verifier) and constant_time_compare(challenge_of(verifier), session.code_challenge)


def may_have_result(session: CheckoutSession, code: str, *, now: datetime) -> bool:
    """Whether `code` is the unused result code of the window that logged in."""
    is_right = bool(code) and constant_time_compare(digest(code), session.result_digest)
    return is_right and is_kept(session, now=now)


def use_result_code(session: CheckoutSession) -> bool:
    """Uses the code up. The UPDATE is the check: one of several concurrent requests gets True."""
    unused = CheckoutSession.objects.filter(pk=session.pk).exclude(result_digest="")
    return bool(unused.update(result_digest=""))


def is_kept(session: CheckoutSession, *, now: datetime) -> bool:
    return session.created_at + KEPT_FOR >= now


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
