"""Ends a console login when it is idle, and at the latest after a working day."""

from collections.abc import Callable
from datetime import datetime
from typing import Any, Final

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import logout
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse

from gateway.partners import clock

BEGAN, SEEN = "console_began", "console_seen"
# A session is written at most this often per idle time, not with every request.
PARTS: Final = 15


def begin(request: HttpRequest, *, now: datetime) -> None:
    """Starts both the idle time and the working day of a new login."""
    request.session[BEGAN] = request.session[SEEN] = int(now.timestamp())


class Idle:
    """Middleware. Stores the time of the last use, rounded down to a fifteenth of the idle time.

    So a login may end this much too early, but never too late.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(self, request: HttpRequest, *_: Any) -> HttpResponse | None:
        found = request.resolver_match
        if found is None or found.app_name != "admin" or not request.user.is_authenticated:
            return None
        if BEGAN not in request.session:
            begin(request, now=clock.wall())
        now, idle = int(clock.wall().timestamp()), settings.CONSOLE_IDLE_MINUTES * 60
        began, seen = (request.session[name] for name in (BEGAN, SEEN))
        if now - seen > idle or now - began > settings.CONSOLE_SESSION_HOURS * 3600:
            logout(request)
            messages.warning(request, "You were logged out because the console was idle.")
            return redirect_to_login(request.get_full_path() if request.method == "GET" else "/admin/", "/admin/login/")
        if now - seen > idle // PARTS:
            request.session[SEEN] = now
        return None
