"""Every login, failed login and logout is recorded. Django tells of them by signals, wherever they happen."""

from typing import Any

from django.contrib.auth.models import User
from django.contrib.auth.signals import user_logged_in, user_logged_out, user_login_failed
from django.db.transaction import atomic
from django.dispatch import receiver
from django.http import HttpRequest

from gateway import clock
from gateway.addresses import remote_network
from gateway.audit import record


@receiver(user_logged_in)
def logged_in(*, request: HttpRequest | None, user: User, **_: Any) -> None:
    _record(request, user, "log in", str(user))


@receiver(user_logged_out)
def logged_out(*, request: HttpRequest | None, user: User | None, **_: Any) -> None:
    if user is not None:  # a stranger's logout ends nothing
        _record(request, user, "log out", str(user))


@receiver(user_login_failed)
def login_failed(*, credentials: dict[str, Any], request: HttpRequest | None = None, **_: Any) -> None:
    """Nobody is known by now: the name is what somebody typed."""
    _record(request, None, "log in, refused", str(credentials.get("username", "")))


def _record(request: HttpRequest | None, user: User | None, act: str, name: str) -> None:
    address = remote_network(request.META) if request else ""
    with atomic():
        record(by=user, act=act, subject=f"user {name}", before={}, after={}, address=address, now=clock.wall())
