"""Records every login, failed login and logout, by Django's signals."""

from typing import Any, Final

from axes.signals import user_locked_out
from django.conf import settings
from django.contrib.auth.models import User
from django.contrib.auth.signals import user_logged_in, user_logged_out, user_login_failed
from django.db.transaction import atomic
from django.dispatch import receiver
from django.http import HttpRequest

from gateway.api.rate_limits import count_guess
from gateway.audit.trail import record
from gateway.http.client_address import remote_network
from gateway.identity.login import guesser
from gateway.identity.session_timeout import begin
from gateway.partners import clock

NOBODY: Final = "(no such name)"


@receiver(user_logged_in)
def logged_in(*, request: HttpRequest | None, user: User, **_: Any) -> None:
    if request is not None:
        begin(request, now=clock.wall())
    _record(request, user, "log in", str(user))


@receiver(user_logged_out)
def logged_out(*, request: HttpRequest | None, user: User | None, **_: Any) -> None:
    if user is not None:  # a logout without a login changes nothing
        _record(request, user, "log out", str(user))


@receiver(user_login_failed)
def login_failed(*, credentials: dict[str, Any], request: HttpRequest | None = None, **_: Any) -> None:
    """The user is unknown here; the typed name is recorded if a user has it.

    During a lock-out only the lock-out is recorded, so that an attacker cannot fill the audit trail.
    """
    if request is not None:
        count_guess(guesser(request), now=clock.wall())
        if getattr(request, "axes_locked_out", False):
            return
    _record(request, None, "log in, refused", _known(str(credentials.get("username", ""))))


@receiver(user_locked_out)
def locked_out(*, request: HttpRequest, username: str | None, **_: Any) -> None:
    """Axes sends this signal with every attempt; only the attempt that reached the limit is recorded."""
    if getattr(request, "axes_failures_since_start", 0) == settings.AXES_FAILURE_LIMIT:
        _record(request, None, "lock out", _known(username or ""))


def _known(name: str) -> str:
    """A name of no user may be a password in the wrong field, which must not be in the trail for ever."""
    return name if name.isprintable() and User.objects.filter(username=name).exists() else NOBODY


def _record(request: HttpRequest | None, user: User | None, act: str, name: str) -> None:
    address = remote_network(request.META) if request else ""
    with atomic():
        record(by=user, act=act, subject=f"user {name}", before={}, after={}, address=address, now=clock.wall())
