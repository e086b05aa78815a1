"""The installation's error handlers: on the checkout's screens a person reads a page, everywhere else all is as it was.

They ask no database, for that may be what is broken.
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
    """What no view could read."""
    return guard(told(request, "refused", 400)) if _is_screen(request) else defaults.bad_request(request, exception)  # type: ignore[arg-type]


def unknown(request: HttpRequest, exception: Exception) -> HttpResponse:
    return guard(lost()) if _is_screen(request) else defaults.page_not_found(request, exception)


def crashed(request: HttpRequest) -> HttpResponse:
    return guard(told(request, "trouble", 500)) if _is_screen(request) else defaults.server_error(request)


def lost() -> Page:
    """For a URL that leads nowhere: the same whether it never did or does no more."""
    return Page(render_to_string("checkout/lost.html"), status=404)


def told(request: HttpRequest, what: str, status: int, *, nonce: str = "") -> Page:
    """`what` is refused, trouble, busy or bound; with a way back to the checkout, which says what has become of it.

    `nonce` is of a login form: the way back then sends it again, for after a login only that form leads on.
    """
    home = HOME.match(request.path)
    context = {"what": what, "home": home and home[0], "nonce": nonce}
    return Page(render_to_string("checkout/told.html", context), status=status)


def _is_screen(request: HttpRequest) -> bool:
    return request.path.startswith(SCREENS)
