"""Django's error handlers. Under the checkout's URLs they show a page for users, elsewhere Django's default.

They do not use the database, because it may be the cause.
"""

import re
from typing import Final

from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.views import defaults

from gateway.http.envelope import Page
from gateway.http.middleware import SCREENS
from transactions.checkout.pages.screen_policy import guard

HOME: Final = re.compile(rf"{SCREENS}[\w-]{{43}}/", re.ASCII)


def refused(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """400: a request that could not be read."""
    if _is_screen(request):
        return guard(message_page(request, "refused", 400))
    return defaults.bad_request(request, exception)  # type: ignore[arg-type]


def unknown(request: HttpRequest, exception: Exception) -> HttpResponse:
    return guard(lost()) if _is_screen(request) else defaults.page_not_found(request, exception)


def crashed(request: HttpRequest) -> HttpResponse:
    return guard(message_page(request, "trouble", 500)) if _is_screen(request) else defaults.server_error(request)


def lost() -> Page:
    """404. An unknown URL and an expired URL get the same page."""
    return Page(render_to_string("checkout/lost.html"), status=404)


def message_page(request: HttpRequest, what: str, status: int, *, nonce: str = "") -> Page:
    """A page with the texts of `what` (refused, trouble, busy or bound) and a button back to the checkout.

    `nonce` is the login form's: the button sends it again, because after a login only that form leads to the session.
    """
    home = HOME.match(request.path)
    context = {"what": what, "home": home and home[0], "nonce": nonce}
    return Page(render_to_string("checkout/message.html", context), status=status)


def _is_screen(request: HttpRequest) -> bool:
    return request.path.startswith(SCREENS)
