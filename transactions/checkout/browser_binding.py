"""A checkout belongs to the browser that logged in (docs/adr/0011).

Two URLs. Until the login, the URL that the partner's page was given is a capability: who knows it may log in. The
login moves the session to a second URL, in the transaction that claims the login, and only the response to the login
form names it. There is no cookie, so that a frame in another site's page works.

The second URL's token is computed from a nonce in the login form. Each load of the login page has a nonce of its own,
256 random bits that its response alone carried. So a form that is sent twice (a double tap, a reload after a lost
response) is led to the same URL, and a form of any other page load is led nowhere: no more than a digest of the token
is kept, and nobody else can compute it.

Two secrets. `codeVerifier` stays with the page that opened the session. `resultCode` is computed from the second URL's
token, so that only the window that logged in can pass it on, after a reload too. The result is for who has both, once.
"""

import base64
import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.utils.crypto import constant_time_compare, salted_hmac

from transactions.lifecycle.fail import TransactionUsed
from transactions.models import CheckoutSession

TOKEN_BYTES: Final = 32
KEPT_FOR: Final = timedelta(days=7)  # by its gateway's clock; a weekend's AMO is over by then
LOGIN_SALT: Final = "transactions.binding.login"
CODE_PREFIX: Final = "result code of "


@dataclass(frozen=True, slots=True)
class LoginWindow:
    """The window that a login comes from: its session, the token of its URL from then on, a digest of its network."""

    session: int
    token: str
    network: str = ""


def new_token() -> str:
    """256 random bits: a session's first URL, or the nonce of a login form."""
    return secrets.token_urlsafe(TOKEN_BYTES)


def digest(token: str) -> str:
    """256 random bits cannot be guessed from it; a salt would add nothing."""
    return hashlib.sha256(token.encode()).hexdigest()


def login_token(session: CheckoutSession, nonce: str) -> str:
    """The token of the second URL; the same for the same login form. A key of ours is in it, whatever the nonce is."""
    return _base64url(salted_hmac(LOGIN_SALT, f"{session.pk} {nonce}", algorithm="sha256").digest())


def result_code(token: str) -> str:
    """What the window at this URL passes on; the URL cannot be computed from it."""
    return _base64url(hashlib.sha256((CODE_PREFIX + token).encode()).digest())


def challenge_of(verifier: str) -> str:
    """RFC 7636, S256."""
    return _base64url(hashlib.sha256(verifier.encode()).digest())


def bind(window: LoginWindow) -> None:
    """The UPDATE is the check: of two logins one moves the session. Raises TransactionUsed for the other.

    To be called in the transaction that claims the login, with the transaction's row locked.
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
    """Somebody has logged in, and not at this URL. (The sandbox's user logs in at none.)"""
    if session.login_token_digest is None:
        return bool(session.transaction.encrypted_login)
    return not constant_time_compare(digest(token), session.login_token_digest)


def is_opener(session: CheckoutSession, verifier: str) -> bool:
    """Whether the caller has the secret of the page that opened the session."""
    return bool(verifier) and constant_time_compare(challenge_of(verifier), session.code_challenge)


def may_have_result(session: CheckoutSession, code: str, *, now: datetime) -> bool:
    """Whether the code is the one that the window that logged in passes on, and has not been used up."""
    is_right = bool(code) and constant_time_compare(digest(code), session.result_digest)
    return is_right and is_kept(session, now=now)


def use_result_code(session: CheckoutSession) -> bool:
    """The UPDATE is the check: of all who ask with the right code, one is given the result."""
    unused = CheckoutSession.objects.filter(pk=session.pk).exclude(result_digest="")
    return bool(unused.update(result_digest=""))


def is_kept(session: CheckoutSession, *, now: datetime) -> bool:
    return session.created_at + KEPT_FOR >= now


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
